/* Which of two protocols a byte belongs to; gathers commands. mcu/virtual/shared_line.py is the same in Python. */
#ifdef KT_MLPERF
#include "kt_mlperf.h"

#include <string.h>

#include "kt_mlperf_commands.h"
#include "kt_port.h"
#include "kt_text.h"

static bool is_printable(uint8_t byte)
{
    return byte >= 0x20 && byte <= 0x7E;
}

static void take(kt_mlperf *mlperf, uint8_t byte)
{
    if (byte == '%') {
        kt_mlperf_obey(mlperf);
        mlperf->count = 0;
        kt_text_put("m-ready\r\n");
    } else if (is_printable(byte) && mlperf->count <= KT_MLPERF_COMMAND_BYTES) {
        mlperf->command[mlperf->count++] = (char)byte; /* the one too many lies where the end would */
    }
}

static bool is_text(kt_mlperf *mlperf, uint8_t byte)
{
    if (byte == 0) {
        mlperf->stretch = KT_STRETCH_NOISE;
        mlperf->after_zero = true;
        mlperf->count = 0;
        return false;
    }
    if (mlperf->link->connected) {
        mlperf->ran = false; /* what was computed is no longer there */
        mlperf->stretch = KT_STRETCH_FRAME;
    }
    if (mlperf->stretch == KT_STRETCH_NOISE) {
        /* Until a zero has come it is a line's noise at power-on. A frame's first byte is COBS's, and low. */
        mlperf->stretch = is_printable(byte)                     ? KT_STRETCH_TEXT
                          : mlperf->after_zero && byte < 0x20 ? KT_STRETCH_FRAME
                                                                 : KT_STRETCH_NOISE;
    }
    return mlperf->stretch == KT_STRETCH_TEXT;
}

void kt_mlperf_init(kt_mlperf *mlperf, kt_link *link, const kt_mlperf_app *app)
{
    memset(mlperf, 0, sizeof *mlperf);
    mlperf->link = link;
    mlperf->app = app;
    mlperf->first_tick = kt_port_ticks();
    for (uint16_t k = 0; k < link->model->input_count; ++k) {
        mlperf->input_bytes += link->model->inputs[k].bytes;
    }
}

void kt_mlperf_feed(kt_mlperf *mlperf, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        if (is_text(mlperf, bytes[i])) {
            take(mlperf, bytes[i]);
        } else {
            kt_link_feed(mlperf->link, &bytes[i], 1);
        }
    }
}
#endif
