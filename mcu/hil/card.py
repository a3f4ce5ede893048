"""What the report says of the model in words: one paragraph, and the rows of its model card."""

from __future__ import annotations

from math import sqrt

from keras_tiny.report.page import count, percent, points
from mcu.bundle import Manifest
from mcu.hil.record import HilRun

_LABELS_SHOWN = 12
_Z = 1.96  # of the normal distribution: 95 % of it lie within


def summary(run: HilRun, manifest: Manifest, metric: str) -> str:
    """What the model does, how well, how fast and how big; only what this run knows."""
    said = [f"{_purpose(manifest)}."]
    score = run.metrics.get(metric)
    trained = run.training_metrics.get(metric, {}).get("float")
    if score is not None:
        name = metric.replace("_", " ")
        of = f"Its {name} on {run.board} is {percent(score)} over {count(run.samples)} samples"
        if trained is not None and run.samples == manifest.data.get("test"):
            of += f", {points(score - trained)} points from the float model's"
        elif trained is not None:
            of += f"; the float model's is {percent(trained)} over the whole test split"
        said.append(f"{of}.")
    sizes = []
    if run.flash_bytes is not None:
        sizes.append(f"{run.flash_bytes / 1024:.1f} KiB of flash")
    if run.ram_bytes is not None:
        sizes.append(f"{run.ram_bytes / 1024:.1f} KiB of working memory")
    if sizes:
        said.append(f"It takes {' and '.join(sizes)}.")
    if run.board == "virtual":
        said.append(
            "The virtual board is a process on a computer: its answers are a board's, its speed is not."
        )
    return _unbroken(" ".join(said))


def model_card(run: HilRun, manifest: Manifest, metric: str) -> dict[str, str]:
    """What a person wants to know before they use the model, or pass it on."""
    data = manifest.data
    card = {"what it does": _purpose(manifest), "classes": _labels(manifest.labels)}
    if data.get("source"):
        splits = ", ".join(
            f"{count(int(data[split]))} to {verb}"
            for split, verb in (("train", "train"), ("val", "validate"), ("test", "test"))
            if split in data
        )
        seed = f", seed {data['seed']}" if "seed" in data else ""
        card["data"] = f"{data['source']}{seed}" + (f": {splits}" if splits else "")
    card["licence of the data"] = str(
        data.get("licence") or "not stated; find out before you pass the model on"
    )
    score = run.metrics.get(metric)
    if metric == "accuracy" and score is not None:
        low, high = wilson_interval(score, run.samples)
        card["how sure the figure is"] = (
            f"{percent(score)} of {count(run.samples)} samples: with 95 % confidence between"
            f" {percent(low)} and {percent(high)} on pictures like these"
        )
    spec = manifest.preprocessing
    card["pictures"] = (
        f"{spec.width} × {spec.height}, {'RGB' if spec.channels == 3 else 'grey'}, resized {spec.resize},"
        f" (pixel − {_numbers(spec.mean)}) / {_numbers(spec.std)}"
    )
    card["not for"] = (
        "pictures unlike the data above: other cameras, light, crops or classes were not measured here"
    )
    return {name: _unbroken(text) for name, text in card.items()}


def _unbroken(text: str) -> str:
    """No line ends between a number and its unit."""
    return text.replace(" %", "\u00a0%").replace(" KiB", "\u00a0KiB").replace(" × ", "\u00a0×\u00a0")


def wilson_interval(share: float, n: int) -> tuple[float, float]:
    """95 % confidence interval of a share measured on n >= 1 samples (E. B. Wilson, JASA 22, 1927)."""
    middle = (share + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
    half = _Z / (1 + _Z * _Z / n) * sqrt(share * (1 - share) / n + _Z * _Z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def _purpose(manifest: Manifest) -> str:
    spec = manifest.preprocessing
    size = f"pictures of {spec.width} × {spec.height} pixels"
    labels = _labels(manifest.labels, most=3)
    if manifest.task == "detection":
        return f"Finds {labels} in {size} and draws boxes around them"
    if manifest.task == "segmentation":
        return f"Says of every pixel in {size} whether it is {labels}"
    if manifest.task == "classification":
        return f"Tells {len(manifest.labels)} classes apart ({labels}) in {size}"
    return f"A {manifest.task} model for {size}"


def _labels(labels: tuple[str, ...], *, most: int = _LABELS_SHOWN) -> str:
    shown = ", ".join(labels[:most])
    return f"{shown} and {len(labels) - most} more" if len(labels) > most else shown or "none"


def _numbers(values: tuple[float, ...]) -> str:
    return f"{values[0]:g}" if len(set(values)) == 1 else "(" + ", ".join(f"{v:g}" for v in values) + ")"
