"""Measures of public sets against cases computed by hand, matching of options, and marking by a judge."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from core.errors import TryAgain
from core.protocols import Message
from core.records import Span
from evaluation.public.judge import JudgeFailed, contains_reference, judge_answer
from evaluation.public.options import MatchedBy, match_option
from evaluation.public.reading import parse_places
from evaluation.public.records import Marking, SetQuestion
from evaluation.public.scores import (
    IOU_LEVELS,
    Placed,
    average_precision,
    finds_moment,
    first_rank,
    hits_top_clip,
    mean_average_precision,
    rank_measures,
)
from tests.fakes.encoders import FakeLanguageModel, FakeTextEncoder

OPTIONS = ("a red boat", "a blue boat", "a boat", "the ferry")


def test_rank_measures_use_grades_and_count_a_repeated_video_once() -> None:
    values = rank_measures([["b", "x", "b", "a"], []], [{"a": 2, "b": 1}, {"c": 1}])
    gained = 1 / math.log2(2) + 2 / math.log2(4)
    ideal = 2 / math.log2(2) + 1 / math.log2(3)
    assert values["nDCG@10"] == [pytest.approx(gained / ideal, abs=1e-4), 0.0]
    assert values["R@1"] == [0.5, 0.0]
    assert values["R@5"] == [1.0, 0.0]
    assert values["mAP"] == [pytest.approx((1 / 1 + 2 / 3) / 2), 0.0]


def test_the_first_rank_of_what_is_not_found_is_beyond_all() -> None:
    assert first_rank(["x", "a"], {"a": 1}) == 2.0
    assert first_rank([], {"a": 1}) == math.inf


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        ([(0, 10)], [(0, 10)], 1.0),
        ([(50, 60), (0, 10)], [(0, 10)], 1 / 2),
        ([(0, 10)], [(0, 10), (20, 30)], 1 / 2),
        ([(0, 10), (50, 60), (20, 30)], [(0, 10), (20, 30)], (1 + 2 / 3) / 2),
        ([(0, 10), (1, 10)], [(0, 10)], 1.0),  # the second finds nothing new, but costs no recall
        ([(1, 10), (0, 10)], [(0, 10), (40, 50)], 1 / 2),
        ([(0, 4)], [(0, 10)], 0.0),  # IoU 0.4
        ([], [(0, 10)], 0.0),
    ],
)
def test_average_precision_finds_each_right_span_once(
    found: list[tuple[float, float]], wanted: list[tuple[float, float]], expected: float
) -> None:
    spans, right = [Span(*bounds) for bounds in found], [Span(*bounds) for bounds in wanted]
    assert average_precision(spans, right, 0.5) == pytest.approx(expected)


def test_precision_is_the_highest_at_that_recall_or_beyond() -> None:
    found = [Span(90, 95), Span(0, 10), Span(20, 30)]
    assert average_precision(found, [Span(0, 10), Span(20, 30)], 0.5) == pytest.approx(2 / 3)


def test_only_ten_moments_count() -> None:
    misses = [Span(100 + 2 * number, 101 + 2 * number) for number in range(10)]
    assert average_precision([*misses, Span(0, 10)], [Span(0, 10)], 0.5) == 0.0


def test_mean_average_precision_is_over_ten_levels() -> None:
    assert IOU_LEVELS == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
    assert mean_average_precision([Span(0, 8)], [Span(0, 10)]) == pytest.approx(0.7)  # IoU 0.8 reaches 7 of 10


def test_hit_at_one_looks_at_the_middle_of_the_first_moment() -> None:
    assert hits_top_clip([Span(10, 14), Span(0, 2)], frozenset({6}))
    assert not hits_top_clip([Span(10, 14)], frozenset({5}))
    assert not hits_top_clip([], frozenset({5}))


def test_a_corpus_moment_must_be_in_the_right_video_and_fit() -> None:
    found = [Placed("b", Span(0, 10)), Placed("a", Span(0, 5)), Placed("a", Span(0, 9))]
    assert not finds_moment(found, "a", [Span(0, 10)], iou=0.7, depth=2)
    assert finds_moment(found, "a", [Span(0, 10)], iou=0.7, depth=3)
    assert finds_moment(found, "a", [Span(0, 10)], iou=0.5, depth=2)


@pytest.mark.parametrize("text", ["", "N/A", "N/A ", "None", "None-None"])
def test_no_reference_is_no_place(text: str) -> None:
    assert parse_places(text) == ()


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("06:27:42 - 06:31:00", [(23262, 23460)]),
        ("99:30-101:05", [(5970, 6065)]),
        ("49:49-49:49", [(2987, 2991)]),
        ("10:18:50-", [(37128, 37132)]),
        ("12:00-None", [(718, 722)]),
        ("4:53:45,4:54:43", [(17623, 17627), (17681, 17685)]),
        ("00:01", [(0, 3)]),
    ],
)
def test_time_references_are_read_as_the_sets_write_them(text: str, places: list[tuple[float, float]]) -> None:
    assert parse_places(text) == tuple(Span(*bounds) for bounds in places)


@pytest.mark.parametrize("text", ["63:20-03:35", "soon", "1:2:3:4"])
def test_other_time_references_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="time reference"):
        parse_places(text)


@pytest.mark.parametrize(
    ("answer", "option", "matched_by"),
    [
        ("B", 1, MatchedBy.LETTER),
        ("(D)", 3, MatchedBy.LETTER),
        ("C. a boat", 2, MatchedBy.LETTER),
        ("The answer is D.", 3, MatchedBy.LETTER),
        ("Option B, as the captain says [2].", 1, MatchedBy.LETTER),
        ("What leaves first is the ferry [1].", 3, MatchedBy.WORDS),
        ("It was A RED BOAT!", 0, MatchedBy.WORDS),  # "a boat" is not in it, and case does not matter
        ("Red hulls left early.", 0, MatchedBy.MEANING),
        ("Something painted blue. Nobody knows why.", 1, MatchedBy.MEANING),
    ],
)
def test_a_free_answer_is_matched_to_an_option(answer: str, option: int, matched_by: MatchedBy) -> None:
    choice = match_option(answer, OPTIONS, FakeTextEncoder())
    assert choice is not None
    assert (choice.option, choice.matched_by) == (option, matched_by)


def test_the_longest_of_nested_options_is_meant() -> None:
    choice = match_option("I saw ten red boats there", ("ten", "ten red boats", "two"), FakeTextEncoder())
    assert choice is not None
    assert (choice.option, choice.matched_by) == (1, MatchedBy.WORDS)


def test_an_article_or_the_camera_wearer_is_no_letter() -> None:
    for answer in ("A boat in the harbour", "C walks to the harbour"):
        choice = match_option(answer, ("the tower", "the garden", "the harbour"), FakeTextEncoder())
        assert choice is not None
        assert (choice.option, choice.matched_by) == (2, MatchedBy.WORDS)


def test_an_answer_with_several_options_goes_by_meaning() -> None:
    choice = match_option("Not the ferry, but a blue boat, a blue boat.", OPTIONS, FakeTextEncoder())
    assert choice is not None
    assert choice.matched_by is MatchedBy.MEANING


def test_an_empty_answer_means_no_option() -> None:
    assert match_option(" [1]", OPTIONS, FakeTextEncoder()) is None


def ask_openly(marking: Marking) -> SetQuestion:
    points = ("The ferry lands", "A child waves")
    return SetQuestion("1", "What happens?", "a", marking, reference="The ferry lands.", points=points)


@pytest.mark.parametrize(("verdict", "is_right"), [("correct", True), ("incorrect", False), ("not_attempted", False)])
def test_a_judge_sees_the_right_answer_and_says_right_or_wrong(verdict: str, is_right: bool) -> None:
    model = FakeLanguageModel(reply=f'Sure: {{"verdict": "{verdict}"}}')
    assert judge_answer(model, ask_openly(Marking.JUDGED), "It lands.").is_right is is_right
    shown = "".join(str(part) for message in model.requests[0] for part in message.parts)
    assert "The ferry lands." in shown
    assert "It lands." in shown
    assert model.schemas[0] is not None


def test_scenes_are_scored_by_their_points_and_summaries_by_the_full_one() -> None:
    scene = FakeLanguageModel(reply='{"accuracy": 3, "relevance": 5}')
    assert judge_answer(scene, ask_openly(Marking.SCENE), "It lands.").scores == (3, 5)
    assert "- A child waves" in str(scene.requests[0][-1].parts)
    summary = FakeLanguageModel(reply='{"completeness": 2, "reliability": 4.5}')
    assert judge_answer(summary, ask_openly(Marking.SUMMARY), "It lands.").scores == (2, 4.5)


@pytest.mark.parametrize("reply", ["A", '{"verdict": "maybe"}', '{"accuracy": 9, "relevance": 1}', ""])
def test_a_judge_that_does_not_reply_in_form_fails_after_a_second_try(reply: str) -> None:
    model = FakeLanguageModel(reply=reply)
    with pytest.raises(JudgeFailed, match="form asked for"):
        judge_answer(model, ask_openly(Marking.JUDGED), "It lands.")
    assert len(model.requests) == 2


def test_a_second_try_may_succeed() -> None:
    replies = iter(["no JSON", '{"verdict": "correct"}'])

    def reply(_messages: Sequence[Message]) -> str:
        return next(replies)

    assert judge_answer(FakeLanguageModel(reply=reply), ask_openly(Marking.JUDGED), "It lands.").is_right


def test_a_judge_that_cannot_be_reached_fails() -> None:
    with pytest.raises(JudgeFailed, match="nobody is there"):
        judge_answer(FakeLanguageModel(error=TryAgain("nobody is there")), ask_openly(Marking.JUDGED), "It lands.")


def test_containment_wants_every_part_whatever_the_quotes() -> None:
    assert contains_reference("A sign: “Daily's”, open", "Open; Daily’s")
    assert not contains_reference("A sign: open", "Open; Daily’s")


def test_fakes_stand_for_words_so_meaning_is_shared_words() -> None:
    encoder = FakeTextEncoder()
    near, far = encoder.embed_passages(["a boat painted in blue", "the ferry"]) @ encoder.embed_query("a blue boat")
    assert np.greater(near, far)
