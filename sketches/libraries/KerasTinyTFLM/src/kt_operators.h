/* The operators of every model of keras-tiny's garden, for firmware whose model comes after it (kt_model_image.h).
 *
 * An application with one model takes that model's own list instead (op_resolver.h of the bundle): it links less.
 * For a model with another operator: one more line here, and the number above it. */
#ifndef KT_OPERATORS_H
#define KT_OPERATORS_H

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

namespace kt_tflm {

using Operators = tflite::MicroMutableOpResolver<26>;

/* Adds them; fails only if some were added before. */
inline TfLiteStatus add_operators(Operators &to)
{
    const TfLiteStatus added[] = {
        to.AddAdd(),
        to.AddAveragePool2D(),
        to.AddConcatenation(),
        to.AddConv2D(),
        to.AddDepthToSpace(),
        to.AddDepthwiseConv2D(),
        to.AddExpandDims(),
        to.AddFullyConnected(),
        to.AddHardSwish(),
        to.AddLeakyRelu(),
        to.AddLogistic(),
        to.AddMaxPool2D(),
        to.AddMean(),
        to.AddMul(),
        to.AddPad(),
        to.AddPadV2(),
        to.AddQuantize(),
        to.AddRelu(),
        to.AddRelu6(),
        to.AddReshape(),
        to.AddResizeBilinear(),
        to.AddResizeNearestNeighbor(),
        to.AddSoftmax(),
        to.AddSpaceToDepth(),
        to.AddSqueeze(),
        to.AddTransposeConv(),
    };
    for (const TfLiteStatus status : added) {
        if (status != kTfLiteOk) {
            return status;
        }
    }
    return kTfLiteOk;
}

}  // namespace kt_tflm

#endif
