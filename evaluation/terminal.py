"""How the room's commands run in a terminal: quiet clients, and an error of ours as its remedy and status 1.

It does not know what a command does.
"""

from __future__ import annotations

import logging
import sys

import typer
from rich.console import Console

from core.errors import KinographError


def run_command(app: typer.Typer, notes: Console) -> None:
    """Run the command; an error of ours is told on ``notes`` and ends the process with status 1."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        app(standalone_mode=True)
    except KinographError as error:
        notes.print(f"[red]{error}[/red]", soft_wrap=True)
        sys.exit(1)
