"""What every benchmark's command does with what it is given: wrong folders and our errors are one line and status 2.

It does not know what is measured. Nothing here makes a folder: a home that is named wrongly stays unmade.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from pathlib import Path

from core.errors import BadInput, KinographError, NotFound
from core.settings import Settings, read_settings
from evaluation.corpus import find_truth
from evaluation.homes import check_home
from evaluation.terminal import check_output, check_page

STATUS = 2
"""As argparse ends with: what was asked for cannot be done, which is no result of a measurement (status 1)."""

NAME_ITS_HOME = "Name the home in which `kinograph eval --home` indexed that corpus."


def run_benchmark(main: Callable[[], int | None]) -> None:
    """Run the command and end the process with the status that it returns."""
    try:
        sys.exit(main())
    except KinographError as error:
        sys.exit(_refuse(str(error)))
    except subprocess.CalledProcessError as error:
        told = error.stderr or ""
        said = (told.decode(errors="replace") if isinstance(told, bytes) else told).strip().splitlines()
        sys.exit(_refuse(f"{error.cmd[0]} ended with status {error.returncode}{': ' + said[-1] if said else ''}"))


def how_again(module: str, corpora: Sequence[Path], **options: object) -> str:
    """Return the command that measures a page's section anew; folders by their names, as paths are of one machine.

    Options that are None were not given.

    >>> how_again("planning", [Path("/a/lec1"), Path("/a/lec2")], each=4, name="my lectures", sample=None)
    "`python -m benchmarks.planning HOME lec1 lec2 --each 4 --name 'my lectures' --out docs/evaluation.md`"
    """
    words = [f"python -m benchmarks.{module} HOME", *(folder.name for folder in corpora)]
    words += [f"--{name} {shlex.quote(str(value))}" for name, value in options.items() if value is not None]
    return f"`{' '.join([*words, '--out docs/evaluation.md'])}`"


def settings_of(home: Path) -> Settings:
    """Return the settings of the environment, on a home.

    Raises:
        BadInput: a variable has a value that cannot be.
    """
    return read_settings().model_copy(update={"home": home})


def home(text: str) -> Path:
    """Return the path of a filled home, or raise NotFound."""
    return check_home(Path(text))


def folder(text: str) -> Path:
    """Return the path of a folder, or raise NotFound."""
    return _existing(text, "folder", Path.is_dir)


def file(text: str) -> Path:
    """Return the path of a file, or raise NotFound."""
    return _existing(text, "file", Path.is_file)


def corpus_folder(text: str) -> Path:
    """Return the path of a folder with ground truth, or raise NotFound."""
    return find_truth(folder(text)).parent


def output(text: str) -> Path:
    """Return the path of a file that can be written, or raise BadInput."""
    return check_output(Path(text))


def page(text: str) -> Path:
    """Return the path of a page of figures that can be written, or raise BadInput."""
    return check_page(Path(text))


def positive(text: str) -> int:
    """Return a whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def require(things: object, reason: str, *, remedy: str) -> None:
    """Refuse to measure nothing, since means over nothing are no figures.

    Raises:
        BadInput: there are no ``things``.
    """
    if not things:
        raise BadInput(reason, remedy=remedy)


def _existing(text: str, kind: str, is_there: Callable[[Path], bool]) -> Path:
    if not is_there(Path(text)):
        raise NotFound(f"there is no {kind} {text}", remedy="Check the path.")
    return Path(text)


def _refuse(reason: str) -> int:
    sys.stderr.write(f"{' '.join(reason.split())}\n")
    return STATUS
