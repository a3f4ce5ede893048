/* A .tflite file as an application: TensorFlow Lite Micro in an arena between two guards.
 *
 * The model is the one in its own part of flash, if a whole one is there, else the one that was built in. A whole one
 * that cannot run is not replaced in silence: it is announced, and says why when it is asked to run. */
#include <string.h>

#include "kt_app.h"
#include "kt_crc32.h"
#include "kt_model_entries.h"
#include "kt_model_facts.h"
#include "kt_model_flash.h"
#include "kt_model_image.h"
#include "kt_operators.h"
#include "kt_tflm.h"
#include "model_data.h"
#include "op_resolver.h"

namespace {

constexpr uint16_t kMaxInputs = KT_LINK_MAX_INPUTS;
constexpr uint16_t kMaxOutputs = 8;
constexpr size_t kIdentityBytes = 1536;

enum : uint8_t { kTagModelSha256 = 0x04, kTagModelBytes = 0x06, kTagArenaBytes = 0x07, kTagArenaUsedBytes = 0x08 };

struct Memory {
    uint32_t below[KT_GUARD_WORDS];
    alignas(16) uint8_t arena[(KT_FACTS_ARENA_BYTES + 15) / 16 * 16];
    uint32_t above[KT_GUARD_WORDS];
};

alignas(16) Memory memory;
const uint8_t board_entries[] = {KT_FACTS_IDENTITY};
const uint8_t built_in_sha256[KT_SHA256_BYTES] = {KT_FACTS_MODEL_SHA256};
uint8_t identity[kIdentityBytes];
const char *failed; /* why the interpreter cannot run, nullptr if it can */

struct Model {
    kt_model_image what;
    bool built_in;
};

Model choose_model()
{
    Model chosen = {};
    uint32_t capacity = 0;
    const void *const flash = kt_model_flash(&capacity);
    if (flash != nullptr && kt_model_image_open(&chosen.what, flash, capacity) == 0) {
        return chosen;
    }
    chosen.built_in = true;
    chosen.what.model = keras_tiny_model::kModelData;
    chosen.what.model_bytes = keras_tiny_model::kModelDataBytes;
    chosen.what.model_sha256 = built_in_sha256;
    /* Computed here, from the bytes as they lie in flash. */
    chosen.what.model_crc32 = kt_crc32(0, keras_tiny_model::kModelData, keras_tiny_model::kModelDataBytes);
    return chosen;
}

/* A built-in model comes with the list of its own operators, which may have one that no model of the garden has. */
const tflite::MicroOpResolver &operators_for(const Model &model)
{
    static keras_tiny_model::OpResolver own;
    static kt_tflm::Operators garden;
    const TfLiteStatus added =
        model.built_in ? keras_tiny_model::AddOperators(own) : kt_tflm::add_operators(garden);
    if (added != kTfLiteOk) {
        failed = "the operators cannot be registered";
    }
    if (model.built_in) {
        return own;
    }
    return garden;
}

const Model &model()
{
    static const Model chosen = choose_model();
    return chosen;
}

kt_tflm::Engine &engine()
{
    static kt_tflm::Engine made(model().what.model, operators_for(model()), memory.arena, sizeof memory.arena);
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

kt_bytes put_identity(kt_tflm::Engine &runs)
{
    memcpy(identity, board_entries, sizeof board_entries);
    kt_tflm::Entries entries(identity + sizeof board_entries, sizeof identity - sizeof board_entries);
    entries.put(kTagModelSha256, model().what.model_sha256, KT_SHA256_BYTES);
    entries.put_u32(kTagModelBytes, model().what.model_bytes);
    entries.put_u32(kTagArenaBytes, sizeof memory.arena);
    if (failed == nullptr) {
        entries.put_u32(kTagArenaUsedBytes, runs.arena_used_bytes());
    }
    entries.put_tensors(runs.graph());
    return kt_bytes{identity, static_cast<uint32_t>(sizeof board_entries) + entries.bytes()};
}

/* Where a model that cannot run takes its inputs, so that it gets as far as saying why. */
void put_inputs_into_the_arena(kt_tflm::Engine &runs, kt_tensor *inputs, uint16_t count)
{
    uint32_t at = 0;
    for (uint16_t i = 0; i < count; ++i) {
        const uint32_t bytes = kt_tflm::tensor_bytes(kt_tflm::input_tensor(runs.graph(), i));
        const bool fits = bytes <= sizeof memory.arena - at;
        inputs[i] = kt_tensor{reinterpret_cast<int8_t *>(memory.arena + at), fits ? bytes : 0};
        at += inputs[i].bytes;
    }
}

}  // namespace

extern "C" const kt_board_app *kt_app(void)
{
    static kt_tensor inputs[kMaxInputs];
    static kt_bytes outputs[kMaxOutputs];
    static kt_board_app app;
    kt_tflm::Engine &runs = engine();
    app.input_count = runs.input_count();
    app.output_count = runs.output_count();
    if (app.input_count > kMaxInputs || app.output_count > kMaxOutputs) {
        failed = "the model has too many inputs or outputs";
        app.input_count = app.output_count = 0;
    }
    if (failed == nullptr && runs.begin(&failed) == 0) {
        for (uint16_t i = 0; i < app.input_count; ++i) {
            inputs[i] = runs.input(i);
        }
        for (uint16_t i = 0; i < app.output_count; ++i) {
            outputs[i] = runs.output(i);
        }
    } else {
        put_inputs_into_the_arena(runs, inputs, app.input_count);
        app.output_count = 0;
    }
    app.inputs = inputs;
    app.outputs = outputs;
    app.invoke = invoke;
    app.identity = put_identity(runs);
    app.guards[0] = memory.below;
    app.guards[1] = memory.above;
    app.tflite_crc32 = model().what.model_crc32;
    return &app;
}
