"""Two workers are one worker with the same batch: two real processes on loopback, and two devices of one process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_tiny.errors import BadInput
from keras_tiny.recipe import Recipe
from tests.support import require

# One worker: BatchNorm, weight decay, augmentation, a last batch that is smaller; no dropout, which each replica draws
# for itself.
WORK = """
import sys, numpy as np
from pathlib import Path
from keras_tiny.keras_api import tf
from keras_tiny.training.strategy import Workers, open_strategy, synchronise_batch_norm
kind, folder = sys.argv[1], Path(sys.argv[2])
if kind == "mirrored":
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    workers = Workers(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
else:
    workers = open_strategy(kind)
from keras_tiny.recipe import AugmentPart, OptimizerPart, PhasePart, Recipe
from keras_tiny.training.log import RunLog
from keras_tiny.training.loop import train_phase
from keras_tiny.training.state import Store
from tests.keras_tiny.training.small import few_digits, small_model
task, data = few_digits()
with workers.scope():
    model = small_model(seed=3, dropout=0.0)
start = small_model(seed=3, dropout=0.0)
model.set_weights(start.get_weights())
if not workers.alone:
    synchronise_batch_norm(model)
data = type(data)(data.train[:310], data.val, data.test)  # batches of 32, the last of 22
recipe = Recipe(seed=5, augment=AugmentPart(shift=0.1, brightness=0.1), optimizer=OptimizerPart(weight_decay=1e-4))
store = Store(folder, RunLog(folder / "log.jsonl"), writes=workers.is_chief)
phase = PhasePart(epochs=2, learning_rate=0.01)
result = train_phase(model, task, data, recipe, phase, name="float", store=store, workers=workers)
weights = model.get_weights()  # on every worker: reading what they share takes all of them
if workers.is_chief:
    np.savez(folder / "end.npz", *weights)
print(workers.replicas, workers.is_chief)
"""


def start(kind: str, folder: Path, **environment: str) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-c", WORK, kind, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", **environment},
    )


def end(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate()
    assert process.returncode == 0, err[-3000:]
    return out.split("\n")[-2]


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def assert_same_run(folder: Path, alone: Path) -> None:
    with np.load(folder / "end.npz") as found, np.load(alone / "end.npz") as expected:
        for key in expected.files:
            # Sums are taken in another order, and 20 steps of Adam carry the last bits on; the weights move by 0.1.
            np.testing.assert_allclose(found[key], expected[key], atol=2e-3)
    logs = [
        [json.loads(line) for line in (each / "log.jsonl").read_text().splitlines()]
        for each in (folder, alone)
    ]
    assert [record["epoch"] for record in logs[0]] == [0, 1]
    for one, other in zip(*logs, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-3)
        assert one["val_loss"] == pytest.approx(other["val_loss"], rel=1e-3)


@pytest.mark.slow
def test_two_workers_of_a_cluster_and_two_devices_end_with_the_weights_of_one(tmp_path: Path):
    require("module:tensorflow")
    assert end(start("none", tmp_path / "alone")) == "1 True"
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    cluster = [
        start(
            "multiworker",
            tmp_path / "two",
            TF_CONFIG=json.dumps(
                {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            ),
        )
        for index in range(2)
    ]
    assert [end(process) for process in cluster] == ["2 True", "2 False"]
    assert_same_run(tmp_path / "two", tmp_path / "alone")
    assert end(start("mirrored", tmp_path / "mirrored")) == "2 True"
    assert_same_run(tmp_path / "mirrored", tmp_path / "alone")


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (None, "needs TF_CONFIG, which is not set"),
        ("{", "cannot be read"),
        ('{"cluster": {"worker": ["a:1", "b:1"]}}', "'task'"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 3}}', "task 3 of 1 workers"),
    ],
)
def test_a_cluster_that_is_not_described_is_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, config: str | None, says: str
):
    require("module:tensorflow")
    from keras_tiny.training.strategy import open_strategy

    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config is not None:
        monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(BadInput, match=says):
        open_strategy("multiworker")


def test_a_batch_that_cannot_be_cut_into_equal_parts_is_refused():
    require("module:tensorflow")
    from keras_tiny.training.strategy import Workers

    workers = Workers()
    workers.replicas = 3
    with pytest.raises(BadInput, match="32 cannot be cut into 3 equal parts"):
        workers.check(Recipe())
