"""Queries that say a place, an order, a sense or a quotation are made from what a ground truth tells."""

from __future__ import annotations

from pathlib import Path

from benchmarks.planning import draw_cases
from core.records import Span
from evaluation.corpus import Clip, Corpus, MomentQuery

CLIP = Clip("a.mp4", Path("a.mp4"), 1800.0)


def moment(query: str, start_s: float, modality: str) -> MomentQuery:
    return MomentQuery(query, CLIP.name, (Span(start_s, start_s + 5),), modality, "natural")


OWN = (
    moment("a red circle on a blue background", 10, "visual"),
    moment("the cook hid food", 16, "speech"),
    moment("a white circle on a red background", 22, "visual"),
    moment("slide titled The cook", 30, "ocr"),
    moment("27 sailors", 30, "ocr"),
    moment("a white circle on a black background", 1500, "visual"),
)


def test_each_kind_of_query_wants_the_shapes_and_words_that_its_words_say() -> None:
    cases = draw_cases(Corpus("dev", (CLIP,), OWN, (), ()), CLIP, n_each=9)
    wanted = {case.query: [span.start_s for span in case.spans] for case in cases}
    assert wanted == {
        "a circle in the first ten minutes": [10, 22],
        "a circle in the last ten minutes": [1500],
        "a circle after the first half": [1500],
        "the first time a circle is shown": [10],
        "the last time a circle is shown": [1500],
        "a circle right before the cook hid food": [10],
        "a circle right after the cook hid food": [22],
        "someone says the cook hid food": [16],
        "the slide says 27 sailors": [30],
        'the slide says "The cook"': [30],
    }
    assert [case.style for case in cases].count("place") == 3
