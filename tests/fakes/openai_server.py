"""A real HTTP server on 127.0.0.1 that speaks the chat-completions format and says what a test tells it to.

It does not know any model: ``reply`` is the model.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class HttpReply:
    """An answer other than a completion: ``body`` goes out as it is; ``hangs`` keeps the client waiting."""

    status: int = 200
    body: str = ""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    hangs: bool = False

    @staticmethod
    def error(status: int, message: str) -> HttpReply:
        """Return an error as OpenAI words it; clients that retry do so at once."""
        body = json.dumps({"error": {"message": message, "type": "error", "code": None, "param": None}})
        return HttpReply(status, body, headers=(("retry-after-ms", "1"),))


Reply = Callable[[dict[str, Any]], str | HttpReply]
"""From the JSON body of a request to the text of the completion, or to another answer."""


@dataclass
class OpenAiServer:
    """What a test sees of the running server; ``requests`` are the JSON bodies of completions, in order."""

    base_url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)


@contextmanager
def running_openai_server(
    reply: Reply = lambda _: "It is so.", *, models: tuple[str, ...] = ()
) -> Iterator[OpenAiServer]:
    """Serve ``POST /v1/chat/completions`` and ``GET /v1/models`` until the block ends.

    With ``models``, requests for another model get 404, as vLLM and Ollama answer.
    """
    state = OpenAiServer("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(HttpReply(body=json.dumps({"object": "list", "data": [{"id": name} for name in models]})))

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self.path != "/v1/chat/completions":
                self._send(HttpReply.error(404, f"no route {self.path}"))
                return
            state.requests.append(request)
            state.keys.append(self.headers.get("authorization", ""))
            if models and request["model"] not in models:
                self._send(HttpReply.error(404, f"The model `{request['model']}` does not exist."))
                return
            said = reply(request)
            self._send(HttpReply(body=_completion(request["model"], said)) if isinstance(said, str) else said)

        def _send(self, answer: HttpReply) -> None:
            if answer.hangs:
                state.closing.wait(timeout=60)
                self.close_connection = True
                return
            data = answer.body.encode()
            self.send_response(answer.status)
            for name, value in (
                ("content-type", answer.content_type),
                ("content-length", str(len(data))),
                *answer.headers,
            ):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _completion(model: str, text: str) -> str:
    message = {"role": "assistant", "content": text}
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }
    )
