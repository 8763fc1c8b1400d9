"""Which place in a video a query is understood to name; what only looks like one is in ``test_plan.py``."""

from __future__ import annotations

import pytest

from core.plans import TimeWindow
from core.records import Span
from rag.plan import plan_query


@pytest.mark.parametrize(
    ("query", "text", "within_100_s"),
    [
        ("a dog barks in the first minute", "a dog barks", Span(0, 60)),
        ("in the first 10 seconds of the video a dog barks", "a dog barks", Span(0, 10)),
        ("a bell in the last 30 seconds", "a bell", Span(70, 100)),
        ("fire between 0:30 and 1:10", "fire", Span(30, 70)),
        ("fire from 10 seconds to 20 seconds", "fire", Span(10, 20)),
        ("a dog at 0:50", "a dog", Span(45, 55)),
        ("a dog at minute 1", "a dog", Span(55, 100)),
        ("a dog after 1:00", "a dog", Span(60, 100)),
        ("a dog before 0:20", "a dog", Span(0, 20)),
        ("a dog after the first minute", "a dog", Span(60, 100)),
        ("a logo near the end", "a logo", Span(75, 100)),
        ("at the beginning of the film a logo", "a logo", Span(0, 25)),
        ("a logo halfway through", "a logo", Span(32.5, 67.5)),
        ("a goal in the second half of the video", "a goal", Span(50, 100)),
    ],
)
def test_a_place_in_the_video_is_taken_out_of_the_words(query: str, text: str, within_100_s: Span) -> None:
    assert read_place(query, 100.0) == (text, within_100_s)


def read_place(query: str, duration_s: float) -> tuple[str, Span | None]:
    """Return what is looked for, and where in a video of that length, to the tenth of a second."""
    plan = plan_query(query)
    assert plan.time is not None
    assert plan.succession is None
    span = plan.time.within(duration_s)
    return plan.text, span and Span(round(span.start_s, 1), round(span.end_s, 1))


@pytest.mark.parametrize(
    ("query", "within_600_s"),
    [
        ("a dog between minute 2 and 3", Span(120, 180)),
        ("a dog between minutes two and three", Span(120, 180)),
        ("a dog from minute 2 to 3", Span(120, 180)),
        ("a dog in minutes 3-5", Span(180, 300)),
        ("minutes 3 to 5, a dog", Span(180, 300)),
        ("a dog between 3 and 5 minutes", Span(180, 300)),
        ("a dog from 2:00 to 3:00", Span(120, 180)),
        ("a dog in the second minute", Span(60, 120)),
        ("a dog during the 5th minute", Span(240, 300)),
        ("a dog at five minutes", Span(295, 360)),
        ("a dog around the five-minute mark", Span(295, 360)),
        ("a dog at the 5:00 mark", Span(295, 305)),
        ("a dog five minutes in", Span(295, 360)),
        ("five minutes into the video a dog", Span(295, 360)),
        ("a dog at 5m30s", Span(325, 335)),
        ("a dog at 5 minutes and 30 seconds", Span(325, 335)),
        ("a dog at ten seconds", Span(5, 15)),
        ("a dog after 2 minutes", Span(120, 600)),
        ("a dog after twenty-five seconds", Span(25, 600)),
        ("a dog after the 5 minute mark", Span(300, 600)),
        ("a dog from 3:00 on", Span(180, 600)),
        ("a dog since 3:00", Span(180, 600)),
        ("a dog until 3:00", Span(0, 180)),
        ("a dog early in the video", Span(0, 210)),
        ("late in the film a dog", Span(390, 600)),
        ("a dog in the last third", Span(400, 600)),
        ("a dog in the first quarter", Span(0, 150)),
        ("a dog in the second half", Span(300, 600)),
        ("a dog in the middle third of the video", Span(200, 400)),
        ("a dog in the middle of the video", Span(245, 355)),
        ("a dog during the final half minute", Span(570, 600)),
        ("in the first 2 minutes and 30 seconds a dog", Span(0, 150)),
        ("a dog in the last minute and a half", Span(510, 600)),
        ("a dog two and a half minutes in", Span(145, 210)),
        ("a dog a minute into the clip", Span(55, 120)),
        ("after 2 minutes a dog", Span(120, 600)),
        ("five minutes into it a dog", Span(295, 360)),
        ("a dog about five minutes into it", Span(295, 360)),
        ("a dog two minutes from the end", Span(420, 485)),
        ("two minutes before the end of the film a dog", Span(420, 485)),
        ("at 30 seconds from the very end, a dog", Span(565, 575)),
        ("a dog shortly before the end", Span(500, 600)),
        ("a dog right after the start of the video", Span(0, 100)),
    ],
)
def test_times_are_read_as_people_write_them(query: str, within_600_s: Span) -> None:
    assert read_place(query, 600.0) == ("a dog", within_600_s)


@pytest.mark.parametrize(
    ("query", "within_2_h"),
    [
        ("half an hour in, a dog", Span(1620, 1980)),
        ("a dog a quarter of an hour in", Span(810, 990)),
        ("a dog three quarters of an hour in", Span(2430, 2970)),
        ("a dog an hour and a half in", Span(4860, 5940)),
        ("a dog nearly an hour and ten minutes in", Span(4195, 4260)),
        ("an hour into the talk a dog", Span(3240, 3960)),
        ("a dog at the half-hour mark", Span(1620, 1980)),
        ("a dog after half an hour", Span(1800, 7200)),
        ("after an hour and a half a dog", Span(5400, 7200)),
        ("a dog half an hour before the end", Span(5220, 5580)),
        ("a dog in the last quarter of an hour", Span(6300, 7200)),
        ("a dog in the first hour and a half", Span(0, 5400)),
        ("a dog from half an hour on", Span(1800, 7200)),
        ("a dog eighty minutes in", Span(4795, 4860)),
    ],
)
def test_hours_are_told_roughly_and_in_halves_and_quarters(query: str, within_2_h: Span) -> None:
    assert read_place(query, 7200.0) == ("a dog", within_2_h)


@pytest.mark.parametrize(
    ("query", "within_600_s"),
    [
        ("3:20", Span(195, 205)),
        ("0:02:03?", Span(118, 128)),
        ("2:00 – 3:00", Span(120, 180)),
        ("between minutes 2 and 3", Span(120, 180)),
        ("the second minute", Span(60, 120)),
        ("minute 3", Span(175, 240)),
        ("second half of the film", Span(300, 600)),
        ("in the middle", Span(245, 355)),
        ("what happens in the end?", Span(500, 600)),
        ("after 2 minutes", Span(120, 600)),
        ("from 3:00 onwards", Span(180, 600)),
        ("five minutes into it", Span(295, 360)),
        ("what is said ten seconds before the end?", Span(585, 595)),
        ("what happens a minute and a half from the end", Span(450, 515)),
        ("just before the end", Span(500, 600)),
    ],
)
def test_nothing_but_a_time_asks_what_is_there(query: str, within_600_s: Span) -> None:
    assert plan_query(query).is_open
    assert read_place(query, 600.0)[1] == within_600_s


@pytest.mark.parametrize(
    ("query", "text", "within_600_s"),
    [
        ("what is said after the first minute", "what is said", Span(60, 600)),
        ("after the first minute, a dog barks", "a dog barks", Span(60, 600)),
        ("what happens before the last minute?", "what happens", Span(0, 540)),
        ("a dog barks before the last 30 seconds", "a dog barks", Span(0, 570)),
        ("what is said after the second minute", "what is said", Span(120, 600)),
        ("what is said after 3:20", "what is said", Span(200, 600)),
        ("a dog barks before 3:20", "a dog barks", Span(0, 200)),
        ("what happens after minute 3?", "what happens", Span(180, 600)),
        ("a dog barks after the first half of the film", "a dog barks", Span(300, 600)),
        ("what is said before the middle of the video", "what is said", Span(0, 245)),
        ("which topic follows the first minute?", "which topic", Span(60, 600)),
        ("the first minute, then a dog barks", "a dog barks", Span(60, 600)),
    ],
)
def test_after_or_before_a_place_is_a_place_not_a_succession(query: str, text: str, within_600_s: Span) -> None:
    assert read_place(query, 600.0) == (text, within_600_s)
    window = plan_query(query).time
    assert window is not None
    assert window.is_strict


@pytest.mark.parametrize("query", ["what is shown after the second half of the film", "the last minute, then a dog"])
def test_nothing_lies_before_the_beginning_or_after_the_end(query: str) -> None:
    assert plan_query(query).is_plain


def test_a_place_and_an_order_hold_together() -> None:
    plan = plan_query("a dog barks after the storm, after the first minute")
    assert plan.succession is not None
    assert plan.time is not None
    assert (plan.succession.target.text, plan.succession.anchor.text) == ("a dog barks", "the storm")
    assert plan.time.words == "after the first minute"


def test_what_is_there_is_asked_for_where_a_place_stands_for_a_happening() -> None:
    succession = plan_query("in the last third, after the storm").succession
    assert succession is not None
    assert succession.anchor.text == "the storm"
    assert succession.target.is_open
    assert succession.target.time is not None


def test_a_window_beyond_the_end_of_a_video_is_nowhere_in_it() -> None:
    window = plan_query("a dog at 3:20").time
    assert isinstance(window, TimeWindow)
    assert window.within(60.0) is None


@pytest.mark.parametrize("query", ["what happens at 3:20?", "the last 30 seconds", "what is said near the end?"])
def test_a_query_of_nothing_but_a_place_asks_what_is_there(query: str) -> None:
    plan = plan_query(query)
    assert plan.is_open
    assert plan.text


def test_a_video_that_ends_before_the_instant_named_has_no_such_place() -> None:
    found = plan_query("what is said at 0:14").time
    assert found is not None
    assert found.within(12.0) is None
    assert found.within(15.0) == Span(9, 15)
    found = plan_query("what is said 14 seconds before the end").time
    assert found is not None
    assert found.within(12.0) is None
    assert found.within(15.0) == Span(0, 6)


def test_what_is_nearest_to_an_instant_before_the_end_was_meant_most() -> None:
    found = plan_query("what is said two minutes before the end").time
    assert found is not None
    assert found.focus_s(600.0) == 480
