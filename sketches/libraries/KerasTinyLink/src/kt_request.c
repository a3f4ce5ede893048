/* Takes the inputs of a request in and runs the model on them, once. */
#include "kt_request.h"

#include <string.h>

#include "kt_bytes.h"
#include "kt_crc32.h"
#include "kt_divide.h"
#include "kt_mask_object.h"
#include "kt_messages.h"
#include "kt_port.h"
#include "kt_send.h"

static void begin(kt_link_request *request, uint16_t number)
{
    memset(request, 0, sizeof *request);
    request->arrival.number = number;
}

/* Whether a comes after b, across the wrap (RFC 1982). */
static bool is_newer(uint16_t a, uint16_t b)
{
    const uint16_t distance = (uint16_t)(a - b);
    return distance > 0 && distance < 0x8000;
}

#ifdef KT_LINK_OVERLAP

void kt_request_forget(kt_link *link)
{
    begin(&link->request, 0);
    memset(&link->following, 0, sizeof link->following);
    link->overlap = false;
}

bool kt_request_can_overlap(const kt_link *link)
{
    return link->model->staging != NULL;
}

void kt_request_agree(kt_link *link, uint32_t features)
{
    link->overlap = kt_request_can_overlap(link) && (features & KT_FEATURE_OVERLAP) != 0;
}

static kt_arrival *newest(kt_link *link)
{
    return link->following.number != 0 ? &link->following : &link->request.arrival;
}

const kt_arrival *kt_request_newest(const kt_link *link)
{
    return link->following.number != 0 ? &link->following : &link->request.arrival;
}

/* A request that is newer than all: it ends the one before it, or arrives beside it while its result is kept. */
static kt_arrival *start(kt_link *link, uint16_t number)
{
    memset(&link->following, 0, sizeof link->following);
    if (link->overlap && link->request.ran) {
        link->following.number = number;
        return &link->following;
    }
    begin(&link->request, number);
    return &link->request.arrival;
}

/* Where the bytes of an input go. */
static const kt_tensor *place(const kt_link *link, const kt_arrival *arrival, uint16_t input)
{
    return arrival == &link->following ? &link->model->staging[input] : &link->model->inputs[input];
}

/* The model is about to run: the result before is given up, and the host is told that the receive buffer is empty. */
static void take_turn(kt_link *link, const kt_arrival *arrival)
{
    if (arrival == &link->following) {
        const kt_arrival arrived = *arrival;
        for (uint16_t i = 0; i < link->model->input_count; ++i) {
            memcpy(link->model->inputs[i].data, link->model->staging[i].data, link->model->inputs[i].bytes);
        }
        begin(&link->request, arrived.number);
        link->request.arrival = arrived;
        memset(&link->following, 0, sizeof link->following);
    }
    for (uint16_t i = 0; link->overlap && i < link->model->input_count; ++i) {
        kt_send_progress(link, KT_ACK, &link->request.arrival, i, KT_NAK_NONE);
    }
}

#else

void kt_request_forget(kt_link *link)
{
    begin(&link->request, 0);
}

bool kt_request_can_overlap(const kt_link *link)
{
    (void)link;
    return false;
}

void kt_request_agree(kt_link *link, uint32_t features)
{
    (void)link;
    (void)features;
}

static kt_arrival *newest(kt_link *link)
{
    return &link->request.arrival;
}

const kt_arrival *kt_request_newest(const kt_link *link)
{
    return &link->request.arrival;
}

static kt_arrival *start(kt_link *link, uint16_t number)
{
    begin(&link->request, number);
    return &link->request.arrival;
}

static const kt_tensor *place(const kt_link *link, const kt_arrival *arrival, uint16_t input)
{
    (void)arrival;
    return &link->model->inputs[input];
}

static void take_turn(kt_link *link, const kt_arrival *arrival)
{
    (void)link;
    (void)arrival;
}

#endif

/* The request that a frame is about; NULL: there is nothing to do. */
static kt_arrival *arrival_of(kt_link *link, uint16_t number)
{
    kt_arrival *const latest = newest(link);
    if (number == 0) {
        kt_refuse(link, KT_ERROR_PARAM, KT_BAD_REQUEST, 0, "requests begin at 1");
        return NULL;
    }
    if (number == latest->number) {
        return latest;
    }
    if (number == link->request.arrival.number) {
        return &link->request.arrival;
    }
    if (latest->number != 0 && !is_newer(number, latest->number)) {
        return NULL; /* a late repetition */
    }
    return start(link, number);
}

static bool has_run(const kt_link *link, const kt_arrival *arrival)
{
    return arrival == &link->request.arrival && link->request.ran;
}

static bool is_complete(const kt_link *link, const kt_arrival *arrival, uint16_t input)
{
    return arrival->inputs[input].next_offset >= link->model->inputs[input].bytes;
}

static bool all_complete(const kt_link *link, const kt_arrival *arrival)
{
    for (uint16_t i = 0; i < link->model->input_count; ++i) {
        if (!is_complete(link, arrival, i)) {
            return false;
        }
    }
    return true;
}

void kt_request_data(kt_link *link, const kt_frame *frame)
{
    kt_arrival *const arrival = arrival_of(link, kt_get_u16le(frame->payload));
    const uint16_t input = kt_get_u16le(frame->payload + 2);
    const uint32_t offset = kt_get_u32le(frame->payload + 4);
    const uint32_t count = (uint32_t)frame->payload_bytes - KT_DATA_BYTES;
    if (arrival == NULL || has_run(link, arrival)) {
        return; /* after the run: a late repetition, and the arena holds the result */
    }
    if (input >= link->model->input_count) {
        kt_refuse(link, KT_ERROR_PARAM, KT_NO_SUCH_OBJECT, input, "no such input");
        return;
    }
    const kt_tensor *const tensor = place(link, arrival, input);
    const uint32_t chunk_bytes = (uint32_t)link->max_payload_bytes - KT_DATA_BYTES;
    const kt_chunk kind = kt_receiver_put(&arrival->inputs[input], tensor->data, tensor->bytes, chunk_bytes, offset,
                                          frame->payload + KT_DATA_BYTES, count);
    if (kind == KT_CHUNK_BAD_OFFSET) {
        kt_refuse(link, KT_ERROR_PARAM, KT_BAD_OFFSET, offset, "no chunk begins there");
        return;
    }
    if (kind == KT_CHUNK_BAD_LENGTH) {
        kt_refuse(link, KT_ERROR_PARAM, KT_BAD_LENGTH, count, "not as long as a chunk");
        return;
    }
    arrival->unconfirmed_bytes += count;
    /* The host needs to hear of a hole at once, and of progress before its window is used up. That a tensor is
     * complete shows in no later ACK; that all are, shows in RESULT. */
    if (kind != KT_CHUNK_IN_ORDER || 2 * arrival->unconfirmed_bytes >= kt_window_bytes(link) ||
        (is_complete(link, arrival, input) && !all_complete(link, arrival))) {
        kt_send_progress(link, KT_ACK, arrival, input, KT_NAK_NONE);
        arrival->unconfirmed_bytes = 0;
    }
}

static void measure(kt_link *link, uint64_t ticks)
{
    const kt_link_clock *const clock = link->clock;
    const uint64_t latency_us = kt_divide(ticks * 1000000, clock->ticks_per_s);
    link->request.latency_us = latency_us < UINT32_MAX ? (uint32_t)latency_us : UINT32_MAX;
    link->request.instructions = kt_instructions(clock, ticks);
}

/* Ticks of each operator become the object PROFILE: instructions where they are counted, little endian. */
static void pack_profile(kt_link *link)
{
    const kt_link_model *const model = link->model;
    const uint32_t entries_bytes = model->operator_count * (uint32_t)sizeof(uint32_t);
    for (uint16_t i = 0; i < model->operator_count; ++i) {
        uint32_t *const entry = &model->operator_ticks[i];
        const uint64_t instructions = kt_instructions(link->clock, *entry);
        kt_put_u32le((uint8_t *)entry, instructions != KT_NO_COUNT ? (uint32_t)instructions : *entry);
    }
    uint8_t *const head = link->request.profile_head;
    uint8_t *end = kt_put_u8(head, link->clock->instructions_per != 0 ? KT_PROFILE_INSTRUCTIONS : KT_PROFILE_TICKS);
    end = kt_put_u8(end, 0);
    end = kt_put_u16le(end, model->operator_count);
    end = kt_put_u32le(end, link->clock->ticks_per_s);
    kt_put_u32le(end, kt_crc32(0, model->operator_ticks, entries_bytes));
    link->profile[0] = (kt_bytes){head, KT_PROFILE_BYTES};
    link->profile[1] = (kt_bytes){model->operator_ticks, entries_bytes};
}

static void run(kt_link *link, bool profile)
{
    kt_link_request *const request = &link->request;
    const kt_link_model *const model = link->model;
    uint32_t *const operator_ticks = profile ? model->operator_ticks : NULL;
    if (operator_ticks != NULL) {
        memset(operator_ticks, 0, model->operator_count * sizeof *operator_ticks);
    }
    const char *why = "";
    ++link->counters.invocations;
    kt_port_busy(1);
    const uint64_t begin = kt_port_ticks();
    const int failed = model->invoke(model->context, operator_ticks, &why);
    const uint64_t end = kt_port_ticks();
    kt_port_busy(0);
    measure(link, end - begin);
    request->ran = true;
    request->profiled = operator_ticks != NULL;
    if (operator_ticks != NULL) {
        pack_profile(link);
    }
    request->status = failed ? KT_ERROR_KERNEL : 0;
    request->code = failed ? KT_INVOKE_FAILED : 0;
    request->why = why;
    const kt_object_bytes result = kt_object_of(link, KT_OBJECT_RESULT);
    request->result_bytes = kt_object_size(&result);
    request->result_crc32 = kt_object_crc32(&result);
}

void kt_request_invoke(kt_link *link, const kt_frame *frame)
{
    const uint16_t number = kt_get_u16le(frame->payload);
    const uint16_t flags = kt_get_u16le(frame->payload + 2);
    const bool hash_only = (flags & KT_INVOKE_HASH_ONLY) != 0;
    const kt_arrival *const arrival = arrival_of(link, number);
    if (arrival == NULL) {
        return;
    }
    if (has_run(link, arrival)) {
        /* Never run twice. The host fetches what else it lacks: a repetition must not cost a second stream. */
        kt_send_result(link, (hash_only && link->request.status == 0) || kt_mask_made(link) != 0);
        return;
    }
    if (!all_complete(link, arrival)) {
        for (uint16_t i = 0; i < link->model->input_count; ++i) {
            if (!is_complete(link, arrival, i)) {
                kt_send_progress(link, KT_NAK, arrival, i, KT_NAK_INCOMPLETE);
            }
        }
        return;
    }
    take_turn(link, arrival);
    run(link, (flags & KT_INVOKE_PROFILE) != 0);
    const bool without_bytes = hash_only && link->request.status == 0;
    const uint32_t sent = kt_send_result(link, without_bytes);
    if (!without_bytes) {
        kt_send_chunks(link, number, KT_OBJECT_RESULT, sent, UINT32_MAX);
    }
}
