"""Rows about ports that go away, are taken, or lose their host; on ptys, with real processes where one is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import mcu
from mcu.doubles.usb_cable import UsbCable
from mcu.errors import PortError
from mcu.hil.plan import make_plan
from mcu.protocol import Session
from mcu.transport import open_port
from mcu.virtual.process import board_maker
from tests.mcu.hil.digits_bundle import digits, write_digits_bundle
from tests.mcu.protocol.loop import Invert, make_board
from tests.reliability.row import Outcome

_SAMPLES_PER_PULL = 15
# Of an 8x8 picture there and ten scores back, with the greeting before the first one.
_CUT_BYTES = 2500


def unplugs(count: int) -> Outcome:
    """Validations over a cable that is pulled at random bytes and comes back by another name, until `count` pulls."""
    rng = random.Random(8)
    data = digits()
    pulls, runs, samples, faulty, late_s = 0, 0, 0, 0, 0.0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        bundle = write_digits_bundle(folder / "bundle", data=data)
        with UsbCable(board_maker(bundle.path), link=folder / "board") as cable:
            while pulls < count:
                noticed: list[float] = []
                stop = threading.Event()
                thread = threading.Thread(target=_keep_pulling, args=(cable, rng, stop))
                cable.unplug_after(rng.randrange(1, _CUT_BYTES))
                thread.start()
                try:
                    run = mcu.validate(
                        bundle,
                        data,
                        port=cable.port,
                        limit=_SAMPLES_PER_PULL * count,
                        out_dir=folder / "out",
                        notice=lambda said, cable=cable, noticed=noticed: noticed.append(  # type: ignore[misc]
                            time.monotonic() - cable.unplugged_at
                        ),
                        wait_s=60.0,
                    )
                finally:
                    stop.set()
                    thread.join()
                runs, samples = runs + 1, samples + run.samples
                pulls += len(run.interruptions)
                late_s = max([late_s, *noticed])
                planned = make_plan(bundle, data, limit=_SAMPLES_PER_PULL * count)
                ids = [sample.id for sample in run.per_sample]
                faulty += ids != [data.test.ids[index] for index in planned.indices] or not run.bit_exact
    seen = f"{pulls:,} pulls in {runs} runs of {run.samples} samples"
    seen += f", {faulty} of them with a sample lost, twice or wrong"
    return Outcome(not faulty, f"{seen}; error at most {1e3 * late_s:.0f} ms later", in_time=late_s <= 1.0)


def _keep_pulling(cable: UsbCable, rng: random.Random, stop: threading.Event) -> None:
    while not stop.is_set():
        if cable.wait_until_unplugged(timeout_s=0.05):
            cable.unplug_after(rng.randrange(1, _CUT_BYTES))
            cable.plug_in()


def second_host(count: int) -> Outcome:
    """Another process has the port open: how soon the second host is refused, with the owner's process id."""
    with (
        tempfile.TemporaryDirectory() as folder,
        UsbCable(lambda: make_board(Invert()), link=Path(folder) / "board") as cable,
    ):
        program = "import sys, mcu.transport as t; p = t.open_port(sys.argv[1]); print(flush=True); input()"
        owner = subprocess.Popen(
            [sys.executable, "-c", program, cable.port], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert owner.stdout is not None
        owner.stdout.readline()
        took_s, named = [], 0
        for _ in range(count):
            begin_s = time.monotonic()
            try:
                open_port(cable.port).close()
            except PortError as error:
                named += f"process {owner.pid} " in error.message
            took_s.append(time.monotonic() - begin_s)
        owner.communicate(b"\n")
    return Outcome(
        named == count,
        f"{named} of {count} refused with the owner; {1e3 * min(took_s):.1f} to {1e3 * max(took_s):.0f} ms",
        in_time=max(took_s) <= 0.1,
    )


def killed_host(count: int) -> Outcome:
    """kill -9 of the host in the middle of a transfer: how soon the next one has a session, without a reset."""
    program = (
        "import sys\nfrom mcu.protocol import Session\nfrom mcu.transport import open_port\n"
        "with Session.connect(open_port(sys.argv[1])) as session:\n"
        "    print(flush=True)\n"
        "    while True:\n"
        "        session.infer([bytes(spec.nbytes) for spec in session.identity.inputs])\n"
    )
    took_s, exact = [], 0
    rng = random.Random(9)
    with tempfile.TemporaryDirectory() as folder:
        engine = Invert()
        with UsbCable(lambda: make_board(engine), link=Path(folder) / "board") as cable:
            for _ in range(count):
                host = subprocess.Popen([sys.executable, "-c", program, cable.port], stdout=subprocess.PIPE)
                assert host.stdout is not None
                host.stdout.readline()
                time.sleep(rng.uniform(0.0, 0.05))
                os.kill(host.pid, signal.SIGKILL)
                host.wait()
                begin_s = time.monotonic()
                with Session.connect(open_port(cable.port, timeout_s=5)) as session:
                    took_s.append(time.monotonic() - begin_s)
                    data = [rng.randbytes(3000)]
                    exact += session.infer(data).outputs == engine.expected(data)
    return Outcome(
        exact == count,
        f"{exact} of {count} sessions exact, after {1e3 * min(took_s):.0f} to {1e3 * max(took_s):.0f} ms",
        in_time=max(took_s) <= 2.0,
    )


def replays(samples: int) -> Outcome:
    """A recorded run over a bad line, replayed twice."""
    data = digits()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        out, wire = folder / "out", folder / "wire.jsonl"
        bundle = write_digits_bundle(folder / "bundle", data=data)
        with UsbCable(board_maker(bundle.path), link=folder / "board") as cable:
            port = f"{cable.port}?faults=flip:1e-4,drop:1e-4,seed:3"
            run = mcu.validate(bundle, data, port=port, limit=samples, out_dir=out, record=wire)
        files = {path.name: path.read_bytes() for path in out.iterdir()}
        same = 0
        for _ in range(2):
            mcu.validate(bundle, data, port=f"replay://{wire}", limit=samples, out_dir=out)
            same += {path.name: path.read_bytes() for path in out.iterdir()} == files
        size = wire.stat().st_size
    return Outcome(
        same == 2 and run.bit_exact,
        f"{same} of 2 replays of {run.samples} samples equal in every file; recorded: {size:,} bytes",
    )
