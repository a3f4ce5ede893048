/* The application: identity, guards, and the loop that feeds the link. */
#include "kt_board.h"

#include <string.h>

#include "kt_bytes.h"
#include "kt_crc32.h"
#include "kt_port.h"

enum { TAG_MODEL_CRC32 = 0x05, TAG_BOOT_COUNT = 0x0A, TAG_RESET_CAUSE = 0x0B };

static const uint32_t guard_word = 0xA5C35A3C;

static void paint_guards(const kt_board_app *app)
{
    for (int k = 0; k < 2; ++k) {
        for (int i = 0; i < KT_GUARD_WORDS; ++i) {
            app->guards[k][i] = guard_word;
        }
    }
}

static void check_guards(const kt_board_app *app)
{
    for (int k = 0; k < 2; ++k) {
        for (int i = 0; i < KT_GUARD_WORDS; ++i) {
            if (app->guards[k][i] != guard_word) {
                kt_port_arena_overflow(&app->guards[k][i]);
            }
        }
    }
}

static int invoke(void *context, uint32_t *operator_ticks, const char **why)
{
    const kt_board *const board = context;
#ifdef KT_FAULT_INJECTION
    const kt_tensor *const first = &board->app->inputs[0];
    const size_t text_bytes = sizeof KT_INJECT_TEXT - 1;
    if (first->bytes > text_bytes && memcmp(first->data, KT_INJECT_TEXT, text_bytes) == 0) {
        kt_port_inject(first->data[text_bytes] - '0');
    }
#endif
    const int result = board->app->invoke(NULL, operator_ticks, why);
    check_guards(board->app);
    return result;
}

static uint8_t *put_u32_entry(uint8_t *to, uint8_t tag, uint32_t value)
{
    return kt_put_u32le(kt_put_u8(kt_put_u8(to, tag), 4), value);
}

static uint32_t put_identity(uint8_t *to, uint32_t tflite_crc32, const kt_board_start *start)
{
    const size_t cause_bytes = strlen(start->reset_cause);
    const size_t kept = cause_bytes < KT_RESET_CAUSE_BYTES ? cause_bytes : KT_RESET_CAUSE_BYTES;
    /* The compiled model is code and tables: the .tflite file's CRC-32 is reported, altered by whatever bits of the
     * tables differ from those that were built. */
    const uint32_t constants_crc32 = kt_crc32(0, start->constants.data, start->constants.bytes);
    uint8_t *end = put_u32_entry(to, TAG_MODEL_CRC32, tflite_crc32 ^ constants_crc32 ^ start->constants_crc32);
    end = put_u32_entry(end, TAG_BOOT_COUNT, start->boot_count);
    if (kept > 0) {
        end = kt_put_u8(kt_put_u8(end, TAG_RESET_CAUSE), (uint32_t)kept);
        memcpy(end, start->reset_cause, kept);
        end += kept;
    }
    return (uint32_t)(end - to);
}

/* Waits for bytes; meanwhile a rate that is tried may turn out to be none. */
static size_t receive(kt_link *link, uint8_t *bytes, size_t capacity)
{
    do {
        kt_link_tick(link);
    } while (kt_link_is_trying_baud(link) && !kt_port_has_received());
    return kt_port_read(bytes, capacity);
}

void kt_board_run(kt_board *board, const kt_board_app *app, const kt_board_start *start)
{
    board->app = app;
    board->identity[0] = app->identity;
    board->identity[1].data = board->started;
    board->identity[1].bytes = put_identity(board->started, app->tflite_crc32, start);
    board->model = (kt_link_model){
        .inputs = app->inputs,
        .outputs = app->outputs,
#ifdef KT_LINK_OVERLAP
        .staging = app->staging,
#endif
        .input_count = app->input_count,
        .output_count = app->output_count,
        .invoke = invoke,
        .context = board,
        .operator_ticks = app->operator_ticks,
        .operator_count = app->operator_count,
        .identity = board->identity,
        .identity_count = 2,
    };
    paint_guards(app);
    kt_link_init(&board->link, &board->model, &start->clock, start->session);
    kt_link_rates(&board->link, start->baud, start->most_baud);
    uint8_t bytes[32];
    size_t count;
#ifdef KT_MLPERF
    kt_mlperf_init(&board->mlperf, &board->link, app->mlperf);
    while ((count = receive(&board->link, bytes, sizeof bytes)) > 0) {
        kt_mlperf_feed(&board->mlperf, bytes, count);
    }
#else
    while ((count = receive(&board->link, bytes, sizeof bytes)) > 0) {
        kt_link_feed(&board->link, bytes, count);
    }
#endif
}

void kt_board_log(kt_board *board, enum kt_log_level level, const char *text)
{
    if (board->link.model != NULL) { /* else the link is not set up */
        kt_link_log(&board->link, level, text);
    }
}

void kt_board_fault(kt_board *board, const kt_fault *fault, const char *text)
{
    if (board->link.model != NULL) { /* else nobody has a session with us */
        kt_link_send_fault(&board->link, fault, text);
    }
}
