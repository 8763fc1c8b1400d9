"""Queries that say a place, an order, a sense or a quotation are made from what a ground truth tells."""

from __future__ import annotations

from typing import Any

from benchmarks.planning import draw_cases


def at(start_s: float, **told: str) -> dict[str, Any]:
    return {"start": start_s, "end": start_s + 5, **told}


VIDEO = {
    "video": "a.mp4",
    "duration": 1800.0,
    "scenes": [
        at(10, shape="circle"),
        at(22, shape="circle"),
        at(30, kind="slide"),
        at(36, shape="square"),
        at(1500, shape="circle"),
    ],
    "moments": [
        at(10, query="a red circle on a blue background", modality="visual"),
        at(16, query="the cook hid food", modality="speech"),
        at(30, query="slide titled The cook", modality="ocr"),
        at(30, query="27 sailors", modality="ocr"),
    ],
}


def test_each_kind_of_query_wants_the_shapes_and_words_that_its_words_say() -> None:
    cases = draw_cases(VIDEO, n_each=9)
    wanted = {case.query: [span.start_s for span in case.spans] for case in cases}
    assert wanted == {
        "a circle in the first ten minutes": [10, 22],
        "a circle in the last ten minutes": [1500],
        "a circle after the first half of the video": [1500],
        "the first time a circle is shown": [10],
        "the second time a circle is shown": [22],
        "the last time a circle is shown": [1500],
        "the last time a square is shown": [36],
        "a square right after the second time a circle is shown": [36],
        "a circle right before the cook hid food": [10],
        "a circle right after the cook hid food": [22],
        "someone says the cook hid food": [16],
        "the slide says 27 sailors": [30],
        'the slide says "The cook"': [30],
    }
    assert [case.style for case in cases].count("place") == 3
