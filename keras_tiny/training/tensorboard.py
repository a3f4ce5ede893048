"""TensorBoard scalars of a run: `tensorboard --logdir RUN/tensorboard`. Written without the tensorboard package."""

from __future__ import annotations

from pathlib import Path

from keras_tiny.keras_api import tf
from keras_tiny.training.log import EpochRecord


class Scalars:
    """One folder of event files per phase; the step is the epoch, counted from 1."""

    def __init__(self, folder: Path):
        self._folder = folder

    def write(self, record: EpochRecord) -> None:
        """Add one epoch. A file is opened and closed for it: a run that is killed loses nothing that was written."""
        values = {
            **{f"train_{name}": value for name, value in record.train.items()},
            **{f"val_{name}": value for name, value in record.val.items()},
            "learning_rate": record.learning_rate,
            "images_per_s": record.images_per_s,
        }
        # The metadata is what tells TensorBoard that a tensor is a scalar; tf.summary.scalar needs the package.
        metadata = tf.compat.v1.SummaryMetadata()
        metadata.plugin_data.plugin_name = "scalars"
        writer = tf.summary.create_file_writer(str(self._folder / record.phase))
        with writer.as_default(step=record.epoch + 1):
            for tag, value in values.items():
                tf.summary.write(tag, tf.constant(value, tf.float32), metadata=metadata)
        writer.close()
