"""Write tests/vectors/masks.json: `python -m tests.vectors.make_masks`.

Bytes come from strings of bits, pixel by pixel, not from `mcu.postprocess`.
"""

from __future__ import annotations

import json
import random
from itertools import groupby
from pathlib import Path

PATH = Path(__file__).with_name("masks.json")


def packed(mask: list[int], bits: int) -> str:
    text = "".join(format(pixel, f"0{bits}b")[::-1] for pixel in mask)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[i : i + 8][::-1], 2) for i in range(0, len(text), 8)).hex()


def runs(mask: list[int]) -> str:
    made = []
    for value, pixels in groupby(mask):
        length = len(list(pixels))
        if length < 16:
            made.append((length - 1) * 16 + value)
            continue
        made.append(15 * 16 + value)
        text = format(length - 16, "b")
        text = text.zfill(-(-len(text) // 7) * 7)
        sevens = [int(text[i : i + 7], 2) for i in range(0, len(text), 7)][::-1]
        made += [seven + 128 for seven in sevens[:-1]] + sevens[-1:]
    return bytes(made).hex()


def masks() -> dict[str, list[int]]:
    rng = random.Random(0)
    return {
        "nothing": [],
        "one pixel": [1],
        "seven pixels": [1, 0, 0, 1, 1, 1, 0],
        "a run of 15": [3] * 15,
        "a run of 16": [3] * 16,
        "a run of 143": [2] * 143,
        "a run of 144": [2] * 144,
        "a run of 2200": [15] * 2200,
        "every class": list(range(16)) * 2,
        "noise": [rng.randrange(4) for _ in range(97)],
        "areas": [value for _ in range(30) for value in [rng.randrange(11)] * rng.randrange(1, 60)],
    }


def scores() -> list[dict[str, object]]:
    rng = random.Random(1)
    made: list[dict[str, object]] = []
    for channels in (1, 2, 3, 11, 256):
        pixels = [[rng.randrange(-128, 128) for _ in range(channels)] for _ in range(9)]
        pixels += [[-128] * channels, [127] * channels, [5] * channels]
        mask = [max(range(channels), key=lambda c: (p[c], -c)) for p in pixels]
        flat = bytes(value & 255 for p in pixels for value in p)
        made.append({"channels": channels, "scores": flat.hex(), "mask": bytes(mask).hex()})
    return made


def thresholds() -> list[dict[str, object]]:
    values = list(range(-128, 128))
    return [
        {
            "above": above,
            "scores": bytes(value & 255 for value in values).hex(),
            "mask": bytes(int(value > above) for value in values).hex(),
        }
        for above in (-129, -128, -1, 0, 17, 126, 127)
    ]


def vectors() -> dict[str, object]:
    return {
        "argmax": scores(),
        "threshold": thresholds(),
        "masks": [
            {
                "name": name,
                "mask": bytes(mask).hex(),
                "packed": {
                    str(bits): packed(mask, bits) for bits in (1, 2, 4) if max(mask, default=0) < 1 << bits
                },
                "runs": runs(mask),
            }
            for name, mask in masks().items()
        ],
        "not_runs": [
            {"name": "too many pixels", "pixels": 3, "runs": "31"},
            {"name": "too few pixels", "pixels": 5, "runs": "31"},
            {"name": "no pixels at all", "pixels": 1, "runs": ""},
            {"name": "a length that is missing", "pixels": 16, "runs": "f1"},
            {"name": "a length that does not end", "pixels": 300, "runs": "f180"},
            {"name": "a length of more than 32 bits", "pixels": 300, "runs": "f1808080808001"},
            {"name": "a length that would wrap around 32 bits", "pixels": 15, "runs": "f1ffffffff0f"},
            {"name": "one run too many", "pixels": 4, "runs": "3100"},
        ],
        "not_packed": [
            {"name": "a byte short", "pixels": 9, "bits": 1, "packed": "ff"},
            {"name": "a byte too many", "pixels": 8, "bits": 1, "packed": "ff00"},
            {"name": "spare bits set", "pixels": 3, "bits": 2, "packed": "40"},
        ],
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(vectors(), indent=1) + "\n", encoding="utf-8")
