"""Writes model_image.json: `python -m tests.vectors.make_model_image`.

Every field by its offset, as docs/reference/model_image.md has it; `mcu.flash.model_image` is held to these.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from pathlib import Path

MODEL = b"\x1c\x00\x00\x00TFL3" + bytes(range(1, 57))
ARENA_BYTES = 0x0001_2345


def image(model: bytes = MODEL, *, arena_bytes: int = ARENA_BYTES, **fields: int) -> bytes:
    """A header and a model; fields by name are other than they should be, under a CRC-32 that fits."""
    head = bytearray(64)
    head[0:4] = fields.get("magic", int.from_bytes(b"KTMD", "little")).to_bytes(4, "little")
    head[4:6] = fields.get("version", 1).to_bytes(2, "little")
    head[6:8] = fields.get("header_bytes", 64).to_bytes(2, "little")
    head[8:12] = fields.get("model_bytes", len(model)).to_bytes(4, "little")
    head[12:16] = fields.get("model_crc32", zlib.crc32(model)).to_bytes(4, "little")
    head[16:20] = arena_bytes.to_bytes(4, "little")
    head[20:52] = hashlib.sha256(model).digest()
    head[60:64] = zlib.crc32(bytes(head[:60])).to_bytes(4, "little")
    return bytes(head) + model


def flipped(content: bytes, *, bit: int) -> bytes:
    """The same but for one bit."""
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def vectors() -> list[dict[str, object]]:
    """What `kt_model_image_open` returns, and for 0 what it finds."""
    other = MODEL[:4] + b"TFL2" + MODEL[8:]
    refused = {
        "nothing at all": (b"", -1),
        "a byte less than a header": (image()[:63], -1),
        "erased flash": (b"\xff" * 128, -1),
        "another magic": (image(magic=0x444D_544C), -1),
        "a bit of the header": (flipped(image(), bit=8 * 30), -2),
        "a bit of the header's CRC-32": (flipped(image(), bit=8 * 60), -2),
        "version 2": (image(version=2), -3),
        "a longer header": (image(header_bytes=80), -3),
        "a byte less than the model": (image()[:-1], -4),
        "the largest length there is": (image(model_bytes=0xFFFF_FFFF), -4),
        "the first bit of the model": (flipped(image(), bit=8 * 64), -5),
        "the last bit of the model": (flipped(image(), bit=8 * len(image()) - 1), -5),
        "another CRC-32 of the model": (image(model_crc32=0), -5),
        "no model": (image(b""), -6),
        "seven bytes of a model": (image(MODEL[:7]), -6),
        "no .tflite file": (image(other), -6),
    }
    accepted = {
        "whole": image(),
        "whole, in longer flash": image() + b"\xff" * 32,
        "eight bytes of a model": image(MODEL[:8]),
        "no word on the arena": image(arena_bytes=0),
    }
    rows: list[dict[str, object]] = [
        {"what": what, "image": content.hex(), "code": code} for what, (content, code) in refused.items()
    ]
    for what, content in accepted.items():
        size = int.from_bytes(content[8:12], "little")
        model = content[64 : 64 + size]
        rows.append(
            {
                "what": what,
                "image": content.hex(),
                "code": 0,
                "model": model.hex(),
                "crc32": zlib.crc32(model),
                "arena_bytes": int.from_bytes(content[16:20], "little"),
                "sha256": hashlib.sha256(model).hexdigest(),
            }
        )
    return rows


if __name__ == "__main__":
    Path(__file__).with_name("model_image.json").write_text(json.dumps(vectors(), indent=1) + "\n")
