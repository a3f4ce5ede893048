/* Consistent Overhead Byte Stuffing. */
#include "kt_cobs.h"

void kt_cobs_begin(kt_cobs_decoder *decoder)
{
    decoder->left = 0;
    decoder->code = 1 + KT_COBS_BLOCK;
}

int kt_cobs_decode(kt_cobs_decoder *decoder, uint8_t byte, uint8_t *decoded)
{
    if (decoder->left > 0) {
        --decoder->left;
        *decoded = byte;
        return 1;
    }
    /* A code byte. The zero that the block before stands for is known to be data only now that one follows. */
    const int zero = decoder->code <= KT_COBS_BLOCK;
    decoder->code = byte;
    decoder->left = (uint8_t)(byte - 1);
    *decoded = 0;
    return zero;
}

bool kt_cobs_is_whole(const kt_cobs_decoder *decoder)
{
    return decoder->left == 0;
}

static void write_block(kt_cobs_encoder *encoder)
{
    encoder->block[0] = (uint8_t)(encoder->count + 1);
    encoder->write(encoder->context, encoder->block, (size_t)encoder->count + 1);
    encoder->count = 0;
}

void kt_cobs_encode(kt_cobs_encoder *encoder, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        if (encoder->count == KT_COBS_BLOCK) {
            write_block(encoder); /* stands for no zero, and not before another byte is there to follow it */
        }
        if (bytes[i] == 0) {
            write_block(encoder);
        } else {
            encoder->block[++encoder->count] = bytes[i];
        }
    }
}

void kt_cobs_end(kt_cobs_encoder *encoder)
{
    write_block(encoder);
}
