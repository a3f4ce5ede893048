"""What a training run asks of its task. One subclass per file, one line of the table in `keras_tiny/tasks/__init__`.

The way of a picture through a run, and who does what:

    Split ─ prepare ─▶ Prepared ─ batches ─▶ (inputs, targets) ─ model ─▶ outputs ─ objective ─▶ {"loss": …}
                          │                                                  │
                          └────────────── metrics, tiles ◀── answers ◀───────┘

- `Prepared` is one split in memory: uint8 pictures at the model's size, and truths as arrays of equal length.
- `batches` is one epoch of training, augmented. Everything random comes from (recipe.seed, phase, epoch).
- `targets` are what `objective` compares outputs with, un-augmented, made of a batch of truths: for validation.
- Outputs are always a tuple, one tensor per output of the model in the model's order, float32.
- `answers` is what `metrics` needs of a batch of outputs. The run concatenates it over a split, so a task whose
  outputs are large (a mask of class scores) keeps only the decision.
- The same `answers` and `metrics` judge the float model, the fake-quant model and the int8 file, whose outputs come
  dequantised and in the same order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from keras_tiny.boxes import AnchorSpec
from keras_tiny.data.finding import Finding
from keras_tiny.data.sample import Split
from keras_tiny.errors import BadInput
from keras_tiny.keras_api import tf
from keras_tiny.preprocessing.spec import PreprocessingSpec
from keras_tiny.recipe import Recipe
from keras_tiny.tasks.sheet import Tile

# One array per output of the model (or what `Task.answers` made of them), each (n, …).
Arrays = tuple[np.ndarray, ...]
# (targets, outputs) → scalars, means over the batch; "loss" is minimised, the others are logged.
Objective = Callable[[Any, tuple[Any, ...]], dict[str, Any]]


@dataclass(frozen=True)
class Prepared:
    """One split in memory.

    Attributes:
        images: uint8 (n, height, width, channels), as resized for the model.
        truths: arrays (n, …) of the task's own meaning, documented at its `prepare`; what has no fixed length
            (boxes) is padded to one.
    """

    images: np.ndarray
    truths: Arrays

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, chosen: slice | np.ndarray) -> Prepared:
        """A part of it, in the order of `chosen`."""
        return Prepared(self.images[chosen], tuple(truth[chosen] for truth in self.truths))


class Task(ABC):
    """A task, for one model and one data set.

    It is made of the float model and serves its quantized model too, so it may keep what it reads from the model
    (shapes, how it ends), but not its layers. `__init__` of a subclass calls this one and raises `BadInput`, naming
    both sides, unless the model's outputs fit the task and the classes.

    Attributes:
        name: as in `Dataset.task`.
        metric: the key of `metrics` by which the best epoch is chosen and runs are compared; higher is better.
        spec: size and normalisation of the model's input.
        labels: class names.
    """

    name: ClassVar[str]
    metric: ClassVar[str]

    def __init__(self, model: Any, *, spec: PreprocessingSpec, labels: tuple[str, ...]):
        shape = (spec.height, spec.width, spec.channels)
        if len(model.inputs) != 1 or tuple(model.input_shape[1:]) != shape:
            raise BadInput(
                f"The model takes inputs of shape {model.input_shape}, the data gives {shape}.",
                hint="Build the model with the data's size, or load the data with image_size= of the model.",
            )
        self.spec = spec
        self.labels = labels

    @property
    def num_classes(self) -> int:
        return len(self.labels)

    @classmethod
    def model_classes(cls, labels: tuple[str, ...]) -> int:
        """The `num_classes` with which a model of the garden is built for these classes, before there is a task."""
        return len(labels)

    @property
    def anchors(self) -> AnchorSpec | None:
        """Anchors of a detector, for the bundle's manifest; None for other tasks."""
        return None

    @abstractmethod
    def prepare(self, split: Split) -> Prepared:
        """Decode and resize a split once, its truth with it (`keras_tiny.data.prepare_images` does the pictures).

        Raises:
            DataError: the split has no truth of this task; BadImages: what cannot be read.
        """

    @abstractmethod
    def batches(self, prepared: Prepared, *, recipe: Recipe, phase: str, epoch: int) -> tf.data.Dataset:
        """One epoch of (inputs, targets): inputs float32 (batch, height, width, channels), targets any nest.

        `keras_tiny.tasks.batches.seeded_batches` draws the order, gathers and batches; the task gives it a function
        that changes a batch. Batch dimensions are None in the element spec: the last batch may be smaller.
        """

    @abstractmethod
    def targets(self, truths: tuple[tf.Tensor, ...]) -> Any:
        """A batch of `Prepared.truths`, as tensors → the nest that `objective` takes; inside a compiled graph."""

    @abstractmethod
    def objective(self, recipe: Recipe, *, training: bool) -> Objective:
        """(targets, outputs) → {"loss": scalar, …}, each a float32 mean over the batch; inside a compiled graph.

        Args:
            training: False for validation: without label smoothing and what else only helps to learn.
        """

    def class_weights(self, targets: Any) -> tf.Tensor | None:
        """Those of `targets` by which the objective weighs classes, float32 (classes,); by default there are none."""
        del targets
        return None

    def answers(self, outputs: Arrays) -> Arrays:
        """What `metrics`, `findings` and the pictures need of a batch of outputs, float32 each; by default all."""
        return outputs

    @abstractmethod
    def metrics(self, answers: Arrays, prepared: Prepared) -> dict[str, float]:
        """Name → value over a whole split, 0 to 1; has the key `metric`."""

    def baseline(self, prepared: Prepared) -> dict[str, float]:
        """What a model that looks at no picture would get on the split, beside `metrics`; {} where that is no news."""
        return {}

    def confusion(self, answers: Arrays, prepared: Prepared) -> np.ndarray | None:
        """Counts (classes, classes), rows are the truth; None where the task has none."""
        return None

    @abstractmethod
    def mistakes(self, answers: Arrays, prepared: Prepared, *, most: int) -> list[Tile]:
        """The worst answers on a split as captioned pictures, the worst first, at most `most`."""

    @abstractmethod
    def findings(self, answers: Arrays) -> list[Finding]:
        """What the answers to a single picture (arrays of length 1) say, the surest first."""

    @abstractmethod
    def tile(self, image: np.ndarray, answers: Arrays, *, name: str) -> Tile:
        """The picture, uint8 at the model's size, with the answers to it drawn or written on it.

        Args:
            answers: arrays of length 1.
            name: of the picture, for the caption.
        """
