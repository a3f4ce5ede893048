/* Depthwise 3x3 with DSP instructions.
 *
 * Four channels at a time: their three rows are turned from channels-fastest bytes into one row of int16 per channel,
 * two neighbouring pixels in a word, with the padding written out. A tap pair is then one SMLAD; four outputs run at
 * once.
 */
#include "kt_depthwise.h"
#include "kt_dsp.h"

enum { CHANNELS = 4, ROWS = 3, OUTPUTS = 4 };

/* What the assembly works on; its order is the assembly's. */
typedef struct {
    uint32_t taps[2 * ROWS]; /* (first, second) and (second, third) weight of every row */
    int32_t multiplier;      /* of kt_channel */
    int32_t shift;           /* to the right, less one */
    int32_t addend;          /* 1 + 2 * zero point of the output */
    int32_t step;            /* bytes from one output pixel to the next */
    int32_t left;            /* outputs to compute */
    int32_t bias;
    int32_t row_bytes; /* of a turned row */
    int8_t *out;
    const uint32_t *in;
    int32_t back; /* from the third row to the next outputs' first one */
} kt_line_state;

_Static_assert(sizeof(kt_line_state) == 16 * 4, "the assembly below counts on it");

/* One row of taps; accumulators r0..r3 continue from `a0`..`a3`. */
#define ROW_STRIDE_1(taps, a0, a1, a2, a3)                                                                             \
    "ldrd r4, r5, [sp, #" taps "]\n"                                                                                   \
    "ldm r12, {r6-r8}\n"                                                                                               \
    "smlad r0, r6, r4, " a0 "\n"                                                                                       \
    "smlatb r1, r6, r4, " a1 "\n"                                                                                      \
    "smlad r2, r7, r4, " a2 "\n"                                                                                       \
    "smlatb r3, r7, r4, " a3 "\n"                                                                                      \
    "smlabt r0, r7, r5, r0\n"                                                                                          \
    "smlad r1, r7, r5, r1\n"                                                                                           \
    "smlabt r2, r8, r5, r2\n"                                                                                          \
    "smlad r3, r8, r5, r3\n"
#define ROW_STRIDE_2(taps, a0, a1, a2, a3)                                                                             \
    "ldrd r4, r5, [sp, #" taps "]\n"                                                                                   \
    "ldm r12, {r6-r8}\n"                                                                                               \
    "smlad r0, r6, r4, " a0 "\n"                                                                                       \
    "smlad r1, r7, r4, " a1 "\n"                                                                                       \
    "smlabt r0, r7, r5, r0\n"                                                                                          \
    "ldrd r6, r7, [r12, #12]\n"                                                                                        \
    "smlad r2, r8, r4, " a2 "\n"                                                                                       \
    "smlabt r1, r8, r5, r1\n"                                                                                          \
    "smlad r3, r6, r4, " a3 "\n"                                                                                       \
    "smlabt r2, r6, r5, r2\n"                                                                                          \
    "smlabt r3, r7, r5, r3\n"

#define RUN_LINE(ROW, SIGN)                                                                                            \
    "push {r4-r11, lr}\n"                                                                                              \
    "ldm r0!, {r1-r11}\n"                                                                                              \
    "push {r1-r11}\n"                                                                                                  \
    "ldm r0, {r9-r12, lr}\n"                                                                                           \
    "1:\n" ROW("0", "r9", "r9", "r9", "r9") "add r12, r12, r10\n" ROW("8", "r0", "r1", "r2", "r3")                     \
    "add r12, r12, r10\n" ROW("16", "r0", "r1", "r2", "r3")                                                            \
    "ldrd r4, r5, [sp, #24]\n"                                                                                         \
    "ldrd r6, r7, [sp, #32]\n"                                                                                         \
    "ldr r8, [sp, #40]\n"                                                                                              \
    "add r12, r12, lr\n" KT_REQUANTIZE("r0", "r4", "r5", "r6", SIGN) KT_REQUANTIZE("r1", "r4", "r5", "r6", SIGN)       \
        KT_REQUANTIZE("r2", "r4", "r5", "r6", SIGN) KT_REQUANTIZE("r3", "r4", "r5", "r6", SIGN)                        \
    "subs r8, r8, #4\n"                                                                                                \
    "blt 2f\n"                                                                                                         \
    "strb r0, [r11]\n"                                                                                                 \
    "strb r1, [r11, r7]\n"                                                                                             \
    "strb r2, [r11, r7, lsl #1]\n"                                                                                     \
    "add r11, r11, r7, lsl #1\n"                                                                                       \
    "strb r3, [r11, r7]\n"                                                                                             \
    "add r11, r11, r7, lsl #1\n"                                                                                       \
    "str r8, [sp, #40]\n"                                                                                              \
    "bne 1b\n"                                                                                                         \
    "b 3f\n"                                                                                                           \
    "2:\n"                                                                                                             \
    "strb r0, [r11]\n"                                                                                                 \
    "cmn r8, #3\n"                                                                                                     \
    "beq 3f\n"                                                                                                         \
    "strb r1, [r11, r7]\n"                                                                                             \
    "cmn r8, #2\n"                                                                                                     \
    "it ne\n"                                                                                                          \
    "strbne r2, [r11, r7, lsl #1]\n"                                                                                   \
    "3:\n"                                                                                                             \
    "add sp, sp, #44\n"                                                                                                \
    "pop {r4-r11, pc}\n"

typedef void (*kt_run_line)(const kt_line_state *state);

#define DEFINE_LINE(name, ROW, SIGN)                                                                                   \
    __attribute__((naked, noinline)) static void name(const kt_line_state *state __attribute__((unused)))              \
    {                                                                                                                  \
        __asm__ volatile(RUN_LINE(ROW, SIGN));                                                                         \
    }

DEFINE_LINE(run_stride_1_signed, ROW_STRIDE_1, KT_SIGN)
DEFINE_LINE(run_stride_1_relu, ROW_STRIDE_1, KT_NO_SIGN)
DEFINE_LINE(run_stride_2_signed, ROW_STRIDE_2, KT_SIGN)
DEFINE_LINE(run_stride_2_relu, ROW_STRIDE_2, KT_NO_SIGN)

/* Words of one channel's turned row: two pixels each. */
static int32_t words_of(const kt_depthwise_fast *c)
{
    return (c->out_width + OUTPUTS - 1) / OUTPUTS * OUTPUTS / 2 * c->stride_w + 1;
}

/* Two pixels of four channels -> one word in each of four planes, `plane` words apart. */
KT_DSP_INLINE void turn(uint32_t left, uint32_t right, uint32_t *to, int32_t plane)
{
    const uint32_t left_even = kt_widen_even(left);
    const uint32_t left_odd = kt_widen_odd(left);
    const uint32_t right_even = kt_widen_even(right);
    const uint32_t right_odd = kt_widen_odd(right);
    to[0] = kt_pack_low(left_even, right_even);
    to[plane] = kt_pack_low(left_odd, right_odd);
    to[2 * plane] = kt_pack_high(left_even, right_even);
    to[3 * plane] = kt_pack_high(left_odd, right_odd);
}

/* Word i of a turned row holds columns 2i - pad_left and the one after; those outside are the input's zero. */
static void turn_row(const kt_depthwise_fast *c, const int8_t *row, uint32_t *to, int32_t words, int32_t plane)
{
    const uint32_t zero = (uint8_t)c->in_zero * UINT32_C(0x01010101);
    const int32_t channels = c->in_channels;
    uint32_t *const end = to + words;
    int32_t column = -c->pad_left;
    if (row == NULL) {
        for (; to < end; ++to) {
            turn(zero, zero, to, plane);
        }
        return;
    }
    if (column < 0) {
        turn(zero, kt_load_word(row), to++, plane);
        column += 2;
    }
    const int8_t *from = row + column * channels;
    for (; to < end && column + 1 < c->in_width; column += 2) {
        turn(kt_load_word(from), kt_load_word(from + channels), to++, plane);
        from += 2 * channels;
    }
    for (; to < end; column += 2) {
        turn(column < c->in_width ? kt_load_word(from) : zero, zero, to++, plane);
    }
}

static void load_taps(const int8_t *weights, uint32_t *taps)
{
    for (int r = 0; r < ROWS; ++r) {
        const uint32_t middle = (uint32_t)weights[1];
        *taps++ = kt_pack_low((uint32_t)weights[0], middle);
        *taps++ = kt_pack_low(middle, (uint32_t)weights[2]);
        weights += 3;
    }
}

/* Output rows of four channels from their turned rows. */
static void run_channels(
    const kt_depthwise_fast *c, kt_run_line run, const uint32_t *planes, int32_t plane_rows, int32_t first, int8_t *out,
    int32_t out_rows)
{
    const int32_t words = words_of(c);
    kt_line_state state = {
        .addend = 1 + 2 * c->out_zero,
        .step = c->in_channels,
        .left = c->out_width,
        .row_bytes = words * 4,
        .back = OUTPUTS * 2 * c->stride_w - 2 * words * 4,
    };
    for (int32_t o = first; o < first + CHANNELS; ++o) {
        load_taps(c->weights + 9 * o, state.taps);
        state.multiplier = c->channels[o].multiplier;
        state.shift = c->channels[o].bias_and_shift & 31;
        state.bias = c->channels[o].bias_and_shift >> 5;
        state.out = out + o;
        state.in = planes;
        for (int32_t y = 0; y < out_rows; ++y) {
            run(&state);
            state.in += words * c->stride_h;
            state.out += c->out_width * c->in_channels;
        }
        planes += plane_rows * words;
    }
}

__attribute__((noinline)) static void run_row(
    const kt_depthwise_fast *c, const kt_run_line *lines, const int8_t *const *rows, int8_t *out, uint32_t *planes)
{
    const int32_t words = words_of(c);
    for (int32_t first = 0; first < c->in_channels; first += CHANNELS) {
        for (int32_t r = 0; r < ROWS; ++r) {
            const int8_t *const row = rows[r] != NULL ? rows[r] + first : NULL;
            turn_row(c, row, planes + r * words, words, ROWS * words);
        }
        run_channels(c, lines[c->stride_w - 1], planes, ROWS, first, out, 1);
    }
}

__attribute__((noinline)) static void run_plane(
    const kt_depthwise_fast *c, const kt_run_line *lines, const int8_t *const *rows, int8_t *out, uint32_t *planes)
{
    const int32_t words = words_of(c);
    const int32_t plane_rows = (c->out_height - 1) * c->stride_h + ROWS;
    for (int32_t first = 0; first < c->in_channels; first += CHANNELS) {
        for (int32_t r = 0; r < plane_rows; ++r) {
            const int32_t y = r - c->pad_top;
            const int inside = y >= 0 && y < c->in_height;
            const int8_t *const row = inside ? rows[0] + y * c->in_width * c->in_channels + first : NULL;
            turn_row(c, row, planes + r * words, words, plane_rows * words);
        }
        run_channels(c, lines[c->stride_w - 1], planes, plane_rows, first, out, c->out_height);
    }
}

/* Functions of their own, so that a model without one of them is linked without its inner loops. */
static const kt_run_line lines_relu[2] = {run_stride_1_relu, run_stride_2_relu};
static const kt_run_line lines_signed[2] = {run_stride_1_signed, run_stride_2_signed};

void kt_depthwise_3x3_row_relu_dsp(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    run_row(op, lines_relu, rows, out, scratch);
}

void kt_depthwise_3x3_row_dsp(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    run_row(op, lines_signed, rows, out, scratch);
}

void kt_depthwise_3x3_plane_relu_dsp(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    run_plane(op, lines_relu, rows, out, scratch);
}

void kt_depthwise_3x3_plane_dsp(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    run_plane(op, lines_signed, rows, out, scratch);
}
