"""`kt.models.NAME` is the builder, however often it is asked for and whatever was imported before."""

from __future__ import annotations

import pytest

from tests.support import require


@pytest.mark.parametrize("name", ["mobilenet_v2", "mobilenet_v1", "squeezenet", "espnet"])
def test_a_builder_keeps_its_name_after_its_file_was_imported(name: str):
    require("module:tensorflow")
    from importlib import import_module

    import keras_tiny as kt

    first = getattr(kt.models, name)
    import_module(f"keras_tiny.models.{name}")
    assert getattr(kt.models, name) is first
    assert callable(first)
    assert kt.models.MODELS.load(name) is first


def test_a_name_that_is_no_model_lists_those_that_are():
    import keras_tiny as kt

    with pytest.raises(AttributeError, match="mobilenet_v2"):
        _ = kt.models.mobilenet_v9
