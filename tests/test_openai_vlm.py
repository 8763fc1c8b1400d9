"""The OpenAI-compatible language model against a real HTTP server: what is sent, and what each failure becomes."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from adapters.openai_vlm import OpenAiLanguageModel
from core.errors import BadInput, TryAgain
from core.protocols import Message
from tests.fakes.openai_server import HttpReply, OpenAiServer, Reply, running_openai_server

SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
HELLO = [Message("user", ("Who is it?",))]


@contextmanager
def connected(
    reply: Reply = lambda _: "It is so.", *, model: str = "tiny", **options: Any
) -> Iterator[tuple[OpenAiLanguageModel, OpenAiServer]]:
    """Yield a language model and the server it speaks to."""
    with running_openai_server(reply, models=("tiny",)) as server:
        language_model = OpenAiLanguageModel(server.base_url, model, **options)
        try:
            yield language_model, server
        finally:
            language_model.close()


def test_texts_and_pictures_arrive_in_order_with_the_key() -> None:
    with connected(api_key="secret") as (model, server):
        said = model.complete(
            [Message("system", ("Be brief.",)), Message("user", ("At 0:05:", b"\xff\xd8jpeg", "what is it?"))]
        )
    assert said == "It is so."
    assert server.keys == ["Bearer secret"]
    assert server.requests[0]["model"] == "tiny"
    system, user = server.requests[0]["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    assert [part["type"] for part in user["content"]] == ["text", "image_url", "text"]
    kind, data = user["content"][1]["image_url"]["url"].split(",")
    assert kind == "data:image/jpeg;base64"
    assert base64.b64decode(data) == b"\xff\xd8jpeg"


def test_the_schema_is_sent_and_json_comes_back() -> None:
    with connected(lambda _: '{"answer": "Ada"}') as (model, server):
        assert json.loads(model.complete(HELLO, schema=SCHEMA)) == {"answer": "Ada"}
    sent = server.requests[0]["response_format"]
    assert sent["type"] == "json_schema"
    assert sent["json_schema"]["schema"] == SCHEMA


@pytest.mark.parametrize("known", [("json_object",), ()])
def test_a_server_that_refuses_the_format_is_asked_in_the_next_form(known: tuple[str, ...]) -> None:
    def reply(request: dict[str, Any]) -> str | HttpReply:
        asked = request.get("response_format", {}).get("type")
        if asked is not None and asked not in known:
            return HttpReply.error(400, f"unknown response_format {asked}")
        return '```json\n{"answer": "Ada"}\n```'

    with connected(reply) as (model, server):
        assert json.loads(model.complete(HELLO, schema=SCHEMA)) == {"answer": "Ada"}
        n_tried = len(server.requests)
        model.complete(HELLO, schema=SCHEMA)
        assert len(server.requests) == n_tried + 1, "the form that worked is kept"
    assert json.dumps(SCHEMA) in server.requests[-1]["messages"][-1]["content"]


def test_thoughts_of_reasoning_models_are_left_out() -> None:
    with connected(lambda _: "<think>Hm.\nAda?</think>\nAda.") as (model, _):
        assert model.complete(HELLO) == "Ada."


def test_half_a_character_in_a_reply_is_a_question_mark() -> None:
    with connected(lambda _: "Ada \ud83d") as (model, _):
        assert model.complete(HELLO) == "Ada ?"


def test_a_fence_that_goes_on_in_empty_lines_comes_back_as_it_is() -> None:
    endless = "```json" + "\n" * 20_000 + "x"
    with connected(lambda _: endless) as (model, _):
        assert model.complete(HELLO, schema=SCHEMA) == endless


def test_a_model_that_takes_no_temperature_is_asked_without() -> None:
    def reply(request: dict[str, Any]) -> str | HttpReply:
        return HttpReply.error(400, "Unsupported value: 'temperature'") if "temperature" in request else "Ada."

    with connected(reply) as (model, server):
        assert model.complete(HELLO) == "Ada."
        assert model.complete(HELLO) == "Ada."
    assert len(server.requests) == 3


def test_an_overloaded_server_is_asked_again() -> None:
    answers: list[str | HttpReply] = [HttpReply.error(429, "slow down"), HttpReply.error(503, "loading"), "Ada."]
    with connected(lambda _: answers.pop(0)) as (model, server):
        assert model.complete(HELLO) == "Ada."
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("answer", "error", "hint"),
    [
        (HttpReply.error(401, "bad key"), BadInput, "KINOGRAPH_VLM_API_KEY"),
        (HttpReply.error(403, "not yours"), BadInput, "KINOGRAPH_VLM_API_KEY"),
        (HttpReply.error(400, "this model takes no pictures"), BadInput, "takes no pictures"),
        (HttpReply.error(422, "bad field"), BadInput, "bad field"),
        (HttpReply.error(418, "teapot"), BadInput, "KINOGRAPH_VLM_URL"),
        (HttpReply.error(500, "out of memory"), TryAgain, "out of memory"),
        (HttpReply.error(429, "quota"), TryAgain, "quota"),
        (HttpReply(body='{"choices": [{"mess'), TryAgain, "KINOGRAPH_VLM_URL"),
        (HttpReply(body="{}"), TryAgain, "KINOGRAPH_VLM_URL"),
        (HttpReply(body="<h1>Welcome</h1>", content_type="text/html"), TryAgain, "KINOGRAPH_VLM_URL"),
        ("", TryAgain, "without any text"),
        (HttpReply(hangs=True), TryAgain, "KINOGRAPH_VLM_TIMEOUT_S"),
    ],
)
def test_each_failure_says_what_to_do(answer: str | HttpReply, error: type[Exception], hint: str) -> None:
    with (
        connected(lambda _: answer, timeout_s=0.3, max_retries=1) as (model, _),
        pytest.raises(error, match=hint),
    ):
        model.complete(HELLO)


def test_an_unknown_model_is_bad_input_that_names_the_setting() -> None:
    with connected(model="huge") as (model, _), pytest.raises(BadInput, match="KINOGRAPH_VLM_MODEL"):
        model.complete(HELLO)


def test_no_model_name_is_said_before_anything_is_sent() -> None:
    with connected(model="") as (model, server):
        with pytest.raises(BadInput, match="KINOGRAPH_VLM_MODEL"):
            model.complete(HELLO)
        assert server.requests == []


def test_a_server_that_is_not_there_is_worth_another_try() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        model = OpenAiLanguageModel(f"http://127.0.0.1:{free.getsockname()[1]}/v1", "tiny", max_retries=0)
        with pytest.raises(TryAgain, match="KINOGRAPH_VLM_URL"):
            model.complete(HELLO)
        model.close()


def test_a_url_without_a_scheme_is_explained() -> None:
    model = OpenAiLanguageModel("localhost/v1", "tiny", max_retries=0)
    with pytest.raises(TryAgain, match="KINOGRAPH_VLM_URL"):
        model.complete(HELLO)
    model.close()
