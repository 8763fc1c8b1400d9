"""What a plan asks for is what is found: quotations, senses, places in the video, order, and a model's sub-queries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.openai_vlm import OpenAiLanguageModel
from adapters.sql_catalogue import SqlCatalogue
from core.ids import derived_id
from core.plans import QueryPlan
from core.protocols import LanguageModel, SearchRequest
from core.records import Evidence, Keyframe, Modality, Moment, NewVideo, ReasonKind, Segment, Span, Video, VideoStatus
from core.stores import SegmentPoint
from indexer.embeddings import Encoders, embed_segments
from rag.order import browse
from rag.retold import SHARE_OF_RETOLD
from rag.search import N_EXAMINED, MomentSearch
from rag.steps import Steps
from tests.fakes.encoders import FakeLexicalEncoder, FakeTextEncoder, FakeVisualEncoder, picture_of
from tests.fakes.openai_server import HttpReply, running_openai_server
from tests.fakes.segment_index import FakeSegmentIndex

TEXT, LEXICAL = FakeTextEncoder(), FakeLexicalEncoder()
VISUAL = FakeVisualEncoder(TEXT)
SPEECH, SCREEN = Modality.SPEECH, Modality.SCREEN


@dataclass(frozen=True)
class Line:
    """What is said or written for ten seconds or for the first few of them, over a picture of one colour."""

    text: str
    modality: Modality = SPEECH
    colour: str = "black"
    seconds: float = 10.0


HARBOUR = [
    Line("lantern shines brightly"),
    Line("captain drinks coffee"),
    Line("storm breaks windows"),
    Line("lantern goes dark"),
    Line("captain rings bell"),
    Line("harbour master says no entry", SCREEN),
    Line("lantern shines brightly"),
    Line("sailors return safely", colour="red"),
]
MARKET = [Line("captain rings bell"), Line("fish costs nothing"), Line("storm breaks windows")]


class Library:
    """Videos of ten-second segments, one line each."""

    def __init__(self, folder: Path) -> None:
        self.catalogue = SqlCatalogue.open(f"sqlite:///{folder / 'catalogue.db'}")
        self.index = FakeSegmentIndex()

    def add(self, name: str, lines: Sequence[Line]) -> str:
        duration_s = 10.0 * len(lines)
        video_id = derived_id("video", name)
        self.catalogue.add_video(NewVideo(video_id, "default", name, f"{name}.mp4", name, "k", 1, duration_s))
        self.catalogue.plan_parts(video_id, [Span(0, duration_s)])
        evidence, segments, pictures = [], [], {}
        for number, line in enumerate(lines):
            span = Span(10.0 * number, 10.0 * number + 10)
            told = Span(span.start_s, span.start_s + line.seconds)
            item = Evidence(derived_id(name, number), video_id, 0, told, line.modality, line.text, 0.9, "test", "en")
            evidence.append(item)
            keyframe = Keyframe(span.start_s, span, "k")
            segments.append(Segment(derived_id(name, "s", number), video_id, 0, number, span, (item.id,), (keyframe,)))
            pictures[span.start_s] = picture_of(line.colour)
        vectors = embed_segments(segments, evidence, pictures, Encoders(TEXT, VISUAL, LEXICAL))
        lease = self.catalogue.claim_part("worker", lease_s=60)
        assert lease is not None
        self.catalogue.commit_part(lease, "artifact")
        self.catalogue.publish_part(self.catalogue.parts_to_publish()[0], evidence, segments)
        self.index.upsert([SegmentPoint(s, "default", v) for s, v in zip(segments, vectors, strict=True)])
        return video_id

    def finder(self, steps: Steps | None = None, model: LanguageModel | None = None) -> MomentSearch:
        return MomentSearch(self.catalogue, self.index, TEXT, VISUAL, LEXICAL, steps or Steps(), model)

    def find(self, query: str, **wishes: object) -> tuple[Moment, ...]:
        return self.finder().find(SearchRequest(query, **wishes))  # type: ignore[arg-type]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    made = Library(tmp_path)
    made.add("harbour", HARBOUR)
    yield made
    made.catalogue.close()


def starts(moments: Sequence[Moment]) -> list[float]:
    return [moment.span.start_s for moment in moments]


def test_a_plain_query_is_found_as_without_a_plan(library: Library) -> None:
    request = SearchRequest("captain drinks coffee")
    assert library.find(request.query) == library.finder(Steps(planning=False)).find(request)


def test_words_of_order_are_no_reason(library: Library) -> None:
    library.add("dance", [Line("captain rings bell"), Line("dancers turn right")])
    (turn, *_) = library.find("dancers turn right after captain rings bell")
    told = [reason.matched for reason in turn.reasons if reason.kind is ReasonKind.CONTENT]
    assert told == ["dancers turn"]


def test_a_video_too_short_for_the_instant_named_has_nothing_there(library: Library) -> None:
    short = library.add("short", [Line("captain rings bell")])
    long = library.add("long", [Line("captain rings bell"), Line("fish costs nothing")])
    assert {short, long} <= {moment.video_id for moment in library.find("captain rings bell")}
    found = {moment.video_id for moment in library.find("captain rings bell at 0:12")}
    assert long in found
    assert short not in found


def test_a_short_spoken_moment_takes_in_the_silence_around_it(library: Library) -> None:
    library.add(
        "rescue",
        [Line("captain drinks coffee", seconds=8), Line("ahoy", seconds=0.5), Line("ahoy", SCREEN, seconds=0.5)],
    )
    spoken, written = sorted(library.find("ahoy"), key=lambda moment: moment.span)
    assert spoken.span == Span(9, 11.5)
    assert written.span == Span(20, 20.5)
    (inside,) = library.find("ahoy", time=Span(10, 11))
    assert inside.span == Span(10, 11)


def test_a_long_place_shows_what_is_nearest_to_it_and_something_of_each_video(library: Library) -> None:
    assert starts(library.find("what is said near the end?", limit=1)) == [70]
    assert starts(library.find("what is said in the first minute?", limit=2)) == [0, 10]
    market = library.add("market", MARKET)
    found = library.find("what is said in the first minute?", limit=4)
    assert [(moment.video_id == market, moment.span.start_s) for moment in found] == [
        (True, 0), (True, 10), (False, 0), (False, 10),
    ]  # fmt: skip


def test_a_quoted_phrase_must_stand_in_the_evidence(library: Library) -> None:
    assert len(library.find("lantern shines")) > 1
    assert len(library.find('"lantern goes"')) == 1
    assert starts(library.find('"lantern goes"')) == [30]
    assert starts(library.find("“Captain, RINGS!” the bell")) == [40]


def test_nothing_is_found_for_a_phrase_that_nobody_said(library: Library) -> None:
    assert library.find('"captain coffee"') == ()
    assert library.find('captain "entry no"') == ()


def test_a_phrase_is_looked_for_among_the_senses_allowed(library: Library) -> None:
    assert starts(library.find('"no entry"', modalities=("screen",))) == [50]
    assert library.find('"no entry"', modalities=("speech",)) == ()


def test_a_misread_letter_of_a_long_phrase_is_forgiven(library: Library) -> None:
    library.add("signs", [Line("HARB0UR MASTER ONLY", SCREEN), Line("something else")])
    assert [moment.video_title for moment in library.find('"harbour master only"')] == ["signs"]


def test_a_place_in_the_video_restricts_what_is_found(library: Library) -> None:
    assert starts(library.find("lantern shines brightly in the first minute"))[0] == 0
    assert starts(library.find("lantern shines brightly in the last 30 seconds")) == [60]
    assert starts(library.find("lantern shines brightly between 0:50 and 1:10")) == [60]


def test_a_strict_place_gives_nothing_where_nothing_is(library: Library) -> None:
    assert library.find("sailors return safely in the first minute") == ()


def test_a_place_that_may_mean_something_else_falls_back_to_the_words(library: Library) -> None:
    assert starts(library.find("sailors return safely at 3:20")) == [70]
    assert starts(library.find("sailors return safely at the beginning"))[0] == 70


def test_a_place_and_the_time_of_the_request_hold_together(library: Library) -> None:
    assert library.find("lantern shines brightly in the first minute", time=Span(60, 80)) == ()


def test_nothing_but_a_place_shows_what_is_there(library: Library) -> None:
    found = library.find("what is said between 0:30 and 0:50?")
    assert starts(found) == [30, 40]
    told = [(reason.kind, reason.matched) for moment in found for reason in moment.reasons]
    assert told == 2 * [(ReasonKind.PLACE, "between 0:30 and 0:50")]
    assert all(moment.is_by_place for moment in found)
    assert not any(moment.is_by_place for moment in library.find("lantern shines brightly"))


def test_moments_tell_the_revision_of_their_video(library: Library) -> None:
    for query in ("lantern shines brightly", "what is said between 0:30 and 0:50?", "harbour"):
        found = library.find(query)
        assert found
        for moment in found:
            assert moment.video_revision == library.catalogue.get_video(moment.video_id).revision == 1


def test_a_floor_of_relevance_cuts_what_is_described_but_not_what_a_place_names(library: Library) -> None:
    query = "lantern shines brightly"
    all_found, sure = library.find(query, min_score=0.0), library.find(query, min_score=0.6)
    assert 0 < len(sure) < len(all_found)
    assert all(moment.score >= 0.6 for moment in sure)
    assert library.find("sailors return late", min_score=1.0) == ()
    assert starts(library.find("what is said between 0:32 and 0:35?", min_score=1.0)) == [32]
    assert starts(library.find("what is said between 0:30 and 0:44?", min_score=1.0)) == [30, 40]
    assert starts(library.find("what is written in the last 30 seconds?")) == [50]


def test_after_and_before_a_time_nothing_else_is_shown(library: Library) -> None:
    assert starts(library.find("what is said after the first minute")) == [60, 70]
    assert starts(library.find("what is said before the last minute")) == [0, 10]
    assert starts(library.find("what is said after 1:00")) == [60, 70]
    assert library.find("sailors return safely before 1:00") == ()


def test_a_query_of_a_clock_alone_shows_what_is_there(library: Library) -> None:
    assert starts(library.find("0:35")) == [30]


def test_an_order_of_happenings_keeps_to_a_strict_place(library: Library) -> None:
    """The lantern shines after coffee at 1:00 only, the bell rings after it at 0:40."""
    assert starts(library.find("lantern shines brightly after captain drinks coffee"))[0] == 60
    early = library.find("in the first minute the lantern shines brightly after captain drinks coffee")
    assert starts(early) == [0]
    late = library.find("lantern after captain drinks coffee, after the first minute")
    assert late
    assert all(moment.span.start_s >= 60 for moment in late)


def test_what_follows_may_lie_beyond_the_place_of_what_it_follows(library: Library) -> None:
    assert starts(library.find("captain drinks coffee in the first minute, then sailors return safely"))[0] == 70


def test_the_first_and_the_last_time_are_put_first(library: Library) -> None:
    assert starts(library.find("the first time the lantern shines brightly"))[0] == 0
    assert starts(library.find("the second time the lantern shines brightly"))[0] == 60
    assert starts(library.find("the last time the lantern shines brightly"))[0] == 60


def test_each_time_says_which_it_is_also_where_there_are_fewer(library: Library) -> None:
    def told(query: str) -> list[tuple[float, str]]:
        found = library.find(query)
        return [(m.span.start_s, r.matched) for m in found for r in m.reasons if r.kind is ReasonKind.ORDER]

    first, second = (0, "the first of 2 times"), (60, "the second of 2 times")
    assert told("the second to last time the lantern shines brightly") == [first, second]
    assert told("the lantern shines brightly a third time") == [first, second]
    assert told("the first time sailors return safely") == [(70, "the only time")]


def test_only_videos_that_fit_nearly_as_well_as_the_best_have_a_time(library: Library) -> None:
    library.add("lamps", [Line("lantern shop sells lantern oil"), Line("fish"), Line("lantern shop opens late")])
    found = library.find("the second time the lantern shines brightly")
    assert (found[0].video_title, found[0].span.start_s) == ("harbour", 60)
    assert found[1].video_title == "harbour"


def test_what_is_shown_without_a_break_is_shown_once(library: Library) -> None:
    gate, wall = Line("gate seven", SCREEN), Line("wall", SCREEN)
    library.add("gates", [gate, Line("gate seven opens", SCREEN), wall, gate, wall])
    assert starts(library.find("when is gate seven shown again?"))[0] == 30
    library.add("calls", [Line("flight nine"), Line("flight nine"), Line("wall")])
    assert starts(library.find("the second time flight nine is mentioned"))[0] == 10


def test_the_happening_beside_which_to_look_may_be_one_of_several(library: Library) -> None:
    assert starts(library.find("what is said after the first time the lantern shines brightly"))[0] == 10
    assert starts(library.find("what is said after the second time the lantern shines brightly"))[0] == 70
    missing = "what is said after the third time the lantern shines brightly"
    assert "after" not in " ".join(reason.matched for moment in library.find(missing) for reason in moment.reasons)


def test_the_moment_after_another_is_the_one_of_the_same_video(library: Library) -> None:
    library.add("market", MARKET)
    [first, *_] = library.find("captain rings bell after lantern goes dark")
    assert (first.video_title, first.span.start_s) == ("harbour", 40)
    told = [(reason.kind, reason.matched) for reason in first.reasons]
    assert (ReasonKind.ORDER, "after “lantern goes dark” at 0:30") in told


def test_before_looks_the_other_way(library: Library) -> None:
    assert starts(library.find("lantern shines brightly before the storm breaks windows"))[0] == 0
    assert starts(library.find("lantern shines brightly after the storm breaks windows"))[0] == 60


def test_one_and_then_the_other_is_one_moment_when_they_are_near(library: Library) -> None:
    [near, *_] = library.find("lantern goes dark, then captain rings bell")
    assert near.span == Span(30, 50)
    assert {item.text for item in near.evidence} == {"lantern goes dark", "captain rings bell"}
    [far, *_] = library.find("captain drinks coffee, then sailors return safely")
    assert far.span == Span(70, 80)


def test_what_happens_next_need_not_be_described(library: Library) -> None:
    assert starts(library.find("what happens right after the storm breaks windows?"))[0] == 30
    assert starts(library.find("what is said before sailors return safely?"))[0] == 60


def test_one_word_is_looked_beside_on_either_side(library: Library) -> None:
    library.add("market", [Line("fish"), Line("we weigh it"), Line("banana", seconds=1), Line("it is ripe")])
    assert starts(library.find("what is said before banana"))[:2] == [10, 20]
    assert starts(library.find("what is said after banana"))[:2] == [30, 20]


def test_after_a_pause_what_is_farther_away_stands_next(library: Library) -> None:
    silence = [Line("stop", SCREEN)] * 3
    library.add("market", [Line("we weigh it"), *silence, Line("banana"), *silence, Line("it is ripe")])
    assert starts(library.find("what is said before banana"))[:2] == [0, 40]
    assert starts(library.find("what is said after banana"))[:2] == [80, 40]


def test_a_short_sentence_beside_a_word_counts_though_most_of_its_segment_lies_elsewhere() -> None:
    told = {"we weigh it": (100, 102), "banana": (103, 104), "and so on": (104, 120), "still there": (60, 130)}
    senses = {"still there": SCREEN}
    evidence = [
        Evidence(text, "v", 0, Span(*span), senses.get(text, SPEECH), text, 0.9, "test") for text, span in told.items()
    ]
    segment = Segment("s", "v", 0, 0, Span(100, 120), tuple(told))
    made_at = datetime(2026, 1, 1, tzinfo=UTC)
    video = Video("v", "default", "market", "m.mp4", "market", "k", 1, VideoStatus.READY, made_at, 200.0)

    def browsed(start_s: float, end_s: float) -> list[Span]:
        return [m.span for m in browse(video, [segment], evidence, Span(start_s, end_s), frozenset())]

    assert browsed(83, 103) == [Span(100, 103)]
    assert browsed(83, 101) == []


def test_what_stands_next_is_found_with_what_it_follows(library: Library) -> None:
    assert starts(library.find("Which topic follows the storm breaks windows?"))[:2] == [30, 20]
    assert starts(library.find("Which section precedes sailors return safely?"))[:2] == [60, 70]


def test_right_after_means_the_next_one_rather_than_one_that_looks_like_it(library: Library) -> None:
    library.add("slides", [Line("opening the gate"), Line("grey stones", SCREEN), Line("archive photo one", SCREEN)])
    [first, *_] = library.find('Which photo is shown right after the segment "opening the gate"?')
    assert [item.text for item in first.evidence] == ["grey stones"]


def test_where_either_part_is_missing_the_words_are_searched_for_as_they_stand(library: Library) -> None:
    plain = library.finder(Steps(planning=False)).find(SearchRequest("captain rings bell after the elephant dances"))
    assert library.find("captain rings bell after the elephant dances") == plain


@pytest.mark.parametrize(
    ("description", "told_at_s"),
    [
        ('people shout "captain coffee" as the captain drinks', {10}),
        ("sailors return safely in the first minute", {70}),
        ("captain rings bell after lantern goes dark", {30, 40}),
        ("lantern shines brightly before storm breaks windows", {0, 20}),
    ],
)
def test_a_description_is_taken_as_it_stands_where_that_is_asked(
    library: Library, description: str, told_at_s: set[float]
) -> None:
    found = library.find(description, planning="none")
    assert found == library.finder(Steps(planning=False)).find(SearchRequest(description))
    assert found != library.find(description)
    assert told_at_s <= {start_s for moment in found for start_s in range(0, 80, 10) if _covers(moment, start_s)}


def _covers(moment: Moment, start_s: float) -> bool:
    return moment.span.overlap_s(Span(start_s, start_s + 10)) > 5


def test_words_of_order_that_were_really_said_are_a_quotation(library: Library) -> None:
    library.add("talk", [Line("bell rings after the storm breaks windows"), Line("bell rings")])
    assert library.find("bell rings after the storm breaks windows")[0].video_title == "talk"


def test_which_comes_first_finds_both(library: Library) -> None:
    found = starts(library.find("Which comes first, captain drinks coffee or sailors return safely?"))
    assert set(found[:2]) == {10, 70}


def test_a_named_sense_tips_the_order(library: Library) -> None:
    library.add("twice", [Line("wet paint", SCREEN), Line("wet paint", SPEECH)])
    assert library.find("the sign says wet paint")[0].modality is SCREEN
    assert library.find("someone says wet paint")[0].modality is SPEECH


def sub_queries(**senses: str) -> str:
    return json.dumps({"speech": "", "screen": "", "visual": ""} | senses)


def test_words_that_a_moment_shares_with_what_led_to_it_tip_the_order(library: Library) -> None:
    def led_by(words: str, steps: Steps | None = None) -> list[float]:
        request = SearchRequest("captain", plan=QueryPlan("captain", "captain", led_by=words))
        return starts(library.finder(steps).find(request))[:2]

    assert led_by("coffee grows cold") == [10, 40]
    assert led_by("a bell tolls") == [40, 10]
    assert led_by("captain") == led_by("") == led_by("coffee grows cold", Steps(lexical=False))


@pytest.mark.parametrize("place", ["in the first minute", "in the last minute"])
def test_a_place_is_looked_for_in_what_fits_best_by_any_channel(library: Library, place: str) -> None:
    for number in range(20):
        library.add(f"{number} reddish", [Line("red herring sold again")])
    shown = library.add("sunset", [Line("nobody speaks", colour="red")])
    [best, *_] = [m for m in library.find(f"red {place}", limit=50) if m.modality is Modality.VISUAL]
    assert best.score == 1.0
    assert shown in {m.video_id for m in library.find(f"red {place}", limit=50)}


def test_a_moment_lies_in_the_time_asked_for_not_just_its_segment(library: Library) -> None:
    [video] = library.catalogue.list_videos("default").items
    assert starts(library.find("captain drinks coffee", time=Span(18, 30))) != [10]
    assert starts(library.find("captain drinks coffee", time=Span(15, 30)))[0] == 10
    assert {m.video_id for m in library.find("captain", time=Span(15, 30))} == {video.id}


def test_a_model_rewrites_the_query_for_each_sense_only_when_asked(library: Library) -> None:
    with running_openai_server(lambda _: sub_queries(speech="captain drinks coffee")) as server:
        finder = library.finder(model=OpenAiLanguageModel(server.base_url, "m", timeout_s=10))
        [as_it_stands, *_] = finder.find(SearchRequest("seaman drinks coffee"))
        assert server.requests == []
        [retold, *_] = finder.find(SearchRequest("seaman drinks coffee", planning="model"))
        assert (retold.span.start_s, retold.score) == (10, SHARE_OF_RETOLD)
        assert as_it_stands.score < SHARE_OF_RETOLD
        assert "seaman drinks coffee" in json.dumps(server.requests[0]["messages"])
        assert server.requests[0]["response_format"]["json_schema"]["schema"]["required"] == [
            "speech",
            "screen",
            "visual",
        ]


def test_pictures_get_their_own_words_from_the_model(library: Library) -> None:
    with running_openai_server(lambda _: sub_queries(visual="crimson red")) as server:
        finder = library.finder(model=OpenAiLanguageModel(server.base_url, "m", timeout_s=10))
        [found, *_] = finder.find(SearchRequest("crimson", planning="model"))
    assert (found.modality, found.span.start_s) == (Modality.VISUAL, 70)


def test_what_one_sense_is_asked_for_does_not_dilute_another(library: Library) -> None:
    reply = sub_queries(
        speech="captain drinks coffee", screen="harbour master says no entry", visual="purple harbour captain"
    )
    with running_openai_server(lambda _: reply) as server:
        finder = library.finder(model=OpenAiLanguageModel(server.base_url, "m", timeout_s=10))
        found = finder.find(SearchRequest("captain coffee harbour master entry", planning="model"))
        said = finder.find(
            SearchRequest("captain coffee harbour master entry", planning="model", modalities=("speech",))
        )
        seen = finder.find(SearchRequest("captain rings bell", planning="model", modalities=("caption",)))
    assert {(moment.modality, moment.span.start_s) for moment in found[:2]} == {(SPEECH, 10), (SCREEN, 50)}
    assert [moment.score for moment in found[:2]] == [SHARE_OF_RETOLD, SHARE_OF_RETOLD]
    assert said[0].span.start_s == 10
    assert {moment.modality for moment in said} == {SPEECH}
    assert seen == ()


def test_words_for_something_else_are_no_help(library: Library) -> None:
    with running_openai_server(lambda _: sub_queries(speech="bell rings loudly", visual="red")) as server:
        finder = library.finder(model=OpenAiLanguageModel(server.base_url, "m", timeout_s=10))
        request = SearchRequest("captain drinks coffee", planning="model")
        assert finder.plan(request).by_sense is None
        assert finder.find(request) == library.find(request.query)


def test_nonsense_of_a_model_does_not_hide_what_the_query_finds(library: Library) -> None:
    reply = sub_queries(speech="captain says no entry", screen="captain says no entry", visual="red coffee")
    with running_openai_server(lambda _: reply) as server:
        finder = library.finder(model=OpenAiLanguageModel(server.base_url, "m", timeout_s=10))
        [found, *_] = finder.find(SearchRequest("captain drinks coffee", planning="model"))
    assert (found.span.start_s, found.score) == (10, 1.0)


@pytest.mark.parametrize(
    "reply",
    [
        "I would search for coffee.",
        '{"speech": 1}',
        '{"speech": "", "screen": "", "visual": ""}',
        sub_queries(speech="long " * 200),
        HttpReply.error(500, "out of memory"),
        HttpReply.error(404, "no such model"),
    ],
    ids=["prose", "no sub-query", "all empty", "an essay", "server error", "no model"],
)
def test_a_model_of_no_help_leaves_the_plan_of_the_rules(library: Library, reply: str | HttpReply) -> None:
    request = SearchRequest("captain drinks coffee", planning="model")
    with running_openai_server(lambda _: reply) as server:
        found = library.finder(model=OpenAiLanguageModel(server.base_url, "m", timeout_s=10)).find(request)
    assert found == library.find(request.query)


def test_the_first_of_dozens_of_times_is_found_although_others_fit_better(library: Library) -> None:
    dozens = [Line("bell rings loudly in fog")] + [Line("bell rings loudly")] * (2 * N_EXAMINED)
    clock = library.add("clock", [Line("fog lies on land"), *dozens])
    first, *_ = library.find("the first time a bell rings loudly", video_ids=(clock,))
    assert (first.span.start_s, first.span.end_s) == (10, 20)
    beside, *_ = library.find("what is said before the first time a bell rings loudly", video_ids=(clock,))
    assert beside.span.start_s == 0


def test_what_is_right_beside_comes_before_what_fits_better_far_away(library: Library) -> None:
    lines = [Line("storm breaks windows"), Line("bell near old stone house"), *[Line("fish costs nothing")] * 9]
    tower = library.add("tower", [*lines, Line("bell rings")])
    (near, *_) = library.find("bell rings right after storm breaks windows", video_ids=(tower,))
    assert near.span.start_s == 10
