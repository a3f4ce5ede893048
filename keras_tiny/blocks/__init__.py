"""The parts that the models of the garden are made of: functions tensor → tensor, (batch, height, width, channels).

Every operation is a layer, never a Lambda or a bare TensorFlow function, so that quantization can see and configure
it. The layers that the models use (`keras.layers` unless marked *, which are ours):

| layer | where |
|---|---|
| Conv2D, `same` | all; `valid` at stride 2 in SqueezeNet's stem; dilation 2, 4, 8 in ESPNet |
| DepthwiseConv2D, `same` | MobileNet V1 V2 V3, EtinyNet, MobileUNet; 1×1 with stride in EtinyNet's projection; |
| | dilation 3 with a 7×7 kernel in Efficient UNet |
| Conv2DTranspose, `same` | 2×2 + ReLU: UNets; 2×2 + BatchNormalization + ReLU, and alone: ESPNet; |
| | 2×2 alone: Efficient UNet; 4×4 + BatchNormalization + ReLU(6), and alone: MobileUNet |
| UpSampling2D nearest, bilinear | all segmenters with `upsample=` |
| BatchNormalization after Conv2D, DepthwiseConv2D | all but SqueezeNet without `batch_norm` |
| BatchNormalization after Conv2DTranspose | ESPNet, MobileUNet |
| BatchNormalization after ReLU | EtinyNet with `norm_order="relu_bn"` |
| BatchNormalization after Concatenate, Multiply | Efficient UNet's up blocks |
| BatchNormalization after Add | ESPNet with `fusion="paper"` |
| ReLU(6.0), ReLU(), LeakyReLU(0.1), *HardSwish | the hidden activation of every model; ReLU() in squeeze-and-excite |
| *HardSigmoid | squeeze-and-excite (MobileNetV3); Efficient UNet with `gate="hard_sigmoid"` |
| Multiply, of (h, w, c) and (1, 1, c) | squeeze-and-excite |
| Multiply, of two maps | Efficient UNet's attention |
| Add of two | MobileNet V2 V3, EtinyNet (Add of Add), MobileUNet, ESPNet |
| Concatenate of two, of four (sums of unequal range), of the image's mean with features | SqueezeNet, all segmenters |
| *SpaceToDepth(2) | Efficient UNet |
| MaxPooling2D(2), (3, strides 2), `valid` | UNets, EtinyNet; SqueezeNet |
| AveragePooling2D(3, strides 2, `same`), of the image itself | ESPNet |
| GlobalAveragePooling2D | MobileNetV2, EtinyNet, SqueezeNet (last layer); keepdims: MobileNet V1 V3 |
| Dense | MobileNetV2, EtinyNet |
| Conv2D → Reshape, Conv2D → Flatten as head | MobileNetV1; MobileNetV3 |
| Dropout | all but EtinyNet and Efficient UNet |
| Activation("softmax"), ("sigmoid") | last layer of every model with `output_activation="auto"` |

Linear convolutions whose BatchNorm or activation does not follow: projections of MobileUNet, biased DepthwiseConv2D →
Conv2D in Efficient UNet, Conv2D 1×1 → Conv2D 3×3 in ESPNet, the first convolution of each UNet block (ReLU only).
"""
