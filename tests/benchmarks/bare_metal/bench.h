/* What bench.c needs: a machine (four functions) and a model with its samples (generated). */
#ifndef BENCH_H
#define BENCH_H

#include "bench_model.h"

void machine_start_timer(void);
uint64_t machine_elapsed(void); /* instructions since the last call */
void machine_print(const char *text);
void machine_exit(void) __attribute__((noreturn));

extern const int8_t bench_inputs[];   /* sample by sample, input by input */
extern const int8_t bench_expected[]; /* the same of the outputs */
extern const int32_t bench_samples;
extern const int32_t bench_input_bytes[BENCH_INPUTS];
extern const int32_t bench_output_bytes[BENCH_OUTPUTS];

int main(void);

#endif
