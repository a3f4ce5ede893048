/* Tags, types and the order of a tensor's fields are those of docs/reference/protocol.md, "Identity". */
#include "kt_model_entries.h"

#include <string.h>

#include "kt_bytes.h"

namespace kt_tflm {

namespace {

enum : uint8_t { kTagInput = 0x10, kTagOutput = 0x11 };

constexpr size_t kLargestValue = 255; /* its length is one byte */
constexpr uint32_t kMostDimensions = 8;
constexpr size_t kFixedBytes = 1 + 1 + 4 + 4; /* type, rank, scale, zero point */

struct Type {
    tflite::TensorType type;
    uint8_t wire; /* its number on the wire */
    uint8_t bytes;
};

constexpr Type kTypes[] = {
    {tflite::TensorType_INT8, 0, 1},  {tflite::TensorType_UINT8, 1, 1},   {tflite::TensorType_INT16, 2, 2},
    {tflite::TensorType_INT32, 3, 4}, {tflite::TensorType_FLOAT32, 4, 4},
};

const Type *type_of(const tflite::Tensor &tensor)
{
    for (const Type &type : kTypes) {
        if (type.type == tensor.type()) {
            return &type;
        }
    }
    return nullptr;
}

uint32_t rank_of(const tflite::Tensor &tensor)
{
    return tensor.shape() != nullptr ? tensor.shape()->size() : 0;
}

float scale_of(const tflite::QuantizationParameters *given)
{
    return given != nullptr && given->scale() != nullptr && given->scale()->size() > 0 ? given->scale()->Get(0) : 0.0F;
}

int32_t zero_point_of(const tflite::QuantizationParameters *given)
{
    const bool is_there = given != nullptr && given->zero_point() != nullptr && given->zero_point()->size() > 0;
    return is_there ? static_cast<int32_t>(given->zero_point()->Get(0)) : 0;
}

uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

}  // namespace

void Entries::put(uint8_t tag, const void *value, size_t bytes)
{
    if (bytes > kLargestValue || static_cast<size_t>(end_ - at_) < 2 + bytes) {
        return;
    }
    at_ = kt_put_u8(kt_put_u8(at_, tag), static_cast<uint32_t>(bytes));
    memcpy(at_, value, bytes);
    at_ += bytes;
}

void Entries::put_u32(uint8_t tag, uint32_t value)
{
    uint8_t bytes[4];
    kt_put_u32le(bytes, value);
    put(tag, bytes, sizeof bytes);
}

void Entries::put_tensor(uint8_t tag, const tflite::Tensor &tensor)
{
    const Type *const type = type_of(tensor);
    const uint32_t rank = rank_of(tensor);
    if (type == nullptr || rank > kMostDimensions) {
        return;
    }
    uint8_t value[kLargestValue];
    uint8_t *to = kt_put_u8(kt_put_u8(value, type->wire), rank);
    to = kt_put_u32le(to, bits_of(scale_of(tensor.quantization())));
    to = kt_put_u32le(to, static_cast<uint32_t>(zero_point_of(tensor.quantization())));
    for (uint32_t i = 0; i < rank; ++i) {
        to = kt_put_u32le(to, static_cast<uint32_t>(tensor.shape()->Get(i)));
    }
    const size_t room = sizeof value - kFixedBytes - 4U * rank;
    const size_t name_bytes = tensor.name() != nullptr ? tensor.name()->size() : 0;
    const size_t kept = name_bytes < room ? name_bytes : room;
    if (kept > 0) {
        memcpy(to, tensor.name()->c_str(), kept);
    }
    put(tag, value, kFixedBytes + 4U * rank + kept);
}

void Entries::put_tensors(const tflite::SubGraph &graph)
{
    for (uint16_t i = 0; i < graph.inputs()->size(); ++i) {
        put_tensor(kTagInput, input_tensor(graph, i));
    }
    for (uint16_t i = 0; i < graph.outputs()->size(); ++i) {
        put_tensor(kTagOutput, output_tensor(graph, i));
    }
}

uint32_t tensor_bytes(const tflite::Tensor &tensor)
{
    const Type *const type = type_of(tensor);
    uint32_t bytes = type != nullptr ? type->bytes : 0;
    for (uint32_t i = 0; i < rank_of(tensor); ++i) {
        bytes *= static_cast<uint32_t>(tensor.shape()->Get(i));
    }
    return bytes;
}

const tflite::Tensor &input_tensor(const tflite::SubGraph &graph, uint16_t i)
{
    return *graph.tensors()->Get(static_cast<uint32_t>(graph.inputs()->Get(i)));
}

const tflite::Tensor &output_tensor(const tflite::SubGraph &graph, uint16_t i)
{
    return *graph.tensors()->Get(static_cast<uint32_t>(graph.outputs()->Get(i)));
}

}  // namespace kt_tflm
