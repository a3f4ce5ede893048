"""What both command lines share: one place that prints errors, JSON and progress, and answers with an exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Annotated, Any, NoReturn

import typer

from mcu.errors import ExitCode, KerasTinyError

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on stdout, nothing else there.")
]

Progress = Callable[[int, int], None]
"""Called with (done, total) as long work goes on."""


def run(app: typer.Typer) -> NoReturn:
    """Run a typer application; every way out has a documented exit code and at most one short error."""
    sys.exit(_exit_code(app))


def _exit_code(app: typer.Typer) -> int:
    click_exception = typer.BadParameter.__mro__[
        2
    ]  # ClickException; typer carries its own copy of click since 0.26

    try:
        result = app(standalone_mode=False)
        return result if isinstance(result, int) else ExitCode.DONE
    except KerasTinyError as error:
        print_error(error)
        return error.exit_code
    except typer.Exit as exit_:
        return exit_.exit_code
    except (KeyboardInterrupt, typer.Abort):
        print("Interrupted.", file=sys.stderr)
        return ExitCode.INTERRUPTED
    except click_exception as error:  # type: ignore[misc]
        error.show()
        return ExitCode.USAGE
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away, e.g. `| head`
        return ExitCode.DONE
    except Exception:
        import traceback

        traceback.print_exc()
        print(
            "This is a bug in keras-tiny, not in what you did; please report the lines above.",
            file=sys.stderr,
        )
        return ExitCode.INTERNAL


@dataclass(frozen=True)
class Check:
    """One line of a doctor.

    Attributes:
        fix: what to do; empty if there is nothing to do.
    """

    name: str
    ok: bool
    detail: str
    fix: str = ""


def report_checks(checks: Sequence[Check], *, otherwise: str, json: bool, last: str = "") -> None:
    """A line each, with its fix below, or one JSON object; exit code 1 unless all are ok.

    Args:
        otherwise: the word for one that is not ok.
        last: a line below them all, for people.
    """
    if json:
        print_json({"checks": [asdict(check) for check in checks]})
    else:
        width = max(len("ok"), len(otherwise))
        for check in checks:
            typer.echo(f"{'ok' if check.ok else otherwise:<{width}}  {check.name}: {check.detail}")
            if check.fix:
                typer.echo(f"{'':<{width}}  {check.fix}")
        if last:
            typer.echo(last)
    if not all(check.ok for check in checks):
        raise typer.Exit(ExitCode.NO)


def print_error(error: KerasTinyError) -> None:
    """`error: what happened` and, on a line of its own, what to try."""
    print(f"error: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"  try: {error.hint}", file=sys.stderr)


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on stdout, and nothing else there."""
    print(json.dumps(value, indent=2, allow_nan=False, default=_plain))


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        return value.item()
    return str(value)


@contextmanager
def progress_bar(title: str, *, quiet: bool = False) -> Iterator[Progress]:
    """A rich progress bar on stderr; quiet, or not a terminal, it prints nothing."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
