"""Loads sets of multiple-choice questions: Video-MME, LongVideoBench and EgoSchema.

It does not know how they are asked or scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, Field, model_validator

from core.errors import BadInput, NotFound
from evaluation.public.folder import SetFolder
from evaluation.public.options import index_of_letter, strip_labels
from evaluation.public.reading import (
    PublishedRow,
    Row,
    find_annotation,
    load_json,
    parse_row,
    parse_rows,
    read_rows,
    read_text,
    refuse_repeats,
)
from evaluation.public.records import Groups, Marking, PublicSet, SetQuestion, SetVideo, Task, Unusable

NOT_AN_OPTION = "N/A"
"""Stands in option columns that a question does not use (LongVideoBench)."""


class _VideoMmeRow(PublishedRow):
    video_id: str
    question_id: str
    video_name: str = Field(validation_alias=AliasChoices("videoID", "video_name"))
    duration: str
    domain: str = ""
    task_type: str
    question: str = Field(min_length=1)
    options: list[str] = Field(min_length=2)
    answer: str


def load_video_mme(folder: SetFolder, split: str | None) -> PublicSet:
    """Read Video-MME: the Parquet table of its release, or the same rows as JSON; subtitles are ``videoID.srt``.

    Source: Fu et al., Video-MME (CVPR 2025, arXiv 2405.21075); the columns of its Hugging Face release.
    """
    path = find_annotation(folder.root, ["[Vv]ideo*[Mm][Mm][Ee]*.json*", "*.parquet", "*.json", "*.jsonl"], split)
    rows = list(parse_rows(read_rows(path), _VideoMmeRow))
    refuse_repeats((place, row.question_id) for place, row in rows)
    videos = {row.video_name: folder.find(row.video_name) for _place, row in rows}
    questions = [
        SetQuestion(
            id=row.question_id,
            question=row.question,
            video=videos[row.video_name].name,
            marking=Marking.CHOICE,
            options=strip_labels(row.options),
            right=right_letter(place, row.answer, row.options),
            groups=_groups(length=row.duration, domain=row.domain, type=row.task_type),
        )
        for place, row in rows
    ]
    return PublicSet("video-mme", Task.QUESTIONS, tuple(videos.values()), questions=tuple(questions))


class _LongVideoBenchRow(PublishedRow):
    id: str
    video_id: str
    video_path: str | None = None
    subtitle_path: str | None = None
    question: str = Field(min_length=1)
    candidates: list[str] = Field(min_length=2)
    correct_choice: int | None = None
    duration: float | None = Field(default=None, gt=0)
    duration_group: str = ""
    question_category: str = ""
    topic_category: str = ""
    starting_timestamp_for_subtitles: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _gather_options(cls, data: Any) -> Any:
        """Take ``option0`` … where there are no ``candidates``; "@" hides the right choice of the test split."""
        if not isinstance(data, dict):
            return data
        columns = [data.get(f"option{number}") for number in range(5)]
        options = [option for option in columns if option not in (None, "", NOT_AN_OPTION)]
        hidden = {"correct_choice": None} if data.get("correct_choice") in ("@", -1) else {}
        return {**({"candidates": options} if options else {}), **data, **hidden}


def load_longvideobench(folder: SetFolder, split: str | None) -> PublicSet:
    """Read LongVideoBench: ``lvb_val.json``, videos by ``video_path``; subtitles are JSON, see ``cues.py``.

    Source: Wu et al., LongVideoBench (NeurIPS 2024); github.com/longvideobench/LongVideoBench.
    """
    path = find_annotation(folder.root, ["lvb_val.json"] if split is None else ["lvb_*.json"], split)
    rows = list(parse_rows(read_rows(path), _LongVideoBenchRow))
    refuse_repeats((place, row.id) for place, row in rows)
    videos: dict[str, SetVideo] = {}
    questions, unusable = [], []
    for place, row in rows:
        name = row.video_path or row.video_id
        if name not in videos:
            found = folder.find(name, duration_s=row.duration, subtitles=row.subtitle_path)
            videos[name] = replace(found, subtitles_from_s=row.starting_timestamp_for_subtitles or 0.0)
        if row.correct_choice is None:
            unusable.append(Unusable(place, "this split does not tell the right choice"))
            continue
        if not 0 <= row.correct_choice < len(row.candidates):
            raise BadInput(
                f"{place}: correct_choice {row.correct_choice} of {len(row.candidates)} options",
                remedy="It counts from 0; download the file again.",
            )
        questions.append(
            SetQuestion(
                id=row.id,
                question=row.question,
                video=videos[name].name,
                marking=Marking.CHOICE,
                options=strip_labels(row.candidates),
                right=row.correct_choice,
                groups=_groups(length=row.duration_group, type=row.question_category, topic=row.topic_category),
            )
        )
    return PublicSet(
        "longvideobench", Task.QUESTIONS, tuple(videos.values()), questions=tuple(questions), unusable=tuple(unusable)
    )


class _EgoSchemaRow(PublishedRow):
    id: str = Field(validation_alias=AliasChoices("q_uid", "video_idx"))
    question: str = Field(min_length=1)
    option: list[str] = Field(min_length=2)
    answer: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _gather_options(cls, data: Any) -> Any:
        """Take ``option 0`` … where there is no list."""
        if not isinstance(data, dict) or "option" in data:
            return data
        return {**data, "option": [data[f"option {number}"] for number in range(5) if f"option {number}" in data]}


def load_egoschema(folder: SetFolder, split: str | None) -> PublicSet:
    """Read EgoSchema: ``questions.json`` and ``subset_answers.json``, or the table of its Hugging Face release.

    Only questions whose answer is published (500 of 5,031) can be scored.
    Source: Mangalam et al., EgoSchema (NeurIPS 2023); github.com/egoschema/EgoSchema.
    """
    path = find_annotation(folder.root, ["questions.json", "*.parquet", "*egoschema*.json*"], split)
    right_by_id = _read_egoschema_answers(folder.root)
    rows = list(parse_rows(read_rows(path), _EgoSchemaRow))
    refuse_repeats((place, row.id) for place, row in rows)
    videos, questions, unusable = {}, [], []
    for place, row in rows:
        right = row.answer if row.answer is not None else right_by_id.get(row.id)
        if right is None:
            unusable.append(Unusable(place, "its answer is not published"))
            continue
        if not 0 <= right < len(row.option):
            raise BadInput(
                f"{place}: the answer {right} of {len(row.option)} options", remedy="It counts from 0; see the answers."
            )
        videos[row.id] = folder.find(row.id)
        questions.append(
            SetQuestion(
                row.id, row.question, videos[row.id].name, Marking.CHOICE, strip_labels(row.option), right=right
            )
        )
    return PublicSet(
        "egoschema", Task.QUESTIONS, tuple(videos.values()), questions=tuple(questions), unusable=tuple(unusable)
    )


class _EgoSchemaAnswers(PublishedRow):
    answers: dict[str, int]


def _read_egoschema_answers(root: Path) -> dict[str, int]:
    """Return the published answers, {} if the file is not there (tables bring their own)."""
    try:
        path = find_annotation(root, ["subset_answers.json"], None)
    except NotFound:
        return {}
    data = load_json(read_text(path), path.name)
    return parse_row(Row(path.name, {"answers": data}), _EgoSchemaAnswers).answers


def right_letter(place: str, answer: str, options: Sequence[str]) -> int:
    """Return the index of the right option, given by its letter.

    Raises:
        BadInput: it is no letter of an option.
    """
    try:
        return index_of_letter(answer, len(options))
    except ValueError as error:
        raise BadInput(f"{place}: {error}", remedy="Download the file again; the row was changed.") from error


def _groups(**values: str) -> Groups:
    return tuple((dimension, value) for dimension, value in values.items() if value)
