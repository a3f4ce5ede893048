"""Classification: one class per picture, cross-entropy, accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_tiny.data.arrays import prepare_split
from keras_tiny.data.finding import Finding
from keras_tiny.data.sample import Split
from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras, tf
from keras_tiny.losses.classification import cross_entropy
from keras_tiny.metrics.classification import accuracy, confusion_matrix, macro_f1, top_k_accuracy
from keras_tiny.preprocessing.spec import PreprocessingSpec
from keras_tiny.recipe import Recipe
from keras_tiny.seeds import generator
from keras_tiny.tasks.augment import augment_batch
from keras_tiny.tasks.augment_masks import refuse_steps
from keras_tiny.tasks.batches import batch_order, normalise_tensor, seeded_batches
from keras_tiny.tasks.sheet import Tile
from keras_tiny.tasks.task import Arrays, Objective, Prepared, Task


class Classification(Task):
    """Outputs: (batch, classes), logits, or probabilities of a model that ends in a softmax.

    Truths: class indices int64 (n,). Targets: (probability per class (batch, classes), weight (batch,)).
    """

    name = "classification"
    metric = "accuracy"

    def __init__(self, model: Any, *, spec: PreprocessingSpec, labels: tuple[str, ...]):
        super().__init__(model, spec=spec, labels=labels)
        if len(model.outputs) != 1 or len(model.output_shape) != 2:
            raise BadInput(
                f"A classifier has one output (batch, classes); this model has {model.output_shape}."
            )
        if model.output_shape[-1] != len(labels):
            raise BadInput(
                f"The model has {model.output_shape[-1]} outputs, the data has {len(labels)} classes "
                f"({', '.join(labels[:5])}{', …' if len(labels) > 5 else ''}).",
                hint=f"Build it with num_classes={len(labels)}.",
            )
        self._probabilities = ends_in_softmax(model)

    def prepare(self, split: Split) -> Prepared:
        images, labels = prepare_split(split, self.spec)
        return Prepared(images, (labels,))

    def batches(self, prepared: Prepared, *, recipe: Recipe, phase: str, epoch: int) -> tf.data.Dataset:
        """With `recipe.mixup`, each picture is mixed with its mirror in the batch, one share per batch."""
        weights = self._class_weights(prepared.truths[0], recipe)
        order = batch_order(len(prepared), recipe=recipe, phase=phase, epoch=epoch)
        rng, batches = generator(recipe.seed, "mixup", phase, epoch), -(-len(order) // recipe.batch_size)
        shares = rng.beta(recipe.mixup or 1, recipe.mixup or 1, batches).astype(np.float32)

        def change(
            step: tf.Tensor, images: tf.Tensor, truths: tuple[tf.Tensor, ...], seed: tf.Tensor
        ) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
            inputs = normalise_tensor(augment_batch(images, recipe.augment, seed=seed), self.spec)
            targets = tf.one_hot(truths[0], self.num_classes)
            sample_weights = tf.gather(weights, truths[0])
            if recipe.mixup > 0:
                share = tf.gather(shares, step)
                inputs, targets, sample_weights = (
                    share * part + (1 - share) * tf.reverse(part, [0])
                    for part in (inputs, targets, sample_weights)
                )
            return inputs, (targets, sample_weights)

        return seeded_batches(prepared, change, recipe=recipe, phase=phase, epoch=epoch)

    def targets(self, truths: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.one_hot(truths[0], self.num_classes), tf.ones_like(truths[0], tf.float32)

    def objective(self, recipe: Recipe, *, training: bool) -> Objective:
        refuse_steps(recipe, task=self.name)
        smoothing = recipe.label_smoothing if training else 0.0

        def scalars(
            targets: tuple[tf.Tensor, tf.Tensor], outputs: tuple[tf.Tensor, ...]
        ) -> dict[str, tf.Tensor]:
            classes, weights = targets
            per_sample = cross_entropy(classes, self._logits(outputs[0]), label_smoothing=smoothing)
            right = tf.argmax(outputs[0], -1) == tf.argmax(classes, -1)
            return {
                "loss": tf.reduce_mean(per_sample * weights),
                "accuracy": tf.reduce_mean(tf.cast(right, tf.float32)),
            }

        return scalars

    def metrics(self, answers: Arrays, prepared: Prepared) -> dict[str, float]:
        """Ties go to the lower class index, as on the board."""
        (scores,), (truth,) = answers, prepared.truths
        predicted = scores.argmax(axis=-1)
        found = {
            "accuracy": accuracy(truth, predicted),
            "macro_f1": macro_f1(self.confusion(answers, prepared)),
        }
        if self.num_classes > 3:
            found["top_3_accuracy"] = top_k_accuracy(truth, scores, k=3)
        return found

    def confusion(self, answers: Arrays, prepared: Prepared) -> np.ndarray:
        predicted = answers[0].argmax(axis=-1)
        return confusion_matrix(prepared.truths[0], predicted, num_classes=self.num_classes)

    def mistakes(self, answers: Arrays, prepared: Prepared, *, most: int) -> list[Tile]:
        """The wrong answers that the model was surest of."""
        scores, truth = self._shares(answers[0]), prepared.truths[0]
        predicted = scores.argmax(axis=1)
        wrong = np.flatnonzero(predicted != truth)
        surest = wrong[np.argsort(-scores[wrong, predicted[wrong]], kind="stable")][:most]
        return [
            Tile(
                prepared.images[i],
                f"{self.labels[predicted[i]]} {scores[i, predicted[i]]:.0%}\nis {self.labels[truth[i]]}",
            )
            for i in surest
        ]

    def findings(self, answers: Arrays) -> list[Finding]:
        (scores,) = self._shares(answers[0])
        best = int(scores.argmax())
        return [Finding(self.labels[best], float(scores[best]))]

    def tile(self, image: np.ndarray, answers: Arrays, *, name: str) -> Tile:
        (found,) = self.findings(answers)
        return Tile(image, f"{found.label} {found.score:.0%}\n{name}")

    def _logits(self, outputs: tf.Tensor) -> tf.Tensor:
        if not self._probabilities:
            return outputs
        return tf.math.log(tf.maximum(tf.cast(outputs, tf.float32), 1e-7))

    def _shares(self, scores: np.ndarray) -> np.ndarray:
        """Probabilities (n, classes)."""
        if self._probabilities:
            return scores
        shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return shifted / shifted.sum(axis=-1, keepdims=True)

    def _class_weights(self, truth: np.ndarray, recipe: Recipe) -> np.ndarray:
        """Weight of each class: ones, or inverse to its frequency with mean 1 over the samples."""
        if recipe.class_weights == "none":
            return np.ones(self.num_classes, np.float32)
        if recipe.class_weights != "balanced":
            raise BadInput(
                f"class_weights is '{recipe.class_weights}', which is for masks; a classifier takes none or balanced."
            )
        counts = np.bincount(truth, minlength=self.num_classes)
        return (len(truth) / (self.num_classes * np.maximum(counts, 1))).astype(np.float32)


def ends_in_softmax(model: Any) -> bool:
    """Whether the model's outputs are probabilities instead of logits."""
    layer = model.layers[-1]
    layer = getattr(layer, "layer", layer)  # inside tfmot's QuantizeWrapper
    if isinstance(layer, keras.layers.Softmax):
        return True
    activation = getattr(layer, "activation", None)
    activation = getattr(activation, "activation", activation)  # inside tfmot's QuantizeAwareActivation
    return activation is keras.activations.softmax
