"""`mcu doctor`: what is missing on this computer, and the line that fixes it."""

from __future__ import annotations

from dataclasses import asdict

import typer

from mcu.console import JsonOption, print_json
from mcu.errors import ExitCode


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(json: JsonOption = False) -> None:
    """Check ports, permissions, toolchains and extras. Exit code 1 if something is missing.

    Example: mcu doctor
    """
    from mcu.doctor import check_all

    checks = check_all()
    if json:
        print_json({"checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            typer.echo(f"{'ok     ' if check.ok else 'missing'}  {check.name}: {check.detail}")
            if check.fix:
                typer.echo(f"         {check.fix}")
    if not all(check.ok for check in checks):
        raise typer.Exit(ExitCode.NO)
