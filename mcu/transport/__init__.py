"""Ports by URL: a device path, `virtual://BUNDLE`, `qemu://BUNDLE`; with faults on the line if asked for."""

from mcu.transport.opening import PortOpener, open_port
from mcu.transport.port import Port, PortGone

__all__ = ["Port", "PortGone", "PortOpener", "open_port"]
