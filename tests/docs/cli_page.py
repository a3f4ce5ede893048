"""Both command lines as Markdown: `python -m tests.docs.cli_page > docs/reference/cli.md`.

Read from the functions behind the commands: their annotations, defaults and docstrings, as `--help` shows them.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import fill
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import typer
from typer.models import ArgumentInfo, OptionInfo

from mcu.errors import ExitCode

MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.NO: "the answer is no: audit failed, not bit-exact, does not fit, gate missed",
    ExitCode.USAGE: "wrong usage or bad input",
    ExitCode.BOARD: "the board or the port failed",
    ExitCode.MISSING_TOOL: "a tool or an extra is missing; the message has the line that installs it",
    ExitCode.INTERNAL: "internal error, please report it",
    ExitCode.INTERRUPTED: "interrupted; the board is left idle",
}

_HEAD = """\
# Command line

Written by `python -m tests.docs.cli_page > docs/reference/cli.md` from the commands themselves, as
`--help` shows them.

With `--json`, stdout holds one JSON object and nothing else; progress, logs and errors go to stderr.

## Exit codes

| code | meaning |
|--:|---|
"""


def markdown() -> str:
    """The page."""
    from keras_tiny.cli import app as keras_tiny
    from mcu.cli import app as mcu

    codes = "".join(f"| {code.value} | {MEANINGS[code]} |\n" for code in ExitCode)
    programs = (("keras-tiny", keras_tiny), ("mcu", mcu))
    return _HEAD + codes + "".join(_program(name, app) for name, app in programs)


def _program(name: str, app: typer.Typer) -> str:
    parts = [f"\n## {name}\n\n{app.info.help}\n"]
    for command in app.registered_commands:
        assert command.callback is not None
        verb = command.name or command.callback.__name__.replace("_", "-")
        parts.append(_command(f"{name} {verb}", command.callback))
    return "".join(parts)


def _command(name: str, callback: Callable[..., Any]) -> str:
    text = inspect.getdoc(callback) or ""
    # typer's own sign for "print the lines as they are"; the example becomes a block of its own.
    said, _, example = text.replace("\b\n", "").partition("Example:")
    paragraphs = "\n\n".join(fill(" ".join(part.split()), 120) for part in said.split("\n\n")).strip()
    rows = "".join(_rows(callback))
    table = f"\n| argument or option | default | meaning |\n|---|---|---|\n{rows}" if rows else ""
    shown = f"\n```sh\n{example.strip()}\n```\n" if example.strip() else ""
    return f"\n### {name}\n\n{paragraphs}\n{shown}{table}"


def _rows(callback: Callable[..., Any]) -> Iterator[str]:
    for name, parameter in inspect.signature(callback, eval_str=True).parameters.items():
        kind, *notes = get_args(parameter.annotation)
        info = next(note for note in notes if isinstance(note, ArgumentInfo | OptionInfo))
        required = parameter.default is inspect.Parameter.empty
        default = "required" if required else _default(parameter.default)
        meaning = (info.help or "").replace("|", "\\|")
        yield f"| {_shown(name, info, kind)} | {default} | {meaning} |\n"


def _shown(name: str, info: ArgumentInfo | OptionInfo, kind: Any) -> str:
    metavar = info.metavar or _value(kind)
    if isinstance(info, ArgumentInfo):
        return f"`{info.metavar or name.upper()}`"
    # In an annotation the first declaration stands where a default would.
    declared = tuple(flag for flag in (info.default, *(info.param_decls or ())) if isinstance(flag, str))
    plain = f"--{name.replace('_', '-')}"
    flags = declared or ((f"{plain}/--no-{plain[2:]}",) if kind is bool else (plain,))
    if kind is bool:
        return ", ".join(f"`{flag}`" for flag in flags)
    return ", ".join(f"`{flag} {metavar}`" for flag in flags).replace("|", "\\|")


def _value(kind: Any) -> str:
    """What stands for a value: `PATH`, `INTEGER`, `cpu|gpu`."""
    if get_origin(kind) in (Union, UnionType):
        kind = next(part for part in get_args(kind) if part is not NoneType)
    if get_origin(kind) is list:
        kind = get_args(kind)[0]
    if get_origin(kind) is Literal:
        return "|".join(map(str, get_args(kind)))
    return {int: "INTEGER", float: "NUMBER", Path: "PATH"}.get(kind, "TEXT")


def _default(value: Any) -> str:
    if value is None or value is False or value == []:
        return ""
    return f"`{value}`"


def examples() -> Iterator[str]:
    """The command of every example on the page."""
    yield from re.findall(r"```sh\n(.*?)\n```", markdown(), re.DOTALL)


if __name__ == "__main__":
    print(markdown(), end="")
