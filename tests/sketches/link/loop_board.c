/* KerasTinyLink as a process: takes what the host sends on stdin, answers on stdout, in blocks of a length and bytes.
 * A block without bytes lets a millisecond pass. Every answer begins with its length, how often the model ran and the
 * line's rate, which is 0 where none can be set.
 *
 *   loop_board SESSION IDENTITY_HEX INPUT_BYTES... / OUTPUT_BYTES...
 *   KT_TEST_BAUD, KT_TEST_MOST_BAUD in the environment: the line's rate at first, and at most
 *
 * Its model is the one of tests/mcu/protocol/loop.py: each output byte is the complement of an input byte. It fails
 * on request: when the first input begins with "FAIL"; with "SAYS" it says what it does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kt_link.h"
#include "kt_port.h"

enum { MAX_TENSORS = 4 };

static kt_tensor inputs[MAX_TENSORS];
static kt_bytes outputs[MAX_TENSORS];
#ifdef KT_LINK_OVERLAP
static kt_tensor staging[MAX_TENSORS];
#endif
static uint8_t *output_data[MAX_TENSORS];
static uint32_t operator_ticks[3];
static kt_link_model model = {.inputs = inputs, .outputs = outputs, .operator_ticks = operator_ticks, .operator_count = 3};
static uint8_t *answer;
static size_t answer_bytes;
static size_t answer_room;
static uint64_t now;
static uint32_t rate;
static uint32_t step = 500; /* microseconds: what the Python board's clock of these tests does at every look */

void kt_port_write(const uint8_t *bytes, size_t count)
{
    if (answer_bytes + count > answer_room) {
        answer_room = 2 * (answer_bytes + count);
        answer = realloc(answer, answer_room);
    }
    memcpy(answer + answer_bytes, bytes, count);
    answer_bytes += count;
}

uint64_t kt_port_ticks(void)
{
    return now += step;
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
    rate = baud;
}

void kt_port_reset(void)
{
    const uint32_t head[3] = {(uint32_t)answer_bytes, 0, rate};
    fwrite(head, sizeof head, 1, stdout);
    fwrite(answer, 1, answer_bytes, stdout);
    fflush(stdout);
    _Exit(EXIT_SUCCESS); /* whoever started the board may start it again */
}

uint32_t kt_port_overruns(void)
{
    return 0;
}

static int invoke(void *context, uint32_t *ticks, const char **why)
{
    if (inputs[0].bytes >= 4 && memcmp(inputs[0].data, "SAYS", 4) == 0) {
        kt_link_log(context, KT_LOG_WARNING, "about to run: a text of more than the sixty bytes that there is room for");
    }
    if (inputs[0].bytes >= 4 && memcmp(inputs[0].data, "FAIL", 4) == 0) {
        *why = "the kernel divides by zero";
        return -1;
    }
    uint32_t input = 0;
    uint32_t at = 0;
    for (uint16_t k = 0; k < model.output_count; ++k) {
        for (uint32_t i = 0; i < outputs[k].bytes; ++i) {
            output_data[k][i] = (uint8_t)~inputs[input].data[at];
            if (++at == inputs[input].bytes) {
                at = 0;
                input = input + 1U < model.input_count ? input + 1 : 0;
            }
        }
    }
    for (uint32_t i = 0; ticks != NULL && i < model.operator_count; ++i) {
        ticks[i] += 1000 * (i + 1);
    }
    return 0;
}

static uint32_t hex(const char *text)
{
    char digits[3] = {text[0], text[1], 0};
    return (uint32_t)strtoul(digits, NULL, 16);
}

int main(int argc, char **argv)
{
    static kt_bytes identity[2]; /* in two pieces, to see that nothing depends on where they end */
    static kt_link link;
    const kt_link_clock clock = {.ticks_per_s = 1000000};
    const size_t identity_bytes = strlen(argv[2]) / 2;
    uint8_t *const block = malloc(identity_bytes + 1);
    for (size_t i = 0; i < identity_bytes; ++i) {
        block[i] = (uint8_t)hex(argv[2] + 2 * i);
    }
    identity[0] = (kt_bytes){block, (uint32_t)identity_bytes / 2};
    identity[1] = (kt_bytes){block + identity_bytes / 2, (uint32_t)(identity_bytes - identity_bytes / 2)};
    model.identity = identity;
    model.identity_count = 2;
    int i = 3;
    for (; argv[i][0] != '/'; ++i) {
        const uint32_t bytes = (uint32_t)atol(argv[i]);
#ifdef KT_LINK_OVERLAP
        staging[model.input_count] = (kt_tensor){malloc(bytes), bytes};
        model.staging = staging;
#endif
        inputs[model.input_count++] = (kt_tensor){malloc(bytes), bytes};
    }
    for (++i; i < argc; ++i) {
        const uint32_t bytes = (uint32_t)atol(argv[i]);
        output_data[model.output_count] = malloc(bytes);
        outputs[model.output_count] = (kt_bytes){output_data[model.output_count], bytes};
        ++model.output_count;
    }
    model.invoke = invoke;
    model.context = &link;
    kt_link_init(&link, &model, &clock, (uint16_t)atoi(argv[1]));
    if (getenv("KT_TEST_BAUD") != NULL) {
        rate = (uint32_t)atol(getenv("KT_TEST_BAUD"));
        step = 0;
        kt_link_rates(&link, rate, (uint32_t)atol(getenv("KT_TEST_MOST_BAUD")));
    }
    uint32_t count;
    while (fread(&count, sizeof count, 1, stdin) == 1) {
        uint8_t *const bytes = malloc(count + 1U); /* its own block each time: ASan sees a byte too far */
        if (fread(bytes, 1, count, stdin) != count) {
            return 2;
        }
        answer_bytes = 0;
        if (count == 0) {
            now += 1000;
            kt_link_tick(&link);
        }
        kt_link_feed(&link, bytes, count);
        free(bytes);
        const uint32_t head[3] = {(uint32_t)answer_bytes, link.counters.invocations, rate};
        fwrite(head, sizeof head, 1, stdout);
        if (answer_bytes > 0) {
            fwrite(answer, 1, answer_bytes, stdout);
        }
        fflush(stdout);
    }
    for (uint16_t k = 0; k < MAX_TENSORS; ++k) {
        free(inputs[k].data);
#ifdef KT_LINK_OVERLAP
        free(staging[k].data);
#endif
        free(output_data[k]);
    }
    free(block);
    free(answer);
    return 0;
}
