"""What training and export need on this computer: versions that go together, Keras, memory, extras; each with its fix.

Nothing here imports TensorFlow, so that it answers where TensorFlow is broken; the last check imports it in a process
of its own.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from keras_tiny.versions import Requirement, installed_version, requirements, within
from mcu.console import Check

# Together they hold a run of the demo: TensorFlow alone takes 0.5 GB once it is loaded.
MIN_FREE_BYTES = 2 << 30
_DEEP_TIMEOUT_S = 300.0
_EXTRAS = {
    "train": "building, training and exporting models",
    "virtual": "TensorFlow Lite Micro on the desk: export and the virtual board (x86-64 Linux only)",
    "flash": "flashing ESP32",
}
# Not keras_tiny's to require: what the user's own code may have beside it.
_KERAS3 = "keras"

# Prints one line; a crash inside TensorFlow's C++ cannot be caught, but ends only this process.
_DEEP_SCRIPT = """
import os
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
from keras_tiny.keras_api import keras, load_tfmot, tf
load_tfmot()
model = keras.Sequential([keras.layers.Conv2D(2, 3, input_shape=(8, 8, 1))])
from keras_tiny.quantization import quantize
quantize(model)
print("deep:", tf.__version__, keras.__version__, len(tf.config.list_physical_devices("GPU")))
"""


def check_all(*, deep: bool = True) -> tuple[Check, ...]:
    """Every check, in the order in which a person meets them; nothing is changed.

    Args:
        deep: also import TensorFlow in a process of its own and quantize a small network, which takes some seconds.
    """
    needed = requirements(extras=_EXTRAS)
    checks = [
        python_version(),
        *packages(needed, installed_version),
        keras_order(os.environ, installed_version),
    ]
    checks += [memory(free_bytes()), processor(), *other_packages()]
    train = [each for each in needed if each.extra == "train"]
    if deep and all(installed_version(each.package) for each in train):
        checks.append(tensorflow_works())
    return tuple(checks)


def other_packages() -> list[Check]:
    """A line per model, data set and board that another installed package offers and that cannot be used."""
    from keras_tiny.data import SOURCES
    from keras_tiny.models import MODELS
    from mcu.boards import board_problems

    problems = (*MODELS.problems(), *SOURCES.problems(), *board_problems())
    return [Check("another package", False, problem.message, problem.hint) for problem in problems]


def python_version(version: tuple[int, int] = sys.version_info[:2]) -> Check:
    """Whether TensorFlow publishes wheels for it."""
    ok = (3, 10) <= version < (3, 14)
    return Check("Python", ok, platform.python_version(), "" if ok else "Install Python 3.10 to 3.13.")


def packages(needed: tuple[Requirement, ...], version_of: Callable[[str], str | None]) -> list[Check]:
    """A line per package of an extra; of the base installation only what is wrong.

    Args:
        version_of: package → its version, None where it is missing.
    """
    checks = []
    for each in needed:
        version = version_of(each.package)
        install = f"pip install 'keras-tiny[{each.extra}]'" if each.extra else "pip install -U keras-tiny"
        purpose = f"; for {_EXTRAS[each.extra]}" if each.extra else ""
        if version is None:
            checks.append(Check(each.package, False, f"not installed{purpose}", install))
        elif not within(version, each.bounds):
            detail = f"{version}; tested together: {each.bounds}"
            checks.append(Check(each.package, False, detail, f"pip install '{each.package}{each.bounds}'"))
        elif each.extra:
            checks.append(Check(each.package, True, f"{version}, within {each.bounds}{purpose}"))
    base = [each.package for each in needed if not each.extra]
    if not {check.name for check in checks} & set(base):
        checks.append(Check("base packages", True, f"all {len(base)} within their bounds"))
    return checks


def keras_order(environment: Mapping[str, str], version_of: Callable[[str], str | None]) -> Check:
    """Which Keras `tf.keras` is, and that keras_tiny has its own beside it, whatever is imported first."""
    legacy = environment.get("TF_USE_LEGACY_KERAS")
    theirs = version_of(_KERAS3)
    ours = version_of("tf_keras")
    if ours is None:
        return Check(
            "Keras",
            False,
            "no tf_keras, the Keras 2 that is quantized here",
            "pip install 'keras-tiny[train]'",
        )
    used = "tf_keras (TF_USE_LEGACY_KERAS=1)" if legacy == "1" else f"Keras {theirs or '3, not installed'}"
    detail = f"keras_tiny trains with tf_keras {ours}, in any order of imports; your own tf.keras is {used}"
    if legacy not in (None, "", "0", "1"):
        return Check(
            "Keras", False, f"TF_USE_LEGACY_KERAS={legacy} means nothing", "unset TF_USE_LEGACY_KERAS"
        )
    if legacy != "1" and theirs is None:
        return Check("Keras", False, detail, "pip install keras, or export TF_USE_LEGACY_KERAS=1")
    return Check("Keras", True, detail)


def memory(free: int | None) -> Check:
    """Whether a training fits; None where this system does not tell."""
    if free is None:
        return Check("memory", True, "this system does not tell what is free")
    ok = free >= MIN_FREE_BYTES
    detail = f"{free / (1 << 30):.1f} GiB free; a training on small pictures takes {MIN_FREE_BYTES >> 30}"
    return Check(
        "memory", ok, detail, "" if ok else "Close other programs, or set a smaller train.batch_size."
    )


def processor(machine: str | None = None, flags: str | None = None) -> Check:
    """TensorFlow's wheels for x86-64 end with an illegal instruction where there is no AVX."""
    machine = machine or platform.machine()
    if machine not in ("x86_64", "AMD64"):
        return Check(
            "processor",
            True,
            f"{machine}; the tflite-micro wheel is for x86-64 Linux: use the engine 'c' here",
        )
    if flags is None:
        info = Path("/proc/cpuinfo")
        flags = info.read_text(errors="replace") if info.is_file() else "avx"
    ok = re.search(r"\bavx\b", flags) is not None
    fix = "" if ok else "Train on a computer with AVX; mcu validate and flash work here."
    return Check("processor", ok, f"{machine}, {os.cpu_count()} cores, {'AVX' if ok else 'no AVX'}", fix)


def tensorflow_works(script: str = _DEEP_SCRIPT, *, timeout_s: float = _DEEP_TIMEOUT_S) -> Check:
    """Import everything and quantize a network, in a process of its own."""
    name = "TensorFlow runs"
    try:
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        return Check(name, False, f"no answer in {timeout_s:.0f} s", "Try: python -c 'import tensorflow'")
    told = re.search(r"^deep: (\S+) (\S+) (\d+)$", done.stdout, re.MULTILINE)
    if done.returncode == 0 and told:
        devices = "on the CPU" if told.group(3) == "0" else f"with {told.group(3)} GPUs"
        detail = f"{told.group(1)} with tf_keras {told.group(2)} quantizes a network, {devices}"
        return Check(name, True, detail)
    if done.returncode < 0:
        detail = f"the process was ended by signal {-done.returncode}"
    else:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        detail = said[-1].strip() if said else f"exit code {done.returncode}"
    return Check(name, False, detail, "pip install --force-reinstall 'keras-tiny[train]'")


def free_bytes() -> int | None:
    """Memory that a new program may take; None where /proc does not tell."""
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return None
    found = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
    return int(found.group(1)) << 10 if found else None
