"""Loads sets of multiple-choice questions that tell where the answer can be seen: LVBench and AVA-100.

It does not know how they are asked or scored.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from core.errors import BadInput, NotFound
from core.records import Span
from evaluation.public.choice_sets import right_letter
from evaluation.public.folder import SetFolder
from evaluation.public.options import split_question, strip_labels
from evaluation.public.reading import (
    PublishedRow,
    find_annotation,
    parse_places,
    parse_rows,
    read_rows,
    refuse_repeats,
)
from evaluation.public.records import Marking, PublicSet, SetQuestion, SetVideo, Task, Unusable


class _LvbenchQuestion(PublishedRow):
    uid: str
    question: str = Field(min_length=1)
    answer: str
    question_type: list[str] = Field(default_factory=list)
    time_reference: str | None = None


class _LvbenchInfo(PublishedRow):
    duration_minutes: float | None = None


class _LvbenchRow(PublishedRow):
    key: str
    type: str = ""
    qa: list[_LvbenchQuestion]
    video_info: _LvbenchInfo = _LvbenchInfo()


def load_lvbench(folder: SetFolder, split: str | None) -> PublicSet:
    """Read LVBench: ``video_info.meta.jsonl``, a video a row, its options below each question; videos are ``key.mp4``.

    Source: Wang et al., LVBench (arXiv 2406.08035); github.com/zai-org/LVBench (was THUDM/LVBench).
    """
    path = find_annotation(folder.root, ["video_info.meta.jsonl", "LVBench*.json*"], split)
    rows = list(parse_rows(read_rows(path), _LvbenchRow))
    refuse_repeats((place, asked.uid) for place, row in rows for asked in row.qa)
    videos: dict[str, SetVideo] = {}
    questions: list[SetQuestion] = []
    unusable: list[Unusable] = []
    for place, row in rows:
        minutes = row.video_info.duration_minutes
        videos[row.key] = folder.find(row.key, duration_s=60 * minutes if minutes else None)
        for asked in row.qa:
            where = f"{place}, question {asked.uid}"
            places, problems = read_places(where, asked.time_reference)
            unusable += problems
            question, options = _split_lvbench(where, asked.question)
            questions.append(
                SetQuestion(
                    id=asked.uid,
                    question=question,
                    video=videos[row.key].name,
                    marking=Marking.CHOICE,
                    options=options,
                    right=right_letter(where, asked.answer, options),
                    places=places,
                    groups=tuple(("type", kind) for kind in asked.question_type),
                )
            )
    return PublicSet(
        "lvbench", Task.QUESTIONS, tuple(videos.values()), questions=tuple(questions), unusable=tuple(unusable)
    )


def _split_lvbench(place: str, text: str) -> tuple[str, tuple[str, ...]]:
    try:
        question, options = split_question(text)
    except ValueError as error:
        raise BadInput(f"{place}: {error}", remedy="Expected lines (A), (B), (C), (D) below the question.") from error
    if len(options) < 2:
        raise BadInput(f"{place}: no options", remedy="Expected lines (A), (B), (C), (D) below the question.")
    return question, options


class _AvaQuestion(PublishedRow):
    question_id: str
    query: str = Field(min_length=1)
    options: list[str] = Field(min_length=2)
    answer: str
    time_reference: str | None = None


class _AvaRow(PublishedRow):
    video_key: str
    qa: list[_AvaQuestion]


AVA_SCENES = ("citytour", "ego", "traffic", "wildlife")


def load_ava_100(folder: SetFolder, split: str | None) -> PublicSet:
    """Read AVA-100: ``citytour.json``, ``ego.json``, ``traffic.json``, ``wildlife.json``; videos are ``video_key.mp4``.

    Source: Yan et al., AVA (arXiv 2505.00254); github.com/I-ESC/Project-Ava. Times count from the start of the video.
    """
    paths = [path for scene in AVA_SCENES for path in sorted(folder.root.rglob(f"{scene}.json"))]
    paths = [path for path in paths if split is None or split in path.name]
    if not paths:
        names = ", ".join(f"{scene}.json" for scene in AVA_SCENES)
        raise NotFound(f"{folder.root} has none of {names}", remedy="Download them and the videos into it.")
    rows = [(path.stem, *parsed) for path in paths for parsed in parse_rows(read_rows(path), _AvaRow)]
    refuse_repeats((place, row.video_key) for _scene, place, row in rows)
    videos: dict[str, SetVideo] = {}
    questions: list[SetQuestion] = []
    unusable: list[Unusable] = []
    for scene, place, row in rows:
        videos[row.video_key] = folder.find(row.video_key)
        for asked in row.qa:
            where = f"{place}, question {asked.question_id}"
            places, problems = read_places(where, asked.time_reference)
            unusable += problems
            questions.append(
                SetQuestion(
                    id=f"{row.video_key}/{asked.question_id}",
                    question=asked.query,
                    video=videos[row.video_key].name,
                    marking=Marking.CHOICE,
                    options=strip_labels(asked.options),
                    right=right_letter(where, asked.answer, asked.options),
                    places=places,
                    groups=(("scene", scene),),
                )
            )
    refuse_repeats((question.video, question.id) for question in questions)
    return PublicSet(
        "ava-100", Task.QUESTIONS, tuple(videos.values()), questions=tuple(questions), unusable=tuple(unusable)
    )


def read_places(place: str, reference: str | None) -> tuple[tuple[Span, ...], Iterable[Unusable]]:
    """Return where the answer can be seen; a reference that cannot be read leaves the question without one."""
    try:
        return parse_places(reference), ()
    except ValueError as error:
        return (), (Unusable(place, f"{error}; the question is asked all the same"),)
