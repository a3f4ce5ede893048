/* KerasTinyTFLM: a TensorFlow Lite Micro interpreter with plain C's view of its tensors.
 *
 * What it is for: the application behind KerasTinyLink where TensorFlow Lite Micro computes. The interpreter's API is
 *   that of tflite-micro since 2023, as in Arduino's Chirale_TensorFLowLite and Espressif's esp-tflite-micro.
 * Memory: the arena is the caller's, aligned to 16 bytes; no heap. One object per program, for as long as it runs.
 *
 *   static kt_tflm::Engine engine(kModelData, resolver, arena, sizeof arena);
 *   const char *why = nullptr;
 *   if (engine.begin(&why) != 0) { ... }
 *   memcpy(engine.input(0).data, pixels, engine.input(0).bytes);
 *   engine.invoke(&why); */
#ifndef KT_TFLM_H
#define KT_TFLM_H

#include <stddef.h>
#include <stdint.h>

#if defined(ARDUINO) && !defined(KT_TFLM_IS_A_COMPONENT)
/* Arduino's tools find a library by a header in its topmost folder; the headers below it lie deeper. */
#include <Chirale_TensorFlowLite.h>
#endif

#include "kt_link.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace kt_tflm {

class Engine {
  public:
    /* `model` is a .tflite file, aligned to 16 bytes; it is read in place and stays the caller's. */
    Engine(const void *model, const tflite::MicroOpResolver &resolver, uint8_t *arena, size_t arena_bytes)
        : model_(tflite::GetModel(model)), interpreter_(model_, resolver, arena, arena_bytes)
    {
    }

    /* Plans the arena. 0, or a negative number and the reason in *why. */
    int begin(const char **why);

    /* Runs the model once. 0, or a negative number and the reason in *why. */
    int invoke(const char **why);

    const tflite::SubGraph &graph() const { return *model_->subgraphs()->Get(0); }
    uint16_t input_count() const { return static_cast<uint16_t>(interpreter_.inputs_size()); }
    uint16_t output_count() const { return static_cast<uint16_t>(interpreter_.outputs_size()); }

    /* Bytes of tensor i, in the arena; after begin(). */
    kt_tensor input(uint16_t i);
    kt_bytes output(uint16_t i);

    uint32_t arena_used_bytes() const { return static_cast<uint32_t>(interpreter_.arena_used_bytes()); }

  private:
    const tflite::Model *model_;
    tflite::MicroInterpreter interpreter_;
};

}  // namespace kt_tflm

#endif
