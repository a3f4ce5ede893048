/* KerasTinyLink: the device side of the link, from bytes that arrive to bytes that are sent.
 *
 * What it is for: a computer uploads input tensors, asks for a run, gets the outputs; what the line damages or loses
 *   is sent again; a request that is repeated is answered from memory. docs/reference/protocol.md has every byte.
 * How it works: it has no timers and never speaks first; every frame it sends, but LOG and FAULT, answers one.
 * Memory: one kt_link of about 1.2 KiB with payloads of 768 bytes. No heap, no global state. Inputs are put
 *   straight into the model's tensors and outputs are sent from there: they must stay until the next request. With
 *   -DKT_LINK_OVERLAP and memory for it the next request's inputs arrive before that.
 * Blocking: kt_link_feed returns when all is answered; it runs the model when asked to.
 *
 *   static kt_link link;
 *   kt_link_init(&link, &model, &clock, session);
 *   while ((count = kt_port_read(bytes, sizeof bytes)) > 0) {
 *       kt_link_feed(&link, bytes, count);
 *   } */
#ifndef KT_LINK_H
#define KT_LINK_H

#include "kt_fault.h"
#include "kt_frame.h"
#include "kt_receiver.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Input tensors of the model at most. */
#ifndef KT_LINK_MAX_INPUTS
#define KT_LINK_MAX_INPUTS 4
#endif

#define KT_LINK_CHUNK (KT_LINK_MAX_PAYLOAD - 8) /* tensor bytes in a DATA of the longest payload */

/* DATA bytes that may be on their way: what a port's receive buffer holds while the device is busy. */
#ifndef KT_LINK_WINDOW
#define KT_LINK_WINDOW (2 * KT_LINK_CHUNK)
#endif

/* Bytes somewhere in memory; an object on the wire is several of these, one after another. */
typedef struct {
    const void *data;
    uint32_t bytes;
} kt_bytes;

typedef struct {
    int8_t *data;
    uint32_t bytes;
} kt_tensor;

/* The model and who the board is. Everything it points to stays the caller's and must stay there. */
typedef struct {
    const kt_tensor *inputs;
    const kt_bytes *outputs;
#ifdef KT_LINK_OVERLAP
    const kt_tensor *staging; /* as large as the inputs, for those of the next request; NULL: no overlap */
#endif
    uint16_t input_count; /* at most KT_LINK_MAX_INPUTS */
    uint16_t output_count;
    /* Computes the outputs; 0 if it could, else a negative number and the reason in *why. With `operator_ticks`
     * it adds to operator i's entry what operator i took, in ticks of kt_port_ticks. */
    int (*invoke)(void *context, uint32_t *operator_ticks, const char **why);
    void *context;
    uint32_t *operator_ticks; /* operator_count of them, or NULL: no profiles */
    uint16_t operator_count;
    uint16_t identity_count;
    const kt_bytes *identity; /* the object IDENTITY, in pieces */
} kt_link_model;

/* How kt_port_ticks counts. */
typedef struct {
    uint32_t ticks_per_s;
    /* instructions = ticks * instructions_per / ticks_per, exactly; 0 where the board does not count them */
    uint32_t instructions_per;
    uint32_t ticks_per;
} kt_link_clock;

/* The output of a segmenter. */
typedef struct {
    uint32_t pixels;
    uint16_t channels; /* 0: the model is no segmenter, or knows too many classes */
    int16_t above;     /* with one channel: what a score of class 1 exceeds */
} kt_link_mask;

enum { KT_MASK_HEAD_BYTES = 16 };

/* What has arrived of a request's inputs. */
typedef struct {
    uint16_t number;            /* 1..65535, or 0: no request */
    uint32_t unconfirmed_bytes; /* received since the last ACK */
    kt_receiver inputs[KT_LINK_MAX_INPUTS];
} kt_arrival;

typedef struct {
    kt_arrival arrival; /* its number is 0 before the first request of a connection */
    bool ran;
    bool profiled;
    uint8_t status; /* of RESULT */
    uint8_t code;
    uint32_t latency_us;
    uint64_t instructions;
    uint32_t result_bytes;
    uint32_t result_crc32;
    const char *why; /* text of the RESULT if the model did not run */
    uint8_t profile_head[12]; /* of the object PROFILE */
#ifdef KT_LINK_MASK
    uint16_t mask_object; /* the mask that has taken the result's place, 0 if none */
    uint8_t mask_head[KT_MASK_HEAD_BYTES];
#endif
} kt_link_request;

/* What the device has counted since it started (docs/reference/protocol.md, "STATS"). */
typedef struct {
    uint32_t frames_received;
    uint32_t frames_damaged;
    uint32_t frames_sent;
    uint32_t refused;
    uint32_t invocations; /* how often the model ran */
    uint32_t logs_dropped;
} kt_link_counters;

/* The rate of the line, in symbols per second. */
typedef struct {
    uint32_t start;      /* at power-on and after BYE */
    uint32_t most;       /* that kt_port_set_baud takes; 0: SET_BAUD is not offered */
    uint32_t current;
    uint32_t confirmed;  /* to go back to */
    uint32_t confirm_ms; /* how long `current` is tried without an intact frame; 0 while nothing is tried */
    uint64_t deadline;   /* in ticks */
} kt_link_baud;

typedef struct {
    kt_frame_reader reader;
    kt_frame_writer writer;
    const kt_link_model *model;
    const kt_link_clock *clock;
    uint16_t session;  /* boot nonce */
    uint16_t seq;      /* of the next frame sent */
    uint16_t last_seq; /* of the last intact frame received */
    uint16_t max_payload_bytes;
    uint32_t nonce; /* of the HELLO in force */
    bool connected;
    bool takes_logs; /* the host that is connected does */
    kt_link_request request;
#ifdef KT_LINK_OVERLAP
    bool overlap;         /* agreed on */
    kt_arrival following; /* a newer request's, while the result of `request` is kept */
#endif
    kt_bytes profile[2]; /* the object PROFILE */
#ifdef KT_LINK_MASK
    kt_link_mask mask;
    kt_bytes mask_bytes[2]; /* the object MASK or MASK_RUNS */
#endif
    kt_link_counters counters;
    kt_link_baud baud;
} kt_link;

/* `session` is the boot nonce: 1..65535, another one after every start. */
void kt_link_init(kt_link *link, const kt_link_model *model, const kt_link_clock *clock, uint16_t session);

/* The line's rate and the highest that the port can; before the first byte, where SET_BAUD is to be offered. */
void kt_link_rates(kt_link *link, uint32_t baud, uint32_t most);

/* Whether a rate is tried: kt_link_tick is then to be called again and again until it is not. */
bool kt_link_is_trying_baud(const kt_link *link);

/* Goes back to the rate before if the one that is tried was not confirmed in time. */
void kt_link_tick(kt_link *link);

/* Takes what has arrived and sends all answers with kt_port_write. */
void kt_link_feed(kt_link *link, const uint8_t *bytes, size_t count);

/* How important a LOG is. */
enum kt_log_level { KT_LOG_ERROR = 1, KT_LOG_WARNING = 2, KT_LOG_INFO = 3, KT_LOG_DEBUG = 4 };

/* Tells the host something, in at most 60 bytes of UTF-8; the rest is cut. Nobody connected who wants it: it is dropped
 * and counted. Not from an interrupt: a frame may be under way. */
void kt_link_log(kt_link *link, enum kt_log_level level, const char *text);

/* Sends FAULT. Beside LOG the one frame that answers nothing: what happened ends the session. `text` may be "". */
void kt_link_send_fault(kt_link *link, const kt_fault *fault, const char *text);

#ifdef __cplusplus
}
#endif

#endif
