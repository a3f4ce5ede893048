/* KerasTinyNN: int8 kernels whose bytes equal TensorFlow Lite Micro's reference kernels.
 *
 * What it is for: `mcu/compiler` turns an int8 .tflite into tables of `kt_step`; this library walks them.
 * Nobody writes these tables by hand; a model's own header (kt_<name>.h) is all an application includes.
 *
 * How it works: every operator is a kernel that computes ONE OUTPUT ROW from the input rows it needs.
 *   - An operator on whole tensors is a step of one stage: the runner calls the kernel for every row.
 *   - Several operators that only feed each other are a step of several stages. Rows between them live in rings
 *     that hold just the rows in use, so that an inverted residual never keeps its widened tensor in memory.
 *   - Operators without rows (softmax, mean, concatenation) see their whole tensors as one row.
 *
 * Units and layout: tensors are int8, (height, width, channels), channels fastest; a row is width * channels bytes.
 * Memory: one arena of the caller's, aligned to 8 bytes. No heap, no global state, no libm: two models, or one model
 *   on two arenas, can run at the same time. Stack: below 1 KiB.
 * Blocking: kt_run returns when the step is done; nothing waits for anything.
 * Integers: two's complement and arithmetic right shift of negative numbers, as every compiler for the supported
 *   targets does (GCC, Clang, armclang, IAR); C99 leaves the latter to the implementation.
 */
#ifndef KT_NN_H
#define KT_NN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KT_MAX_WINDOW 64 /* rows that one kernel may see: 256 B of stack on a 32-bit machine */
#define KT_MAX_STAGES 16 /* stages of one step */

#if defined(__GNUC__)
#define KT_ALIGNED __attribute__((aligned(8)))
#else
#define KT_ALIGNED
#endif

/* Computes one output row.
 *   op       the operator's constants, one of the structs of the kernels' headers
 *   rows     input rows, top first; NULL where the window leaves the input. For two-operand kernels rows[0] and
 *            rows[1]; for concatenation rows[0] is the arena.
 *   out      where the row goes; may be an input row only if the kernel's header says so
 *   scratch  8-byte aligned, as large as the compiler planned for this operator; contents do not survive */
typedef void (*kt_kernel)(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

/* One operator: its kernel and where its rows are. Offsets are bytes from the start of the arena. */
typedef struct {
    kt_kernel kernel;
    const void *op;
    const int8_t *second_constant; /* second operand in flash, or NULL */
    uint32_t in;                   /* row y of the input is at in + (y % in_ring) * in_row_bytes */
    uint32_t second;               /* second operand, with rows like the output's; KT_NO_SECOND if there is none */
    uint32_t out;
    uint32_t scratch;
    int32_t in_row_bytes;
    int32_t out_row_bytes;
    int16_t in_ring;
    int16_t out_ring;
    int16_t in_height;
    int16_t out_height;
    int16_t window; /* rows of the kernel's window, its dilation and its step */
    int16_t dilation;
    int16_t stride;
    int16_t pad_top;
    int16_t operator_index; /* in the .tflite file */
} kt_stage;

#define KT_NO_SECOND UINT32_MAX

/* Stages that run together, row by row. */
typedef struct {
    const kt_stage *stages;
    int32_t stage_count; /* 1..KT_MAX_STAGES */
} kt_step;

/* Called before each row with the operator that is about to run, and with -1 at the end: read a timer and charge
 * what passed to the operator before. `context` is the caller's. */
typedef struct {
    void (*enter)(void *context, int32_t operator_index);
    void *context;
} kt_profile;

/* Runs steps in order. `profile` may be NULL. Does not fail: everything that could was checked by the compiler. */
void kt_run(const kt_step *steps, int32_t step_count, int8_t *arena, const kt_profile *profile);

#ifdef __cplusplus
}
#endif

#endif
