"""Training curves as one PNG: loss and metric over the epochs, float and QAT side by side."""

from __future__ import annotations

from pathlib import Path

from keras_tiny.training.log import EpochRecord


def write_curves(records: list[EpochRecord], path: Path) -> None:
    """Plot loss (left) and metric (right); nothing is written for a run without epochs."""
    if not records:
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    loss_axes, metric_axes = figure.subplots(1, 2)
    offset = 0
    for phase in dict.fromkeys(record.phase for record in records):
        part = [record for record in records if record.phase == phase]
        epochs = [offset + record.epoch + 1 for record in part]
        for axes, train, val in (
            (loss_axes, [r.loss for r in part], [r.val_loss for r in part]),
            (metric_axes, [r.train_metric for r in part], [r.val_metric for r in part]),
        ):
            (line,) = axes.plot(epochs, val, label=f"{phase}, validation")
            if None not in train:
                axes.plot(epochs, train, linestyle="--", color=line.get_color(), label=f"{phase}, training")
        offset = epochs[-1]
    loss_axes.set(title="Loss", xlabel="epoch", yscale="log")
    metric_axes.set(title=records[0].metric.replace("_", " "), xlabel="epoch")
    for axes in (loss_axes, metric_axes):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=110)
