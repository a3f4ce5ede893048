/* Echo and counters. */
#include "kt_control.h"

#include "kt_bytes.h"
#include "kt_messages.h"
#include "kt_port.h"
#include "kt_send.h"

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
    kt_put_u32le(end, 0); /* logs dropped */
    kt_send_bytes(link, KT_STATS, fixed, sizeof fixed);
}

bool kt_control_obey(kt_link *link, const kt_frame *frame)
{
    switch (frame->type) {
    case KT_PING:
        on_ping(link, frame);
        return true;
    case KT_GET_STATS:
        send_stats(link);
        return true;
    default:
        return false;
    }
}
