/* The interpreter's calls and what they say when they fail. */
#include "kt_tflm.h"

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

kt_tensor Engine::input(uint16_t i)
{
    TfLiteTensor *const tensor = interpreter_.input(i);
    return kt_tensor{tensor->data.int8, static_cast<uint32_t>(tensor->bytes)};
}

kt_bytes Engine::output(uint16_t i)
{
    const TfLiteTensor *const tensor = interpreter_.output(i);
    return kt_bytes{tensor->data.int8, static_cast<uint32_t>(tensor->bytes)};
}

}  // namespace kt_tflm
