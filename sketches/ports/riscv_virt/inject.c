/* Faults on request, one of each kind, in images built for the tests of the trap handler. The numbers are those of
 * sketches/ports/cortex_m/kt_inject.c, as far as this machine has such a fault. */
#include "kt_riscv.h"

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

void kt_port_inject(int number)
{
    const kt_board_app *const app = kt_app();
    switch (number) {
    case 0:
        __asm__ volatile("ebreak");
        break;
    case 1: { /* code where there can be none */
        void (*const function)(void) = (void (*)(void))(uintptr_t)0x18000000U;
        function();
        break;
    }
    case 2: /* nothing answers */
        sink = *(volatile uint32_t *)0x18000000U;
        break;
    case 3:
        *(volatile uint32_t *)0x18000000U = 1;
        break;
    case 4:
        __asm__ volatile(".word 0");
        break;
    case 8:
        sink = recurse(0);
        break;
    case 9:
        large_frame();
        break;
    case 10:
        app->guards[1][0] = 0;
        break;
    case 11:
        app->guards[0][KT_GUARD_WORDS - 1] ^= 1;
        break;
    case 12:
        assert(number == 0);
        break;
    default:
        break;
    }
}

#endif
