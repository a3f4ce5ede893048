"""Time that a virtual machine did not have: its hypervisor ran others on the cores meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

STAT = Path("/proc/stat")
_STEAL = 8  # "cpu", then user, nice, system, idle, iowait, irq, softirq, steal (proc_stat(5))


def stolen_seconds(stat: Path = STAT) -> float:
    """Seconds since the start of the machine for which its cores were ready and not run, the mean over them.

    A difference of two calls is what a slow machine has taken from the seconds between them.

    Returns:
        0.0 where the system does not say, and on a machine that nobody shares.
    """
    try:
        words = stat.read_text(encoding="ascii").split("\n", 1)[0].split()
        return int(words[_STEAL]) / os.sysconf("SC_CLK_TCK") / (os.cpu_count() or 1)
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0
