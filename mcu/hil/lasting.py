"""Answers over as many sessions as it takes: a board that was unplugged or reset is greeted again, and asked again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields

from mcu.errors import BoardError, KerasTinyError, LinkError, PortError
from mcu.protocol.control import Stats
from mcu.protocol.diagnosis import NoAnswer
from mcu.protocol.errors import BoardReset, VersionMismatch
from mcu.protocol.identity import Identity
from mcu.protocol.mask import MaskForm
from mcu.protocol.session import Inference, Session
from mcu.protocol.stats import LinkStats
from mcu.transport import Port, PortGone, PortOpener

# A board that starts again at the same sample every time never gets further.
_MOST_FRUITLESS = 5
_PAUSE_S = 0.05

Greet = Callable[[Port], Session]
Notice = Callable[[str], None]


@dataclass(frozen=True)
class Interruption:
    """The board went away or started again, and the run went on.

    Attributes:
        after: inferences answered until then, golden inputs included.
        why: the error.
    """

    after: int
    why: str


class LastingSession:
    """What a `Session` is to a run, without its end. Close it, or use `with`.

    An inference that was interrupted is asked again from its first byte; it counts once, when it is answered.

    Args:
        opener: of the board's port.
        greet: makes a session over the open port, with the board and the model that are meant.
        wait_s: how long to wait for a board that went away; 0: the first error is the last.
        notice: called at once with what happened.
        lead_back: called when nobody answers; finds the board at a rate that an earlier session has left it at.
        before: what earlier runs of the same job have counted.

    Raises:
        PortError, LinkError, BoardError: see `mcu.hil.connection.connect_board`.

    Attributes:
        identity: of the board.
        interruptions: so far.
    """

    def __init__(
        self,
        opener: PortOpener,
        greet: Greet,
        *,
        wait_s: float,
        notice: Notice | None = None,
        lead_back: Callable[[], object] = lambda: None,
        before: LinkStats | None = None,
    ):
        self._opener, self._greet = opener, greet
        self._wait_s, self._notice = wait_s, notice
        self._clock = opener.clock
        self._lead_back = lead_back
        self._before = before or LinkStats()
        self._fruitless = 0
        self.interruptions: list[Interruption] = []
        self._port = opener.open()
        try:
            self._session = greet(self._port)
        except NoAnswer:
            if not lead_back():
                raise
            self._port = opener.open()
            self._session = greet(self._port)
        except (PortGone, BoardReset) as error:  # in the middle of the greeting: it was there
            if not wait_s:
                raise
            self._tell(error)
            self._session = self._greet_again(error)
        self.identity: Identity = self._session.identity

    @property
    def stats(self) -> LinkStats:
        """Of all sessions together."""
        return _sum(self._before, self._session.stats)

    def infer(
        self,
        inputs: Sequence[bytes],
        *,
        mask: MaskForm | None = None,
        expected: Sequence[bytes] | None = None,
        ahead: Sequence[bytes] | None = None,
    ) -> Inference:
        """As `Session.infer`; the errors are those that another session does not help against.

        Raises:
            PortGone, BoardReset: the board has not come back in time, or starts again at these inputs every time.
            BoardError: what came back is another board, other firmware, or another model.
        """
        while True:
            try:
                answer = self._session.infer(inputs, mask=mask, expected=expected, ahead=ahead)
            except (PortGone, BoardReset) as error:
                self._go_on(error)
            except LinkError as error:
                # A board that starts again talks at its first rate, which sounds like silence at a raised one.
                if not self._opener.has_other_rate(self._port):
                    raise
                self._go_on(error)
            else:
                self._fruitless = 0
                return answer

    def device_stats(self) -> Stats:
        """As `Session.device_stats`."""
        return self._session.device_stats()

    def close(self) -> None:
        """Leave the board idle and give its port back; may be called twice."""
        self._session.close()
        self._port.close()

    def __enter__(self) -> LastingSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _go_on(self, error: KerasTinyError) -> None:
        self._before = self.stats
        self._fruitless += 1
        if not self._wait_s:
            raise error
        if self._fruitless > _MOST_FRUITLESS:
            error.hint = (
                f"It was the {self._fruitless}th time in a row at the same inputs. {error.hint}".strip()
            )
            raise error
        self._tell(error)
        self._session = self._greet_again(error)
        now, first = self._session.identity, self.identity
        if (now.engine, now.firmware) != (first.engine, first.firmware):
            raise BoardError(
                f"The board came back with the firmware {now.firmware} ({now.engine}); "
                f"the run began with {first.firmware} ({first.engine}).",
                hint="Validate the new firmware in a run of its own.",
            )

    def _tell(self, error: KerasTinyError) -> None:
        self.interruptions.append(Interruption(self._before.inferences, error.message))
        if self._notice is not None:
            self._notice(f"{error.message} Waiting up to {self._wait_s:g} s for the board.")

    def _greet_again(self, error: KerasTinyError) -> Session:
        end = self._clock() + self._wait_s
        gone = not isinstance(error, BoardReset) or self._opener.has_other_rate(self._port)
        while True:
            try:
                if gone:
                    self._port.close()
                    self._port = self._opener.open(timeout_s=max(0.0, end - self._clock()))
                gone = True  # a session that does not come about has closed the port
                return self._greet(self._port)
            except VersionMismatch:
                raise
            except NoAnswer as again:
                self._lead_back()
                if self._clock() >= end:
                    raise self._stayed_away(error, again) from None
            except (PortError, LinkError) as again:
                if self._clock() >= end:
                    raise self._stayed_away(error, again) from None
                time.sleep(_PAUSE_S)

    def _stayed_away(self, error: KerasTinyError, last: KerasTinyError) -> KerasTinyError:
        """The error of the interruption, with the one that was the last in greeting again."""
        error.hint = f"It did not come back in {self._wait_s:g} s: {last.message} {error.hint}".strip()
        return error


def _sum(first: LinkStats, second: LinkStats) -> LinkStats:
    a, b = asdict(first), asdict(second)
    return LinkStats(**{field.name: a[field.name] + b[field.name] for field in fields(LinkStats)})
