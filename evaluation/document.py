"""Writes figures as a Markdown page: how they are measured, and a section a library that a later run replaces.

It does not know how figures are computed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from evaluation.ablation import ALL, COMPARED, COMPARED_OF_QUESTIONS, QuestionVariant, Variant
from evaluation.bootstrap import BLOCK_S, CONFIDENCE, FEW_VIDEOS, N_RESAMPLES
from evaluation.cutoff import COLUMNS, EMPTY, R1, R5, RECALL_LOSS_ALLOWED, CutOff
from evaluation.markdown import difference_cell, figures_row, group_table, head, share_cell, table
from evaluation.metrics import Scores
from evaluation.report import MOMENT_MEASURES, QUESTION_MEASURES, describe_negatives
from evaluation.summary import QuestionScores, Summary
from rag.relevance import WORDS_MARGIN

INTRODUCTION = f"""# How well Kinograph finds

Written by `kinograph eval … --ablation --out docs/evaluation.md` and by the benchmarks that sections name: no figure on
this page was typed by hand. Run it again with the command that a section names, and that section is replaced.

**Libraries.** A folder with `ground_truth.json` and its clips; several folders make one library. *dev* is real footage
with queries and questions written by people who looked and listened. Parameters of the search were chosen on it (by
leaving out one video at a time, `python -m benchmarks.parameters`, or by hand), so its figures flatter a little.
*Lectures* are generated: slides, narration by synthetic voices, photographs, exact spans.

**Moments.** A result hits if it is in the right video and shares half of the shorter of result and span, or has its
middle inside. R@k: a hit among the first k. nDCG@10: one relevant moment, so 1/log2(1 + rank of the first hit). IoU:
of the first result with the right span, 0 in the wrong video; IoU≥.5: the share of first results with half or more.
Rows in seconds: the queries whose right span is so long.
**Negatives** are queries that nothing in the library matches; the right result is none.
**Questions** are answered through the service. Evid. R@5: the share of the places one must see that the first five
moments hit; all @5: the share of questions with all of theirs; cited: the share that the answer cites; words: the share
of the reference answer's words in the answer. Multi-hop questions need several distant places.

**Intervals** are {CONFIDENCE:.0%} percentile bootstrap intervals ({N_RESAMPLES} resamples, numpy) that draw *videos*,
since queries about one video succeed and fail together; in a library of fewer than {FEW_VIDEOS} videos they draw
stretches of {BLOCK_S:.0f} s. A group that rests on a handful of videos has an interval that is too narrow, however it
is drawn. Differences are paired: query by query against all steps; **bold** where the interval leaves out zero.
"""

MODALITY_COLUMNS = ("speech", "ocr", "visual", "cross-lingual")
"""R@1 by modality or style in the table of steps."""

SHOWN_EVERY = 2
"""Of the floors tried, one in so many is a row of the table; all are in the chart."""


def write_section(page: Path, name: str, section: str) -> None:
    """Put a library's section into the page, in place of the one it had; the other sections stay."""
    begin, end = f"<!-- library: {name} -->", f"<!-- end of library: {name} -->"
    body = f"{begin}\n{section.strip()}\n{end}\n"
    text = page.read_text() if page.exists() else ""
    parts = re.findall(r"<!-- library: (.+?) -->\n.*?<!-- end of library: \1 -->\n", text, flags=re.DOTALL)
    sections = {held: _section_of(text, held) for held in parts} | {name: body}
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join([INTRODUCTION, *sections.values()]))


def _section_of(text: str, name: str) -> str:
    begin, end = f"<!-- library: {name} -->", f"<!-- end of library: {name} -->\n"
    return text[text.index(begin) : text.index(end) + len(end)]


def describe_library(
    title: str,
    facts: Mapping[str, str],
    summary: Summary,
    variants: Sequence[Variant],
    cut_off: CutOff | None,
    question_variants: Sequence[QuestionVariant] = (),
) -> str:
    """Return the section of a library: what it is, its figures, what steps contribute, and the cut-off."""
    blocks = head(title, facts)
    if summary.overall:
        blocks += ["### Moments, through the service", _moments(summary, summary.overall)]
    if summary.negatives:
        blocks.append(describe_negatives(summary.negatives) + ".")
    if summary.uncut and summary.overall:
        blocks.append(
            f"Without the cut-off R@5 is {summary.uncut.recall_at_5:.3f} instead of {summary.overall.recall_at_5:.3f}; "
            f"search end to end p50 {summary.search_p50_ms:.0f} ms, p95 {summary.search_p95_ms:.0f} ms."
        )
    if summary.questions:
        blocks += ["### Questions", _questions(summary, summary.questions)]
    if variants:
        blocks += [
            "### What each step contributes",
            STEPS_NOTE,
            _steps(variants),
            DIFFERENCE_NOTE,
            _differences(variants),
        ]
    if question_variants:
        blocks += [
            "### What each step of a question contributes",
            QUESTION_STEPS_NOTE,
            group_table(question_variants, COMPARED_OF_QUESTIONS),
        ]
    if cut_off:
        blocks += ["### The cut-off", CUT_OFF_NOTE, _floors(cut_off), _chart(cut_off), describe_choice(cut_off)]
    return "\n\n".join(blocks) + "\n"


STEPS_NOTE = """Every search again, in one process over the same stores, without one step or with one channel alone; a
channel left out neither ranks nor scores, the others stand in for it. Speech, ocr, visual, cross-lingual: R@1. p50 (on
the clock) and cpu (mean): of a search whose query is already encoded."""

DIFFERENCE_NOTE = "The same as differences to all steps, query by query (below zero: the step helps):"

QUESTION_STEPS_NOTE = """Every question again, without one of the steps that only questions take: the sentences beside a
moment, the search for what the best moments lead to, the events about the names in the question, which add
to what may be cited, not to the moments. The first row is all steps, the others differences to it, question by question
(below zero: the step helps). cpu (mean): of an answer whose question is already
encoded."""

CUT_OFF_NOTE = f"""A search returns nothing unless a picture scores at least the floor, or a moment of words
{WORDS_MARGIN} more (and drops moments under half of the best). "Absent empty": each moment query asked of the library
*without* its video, answered with nothing. That is harder than a negative, since other videos may show something
alike, and is not used to choose."""


def _moments(summary: Summary, overall: Scores) -> str:
    rows = [figures_row("**overall**", overall.n_queries, overall, MOMENT_MEASURES)]
    for groups in (summary.by_modality, summary.by_style, summary.by_length):
        rows += [figures_row(name, scores.n_queries, scores, MOMENT_MEASURES) for name, scores in groups.items()]
    return table(["", "n", *MOMENT_MEASURES], rows)


def _questions(summary: Summary, overall: QuestionScores) -> str:
    rows = [figures_row("**overall**", overall.n_questions, overall, QUESTION_MEASURES)]
    named = {"multi-hop": summary.multi_hop} if summary.multi_hop else {}
    for name, scores in {**named, **summary.questions_by_kind}.items():
        rows.append(figures_row(name, scores.n_questions, scores, QUESTION_MEASURES))
    return table(["", "n", *QUESTION_MEASURES], rows)


def _steps(variants: Sequence[Variant]) -> str:
    headings = ["", *COMPARED, *MODALITY_COLUMNS, "negatives empty", "p50 ms", "cpu ms"]
    return table(headings, [_step_row(variant) for variant in variants])


def _step_row(variant: Variant) -> list[str]:
    summary = variant.summary
    overall, groups = summary.overall, {**summary.by_style, **summary.by_modality}
    fields = COMPARED.values()
    shares = [share_cell(getattr(overall, field), overall.intervals[field]) for field in fields] if overall else []
    by_group = [f"{groups[name].recall_at_1:.3f}" if name in groups else "" for name in MODALITY_COLUMNS]
    empty = f"{summary.negatives.empty:.2f}" if summary.negatives else ""
    took = [f"{summary.search_p50_ms or 0.0:.0f}", f"{variant.cpu_ms:.0f}"]
    return [variant.name, *shares, *by_group, empty, *took]


def _differences(variants: Sequence[Variant]) -> str:
    rows = [
        [variant.name, *map(difference_cell, variant.differences.values())]
        for variant in variants
        if variant.name != ALL
    ]
    return table(["", *COMPARED], rows)


def _floors(cut_off: CutOff) -> str:
    rows = [
        [f"{floor:.2f}", *(_plain(mean) for mean in means)]
        for floor, means in zip(cut_off.floors[::SHOWN_EVERY], cut_off.figures[::SHOWN_EVERY], strict=True)
    ]
    rows.append([f"**{cut_off.current_floor:.2f}**, in use", *(_plain(mean) for mean in cut_off.current)])
    return table(["floor", *COLUMNS], rows)


def _chart(cut_off: CutOff) -> str:
    """Return the curves as a chart that Git hosts draw from text."""
    drawn = [(name, column) for name, column in (("R@1", R1), ("R@5", R5), ("negatives empty", EMPTY))]
    lines = [
        f'    line "{name}" [{", ".join(_plain(value) for value in cut_off.figures[:, column])}]'
        for name, column in drawn
        if not any(math.isnan(value) for value in cut_off.figures[:, column])
    ]
    axis = f'    x-axis "floor" {cut_off.floors[0]} --> {cut_off.floors[-1]}\n    y-axis "share" 0 --> 1'
    return "```mermaid\nxychart-beta\n" + axis + "\n" + "\n".join(lines) + "\n```"


def describe_choice(cut_off: CutOff) -> str:
    """Return in sentences which floor is chosen, and its figures on what was left out."""
    held_out = cut_off.held_out
    if held_out is None:
        return "Too few videos to choose a floor on all but one."
    floors = sorted(set(held_out.setting_by_unit.values()))
    figures = ", ".join(
        f"{name} {share_cell(float(mean), cut_off.held_out_intervals[name])}"
        for name, mean in zip(COLUMNS, held_out.means, strict=True)
        if name in cut_off.held_out_intervals
    )
    return (
        f"Chosen by leaving out one video (or one negative) at a time: the floor that silences most negatives while "
        f"R@5 falls by {RECALL_LOSS_ALLOWED:.2f} at most. Chosen {held_out.usual_setting:.2f} most often (all: "
        f"{', '.join(f'{floor:.2f}' for floor in floors)}). On what was left out: {figures}."
    )


def _plain(share: float) -> str:
    return "" if math.isnan(share) else f"{share:.3f}"
