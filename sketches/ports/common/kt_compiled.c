/* A compiled model as an application: its arena between two guards, its tensors, its profile. */
#include "kt_app.h"
#include "kt_model.h"
#include "kt_model_facts.h"
#include "kt_port.h"

static struct {
    uint32_t below[KT_GUARD_WORDS];
    int8_t arena[(KT_MODEL_ARENA_BYTES + 7) / 8 * 8] KT_ALIGNED;
    uint32_t above[KT_GUARD_WORDS];
} memory KT_ALIGNED;

static uint32_t operator_ticks[KT_MODEL_OPERATORS];

static kt_tensor inputs[KT_MODEL_INPUTS];
static kt_bytes outputs[KT_MODEL_OUTPUTS];
#ifdef KT_LINK_OVERLAP
static int8_t staged[KT_FACTS_STAGED_BYTES];
static kt_tensor staging[KT_MODEL_INPUTS];
#endif

static const uint8_t identity[] = {KT_FACTS_IDENTITY};

#ifdef KT_MLPERF
static uint8_t mlperf_input[KT_FACTS_MLPERF_INPUT_BYTES];
static const kt_mlperf_scale mlperf_outputs[] = {KT_FACTS_MLPERF_OUTPUTS};
static const kt_mlperf_app mlperf = {
    .model_id = KT_FACTS_MLPERF_MODEL,
    .input = mlperf_input,
    .outputs = mlperf_outputs,
    .flip = KT_FACTS_MLPERF_FLIP,
};
#endif

typedef struct {
    uint32_t *ticks;
    uint64_t since;
    int32_t current; /* operator that runs, -1 if none */
} profile_state;

static void enter(void *context, int32_t operator_index)
{
    profile_state *const state = context;
    const uint64_t now = kt_port_ticks();
    if (state->current >= 0) {
        state->ticks[state->current] += (uint32_t)(now - state->since);
    }
    state->current = operator_index;
    state->since = kt_port_ticks(); /* once more: what this function takes is nobody's */
}

static int invoke(void *context, uint32_t *ticks, const char **why)
{
    (void)context;
    (void)why;
    profile_state state = {ticks, 0, -1};
    const kt_profile profile = {enter, &state};
    return kt_model_invoke(memory.arena, ticks != NULL ? &profile : NULL);
}

const kt_board_app *kt_app(void)
{
    static const uint32_t input_bytes[] = {KT_FACTS_INPUT_BYTES};
    static const uint32_t output_bytes[] = {KT_FACTS_OUTPUT_BYTES};
    static const kt_board_app app = {
        .inputs = inputs,
        .outputs = outputs,
#ifdef KT_LINK_OVERLAP
        .staging = staging,
#endif
        .input_count = KT_MODEL_INPUTS,
        .output_count = KT_MODEL_OUTPUTS,
        .invoke = invoke,
        .operator_ticks = operator_ticks,
        .operator_count = KT_MODEL_OPERATORS,
        .identity = {identity, sizeof identity},
        .guards = {memory.below, memory.above},
        .tflite_crc32 = KT_FACTS_TFLITE_CRC32,
#ifdef KT_MLPERF
        .mlperf = &mlperf,
#endif
    };
    for (int32_t i = 0; i < KT_MODEL_INPUTS; ++i) {
        inputs[i] = (kt_tensor){kt_model_input(memory.arena, i), input_bytes[i]};
    }
#ifdef KT_LINK_OVERLAP
    for (int32_t i = 0, at = 0; i < KT_MODEL_INPUTS; at += (int32_t)input_bytes[i], ++i) {
        staging[i] = (kt_tensor){staged + at, input_bytes[i]};
    }
#endif
    for (int32_t i = 0; i < KT_MODEL_OUTPUTS; ++i) {
        outputs[i] = (kt_bytes){kt_model_output(memory.arena, i), output_bytes[i]};
    }
    return &app;
}

#if defined(__ELF__)
__attribute__((section(".kt_expected"), used))
#endif
const volatile uint32_t kt_app_constants_crc32 = 0;
