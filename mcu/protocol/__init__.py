"""The link between host and board: frames, messages, sessions (docs/reference/protocol.md)."""

from mcu.protocol.errors import BoardReset, RemoteError, VersionMismatch
from mcu.protocol.identity import Identity
from mcu.protocol.session import Inference, Session
from mcu.protocol.stats import LinkStats

__all__ = [
    "BoardReset",
    "Identity",
    "Inference",
    "LinkStats",
    "RemoteError",
    "Session",
    "VersionMismatch",
]
