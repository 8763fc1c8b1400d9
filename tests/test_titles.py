"""Videos are found by what they are called, beside what they say and show, and never instead of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from core.plans import QueryPlan
from core.protocols import Question, SearchRequest
from core.records import Modality, Moment, ReasonKind, Span
from rag.question_search import QuestionSearch
from tests.test_planned_search import HARBOUR, MARKET, Library, Line

LIGHT = "The Light at Heron Point"
TITLES = ("metadata",)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    made = Library(tmp_path)
    made.add("harbour", HARBOUR)
    made.add(LIGHT, [Line("nobody names anything"), Line("waves roll gently")])
    yield made
    made.catalogue.close()


def titles(moments: Sequence[Moment]) -> list[str]:
    return [moment.video_title for moment in moments]


def test_a_video_is_found_by_its_title_alone(library: Library) -> None:
    [found] = library.find("heron point")
    assert (found.video_title, found.modality, found.span) == (LIGHT, Modality.METADATA, Span(0, 10))
    assert (found.evidence, found.thumbnail_time_s) == ((), 0)
    assert [(reason.kind, reason.matched) for reason in found.reasons] == [(ReasonKind.TITLE, "heron point")]
    assert LIGHT not in titles(library.find("heron cliff", modalities=TITLES))


def test_another_title_counts_at_once(library: Library) -> None:
    [found] = library.find("heron point")
    library.catalogue.rename_video(found.video_id, "Gulls (raw)")
    assert titles(library.find("gulls"))[0] == "Gulls (raw)"
    [by_file] = library.find("the heron’s point", modalities=TITLES)
    assert [(reason.kind, reason.matched) for reason in by_file.reasons] == [(ReasonKind.FILE_NAME, "heron point")]


def test_what_says_all_that_is_asked_stays_before_a_title(library: Library) -> None:
    library.add("letters", [Line("we sail to heron point"), Line("heron nests")])
    found = library.find("heron point")
    assert titles(found)[:2] == ["letters", LIGHT]
    assert [moment.score for moment in found] == sorted((moment.score for moment in found), reverse=True)


def test_a_title_comes_before_what_only_touches_the_query(library: Library) -> None:
    library.add("birds", [Line("heron nests"), Line("fish costs nothing")])
    assert titles(library.find("heron point"))[:2] == [LIGHT, "birds"]


def test_what_shows_what_is_asked_stays_before_a_title(library: Library) -> None:
    library.add("Red", MARKET)
    found = library.find("red")
    assert [(moment.video_title, moment.modality) for moment in found[:2]] == [
        ("harbour", Modality.VISUAL),
        ("Red", Modality.METADATA),
    ]


def test_a_moment_found_at_the_same_place_gives_both_reasons(library: Library) -> None:
    library.add("Heron nests", [Line("a heron"), Line("fish costs nothing")])
    [first, *_] = library.find("heron nests")
    assert (first.video_title, first.modality) == ("Heron nests", Modality.METADATA)
    assert [reason.kind for reason in first.reasons][:2] == [ReasonKind.TITLE, ReasonKind.CONTENT]
    assert [reason.modality for reason in first.reasons][:2] == [Modality.METADATA, Modality.SPEECH]
    assert [item.text for item in first.evidence] == ["a heron"]


def test_titles_alone_are_searched_where_that_is_asked(library: Library) -> None:
    library.add("letters", [Line("we sail to heron point")])
    library.add("Heron", MARKET)
    found = library.find("heron", modalities=TITLES)
    assert titles(found) == ["Heron", LIGHT]
    assert [moment.score for moment in found] == [1.0, pytest.approx(2 / 3, abs=0.001)]
    assert titles(library.find("heron", modalities=TITLES, min_score=0.9)) == ["Heron"]
    assert titles(library.find("heron", modalities=TITLES, limit=1)) == ["Heron"]
    assert titles(library.find("heron", modalities=TITLES, video_ids=(found[1].video_id,))) == [LIGHT]
    assert library.find("captain drinks coffee", modalities=TITLES) == ()
    assert library.find("heron", modalities=TITLES, tenant="other") == ()


def test_titles_do_not_count_where_something_else_is_asked(library: Library) -> None:
    assert library.find("heron point", modalities=("speech",)) == ()
    assert library.find("heron point", time=Span(10, 20)) == ()
    for query in ("someone says heron point", "the first time heron point", "heron point in the first minute"):
        assert library.find(query) == ()
        assert library.find(query, modalities=TITLES) == ()


def test_quoted_words_must_stand_so_in_the_title(library: Library) -> None:
    assert titles(library.find('"heron point"')) == [LIGHT]
    assert library.find('"point heron"') == ()


def test_numbers_single_letters_and_small_words_name_no_video(library: Library) -> None:
    library.add("Take 4 B the", MARKET)
    for query in ("4", "b 4", "the", "4 b"):
        assert library.find(query, modalities=TITLES) == ()
    assert titles(library.find("take 4", modalities=TITLES)) == ["Take 4 B the"]
    assert library.find("take 5", modalities=TITLES) == ()


def test_a_title_without_spaces_is_found_by_a_part(library: Library) -> None:
    library.add("灯塔的光", MARKET)
    assert titles(library.find("灯塔", modalities=TITLES)) == ["灯塔的光"]


def test_a_series_does_not_fill_the_page(library: Library) -> None:
    for number in range(8):
        library.add(f"Captain {number}", [Line("fish costs nothing")])
    found = library.find("captain")
    assert sum(moment.modality is Modality.METADATA for moment in found) == 3
    assert titles(found[:1]) == ["harbour"]
    assert len(library.find("captain", modalities=TITLES)) == 8


def test_a_question_rests_on_what_is_said_and_shown(library: Library) -> None:
    assert library.find("heron point?")[0].modality is Modality.METADATA
    found = QuestionSearch(library.catalogue, library.finder()).find(Question("heron point?"))
    assert Modality.METADATA not in {moment.modality for moment in found}


def test_a_plan_made_elsewhere_is_followed(library: Library) -> None:
    request = SearchRequest("where birds are", plan=QueryPlan("where birds are", "heron point"))
    assert titles(library.finder().find(request)) == [LIGHT]
