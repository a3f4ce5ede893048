"""One step on several devices or machines (tf.distribute): the batch is cut into equal parts, the result is the same.

Every worker makes the same batches and takes its part, so that what is drawn at random does not depend on how many
there are; BatchNorm takes its statistics over all parts. The price is that each worker augments the whole batch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras, tf
from keras_tiny.recipe import Recipe
from keras_tiny.tasks.task import Task
from keras_tiny.training.step import Step, compile_step, make_step

StrategyName = Literal["none", "mirrored", "multiworker"]


class Workers:
    """Who takes part in a step.

    Attributes:
        replicas: copies of the model, over all workers.
        is_chief: whether this worker writes the run folder and goes on after the float phase.
    """

    def __init__(self, strategy: tf.distribute.Strategy | None = None):
        self._strategy = strategy
        self.replicas: int = 1 if strategy is None else strategy.num_replicas_in_sync
        cluster = getattr(strategy, "cluster_resolver", None)
        self.is_chief = cluster is None or _is_chief(cluster)

    @property
    def alone(self) -> bool:
        return self._strategy is None

    def scope(self) -> AbstractContextManager[Any]:
        """Variables made inside are kept equal on all workers."""
        return nullcontext() if self._strategy is None else self._strategy.scope()

    def check(self, recipe: Recipe) -> None:
        """Raise `BadInput` unless a batch can be cut into equal parts."""
        if recipe.batch_size % self.replicas:
            raise BadInput(
                f"A batch of {recipe.batch_size} cannot be cut into {self.replicas} equal parts.",
                hint=f"Set batch_size to a multiple of {self.replicas}; it counts the pictures of all workers.",
            )

    def spread(self, batches: tf.data.Dataset) -> Iterable[tuple[Any, Any]]:
        """The batches, each cut into parts; what is left of a last, smaller batch waits for the next epoch."""
        if self._strategy is None:
            return batches
        replicas = self.replicas

        def parts_of_worker(context: Any) -> tf.data.Dataset:
            mine = replicas // context.num_input_pipelines
            first = context.input_pipeline_id * mine

            def cut(inputs: tf.Tensor, targets: Any) -> tf.data.Dataset:
                size = tf.shape(inputs)[0] // replicas

                def part(replica: tf.Tensor) -> tuple[tf.Tensor, Any]:
                    # What has no batch dimension (weights of the classes, say) is for every replica.
                    return tf.nest.map_structure(
                        lambda t: t[replica * size : (replica + 1) * size] if t.shape[0] is None else t,
                        (inputs, targets),
                    )

                return tf.data.Dataset.range(first, first + mine, output_type=tf.int32).map(part)

            whole = batches.filter(lambda inputs, targets: tf.shape(inputs)[0] >= replicas)
            return whole.flat_map(cut).prefetch(2)

        distributed: Iterable[tuple[Any, Any]] = self._strategy.distribute_datasets_from_function(
            parts_of_worker
        )
        return distributed

    def compile_step(self, model: Any, optimizer: Any, task: Task, recipe: Recipe, *, signature: Any) -> Step:
        """The step over a batch, or over what `spread` made of it; scalars are means over all parts."""
        strategy = self._strategy
        if strategy is None:
            return compile_step(model, optimizer, task, recipe, signature=signature)
        part_step = make_step(model, optimizer, task, recipe, replicas=self.replicas)

        @tf.function(reduce_retracing=True)
        def step(inputs: Any, targets: Any) -> dict[str, tf.Tensor]:
            scalars = strategy.run(part_step, args=(inputs, targets))
            return {
                name: strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None)
                for name, value in scalars.items()
            }

        return step

    def count(self, inputs: Any) -> int:
        """How many pictures a batch of `spread` has, over all workers."""
        if self._strategy is None:
            return int(inputs.shape[0])
        local = self._strategy.experimental_local_results(inputs)
        return int(local[0].shape[0]) * self.replicas


def _is_chief(cluster: Any) -> bool:
    """The task called chief; where there is none, the first worker."""
    if "chief" in cluster.cluster_spec().jobs:
        return bool(cluster.task_type == "chief")
    return cluster.task_id in (None, 0)


def synchronise_batch_norm(model: Any) -> None:
    """Let every BatchNorm take its statistics over the parts of all replicas, as if the batch were whole."""
    for layer in model._flatten_layers(include_self=False, recursive=True):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized, layer.fused = True, False


def open_strategy(name: StrategyName) -> Workers:
    """The devices of this machine ("mirrored"), or the machines that TF_CONFIG lists ("multiworker").

    For multiworker this waits until all of them have started. It has to come before anything else of TensorFlow.

    Raises:
        BadInput: TF_CONFIG is missing or is not what it should be.
    """
    if name == "none":
        return Workers()
    if name == "mirrored":
        return Workers(tf.distribute.MirroredStrategy())
    _check_cluster(os.environ.get("TF_CONFIG", ""))
    try:
        return Workers(tf.distribute.MultiWorkerMirroredStrategy())
    except (RuntimeError, ValueError, tf.errors.OpError) as error:
        raise BadInput(f"--strategy multiworker: {error}", hint=_EXAMPLE) from error


_EXAMPLE = (
    'Set on each machine, with its own index: TF_CONFIG=\'{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
    '"task": {"type": "worker", "index": 0}}\''
)


def _check_cluster(text: str) -> None:
    if not text:
        raise BadInput("--strategy multiworker needs TF_CONFIG, which is not set.", hint=_EXAMPLE)
    try:
        fields = json.loads(text)
        workers = [*fields["cluster"].get("chief", []), *fields["cluster"]["worker"]]
        index = fields["task"]["index"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"TF_CONFIG cannot be read ({error!r}): {text}", hint=_EXAMPLE) from None
    if not isinstance(index, int) or not 0 <= index < len(workers):
        raise BadInput(f"TF_CONFIG says task {index!r} of {len(workers)} workers.", hint=_EXAMPLE)
