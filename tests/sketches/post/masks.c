/* Runs one function of kt_mask.h per request: stdin has requests, stdout the answers, in the machine's byte order.
 *
 * Request: int32 function, int32 a, uint32 b, uint32 bytes, then the bytes. Answer: int32 result, uint32 bytes, bytes.
 * Buffers have exactly the size that is promised, so that the sanitizers see the first byte beyond. */
#include "kt_mask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGMAX, THRESHOLD, PACK, UNPACK, ENCODE, DECODE, PACK_IN_PLACE };

static void *memory(size_t bytes)
{
    void *const made = malloc(bytes > 0U ? bytes : 1U);
    if (made == NULL) {
        exit(2);
    }
    return made;
}

static void answer(int32_t result, const uint8_t *bytes, uint32_t count)
{
    (void)fwrite(&result, sizeof result, 1, stdout);
    (void)fwrite(&count, sizeof count, 1, stdout);
    (void)fwrite(bytes, 1, count, stdout);
    (void)fflush(stdout);
}

static uint32_t written(int result)
{
    return result < 0 ? 0U : (uint32_t)result;
}

int main(void)
{
    struct {
        int32_t function;
        int32_t a;
        uint32_t b;
        uint32_t bytes;
    } request;
    while (fread(&request, sizeof request, 1, stdin) == 1U) {
        uint8_t *const in = memory(request.bytes);
        if (fread(in, 1, request.bytes, stdin) != request.bytes) {
            return 2;
        }
        uint8_t *const out = memory(request.b);
        const unsigned bits = (unsigned)request.a;
        int result = 0;
        switch (request.function) {
        case ARGMAX:
            kt_argmax((const int8_t *)in, request.b, (size_t)request.a, out);
            answer(0, out, request.b);
            break;
        case THRESHOLD:
            kt_threshold((const int8_t *)in, request.b, request.a, out);
            answer(0, out, request.b);
            break;
        case PACK:
            result = kt_mask_pack(in, request.bytes, bits, out, request.b);
            answer(result, out, written(result));
            break;
        case PACK_IN_PLACE:
            result = kt_mask_pack(in, request.bytes, bits, in, request.bytes);
            answer(result, in, written(result));
            break;
        case UNPACK:
            result = kt_mask_unpack(in, request.bytes, bits, out, request.b);
            answer(result, out, result < 0 ? 0U : request.b);
            break;
        case ENCODE:
            result = kt_mask_encode_runs(in, request.bytes, out, request.b);
            answer(result, out, written(result));
            break;
        case DECODE:
            result = kt_mask_decode_runs(in, request.bytes, out, request.b);
            answer(result, out, result < 0 ? 0U : request.b);
            break;
        default:
            return 2;
        }
        free(in);
        free(out);
    }
    return 0;
}
