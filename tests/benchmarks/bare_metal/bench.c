/* Runs a compiled model on bare metal, compares its bytes and prints instructions per operator.
 *
 * The build adds samples.c (inputs and expected outputs) and one machine file (cortex_m.c, riscv.c).
 */
#include "bench.h"

static int8_t arena[BENCH_ARENA_BYTES] KT_ALIGNED;
static uint64_t spent[BENCH_OPERATORS + 1];
static int32_t current;

static void charge(void *context, int32_t operator_index)
{
    (void)context;
    spent[current] += machine_elapsed();
    current = operator_index < 0 ? BENCH_OPERATORS : operator_index;
}

static void print_number(const char *label, uint64_t value)
{
    char text[24];
    int at = sizeof text - 1;
    text[at] = '\0';
    do {
        text[--at] = (char)('0' + value % 10U);
        value /= 10U;
    } while (value != 0U);
    machine_print(label);
    machine_print(&text[at]);
    machine_print("\n");
}

static void copy(int8_t *to, const int8_t *from, int32_t count)
{
    for (int32_t i = 0; i < count; ++i) {
        to[i] = from[i];
    }
}

static int32_t count_wrong(const int8_t *expected, const int8_t *found, int32_t count)
{
    int32_t wrong = 0;
    for (int32_t i = 0; i < count; ++i) {
        wrong += found[i] != expected[i] ? 1 : 0;
    }
    return wrong;
}

int main(void)
{
    const kt_profile profile = {charge, NULL};
    const int8_t *inputs = bench_inputs;
    const int8_t *expected = bench_expected;
    int32_t wrong = 0;
    machine_start_timer();
    for (int32_t i = 0; i < bench_samples; ++i) {
        for (int32_t k = 0; k < BENCH_INPUTS; ++k) {
            copy(bench_input(arena, k), inputs, bench_input_bytes[k]);
            inputs += bench_input_bytes[k];
        }
        (void)machine_elapsed();
        current = BENCH_OPERATORS;
        bench_invoke(arena, i == 0 ? &profile : NULL);
        if (i == bench_samples - 1) {
            print_number("total ", machine_elapsed()); /* of the last sample, without the profile's own cost */
        }
        for (int32_t k = 0; k < BENCH_OUTPUTS; ++k) {
            wrong += count_wrong(expected, bench_output(arena, k), bench_output_bytes[k]);
            expected += bench_output_bytes[k];
        }
    }
    for (int32_t i = 0; i < BENCH_OPERATORS; ++i) {
        print_number("operator ", spent[i]);
    }
    print_number("wrong ", (uint64_t)wrong);
    machine_exit();
}
