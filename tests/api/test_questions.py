"""Search, ask and the graph: what goes in, what comes out, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.errors import StageFailed, TryAgain
from core.plans import QueryPlan, SenseQueries
from core.protocols import SearchRequest
from core.records import Answer, Citation, Modality, Moment, Reason, Region, Span
from rag.plan import plan_query
from rag.titles import TitleSearch
from tests.api.conftest import World, spoken
from tests.api.test_videos import events_of

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def moment(video_id: str, start_s: float = 1.0, score: float = 0.8) -> Moment:
    said = spoken(video_id, 0)
    return Moment(
        video_id,
        "Talk",
        Span(start_s, start_s + 5),
        score,
        Modality.SPEECH,
        (said,),
        (Reason(Modality.SPEECH, 12.5, said.id, "Ada says"),),
        thumbnail_time_s=start_s + 1,
    )


def test_search_returns_moments_with_their_evidence_and_reasons(world: World) -> None:
    video_id = world.add_ready_video()
    world.finder.moments = (moment(video_id),)
    response = world.client.post("/v1/search", json={"query": "  Ada  "})
    assert response.status_code == 200
    [found] = response.json()["moments"]
    assert {key: found[key] for key in ("video_id", "video_title", "start_s", "end_s", "score", "modality")} == {
        "video_id": video_id,
        "video_title": "Talk",
        "start_s": 1.0,
        "end_s": 6.0,
        "score": 0.8,
        "modality": "speech",
    }
    assert found["evidence"][0]["text"] == "Ada says a < b & c in part 0."
    assert (found["reasons"][0]["kind"], found["reasons"][0]["matched"]) == ("content", "Ada says")
    assert world.client.get(found["thumbnail_url"]).headers["content-type"] == "image/jpeg"
    assert world.finder.requests[0].query == "Ada"


def test_a_reason_says_where_in_which_picture_its_words_stand(world: World) -> None:
    video_id = world.add_ready_video()
    region = Region(
        70 + 1 / 3000, ((0.1, 0.25, 0.5, 0.3), (0.2, 0.3, 0.75, 0.5))
    )  # told as 70.000: before the keyframe
    shown = replace(spoken(video_id, 1), modality=Modality.SCREEN, text="AN\nDER ELBE", region=region)
    reason = Reason(Modality.SCREEN, 0.8, shown.id, "ELBE", replace(region, boxes=region.boxes[1:]))
    found = Moment(
        video_id, "Talk", shown.span, 0.8, Modality.SCREEN, (shown,), (reason,), region.time_s, video_revision=3
    )
    world.finder.moments = (found, moment(video_id))
    seen, heard = world.client.post("/v1/search", json={"query": "Elbe"}).json()["moments"]
    assert seen["thumbnail_url"].endswith("t=70.000&v=3")
    place = {"time_s": 70.0, "picture_url": seen["thumbnail_url"]}
    assert seen["reasons"][0]["region"] == {"left": 0.2, "top": 0.3, "right": 0.75, "bottom": 0.5, **place}
    assert seen["evidence"][0]["region"] == {"left": 0.1, "top": 0.25, "right": 0.75, "bottom": 0.5, **place}
    assert (heard["reasons"][0]["region"], heard["evidence"][0]["region"]) == (None, None)


def test_search_passes_every_restriction_on(world: World) -> None:
    video_id = world.add_ready_video()
    body = {
        "query": "q",
        "videos": [video_id, video_id],
        "modalities": ["speech", "screen"],
        "time": {"start_s": 5, "end_s": 9},
        "limit": 3,
        "min_score": 0.5,
        "plan": "model",
    }
    assert world.client.post("/v1/search", json=body).json()["moments"] == []
    [request] = world.finder.requests
    assert request.video_ids == (video_id,)
    assert request.modalities == ("speech", "screen")
    assert request.time == Span(5, 9)
    assert (request.limit, request.min_score, request.planning) == (3, 0.5, "model")


def test_search_says_how_it_understood_the_query(world: World) -> None:
    world.finder.planner = plan_query
    body = {"query": 'someone says "no entry" after the storm in the first minute'}
    plan = world.client.post("/v1/search", json=body).json()["plan"]
    assert plan["understood"] == ["said", "“no entry”", "in the first minute", "after “the storm”"]
    assert (plan["intent"], plan["phrases"], plan["language"]) == ("speech", ["no entry"], "en")
    assert world.finder.requests[0].plan == plan_query(body["query"])


def test_search_takes_a_query_as_a_plain_description_where_that_is_asked(world: World) -> None:
    assert world.client.post("/v1/search", json={"query": 'people say "run"', "plan": "none"}).status_code == 200
    assert world.finder.requests[0].planning == "none"


def test_a_search_that_no_model_planned_says_so(world: World) -> None:
    asked = world.client.post("/v1/search", json={"query": "a storm", "plan": "model"}).json()["plan"]
    assert asked["understood"] == ["by rules, as no model helped"]
    assert world.client.post("/v1/search", json={"query": "a storm"}).json()["plan"]["understood"] == []
    world.finder.planner = lambda query: QueryPlan(query, query, by_sense=SenseQueries("storm", "", ""))
    helped = world.client.post("/v1/search", json={"query": "a storm", "plan": "model"}).json()["plan"]
    assert helped["understood"] == ["in the model’s words"]


def test_a_video_found_by_its_title_is_shown_with_its_picture(world: World) -> None:
    video_id = world.add_ready_video()
    video = world.services.catalogue.rename_video(video_id, "Heron Point")
    request = SearchRequest("heron", modalities=("metadata",))
    world.finder.moments = tuple(TitleSearch(world.services.catalogue).add([], QueryPlan("heron", "heron"), request))
    body = {"query": "heron", "modalities": ["metadata"]}
    [found] = world.client.post("/v1/search", json=body).json()["moments"]
    assert (found["video_title"], found["modality"], found["evidence"]) == (video.title, "metadata", [])
    assert [(reason["kind"], reason["matched"]) for reason in found["reasons"]] == [("title", "heron")]
    shown = world.client.get(found["thumbnail_url"])
    assert (shown.status_code, "immutable" in shown.headers["cache-control"]) == (200, True)


def test_search_groups_by_video(world: World) -> None:
    first, second = world.add_ready_video(b"video 120 a"), world.add_ready_video(b"video 120 b")
    world.finder.moments = (moment(second, 1, 0.9), moment(first, 1, 0.8), moment(second, 30, 0.7))
    found = world.client.post("/v1/search", json={"query": "q", "group_by": "video"}).json()
    assert [(video["video_id"], video["score"], len(video["moments"])) for video in found["videos"]] == [
        (second, 0.9, 1),
        (first, 0.8, 1),
    ]
    assert [moment["start_s"] for moment in found["moments"]] == [1, 1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"query": "   "}, "body.query"),
        ({"query": "x" * 2001}, "body.query"),
        ({"limit": 0}, "body.limit"),
        ({"limit": 101}, "body.limit"),
        ({"modalities": ["smell"]}, "'speech', 'screen', 'caption', 'object', 'visual'"),
        ({"time": {"start_s": 5, "end_s": 5}}, "end_s must be greater"),
        ({"time": {"start_s": -1, "end_s": 5}}, "start_s"),
        ({"group_by": "colour"}, "'video'"),
        ({"min_score": 2}, "min_score"),
        ({"qeury": "x"}, "qeury"),
        ({"videos": ["x"] * 501}, "videos"),
    ],
)
def test_wrong_searches_say_which_field_is_wrong(world: World, change: dict[str, Any], told: str) -> None:
    response = world.client.post("/v1/search", json={"query": "q"} | change)
    assert response.status_code == 422
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert told in problem["detail"]
    assert problem["remedy"]
    assert problem["errors"]


@pytest.mark.parametrize("path", ["/v1/search", "/v1/ask"])
def test_unknown_videos_are_named(world: World, path: str) -> None:
    known = world.upload()
    body = {"query" if path.endswith("search") else "question": "q", "videos": [known, UNKNOWN, "nonsense"]}
    response = world.client.post(path, json=body)
    assert response.status_code == 404
    assert UNKNOWN in response.json()["detail"]
    assert "nonsense" in response.json()["detail"]
    assert known not in response.json()["detail"]


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b"\xff\xfe", b"\xff", b'{"query": NaN}', b"null", b"[" * 100_000])
def test_broken_json_is_a_problem(world: World, body: bytes) -> None:
    response = world.client.post("/v1/search", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["remedy"]


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}])
@pytest.mark.parametrize("path", ["/v1/search", "/v1/ask"])
def test_json_that_is_not_sent_as_json_says_which_header_is_missing(
    world: World, path: str, headers: dict[str, str]
) -> None:
    response = world.client.post(path, content=b'{"query": "q"}', headers=headers)
    assert response.status_code == 415
    assert "content-type: application/json" in response.json()["remedy"]


def test_large_json_is_refused_whether_or_not_it_tells_its_length(world: World) -> None:
    pieces = (b"x" * 2**16 for _ in range(64))
    told = world.client.post("/v1/search", json={"query": "x" * 2**21})
    untold = world.client.post("/v1/search", content=pieces, headers={"Content-Type": "application/json"})
    for response in (told, untold):
        assert response.status_code == 413
        assert response.headers["content-type"] == "application/problem+json"


def answer(video_id: str) -> Answer:
    said = spoken(video_id, 0)
    return Answer(
        "Ada compares [1].",
        (Citation("[1]", video_id, "Talk", said.span, said.text, said.id),),
        (moment(video_id),),
        produced_by="fake",
        hint="Configure a model.",
        trace=({"step": "retrieve", "score": float("nan")},),
    )


def test_ask_returns_the_answer_with_citations(world: World) -> None:
    video_id = world.add_ready_video()
    world.answerer.reply = answer(video_id)
    history = [{"role": "user", "content": "Hello"}]
    options = ["That they compare", "In the first minute"]
    body = {"question": "What does Ada say?", "history": history, "effort": "deep", "options": options}
    found = world.client.post("/v1/ask", json=body).json()
    assert found["answer"] == "Ada compares [1]."
    assert found["citations"] == [
        {
            "marker": "[1]",
            "video_id": video_id,
            "video_title": "Talk",
            "start_s": 1.0,
            "end_s": 3.5,
            "quote": "Ada says a < b & c in part 0.",
            "modality": "speech",
            "evidence_id": spoken(video_id, 0).id,
            "is_supported": True,
        }
    ]
    assert (found["abstained"], len(found["moments"]), found["hint"]) == (None, 1, "Configure a model.")
    [question] = world.answerer.questions
    assert (question.effort, question.history) == ("deep", (("user", "Hello"),))
    assert (question.text, question.options) == ("What does Ada say?", tuple(options))


def test_an_abstention_is_an_answer(world: World) -> None:
    found = world.client.post("/v1/ask", json={"question": "Who?"})
    assert found.status_code == 200
    assert found.json()["abstained"] == "nothing is known"


def test_ask_streams_steps_words_and_the_whole_answer(world: World) -> None:
    video_id = world.add_ready_video()
    world.answerer.reply = answer(video_id)
    response = world.client.post("/v1/ask", json={"question": "What?", "stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    events = events_of(response.text)
    assert [name for name, _ in events] == ["step", "delta", "delta", "delta", "answer"]
    assert "".join(data["delta"] for name, data in events if name == "delta").strip() == "Ada compares [1]."
    assert events[-1][1] == world.client.post("/v1/ask", json={"question": "What?"}).json()
    assert world.answerer.is_closed


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (TryAgain("the model is overloaded", remedy="Wait."), 503, "the model is overloaded"),
        (StageFailed("write", "no reply"), 500, "write: no reply"),
        (RuntimeError("secret inside"), 500, "unexpected"),
    ],
)
def test_failures_while_answering_are_problems(world: World, error: Exception, status: int, told: str) -> None:
    world.answerer.error = error
    plain = world.client.post("/v1/ask", json={"question": "q"})
    assert plain.status_code == status
    assert plain.headers["content-type"] == "application/problem+json"
    streamed = events_of(world.client.post("/v1/ask", json={"question": "q", "stream": True}).text)
    assert [name for name, _ in streamed] == ["step", "error"]
    for problem in (plain.json(), streamed[-1][1]):
        assert told in problem["detail"]
        assert "secret" not in str(problem)


def test_the_graph_lists_who_what_and_how(world: World) -> None:
    video_id = world.add_ready_video(title="A talk")
    [entity] = world.client.get("/v1/graph/entities").json()["entities"]
    assert (entity["name"], entity["kind"], entity["n_mentions"]) == ("Ada Lovelace", "person", 1)
    assert world.client.get("/v1/graph/entities", params={"query": "lovel"}).json()["entities"] == [entity]
    assert world.client.get("/v1/graph/entities", params={"kind": "place"}).json()["entities"] == []
    detail = world.client.get(f"/v1/graph/entities/{entity['id']}").json()
    [video] = detail["videos"]
    assert (video["video_id"], video["video_title"]) == (video_id, "A talk")
    assert [(found["surface"], found["start_s"]) for found in video["mentions"]] == [("Ada", 1.0)]
    [event] = world.client.get("/v1/graph/events", params={"video_id": video_id, "entity_id": entity["id"]}).json()[
        "events"
    ]
    assert event["participant_ids"] == [entity["id"]]
    [link] = world.client.get("/v1/graph/links", params={"video_id": video_id}).json()["links"]
    assert (link["kind"], link["source_id"], link["target_id"]) == ("mentions", event["id"], entity["id"])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/v1/graph/entities/{UNKNOWN}", 404),
        ("/v1/graph/entities/nonsense", 404),
        (f"/v1/graph/events?video_id={UNKNOWN}", 404),
        (f"/v1/graph/events?entity_id={UNKNOWN}", 404),
        (f"/v1/graph/links?video_id={UNKNOWN}", 404),
        ("/v1/graph/links", 422),
        ("/v1/graph/entities?cursor=x", 422),
        ("/v1/graph/entities?limit=501", 422),
    ],
)
def test_wrong_graph_requests(world: World, path: str, status: int) -> None:
    response = world.client.get(path)
    assert response.status_code == status
    assert response.json()["remedy"]
