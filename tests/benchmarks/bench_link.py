"""How much of a line is tensor bytes, how long an echo takes, what the host spends; beside it what others reach.

python -m tests.benchmarks.bench_link                   # all of it; QEMU's part needs its tools
python -m tests.benchmarks.bench_link --no-qemu --no-virtual

The paced line is simulated byte by byte with a clock of its own (tests/mcu/protocol/line.py), both ends being the real
ones: its figures are the protocol's and the same on every computer. The others are of this computer, by the clock.
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

from mcu.protocol import Session
from mcu.protocol.frame import Frame, encode_frame
from mcu.protocol.messages import Type, chunk_bytes
from mcu.transport import open_port
from mcu.transport.urls.protocol_qemu import qemu_url
from mcu.transport.urls.protocol_virtual import virtual_url
from mcu.virtual.board import LinkLimits
from tests.mcu.protocol.line import Line
from tests.mcu.protocol.loop import Invert
from tests.tflite_networks import conv
from tests.tflite_writer import Graph

BAUD = 921_600
DELAY_S = 0.001  # each way
REQUIRED_PACED = 0.95
REQUIRED_OF_ECHO = 0.90
INPUT_BYTES = 96 * 96 * 3
PACED_BYTES = 1 << 20
FAST_BAUD = 2_000_000
_BITS_PER_BYTE = 10
_ECHO_S = 120.0
LIMITS = {
    "virtual board, 2048 B": LinkLimits(max_payload_bytes=2048, window_bytes=1 << 16),
    "1024 B x 4": LinkLimits(max_payload_bytes=1024, window_bytes=4 * 1016),
    "firmware, 768 B x 2": LinkLimits(max_payload_bytes=768, window_bytes=2 * 760),
    "tiny, 64 B x 2": LinkLimits(max_payload_bytes=64, window_bytes=112),
}


def paced_share(limits: LinkLimits, *, baud: int = BAUD, delay_s: float = DELAY_S) -> float:
    """Tensor bytes over what the line could carry in the same time, while 1 MiB of inputs goes up."""
    line = Line(Invert(inputs=(INPUT_BYTES,)), baud=baud, delay_s=delay_s, limits=limits)
    rng = np.random.default_rng(0)
    with line.connect() as session:
        for _ in range(-(-PACED_BYTES // INPUT_BYTES)):
            session.infer([rng.integers(-128, 128, INPUT_BYTES, np.int8).tobytes()])
        stats = session.stats
    assert stats.retransmits == stats.crc_errors == 0
    assert stats.goodput_bytes_per_s is not None
    return stats.goodput_bytes_per_s * _BITS_PER_BYTE / baud


def stop_and_wait_share(size: int, *, baud: int = BAUD, delay_s: float = DELAY_S) -> float:
    """What a protocol reaches that waits for an answer of an empty frame to every `size` bytes, with our framing."""
    byte_s = _BITS_PER_BYTE / baud
    frame = len(encode_frame(Frame(Type.DATA, bytes(size))))
    answer = len(encode_frame(Frame(Type.ACK, b"")))
    return size * byte_s / ((frame + answer) * byte_s + 2 * delay_s)


def mlperf_share(*, chunk: int = 31, baud: int = BAUD, delay_s: float = DELAY_S) -> float:
    """What MLPerf Tiny's runner reaches: 31 bytes in hexadecimal per command, each waiting for the prompt."""
    byte_s = _BITS_PER_BYTE / baud
    command = len("db ") + 2 * chunk + len("%")
    answer = len("m-ready\r\n")
    return chunk * byte_s / ((command + answer) * byte_s + 2 * delay_s)


@dataclass(frozen=True)
class Measured:
    """One board by this computer's clock.

    Attributes:
        tensor_bytes_per_s: of inferences whose model takes almost nothing.
        echo_bytes_per_s: of PINGs as long as a frame, as many at once as the window holds.
        ping_p50_s, ping_p99_s: of empty ones.
        cpu_s_per_byte: of this process, per tensor byte.
    """

    tensor_bytes_per_s: float
    echo_bytes_per_s: float
    ping_p50_s: float
    ping_p99_s: float
    cpu_s_per_byte: float


def measure(url: str, *, inferences: int, pings: int) -> Measured:
    """Measure the board behind a URL, which runs the model of `wide_file`."""
    rng = np.random.default_rng(0)
    inputs = [rng.integers(-128, 128, INPUT_BYTES, np.int8).tobytes()]
    with Session.connect(open_port(url), silence_s=120) as session:
        session.infer(inputs)
        size = chunk_bytes(session.terms.max_payload_bytes)
        burst = session.terms.window_bytes // size
        echoed, echo_s, seconds, cpu_s = 0, 0.0, 0.0, 0.0
        before = session.stats.tensor_bytes
        # In turns: what else the computer does then weighs on both alike.
        for _ in range(inferences):
            begin = time.perf_counter()
            for _ in range(-(-INPUT_BYTES // (burst * size))):
                echoed += _echo(session, size=size, count=burst)
            echo_s += time.perf_counter() - begin
            begin, begin_cpu = time.perf_counter(), time.process_time()
            session.infer(inputs)
            seconds, cpu_s = seconds + time.perf_counter() - begin, cpu_s + time.process_time() - begin_cpu
        carried = session.stats.tensor_bytes - before
        times = [session.ping() for _ in range(pings)]
    p50, p99 = np.percentile(times, [50, 99])
    return Measured(carried / seconds, echoed / echo_s, float(p50), float(p99), cpu_s / carried)


def _echo(session: Session, *, size: int, count: int) -> int:
    """Bytes that came back of `count` PINGs sent at once."""
    link = session._link
    link.send((Type.PING, bytes(size)) for _ in range(count))
    back, end = 0, time.monotonic() + _ECHO_S
    while back < count:
        assert time.monotonic() < end, f"{back} of {count} PINGs have come back"
        back += sum(frame.type == Type.PONG for frame in link.receive(timeout_s=1))
    return back * size


def wide_file(folder: Path) -> Path:
    """A model with a picture of 96x96x3 as its input and next to nothing to compute."""
    graph = Graph()
    x = graph.input("image", (1, 96, 96, 3), scale=1 / 127, zero_point=-1)
    y = conv(
        graph, x, (1, 6, 6, 4), name="out", channels_in=3, channels_out=4, side=1, stride=16,
        scale_in=1 / 127, scale_out=0.05,
    )  # fmt: skip
    path = folder / "wide.tflite"
    path.write_bytes(graph.build(outputs=(y,)))
    return path


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables; 1 if a share that is promised is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--no-qemu", action="store_true", help="leave QEMU's part out")
    parser.add_argument("--no-virtual", action="store_true", help="leave the virtual board's part out")
    args = parser.parse_args(argv)
    missed = False
    print(
        f"tensor bytes over the raw rate: {BAUD:,} baud, {1e3 * DELAY_S:g} ms each way, 1 MiB up, simulated"
    )
    for name, limits in LIMITS.items():
        share = paced_share(limits)
        missed |= name.startswith(("virtual", "firmware")) and share < REQUIRED_PACED
        print(f"  {name:<36} {share:6.1%}")
    print(f"  {'stop and wait, 256 B (computed)':<36} {stop_and_wait_share(256):6.1%}")
    print(f"  {'stop and wait, 1024 B (computed)':<36} {stop_and_wait_share(1024):6.1%}")
    print(f"  {'MLPerf Tiny, 31 B in hex (computed)':<36} {mlperf_share():6.1%}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = wide_file(Path(folder))
        if not args.no_virtual:
            virtual = measure(virtual_url(path), inferences=100, pings=1000)
            cpu = virtual.cpu_s_per_byte * FAST_BAUD / _BITS_PER_BYTE
            print(_describe("virtual board", virtual))
            print(f"  host CPU at {FAST_BAUD:,} baud {cpu:.1%} of a core")
        if not args.no_qemu:
            emulated = measure(qemu_url(path), inferences=5, pings=200)
            missed |= emulated.tensor_bytes_per_s < REQUIRED_OF_ECHO * emulated.echo_bytes_per_s
            print(_describe("qemu_stm32f405", emulated))
    return int(missed)


def _describe(name: str, result: Measured) -> str:
    return (
        f"{name}: {result.tensor_bytes_per_s:,.0f} tensor bytes/s, echo {result.echo_bytes_per_s:,.0f} bytes/s "
        f"({result.tensor_bytes_per_s / result.echo_bytes_per_s:.0%}); "
        f"PING p50 {1e3 * result.ping_p50_s:.2f} ms, p99 {1e3 * result.ping_p99_s:.2f} ms"
    )


if __name__ == "__main__":
    sys.exit(main())
