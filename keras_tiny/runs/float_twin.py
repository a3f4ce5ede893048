"""The float file that belongs to a run's int8 file, and pictures to compare them on."""

from __future__ import annotations

from pathlib import Path

from keras_tiny.data.sample import Dataset
from keras_tiny.export.convert import convert, convert_unrounded
from keras_tiny.runs.evaluate import Which
from keras_tiny.runs.folder import load_run


def float_twin(run_dir: str | Path, *, which: Which = "qat") -> tuple[bytes, Dataset]:
    """The run's network as a float32 .tflite file, operator by operator as in its int8 file; and the run's data.

    Args:
        which: "qat": the weights as they are behind QAT, unrounded, for the exported file; "float": those of the
            float phase, for `ptq.tflite`.

    Raises:
        BadInput: not a run folder, or one that is not finished.
    """
    model, _, data = load_run(run_dir, quantized=which == "qat")
    return (convert_unrounded(model) if which == "qat" else convert(model)), data
