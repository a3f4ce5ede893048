/* The firmware as a process: the link on a terminal or a pair of descriptors, the clock of the system.
 *
 *   host [DEVICE]      a pty or serial device; without one stdin and stdout are the line */
#define _DEFAULT_SOURCE /* termios and clock_gettime beside C99 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "kt_app.h"
#include "kt_port.h"

enum { TICKS_PER_S = 1000000000 };

static kt_board board;
static int line_in = STDIN_FILENO;
static int line_out = STDOUT_FILENO;

size_t kt_port_read(uint8_t *bytes, size_t capacity)
{
    for (;;) {
        const ssize_t count = read(line_in, bytes, capacity);
        if (count >= 0) {
            return (size_t)count;
        }
        if (errno == EAGAIN) {
            struct pollfd ready = {.fd = line_in, .events = POLLIN};
            (void)poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            return 0; /* the other end is gone */
        }
    }
}

void kt_port_write(const uint8_t *bytes, size_t count)
{
    while (count > 0) {
        const ssize_t written = write(line_out, bytes, count);
        if (written > 0) {
            bytes += written;
            count -= (size_t)written;
        } else if (errno == EAGAIN) {
            struct pollfd ready = {.fd = line_out, .events = POLLOUT};
            (void)poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            return; /* kt_port_read will see it too */
        }
    }
}

uint64_t kt_port_ticks(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * TICKS_PER_S + (uint64_t)now.tv_nsec;
}

void kt_port_busy(int busy)
{
    (void)busy;
}

int kt_port_has_received(void)
{
    return 1; /* not called: the rate is fixed */
}

void kt_port_set_baud(uint32_t baud)
{
    (void)baud;
}

uint32_t kt_port_overruns(void)
{
    return 0; /* a terminal makes its writer wait */
}

void kt_port_reset(void)
{
    exit(EXIT_FAILURE); /* whoever started the process may start it again */
}

void kt_port_arena_overflow(const uint32_t *where)
{
    const kt_fault fault = {.cause = KT_FAULT_ARENA_OVERFLOW, .address = (uint32_t)(uintptr_t)where};
    kt_board_fault(&board, &fault, "");
    kt_port_reset();
}

/* Bytes as they are: no echo, no lines, no flow control characters. */
static int make_raw(int line)
{
    struct termios raw;
    if (tcgetattr(line, &raw) != 0) {
        return -1;
    }
    raw.c_iflag = 0;
    raw.c_oflag = 0;
    raw.c_lflag = 0;
    raw.c_cflag = CS8 | CREAD | CLOCAL;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    return tcsetattr(line, TCSANOW, &raw);
}

static int cannot_use(const char *line)
{
    fprintf(stderr, "%s: %s\n", line, strerror(errno));
    return 3;
}

int main(int argc, char **argv)
{
    if (argc > 1 && (line_in = line_out = open(argv[1], O_RDWR | O_NOCTTY)) < 0) {
        return cannot_use(argv[1]);
    }
    if ((argc > 1 || isatty(line_in)) && make_raw(line_in) != 0) {
        return cannot_use(argc > 1 ? argv[1] : "standard input");
    }
    const uint32_t noise = (uint32_t)kt_port_ticks() ^ (uint32_t)getpid() << 7;
    const kt_board_start start = {
        .reset_cause = "process start",
        .boot_count = 1,
        .session = (uint16_t)(1 + noise % 0xFFFF),
        .clock = {.ticks_per_s = TICKS_PER_S},
    };
    kt_board_run(&board, kt_app(), &start);
    return 0;
}
