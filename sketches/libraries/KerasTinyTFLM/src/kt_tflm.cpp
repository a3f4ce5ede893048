/* The interpreter's calls and what they say when they fail. */
#include "kt_tflm.h"

#include "kt_model_entries.h"

namespace kt_tflm {

enum { kOtherSchema = -1, kArenaTooSmall = -2, kInvokeFailed = -3 };

int Engine::begin(const char **why)
{
    if (model_->version() != TFLITE_SCHEMA_VERSION) {
        *why = "the model is of another schema version";
        return kOtherSchema;
    }
    if (interpreter_.AllocateTensors() != kTfLiteOk) {
        *why = "the arena is too small, or an operator is missing";
        return kArenaTooSmall;
    }
    return 0;
}

int Engine::invoke(const char **why)
{
    if (interpreter_.Invoke() != kTfLiteOk) {
        *why = "TensorFlow Lite Micro could not run the model";
        return kInvokeFailed;
    }
    return 0;
}

/* Sizes are the file's: builds of TensorFlow Lite Micro differ in what a TfLiteTensor keeps. */
kt_tensor Engine::input(uint16_t i)
{
    return kt_tensor{interpreter_.input(i)->data.int8, tensor_bytes(input_tensor(graph(), i))};
}

kt_bytes Engine::output(uint16_t i)
{
    return kt_bytes{interpreter_.output(i)->data.int8, tensor_bytes(output_tensor(graph(), i))};
}

}  // namespace kt_tflm
