/* A .tflite file as an application: TensorFlow Lite Micro in an arena between two guards. */
#include "arena.h"
#include "kt_app.h"
#include "kt_crc32.h"
#include "kt_model_facts.h"
#include "kt_tflm.h"
#include "model_data.h"
#include "op_resolver.h"

namespace {

constexpr uint16_t kMaxTensors = KT_LINK_MAX_INPUTS;

struct Memory {
    uint32_t below[KT_GUARD_WORDS];
    alignas(16) uint8_t arena[(keras_tiny_model::kArenaBytes + 15) / 16 * 16];
    uint32_t above[KT_GUARD_WORDS];
};

alignas(16) Memory memory;
const uint8_t identity[] = {KT_FACTS_IDENTITY};
const char *failed; /* why the interpreter cannot run, nullptr if it can */

kt_tflm::Engine &engine()
{
    static keras_tiny_model::OpResolver resolver;
    static const TfLiteStatus added = keras_tiny_model::AddOperators(resolver);
    static kt_tflm::Engine made(keras_tiny_model::kModelData, resolver, memory.arena, sizeof memory.arena);
    if (added != kTfLiteOk) {
        failed = "the operators cannot be registered";
    }
    return made;
}

int invoke(void *context, uint32_t *operator_ticks, const char **why)
{
    (void)context;
    (void)operator_ticks;
    if (failed != nullptr) {
        *why = failed;
        return -1;
    }
    return engine().invoke(why);
}

}  // namespace

extern "C" const kt_board_app *kt_app(void)
{
    static kt_tensor inputs[kMaxTensors];
    static kt_bytes outputs[kMaxTensors];
    static kt_board_app app;
    kt_tflm::Engine &runs = engine();
    if (failed == nullptr && runs.begin(&failed) == 0) {
        app.input_count = runs.input_count();
        app.output_count = runs.output_count();
        if (app.input_count > kMaxTensors || app.output_count > kMaxTensors) {
            failed = "the model has too many inputs or outputs";
            app.input_count = app.output_count = 0;
        }
    }
    for (uint16_t i = 0; i < app.input_count; ++i) {
        inputs[i] = runs.input(i);
    }
    for (uint16_t i = 0; i < app.output_count; ++i) {
        outputs[i] = runs.output(i);
    }
    app.inputs = inputs;
    app.outputs = outputs;
    app.invoke = invoke;
    app.identity = kt_bytes{identity, sizeof identity};
    app.guards[0] = memory.below;
    app.guards[1] = memory.above;
    /* Computed here, from the bytes as they lie in flash. */
    app.tflite_crc32 = kt_crc32(0, keras_tiny_model::kModelData, keras_tiny_model::kModelDataBytes);
    return &app;
}
