/* What survives a reset. */
#include "kt_boot.h"

#include <string.h>

#include "kt_crc32.h"

typedef struct {
    uint32_t boot_count;
    uint32_t session;
    kt_fault fault; /* KT_FAULT_NONE if the program did not end by one */
    uint32_t crc32; /* of all before it */
} kept_record;

static kept_record kept __attribute__((section(".noinit")));

static uint32_t crc32_of(const kept_record *record)
{
    return kt_crc32(0, record, offsetof(kept_record, crc32));
}

static const char *const names[KT_FAULT_CAUSES] = {
    [KT_FAULT_NONE] = "none",
    [KT_FAULT_HARD] = "hard fault",
    [KT_FAULT_MEMORY] = "memory protection",
    [KT_FAULT_BUS] = "bus error",
    [KT_FAULT_INSTRUCTION] = "bad instruction",
    [KT_FAULT_ALIGNMENT] = "unaligned access",
    [KT_FAULT_DIVISION] = "division by zero",
    [KT_FAULT_STACK_OVERFLOW] = "stack overflow",
    [KT_FAULT_ARENA_OVERFLOW] = "arena overflow",
    [KT_FAULT_ASSERTION] = "assertion",
    [KT_FAULT_INTERRUPT] = "unexpected interrupt",
};

const char *kt_fault_name(uint32_t cause)
{
    return cause < KT_FAULT_CAUSES ? names[cause] : "unknown";
}

static char *append(char *to, const char *text)
{
    while (*text != '\0') {
        *to++ = *text++;
    }
    return to;
}

static char *append_hex(char *to, const char *label, uint32_t value)
{
    to = append(to, label);
    for (int shift = 28; shift >= 0; shift -= 4) {
        *to++ = "0123456789abcdef"[value >> shift & 15];
    }
    return to;
}

/* At most 87 characters with the longest name. */
static const char *describe(const kt_fault *fault)
{
    static char text[KT_RESET_CAUSE_BYTES];
    char *end = append(text, kt_fault_name(fault->cause));
    end = append_hex(end, ", pc ", fault->pc);
    end = append_hex(end, ", sp ", fault->sp);
    end = append_hex(end, ", status ", fault->status);
    end = append_hex(end, ", address ", fault->address);
    *end = '\0';
    return text;
}

void kt_boot(kt_board_start *start, const char *hardware_cause, uint32_t entropy)
{
    if (kept.crc32 != crc32_of(&kept)) {
        memset(&kept, 0, sizeof kept);
    }
    start->reset_cause = kept.fault.cause != KT_FAULT_NONE ? describe(&kept.fault) : hardware_cause;
    const uint32_t noise[] = {entropy, kept.boot_count, kept.session};
    uint32_t session = 1 + kt_crc32(0, noise, sizeof noise) % 0xFFFF;
    if (session == kept.session) {
        session = session % 0xFFFF + 1;
    }
    kept.boot_count += 1;
    kept.session = session;
    kept.fault.cause = KT_FAULT_NONE;
    kept.crc32 = crc32_of(&kept);
    start->boot_count = kept.boot_count;
    start->session = (uint16_t)session;
}

void kt_boot_keep(const kt_fault *fault)
{
    kept.fault = *fault;
    kept.crc32 = crc32_of(&kept);
}

uint32_t kt_boot_entropy(const uint32_t *words, uint32_t count)
{
    return kt_crc32(0, words, count * sizeof *words);
}
