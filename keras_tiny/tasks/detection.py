"""Detection: boxes told against anchors, the multibox loss of SSD, mean average precision."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from keras_tiny.boxes import AnchorSpec, Boxes, Detections, detect
from keras_tiny.boxes.draw import FOUND, TRUTH, draw_boxes
from keras_tiny.data.arrays import prepare_images
from keras_tiny.data.clean_boxes import BoxReport, clean
from keras_tiny.data.finding import Finding
from keras_tiny.data.sample import Sample, Split
from keras_tiny.errors import BadInput, DataError
from keras_tiny.keras_api import tf
from keras_tiny.losses.boxes import encode, match
from keras_tiny.losses.detection import multibox_loss
from keras_tiny.metrics.detection import detection_metrics, verdict
from keras_tiny.models.ssd import anchors_of
from keras_tiny.preprocessing.spec import PreprocessingSpec
from keras_tiny.recipe import AugmentPart, Recipe
from keras_tiny.seeds import generator
from keras_tiny.tasks.augment import warp
from keras_tiny.tasks.augment_boxes import draw, matrices, recolour
from keras_tiny.tasks.augment_masks import refuse_steps
from keras_tiny.tasks.batches import normalise_tensor, seeded_batches
from keras_tiny.tasks.sheet import Tile
from keras_tiny.tasks.task import Arrays, Objective, Prepared, Task

LIMIT = 100  # objects that an answer can hold
SHOWN_FROM = 0.5  # score from which a detection is shown to a person


class Detection(Task):
    """Outputs: class logits (batch, anchors, 1 + classes), background first; box outputs (batch, anchors, 4).

    Truths: corners float32 (n, most, 4) as shares of the picture, classes int32 (n, most), -1 where there is no
    object, and for the metrics corners in pixels of the original picture, difficult bool (n, most), and its size
    (width, height) float32 (n, 2). Targets: the first two, of a batch, without difficult objects; the objective finds
    their anchors. Answers: corners (n, 100, 4) as shares, classes (n, 100), -1 for none, scores (n, 100).
    """

    name = "detection"
    metric = "map50"

    def __init__(self, model: Any, *, spec: PreprocessingSpec, labels: tuple[str, ...]):
        super().__init__(model, spec=spec, labels=labels)
        self._anchors = anchors_of(model)
        self._table = self._anchors.table()
        shapes = [tuple(output.shape[1:]) for output in model.outputs]
        numbers = shapes[0][-1]
        if numbers == 1:
            raise BadInput(
                "num_classes=1 leaves a detector nothing to find: class 0 is background, which every anchor is that "
                "is on no object.",
                hint=f"Build it with num_classes={1 + len(labels)}: background and {len(labels)} of objects.",
            )
        if numbers != 1 + len(labels) or shapes != [(self._anchors.count, numbers), (self._anchors.count, 4)]:
            raise BadInput(
                f"The model tells {numbers} classes apart, background among them; the data has {len(labels)} "
                f"classes of objects ({', '.join(labels[:5])}{', …' if len(labels) > 5 else ''}).",
                hint=f"Build it with num_classes={1 + len(labels)}, or take the data it was trained on.",
            )

    @classmethod
    def model_classes(cls, labels: tuple[str, ...]) -> int:
        """One more: background."""
        return 1 + len(labels)

    @property
    def anchors(self) -> AnchorSpec:
        return self._anchors

    def prepare(self, split: Split) -> Prepared:
        """Boxes are clipped to the picture that is really there; difficult ones are judged, but not learnt."""
        if not split.has_boxes:
            raise DataError(f"The split '{split.name}' has no boxes.", hint="Take a source of boxes.")
        boxes: list[Boxes] = [Boxes.none()] * len(split)
        sizes = np.ones((len(split), 2), np.float32)

        def use_truth(index: int, sample: Sample) -> None:
            assert sample.boxes is not None
            height, width = sample.image.shape[:2]
            boxes[index] = clean(sample.boxes, width=width, height=height, name=sample.id, report=BoxReport())
            sizes[index] = width, height

        images = prepare_images(split, self.spec, use_truth=use_truth)
        most = max([1, *(len(each) for each in boxes)])
        pixels = np.zeros((len(split), most, 4), np.float32)
        classes = np.full((len(split), most), -1, np.int32)
        difficult = np.zeros((len(split), most), bool)
        for index, each in enumerate(boxes):
            if len(each) and each.classes.max() >= self.num_classes:
                raise DataError(f"{split.ids[index]} has class {each.classes.max()} of {self.num_classes}.")
            pixels[index, : len(each)] = each.corners
            classes[index, : len(each)] = each.classes
            difficult[index, : len(each)] = each.difficult
        shares = pixels / np.tile(sizes, 2)[:, None]
        return Prepared(images, (shares, classes, pixels, difficult, sizes))

    def batches(self, prepared: Prepared, *, recipe: Recipe, phase: str, epoch: int) -> tf.data.Dataset:
        """With the changes of `recipe.detection`; `recipe.augment`, which knows no boxes, must be left alone."""
        if recipe.augment != AugmentPart():
            raise BadInput(
                "augment changes pictures without their boxes; a detector cannot learn from that.",
                hint="Leave augment out; detection.photometric, expand, crop and flip do the same with boxes.",
            )
        part, (height, width) = recipe.detection, (self.spec.height, self.spec.width)
        fill = float(np.mean(self.spec.mean))

        def drawn(seed: np.ndarray, corners: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, ...]:
            changes, moved, left = draw(corners, classes, part, rng=generator(int(seed[0]), int(seed[1])))
            return (
                matrices(changes, height=height, width=width),
                changes.colours,
                changes.brightness,
                changes.saturation,
                changes.hue,
                moved,
                left.astype(np.int32),
            )

        def change(
            step: tf.Tensor, images: tf.Tensor, truths: tuple[tf.Tensor, ...], seed: tf.Tensor
        ) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
            del step
            shares, classes = truths[0], _learnt(truths[1], truths[3])
            pixels = tf.cast(images, tf.float32)
            types = [tf.float32] * 6 + [tf.int32]
            rows, colours, brightness, saturation, hue, moved, left = tf.numpy_function(
                drawn, [seed, shares, classes], types, stateful=False
            )
            for tensor, shape in (
                (rows, [None, 8]),
                (colours, [None, 3, 3]),
                (brightness, [None]),
                (saturation, [None]),
                (hue, [None]),
                (moved, shares.shape),
                (left, classes.shape),
            ):
                tensor.set_shape(shape)
            if part.expand > 1 or part.crop or part.flip:
                pixels = warp(pixels, rows, beyond="CONSTANT", fill=fill)
            if part.photometric:
                pixels = recolour(pixels, colours, brightness, saturation, hue)
            return normalise_tensor(pixels, self.spec), (moved, left)

        return seeded_batches(prepared, change, recipe=recipe, phase=phase, epoch=epoch)

    def targets(self, truths: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, tf.Tensor]:
        return truths[0], _learnt(truths[1], truths[3])

    def objective(self, recipe: Recipe, *, training: bool) -> Objective:
        """Class loss + `box_weight` · box loss, each logged."""
        del training
        for key in ("mixup", "label_smoothing"):
            if getattr(recipe, key):
                raise BadInput(
                    f"{key} is for classification; a detector has no use for it.", hint=f"Set {key}=0."
                )
        refuse_steps(recipe, task=self.name)
        part = recipe.detection
        # Many small steps over (batch, objects, anchors): one loop of XLA takes a fifth of the time.
        matched = tf.function(partial(self._matched, threshold=part.match_iou), jit_compile=True)

        def scalars(
            targets: tuple[tf.Tensor, tf.Tensor], outputs: tuple[tf.Tensor, ...]
        ) -> dict[str, tf.Tensor]:
            labels, offsets = matched(*targets)
            class_loss, box_loss = multibox_loss(
                labels, offsets, *outputs, negatives_per_positive=part.negatives_per_positive
            )
            total = class_loss + part.box_weight * box_loss
            return {"loss": total, "class_loss": class_loss, "box_loss": box_loss}

        return scalars

    def answers(self, outputs: Arrays) -> Arrays:
        """The detections of each picture after non-maximum suppression, as shares of the picture."""
        count = len(outputs[0])
        corners = np.zeros((count, LIMIT, 4), np.float32)
        classes, scores = np.full((count, LIMIT), -1, np.float32), np.zeros((count, LIMIT), np.float32)
        for index, (logits, offsets) in enumerate(zip(*outputs, strict=True)):
            found = detect(logits, offsets, self._anchors, table=self._table, limit=LIMIT)
            corners[index, : len(found)] = found.corners
            classes[index, : len(found)] = found.classes
            scores[index, : len(found)] = found.scores
        return corners, classes, scores

    def metrics(self, answers: Arrays, prepared: Prepared) -> dict[str, float]:
        return detection_metrics(*self._judged(answers, prepared), num_classes=self.num_classes)

    def baseline(self, prepared: Prepared) -> dict[str, float]:
        """The mean box of the split's most frequent class, said of every picture: much where objects fill pictures."""
        shares, classes = prepared.truths[:2]
        there = classes >= 0
        if not there.any():
            return {}
        label = int(np.bincount(classes[there]).argmax())
        box = shares[classes == label].mean(axis=0)
        answers = (
            np.tile(box, (len(prepared), 1, 1)).astype(np.float32),
            np.full((len(prepared), 1), label, np.float32),
            np.ones((len(prepared), 1), np.float32),
        )
        value = detection_metrics(*self._judged(answers, prepared), num_classes=self.num_classes)[self.metric]
        return {f"{self.metric}_of_a_constant_box": value}

    def mistakes(self, answers: Arrays, prepared: Prepared, *, most: int) -> list[Tile]:
        """The pictures with the most objects missed and detections wrong, truth in green, found in orange."""
        truths, found = self._judged(answers, prepared)
        verdicts = [verdict(t, f, score=SHOWN_FROM) for t, f in zip(truths, found, strict=True)]
        wrong = np.array([each.missed + each.wrong for each in verdicts])
        worst = [i for i in np.argsort(-wrong, kind="stable") if wrong[i]][:most]
        tiles = []
        for i in worst:
            shares = prepared.truths[0][i][prepared.truths[1][i] >= 0]
            picture = draw_boxes(prepared.images[i], shares, [""] * len(shares), colour=TRUTH)
            seen = _unpacked(answers, i).above(SHOWN_FROM)
            tiles.append(
                Tile(
                    draw_boxes(picture, seen.corners, self._words(seen), colour=FOUND),
                    f"{verdicts[i].missed} missed\n{verdicts[i].wrong} wrong",
                )
            )
        return tiles

    def findings(self, answers: Arrays) -> list[Finding]:
        """The objects with a score of one half and more, the surest first."""
        seen = _unpacked(answers, 0).above(SHOWN_FROM)
        return [
            Finding(self.labels[label], float(score), (float(x1), float(y1), float(x2), float(y2)))
            for label, score, (x1, y1, x2, y2) in zip(seen.classes, seen.scores, seen.corners, strict=True)
        ]

    def tile(self, image: np.ndarray, answers: Arrays, *, name: str) -> Tile:
        seen = _unpacked(answers, 0).above(SHOWN_FROM)
        picture = draw_boxes(image, seen.corners, self._words(seen), colour=FOUND)
        return Tile(picture, f"{len(seen)} found\n{name}")

    def _words(self, found: Detections) -> list[str]:
        return [
            f"{self.labels[label]} {score:.0%}"
            for label, score in zip(found.classes, found.scores, strict=True)
        ]

    def _matched(
        self, corners: tf.Tensor, classes: tf.Tensor, *, threshold: float
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The label of each anchor, int32 (batch, anchors), and what its box outputs should say."""
        anchors = tf.constant(self._table)
        labels, places = match(corners, classes, anchors, threshold=threshold)
        offsets = encode(
            places,
            anchors,
            center_variance=self._anchors.center_variance,
            size_variance=self._anchors.size_variance,
        )
        return labels, tf.where(labels[..., None] > 0, offsets, 0.0)

    def _judged(self, answers: Arrays, prepared: Prepared) -> tuple[list[Boxes], list[Detections]]:
        """Truths and detections of a split in pixels of the original pictures."""
        _, classes, pixels, difficult, sizes = prepared.truths
        truths, found = [], []
        for i in range(len(prepared)):
            there = classes[i] >= 0
            truths.append(Boxes.of(pixels[i][there], classes[i][there], difficult[i][there]))
            found.append(_unpacked(answers, i).scaled(width=sizes[i, 0], height=sizes[i, 1]))
        return truths, found


def _learnt(classes: tf.Tensor, difficult: tf.Tensor) -> tf.Tensor:
    """Difficult objects are as if they were not there."""
    return tf.where(difficult, -1, classes)


def _unpacked(answers: Arrays, index: int) -> Detections:
    corners, classes, scores = (part[index] for part in answers)
    there = classes >= 0
    return Detections(corners[there], classes[there].astype(np.int64), scores[there])
