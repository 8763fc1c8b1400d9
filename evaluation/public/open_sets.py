"""Loads sets with open questions, some beside multiple-choice ones: MLVU, VideoEval-Pro and MME-VideoOCR.

It does not know how they are asked, marked or judged.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field

from core.errors import BadInput, NotFound
from evaluation.public.choice_sets import right_letter
from evaluation.public.folder import SetFolder
from evaluation.public.options import index_of_letter, index_of_text, strip_labels
from evaluation.public.reading import PublishedRow, find_annotation, parse_rows, read_rows, refuse_repeats
from evaluation.public.records import Marking, PublicSet, SetQuestion, SetVideo, Task, Unusable

MLVU_FILES = ("[0-9]_*.json", "test_*_gt.json", "mlvu*.json", "mlvu*.jsonl", "*.parquet")
"""The dev split's nine files; the test split with its answers; tables made from either."""

SCENE_TYPES = frozenset({"subPlot", "subsummary", "sub_scene"})
SUMMARY_TYPES = frozenset({"summary"})
"""Names of the generation tasks in the dev and test splits."""


class _MlvuRow(PublishedRow):
    video: str = Field(validation_alias=AliasChoices("video", "video_name"))
    question: str
    answer: str
    task: str = Field(validation_alias=AliasChoices("question_type", "task_type"))
    candidates: list[str] | None = None
    scoring_points: list[str] | None = None
    question_id: str | None = None
    duration: float | None = None


def load_mlvu(folder: SetFolder, split: str | None) -> PublicSet:
    """Read MLVU: the dev files ``1_plotQA.json`` … ``9_summary.json``, or ``test_mcq_gt.json`` and the like.

    The dev split has a question without words and two whose right answer is not among the candidates: left out.
    Source: Zhou et al., MLVU (CVPR 2025, arXiv 2406.04264); github.com/JUNJIE99/MLVU.
    """
    paths = _find_mlvu(folder.root, split)
    videos: dict[str, SetVideo] = {}
    questions, unusable = [], []
    for path in paths:
        for place, row in parse_rows(read_rows(path), _MlvuRow):
            if row.video not in videos:
                videos[row.video] = folder.find(row.video)
            made = _mlvu_question(place, row, videos[row.video].name)
            if isinstance(made, Unusable):
                unusable.append(made)
            else:
                questions.append(made)
    refuse_repeats((question.video, question.id) for question in questions)
    return PublicSet(
        "mlvu", Task.QUESTIONS, tuple(videos.values()), questions=tuple(questions), unusable=tuple(unusable)
    )


def _find_mlvu(root: Path, split: str | None) -> list[Path]:
    for pattern in MLVU_FILES:
        found = [path for path in sorted(root.rglob(pattern)) if split is None or split in path.name]
        if found:
            return found
    raise NotFound(
        f"{root} has no annotation files of MLVU",
        remedy="Download 1_plotQA.json to 9_summary.json, or test_mcq_gt.json, into it.",
    )


def _mlvu_question(place: str, row: _MlvuRow, video: str) -> SetQuestion | Unusable:
    if not row.question.strip():
        return Unusable(place, "the question is empty")
    groups = (("type", row.task),)
    identifier = row.question_id or place
    if row.task in SCENE_TYPES | SUMMARY_TYPES:
        marking = Marking.SCENE if row.task in SCENE_TYPES else Marking.SUMMARY
        points = tuple(row.scoring_points or ())
        return SetQuestion(identifier, row.question, video, marking, reference=row.answer, points=points, groups=groups)
    options = strip_labels(row.candidates or ())
    if len(options) < 2:
        raise BadInput(f"{place}: no candidates for the task {row.task!r}", remedy="Expected a list of two or more.")
    try:
        right = index_of_text(row.answer, options)
    except ValueError:
        try:
            right = index_of_letter(row.answer, len(options))
        except ValueError:
            return Unusable(place, f"the right answer {row.answer!r} is not among the candidates")
    # Exports of the test split repeat the options below the question.
    question = row.question.split("\n(A)")[0].strip()
    return SetQuestion(identifier, question, video, Marking.CHOICE, options, right=right, groups=groups)


class _VideoEvalProRow(PublishedRow):
    video: str
    question: str = Field(min_length=1)
    answer_text: str = Field(min_length=1)
    source: str = ""
    qa_type: str = ""
    qa_subtype: str = ""


def load_videoeval_pro(folder: SetFolder, split: str | None) -> PublicSet:
    """Read VideoEval-Pro: the table of its release; questions are asked without options and marked by a judge.

    Source: Ma et al., VideoEval-Pro (arXiv 2505.14640); github.com/TIGER-AI-Lab/VideoEval-Pro.
    """
    path = find_annotation(folder.root, ["*.parquet", "[Vv]ideo[Ee]val*.json*", "test*.json*"], split)
    rows = list(parse_rows(read_rows(path), _VideoEvalProRow))
    videos = {row.video: folder.find(row.video) for _place, row in rows}
    questions = [
        SetQuestion(
            id=place,
            question=row.question,
            video=videos[row.video].name,
            marking=Marking.JUDGED,
            reference=row.answer_text,
            groups=tuple(
                (dimension, value)
                for dimension, value in (("type", row.qa_type), ("subtype", row.qa_subtype), ("source", row.source))
                if value
            ),
        )
        for place, row in rows
    ]
    return PublicSet("videoeval-pro", Task.QUESTIONS, tuple(videos.values()), questions=tuple(questions))


class _VideoOcrRow(PublishedRow):
    index: str | None = None
    video_index: str
    question: str = Field(min_length=1)
    option: list[str] | Literal[""] | None = Field(default=None, validation_alias=AliasChoices("option", "options"))
    answer: str = Field(min_length=1)
    task_type: str
    task: str
    eval_method: Literal["containment_match", "multiple_choice", "gpt_assisted_scoring"]


WORD_FOR_WORD_TASKS = frozenset({"trajectory_recognition", "scrambled_recognition"})
"""Tasks of MME-VideoOCR whose answer must be the reference and nothing else."""


def load_mme_videoocr(folder: SetFolder, split: str | None) -> PublicSet:
    """Read MME-VideoOCR: ``dataset.json``; videos are ``video_index.mp4``.

    Source: Shi et al., MME-VideoOCR (arXiv 2505.21333); github.com/DogNeverSleep/MME-VideoOCR.
    """
    path = find_annotation(folder.root, ["dataset.json", "*[Vv]ideo[Oo][Cc][Rr]*.json*", "*.parquet"], split)
    rows = list(parse_rows(read_rows(path), _VideoOcrRow))
    refuse_repeats((place, row.index) for place, row in rows if row.index is not None)
    videos = {row.video_index: folder.find(row.video_index) for _place, row in rows}
    questions = [_ocr_question(place, row, videos[row.video_index].name) for place, row in rows]
    return PublicSet("mme-videoocr", Task.QUESTIONS, tuple(videos.values()), questions=tuple(questions))


def _ocr_question(place: str, row: _VideoOcrRow, video: str) -> SetQuestion:
    identifier = row.index or place
    groups = (("type", row.task_type), ("task", row.task))
    if row.eval_method == "multiple_choice":
        if len(row.option or ()) < 2:
            raise BadInput(f"{place}: multiple_choice without options", remedy="Expected a list in the column option.")
        options = strip_labels(row.option or ())
        right = right_letter(place, row.answer, options)
        return SetQuestion(identifier, row.question, video, Marking.CHOICE, options, right=right, groups=groups)
    if row.eval_method == "gpt_assisted_scoring":
        marking = Marking.JUDGED
    else:
        marking = Marking.IS if row.task in WORD_FOR_WORD_TASKS else Marking.CONTAINS
    return SetQuestion(identifier, row.question, video, marking, reference=row.answer, groups=groups)
