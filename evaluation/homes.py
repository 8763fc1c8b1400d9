"""The folder a run works in: told from other folders before anything is written, and kept where a run fails.

It does not know what is indexed into it, nor what is asked.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.errors import BadInput, NotFound
from evaluation.service import LOG_NAME

HOME_MARKS = ("catalogue.db", "serve.lock")
"""Files of which every home has one: its catalogue, or, with a database elsewhere, the lock of its service."""


@dataclass(slots=True)
class Workplace:
    """The home of a run; ``is_indexed`` is set by the run once the home holds what is to be asked of."""

    home: Path
    is_indexed: bool = False


def is_home(folder: Path) -> bool:
    """Whether a folder is a home of Kinograph."""
    return any((folder / mark).is_file() for mark in HOME_MARKS)


def check_home(folder: Path) -> Path:
    """Return the folder if it is a home that a run before this one filled.

    Raises:
        NotFound: it is not; nothing was created.
    """
    if not is_home(folder):
        what = "is not a home of Kinograph" if folder.exists() else "does not exist"
        raise NotFound(f"{folder} {what}", remedy="Name a folder that `kinograph eval --home` filled or --keep kept.")
    return folder


def make_home(folder: Path, *, accepts: Callable[[Path], bool] = lambda _folder: False) -> Path:
    """Return the folder, made if need be; it must be new, empty or one that ``accepts`` knows.

    Raises:
        BadInput: it holds something else, or cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not accepts(folder) and any(folder.iterdir()):
            remedy = "Name a new folder, or use --reuse." if is_home(folder) else "Name a new or empty folder."
            raise BadInput(f"{folder} is not empty", remedy=remedy)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise BadInput(
            f"{folder} cannot be the home: {error.strerror}", remedy="Name a folder that you may write to."
        ) from error


@contextmanager
def choose_home(
    home: Path | None, reuse: Path | None, *, keep: bool, tell: Callable[[str], None]
) -> Iterator[Workplace]:
    """Yield where to work; a temporary home is removed at the end unless it is to be kept or the run failed.

    ``tell`` is given a sentence on where a home is kept, and how to go on with it.

    Raises:
        NotFound: what is to be reused is no home.
        BadInput: ``home`` is not empty, or cannot be written to.
    """
    if reuse:
        yield Workplace(check_home(reuse), is_indexed=True)
        return
    place = Workplace(make_home(home) if home else Path(tempfile.mkdtemp(prefix="kinograph-eval-")))
    try:
        yield place
    except BaseException as error:
        if place.is_indexed:
            tell(f"What was indexed is kept in {place.home}; ask it again with --reuse {place.home}")
        elif home is None and isinstance(error, Exception):
            tell(f"Kept {place.home / LOG_NAME}, the log of the service")
        elif home is None:
            shutil.rmtree(place.home, ignore_errors=True)
        raise
    if home is None and keep:
        tell(f"Kept {place.home}; search it again with --reuse {place.home}")
    elif home is None:
        shutil.rmtree(place.home, ignore_errors=True)
