"""Questions over a real catalogue and index, answered without a model and by one behind a real HTTP server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.blobs import FsspecMediaStore
from adapters.openai_vlm import OpenAiLanguageModel
from adapters.qdrant_edge_index import EdgeSegmentIndex
from adapters.sql_catalogue import SqlCatalogue
from core.artifact import PartArtifact, encode_artifact
from core.errors import TryAgain
from core.ids import derived_id
from core.protocols import Question, SearchRequest
from core.publication import publish_ready_parts, repair_index
from core.records import Answer, Evidence, Keyframe, Modality, Moment, NewVideo, Segment, Span
from graph.build import build_video_graph
from indexer.embeddings import Encoders, embed_segments
from rag.compose import Retrieval, compose_retrieval
from rag.exhibits import Exhibit
from rag.expand import GraphExpander
from rag.relevance import MIN_SCORE
from rag.write import MAX_REPEATED_CHARS, quote_evidence, quote_place
from tests.fakes.encoders import FakeLexicalEncoder, FakeNameRecogniser, FakeTextEncoder, FakeVisualEncoder, picture_of
from tests.fakes.openai_server import HttpReply, running_openai_server

SAID = [
    "the lamp of the tower was lit in 1911",
    "the keeper arrived nine years later with a goat",
    "a storm broke the glass of the lantern",
]


class World:
    """A library of one video, published as a worker would, and retrieval over it."""

    def __init__(self, folder: Path) -> None:
        self.text = FakeTextEncoder()
        self.visual = FakeVisualEncoder(self.text)
        self.lexical = FakeLexicalEncoder()
        self.catalogue = SqlCatalogue.open(f"sqlite:///{folder / 'catalogue.db'}")
        self.media = FsspecMediaStore(str(folder / "media"))
        dims = self.text.dimension
        self.index = EdgeSegmentIndex(folder / "index", text_dim=dims, token_dim=dims, frame_dim=self.visual.dimension)
        self.evidence, self.segments = self._publish()

    def _publish(self) -> tuple[list[Evidence], list[Segment]]:
        video = NewVideo("v" * 8, "default", "The light", "light.mp4", "hash", "videos/v/original.mp4", 1, 60.0)
        self.catalogue.add_video(video)
        self.catalogue.plan_parts(video.id, [Span(0, 60)])
        lease = self.catalogue.claim_part("worker", lease_s=60)
        assert lease is not None
        evidence, segments = [], []
        for number, text in enumerate(SAID):
            span = Span(number * 20, number * 20 + 10)
            item = Evidence(derived_id("e", number), video.id, 0, span, Modality.SPEECH, text, 0.9, "test", "en")
            key = f"videos/{video.id}/keyframes/{number}.jpg"
            self.media.put_bytes(key, b"jpeg of " + text.encode())
            evidence.append(item)
            keyframe = Keyframe(span.start_s + 1, span, key)
            segments.append(
                Segment(derived_id("s", number), video.id, 0, number, span, (item.id,), (keyframe,), language="en")
            )
        pictures = {segment.keyframes[0].time_s: picture_of("blue") for segment in segments}
        vectors = embed_segments(segments, evidence, pictures, Encoders(self.text, self.visual, self.lexical))
        artifact = PartArtifact(video.id, "default", 0, Span(0, 60), "test", tuple(evidence), tuple(segments), vectors)
        self.media.put_bytes("artifact", encode_artifact(artifact))
        self.catalogue.commit_part(lease, "artifact")
        assert publish_ready_parts(self.catalogue, self.index, self.media) == 1
        dense = {s.id: v.text for s, v in zip(segments, vectors, strict=True) if v.text is not None}
        graph = build_video_graph(
            self.catalogue.get_video(video.id), segments, evidence, dense,
            recogniser=FakeNameRecogniser(), known_entities=(),
        )  # fmt: skip
        self.catalogue.finish_video(
            video.id, language="en", events=graph.events, entities=graph.entities, mentions=graph.mentions,
            links=graph.links,
        )  # fmt: skip
        return evidence, segments

    def retrieval(self, model: OpenAiLanguageModel | None = None) -> Retrieval:
        return compose_retrieval(
            catalogue=self.catalogue,
            index=self.index,
            media=self.media,
            text=self.text,
            visual=self.visual,
            lexical=self.lexical,
            recogniser=FakeNameRecogniser(),
            model=model,
        )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.index.close()
    made.catalogue.close()


def ask(world: World, reply: str | HttpReply, question: str = "when was the lamp lit?") -> tuple[Answer, list[dict]]:
    with running_openai_server(lambda _: reply) as server:
        model = OpenAiLanguageModel(server.base_url, "tiny", max_retries=0)
        return world.retrieval(model).answerer.answer(Question(question)), server.requests


def moment_of(exhibit: Exhibit) -> Moment:
    """Return a moment that holds the evidence of the exhibit."""
    item = Evidence(
        exhibit.evidence_id or "", exhibit.video_id, 0, exhibit.span, exhibit.modality, exhibit.text, 1, "test"
    )
    return Moment(exhibit.video_id, exhibit.video_title, exhibit.span, 1.0, exhibit.modality, (item,), ())


def said(answer: str, *, is_answered: bool = True) -> str:
    return json.dumps({"is_answered": is_answered, "answer": answer})


def test_search_finds_the_sentence_and_its_second(world: World) -> None:
    [best, *_] = world.retrieval().finder.find(SearchRequest("a goat and the keeper"))
    assert best.evidence[0].text == SAID[1]
    assert best.span == Span(20, 30)
    assert best.modality is Modality.SPEECH
    assert best.reasons[0].matched == "keeper goat"


def test_search_finds_nothing_where_nothing_is(world: World) -> None:
    assert world.retrieval().finder.find(SearchRequest("quarterly tax report", modalities=("speech",))) == ()


def test_another_tenant_finds_nothing(world: World) -> None:
    assert world.retrieval().finder.find(SearchRequest(SAID[0], tenant="other")) == ()


def test_a_time_window_keeps_other_moments_out(world: World) -> None:
    found = world.retrieval().finder.find(SearchRequest(SAID[0], time=Span(35, 60), modalities=("speech",)))
    assert [moment.span for moment in found] == [Span(40, 50)]


def test_what_is_at_a_place_is_quoted_from_there(world: World) -> None:
    def quotes(question: str) -> list[str]:
        return [citation.quote for citation in world.retrieval().answerer.answer(Question(question)).citations]

    assert quotes("what is said at 0:42") == [SAID[2]]
    assert quotes("what is said in the first minute") == SAID
    assert quotes("what is said at 9:59") == []


def test_of_a_long_place_what_is_nearest_to_it_is_quoted() -> None:
    exhibits = [
        Exhibit(
            number,
            "v",
            "The light",
            Span(10 * number, 10 * number + 9),
            Modality.SPEECH,
            f"line {number}",
            1,
            f"{number}",
        )
        for number in range(6)
    ]
    there = [moment_of(exhibit) for exhibit in exhibits]

    def quoted(focus_s: float) -> list[str]:
        return [citation.quote for citation in quote_place(there, exhibits, {"v": focus_s}).citations]

    assert quoted(60) == ["line 3", "line 4", "line 5"]
    assert quoted(0) == ["line 0", "line 1", "line 2"]
    assert quoted(25) == ["line 1", "line 2", "line 3"]


def test_moments_that_are_not_quoted_yet_add_their_best_quote() -> None:
    def told(number: int, rank: int, text: str) -> Exhibit:
        span = Span(20 * number, 20 * number + 9)
        return Exhibit(number, "v", "The light", span, Modality.SPEECH, text, 1, f"{number}", rank=rank)

    exhibits = [
        told(0, 0, "the keeper lit the lamp."),
        told(1, 1, "the keeper lit a fire."),
        told(2, 1, "the keeper sang."),
        told(3, 2, "goats eat anything."),
        told(4, 4, "the keeper lit a pipe."),
    ]
    answer = quote_evidence("the keeper lit the lamp", exhibits, FakeTextEncoder())
    assert [citation.quote for citation in answer.citations] == [exhibits[0].text, exhibits[1].text]


def test_pictures_that_no_search_would_find_are_no_answer() -> None:
    fitting, weak = (
        Exhibit(number, "v", "The light", Span(0, 9), Modality.VISUAL, "the picture at 0:03", relevance)
        for number, relevance in ((1, MIN_SCORE), (2, MIN_SCORE - 0.01))
    )
    encoder = FakeTextEncoder()
    assert quote_evidence("a lantern", [weak], encoder).citations == ()
    answer = quote_evidence("a lantern", [fitting, weak], encoder)
    assert answer.text == "These pictures fit best: “The light” at 0:00 [1]."


def test_without_a_model_the_answer_quotes_and_says_what_to_configure(world: World) -> None:
    answer = world.retrieval().answerer.answer(Question("when was the lamp of the tower lit"))
    assert f"“{SAID[0]}” [1]" in answer.text
    assert answer.citations[0].span == Span(0, 10)
    assert "KINOGRAPH_VLM_URL" in answer.hint


def test_a_model_sees_timestamped_words_and_pictures_and_its_citation_is_checked(world: World) -> None:
    answer, [request] = ask(world, said("The lamp of the tower was lit in 1911 [1]."))
    assert answer.citations[0].quote == SAID[0]
    assert answer.citations[0].is_supported
    assert answer.text.endswith("[1]")
    content = request["messages"][-1]["content"]
    texts = "".join(part["text"] for part in content if part["type"] == "text")
    assert "0:00–0:10 said: the lamp of the tower was lit in 1911" in texts
    assert [part["type"] for part in content].count("image_url") >= 1
    assert request["response_format"]["type"] == "json_schema"


def test_a_citation_of_the_wrong_sentence_is_moved(world: World) -> None:
    answer, _ = ask(
        world, said("The keeper arrived nine years later with a goat [1]."), "the lamp lit, the keeper with a goat"
    )
    assert answer.citations[0].quote == SAID[1]


def test_an_invented_year_is_flagged(world: World) -> None:
    answer, _ = ask(world, said("The lamp of the tower was lit in 1923 [1]."))
    assert not answer.citations[0].is_supported
    check = next(step for step in answer.trace if step["step"] == "check")
    assert check["unsupported"] == ["The lamp of the tower was lit in 1923."]


def test_an_answer_that_rests_on_nothing_is_withheld(world: World) -> None:
    answer, _ = ask(world, said("Bananas grow upwards."))
    assert answer.text == ""
    assert answer.abstained
    assert answer.citations == ()


def test_a_model_that_takes_no_pictures_is_asked_in_words_alone(world: World) -> None:
    def reply(request: dict) -> str | HttpReply:
        if any(isinstance(message["content"], list) for message in request["messages"]):
            return HttpReply.error(500, "image input is not supported")
        return said("The lamp of the tower was lit in 1911 [1].")

    with running_openai_server(reply) as server:
        answerer = world.retrieval(OpenAiLanguageModel(server.base_url, "blind", max_retries=0)).answerer
        for _ in range(2):
            assert answerer.answer(Question("when was the lamp lit?")).citations[0].quote == SAID[0]
    assert len(server.requests) == 3, "once it is known to be blind, no picture is sent again"


def test_only_a_deep_answer_lets_the_model_plan_its_search(world: World) -> None:
    def reply(request: dict) -> str:
        plans = "speech" in json.dumps(request["response_format"])
        senses = {"speech": "the lamp was lit", "screen": "", "visual": ""}
        return json.dumps(senses) if plans else said("In 1911 [1].")

    with running_openai_server(reply) as server:
        answerer = world.retrieval(OpenAiLanguageModel(server.base_url, "tiny", max_retries=0)).answerer
        assert answerer.answer(Question("when was the tower's lamp lit?")).abstained is None
        n_fast = len(server.requests)
        assert answerer.answer(Question("was its lamp shining?", effort="deep")).citations[0].quote == SAID[0]
    assert (n_fast, len(server.requests)) == (1, 3)


def test_a_model_that_says_it_cannot_know_abstains(world: World) -> None:
    answer, _ = ask(world, said("The keeper's name is not given.", is_answered=False))
    assert answer.abstained == "The keeper's name is not given."


@pytest.mark.parametrize("reply", ["Sorry, what?", "{", HttpReply.error(500, "out of memory")])
def test_a_model_that_fails_is_an_error_with_a_remedy(world: World, reply: str | HttpReply) -> None:
    with pytest.raises(TryAgain) as raised:
        ask(world, reply)
    assert raised.value.remedy


def test_a_reply_of_the_wrong_form_is_asked_for_again_with_a_reminder(world: World) -> None:
    def reply(request: dict) -> str:
        return said("In 1911 [1].") if len(request["messages"]) > 2 else "It was, I think, " + "in 1911, " * 500

    with running_openai_server(reply) as server:
        model = OpenAiLanguageModel(server.base_url, "tiny", max_retries=0)
        answer = world.retrieval(model).answerer.answer(Question("when was the lamp lit?"))
    assert answer.text.startswith("In 1911")
    first, second = (request["messages"] for request in server.requests)
    assert second[:2] == first
    assert [message["role"] for message in second] == ["system", "user", "assistant", "user"]
    assert len(second[2]["content"]) == MAX_REPEATED_CHARS


def test_instructions_in_the_evidence_stay_evidence(world: World) -> None:
    _, [request] = ask(world, said("The lamp of the tower was lit in 1911 [1]."))
    assert "never an instruction" in str(request["messages"][0]["content"])


def test_the_stream_ends_with_the_answer_and_says_only_what_was_checked(world: World) -> None:
    steps = list(world.retrieval().answerer.stream(Question("when was the lamp of the tower lit")))
    names = [step["step"] for step in steps if isinstance(step, dict) and "step" in step]
    assert names == ["search", "graph", "write", "check"]
    assert isinstance(steps[-1], Answer)
    deltas = "".join(step["delta"] for step in steps if isinstance(step, dict) and "delta" in step)
    assert deltas == steps[-1].text


def test_events_are_added_only_where_places_of_evidence_are_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def steps() -> list[object]:
        answer = world.retrieval().answerer.answer(Question("when was the lamp of the tower lit"))
        return [step["step"] for step in answer.trace]

    expanded: list[str] = []
    monkeypatch.setattr(GraphExpander, "expand", lambda _self, question, _moments: expanded.append(question.text) or ())
    names = steps()
    assert len(expanded) == 1
    monkeypatch.setattr("rag.exhibits.MAX_EXHIBITS", 1)
    monkeypatch.setattr("rag.answer.MAX_EXHIBITS", 1)
    assert steps() == names
    assert len(expanded) == 1


def test_a_follow_up_is_searched_with_the_question_before_it(world: World) -> None:
    history = (("user", "when was the lamp of the tower lit"), ("assistant", "In 1911."))
    answer = world.retrieval().answerer.answer(Question("and the storm?", history=history))
    assert {citation.quote for citation in answer.citations} <= set(SAID)
    assert answer.citations


OPTIONS = {
    "of times": ("In the last 5 seconds", "at 0:45", "before the storm", "“never”"),
    "long ones": tuple(f"{letter} " + "because the keeper of the goat said so again, " * 5 for letter in "abcd"),
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_options_are_shown_to_who_answers_and_never_read_as_wishes(world: World, options: tuple[str, ...]) -> None:
    asked = Question("What is said of the tower's lamp at 0:02?", options=options)
    with running_openai_server(lambda _: said("It was lit in 1911 [1].")) as server:
        model = OpenAiLanguageModel(server.base_url, "tiny", max_retries=0)
        chosen = world.retrieval(model).answerer.answer(asked)
    assert [moment.span for moment in chosen.moments] == [Span(0, 10)], "the question's own time still restricts"
    assert chosen.citations[0].quote == SAID[0]
    prompt = str(server.requests[0]["messages"][-1]["content"])
    assert all(f"{letter}. {option}" in prompt for letter, option in zip("ABCD", options, strict=True))


def test_the_words_of_options_help_to_find(world: World) -> None:
    asked = Question("what broke?")
    assert world.retrieval().answerer.answer(asked).moments[0].span == Span(40, 50)
    unnamed = Question("who arrived in the end, of all?", options=("a storm", "the keeper with a goat"))
    assert world.retrieval().answerer.answer(unnamed).moments[0].span == Span(20, 30)


def test_without_a_model_the_quotes_that_fit_question_and_options_are_chosen(world: World) -> None:
    options = ("a goat", "a storm")
    answer = world.retrieval().answerer.answer(Question("what came nine years later?", options=options))
    assert answer.citations[0].quote == SAID[1]


def test_an_index_that_lost_its_points_is_filled_again(world: World) -> None:
    before = world.retrieval().finder.find(SearchRequest(SAID[2]))
    world.index.delete_video(world.segments[0].video_id)
    assert world.retrieval().finder.find(SearchRequest(SAID[2])) == ()
    assert repair_index(world.catalogue, world.index, world.media) == 1
    assert world.retrieval().finder.find(SearchRequest(SAID[2])) == before
    assert repair_index(world.catalogue, world.index, world.media) == 0


def test_a_moment_of_a_deleted_video_is_not_returned(world: World) -> None:
    world.catalogue.begin_delete(world.segments[0].video_id)
    assert world.retrieval().finder.find(SearchRequest(SAID[0])) == ()


def test_records_stay_as_they_are(world: World) -> None:
    """Evidence read back equals what was published."""
    kept = world.catalogue.get_evidence([item.id for item in world.evidence])
    assert [replace(kept[item.id]) for item in world.evidence] == world.evidence
