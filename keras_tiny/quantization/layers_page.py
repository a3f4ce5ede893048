"""Layers that can be quantized, as Markdown: `python -m keras_tiny.quantization.layers_page`, which needs TensorFlow.

Written to docs/reference/quantization.md.
"""

from __future__ import annotations

from keras_tiny.quantization.registry import ACTIVATION_PARTS, PARTS, Part

_HEAD = """\
# Layers that can be quantized

Written by `python -m keras_tiny.quantization.layers_page > docs/reference/quantization.md` from the registry in
`keras_tiny/quantization/registry.py`.

`keras_tiny.quantize` makes a copy of a model whose weights and activations are rounded as the int8 file's will be. Each
layer plays one part in the ranges of its values; a layer that is in no row is refused by its name, and so is a model
inside a model. `BatchNormalization` is folded into the convolution before it, or becomes one of its own,
`SeparableConv2D` is taken apart into its two convolutions, and the hard sigmoid of `keras_tiny/blocks` becomes
`ShiftedReLU6` and `Sixth`.

| layers | part |
|---|---|
"""
_ACTIVATIONS = """
An `activation="…"` inside a layer, or in an `Activation`:

| activation | part |
|---|---|
"""
_TAIL = """
`ReLU` is taken without `threshold` and `negative_slope`, with a `max_value` of 6 or none; `UpSampling2D` with nearest
or bilinear interpolation. What the exported file may hold is another question, which [the audit](audit.md) answers.
"""


def markdown() -> str:
    """The page."""
    return _HEAD + _rows(PARTS) + _ACTIVATIONS + _rows(ACTIVATION_PARTS) + _TAIL


def _rows(parts: dict[str, Part]) -> str:
    named = {part: sorted(name for name, its in parts.items() if its is part) for part in Part}
    return "".join(
        f"| {', '.join(f'`{name}`' for name in names)} | {part.value} |\n"
        for part, names in named.items()
        if names
    )


if __name__ == "__main__":
    print(markdown(), end="")
