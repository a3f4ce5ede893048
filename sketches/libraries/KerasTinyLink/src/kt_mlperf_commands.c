/* Obeys MLPerf Tiny's commands. mcu/protocol/mlperf_tiny.py is the same in Python. */
#ifdef KT_MLPERF
#include "kt_mlperf_commands.h"

#include <string.h>

#include "kt_divide.h"
#include "kt_port.h"
#include "kt_text.h"

enum { BYTES_PER_LINE = 8, DEFAULT_ITERATIONS = 1, DEFAULT_WARMUP = 10 };

static void say(const char *line)
{
    kt_text_put(line);
    kt_text_put("\r\n");
}

static void say_number(const char *before, uint32_t number, const char *after)
{
    kt_text_put(before);
    kt_text_number(number);
    say(after);
}

static void say_text(const char *before, const char *text)
{
    kt_text_put(before);
    kt_text_put(text);
    say("]");
}

/* The next word of a command, which is cut there; NULL if there is none. */
static char *next_word(char **rest)
{
    char *const word = *rest + strspn(*rest, " ");
    if (*word == '\0') {
        return NULL;
    }
    char *const end = word + strcspn(word, " ");
    *rest = *end != '\0' ? end + 1 : end;
    *end = '\0';
    return word;
}

/* As strcmp, which takes 700 bytes of flash: newlib's is written for speed. */
static bool is_word(const char *word, const char *expected)
{
    while (*word != '\0' && *word == *expected) {
        ++word;
        ++expected;
    }
    return *word == *expected;
}

/* Decimal digits; more than 32 bits hold become the most that they do. */
static bool is_number(const char *word, uint32_t *number)
{
    uint64_t value = 0;
    for (; *word >= '0' && *word <= '9'; ++word) {
        value = value * 10 + (uint32_t)(*word - '0');
        if (value > UINT32_MAX) {
            value = UINT32_MAX;
        }
    }
    *number = (uint32_t)value;
    return *word == '\0';
}

static int digit_of(char digit)
{
    return digit >= '0' && digit <= '9'   ? digit - '0'
           : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
           : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
                                          : -1;
}

static void say_lap(const kt_mlperf *mlperf, uint64_t now)
{
    const uint32_t ticks_per_s = mlperf->link->clock->ticks_per_s;
    const uint64_t ticks = now - mlperf->first_tick;
    const uint64_t seconds = kt_divide(ticks, ticks_per_s);
    const uint64_t rest = ticks - seconds * ticks_per_s;
    say_number("m-lap-us-", (uint32_t)(seconds * 1000000 + kt_divide(rest * 1000000, ticks_per_s)), "");
}

static void on_name(kt_mlperf *mlperf, char *rest)
{
    (void)mlperf;
    (void)rest;
    say("m-name-dut-[keras-tiny]");
}

static void on_timestamp(kt_mlperf *mlperf, char *rest)
{
    (void)rest;
    say_lap(mlperf, kt_port_ticks());
}

static void on_profile(kt_mlperf *mlperf, char *rest)
{
    (void)rest;
    say("m-profile-[ULPMark for tinyML Firmware V0.0.1]");
    say_text("m-model-[", mlperf->app->model_id);
}

static void on_help(kt_mlperf *mlperf, char *rest)
{
    (void)mlperf;
    (void)rest;
    say("name, timestamp, profile, help, db load N, db HH.., db print, infer [N [W]], results");
}

static void on_load(kt_mlperf *mlperf, char *rest)
{
    const char *const word = next_word(&rest);
    uint32_t count;
    if (word == NULL) {
        say("e-[Command 'db load' requires the # of bytes]");
    } else if (!is_number(word, &count) || count == 0) {
        say("e-[Command 'db load' must be >0 bytes]");
    } else {
        mlperf->expected = count;
        mlperf->loaded = 0;
        memset(mlperf->app->input, 0, mlperf->input_bytes);
        if (count > mlperf->input_bytes) {
            kt_text_put("e-[Supplied buffer size ");
            kt_text_number(count);
            say_number(" exceeds maximum of ", mlperf->input_bytes, "]");
        } else {
            say_number("m-[Expecting ", count, " bytes]");
        }
    }
}

static void on_print(const kt_mlperf *mlperf)
{
    const uint32_t count = mlperf->expected <= mlperf->input_bytes ? mlperf->expected : 0;
    for (uint32_t i = 0; i < count; ++i) {
        kt_text_put(i % BYTES_PER_LINE == 0 ? "m-buffer-" : "-");
        kt_text_hex(mlperf->app->input[i]);
        if ((i + 1) % BYTES_PER_LINE == 0 || i + 1 == count) {
            say("");
        }
    }
}

static void on_digits(kt_mlperf *mlperf, const char *digits)
{
    const uint32_t length = (uint32_t)strlen(digits);
    if (length % 2 != 0) {
        say("e-[Insufficent number of hex digits]"); /* as MLPerf's own device spells it */
        return;
    }
    if (mlperf->loaded >= mlperf->expected || mlperf->expected > mlperf->input_bytes) {
        say("e-[No bytes are expected; begin with 'db load']");
        return;
    }
    const uint32_t missing = mlperf->expected - mlperf->loaded;
    const uint32_t count = length / 2 < missing ? length / 2 : missing;
    for (uint32_t i = 0; i < 2 * count; i += 2) { /* all before any: a line that is refused may be sent again */
        if (digit_of(digits[i]) < 0 || digit_of(digits[i + 1]) < 0) {
            const char pair[] = {digits[i], digits[i + 1], '\'', '\0'};
            say_text("e-[Invalid hex digit '", pair);
            return;
        }
    }
    for (uint32_t i = 0; i < 2 * count; i += 2) {
        mlperf->app->input[mlperf->loaded++] = (uint8_t)(digit_of(digits[i]) << 4 | digit_of(digits[i + 1]));
    }
    if (mlperf->loaded == mlperf->expected) {
        say("m-load-done");
    }
}

static void on_db(kt_mlperf *mlperf, char *rest)
{
    const char *const word = next_word(&rest);
    if (word == NULL) {
        say("e-[Command 'db' requires a subcommand]");
    } else if (is_word(word, "load")) {
        on_load(mlperf, rest);
    } else if (is_word(word, "print")) {
        on_print(mlperf);
    } else {
        on_digits(mlperf, word);
    }
}

static void on_results(kt_mlperf *mlperf, char *rest)
{
    (void)rest;
    const kt_link_model *const model = mlperf->link->model;
    const char *before = "m-results-[";
    for (uint16_t k = 0; k < model->output_count; ++k) {
        const kt_mlperf_scale *const scale = &mlperf->app->outputs[k];
        const int8_t *const output = model->outputs[k].data;
        for (uint32_t i = 0; i < model->outputs[k].bytes; ++i) {
            kt_text_put(before);
            kt_text_real(mlperf->ran ? output[i] - scale->zero_point : 0, scale->scale_bits);
            before = ",";
        }
    }
    say("]");
}

static int run(kt_mlperf *mlperf, uint32_t count, const char **why)
{
    const kt_link_model *const model = mlperf->link->model;
    for (; count > 0; --count) {
        mlperf->ran = false;
        /* Anew each time: the model may have put something else where its inputs were. */
        const uint8_t *from = mlperf->app->input;
        for (uint16_t k = 0; k < model->input_count; ++k) {
            for (uint32_t i = 0; i < model->inputs[k].bytes; ++i) {
                model->inputs[k].data[i] = (int8_t)(*from++ ^ mlperf->app->flip);
            }
        }
        const int failed = model->invoke(model->context, NULL, why);
        if (failed != 0) {
            return failed;
        }
        mlperf->ran = true;
        (void)kt_port_ticks(); /* a port may have to see every turn of a 32-bit counter */
    }
    return 0;
}

static void on_infer(kt_mlperf *mlperf, char *rest)
{
    uint32_t iterations = DEFAULT_ITERATIONS;
    uint32_t warmup = DEFAULT_WARMUP;
    const char *word = next_word(&rest);
    if (word != NULL && (!is_number(word, &iterations) || iterations == 0)) {
        say("e-[Inference iterations must be >0]");
        return;
    }
    word = next_word(&rest);
    if (word != NULL && !is_number(word, &warmup)) {
        say("e-[Inference warmup must be >=0]");
        return;
    }
    if (mlperf->expected != 0 && mlperf->loaded != mlperf->input_bytes) {
        kt_text_put("e-[The model takes ");
        kt_text_number(mlperf->input_bytes);
        say_number(" bytes, ", mlperf->loaded, " are loaded]");
        return;
    }
    const char *why = "";
    say_number("m-warmup-start-", warmup, "");
    kt_port_busy(1);
    int failed = run(mlperf, warmup, &why);
    kt_port_busy(0);
    if (failed == 0) {
        say("m-warmup-done");
        say_number("m-infer-start-", iterations, "");
        kt_port_busy(1);
        const uint64_t begin = kt_port_ticks();
        failed = run(mlperf, iterations, &why);
        const uint64_t end = kt_port_ticks();
        kt_port_busy(0);
        if (failed == 0) {
            say_lap(mlperf, begin);
            say_lap(mlperf, end);
            say("m-infer-done");
            on_results(mlperf, rest);
        }
    }
    if (failed != 0) {
        say_text("e-[", why);
    }
}

void kt_mlperf_obey(kt_mlperf *mlperf)
{
    static const struct {
        const char *name;
        void (*obey)(kt_mlperf *mlperf, char *rest);
    } commands[] = {
        {"name", on_name}, {"timestamp", on_timestamp}, {"profile", on_profile}, {"help", on_help},
        {"db", on_db},     {"infer", on_infer},         {"results", on_results},
    };
    if (mlperf->count > KT_MLPERF_COMMAND_BYTES) {
        say_number("e-[Command exceeds ", KT_MLPERF_COMMAND_BYTES, " characters]");
        return;
    }
    mlperf->command[mlperf->count] = '\0';
    char *rest = mlperf->command;
    const char *const name = next_word(&rest);
    if (name == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; ++i) {
        if (is_word(name, commands[i].name)) {
            commands[i].obey(mlperf, rest);
            return;
        }
    }
    say_text("e-[Unknown command: ", name);
}
#endif
