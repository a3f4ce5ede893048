"""The link between host and board: frames, messages, sessions (docs/reference/protocol.md)."""

from mcu.protocol.errors import BoardReset, RemoteError, VersionMismatch
from mcu.protocol.identity import Identity
from mcu.protocol.session import Inference, Session
from mcu.protocol.stats import DeviceStats, LinkStats

__all__ = [
    "BoardReset",
    "DeviceStats",
    "Identity",
    "Inference",
    "LinkStats",
    "RemoteError",
    "Session",
    "VersionMismatch",
]
