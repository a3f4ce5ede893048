/* Obeys frames: greets, takes chunks in, runs the model, answers. mcu/virtual/board.py is the same in Python. */
#include "kt_link.h"

#include <string.h>

#include "kt_bytes.h"
#include "kt_control.h"
#include "kt_mask_object.h"
#include "kt_messages.h"
#include "kt_port.h"
#include "kt_request.h"
#include "kt_send.h"

void kt_link_init(kt_link *link, const kt_link_model *model, const kt_link_clock *clock, uint16_t session)
{
    kt_frame_reader_init(&link->reader);
    kt_send_init(link);
    link->model = model;
    link->clock = clock;
    link->session = session;
    link->seq = 0;
    link->last_seq = 0;
    link->max_payload_bytes = KT_LINK_MAX_PAYLOAD;
    link->nonce = 0;
    link->connected = false;
    link->takes_logs = false;
    memset(&link->counters, 0, sizeof link->counters);
    memset(&link->baud, 0, sizeof link->baud);
    kt_mask_find(link);
    kt_request_forget(link);
}

static void on_hello(kt_link *link, const kt_frame *frame)
{
    const uint8_t version_min = frame->payload[0];
    const uint8_t version_max = frame->payload[1];
    const uint16_t max_payload_bytes = kt_get_u16le(frame->payload + 2);
    const uint32_t nonce = kt_get_u32le(frame->payload + 4);
    const uint32_t features = kt_get_u32le(frame->payload + 8);
    if (version_min > KT_LINK_VERSION || version_max < KT_LINK_VERSION) {
        kt_refuse_version(link);
        return;
    }
    if (max_payload_bytes < KT_MIN_PAYLOAD_BYTES) {
        kt_refuse(link, KT_ERROR_PARAM, KT_BAD_LENGTH, max_payload_bytes, "payload too small");
        return;
    }
    /* A HELLO that comes twice must not undo what was sent after it. */
    if (!link->connected || nonce != link->nonce) {
        link->connected = true;
        link->nonce = nonce;
        const uint16_t theirs = (uint16_t)(max_payload_bytes & ~3U);
        link->max_payload_bytes = theirs < KT_LINK_MAX_PAYLOAD ? theirs : KT_LINK_MAX_PAYLOAD;
        kt_request_forget(link);
        kt_request_agree(link, features);
        link->takes_logs = (features & KT_FEATURE_LOG) != 0;
    }
    const uint32_t profile = link->model->operator_ticks != NULL ? KT_FEATURE_PROFILE : 0U;
    const uint32_t mask = kt_mask_is_possible(link) ? KT_FEATURE_MASK : 0U;
    const uint32_t rate = link->baud.most != 0 ? KT_FEATURE_SET_BAUD : 0U;
    const uint32_t overlap = kt_request_can_overlap(link) ? KT_FEATURE_OVERLAP : 0U;
    kt_send_hello_ack(link, features & (KT_FEATURE_HASH_ONLY | KT_FEATURE_LOG | overlap | profile | mask | rate));
}

/* Whether FETCH can ask for it, once the model has run. */
static bool is_there(const kt_link *link, uint16_t object)
{
    switch (object) {
    case KT_OBJECT_RESULT:
        return kt_mask_made(link) == 0;
    case KT_OBJECT_PROFILE:
        return link->request.profiled;
    case KT_OBJECT_MASK:
    case KT_OBJECT_MASK_RUNS:
        return kt_mask_is_possible(link) && link->request.status == 0 &&
               (kt_mask_made(link) == 0 || kt_mask_made(link) == object);
    default:
        return false;
    }
}

static void on_fetch(kt_link *link, const kt_frame *frame)
{
    const uint16_t request = kt_get_u16le(frame->payload);
    const uint16_t object = kt_get_u16le(frame->payload + 2);
    const uint32_t offset = kt_get_u32le(frame->payload + 4);
    const uint32_t length = kt_get_u32le(frame->payload + 8);
    if (object == KT_OBJECT_IDENTITY) {
        kt_send_chunks(link, request, object, offset, length);
    } else if (!is_there(link, object)) {
        kt_refuse(link, KT_ERROR_PARAM, KT_NO_SUCH_OBJECT, object, "nothing to fetch there");
    } else if (request != link->request.arrival.number || !link->request.ran) {
        kt_refuse(link, KT_ERROR_PARAM, KT_BAD_REQUEST, request, "no result of this request");
    } else {
        if (object == KT_OBJECT_MASK || object == KT_OBJECT_MASK_RUNS) {
            kt_mask_make(link, object);
        }
        kt_send_chunks(link, request, object, offset, length);
    }
}

static void on_bye(kt_link *link)
{
    link->connected = false;
    kt_request_forget(link);
    kt_send_bytes(link, KT_BYE_ACK, NULL, 0);
    kt_control_reset_baud(link);
}

/* Payload bytes that a type has at least. */
static uint16_t fixed_bytes(uint8_t type)
{
    static const uint8_t bytes[] = {
        [KT_HELLO] = KT_HELLO_BYTES,
        [KT_FETCH] = KT_FETCH_BYTES,
        [KT_DATA] = KT_DATA_BYTES,
        [KT_INVOKE] = KT_INVOKE_BYTES,
        [KT_SET_BAUD] = KT_SET_BAUD_BYTES,
    };
    return type < sizeof bytes ? bytes[type] : 0;
}

static bool is_whole(kt_link *link, const kt_frame *frame)
{
    if (frame->payload_bytes >= fixed_bytes(frame->type)) {
        return true;
    }
    kt_refuse(link, KT_ERROR_PROTOCOL, KT_MALFORMED, frame->payload_bytes, "payload too short");
    return false;
}

static void obey(kt_link *link, const kt_frame *frame)
{
    if (frame->type >= KT_FIRST_DEVICE_TYPE) {
        return; /* an echo, not a request */
    }
    if (frame->type == KT_HELLO) {
        if (is_whole(link, frame)) {
            on_hello(link, frame);
        }
    } else if (frame->session != link->session) {
        kt_refuse(link, KT_ERROR_STATE, KT_WRONG_SESSION, frame->session, "the board started again");
    } else if (frame->type == KT_BYE) {
        on_bye(link);
    } else if (frame->type == KT_RESET) {
        kt_send_bytes(link, KT_BYE_ACK, NULL, 0);
        kt_port_reset();
    } else if (!link->connected) {
        kt_refuse(link, KT_ERROR_STATE, KT_NO_HELLO, frame->type, "say HELLO first");
    } else if (frame->version != KT_LINK_VERSION) {
        kt_refuse_version(link);
    } else if (!is_whole(link, frame)) {
        return;
    } else if (frame->type == KT_DATA) {
        kt_request_data(link, frame);
    } else if (frame->type == KT_INVOKE) {
        kt_request_invoke(link, frame);
    } else if (frame->type == KT_FETCH) {
        on_fetch(link, frame);
    } else if (!kt_control_obey(link, frame)) {
        kt_refuse(link, KT_ERROR_PROTOCOL, KT_UNKNOWN_TYPE, frame->type, "no such type");
    }
}

void kt_link_feed(kt_link *link, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        kt_frame frame;
        const kt_frame_event event = kt_frame_read(&link->reader, bytes[i], &frame);
        if (event == KT_FRAME_INTACT) {
            ++link->counters.frames_received;
            link->last_seq = frame.seq;
            if (frame.session == link->session) {
                kt_control_heard(link);
            }
            obey(link, &frame);
        } else if (event == KT_FRAME_DAMAGED) {
            ++link->counters.frames_damaged;
            if (link->connected) {
                /* Said at once, so that the host need not wait for its timer; with nobody connected, nobody asked. */
                kt_send_progress(link, KT_NAK, kt_request_newest(link), 0, KT_NAK_DAMAGED);
            }
        }
    }
}
