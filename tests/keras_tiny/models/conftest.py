"""Every model of the table, one after the other: all facts of one are tested in one process, then it is let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.keras_tiny.models.garden import garden

if TYPE_CHECKING:
    from tests.keras_tiny.models.subject import Subject


@pytest.fixture(scope="package", params=garden())
def subject(request: pytest.FixtureRequest) -> Subject:
    from keras_tiny.keras_api import keras
    from tests.keras_tiny.models.subject import Subject

    keras.backend.clear_session()  # so many models in one process slow each other down
    return Subject(request.param)
