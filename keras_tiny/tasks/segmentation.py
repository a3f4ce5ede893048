"""Segmentation: a class for every pixel, losses over masks, mean intersection over union."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_tiny.data.arrays import prepare_images
from keras_tiny.data.masks import resize_mask
from keras_tiny.data.overlay import difference, overlay
from keras_tiny.data.sample import VOID, Sample, Split
from keras_tiny.errors import BadInput, DataError
from keras_tiny.keras_api import tf
from keras_tiny.losses.class_weights import mask_class_weights
from keras_tiny.losses.segmentation import mask_loss
from keras_tiny.metrics.segmentation import (
    decide,
    enlarge,
    mask_metrics,
    pixel_confusion,
    score_threshold,
    wrong_shares,
)
from keras_tiny.preprocessing.spec import PreprocessingSpec
from keras_tiny.recipe import Recipe
from keras_tiny.tasks.augment import moves, recolour, transforms, warp
from keras_tiny.tasks.augment_masks import change_batch
from keras_tiny.tasks.batches import normalise_tensor, seeded_batches
from keras_tiny.tasks.output_activation import as_logits, last_activation
from keras_tiny.tasks.sheet import Tile
from keras_tiny.tasks.task import Arrays, Finding, Objective, Prepared, Task


class Segmentation(Task):
    """Outputs: (batch, height, width, classes), or one channel for two classes; at the input's size or a part of it.

    Truths: masks uint8 (n, height, width) at the input's size, 255 for void. Targets: (masks at the output's size,
    weight of each class float32 (classes,)). Answers: masks uint8 at the output's size; they are enlarged by repetition
    before they are judged, as the host does with a board's.
    """

    name = "segmentation"
    metric = "mean_iou"

    def __init__(self, model: Any, *, spec: PreprocessingSpec, labels: tuple[str, ...]):
        super().__init__(model, spec=spec, labels=labels)
        shape = model.output_shape
        if len(model.outputs) != 1 or len(shape) != 4:
            raise BadInput(
                f"A segmenter has one output (batch, height, width, classes); this model has {shape}.",
                hint="Take a model of the task segmentation, without return_features.",
            )
        if shape[-1] != len(labels) and not (shape[-1] == 1 and len(labels) == 2):
            raise BadInput(
                f"The model has {shape[-1]} output channels, the data has {len(labels)} classes "
                f"({', '.join(labels[:5])}{', …' if len(labels) > 5 else ''}).",
                hint=f"Build it with num_classes={len(labels)}{', or 1' if len(labels) == 2 else ''}.",
            )
        if (
            spec.height % shape[1]
            or spec.width % shape[2]
            or spec.height // shape[1] != spec.width // shape[2]
        ):
            raise BadInput(
                f"The model's masks are {shape[1]}x{shape[2]} for pictures of {spec.height}x{spec.width}; "
                "they must be the same, or both sides a half, a third, …"
            )
        self._stride = spec.height // shape[1]
        self._ends_in = last_activation(model)
        self._threshold = score_threshold(0.5, logits=self._ends_in == "logits")

    def prepare(self, split: Split) -> Prepared:
        """Masks are resized to the nearest pixel, pictures as the specification says."""
        if not split.has_masks:
            raise DataError(f"The split '{split.name}' has no masks.", hint="Take a source of masks.")
        masks = np.empty((len(split), self.spec.height, self.spec.width), np.uint8)

        def use_truth(index: int, sample: Sample) -> None:
            masks[index] = self._resized(sample)

        images = prepare_images(split, self.spec, use_truth=use_truth)
        if len(split) and (masks == VOID).all():
            raise DataError(f"Every pixel of the masks of '{split.name}' is void: there is nothing to judge.")
        return Prepared(images, (masks,))

    def batches(self, prepared: Prepared, *, recipe: Recipe, phase: str, epoch: int) -> tf.data.Dataset:
        """Pictures and masks move together; masks stay classes: they are never blended."""
        weights = self._class_weights(prepared, recipe)

        def change(
            step: tf.Tensor, images: tf.Tensor, truths: tuple[tf.Tensor, ...], seed: tf.Tensor
        ) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
            del step
            masks = truths[0]
            if recipe.augment_steps:
                images, masks = change_batch(images, masks, recipe.augment_steps, seed=seed)
            pixels = tf.cast(images, tf.float32)
            if moves(recipe.augment):
                matrices = transforms(pixels, recipe.augment, seed=seed)
                pixels = warp(pixels, matrices)
                moved = warp(tf.cast(masks, tf.float32)[..., None], matrices, interpolation="NEAREST")
                masks = tf.cast(moved[..., 0], tf.uint8)
            inputs = normalise_tensor(recolour(pixels, recipe.augment, seed=seed), self.spec)
            return inputs, (self._at_output(masks), tf.constant(weights))

        return seeded_batches(prepared, change, recipe=recipe, phase=phase, epoch=epoch)

    def targets(self, truths: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, tf.Tensor]:
        return self._at_output(truths[0]), tf.ones([self.num_classes])

    def class_weights(self, targets: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        return targets[1]

    def objective(self, recipe: Recipe, *, training: bool) -> Objective:
        """The sum that `recipe.mask_losses` says; class weights are in the targets, ones for validation."""
        del training
        for key in ("mixup", "label_smoothing"):
            if getattr(recipe, key):
                raise BadInput(
                    f"{key} is for classification; a segmenter has no use for it.", hint=f"Set {key}=0."
                )

        def scalars(
            targets: tuple[tf.Tensor, tf.Tensor], outputs: tuple[tf.Tensor, ...]
        ) -> dict[str, tf.Tensor]:
            masks, weights = targets
            return mask_loss(
                masks, as_logits(outputs[0], self._ends_in), parts=recipe.mask_losses, class_weights=weights
            )

        return scalars

    def answers(self, outputs: Arrays) -> Arrays:
        """The largest score of each pixel, the lower class of equal ones; one channel: probability above one half."""
        return (decide(outputs[0], threshold=self._threshold),)

    def metrics(self, answers: Arrays, prepared: Prepared) -> dict[str, float]:
        return mask_metrics(prepared.truths[0], self._enlarged(answers[0]), num_classes=self.num_classes)

    def confusion(self, answers: Arrays, prepared: Prepared) -> np.ndarray:
        return pixel_confusion(prepared.truths[0], self._enlarged(answers[0]), num_classes=self.num_classes)

    def mistakes(self, answers: Arrays, prepared: Prepared, *, most: int) -> list[Tile]:
        """The pictures with the most wrong pixels: truth, answer and difference, one below the other."""
        truths, masks = prepared.truths[0], self._enlarged(answers[0])
        shares = wrong_shares(truths, masks)
        worst = [i for i in np.argsort(-shares, kind="stable") if shares[i]][:most]
        return [
            Tile(
                np.concatenate(
                    [
                        overlay(prepared.images[i], truths[i], classes=self.num_classes),
                        overlay(prepared.images[i], masks[i], classes=self.num_classes),
                        difference(truths[i], masks[i]),
                    ]
                ),
                f"truth, answer\n{shares[i]:.0%} wrong",
            )
            for i in worst
        ]

    def findings(self, answers: Arrays) -> list[Finding]:
        """The classes in the mask, each with the share of the picture that it covers, the largest first."""
        shares = np.bincount(answers[0].ravel(), minlength=self.num_classes) / answers[0].size
        return [
            Finding(self.labels[c], float(shares[c])) for c in np.argsort(-shares, kind="stable") if shares[c]
        ]

    def tile(self, image: np.ndarray, answers: Arrays, *, name: str) -> Tile:
        largest = ", ".join(f"{found.label} {found.score:.0%}" for found in self.findings(answers)[:2])
        (mask,) = self._enlarged(answers[0])
        return Tile(overlay(image, mask, classes=self.num_classes), f"{largest}\n{name}")

    def _resized(self, sample: Sample) -> np.ndarray:
        mask = sample.mask
        if mask is None or mask.shape != sample.image.shape[:2]:
            raise DataError(
                f"{sample.id}: the picture is {sample.image.shape[:2]}, its mask "
                f"{None if mask is None else mask.shape}, (height, width).",
                hint="Masks are drawn pixel by pixel; export them at the picture's size.",
            )
        classes = mask[mask != VOID]
        if classes.size and classes.max() >= self.num_classes:
            raise DataError(
                f"{sample.id}: the mask has class {classes.max()}; there are {self.num_classes} classes, from 0 on."
            )
        return resize_mask(mask, height=self.spec.height, width=self.spec.width)

    def _at_output(self, masks: tf.Tensor) -> tf.Tensor:
        """The pixel at the middle of each output pixel."""
        if self._stride == 1:
            return masks
        middle = self._stride // 2
        return masks[:, middle :: self._stride, middle :: self._stride]

    def _enlarged(self, masks: np.ndarray) -> np.ndarray:
        return enlarge(masks, stride=self._stride)

    def _class_weights(self, prepared: Prepared, recipe: Recipe) -> np.ndarray:
        found = mask_class_weights(
            prepared.truths[0], num_classes=self.num_classes, kind=recipe.class_weights
        )
        return np.ones(self.num_classes, np.float32) if found is None else found
