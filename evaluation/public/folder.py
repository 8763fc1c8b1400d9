"""Finds the videos and subtitles of a set in the folder that holds its download, wherever they lie in it.

It does not know the set.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from core.errors import BadInput, NotFound
from evaluation.public.records import SetVideo

MEDIA_SUFFIXES = frozenset({".mp4", ".mkv", ".webm", ".avi", ".mov", ".m4v", ".flv", ".mpg", ".mpeg", ".ts", ".mp3"})
SUBTITLE_SUFFIXES = frozenset({".srt", ".vtt"})
CUE_SUFFIX = ".json"
"""Subtitles only where a set names such a file; others keep facts about a video in a file of its name."""


class SetFolder:
    """The files below a folder by name; a home of Kinograph inside it is left out."""

    def __init__(self, root: Path, *, home: Path | None = None) -> None:
        """Raise NotFound if the folder does not exist."""
        if not root.is_dir():
            raise NotFound(f"there is no folder {root}", remedy="Name the folder that you downloaded the set into.")
        self.root = root
        self._media: dict[str, list[Path]] = defaultdict(list)
        self._subtitles: dict[str, list[Path]] = defaultdict(list)
        self._cues: dict[str, list[Path]] = defaultdict(list)
        left_out = home.resolve() if home else None
        for path in sorted(root.rglob("*")):
            files = self._files(path.suffix.lower())
            if files is None or not path.is_file():
                continue
            if left_out is None or not path.resolve().is_relative_to(left_out):
                files[path.name.removesuffix(path.suffix)].append(path)

    @property
    def media_names(self) -> tuple[str, ...]:
        """Names of all media files, without their endings."""
        return tuple(sorted(self._media))

    def find(self, name: str, *, duration_s: float | None = None, subtitles: str | None = None) -> SetVideo:
        """Return the video of that name, with or without folder and ending; its path is None if it is not there.

        Subtitles are looked for under the video's name, or under the one given.

        Raises:
            BadInput: several different files have the name.
        """
        stem = stem_of(name)
        named = self._cues if (subtitles or "").endswith(CUE_SUFFIX) else self._subtitles
        return SetVideo(
            stem,
            _only(self._media.get(stem, []), self.root),
            _only(named.get(stem_of(subtitles or name), []), self.root),
            duration_s,
        )

    def _files(self, suffix: str) -> dict[str, list[Path]] | None:
        if suffix in MEDIA_SUFFIXES:
            return self._media
        if suffix in SUBTITLE_SUFFIXES:
            return self._subtitles
        return self._cues if suffix == CUE_SUFFIX else None


def stem_of(name: str) -> str:
    """Return a file's name without folder and ending; names with dots of their own stay whole.

    >>> stem_of("videos/needle_32.mp4"), stem_of("RoripwjYFp8_360.0_510.0")
    ('needle_32', 'RoripwjYFp8_360.0_510.0')
    """
    base = name.replace("\\", "/").rsplit("/", 1)[-1].strip()
    suffix = Path(base).suffix
    is_known = suffix.lower() in MEDIA_SUFFIXES | SUBTITLE_SUFFIXES | {CUE_SUFFIX}
    return base.removesuffix(suffix) if is_known else base


def _only(paths: list[Path], root: Path) -> Path | None:
    """Return the one path; copies of equal size count as one (some sets ship a video once a task)."""
    if len({path.stat().st_size for path in paths}) > 1:
        names = ", ".join(str(path.relative_to(root)) for path in paths)
        raise BadInput(f"several different files have one name: {names}", remedy="Keep one of them in the folder.")
    return paths[0] if paths else None
