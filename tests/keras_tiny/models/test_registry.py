"""Models are found by name, near names are offered, and nothing is imported before it is called."""

from __future__ import annotations

import subprocess
import sys

import pytest

from keras_tiny import models
from keras_tiny.errors import BadInput, UnknownName
from keras_tiny.registry import Entry


def test_an_unknown_model_is_answered_with_near_names() -> None:
    with pytest.raises(UnknownName, match="Did you mean mobilenet_v2"):
        models.build("mobilnet_v2", num_classes=2)


def test_an_unknown_argument_is_answered_with_near_names() -> None:
    with pytest.raises(UnknownName, match=r"no argument of mobilenet_v2 named 'widht'. Did you mean width"):
        models.build("mobilenet_v2", num_classes=2, widht=0.35)


def test_a_missing_argument_is_named() -> None:
    with pytest.raises(BadInput, match="mobilenet_v2 needs num_classes"):
        models.build("mobilenet_v2")


def test_every_model_has_a_task_a_paper_and_a_backbone() -> None:
    for name, entry in models.MODELS.items():
        assert entry.task in ("classification", "segmentation", "detection"), name
        assert entry.paper, name
        assert callable(models.features(name)), name
        assert getattr(models, name + "_features") is models.features(name)


def test_a_name_cannot_be_taken_twice() -> None:
    with pytest.raises(ValueError, match="already in the table"):
        models.MODELS.add("mobilenet_v2", Entry("keras_tiny.models.mobilenet_v2:mobilenet_v2"))


def test_a_missing_attribute_lists_the_models() -> None:
    with pytest.raises(AttributeError, match="it knows mobilenet_v1"):
        _ = models.resnet


def test_listing_the_models_loads_no_tensorflow() -> None:
    code = (
        "import sys; from keras_tiny import models; list(models.MODELS.items()); dir(models);"
        "sys.exit(any(name.split('.')[0] in ('tensorflow', 'tf_keras', 'keras') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
