"""`kinograph rebuild`: fills the vector index anew from part artifacts, without running a model.

It does not know what stands in an artifact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from filelock import FileLock, Timeout

from adapters import build
from core.artifact import decode_artifact
from core.errors import Conflict, KinographError
from core.home import open_home
from core.publication import segment_points
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """How much the index holds now, and the parts whose artifact could not be read (to be indexed again)."""

    n_parts: int
    n_points: int
    unreadable: tuple[str, ...]


def rebuild(settings: Settings, *, on_part: Callable[[int, int], None]) -> RebuildReport:
    """Empty the index and write every published part to it; ``on_part`` gets (done, total).

    Raises:
        Conflict: a service runs on this home and owns the index.
        BadInput: the home cannot be written to.
    """
    lock = FileLock(open_home(settings.home) / "serve.lock")
    if settings.is_index_embedded:
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise Conflict(f"a kinograph serves {settings.home}", remedy="Stop it, then rebuild.") from error
    catalogue, media = build.build_catalogue(settings), build.build_media_store(settings)
    index = build.build_index(settings, recreate=True)
    try:
        parts = catalogue.published_parts()
        unreadable: list[str] = []
        for done, part in enumerate(parts, start=1):
            try:
                index.upsert(segment_points(decode_artifact(media.read_bytes(part.artifact_key or ""))))
            except KinographError as error:
                unreadable.append(f"part {part.number} of {part.video_id}: {error}")
            on_part(done, len(parts))
        return RebuildReport(len(parts), index.count(), tuple(unreadable))
    finally:
        index.close()
        catalogue.close()
        lock.release()
