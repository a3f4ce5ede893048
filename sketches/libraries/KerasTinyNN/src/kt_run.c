/* Walks the steps of a compiled model, row by row. */
#include "kt_nn.h"

/* Last input row that `stage` needs before it can compute output row `y`. */
static int32_t last_row_needed(const kt_stage *stage, int32_t y)
{
    const int32_t last = y * stage->stride - stage->pad_top + (stage->window - 1) * stage->dilation;
    return last < stage->in_height ? last : stage->in_height - 1;
}

static void run_row(const kt_stage *stage, int32_t y, int8_t *arena)
{
    const int8_t *rows[KT_MAX_WINDOW];
    const int32_t top = y * stage->stride - stage->pad_top;
    for (int32_t k = 0; k < stage->window; ++k) {
        const int32_t row = top + k * stage->dilation;
        const int inside = row >= 0 && row < stage->in_height;
        rows[k] = inside ? arena + stage->in + (row % stage->in_ring) * stage->in_row_bytes : NULL;
    }
    if (stage->second_constant != NULL) {
        rows[1] = stage->second_constant + y * stage->out_row_bytes;
    } else if (stage->second != KT_NO_SECOND) {
        rows[1] = arena + stage->second + y * stage->out_row_bytes;
    }
    int8_t *const out = arena + stage->out + (y % stage->out_ring) * stage->out_row_bytes;
    stage->kernel(stage->op, rows, out, arena + stage->scratch);
}

static void run_step(const kt_step *step, int8_t *arena, const kt_profile *profile)
{
    const kt_stage *const stages = step->stages;
    const int32_t last = step->stage_count - 1;
    int32_t next[KT_MAX_STAGES] = {0}; /* the row that each stage computes next */
    while (next[last] < stages[last].out_height) {
        /* Climb from the last stage to the first one that has what it needs: rings then never hold a row too many. */
        int32_t i = last;
        while (i > 0 && next[i - 1] <= last_row_needed(&stages[i], next[i])) {
            --i;
        }
        if (profile != NULL) {
            profile->enter(profile->context, stages[i].operator_index);
        }
        run_row(&stages[i], next[i], arena);
        ++next[i];
    }
}

void kt_run(const kt_step *steps, int32_t step_count, int8_t *arena, const kt_profile *profile)
{
    for (int32_t i = 0; i < step_count; ++i) {
        run_step(&steps[i], arena, profile);
    }
    if (profile != NULL) {
        profile->enter(profile->context, -1);
    }
}
