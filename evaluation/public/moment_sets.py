"""Loads sets whose queries look for moments: QVHighlights, Charades-STA and TVR.

It does not know how they are searched or scored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from core.errors import BadInput
from core.records import Span
from evaluation.public.folder import SetFolder
from evaluation.public.reading import (
    PublishedRow,
    find_annotation,
    fit_span,
    parse_rows,
    read_rows,
    read_text,
    refuse_repeats,
)
from evaluation.public.records import PublicSet, SetVideo, SpanQuery, Task, Unusable

VERY_GOOD = 4
"""Saliency from which a clip counts for HIT@1, on the scale 0–4 of QVHighlights."""

Bounds = tuple[float, float]
Saliency = Annotated[int, Field(ge=0, le=4)]

_STA_LINE = re.compile(r"(\S+)\s+(\d+(?:\.\d+)?)\s+(\d+(?:\.\d+)?)\s*##(.*\S)\s*")


class _Highlight(PublishedRow):
    qid: str
    query: str = Field(min_length=1)
    duration: float = Field(gt=0)
    vid: str
    relevant_windows: list[Bounds] | None = None
    relevant_clip_ids: list[int] | None = None
    saliency_scores: list[list[Saliency]] | None = None


def load_qvhighlights(folder: SetFolder, split: str | None) -> PublicSet:
    """Read QVHighlights: ``highlight_val_release.jsonl`` or another split that tells its windows.

    Source: Lei et al., QVHighlights (NeurIPS 2021); the data notes of github.com/jayleicn/moment_detr.
    """
    path = find_annotation(folder.root, ["highlight_val*.jsonl"] if split is None else ["highlight_*.jsonl"], split)
    rows = list(parse_rows(read_rows(path), _Highlight))
    refuse_repeats((place, row.qid) for place, row in rows)
    videos = {row.vid: folder.find(row.vid, duration_s=row.duration) for _place, row in rows}
    queries, unusable = [], []
    for place, row in rows:
        if not row.relevant_windows:
            unusable.append(Unusable(place, "this split does not tell its windows"))
            continue
        spans, problems = _fit_all(row.relevant_windows, row.duration, place)
        unusable += problems
        if spans:
            queries.append(SpanQuery(row.qid, row.query, videos[row.vid].name, spans, _top_clips(row, place)))
    return PublicSet(
        "qvhighlights", Task.MOMENTS, tuple(videos.values()), span_queries=tuple(queries), unusable=tuple(unusable)
    )


def _top_clips(row: _Highlight, place: str) -> frozenset[int] | None:
    """Return the clips that at least one annotator finds very good; None without ratings."""
    if row.saliency_scores is None or row.relevant_clip_ids is None:
        return None
    if len(row.saliency_scores) != len(row.relevant_clip_ids):
        raise BadInput(
            f"{place}: {len(row.saliency_scores)} saliency_scores for {len(row.relevant_clip_ids)} relevant_clip_ids",
            remedy="Each clip needs one list of ratings; download the file again.",
        )
    rated = zip(row.relevant_clip_ids, row.saliency_scores, strict=True)
    return frozenset(clip for clip, ratings in rated if max(ratings, default=0) >= VERY_GOOD)


class _CharadesVideo(PublishedRow):
    id: str
    length: float = Field(gt=0)


def load_charades_sta(folder: SetFolder, split: str | None) -> PublicSet:
    """Read Charades-STA: ``charades_sta_test.txt``, a line ``VIDEO START END##sentence`` a query.

    With ``Charades_v1_test.csv`` in the folder, spans are cut at the end of their video, as long as it says.
    Source: Gao et al., TALL (ICCV 2017).
    """
    names = ["charades_sta_test.txt"] if split is None else ["charades_sta_*.txt"]
    path = find_annotation(folder.root, names, split)
    duration_by_video = _read_lengths(folder.root, path)
    videos: dict[str, SetVideo] = {}
    queries, unusable = [], []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{path.name}, row {number}"
        match = _STA_LINE.fullmatch(line)
        if match is None:
            raise BadInput(f"{place}: {line[:60]!r}", remedy="Expected a line such as: AB1CD 4.3 12.5##a person sits.")
        name, start, end, sentence = match.groups()
        if name not in videos:
            videos[name] = folder.find(name, duration_s=duration_by_video.get(name))
        spans, problems = _fit_all([(float(start), float(end))], duration_by_video.get(name), place)
        unusable += problems
        queries += [SpanQuery(str(number), sentence, videos[name].name, spans)] if spans else []
    if not videos:
        raise BadInput(f"{path.name} holds no rows", remedy="Download it again.")
    return PublicSet(
        "charades-sta", Task.MOMENTS, tuple(videos.values()), span_queries=tuple(queries), unusable=tuple(unusable)
    )


def _read_lengths(root: Path, annotation: Path) -> dict[str, float]:
    """Return the lengths of the videos in seconds from the CSV of the Charades release; {} without it."""
    part = "train" if "train" in annotation.name else "test"
    found = sorted(root.rglob(f"Charades_v1_{part}.csv"))
    return {row.id: row.length for path in found for _place, row in parse_rows(read_rows(path), _CharadesVideo)}


class _TvrQuery(PublishedRow):
    desc_id: str
    desc: str = Field(min_length=1)
    type: Literal["v", "t", "vt"] | None = None
    vid_name: str | None = None
    duration: float | None = Field(default=None, gt=0)
    ts: Bounds | None = None


_TVR_TYPES = {"v": "video", "t": "subtitles", "vt": "video and subtitles"}


def load_tvr(folder: SetFolder, split: str | None) -> PublicSet:
    """Read TVR: ``tvr_val_release.jsonl``; the videos of the split are the corpus.

    Source: Lei et al., TVR (ECCV 2020); github.com/jayleicn/TVRetrieval.
    """
    path = find_annotation(folder.root, ["tvr_val*.jsonl"] if split is None else ["tvr_*.jsonl"], split)
    rows = list(parse_rows(read_rows(path), _TvrQuery))
    refuse_repeats((place, row.desc_id) for place, row in rows)
    videos: dict[str, SetVideo] = {}
    queries, unusable = [], []
    for place, row in rows:
        if row.vid_name is None or row.ts is None:
            unusable.append(Unusable(place, "this split does not tell its moments"))
            continue
        if row.vid_name not in videos:
            videos[row.vid_name] = folder.find(row.vid_name, duration_s=row.duration)
        spans, problems = _fit_all([row.ts], row.duration, place)
        unusable += problems
        groups = (("type", _TVR_TYPES[row.type]),) if row.type else ()
        if spans:
            queries.append(SpanQuery(row.desc_id, row.desc, videos[row.vid_name].name, spans, groups=groups))
    return PublicSet(
        "tvr", Task.CORPUS_MOMENTS, tuple(videos.values()), span_queries=tuple(queries), unusable=tuple(unusable)
    )


def _fit_all(bounds: Iterable[Bounds], duration_s: float | None, place: str) -> tuple[tuple[Span, ...], list[Unusable]]:
    """Return the spans that can be scored, and why the others cannot."""
    spans, problems = [], []
    for start_s, end_s in bounds:
        try:
            spans.append(fit_span(start_s, end_s, duration_s))
        except ValueError as error:
            problems.append(Unusable(place, str(error)))
    return tuple(spans), problems
