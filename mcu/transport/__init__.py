"""Ports by URL: a device path, or `virtual://BUNDLE`."""

from mcu.transport.port import Port, open_port

__all__ = ["Port", "open_port"]
