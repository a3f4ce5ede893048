/* Faults: which one, where, told over the link, kept over the reset (privileged specification 1.12, 3.1.15). */
#include "kt_boot.h"
#include "kt_port.h"
#include "kt_riscv.h"

#define INTERRUPT (1U << 31)
#define MACHINE_EXTERNAL (INTERRUPT | 11U)

/* Locked, so that it holds in machine mode too; a power of two; no access at all. */
#define PMP_LOCKED_NAPOT_NO_ACCESS 0x98U

void kt_enable_guard(void)
{
    const uint32_t begin = (uint32_t)(uintptr_t)kt_stack_guard;
    const uint32_t bytes = (uint32_t)(uintptr_t)kt_stack_guard_end - begin;
    KT_WRITE_CSR("pmpaddr0", begin >> 2 | ((bytes >> 3) - 1U));
    KT_WRITE_CSR("pmpcfg0", PMP_LOCKED_NAPOT_NO_ACCESS);
}

void kt_fault_end(const kt_fault *fault, const char *text)
{
    __asm__ volatile("csrci mstatus, 8");
    kt_boot_keep(fault);
    kt_board_fault(&kt_the_board, fault, text);
    kt_port_reset();
}

void kt_port_arena_overflow(const uint32_t *where)
{
    const kt_fault fault = {.cause = KT_FAULT_ARENA_OVERFLOW, .address = (uint32_t)(uintptr_t)where};
    kt_fault_end(&fault, "");
}

void kt_assert_failed(int line, const char *condition)
{
    const kt_fault fault = {
        .cause = KT_FAULT_ASSERTION,
        .pc = (uint32_t)(uintptr_t)__builtin_return_address(0),
        .address = (uint32_t)line,
    };
    kt_fault_end(&fault, condition);
}

static uint32_t cause_of(uint32_t mcause, uint32_t sp, uint32_t address)
{
    static const uint8_t causes[] = {
        [0] = KT_FAULT_ALIGNMENT, [1] = KT_FAULT_MEMORY,    [2] = KT_FAULT_INSTRUCTION, [3] = KT_FAULT_HARD,
        [4] = KT_FAULT_ALIGNMENT, [5] = KT_FAULT_BUS,       [6] = KT_FAULT_ALIGNMENT,   [7] = KT_FAULT_BUS,
    };
    const uint32_t guard = (uint32_t)(uintptr_t)kt_stack_guard;
    const uint32_t guard_end = (uint32_t)(uintptr_t)kt_stack_guard_end;
    if (sp < guard_end || (address >= guard && address < guard_end)) {
        return KT_FAULT_STACK_OVERFLOW;
    }
    return mcause < sizeof causes ? causes[mcause] : KT_FAULT_HARD;
}

__attribute__((used)) void kt_on_trap_c(uint32_t ra, uint32_t sp)
{
    const uint32_t mcause = KT_READ_CSR("mcause");
    if (mcause == MACHINE_EXTERNAL) {
        kt_on_uart();
        return;
    }
    kt_fault fault = {
        .pc = KT_READ_CSR("mepc"),
        .lr = ra,
        .sp = sp,
        .status = mcause,
        .address = KT_READ_CSR("mtval"),
    };
    fault.cause = (mcause & INTERRUPT) != 0 ? KT_FAULT_INTERRUPT : cause_of(mcause, sp, fault.address);
    kt_fault_end(&fault, "");
}
