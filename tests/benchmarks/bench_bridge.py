"""Rate of inferences through the virtual board's pty against the interpreter called directly, in one run, alternating.

python -m tests.benchmarks.bench_bridge                 # MobileNetV2 0.35 at 96x96x3, and at 48x48x3 as in the demo
python -m tests.benchmarks.bench_bridge build/demo/bundle model.tflite
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mcu.bundle import Bundle
from mcu.protocol import LinkStats, Session
from mcu.tflm import TflmInterpreter
from mcu.transport import open_port
from mcu.transport.urls.protocol_virtual import virtual_url

REQUIRED_RATIO = 0.8  # of MobileNetV2 0.35 at 96x96x3
FRAMES = 16  # different inputs, sent again and again


@dataclass(frozen=True)
class Comparison:
    """One model, both ways.

    Attributes:
        direct_s, link_s: seconds per inference, over all rounds.
        board_s: of these, inside the model on the board, as it reports.
    """

    name: str
    input_bytes: int
    output_bytes: int
    inferences: int
    direct_s: float
    link_s: float
    board_s: float
    stats: LinkStats

    @property
    def ratio(self) -> float:
        """Rate through the link over the rate without it."""
        return self.direct_s / self.link_s


def compare(path: Path, *, seconds: float, rounds: int = 10) -> Comparison:
    """Run one model both ways for about `seconds` each, a round of one and a round of the other in turn.

    Raises:
        AssertionError: an answer through the link is not the direct one, byte for byte.
    """
    model_bytes = path.read_bytes() if path.is_file() else Bundle.open(path).model_bytes
    desk = TflmInterpreter(model_bytes)
    rng = np.random.default_rng(0)
    frames = [[rng.integers(-128, 128, spec.shape, np.int8) for spec in desk.inputs] for _ in range(FRAMES)]
    payloads = [[array.tobytes() for array in frame] for frame in frames]
    with Session.connect(open_port(virtual_url(path))) as session:
        # The first round tells how long one takes; it also warms up both sides and compares every byte.
        begin = time.perf_counter()
        expected = [tuple(output.tobytes() for output in desk.invoke(frame)) for frame in frames]
        once_s = (time.perf_counter() - begin) / FRAMES
        assert [session.infer(payload).outputs for payload in payloads] == expected
        repeats = max(1, round(seconds / rounds / once_s / FRAMES))
        direct_s = link_s = board_s = 0.0
        for _ in range(rounds):
            begin = time.perf_counter()
            for _ in range(repeats):
                for frame in frames:
                    desk.invoke(frame)
            direct_s += time.perf_counter() - begin
            begin = time.perf_counter()
            for _ in range(repeats):
                for payload in payloads:
                    board_s += session.infer(payload).latency_us / 1e6
            link_s += time.perf_counter() - begin
        count = rounds * repeats * FRAMES
        return Comparison(
            name=path.stem if path.is_file() else path.name,
            input_bytes=sum(spec.nbytes for spec in desk.inputs),
            output_bytes=sum(spec.nbytes for spec in desk.outputs),
            inferences=count,
            direct_s=direct_s / count,
            link_s=link_s / count,
            board_s=board_s / count,
            stats=session.stats,
        )


def mobilenet_v2_file(folder: Path, *, width: float, side: int, channels: int) -> Path:
    """MobileNetV2 with random weights, 10 classes, as an int8 file. Needs the extra 'train'."""
    from keras_tiny.export.convert import convert_ptq
    from keras_tiny.keras_api import keras
    from keras_tiny.models.mobilenet_v2 import mobilenet_v2

    keras.utils.set_random_seed(0)
    model = mobilenet_v2(input_shape=(side, side, channels), num_classes=10, width=width)
    images = np.random.default_rng(0).uniform(-1, 127 / 128, (32, side, side, channels)).astype(np.float32)
    # Without statistics of its own, 50 layers of random weights shrink every activation to nothing.
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(images, training=True)
    path = folder / f"mobilenet_v2_{width:g}_{side}x{side}x{channels}.tflite"
    path.write_bytes(convert_ptq(model, images))
    return path


def describe(result: Comparison) -> str:
    """One line of the table."""
    overhead_us = 1e6 * (result.link_s - result.board_s)
    return (
        f"{result.name:<32} {result.input_bytes:>8,} {result.output_bytes:>8,} {result.inferences:>6} "
        f"{1 / result.direct_s:>9.1f} {1 / result.link_s:>9.1f} {result.ratio:>6.3f} {overhead_us:>9.0f} "
        f"{result.stats.retransmits:>7}"
    )


HEADER = (
    f"{'model':<32} {'bytes in':>8} {'out':>8} {'runs':>6} {'direct/s':>9} {'link/s':>9} {'ratio':>6} "
    f"{'link us':>9} {'resent':>7}"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; 1 if a ratio is below `--require`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", type=Path, help="bundles or .tflite files")
    parser.add_argument("--seconds", type=float, default=10.0, help="to measure each model each way")
    parser.add_argument("--require", type=float, default=0.0, metavar="RATIO", help="for every model given")
    args = parser.parse_args(argv)
    print(HEADER)
    with tempfile.TemporaryDirectory() as folder:
        models = args.models or [
            mobilenet_v2_file(Path(folder), width=0.35, side=96, channels=3),
            mobilenet_v2_file(Path(folder), width=0.35, side=48, channels=3),
        ]
        ratios = []
        for path in models:
            result = compare(path, seconds=args.seconds)
            print(describe(result), flush=True)
            ratios.append(result.ratio)
    return int(min(ratios) < args.require)


if __name__ == "__main__":
    sys.exit(main())
