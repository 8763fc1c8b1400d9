"""`kinograph demo` (and `make run`): serve, index the bundled sample, show one search and one answer, keep serving.

It does not know how anything is computed: all it shows comes from the REST API.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from rich.panel import Panel

from api.cli_add import wait_for_videos
from api.cli_render import answer_view, out, show_moments
from api.cli_server import await_server, find_server, stop_server
from api.client import Client
from core.errors import StageFailed, TryAgain
from core.settings import Settings

START_TIMEOUT_S = 60.0


def run_demo(settings: Settings, *, once: bool) -> None:
    """Show the product on the sample video; with ``once`` stop afterwards, else serve until interrupted.

    Raises:
        TryAgain: the service did not start.
        StageFailed: the sample could not be indexed.
    """
    sample = sample_video()
    story = json.loads(sample.with_suffix(".json").read_text(encoding="utf-8"))
    api_key = settings.api_key.get_secret_value() if settings.api_key else None
    with _serving(settings, port=0 if once else settings.port) as (url, server):
        with Client(url, api_key=api_key) as client:
            video, _is_new = client.add_video(sample, title=story["videos"][0]["title"])
            [video] = wait_for_videos(client, [video])
            if video["status"] == "failed":
                raise StageFailed(video["failure"]["stage"], video["failure"]["reason"])
            _show(client, story["demo"]["search"], story["demo"]["ask"])
        if server is not None and not once:
            out.print(f"\nThe page is at [bold]{url}[/bold] — serving; stop with Ctrl-C.")
            server.wait()
        else:
            out.print(f"\nThe page {'is' if server is None else 'was'} at [bold]{url}[/bold].")


def sample_video() -> Path:
    """Return the bundled sample video."""
    folder = Path(str(resources.files("api"))) / "web" / "sample"
    return min(folder.glob("*.mp4"))


def _show(client: Client, query: str, question: str) -> None:
    out.print(f"\n[bold]kinograph search[/bold] “{query}”")
    show_moments(client.search(query, limit=3)["moments"])
    out.print(f"\n[bold]kinograph ask[/bold] “{question}”")
    out.print(Panel(answer_view(client.ask(question))))


@contextmanager
def _serving(settings: Settings, *, port: int) -> Iterator[tuple[str, subprocess.Popen[bytes] | None]]:
    """Yield the address of the server live on this home, or of one that is started, with its process."""
    live = find_server(settings)
    if live is not None:
        yield live.url, None
        return
    server = subprocess.Popen([sys.executable, "-m", "api.cli", "serve", "--port", str(port)])
    try:
        yield _wait_until_alive(settings.home, server), server
    finally:
        stop_server(server)


def _wait_until_alive(home: Path, server: subprocess.Popen[bytes]) -> str:
    url = await_server(server, home, timeout_s=START_TIMEOUT_S)
    if url is None:
        remedy = "Its message above says why; if the port is taken, set KINOGRAPH_PORT."
        raise TryAgain("the service did not start", remedy=remedy)
    return url
