"""What every task of the table promises: seeded batches, targets of one form, a finite loss, metrics from answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from keras_tiny.errors import BadInput
from keras_tiny.recipe import AugmentPart, Recipe
from keras_tiny.tasks import TASKS, task_for
from tests.support import require

# Per task: a source that ships with the package, and the smallest model of the garden for it.
SMALLEST: dict[str, tuple[str, str, dict[str, Any]]] = {
    "classification": ("digits", "mobilenet_v1", {"width": 0.25}),
    "detection": ("digits_scenes", "ssdlite", {"width": 0.25}),
    "segmentation": ("digits_masks", "unet4", {"alpha": 32}),
}
RECIPE = Recipe(batch_size=4, augment=AugmentPart(brightness=0.1), seed=3)
# A detector's pictures change with their boxes, by keys of their own.
RECIPES = {"detection": Recipe(batch_size=4, seed=3)}


@pytest.fixture(scope="module", params=list(TASKS))
def prepared(request: pytest.FixtureRequest) -> tuple[Any, Any, Any]:
    """Task, model and eleven samples of a task."""
    require("module:tensorflow")
    from keras_tiny import models
    from keras_tiny.data import load

    source, name, arguments = SMALLEST[request.param]
    data = load(source, image_size=32, channels=3)
    classes = TASKS.load(request.param).model_classes(data.labels)
    model = models.build(name, input_shape=data.input_shape, num_classes=classes, **arguments)
    task = task_for(model, data)
    return task, model, task.prepare(data.val[:11])


def flat(batch: Any) -> list[np.ndarray]:
    from keras_tiny.keras_api import tf

    return [tensor.numpy() for tensor in tf.nest.flatten(batch)]


def test_an_epoch_shows_every_picture_once_in_an_order_of_its_own(prepared: tuple[Any, Any, Any]):
    task, _, samples = prepared

    def epoch(number: int, *, phase: str = "float") -> list[list[np.ndarray]]:
        return [
            flat(batch)
            for batch in task.batches(
                samples, recipe=RECIPES.get(task.name, RECIPE), phase=phase, epoch=number
            )
        ]

    first = epoch(0)
    assert [len(batch[0]) for batch in first] == [4, 4, 3]
    for one, again in zip(first, epoch(0), strict=True):
        for a, b in zip(one, again, strict=True):
            np.testing.assert_array_equal(a, b)
    assert any(not np.array_equal(a[0], b[0]) for a, b in zip(first, epoch(1), strict=True))
    assert any(not np.array_equal(a[0], b[0]) for a, b in zip(first, epoch(0, phase="qat"), strict=True))


def test_targets_of_validation_have_the_form_of_those_of_training_and_the_loss_is_finite(
    prepared: tuple[Any, Any, Any],
):
    task, model, samples = prepared
    from keras_tiny.keras_api import tf
    from keras_tiny.training.judge import as_tuple
    from keras_tiny.training.pipeline import evaluation_batches

    trained = task.batches(samples, recipe=RECIPES.get(task.name, RECIPE), phase="float", epoch=0)
    inputs, targets = next(iter(trained))
    pictures, truths = next(iter(evaluation_batches(samples, task.spec, batch_size=4)))
    tf.nest.assert_same_structure(targets, task.targets(truths))
    for given, training in ((task.targets(truths), False), (targets, True)):
        scalars = task.objective(RECIPE, training=training)(
            given, as_tuple(model(inputs if training else pictures, training=False))
        )
        assert all(value.shape == () and np.isfinite(float(value)) for value in scalars.values())
        assert float(scalars["loss"]) > 0
    batched = [spec for spec in tf.nest.flatten(trained.element_spec) if spec.shape[0] is None]
    assert all(spec.shape[0] is None for spec in tf.nest.flatten(trained.element_spec[0]))
    assert len(batched) > 1, "what has a batch dimension leaves it open, so that a batch can be cut"


def test_answers_to_a_split_are_those_to_its_parts_and_metrics_are_shares(prepared: tuple[Any, Any, Any]):
    task, model, samples = prepared
    from keras_tiny.training.judge import compile_predict, predict_all

    predict = compile_predict(model)
    whole = predict_all(predict, task, samples)
    parts = [predict_all(predict, task, samples[chosen]) for chosen in (slice(0, 5), slice(5, 11))]
    for one, *two in zip(whole, *parts, strict=True):
        assert len(one) == 11
        np.testing.assert_allclose(one, np.concatenate(two), atol=1e-5)
    metrics = task.metrics(whole, samples)
    assert task.metric in metrics
    assert all(0 <= value <= 1 for value in metrics.values())
    tiles = task.mistakes(whole, samples, most=3)
    one = tuple(array[:1] for array in whole)
    for tile in (*tiles, task.tile(samples.images[0], one, name="a.png")):
        assert tile.image.dtype == np.uint8
        assert tile.image.ndim == 3
    assert len(tiles) <= 3
    assert all(0 <= finding.score <= 1 for finding in task.findings(one))


def test_steps_that_need_a_mask_are_refused_where_there_is_none(prepared: tuple[Any, Any, Any]):
    task, _, _ = prepared
    recipe = Recipe.model_validate({"augment_steps": ["flip"]})
    if task.name == "segmentation":
        assert task.objective(recipe, training=True)
        return
    with pytest.raises(BadInput, match=f"a task of {task.name} has none"):
        task.objective(recipe, training=True)
