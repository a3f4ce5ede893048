/* Packs and sends frames; objects go out from where they lie in memory. */
#include "kt_send.h"

#include <string.h>

#include "kt_bytes.h"
#include "kt_crc32.h"
#include "kt_divide.h"
#include "kt_mask_object.h"
#include "kt_messages.h"
#include "kt_port.h"

static void write_to_port(void *context, const uint8_t *bytes, size_t count)
{
    (void)context;
    kt_port_write(bytes, count);
}

void kt_send_init(kt_link *link)
{
    kt_frame_writer_init(&link->writer, write_to_port, NULL);
}

static void begin(kt_link *link, uint8_t type, uint32_t payload_bytes)
{
    const kt_frame frame = {
        .payload_bytes = (uint16_t)payload_bytes,
        .seq = link->seq++,
        .session = link->session,
        .type = type,
        .version = KT_LINK_VERSION,
    };
    ++link->counters.frames_sent;
    kt_frame_begin(&link->writer, &frame);
}

/* A frame with a fixed part and a text. */
static void send(kt_link *link, uint8_t type, const uint8_t *fixed, size_t fixed_bytes, const char *text)
{
    const size_t room = KT_MIN_PAYLOAD_BYTES - fixed_bytes;
    const size_t text_bytes = strlen(text) < room ? strlen(text) : room;
    begin(link, type, (uint32_t)(fixed_bytes + text_bytes));
    kt_frame_put(&link->writer, fixed, fixed_bytes);
    kt_frame_put(&link->writer, text, text_bytes);
    kt_frame_end(&link->writer);
}

static const kt_bytes *piece_of(const kt_object_bytes *object, uint16_t index)
{
    return object->pieces != NULL ? &object->pieces[index] : &object->single;
}

/* A frame with a fixed part and `count` bytes of an object, from `offset` on. */
static void send_object(kt_link *link, uint8_t type, const uint8_t *fixed, size_t fixed_bytes,
                        const kt_object_bytes *object, uint32_t offset, uint32_t count)
{
    begin(link, type, (uint32_t)fixed_bytes + count);
    kt_frame_put(&link->writer, fixed, fixed_bytes);
    for (uint16_t i = 0; i < object->count && count > 0; ++i) {
        const kt_bytes *const piece = piece_of(object, i);
        if (offset >= piece->bytes) {
            offset -= piece->bytes;
            continue;
        }
        const uint32_t here = piece->bytes - offset < count ? piece->bytes - offset : count;
        kt_frame_put(&link->writer, (const uint8_t *)piece->data + offset, here);
        count -= here;
        offset = 0;
    }
    kt_frame_end(&link->writer);
}

static kt_object_bytes one_piece(const void *data, size_t bytes)
{
    return (kt_object_bytes){.count = 1, .single = {data, (uint32_t)bytes}};
}

kt_object_bytes kt_object_of(const kt_link *link, uint16_t object)
{
    const kt_link_model *const model = link->model;
    const kt_link_request *const request = &link->request;
    if (object == KT_OBJECT_IDENTITY) {
        return (kt_object_bytes){.pieces = model->identity, .count = model->identity_count};
    }
    if (object == KT_OBJECT_PROFILE) {
        return (kt_object_bytes){.pieces = link->profile, .count = 2};
    }
    if (object == KT_OBJECT_MASK || object == KT_OBJECT_MASK_RUNS) {
        return (kt_object_bytes){.pieces = kt_mask_pieces(link), .count = 2};
    }
    if (request->status != 0) {
        return one_piece(request->why, strlen(request->why));
    }
    return (kt_object_bytes){.pieces = model->outputs, .count = model->output_count};
}

uint32_t kt_object_size(const kt_object_bytes *object)
{
    uint32_t size = 0;
    for (uint16_t i = 0; i < object->count; ++i) {
        size += piece_of(object, i)->bytes;
    }
    return size;
}

uint32_t kt_object_crc32(const kt_object_bytes *object)
{
    uint32_t crc = 0;
    for (uint16_t i = 0; i < object->count; ++i) {
        crc = kt_crc32(crc, piece_of(object, i)->data, piece_of(object, i)->bytes);
    }
    return crc;
}

uint64_t kt_instructions(const kt_link_clock *clock, uint64_t ticks)
{
    if (clock->instructions_per == 0) {
        return KT_NO_COUNT;
    }
    return kt_divide(ticks * clock->instructions_per + clock->ticks_per / 2, clock->ticks_per);
}

uint32_t kt_window_bytes(const kt_link *link)
{
    const uint32_t listed = KT_SACK_CHUNKS * ((uint32_t)link->max_payload_bytes - KT_DATA_BYTES);
    return listed < KT_LINK_WINDOW ? listed : KT_LINK_WINDOW;
}

void kt_send_bytes(kt_link *link, uint8_t type, const uint8_t *bytes, size_t count)
{
    begin(link, type, (uint32_t)count);
    kt_frame_put(&link->writer, bytes, count);
    kt_frame_end(&link->writer);
}

void kt_send_hello_ack(kt_link *link, uint32_t features)
{
    const kt_object_bytes identity = kt_object_of(link, KT_OBJECT_IDENTITY);
    uint8_t fixed[KT_HELLO_ACK_BYTES];
    uint8_t *end = kt_put_u8(fixed, KT_LINK_VERSION);
    end = kt_put_u8(end, 0);
    end = kt_put_u16le(end, link->max_payload_bytes);
    end = kt_put_u32le(end, link->nonce);
    end = kt_put_u32le(end, features);
    end = kt_put_u32le(end, kt_window_bytes(link));
    end = kt_put_u32le(end, kt_object_size(&identity));
    kt_put_u32le(end, kt_object_crc32(&identity));
    kt_send_bytes(link, KT_HELLO_ACK, fixed, sizeof fixed);
}

void kt_send_progress(kt_link *link, uint8_t type, const kt_arrival *arrival, uint16_t input, uint16_t reason)
{
    const kt_receiver *const receiver = &arrival->inputs[input];
    uint8_t fixed[KT_ACK_BYTES];
    uint8_t *end = kt_put_u16le(fixed, arrival->number);
    end = kt_put_u16le(end, input);
    end = kt_put_u32le(end, receiver->next_offset);
    end = kt_put_u32le(end, receiver->sack);
    end = kt_put_u32le(end, kt_window_bytes(link));
    end = kt_put_u16le(end, link->last_seq);
    kt_put_u16le(end, reason);
    kt_send_bytes(link, type, fixed, sizeof fixed);
}

uint32_t kt_send_result(kt_link *link, bool without_bytes)
{
    const kt_link_request *const request = &link->request;
    uint8_t fixed[KT_RESULT_BYTES];
    uint8_t *end = kt_put_u16le(fixed, request->arrival.number);
    end = kt_put_u8(end, request->status);
    end = kt_put_u8(end, request->code);
    end = kt_put_u32le(end, request->latency_us);
    end = kt_put_u64le(end, request->instructions);
    end = kt_put_u32le(end, request->result_bytes);
    kt_put_u32le(end, request->result_crc32);
    const kt_object_bytes result = kt_object_of(link, KT_OBJECT_RESULT);
    const uint32_t room = without_bytes ? 0 : (uint32_t)link->max_payload_bytes - KT_RESULT_BYTES;
    const uint32_t first = request->result_bytes < room ? request->result_bytes : room;
    send_object(link, KT_RESULT, fixed, sizeof fixed, &result, 0, first);
    return first;
}

void kt_send_chunks(kt_link *link, uint16_t request, uint16_t object, uint32_t offset, uint32_t length)
{
    const kt_object_bytes bytes = kt_object_of(link, object);
    const uint32_t size = kt_object_size(&bytes);
    const uint32_t end = offset < size && length < size - offset ? offset + length : size;
    const uint32_t chunk_bytes = (uint32_t)link->max_payload_bytes - KT_CHUNK_BYTES;
    while (offset < end) {
        const uint32_t count = end - offset < chunk_bytes ? end - offset : chunk_bytes;
        uint8_t fixed[KT_CHUNK_BYTES];
        kt_put_u32le(kt_put_u16le(kt_put_u16le(fixed, request), object), offset);
        send_object(link, KT_CHUNK_OF_OBJECT, fixed, sizeof fixed, &bytes, offset, count);
        offset += count;
    }
}

void kt_refuse(kt_link *link, uint8_t error_class, uint8_t code, uint32_t arg, const char *text)
{
    uint8_t fixed[KT_ERROR_BYTES];
    ++link->counters.refused;
    uint8_t *end = kt_put_u8(fixed, error_class);
    end = kt_put_u8(end, code);
    end = kt_put_u16le(end, link->last_seq);
    kt_put_u32le(end, arg);
    send(link, KT_ERROR, fixed, sizeof fixed, text);
}

void kt_refuse_version(kt_link *link)
{
    kt_refuse(link, KT_ERROR_PROTOCOL, KT_BAD_VERSION, KT_LINK_VERSION << 8 | KT_LINK_VERSION,
              "no version in common");
}

void kt_link_log(kt_link *link, enum kt_log_level level, const char *text)
{
    const uint8_t fixed[KT_LOG_BYTES] = {(uint8_t)level};
    if (!link->connected || !link->takes_logs) {
        ++link->counters.logs_dropped;
        return;
    }
    send(link, KT_LOG, fixed, sizeof fixed, text);
}

void kt_link_send_fault(kt_link *link, const kt_fault *fault, const char *text)
{
    uint8_t fixed[KT_FAULT_BYTES];
    uint8_t *end = kt_put_u8(fixed, fault->cause);
    end = kt_put_u8(end, 0);
    end = kt_put_u16le(end, link->request.arrival.number);
    end = kt_put_u32le(end, fault->pc);
    end = kt_put_u32le(end, fault->lr);
    end = kt_put_u32le(end, fault->sp);
    end = kt_put_u32le(end, fault->status);
    end = kt_put_u32le(end, fault->hard_status);
    kt_put_u32le(end, fault->address);
    kt_send_init(link); /* it may have happened in the middle of a frame */
    send(link, KT_FAULT, fixed, sizeof fixed, text);
}
