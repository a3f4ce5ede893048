"""Run a firmware in QEMU, its UART at one end of a socket pair: a process that lives no longer than this one."""

from __future__ import annotations

import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mcu.errors import BadInput, LinkError, MissingExtra

# QEMU knows nothing of a parent that dies. This shell does: its standard input ends, it ends QEMU. The UART is
# QEMU's standard output; the shell closes its own copy, so that the line ends when QEMU does.
_GUARD = '"$0" "$@" </dev/null & child=$!; exec >&-; read -r _; kill -9 $child 2>/dev/null; wait $child'
_UART_FD = 1
_STOP_S = 5.0
_SIGNALLED = 128  # what a shell adds to the number of the signal that ended its child


@dataclass(frozen=True)
class Machine:
    """A QEMU machine that our firmware runs on.

    Attributes:
        executable, package: QEMU's program, and what Debian calls the package that holds it.
        icount_shift: an instruction takes 2^shift ns of the machine's time.
        seed_address: RAM that the firmware hashes at power-on for its boot nonce, which real RAM fills with noise.
        arguments: more of QEMU's own.
    """

    executable: str
    package: str
    icount_shift: int
    seed_address: int
    arguments: tuple[str, ...] = ()


# 8 ns per instruction is about what a Cortex-M4 at 168 MHz takes. The AN500's timers run at 25 MHz: with 128 ns
# no two instructions fall into the same tick.
MACHINES = {
    "netduinoplus2": Machine("qemu-system-arm", "qemu-system-arm", 3, 0x2000_0100),
    "mps2-an500": Machine("qemu-system-arm", "qemu-system-arm", 7, 0x2000_0100),
    "virt": Machine("qemu-system-riscv32", "qemu-system-misc", 3, 0x8080_0100, ("-bios", "none")),
}


class QemuProcess:
    """A running machine. `close` ends it; so does the end of this process.

    Args:
        program: linked firmware (ELF), or a flash image.
        machine: a key of MACHINES.

    Raises:
        BadInput: no such machine.
        MissingExtra: QEMU is not installed; the hint installs it.

    Attributes:
        line: the host's end of the UART, non-blocking.
    """

    def __init__(self, program: Path, *, machine: str):
        if machine not in MACHINES:
            raise BadInput(
                f"There is no QEMU machine '{machine}' that our firmware runs on.",
                hint=f"There is: {', '.join(MACHINES)}.",
            )
        facts = MACHINES[machine]
        executable = shutil.which(facts.executable)
        if executable is None:
            raise MissingExtra(
                f"{facts.executable} is not installed; it emulates the board.",
                hint=f"On Debian or Ubuntu: sudo apt-get install {facts.package}",
            )
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the machine
        self.line, theirs = socket.socketpair()
        self.line.setblocking(False)
        self._monitor, monitored = socket.socketpair()
        seed = f"loader,addr={facts.seed_address:#x},data={secrets.randbits(32):#x},data-len=4"
        command = [
            *("sh", "-c", _GUARD, executable, "-M", machine),
            *("-nodefaults", "-display", "none", "-icount", f"shift={facts.icount_shift}", *facts.arguments),
            *("-chardev", f"socket,id=uart,fd={_UART_FD}", "-serial", "chardev:uart"),
            *("-chardev", f"socket,id=monitor,fd={monitored.fileno()}", "-mon", "chardev=monitor"),
            *("-device", seed, "-kernel", str(program)),
        ]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=theirs.fileno(),
                stderr=self._stderr,
                start_new_session=True,  # Ctrl-C on the terminal is for the host
                pass_fds=(monitored.fileno(),),
            )
        except BaseException:
            self.line.close()
            self._monitor.close()
            self._stderr.close()
            raise
        finally:
            theirs.close()
            monitored.close()
        self._closed = False

    @property
    def pid(self) -> int:
        """Of the process that holds QEMU."""
        return self._process.pid

    def reset(self) -> None:
        """Reset the machine, as by its button; back when QEMU has done it. Memory and UART stay."""
        self._command("system_reset")

    def pause(self) -> None:
        """Stop the machine where it is; its time stands still."""
        self._command("stop")

    def go_on(self) -> None:
        """Let a paused machine run."""
        self._command("cont")

    def _command(self, command: str) -> None:
        """Have QEMU's monitor do something (QEMU: "QEMU Monitor"); its prompt says that it is done."""
        self._monitor.settimeout(_STOP_S)
        try:
            self._monitor.sendall(f"{command}\n".encode())
            heard = b""
            # Each command is echoed, then answered, then the prompt comes again; the first prompt is QEMU's greeting.
            while not heard.rstrip().endswith(b"(qemu)") or command.encode() not in heard:
                part = self._monitor.recv(4096)
                if not part:
                    return  # QEMU has ended, which shows at the UART
                heard += part
        except TimeoutError:
            raise LinkError(
                f"QEMU does not obey '{command}' within {_STOP_S:g} s.", hint="Close the port."
            ) from None
        except OSError:
            return

    def ended_because(self) -> str:
        """How QEMU ended, for the error when its UART closes."""
        self._release()
        try:
            code = self._process.wait(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            return "QEMU does not end"
        how = (
            f"was killed by {signal.Signals(code - _SIGNALLED).name}"
            if code > _SIGNALLED
            else f"ended with exit code {code}"
        )
        self._stderr.seek(0)
        lines = self._stderr.read().decode("utf-8", "replace").strip().splitlines()
        # A machine that locks up prints all its registers behind the reason.
        said = next((line for line in lines if line.startswith("qemu")), lines[-1] if lines else "")
        return f"QEMU {how}{': ' + said if said else ''}"

    def close(self) -> None:
        """End the machine; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self.line.close()
        self._monitor.close()
        self._release()
        try:
            self._process.wait(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stderr.close()

    def _release(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
