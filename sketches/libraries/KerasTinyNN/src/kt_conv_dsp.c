/* Convolution with DSP instructions: six output pixels at a time, two multiply-accumulates per instruction.
 *
 * The six pixels' windows are widened to int16 once, in the order in which SXTB16 widens the weights (bytes 0 and 2,
 * then 1 and 3), pixel by pixel within every group of four taps. All output channels then run over them:
 * 18 instructions for 24 products, weights straight from flash.
 */
#include "kt_conv.h"
#include "kt_dsp.h"

enum { PIXELS = 6, TAPS = 4 /* of a group */, GROUP_BYTES = PIXELS * TAPS * 2 };

/* What the assembly works on; its order is the assembly's. */
typedef struct {
    int32_t offsets[PIXELS - 1]; /* of pixels 1..5 behind pixel 0; 0 for pixels that are not there */
    const kt_channel *channel;
    int32_t addend; /* 1 + 2 * zero point of the output */
    int8_t *out;
    const uint32_t *block;
    const uint32_t *block_end;
    const int8_t *weights_end;
    const int8_t *weights;
} kt_block_state;

_Static_assert(sizeof(kt_block_state) == 12 * 4, "the assembly below counts on it");

/* Adds four weights times four inputs to the accumulators r0..r5. */
#define TWO_PIXELS(a, b)                                                                                               \
    "ldm r12!, {r8-r11}\n"                                                                                             \
    "smlad " a ", r6, r8, " a "\n"                                                                                     \
    "smlad " b ", r6, r10, " b "\n"                                                                                    \
    "smlad " a ", r7, r9, " a "\n"                                                                                     \
    "smlad " b ", r7, r11, " b "\n"
#define GROUP                                                                                                          \
    "ldr r6, [lr], #4\n"                                                                                               \
    "sxtb16 r7, r6, ror #8\n"                                                                                          \
    "sxtb16 r6, r6\n" TWO_PIXELS("r0", "r1") TWO_PIXELS("r2", "r3") TWO_PIXELS("r4", "r5")

/* All output channels of a block. The state is copied to the stack, where the assembly finds it by the stack pointer:
 * all fourteen other registers are in use. Pixels are stored last to first, so that absent ones are overwritten. */
#define RUN_BLOCK(SIGN)                                                                                                \
    "push {r4-r11, lr}\n"                                                                                              \
    "ldrd r1, lr, [r0, #40]\n"                                                                                         \
    "push {r1}\n"                                                                                                      \
    "ldm r0, {r1-r10}\n"                                                                                               \
    "push {r1-r10}\n"                                                                                                  \
    "1:\n"                                                                                                             \
    "ldr r6, [sp, #20]\n"                                                                                              \
    "ldr r12, [sp, #32]\n"                                                                                             \
    "ldr r0, [r6]\n"                                                                                                   \
    "asr r0, r0, #5\n"                                                                                                 \
    "mov r1, r0\n"                                                                                                     \
    "mov r2, r0\n"                                                                                                     \
    "mov r3, r0\n"                                                                                                     \
    "mov r4, r0\n"                                                                                                     \
    "mov r5, r0\n"                                                                                                     \
    "2:\n" GROUP GROUP "ldr r6, [sp, #36]\n"                                                                           \
    "cmp r12, r6\n"                                                                                                    \
    "bne 2b\n"                                                                                                         \
    "ldrd r8, r10, [sp, #20]\n"                                                                                        \
    "ldrd r7, r6, [r8], #8\n"                                                                                          \
    "str r8, [sp, #20]\n"                                                                                              \
    "and r7, r7, #31\n" KT_REQUANTIZE("r0", "r6", "r7", "r10", SIGN) KT_REQUANTIZE("r1", "r6", "r7", "r10", SIGN)      \
        KT_REQUANTIZE("r2", "r6", "r7", "r10", SIGN) KT_REQUANTIZE("r3", "r6", "r7", "r10", SIGN)                      \
            KT_REQUANTIZE("r4", "r6", "r7", "r10", SIGN) KT_REQUANTIZE("r5", "r6", "r7", "r10", SIGN)                  \
    "ldr r11, [sp, #28]\n"                                                                                             \
    "ldm sp, {r6-r10}\n"                                                                                               \
    "strb r5, [r11, r10]\n"                                                                                            \
    "strb r4, [r11, r9]\n"                                                                                             \
    "strb r3, [r11, r8]\n"                                                                                             \
    "strb r2, [r11, r7]\n"                                                                                             \
    "strb r1, [r11, r6]\n"                                                                                             \
    "strb r0, [r11], #1\n"                                                                                             \
    "ldr r6, [sp, #40]\n"                                                                                              \
    "str r11, [sp, #28]\n"                                                                                             \
    "cmp lr, r6\n"                                                                                                     \
    "bne 1b\n"                                                                                                         \
    "add sp, sp, #44\n"                                                                                                \
    "pop {r4-r11, pc}\n"

__attribute__((naked, noinline)) static void run_block_relu(const kt_block_state *state __attribute__((unused)))
{
    __asm__ volatile(RUN_BLOCK(KT_NO_SIGN));
}

__attribute__((naked, noinline)) static void run_block_signed(const kt_block_state *state __attribute__((unused)))
{
    __asm__ volatile(RUN_BLOCK(KT_SIGN));
}

/* Widens `groups` groups of four bytes into one pixel of a block. */
static void widen(const int8_t *from, uint32_t *to, int32_t groups)
{
    uint32_t even, odd;
    __asm__ volatile("1:\n"
                     "ldr %[even], [%[from]], #4\n"
                     "sxtb16 %[odd], %[even], ror #8\n"
                     "sxtb16 %[even], %[even]\n"
                     "strd %[even], %[odd], [%[to]], %[step]\n"
                     "subs %[groups], %[groups], #1\n"
                     "bne 1b\n"
                     : [from] "+r"(from), [to] "+r"(to), [groups] "+r"(groups), [even] "=&r"(even), [odd] "=&r"(odd)
                     : [step] "i"(GROUP_BYTES)
                     : "cc", "memory");
}

static int8_t *copy(int8_t *to, const int8_t *from, int32_t count)
{
    for (; count >= 4; count -= 4, from += 4, to += 4) {
        kt_store_word(to, kt_load_word(from));
    }
    while (count-- > 0) {
        *to++ = *from++;
    }
    return to;
}

/* Collects the window of output column x. */
static void gather(const kt_conv_fast *c, const int8_t *const *rows, int32_t x, int8_t *to)
{
    const int32_t left = x * c->stride_w - c->pad_left;
    const int32_t channels = c->in_channels;
    const int whole = c->dilation_w == 1 && left >= 0 && left + c->window_w <= c->in_width;
    for (int32_t ky = 0; ky < c->window_h; ++ky) {
        if (whole && rows[ky] != NULL) {
            to = copy(to, rows[ky] + left * channels, c->window_w * channels);
            continue;
        }
        for (int32_t kx = 0; kx < c->window_w; ++kx) {
            const int32_t column = left + kx * c->dilation_w;
            if (rows[ky] != NULL && column >= 0 && column < c->in_width) {
                to = copy(to, rows[ky] + column * channels, channels);
            } else {
                for (int32_t i = 0; i < channels; ++i) {
                    *to++ = c->in_zero;
                }
            }
        }
    }
}

void kt_conv_row_dsp(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_conv_fast *const c = op;
    uint32_t *const block = scratch;
    const int32_t groups = c->filter_bytes / TAPS;
    int8_t *const window = (int8_t *)scratch + groups * GROUP_BYTES;
    const int direct = c->window_h == 1 && c->window_w == 1 && c->pad_left == 0 && c->in_channels == c->filter_bytes;
    kt_block_state state = {
        .addend = 1 + 2 * c->out_zero,
        .block = block,
        .block_end = block + groups * (GROUP_BYTES / 4),
        .weights = c->weights,
        .weights_end = c->weights + c->out_channels * c->filter_bytes,
    };
    for (int32_t x = 0; x < c->out_width; x += PIXELS) {
        const int32_t pixels = c->out_width - x < PIXELS ? c->out_width - x : PIXELS;
        for (int32_t p = 0; p < pixels; ++p) {
            const int8_t *from = window;
            if (direct) {
                from = rows[0] + (x + p) * c->stride_w * c->in_channels;
            } else {
                gather(c, rows, x + p, window);
            }
            widen(from, block + 2 * p, groups);
        }
        for (int32_t p = 1; p < PIXELS; ++p) {
            state.offsets[p - 1] = p < pixels ? p * c->out_channels : 0;
        }
        state.channel = c->channels;
        state.out = out + x * c->out_channels;
        if (c->is_relu) {
            run_block_relu(&state);
        } else {
            run_block_signed(&state);
        }
    }
}
