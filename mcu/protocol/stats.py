"""What a session counted: frames, bytes, repetitions, damage, goodput."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LinkStats:
    """Counters of one session, from its first HELLO on.

    Attributes:
        frames_sent, frames_received: intact ones; bytes are those on the wire, with framing.
        tensor_bytes: inputs and outputs of finished inferences, each counted once.
        retransmits: frames that the host sent more than once.
        crc_errors: stretches between delimiters that reached the host damaged.
        damage_reports: how often the board asked for something that had reached it damaged or not at all.
        inferences: finished ones.
        link_s: time inside `infer` during which the model did not run.
    """

    frames_sent: int = 0
    frames_received: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    tensor_bytes: int = 0
    retransmits: int = 0
    crc_errors: int = 0
    damage_reports: int = 0
    inferences: int = 0
    link_s: float = 0.0

    @property
    def goodput_bytes_per_s(self) -> float | None:
        """Tensor bytes per second of link time; None before the first inference."""
        return self.tensor_bytes / self.link_s if self.link_s > 0 else None
