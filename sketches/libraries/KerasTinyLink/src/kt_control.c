/* Echo, counters, the rate of the line. */
#include "kt_control.h"

#include "kt_bytes.h"
#include "kt_divide.h"
#include "kt_messages.h"
#include "kt_port.h"
#include "kt_send.h"

enum { KT_MAX_CONFIRM_MS = 500 };

static void on_ping(kt_link *link, const kt_frame *frame)
{
    const uint16_t most = link->max_payload_bytes;
    kt_send_bytes(link, KT_PONG, frame->payload, frame->payload_bytes < most ? frame->payload_bytes : most);
}

static void send_stats(kt_link *link)
{
    const kt_link_counters *const counters = &link->counters;
    uint8_t fixed[KT_STATS_BYTES];
    uint8_t *end = kt_put_u32le(fixed, counters->frames_received);
    end = kt_put_u32le(end, counters->frames_damaged);
    end = kt_put_u32le(end, counters->frames_sent);
    end = kt_put_u32le(end, kt_port_overruns());
    end = kt_put_u32le(end, counters->refused);
    end = kt_put_u32le(end, counters->invocations);
    kt_put_u32le(end, counters->logs_dropped);
    kt_send_bytes(link, KT_STATS, fixed, sizeof fixed);
}

void kt_link_rates(kt_link *link, uint32_t baud, uint32_t most)
{
    link->baud = (kt_link_baud){.start = baud, .most = most, .current = baud, .confirmed = baud};
}

bool kt_link_is_trying_baud(const kt_link *link)
{
    return link->baud.confirm_ms != 0;
}

static void change_rate(kt_link *link, uint32_t rate)
{
    if (rate != link->baud.current) {
        link->baud.current = rate;
        kt_port_set_baud(rate);
    }
}

void kt_link_tick(kt_link *link)
{
    kt_link_baud *const baud = &link->baud;
    if (baud->confirm_ms != 0 && kt_port_ticks() >= baud->deadline) {
        baud->confirm_ms = 0;
        change_rate(link, baud->confirmed);
    }
}

void kt_control_heard(kt_link *link)
{
    kt_link_baud *const baud = &link->baud;
    if (baud->confirm_ms != 0) {
        const uint64_t ticks_per_ms = kt_divide(link->clock->ticks_per_s, 1000);
        baud->deadline = kt_port_ticks() + ticks_per_ms * baud->confirm_ms;
    }
}

void kt_control_reset_baud(kt_link *link)
{
    link->baud.confirm_ms = 0;
    link->baud.confirmed = link->baud.start;
    change_rate(link, link->baud.start);
}

static bool on_set_baud(kt_link *link, const kt_frame *frame)
{
    kt_link_baud *const baud = &link->baud;
    const uint32_t rate = kt_get_u32le(frame->payload);
    const uint16_t confirm_ms = kt_get_u16le(frame->payload + 4);
    if (baud->most == 0) {
        return false;
    }
    if (rate == 0 || rate > baud->most || (confirm_ms == 0 && rate != baud->current)) {
        kt_refuse(link, KT_ERROR_PARAM, KT_BAD_BAUD, rate, "not a rate of this line");
        return true;
    }
    uint8_t fixed[KT_BAUD_ACK_BYTES];
    kt_put_u32le(fixed, rate);
    kt_send_bytes(link, KT_BAUD_ACK, fixed, sizeof fixed);
    if (confirm_ms == 0) {
        baud->confirmed = rate;
        baud->confirm_ms = 0;
    } else if (rate != baud->current || baud->confirm_ms != 0) {
        baud->confirm_ms = confirm_ms < KT_MAX_CONFIRM_MS ? confirm_ms : KT_MAX_CONFIRM_MS;
        change_rate(link, rate);
        kt_control_heard(link);
    }
    return true;
}

bool kt_control_obey(kt_link *link, const kt_frame *frame)
{
    switch (frame->type) {
    case KT_PING:
        on_ping(link, frame);
        return true;
    case KT_SET_BAUD:
        return on_set_baud(link, frame);
    case KT_GET_STATS:
        send_stats(link);
        return true;
    default:
        return false;
    }
}
