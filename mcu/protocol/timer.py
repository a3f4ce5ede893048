"""How long to wait before sending again: four smoothed round trips, at least 50 ms, doubling while nothing is heard."""

from __future__ import annotations

MIN_WAIT_S = 0.05
MAX_WAIT_S = 2.0
_ROUND_TRIPS = 4
_GAIN = 1 / 8  # of a new sample in the smoothed round trip, as in RFC 6298


class RetransmitTimer:
    """Smooths the round trip and backs off.

    Args:
        first_wait_s: before any round trip is known; the time the line needs for a full window and back.
    """

    def __init__(self, *, first_wait_s: float = 0.2):
        self._first_wait_s = first_wait_s
        self._smoothed_s: float | None = None
        self._factor = 1.0

    @property
    def wait_s(self) -> float:
        """How long to listen before the next repetition."""
        base = self._first_wait_s if self._smoothed_s is None else _ROUND_TRIPS * self._smoothed_s
        return min(max(base, MIN_WAIT_S) * self._factor, max(MAX_WAIT_S, base))

    def heard(self, round_trip_s: float | None = None) -> None:
        """Something intact arrived; `round_trip_s` if it answers one frame that can be named."""
        self._factor = 1.0
        if round_trip_s is not None:
            old = round_trip_s if self._smoothed_s is None else self._smoothed_s
            self._smoothed_s = old + _GAIN * (round_trip_s - old)

    def expired(self) -> None:
        """Nothing arrived in time."""
        self._factor *= 2
