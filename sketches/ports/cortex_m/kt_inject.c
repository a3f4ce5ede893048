/* Faults on request, one of each kind, in images built for the tests of the fault handlers. */
#include "kt_cortex_m.h"

#ifdef KT_FAULT_INJECTION

#include <assert.h>

#include "kt_app.h"

static volatile uint32_t sink;
static volatile uint32_t depth_wanted = UINT32_MAX;

__attribute__((noinline)) static uint32_t recurse(uint32_t depth)
{
    volatile uint32_t local[16];
    local[depth % 16] = depth;
    if (depth == depth_wanted) {
        return 0;
    }
    return recurse(depth + 1) + local[depth % 16]; /* not a tail call */
}

__attribute__((noinline)) static void large_frame(void)
{
    volatile uint8_t local[8192];
    for (uint32_t i = 0; i < sizeof local; i += 64) {
        local[i] = 1;
    }
    sink = local[128];
}

static void call(uint32_t address)
{
    void (*const function)(void) = (void (*)(void))(uintptr_t)address;
    function();
}

void kt_port_inject(int number)
{
    const kt_board_app *const app = kt_app();
    switch (number) {
    case 0: /* a breakpoint without a debugger */
        __asm__ volatile("bkpt 1");
        break;
    case 1: /* code where there can be none */
        call(0x40000001U);
        break;
    case 2: /* nothing answers */
        sink = KT_REGISTER(0xD0000000U);
        break;
    case 3:
        KT_REGISTER(0xC0000000U) = 1;
        break;
    case 4:
        __asm__ volatile("udf 1");
        break;
    case 5: /* Arm state, which this core does not have */
        call(0x08000100U);
        break;
    case 6: /* two words at an odd address */
        __asm__ volatile("movs r0, #1\n orr r0, r0, #0x20000000\n ldrd r2, r3, [r0]" : : : "r0", "r2", "r3");
        break;
    case 7: {
        volatile int zero = 0;
        sink = (uint32_t)(7 / zero); /* not 1: that needs no division */
        break;
    }
    case 8:
        sink = recurse(0);
        break;
    case 9:
        large_frame();
        break;
    case 10:
        app->guards[1][0] = 0; /* the first word behind the arena */
        break;
    case 11:
        app->guards[0][KT_GUARD_WORDS - 1] ^= 1; /* one bit before it */
        break;
    case 12:
        assert(number == 0);
        break;
    case 13: /* an interrupt nobody asked for */
        NVIC_ISER(30U) = NVIC_BIT(30U);
        NVIC_ISPR(30U) = NVIC_BIT(30U);
        __asm__ volatile("dsb\n isb");
        break;
    default:
        break;
    }
}

#endif
