"""How the room's commands run in a terminal: what they are given is checked before any work, errors are one line.

It does not know what a command does.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from core.errors import BadInput, KinographError
from core.settings import Settings, read_settings
from evaluation.corpus import Clip


def run_command(app: typer.Typer, notes: Console) -> None:
    """Run the command; an error of ours is told on ``notes`` and ends the process with status 1."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        app(standalone_mode=True)
    except KinographError as error:
        notes.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)


def settings_with(profile: str | None) -> Settings:
    """Return the settings of the environment, with the profile that the command was given.

    Raises:
        BadInput: a variable or the profile has a value that cannot be.
    """
    settings = read_settings()
    try:
        return Settings.model_validate(settings.model_dump() | {"profile": profile}) if profile else settings
    except ValidationError as error:
        raise BadInput(f"there is no profile {profile!r}", remedy="Use --profile offline or standard.") from error


@contextmanager
def show_clips(what: str, clips: Sequence[Clip], notes: Console) -> Iterator[Callable[[str, float], None]]:
    """Show a bar over clips, each as long as it lasts; yield what takes a clip and the share of it that is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    duration_by_clip = {clip.name: clip.duration_s for clip in clips}
    share_by_clip: dict[str, float] = {}
    with Progress(*columns, console=notes) as progress:
        task = progress.add_task(what, total=sum(duration_by_clip.values()))

        def show(clip: str, share: float) -> None:
            share_by_clip[clip] = share
            progress.update(task, completed=sum(duration_by_clip[name] * done for name, done in share_by_clip.items()))

        yield show


def count_progress(notes: Console) -> Progress:
    """Return bars that count cases."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=notes)


def check_output(path: Path) -> Path:
    """Return the path if a file can be written there; no file or folder is left behind that was not there.

    Raises:
        BadInput: it is a folder, its folder does not exist, or one of them may not be written to.
    """
    reason = _why_not_written(path)
    if reason:
        raise BadInput(f"cannot write {path}: {reason}", remedy="Name a file in a folder that you may write to.")
    return path


def _why_not_written(path: Path) -> str | None:
    if path.is_dir():
        return "it is a folder"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    if path.exists():
        return None if os.access(path, os.W_OK) else "it may not be written to"
    try:
        path.open("x").close()  # asks the file system itself: /proc says that root may write, and refuses
        path.unlink()
    except OSError as error:
        return error.strerror
    return None


def check_page(path: Path) -> Path:
    """Return the path if a page of figures can be written there; sections that it holds are kept, so it must be text.

    Raises:
        BadInput: it cannot be written, or is something other than text.
    """
    check_output(path)
    try:
        if path.is_file():
            path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not a page of text: {error}", remedy="Name a new file, or a page of figures.") from (
            error
        )
    return path


def check_score(score: float | None) -> None:
    """Raise BadInput if a cut-off is given that is no number in [0, 1], which the service would refuse."""
    if score is not None and not 0 <= score <= 1:
        raise BadInput(f"no moment scores {score:g}", remedy="Give --min-score a number from 0 (show all) to 1.")
