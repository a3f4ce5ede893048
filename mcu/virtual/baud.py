"""The rate of a device's line: tried out, confirmed or given up (docs/reference/protocol.md, "SET_BAUD")."""

from __future__ import annotations

MAX_CONFIRM_MS = 500


class BaudRate:
    """The rate the device should talk at; whoever carries its bytes follows after each answer.

    Args:
        start: at power-on, and after BYE.
        most: the highest that the device can.

    Attributes:
        rate: the one to use now.
    """

    def __init__(self, start: int, *, most: int):
        self._start = self._confirmed = self.rate = start
        self._most = most
        self._confirm_ns = 0
        self._deadline_ns: int | None = None

    @property
    def is_tried(self) -> bool:
        """Whether the rate is not confirmed yet, so that `tick` has to be called."""
        return self._deadline_ns is not None

    def change(self, rate: int, *, confirm_ms: int, now_ns: int) -> bool:
        """Try a rate, or with `confirm_ms` 0 keep the one that is tried; False if the device cannot."""
        if not 0 < rate <= self._most or (confirm_ms == 0 and rate != self.rate):
            return False
        if confirm_ms == 0:
            self._confirmed, self._deadline_ns = rate, None
        elif rate != self.rate or self.is_tried:
            self.rate = rate
            self._confirm_ns = min(confirm_ms, MAX_CONFIRM_MS) * 1_000_000
            self._deadline_ns = now_ns + self._confirm_ns
        return True

    def heard(self, *, now_ns: int) -> None:
        """An intact frame has arrived."""
        if self._deadline_ns is not None:
            self._deadline_ns = now_ns + self._confirm_ns

    def tick(self, *, now_ns: int) -> None:
        """Give up a rate that was tried for too long."""
        if self._deadline_ns is not None and now_ns >= self._deadline_ns:
            self.rate, self._deadline_ns = self._confirmed, None

    def reset(self) -> None:
        """Back to the rate at power-on."""
        self.rate = self._confirmed = self._start
        self._deadline_ns = None
