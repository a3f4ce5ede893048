"""Learning rate over the steps of a phase; a pure function, so that a resumed run continues on the same curve."""

from __future__ import annotations

import math

from keras_tiny.recipe import PhasePart


def learning_rate(phase: PhasePart, *, step: int, steps_per_epoch: int) -> float:
    """The learning rate of one step.

    Args:
        step: 0 for the first step of the phase.

    Returns:
        constant: `phase.learning_rate`. cosine: from it to 0 (arXiv:1608.03983, no restart). one_cycle: up from a
        25th over the first 30 %, then down to a ten-thousandth of that 25th (arXiv:1708.07120). step: divided by
        10 at one half and at three quarters. Each after a linear warm-up, which counts as part of the phase.
    """
    peak = phase.learning_rate
    total = max(1, phase.epochs * steps_per_epoch)
    warmup = phase.warmup_epochs * steps_per_epoch
    if step < warmup:
        return peak * (step + 1) / (warmup + 1)
    if phase.schedule == "constant":
        return peak
    progress = (step - warmup) / max(1.0, total - warmup)
    if phase.schedule == "cosine":
        return peak * 0.5 * (1 + math.cos(math.pi * progress))
    if phase.schedule == "one_cycle":
        low, lowest = peak / 25, peak / 25 / 10_000
        if progress < 0.3:
            return _between(low, peak, progress / 0.3)
        return _between(peak, lowest, (progress - 0.3) / 0.7)
    return peak * (0.1 if progress >= 0.5 else 1.0) * (0.1 if progress >= 0.75 else 1.0)


def _between(start: float, end: float, share: float) -> float:
    return start + (end - start) * 0.5 * (1 - math.cos(math.pi * share))
