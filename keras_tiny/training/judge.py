"""A model's answers over a split, and what its loss is there; the float, the fake-quant and the int8 one alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from keras_tiny.keras_api import tf
from keras_tiny.preprocessing.image import normalise
from keras_tiny.recipe import Recipe
from keras_tiny.tasks.task import Arrays, Prepared, Task
from keras_tiny.training.pipeline import evaluation_batches
from mcu.tflm import TflmInterpreter

Predict = Callable[[tf.Tensor], tuple[tf.Tensor, ...]]


def as_tuple(outputs: Any) -> tuple[Any, ...]:
    """What a Keras model returns, as one float32 tensor per output."""
    tensors = outputs if isinstance(outputs, list | tuple) else (outputs,)
    return tuple(tf.cast(tensor, tf.float32) for tensor in tensors)


def compile_predict(model: Any) -> Predict:
    """inputs float32 (batch, height, width, channels) → the outputs at inference; one compiled graph."""
    signature = [tf.TensorSpec([None, *model.input_shape[1:]], tf.float32)]
    return tf.function(lambda inputs: as_tuple(model(inputs, training=False)), input_signature=signature)


def predict_all(predict: Predict, task: Task, prepared: Prepared) -> Arrays:
    """The answers to every picture of a split, in its order."""
    batches = (predict(inputs) for inputs, _ in evaluation_batches(prepared, task.spec))
    return _concatenated(task.answers(tuple(output.numpy() for output in outputs)) for outputs in batches)


def compile_judge(
    model: Any, task: Task, recipe: Recipe
) -> Callable[[Prepared], tuple[Arrays, dict[str, float]]]:
    """split → (answers, scalars of the task's objective, means over the pictures), without what only helps to learn."""
    objective = task.objective(recipe, training=False)
    compiled: list[Callable[..., Any]] = []

    def judge(
        inputs: tf.Tensor, truths: tuple[tf.Tensor, ...]
    ) -> tuple[tuple[tf.Tensor, ...], dict[str, tf.Tensor]]:
        outputs = as_tuple(model(inputs, training=False))
        return outputs, objective(task.targets(truths), outputs)

    def over(prepared: Prepared) -> tuple[Arrays, dict[str, float]]:
        batches = evaluation_batches(prepared, task.spec)
        if not compiled:
            compiled.append(tf.function(judge, input_signature=batches.element_spec))
        answers, means = [], Means()
        for inputs, truths in batches:
            outputs, scalars = compiled[0](inputs, truths)
            answers.append(task.answers(tuple(output.numpy() for output in outputs)))
            means.add(scalars, count=int(inputs.shape[0]))
        return _concatenated(answers), means.result()

    return over


class Means:
    """Means of named scalars over batches that may differ in size."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self.count = 0

    def add(self, scalars: dict[str, Any], *, count: int) -> None:
        """Args: scalars: means over a batch of `count` pictures."""
        self.count += count
        for name, value in scalars.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value) * count

    def result(self) -> dict[str, float]:
        return {name: value / self.count for name, value in self._sums.items()}


def int8_answers(
    model_bytes: bytes,
    task: Task,
    prepared: Prepared,
    *,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> Arrays:
    """The same answers of an int8 file, run by TensorFlow Lite Micro's interpreter, its outputs dequantised."""
    interpreter = TflmInterpreter(model_bytes)
    (tensor,) = interpreter.inputs
    answers = []
    for index in range(len(prepared)):
        pixels = tensor.quantize(normalise(prepared.images[index : index + 1], task.spec))
        outputs = interpreter.invoke([pixels])
        answers.append(
            task.answers(
                tuple(spec.dequantize(out) for spec, out in zip(interpreter.outputs, outputs, strict=True))
            )
        )
        on_step(index + 1, len(prepared))
    return _concatenated(answers)


def _concatenated(batches: Iterable[Arrays]) -> Arrays:
    return tuple(np.concatenate(parts) for parts in zip(*batches, strict=True))
