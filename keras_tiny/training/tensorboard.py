"""TensorBoard scalars of a run: `tensorboard --logdir RUN/tensorboard`."""

from __future__ import annotations

from pathlib import Path

from keras_tiny.keras_api import tf
from keras_tiny.training.log import EpochRecord


class Scalars:
    """One event file per phase; the step is the epoch, counted from 1."""

    def __init__(self, folder: Path):
        self._folder = folder

    def write(self, record: EpochRecord) -> None:
        """Add one epoch. A file is opened and closed for it: a run that is killed loses nothing that was written."""
        writer = tf.summary.create_file_writer(str(self._folder / record.phase))
        with writer.as_default(step=record.epoch + 1):
            tf.summary.scalar("train_loss", record.loss)
            tf.summary.scalar(f"train_{record.metric}", record.train_metric)
            tf.summary.scalar("val_loss", record.val_loss)
            tf.summary.scalar(f"val_{record.metric}", record.val_metric)
            tf.summary.scalar("learning_rate", record.learning_rate)
            tf.summary.scalar("images_per_s", record.images_per_s)
        writer.close()
