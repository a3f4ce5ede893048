"""The names of the table as test parameters."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from keras_tiny.models import MODELS


def garden(*, always: Collection[str] = tuple(MODELS)) -> list[Any]:
    """A parameter for each model, all tests of one in the same process; slow where it is not in `always`."""
    return [
        pytest.param(
            name, marks=[pytest.mark.xdist_group(name), *([] if name in always else [pytest.mark.slow])]
        )
        for name in MODELS
    ]
