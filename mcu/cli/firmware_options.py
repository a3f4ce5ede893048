"""What `mcu build` and `mcu flash` can give the firmware beside the model."""

from __future__ import annotations

from typing import Annotated

import typer

from mcu.errors import BadInput

MlperfOption = Annotated[
    str | None,
    typer.Option(
        metavar="ID", help="MLPerf Tiny's protocol beside ours; the model's id for its runner, e.g. ic01."
    ),
]
OverlapOption = Annotated[
    bool,
    typer.Option(
        "--overlap", help="Let it take the next sample while the model runs, for RAM of one sample."
    ),
]


def refuse_firmware_options(*, mlperf: str | None, overlap: bool, because: str, hint: str) -> None:
    """BadInput if one of them is given where no firmware is built.

    Args:
        because: what is made in its place, for the message.
    """
    for option, given in (("--mlperf", mlperf is not None), ("--overlap", overlap)):
        if given:
            raise BadInput(f"{option} is for firmware, not for {because}.", hint=hint)
