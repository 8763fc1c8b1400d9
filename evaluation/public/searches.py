"""Runs the searches of a set and sums up how they went.

It sees the system as one callable, so it does not know whether a service or a fake answers.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.records import Moment, Span
from evaluation.public.records import PublicSet, SpanQuery, Task, VideoQuery
from evaluation.public.scores import (
    RECALL_IOUS,
    Placed,
    average_precision,
    best_iou,
    finds_moment,
    first_rank,
    hits_top_clip,
    mean_average_precision,
    rank_measures,
)
from evaluation.public.summary import Figures, Summary, mean_figures, name_groups

Search = Callable[[str, Sequence[str], bool], Sequence[Moment]]
"""``search(query, video_ids, by_video)``: moments, best first; no ids means all; by_video: the best of each video."""
Tick = Callable[[], None]

RECALL_DEPTHS = (1, 5, 10)
CORPUS_IOUS = (0.5, 0.7)
"""Levels that TVR reports."""
WINDOW_LENGTHS_S = {"short": (0.0, 10.0), "middle": (10.0, 30.0), "long": (30.0, 150.0)}
"""Lengths above the first bound up to the second, by which QVHighlights reports."""


@dataclass(frozen=True, slots=True)
class Found:
    """A query and what came back for it: moments in videos named as the set names them."""

    case: VideoQuery | SpanQuery
    moments: tuple[Placed, ...]

    def describe(self) -> dict[str, Any]:
        """Return the outcome as one line of details."""
        wanted: object = (
            dict(self.case.grades)
            if isinstance(self.case, VideoQuery)
            else [self.case.video, [[span.start_s, span.end_s] for span in self.case.spans]]
        )
        top = [[place.video, round(place.span.start_s, 2), round(place.span.end_s, 2)] for place in self.moments[:10]]
        return {"id": self.case.id, "query": self.case.query, "wanted": wanted, "top": top}


def run_searches(
    asked: PublicSet, search: Search, id_by_video: Mapping[str, str], on_done: Tick = lambda: None
) -> list[Found]:
    """Search for every case whose videos are in the library; ``id_by_video`` maps names of the set to their ids."""
    names = {video_id: name for name, video_id in id_by_video.items()}
    # Two names of one file share an id: both are right where one is found.
    same = {name: names[video_id] for name, video_id in id_by_video.items()}
    outcomes = []
    for case in cases_to_run(asked, id_by_video):
        known = [id_by_video[case.videos[0]]] if asked.task is Task.MOMENTS else []
        moments = search(case.query, known, asked.task is Task.VIDEOS)
        placed = tuple(Placed(names[moment.video_id], moment.span) for moment in moments if moment.video_id in names)
        outcomes.append(Found(_rename(case, same), placed))
        on_done()
    return outcomes


def cases_to_run(asked: PublicSet, id_by_video: Mapping[str, str]) -> list[VideoQuery | SpanQuery]:
    """Return the cases with at least one right video in the library."""
    cases: list[VideoQuery | SpanQuery] = [*asked.video_queries, *asked.span_queries]
    return [case for case in cases if any(video in id_by_video for video in case.videos)]


def summarise_searches(asked: PublicSet, outcomes: Sequence[Found]) -> Summary:
    """Return the figures that the set's protocol reports."""
    if asked.task is Task.VIDEOS:
        values = _score_videos(outcomes)
    elif asked.task is Task.MOMENTS:
        values = _score_moments(outcomes)
    else:
        values = _score_corpus_moments(outcomes)
    units = [found.case.videos[0] for found in outcomes]
    figures, intervals = mean_figures(values, units)
    if asked.task is Task.VIDEOS:
        ranks = [first_rank(_videos(found), _grades(found)) for found in outcomes]
        figures["MdR"] = statistics.median(ranks) if ranks and math.isfinite(statistics.median(ranks)) else None
    by_group = {
        dimension: {value: _figures_of(values, members) for value, members in held.items()}
        for dimension, held in name_groups([found.case.groups for found in outcomes]).items()
    }
    if asked.name == "qvhighlights":
        by_group["windows"] = _score_by_window(outcomes)
    return Summary(len(outcomes), figures, intervals, by_group)


def _score_by_window(outcomes: Sequence[Found]) -> dict[str, Figures]:
    """Return the figures over windows of each length alone, as QVHighlights reports them."""
    figures = {}
    for name, (low_s, high_s) in WINDOW_LENGTHS_S.items():
        kept = [
            replace(found, case=replace(found.case, spans=spans))
            for found in outcomes
            if isinstance(found.case, SpanQuery)
            and (spans := tuple(span for span in found.case.spans if low_s < span.duration_s <= high_s))
        ]
        if kept:
            figures[name] = _figures_of(_score_moments(kept), range(len(kept)))
    return figures


def _figures_of(values: Mapping[str, Sequence[float]], members: Sequence[int]) -> Figures:
    means: Figures = {name: statistics.fmean(column[at] for at in members) for name, column in values.items()}
    return means | {"n": len(members)}


def _score_videos(outcomes: Sequence[Found]) -> dict[str, list[float]]:
    return rank_measures([_videos(found) for found in outcomes], [_grades(found) for found in outcomes])


def _score_moments(outcomes: Sequence[Found]) -> dict[str, list[float]]:
    """Return R1 at each IoU, mean IoU, mAP, and HIT@1 where clips are rated."""
    spans = [[place.span for place in found.moments] for found in outcomes]
    wanted = [_spans(found) for found in outcomes]
    pairs = list(zip(spans, wanted, strict=True))
    ious = [best_iou(found[0], right) if found else 0.0 for found, right in pairs]
    values = {f"R1@{level}": [float(iou >= level) for iou in ious] for level in RECALL_IOUS}
    values["mIoU"] = ious
    values["mAP@0.5"] = [average_precision(found, right, 0.5) for found, right in pairs]
    values["mAP@0.75"] = [average_precision(found, right, 0.75) for found, right in pairs]
    values["mAP"] = [mean_average_precision(found, right) for found, right in pairs]
    rated = [found.case.top_clips for found in outcomes if isinstance(found.case, SpanQuery)]
    if rated and all(clips is not None for clips in rated):
        values["HIT@1"] = [
            float(hits_top_clip(found, clips or frozenset())) for found, clips in zip(spans, rated, strict=True)
        ]
    return values


def _score_corpus_moments(outcomes: Sequence[Found]) -> dict[str, list[float]]:
    """Return recall of moments (right video and IoU) and of videos, at each depth."""
    values = {
        f"R@{depth} IoU {level}": [
            float(finds_moment(found.moments, found.case.videos[0], _spans(found), iou=level, depth=depth))
            for found in outcomes
        ]
        for level in CORPUS_IOUS
        for depth in RECALL_DEPTHS
    }
    for depth in RECALL_DEPTHS:
        values[f"video R@{depth}"] = [
            float(found.case.videos[0] in list(dict.fromkeys(_videos(found)))[:depth]) for found in outcomes
        ]
    return values


def _videos(found: Found) -> list[str]:
    return [place.video for place in found.moments]


def _grades(found: Found) -> dict[str, int]:
    return dict(found.case.grades) if isinstance(found.case, VideoQuery) else {found.case.video: 1}


def _spans(found: Found) -> tuple[Span, ...]:
    return found.case.spans if isinstance(found.case, SpanQuery) else ()


def _rename(case: VideoQuery | SpanQuery, same: Mapping[str, str]) -> VideoQuery | SpanQuery:
    """Return the case with only the videos that the library holds, under one name for each file."""
    if isinstance(case, SpanQuery):
        return replace(case, video=same[case.video])
    held: dict[str, int] = {}
    for video, grade in case.grades:
        if video in same:
            held[same[video]] = max(grade, held.get(same[video], 0))
    return replace(case, grades=tuple(held.items()))
