"""`keras-tiny doctor`: what it says of every state that a computer can be in; TensorFlow is never imported here."""

from __future__ import annotations

import subprocess
import sys

import pytest

from keras_tiny import doctor
from keras_tiny.doctor import keras_order, memory, packages, processor
from keras_tiny.versions import Requirement, requirements, within

TF = Requirement("tensorflow", ">=2.21,<2.22", "train")


@pytest.mark.parametrize(
    ("version", "bounds", "inside"),
    [
        ("2.21.0", ">=2.21,<2.22", True),
        ("2.21", ">=2.21.0,<2.22", True),
        ("2.22.0", ">=2.21,<2.22", False),
        ("2.20.9", ">=2.21,<2.22", False),
        ("2.9.1", ">=2.21,<2.22", False),
        ("2.21.0rc1", ">=2.21,<2.22", True),
        ("0.dev20261023182759", "==0.dev20261023182759", True),
        ("2.18.1", "==2.18.0", False),
        ("14.0", ">=10.3,<14", False),
        ("1.0", "", True),
    ],
)
def test_a_version_is_within_its_bounds_or_not(version: str, bounds: str, inside: bool):
    assert within(version, bounds) is inside


def test_requirements_are_those_of_the_metadata_lower_bound_first():
    declared = [
        "numpy<3,>=1.26",
        "tensorflow<2.22,>=2.21; extra == 'train'",
        "tomli<3,>=2.0; python_version < '3.11'",
        "ruff<1,>=0.9; extra == 'dev'",
    ]
    assert requirements(declared, extras=("train",)) == (Requirement("numpy", ">=1.26,<3", ""), TF)


def test_the_installed_package_declares_what_it_trains_with():
    declared = {each.package.replace("_", "-"): each.extra for each in requirements(extras=("train",))}
    assert (
        declared["tensorflow"] == declared["tf-keras"] == declared["tensorflow-model-optimization"] == "train"
    )
    assert declared["numpy"] == ""


@pytest.mark.parametrize(
    ("version", "ok", "fix"),
    [
        ("2.21.0", True, ""),
        ("2.19.0", False, "pip install 'tensorflow>=2.21,<2.22'"),
        (None, False, "pip install 'keras-tiny[train]'"),
    ],
)
def test_a_package_is_fine_of_another_version_or_missing(version: str | None, ok: bool, fix: str):
    check = packages((TF,), lambda package: version)[0]
    assert (check.ok, check.fix) == (ok, fix)


def test_a_missing_extra_does_not_hide_that_the_base_is_complete():
    base = Requirement("numpy", ">=1.26,<3", "")
    checks = packages((base, TF), {"numpy": "2.0"}.get)
    assert [(check.name, check.ok) for check in checks] == [("tensorflow", False), ("base packages", True)]
    (wrong, _) = packages((base, TF), {"tensorflow": "2.21.0"}.get)
    assert (wrong.name, wrong.ok) == ("numpy", False)


@pytest.mark.parametrize(
    ("legacy", "installed", "ok", "said"),
    [
        (None, {"tf_keras": "2.21.0", "keras": "3.15.1"}, True, "your own tf.keras is Keras 3.15.1"),
        ("1", {"tf_keras": "2.21.0"}, True, "TF_USE_LEGACY_KERAS=1"),
        (None, {"keras": "3.15.1"}, False, "no tf_keras"),
        (None, {"tf_keras": "2.21.0"}, False, "3, not installed"),
        ("yes", {"tf_keras": "2.21.0", "keras": "3.15.1"}, False, "means nothing"),
    ],
)
def test_which_keras_is_whose(legacy: str | None, installed: dict[str, str], ok: bool, said: str):
    environment = {} if legacy is None else {"TF_USE_LEGACY_KERAS": legacy}
    check = keras_order(environment, installed.get)
    assert check.ok is ok
    assert said in check.detail
    assert bool(check.fix) is not ok


def test_little_memory_and_an_old_processor_are_named():
    assert not memory(1 << 30).ok
    assert memory(8 << 30).ok
    assert memory(None).ok
    assert not processor("x86_64", "fpu sse2").ok
    assert processor("x86_64", "fpu avx avx2").ok
    assert processor("aarch64").ok


@pytest.mark.parametrize(
    ("script", "ok", "said"),
    [
        ("print('deep: 2.21.0 2.21.0 0')", True, "on the CPU"),
        ("raise ImportError('libcudart is missing')", False, "libcudart is missing"),
        ("import os; os.kill(os.getpid(), 4)", False, "ended by signal 4"),
        ("import time; time.sleep(60)", False, "no answer"),
    ],
)
def test_a_tensorflow_that_is_broken_is_reported_not_raised(script: str, ok: bool, said: str):
    check = doctor.tensorflow_works(script, timeout_s=1.0 if "sleep" in script else 60.0)
    assert check.ok is ok
    assert said in check.detail


def test_doctor_loads_no_tensorflow():
    code = "import sys, keras_tiny.doctor as d; d.check_all(deep=False); print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
