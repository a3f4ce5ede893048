"""Error classes and codes on the wire, and the exceptions they become (docs/reference/protocol.md, "Errors")."""

from __future__ import annotations

from enum import IntEnum

from mcu.errors import BoardError, LinkError
from mcu.protocol.messages import Error


class ErrorClass(IntEnum):
    """First byte of ERROR, `status` of RESULT."""

    OK = 0
    LINK = 1
    PROTOCOL = 2
    STATE = 3
    PARAM = 4
    MEMORY = 5
    MODEL = 6
    KERNEL = 7
    FAULT = 8
    TIMEOUT = 9


class ProtocolCode(IntEnum):
    """Codes of class PROTOCOL."""

    VERSION = 1  # arg: version_min << 8 | version_max of the device
    UNKNOWN_TYPE = 2  # arg: the type
    MALFORMED = 3  # arg: payload bytes received


class StateCode(IntEnum):
    """Codes of class STATE."""

    WRONG_SESSION = 1  # arg: the session in the frame; the header has the device's own
    NO_HELLO = 2  # arg: the type of the frame


class ParamCode(IntEnum):
    """Codes of class PARAM."""

    NO_SUCH_OBJECT = 1  # arg: the object or the tensor
    BAD_OFFSET = 2  # arg: the offset
    BAD_LENGTH = 3  # arg: the length
    BAD_REQUEST = 4  # arg: the request
    BAD_BAUD = 5  # arg: the rate


class KernelCode(IntEnum):
    """Codes of class KERNEL."""

    INVOKE_FAILED = 1


class BoardReset(LinkError):
    """The board has started again since the session began; what was under way is lost."""


class VersionMismatch(LinkError):
    """Host and board have no protocol version in common."""


class RemoteError(BoardError):
    """The board says that it cannot.

    Attributes:
        error_class, code, arg: as on the wire.
    """

    def __init__(self, message: str, *, hint: str = "", error_class: int, code: int, arg: int = 0):
        super().__init__(message, hint=hint)
        self.error_class = error_class
        self.code = code
        self.arg = arg


_HINTS = {
    ErrorClass.LINK: "Connect again.",
    ErrorClass.PROTOCOL: "Flash firmware of this release.",
    ErrorClass.STATE: "Connect again.",
    ErrorClass.PARAM: "The host's idea of the model differs from the board's; connect again.",
    ErrorClass.MEMORY: "Ask `mcu fits` for the bytes that the model needs.",
    ErrorClass.MODEL: "Flash the board again.",
    ErrorClass.KERNEL: "Check the model with `keras-tiny audit`.",
    ErrorClass.FAULT: "Reset the board; if it happens again, flash it again.",
    ErrorClass.TIMEOUT: "Reset the board.",
}


def remote_error(*, error_class: int, code: int, arg: int, text: str) -> RemoteError:
    """What the board said → an exception with the way out of that class of errors."""
    known = error_class in ErrorClass._value2member_map_
    name = ErrorClass(error_class).name if known else f"class {error_class}"
    return RemoteError(
        f"The board answers with an error ({name} {code}, arg {arg}): {text or 'no text'}.",
        hint=_HINTS[ErrorClass(error_class)] if known and error_class else "",
        error_class=error_class,
        code=code,
        arg=arg,
    )


def error_from_frame(error: Error) -> RemoteError:
    """An ERROR message → the exception to raise."""
    return remote_error(
        error_class=error.error_class,
        code=error.code,
        arg=error.arg,
        text=error.data.decode("utf-8", "replace"),
    )
