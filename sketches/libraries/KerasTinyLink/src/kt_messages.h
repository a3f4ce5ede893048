/* Numbers on the wire: types, objects, errors (docs/reference/protocol.md, "Messages"). */
#ifndef KT_MESSAGES_H
#define KT_MESSAGES_H

enum kt_type {
    KT_HELLO = 0x01,
    KT_FETCH = 0x02,
    KT_DATA = 0x03,
    KT_INVOKE = 0x04,
    KT_BYE = 0x05,
    KT_PING = 0x06,
    KT_SET_BAUD = 0x07,
    KT_GET_STATS = 0x08,
    KT_RESET = 0x09,
    KT_FIRST_DEVICE_TYPE = 0x10, /* types from here on are sent by devices only */
    KT_HELLO_ACK = 0x11,
    KT_CHUNK_OF_OBJECT = 0x12,
    KT_ACK = 0x13,
    KT_RESULT = 0x14,
    KT_BYE_ACK = 0x15,
    KT_PONG = 0x16,
    KT_BAUD_ACK = 0x17,
    KT_STATS = 0x18,
    KT_NAK = 0x19,
    KT_ERROR = 0x1A,
    KT_LOG = 0x1D,
    KT_FAULT = 0x1E,
};

/* Bytes of the fixed part of each message. */
enum kt_layout {
    KT_HELLO_BYTES = 12,
    KT_FETCH_BYTES = 12,
    KT_DATA_BYTES = 8,
    KT_INVOKE_BYTES = 4,
    KT_HELLO_ACK_BYTES = 24,
    KT_CHUNK_BYTES = 8,
    KT_ACK_BYTES = 20,
    KT_RESULT_BYTES = 24,
    KT_SET_BAUD_BYTES = 8,
    KT_BAUD_ACK_BYTES = 4,
    KT_STATS_BYTES = 28,
    KT_ERROR_BYTES = 8,
    KT_PROFILE_BYTES = 12, /* of the object's head */
    KT_LOG_BYTES = 4,
    KT_FAULT_BYTES = 28,
};

enum kt_feature {
    KT_FEATURE_OVERLAP = 1 << 0,
    KT_FEATURE_HASH_ONLY = 1 << 1,
    KT_FEATURE_PROFILE = 1 << 2,
    KT_FEATURE_SET_BAUD = 1 << 4,
    KT_FEATURE_LOG = 1 << 5,
    KT_FEATURE_MASK = 1 << 6,
};

enum kt_invoke_flag { KT_INVOKE_PROFILE = 1 << 0, KT_INVOKE_HASH_ONLY = 1 << 1 };

enum kt_object {
    KT_OBJECT_RESULT = 0,
    KT_OBJECT_IDENTITY = 1,
    KT_OBJECT_PROFILE = 2,
    KT_OBJECT_MASK = 3,
    KT_OBJECT_MASK_RUNS = 4,
};

enum kt_profile_unit { KT_PROFILE_INSTRUCTIONS = 0, KT_PROFILE_TICKS = 1 };

enum kt_nak_reason { KT_NAK_NONE = 0, KT_NAK_DAMAGED = 1, KT_NAK_INCOMPLETE = 2 };

enum kt_error_class { KT_ERROR_PROTOCOL = 2, KT_ERROR_STATE = 3, KT_ERROR_PARAM = 4, KT_ERROR_KERNEL = 7 };

enum kt_protocol_code { KT_BAD_VERSION = 1, KT_UNKNOWN_TYPE = 2, KT_MALFORMED = 3 };

enum kt_state_code { KT_WRONG_SESSION = 1, KT_NO_HELLO = 2 };

enum kt_param_code { KT_NO_SUCH_OBJECT = 1, KT_BAD_OFFSET = 2, KT_BAD_LENGTH = 3, KT_BAD_REQUEST = 4, KT_BAD_BAUD = 5 };

enum kt_kernel_code { KT_INVOKE_FAILED = 1 };

#endif
