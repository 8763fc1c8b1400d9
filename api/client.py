"""The REST API as Python calls: what the command line speaks, problems turned back into errors with a remedy.

It does not know where the server is found or started, nor how anything is shown.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Self

import httpx

from core.errors import BadInput, Conflict, KinographError, NotFound, TooLarge, TryAgain
from core.ids import is_id

Json = dict[str, Any]

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 600.0
"""A first answer may wait for models to load and for a language model to write; streams send heartbeats."""
PAGE_SIZE = 100

ERROR_BY_STATUS: dict[int, type[KinographError]] = {
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    503: TryAgain,
    507: TryAgain,
}


class Client:
    """A connection to one server; a context manager. Every method raises KinographError with the server's remedy."""

    def __init__(self, url: str, *, api_key: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        self.url = url.rstrip("/")
        self._http = httpx.Client(base_url=self.url, headers=headers, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def health(self) -> Json:
        return self._json("GET", "/healthz")

    def list_videos(self) -> list[Json]:
        """Return all videos, newest first."""
        videos: list[Json] = []
        cursor: str | None = None
        while True:
            page = self._json(
                "GET", "/v1/videos", params={"limit": PAGE_SIZE, **({"cursor": cursor} if cursor else {})}
            )
            videos += page["videos"]
            cursor = page["next_cursor"]
            if not cursor:
                return videos

    def get_video(self, video_id: str) -> Json:
        return self._json("GET", f"/v1/videos/{video_id}")

    def find_video(self, name: str) -> Json:
        """Return the video of that id, id prefix or title; the title may be in any case.

        Raises:
            NotFound: none fits.
            BadInput: several fit.
        """
        if is_id(name):
            return self.get_video(name)
        return pick_video(name, self.list_videos())

    def add_video(
        self,
        path: Path,
        *,
        title: str | None = None,
        subtitles: Path | None = None,
        on_sent: Callable[[int], None] = lambda _n_bytes: None,
    ) -> tuple[Json, bool]:
        """Upload a file; return the video and whether it is new. ``on_sent`` hears how many bytes more have left."""
        with ExitStack() as opened:
            files = {"file": _file_part(opened, path, on_sent)}
            if subtitles is not None:
                files["subtitles"] = _file_part(opened, subtitles, lambda _n_bytes: None)
            response = self._send("POST", "/v1/videos", files=files, data={"title": title} if title else None)
        video: Json = response.json()
        return video, response.status_code == httpx.codes.ACCEPTED

    def reindex_video(self, video_id: str) -> Json:
        return self._json("POST", f"/v1/videos/{video_id}/reindex")

    def delete_video(self, video_id: str) -> None:
        self._send("DELETE", f"/v1/videos/{video_id}")

    def search(
        self,
        query: str,
        *,
        videos: Sequence[str] = (),
        modalities: Sequence[str] = (),
        limit: int = 10,
        min_score: float | None = None,
    ) -> Json:
        """Return the moments and the plan; ``min_score`` None takes the service's own cut-off."""
        body = {"query": query, "videos": list(videos), "modalities": list(modalities), "limit": limit}
        return self._json("POST", "/v1/search", json=body | {"min_score": min_score})

    def ask(self, question: str, *, videos: Sequence[str] = (), options: Sequence[str] = ()) -> Json:
        body = {"question": question, "videos": list(videos)}
        return self._json("POST", "/v1/ask", json={**body, "options": list(options)} if options else body)

    def stream_answer(self, question: str, *, videos: Sequence[str] = ()) -> Iterator[tuple[str, Json]]:
        """Yield (event, data): ``step``, ``delta``, and last ``answer``. Raises what an ``error`` event says."""
        body = {"question": question, "videos": list(videos), "stream": True}
        for event, data in self._stream("POST", "/v1/ask", json=body):
            if event == "error":
                raise error_of(data.get("status", 500), data)
            yield event, data

    def follow_video(self, video_id: str) -> Iterator[tuple[str, Json]]:
        """Yield (event, data): ``progress``, ``part``, and last ``ready``, ``failed`` or ``deleted``."""
        return self._stream("GET", f"/v1/videos/{video_id}/events")

    def transcript(self, video_id: str, extension: str) -> str:
        """Return the transcript as ``vtt``, ``srt`` or ``json`` text."""
        return self._send("GET", f"/v1/videos/{video_id}/transcript.{extension}").text

    def thumbnail(self, video_id: str, time_s: float) -> bytes:
        """Return the JPEG of the keyframe nearest before the instant."""
        return self._send("GET", f"/v1/videos/{video_id}/thumbnail", params={"t": time_s}).content

    def list_events(self, video_id: str) -> list[Json]:
        """Return the first page of a video's events in time order."""
        events: list[Json] = self._json("GET", "/v1/graph/events", params={"video_id": video_id})["events"]
        return events

    def list_entities(self, query: str | None = None) -> list[Json]:
        """Return the first page of the library's entities, the most mentioned first."""
        params = {"query": query} if query else {}
        entities: list[Json] = self._json("GET", "/v1/graph/entities", params=params)["entities"]
        return entities

    def _json(self, method: str, path: str, **options: Any) -> Json:
        body: Json = self._send(method, path, **options).json()
        return body

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        with self._reached():
            response = self._http.request(method, path, **options)
        if response.is_error:
            raise error_of(response.status_code, _problem(response))
        return response

    def _stream(self, method: str, path: str, **options: Any) -> Iterator[tuple[str, Json]]:
        headers = {"Accept": "text/event-stream"}
        with self._reached(), self._http.stream(method, path, headers=headers, **options) as response:
            if response.is_error:
                response.read()
                raise error_of(response.status_code, _problem(response))
            yield from parse_events(response.iter_lines())

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Turn transport errors into TryAgain, and bytes of the command line that are no text into BadInput."""
        try:
            yield
        except UnicodeEncodeError as error:
            remedy = "Type it again in a terminal that is set to UTF-8."
            piece = error.object[error.start : error.end]
            raise BadInput(f"what was typed is no text: it holds {piece!r}", remedy=remedy) from error
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            remedy = "Check KINOGRAPH_URL and that `kinograph serve` is running there."
            raise TryAgain(f"no server answers at {self.url} ({error})", remedy=remedy) from error
        except httpx.TransportError as error:
            remedy = "Look whether the server is still running, then try again."
            raise TryAgain(
                f"the connection to {self.url} broke ({error or type(error).__name__})", remedy=remedy
            ) from error


class CountingFile:
    """A file that tells how many bytes were read from it; httpx reads it piece by piece as it sends."""

    def __init__(self, file: BinaryIO, on_read: Callable[[int], None]) -> None:
        self._file = file
        self._on_read = on_read

    def read(self, n_bytes: int = -1) -> bytes:
        data = self._file.read(n_bytes)
        self._on_read(len(data))
        return data

    def fileno(self) -> int:
        """Let httpx learn the size, so that it sends a Content-Length instead of chunks."""
        return self._file.fileno()

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.read(1 << 16), b"")


def _file_part(opened: ExitStack, path: Path, on_read: Callable[[int], None]) -> tuple[str, Any, str]:
    try:
        file = opened.enter_context(path.open("rb"))
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}", remedy="Check the path and its permissions.") from error
    # A name may be any bytes; those that are no text are sent as question marks, since the file itself is what matters.
    name = path.name.encode(errors="replace").decode()
    return name, CountingFile(file, on_read), mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def error_of(status: int, problem: Json) -> KinographError:
    """Return the problem as the error the server raised, as far as its status tells.

    >>> error_of(404, {"detail": "there is no video 'x'", "remedy": "List the videos."})
    NotFound("there is no video 'x'")
    """
    kind = ERROR_BY_STATUS.get(status, BadInput if status < 500 else KinographError)
    remedy = problem.get("remedy") or ""
    if status == httpx.codes.UNAUTHORIZED:
        remedy = "Set KINOGRAPH_API_KEY to the key the server was started with."
    return kind(problem.get("detail") or problem.get("title") or f"the server answered {status}", remedy=remedy)


def _problem(response: httpx.Response) -> Json:
    try:
        body = response.json()
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {"detail": f"the server answered {response.status_code}"}


def parse_events(lines: Iterator[str]) -> Iterator[tuple[str, Json]]:
    """Yield (event, data) of a server-sent event stream (WHATWG HTML §9.2.6); data is JSON.

    >>> list(parse_events(iter(["event: delta", 'data: {"delta": "a"}', "", ": still here", ""])))
    [('delta', {'delta': 'a'})]
    """
    name, data = "message", []
    for line in lines:
        if line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line:
            if data:
                yield name, json.loads("\n".join(data))
            name, data = "message", []


def pick_video(name: str, videos: Sequence[Json]) -> Json:
    """Return the one video whose id starts with the name, or whose title is it.

    >>> pick_video("talk", [{"id": "aa1", "title": "Talk"}, {"id": "ab2", "title": "Film"}])["id"]
    'aa1'

    Raises:
        NotFound: none fits.
        BadInput: several fit.
    """
    exact = [video for video in videos if video["title"] == name]
    same = [video for video in videos if video["title"].casefold() == name.casefold()]
    prefixed = [video for video in videos if video["id"].startswith(name.lower())]
    found = next((fits for fits in (exact, same, prefixed) if fits), [])
    if not found:
        raise NotFound(f"there is no video {name!r}", remedy="See `kinograph list`.")
    if len(found) > 1:
        ids = ", ".join(video["id"][:8] for video in found[:5])
        raise BadInput(f"{name!r} fits {len(found)} videos: {ids}", remedy="Give the id, or more of it.")
    return found[0]
