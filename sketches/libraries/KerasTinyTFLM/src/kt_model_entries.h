/* What a .tflite file says of its tensors, in the words of the link: entries of the object IDENTITY.
 *
 * So a model that came after the firmware is announced as one that was built in (docs/reference/protocol.md). */
#ifndef KT_MODEL_ENTRIES_H
#define KT_MODEL_ENTRIES_H

#include <stddef.h>
#include <stdint.h>

#include "tensorflow/lite/schema/schema_generated.h"

namespace kt_tflm {

/* Where entries are written: each is whole or not there at all. */
class Entries {
  public:
    Entries(uint8_t *to, size_t capacity) : begin_(to), at_(to), end_(to + capacity) {}

    void put(uint8_t tag, const void *value, size_t bytes);
    void put_u32(uint8_t tag, uint32_t value);

    /* INPUT and OUTPUT of the model's main graph; names are cut to what an entry holds. */
    void put_tensors(const tflite::SubGraph &graph);

    uint32_t bytes() const { return static_cast<uint32_t>(at_ - begin_); }

  private:
    void put_tensor(uint8_t tag, const tflite::Tensor &tensor);

    uint8_t *begin_;
    uint8_t *at_;
    uint8_t *end_;
};

/* Bytes of a tensor's elements; 0 for a type that the link does not carry. */
uint32_t tensor_bytes(const tflite::Tensor &tensor);

/* Input or output i of a graph. */
const tflite::Tensor &input_tensor(const tflite::SubGraph &graph, uint16_t i);
const tflite::Tensor &output_tensor(const tflite::SubGraph &graph, uint16_t i);

}  // namespace kt_tflm

#endif
