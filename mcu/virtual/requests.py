"""Which request a frame means: the one whose result is kept, or the one that arrives meanwhile.

docs/reference/protocol.md, "The device", rule 7.
"""

from __future__ import annotations

from collections.abc import Callable

from mcu.protocol.messages import is_newer
from mcu.virtual.request import Request


class Requests:
    """One request, or with OVERLAP two.

    Args:
        new: makes an empty request of a number.

    Attributes:
        current: the one that was begun last, or whose model has run last; number 0 before the first.
        following: newer than `current`, whose result is still there; None until its first frame.
        overlap: whether there can be a following one; without, a newer request ends the one before it.
    """

    def __init__(self, new: Callable[[int], Request], *, overlap: bool = False):
        self._new = new
        self.current = new(0)
        self.following: Request | None = None
        self.overlap = overlap

    @property
    def newest(self) -> Request:
        """The one whose inputs arrive."""
        return self.following or self.current

    def of(self, number: int) -> Request | None:
        """The request that a DATA or an INVOKE is about; None for a late repetition."""
        for request in (self.newest, self.current):
            if request.number == number:
                return request
        if self.newest.number and not is_newer(number, self.newest.number):
            return None
        request = self._new(number)
        if self.overlap and self.current.result is not None:
            self.following = request
        else:
            self.current, self.following = request, None
        return request

    def begin(self, request: Request) -> None:
        """Its model is about to run: the result before it is given up."""
        self.current, self.following = request, None
