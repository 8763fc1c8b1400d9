"""A chat model behind any OpenAI-compatible endpoint: vLLM, Ollama, llama.cpp, a cloud.

It does not know prompts, nor what replies mean.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Sequence
from typing import Any

from core.errors import BadInput, CannotSee, KinographError, TryAgain
from core.protocols import Message

MAX_RETRIES = 2
"""The client tries again after lost connections, 408, 409, 429 and 5xx, with backoff or after what the server says."""
CONNECT_TIMEOUT_S = 5.0

SCHEMA_INSTRUCTION = "Reply with one JSON object and nothing else. It must match this JSON schema: "
_THOUGHTS = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)
"""What reasoning models say to themselves, where the server does not set it apart."""

_NO_PICTURES = re.compile(r"image|vision|multimodal|mmproj", re.IGNORECASE)
"""What servers name when they refuse pictures, with 400 or 500."""

_FORMATS = ("json_schema", "json_object", "plain")
"""Ways to ask for JSON, strictest first. Servers refuse those they do not know with 400 or 422."""


class OpenAiLanguageModel:
    """Speaks the chat-completions format; a lost server is TryAgain, a refusal is BadInput with what to change.

    ``timeout_s`` is how long the server may stay silent before one attempt is given up. The way of asking for JSON that
    the server accepted once is kept.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api_key: str | None = None,
        timeout_s: float = 120.0,
        max_retries: int = MAX_RETRIES,
    ) -> None:
        self.name = model or "unnamed model"
        self._url = url.rstrip("/")
        self._model = model
        self._api_key = api_key
        self._timeout_s = timeout_s
        self._max_retries = max_retries
        self._lock = threading.Lock()
        self._client: Any = None
        self._first_format = 0
        self._options: dict[str, Any] = {"temperature": 0.0}
        self._is_blind = False

    def complete(self, messages: Sequence[Message], *, schema: dict[str, Any] | None = None) -> str:
        """Return the reply; with a JSON schema, a JSON text that the caller must still validate.

        Raises:
            TryAgain: the endpoint is unreachable, overloaded, too slow, or replies nothing.
            BadInput: the endpoint refuses the model name, the key or the request, or the settings name no model.
            CannotSee: there are pictures in the messages, and the model takes none.
        """
        has_pictures = any(isinstance(part, bytes) for message in messages for part in message.parts)
        if has_pictures and self._is_blind:
            raise self._cannot_see()
        if not self._model:
            raise BadInput(
                "no language model is named", remedy=f"Set KINOGRAPH_VLM_MODEL to one of {self._url}/models."
            )
        chat = [to_chat(message) for message in messages]
        if schema is None:
            return _strip_thoughts(self._create(chat))
        return _strip_fence(self._create_json(chat, schema))

    def close(self) -> None:
        """Close kept connections; the next call opens new ones."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _create_json(self, chat: list[dict[str, Any]], schema: dict[str, Any]) -> str:
        """Ask in the strictest way the server takes; a refusal of the last way is final."""
        for number in range(self._first_format, len(_FORMATS)):
            try:
                reply = self._create(*_as_json_request(_FORMATS[number], chat, schema))
            except _Refused:
                if number + 1 == len(_FORMATS):
                    raise
                continue
            self._first_format = number
            return _strip_thoughts(reply)
        raise AssertionError("unreachable: the loop returns or raises")

    def _create(self, chat: list[dict[str, Any]], response_format: dict[str, Any] | None = None) -> str:
        import openai

        extra = {"response_format": response_format} if response_format else {}
        try:
            completion = self._connect().chat.completions.create(
                model=self._model, messages=chat, **self._options, **extra
            )
            return _content(completion)
        except (openai.OpenAIError, json.JSONDecodeError) as error:
            if isinstance(error, openai.APIStatusError) and _has_pictures(chat) and _NO_PICTURES.search(str(error)):
                self._is_blind = True
                raise self._cannot_see() from error
            if isinstance(error, openai.BadRequestError) and "temperature" in str(error) and self._options:
                self._options = {}  # some reasoning models take no other than their own
                return self._create(chat, response_format)
            raise self._explain(error) from error

    def _cannot_see(self) -> CannotSee:
        remedy = "Configure a vision-language model, e.g. qwen2.5vl:7b."
        return CannotSee(f"the language model {self._model} takes no pictures", remedy=remedy)

    def _connect(self) -> Any:
        import openai

        with self._lock:
            if self._client is None:
                self._client = openai.OpenAI(
                    base_url=self._url,
                    api_key=self._api_key or "none",  # local servers ask for none, the client insists on one
                    timeout=openai.Timeout(self._timeout_s, connect=min(CONNECT_TIMEOUT_S, self._timeout_s)),
                    max_retries=self._max_retries,
                )
            return self._client

    def _explain(self, error: Exception) -> KinographError:
        """Return our error for one of the client's, classed by what the caller can do."""
        import openai

        where = f"the language model at {self._url}"
        match error:
            case openai.APITimeoutError():
                remedy = "Raise KINOGRAPH_VLM_TIMEOUT_S, or configure a smaller model."
                return TryAgain(f"{where} said nothing for {self._timeout_s:g} s", remedy=remedy)
            case openai.APIConnectionError():
                remedy = "Start it, or correct KINOGRAPH_VLM_URL."
                return TryAgain(f"{where} cannot be reached: {error.__cause__ or error}", remedy=remedy)
            case openai.AuthenticationError() | openai.PermissionDeniedError():
                remedy = "Set KINOGRAPH_VLM_API_KEY to a key that may use this model."
                return BadInput(f"{where} refuses the key", remedy=remedy)
            case openai.NotFoundError():
                remedy = f"Set KINOGRAPH_VLM_MODEL to one of {self._url}/models; most URLs end in /v1."
                return BadInput(f"{where} knows no model {self._model}", remedy=remedy)
            case openai.BadRequestError() | openai.UnprocessableEntityError():
                remedy = "Check that the model takes pictures and has room for the prompt."
                return _Refused(f"{where} refuses the request: {error.message}", remedy=remedy)
            case openai.APIStatusError() if error.status_code in (408, 409, 429) or error.status_code >= 500:
                return TryAgain(f"{where} answers {error.status_code}: {error.message}", remedy="Try again later.")
            case openai.APIStatusError():
                remedy = "Check KINOGRAPH_VLM_URL and KINOGRAPH_VLM_MODEL."
                return BadInput(f"{where} answers {error.status_code}: {error.message}", remedy=remedy)
        remedy = "Check that KINOGRAPH_VLM_URL speaks the OpenAI format; most URLs end in /v1."
        return TryAgain(f"{where} did not reply with a chat completion", remedy=remedy)


class _Refused(BadInput):
    """The server refuses this form of request; another form may do."""


def to_chat(message: Message) -> dict[str, Any]:
    """Return a message in the chat-completions format; pictures travel as data URLs, in their place among the texts.

    >>> to_chat(Message("user", ("hello",)))
    {'role': 'user', 'content': 'hello'}
    """
    if all(isinstance(part, str) for part in message.parts):
        return {"role": message.role, "content": "\n".join(str(part) for part in message.parts)}
    return {"role": message.role, "content": [_to_part(part) for part in message.parts]}


def _has_pictures(chat: Sequence[dict[str, Any]]) -> bool:
    return any(isinstance(message["content"], list) for message in chat)


def _to_part(part: str | bytes) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    url = f"data:image/jpeg;base64,{base64.b64encode(part).decode('ascii')}"
    return {"type": "image_url", "image_url": {"url": url}}


def _as_json_request(
    form: str, chat: list[dict[str, Any]], schema: dict[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Return messages and ``response_format``; where the server does not enforce the schema, the prompt states it."""
    if form == "json_schema":
        return chat, {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": True}}
    told = [*chat, {"role": "system", "content": SCHEMA_INSTRUCTION + json.dumps(schema)}]
    return told, {"type": "json_object"} if form == "json_object" else None


def _content(completion: Any) -> str:
    """Return the text of the first choice, half a character at which a reply was cut off as a question mark.

    Raises:
        TryAgain: there is none; a web page under the URL comes back as such, too.
    """
    choices = getattr(completion, "choices", None)
    text = choices[0].message.content if choices and choices[0].message else None
    if not text:
        raise TryAgain(
            "the language model replied without any text",
            remedy="Try again; check that KINOGRAPH_VLM_URL speaks the OpenAI format (most URLs end in /v1).",
        )
    return str(text).encode("utf-8", "replace").decode("utf-8")


def _strip_thoughts(reply: str) -> str:
    return _THOUGHTS.sub("", reply).strip()


def _strip_fence(reply: str) -> str:
    """Return what stands in a code fence, if the reply is one; no pattern, as models may go on with empty lines.

    >>> _strip_fence('```json\\n{"answer": "Ada"}\\n```'), _strip_fence("```json\\n\\n")
    ('{"answer": "Ada"}', '```json\\n\\n')
    """
    first, *body = reply.strip().split("\n")
    is_fenced = first.rstrip() in ("```", "```json") and len(body) > 1 and body[-1].strip() == "```"
    return "\n".join(body[:-1]).strip() if is_fenced else reply
