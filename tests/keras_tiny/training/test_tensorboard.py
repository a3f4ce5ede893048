"""What is written for TensorBoard reads back as scalars with the epoch as their step."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import require


def test_scalars_read_back_by_tag_and_epoch(tmp_path: Path):
    require("module:tensorflow")
    from keras_tiny.keras_api import tf
    from keras_tiny.training.log import EpochRecord
    from keras_tiny.training.tensorboard import Scalars

    for epoch, loss in enumerate((0.5, 0.25)):
        Scalars(tmp_path).write(
            EpochRecord(
                "float",
                epoch,
                loss,
                "mean_average_precision",
                train_metric=None,
                val_metric=0.8,
                val_loss=0.6,
                learning_rate=1e-3,
                seconds=1.0,
                images_per_s=100.0,
                train={"loss": loss, "box_loss": 0.1},
                val={"loss": 0.6, "box_loss": 0.2, "mean_average_precision": 0.8},
            )
        )
    found = {}
    for path in (tmp_path / "float").iterdir():
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                assert value.metadata.plugin_data.plugin_name == "scalars"
                found[value.tag, event.step] = float(tf.make_ndarray(value.tensor))
    assert found["train_loss", 1] == pytest.approx(0.5)
    assert found["train_loss", 2] == pytest.approx(0.25)
    assert found["train_box_loss", 1] == pytest.approx(0.1)
    assert found["val_box_loss", 2] == pytest.approx(0.2)
    assert found["val_mean_average_precision", 1] == pytest.approx(0.8)
    assert len(found) == 14
