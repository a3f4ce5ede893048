/* KerasTinyLink with MLPerf Tiny's protocol beside it as a process: blocks of a length and bytes, in and out.
 *
 *   mlperf_board SESSION IDENTITY_HEX MODEL_ID FLIP INPUT_BYTES OUTPUT_BYTES:SCALE_BITS:ZERO_POINT...
 *
 * Its model is that of tests/mcu/protocol/mlperf.py: each output byte is the complement of an input byte, but inputs
 * that begin with FAIL fail. Its input lies where its outputs do, as in an arena. Without arguments it takes lines of
 * STEPS and SCALE_BITS and answers each with the real value. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kt_mlperf.h"
#include "kt_port.h"
#include "kt_text.h"

enum { MAX_OUTPUTS = 4 };

static kt_tensor input;
static kt_bytes outputs[MAX_OUTPUTS];
static kt_mlperf_scale scales[MAX_OUTPUTS];
static kt_link_model model = {.inputs = &input, .outputs = outputs, .input_count = 1};
static uint8_t *arena;
static uint8_t *answer;
static size_t answer_bytes;
static uint32_t runs;
static uint64_t now;

void kt_port_write(const uint8_t *bytes, size_t count)
{
    answer = realloc(answer, answer_bytes + count);
    memcpy(answer + answer_bytes, bytes, count);
    answer_bytes += count;
}

uint64_t kt_port_ticks(void)
{
    return now += 500;
}

void kt_port_busy(int busy)
{
    (void)busy;
}

int kt_port_has_received(void)
{
    return 1;
}

void kt_port_set_baud(uint32_t baud)
{
    (void)baud; /* not offered */
}

void kt_port_reset(void)
{
    exit(EXIT_FAILURE); /* not asked for */
}

uint32_t kt_port_overruns(void)
{
    return 0;
}

static int invoke(void *context, uint32_t *ticks, const char **why)
{
    (void)context;
    (void)ticks;
    ++runs;
    if (input.bytes >= 4 && memcmp(input.data, "FAIL", 4) == 0) {
        *why = "the kernel divides by zero";
        return -1;
    }
    uint32_t row = 0;
    for (uint16_t k = 0; k < model.output_count; ++k) {
        row += outputs[k].bytes;
    }
    uint8_t *const copy = malloc(input.bytes);
    memcpy(copy, input.data, input.bytes);
    for (uint32_t i = 0; i < row; ++i) {
        arena[i] = (uint8_t)~copy[i % input.bytes];
    }
    free(copy);
    return 0;
}

static void serve(kt_mlperf *mlperf)
{
    uint32_t count;
    while (fread(&count, sizeof count, 1, stdin) == 1) {
        uint8_t *const bytes = malloc(count + 1U); /* its own block each time: ASan sees a byte too far */
        if (fread(bytes, 1, count, stdin) != count) {
            exit(2);
        }
        answer_bytes = 0;
        kt_mlperf_feed(mlperf, bytes, count);
        free(bytes);
        const uint32_t head[2] = {(uint32_t)answer_bytes, runs};
        fwrite(head, sizeof head, 1, stdout);
        if (answer_bytes > 0) {
            fwrite(answer, 1, answer_bytes, stdout);
        }
        fflush(stdout);
    }
}

static void print_reals(void)
{
    int steps;
    unsigned bits;
    while (scanf("%d %u", &steps, &bits) == 2) {
        answer_bytes = 0;
        kt_text_real(steps, bits);
        printf("%.*s\n", (int)answer_bytes, answer);
    }
    free(answer);
}

int main(int argc, char **argv)
{
    static kt_link link;
    static kt_mlperf mlperf;
    static kt_bytes identity;
    const kt_link_clock clock = {.ticks_per_s = 1000000};
    if (argc == 1) {
        print_reals();
        return 0;
    }
    const size_t identity_bytes = strlen(argv[2]) / 2;
    uint8_t *const block = malloc(identity_bytes);
    for (size_t i = 0; i < identity_bytes; ++i) {
        const char digits[3] = {argv[2][2 * i], argv[2][2 * i + 1], '\0'};
        block[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    identity = (kt_bytes){block, (uint32_t)identity_bytes};
    model.identity = &identity;
    model.identity_count = 1;
    input.bytes = (uint32_t)atol(argv[5]);
    uint32_t row = 0;
    for (int i = 6; i < argc; ++i) {
        unsigned bytes;
        unsigned bits;
        int zero_point;
        sscanf(argv[i], "%u:%u:%d", &bytes, &bits, &zero_point);
        outputs[model.output_count] = (kt_bytes){NULL, bytes};
        scales[model.output_count++] = (kt_mlperf_scale){bits, zero_point};
        row += bytes;
    }
    arena = malloc(row > input.bytes ? row : input.bytes);
    input.data = (int8_t *)arena;
    uint32_t at = 0;
    for (uint16_t k = 0; k < model.output_count; ++k) {
        outputs[k].data = arena + at;
        at += outputs[k].bytes;
    }
    model.invoke = invoke;
    const kt_mlperf_app app = {
        .model_id = argv[3],
        .input = calloc(input.bytes, 1),
        .outputs = scales,
        .flip = (uint8_t)atoi(argv[4]),
    };
    kt_link_init(&link, &model, &clock, (uint16_t)atoi(argv[1]));
    kt_mlperf_init(&mlperf, &link, &app);
    serve(&mlperf);
    free(app.input);
    free(arena);
    free(block);
    free(answer);
    return 0;
}
