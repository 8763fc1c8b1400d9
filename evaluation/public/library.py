"""Fills a library of the real service with the videos of a set, and searches it as the runs need.

It does not know what is asked, nor how it is scored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.client import error_of
from api.transcripts import write_srt
from core.errors import BadInput
from core.records import Moment, VideoStatus
from evaluation.corpus import Clip
from evaluation.public.cues import read_cues
from evaluation.public.records import SetVideo
from evaluation.replies import read_moments
from evaluation.service import Service, describe_failure, index_clips

BATCH = 16
"""Videos uploaded before the first of them must be ready: each is asked for its state while it waits."""
SEARCH_DEPTH = 100
"""The most moments that the API returns; a search examines fewer (``rag.search.N_EXAMINED``)."""
CONDITIONS_NAME = "public-set.json"

Progress = Callable[[int, int], None]
"""``on_progress(n_done, n_videos)``."""


@dataclass(frozen=True, slots=True)
class Library:
    """Ids of the videos that are ready, by their name in the set, and why others are not."""

    id_by_video: dict[str, str]
    not_indexed: dict[str, str]


def claim_home(home: Path, *, with_subtitles: bool) -> None:
    """Note in the home whether its videos have the set's subtitles, since that cannot be changed once they are indexed.

    Raises:
        BadInput: it was filled under the other condition.
    """
    path = home / CONDITIONS_NAME
    if path.exists():
        held = bool(json.loads(path.read_text(encoding="utf-8"))["with_subtitles"])
        if held != with_subtitles:
            raise BadInput(
                f"the videos in {home} were indexed {'with' if held else 'without'} the set's subtitles",
                remedy="Name another folder with --home for this condition.",
            )
        return
    home.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"with_subtitles": with_subtitles}), encoding="utf-8")


def fill_library(
    service: Service,
    videos: Sequence[SetVideo],
    home: Path,
    *,
    with_subtitles: bool,
    reuse: bool = False,
    on_progress: Progress = lambda _n_done, _n_videos: None,
) -> Library:
    """Index the videos that the library does not hold yet (with ``reuse`` none) and return what it holds.

    A run that was broken off goes on where it stood: videos are known by the name of their file.
    """
    present = [(video, video.path) for video in videos if video.path is not None]
    held = {video["filename"]: video for video in service.client.list_videos()}
    id_by_video = {
        video.name: held[path.name]["id"]
        for video, path in present
        if path.name in held and held[path.name]["status"] == VideoStatus.READY
    }
    todo = [(video, path) for video, path in present if video.name not in id_by_video]
    if reuse:
        reasons = {
            video.name: describe_failure(held[path.name]) if path.name in held else "not in this home"
            for video, path in todo
        }
        return Library(id_by_video, reasons)
    not_indexed: dict[str, str] = {}
    for start in range(0, len(todo), BATCH):
        on_progress(len(id_by_video) + len(not_indexed), len(present))
        clips = {
            video.name: Clip(path.name, path, video.duration_s or 0.0, _srt_of(video, home) if with_subtitles else None)
            for video, path in todo[start : start + BATCH]
        }
        indexing = index_clips(service, list(clips.values()))
        for name, clip in clips.items():
            if clip.name in indexing.failures:
                not_indexed[name] = indexing.failures[clip.name]
            else:
                id_by_video[name] = indexing.id_by_clip[clip.name]
    on_progress(len(present), len(present))
    return Library(id_by_video, not_indexed)


def search_with(service: Service, *, cut_off: bool) -> Callable[[str, Sequence[str], bool], tuple[Moment, ...]]:
    """Return a search of the library; without cut-off it ranks all it examines, as the sets' measures expect.

    Nothing is planned: captions describe, and a quotation or a time in one is no filter that their writers meant.
    """

    def search(query: str, video_ids: Sequence[str], by_video: bool) -> tuple[Moment, ...]:
        body = {
            "query": query,
            "videos": list(video_ids),
            "limit": SEARCH_DEPTH,
            "group_by": "video" if by_video else None,
            "min_score": None if cut_off else 0.0,
            "plan": "none",
        }
        response = service.http.post("/v1/search", json=body)
        if response.is_error:
            raise error_of(response.status_code, response.json())
        return read_moments(response.json())

    return search


def _srt_of(video: SetVideo, home: Path) -> Path | None:
    """Return the video's subtitles as a file that the service takes; JSON cues are converted into the home."""
    path = video.subtitles
    if path is None or path.suffix.lower() != ".json":
        return path
    cues = read_cues(path, offset_s=video.subtitles_from_s, duration_s=video.duration_s)
    if not cues:
        return None
    target = home / "subtitles" / f"{video.name}.srt"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(write_srt(cues), encoding="utf-8")
    return target
