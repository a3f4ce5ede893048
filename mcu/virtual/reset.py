"""The reset button of a virtual board: a signal to its process."""

from __future__ import annotations

import signal

RESET_SIGNAL = signal.SIGUSR1


class ResetPressed(Exception):
    """Somebody has pressed the button: whatever the board was at, it knows nothing of it any more."""


def obey_reset_button() -> None:
    """From here on RESET_SIGNAL raises ResetPressed in this process."""

    def press(number: int, frame: object) -> None:
        raise ResetPressed

    signal.signal(RESET_SIGNAL, press)
