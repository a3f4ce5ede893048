"""`mcu doctor`: what is missing on this computer, and the line that fixes it."""

from __future__ import annotations

import typer

from mcu.console import JsonOption, report_checks


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(json: JsonOption = False) -> None:
    """Check ports, permissions, toolchains and extras. Exit code 1 if something is missing.

    Example: mcu doctor
    """
    from mcu.doctor import check_all

    report_checks(check_all(), otherwise="missing", json=json)
