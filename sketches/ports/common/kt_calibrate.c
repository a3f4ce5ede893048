/* Does the clock count instructions? A loop of known length tells. */
#include "kt_calibrate.h"

#include "kt_divide.h"
#include "kt_port.h"

enum { SHORT_LOOPS = 1000, LONG_LOOPS = 17000, INSTRUCTIONS_PER_LOOP = 2, TRIALS = 3 };
/* Of a difference of two times, each of them cut to whole ticks. */
enum { SLACK_TICKS = 2 };

__attribute__((noinline)) static uint32_t ticks_of(uint32_t loops)
{
    const uint64_t begin = kt_port_ticks();
#if defined(__riscv)
    __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(loops));
#elif defined(__arm__)
    __asm__ volatile("1: subs %0, #1\n bne 1b" : "+l"(loops) : : "cc");
#else
    (void)loops; /* two equal measurements: no count */
#endif
    return (uint32_t)(kt_port_ticks() - begin);
}

void kt_calibrate(kt_link_clock *clock)
{
    /* The difference of two lengths: reading the clock itself falls out. */
    const uint32_t instructions = (LONG_LOOPS - SHORT_LOOPS) * INSTRUCTIONS_PER_LOOP;
    uint32_t ticks = 0;
    for (int trial = 0; trial < TRIALS; ++trial) {
        const uint32_t measured = ticks_of(LONG_LOOPS) - ticks_of(SHORT_LOOPS);
        const uint32_t off = measured > ticks ? measured - ticks : ticks - measured;
        if (trial > 0 && off > SLACK_TICKS) {
            return; /* time passes at another pace than instructions */
        }
        ticks = measured;
    }
    /* An emulator gives every instruction 2^shift ns: only such a ratio is a count. */
    const uint32_t ticks_per_us = clock->ticks_per_s / 1000000U;
    for (uint32_t ns = 1; ns <= 1024; ns *= 2) {
        const uint64_t expected = kt_divide((uint64_t)instructions * ns * ticks_per_us, 1000U);
        if (ticks + SLACK_TICKS >= expected && ticks <= expected + SLACK_TICKS) {
            clock->instructions_per = 1000U;
            clock->ticks_per = ns * ticks_per_us;
            return;
        }
    }
}
