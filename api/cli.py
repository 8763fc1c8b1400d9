"""`kinograph`: the command line. Each command is a call of the REST API, or the start of an entry point of its own.

It does not know how anything is found, indexed or shown. Heavy imports stay inside commands, so that help is instant.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from api.transcripts import TranscriptFormat
from core.errors import BadInput, KinographError
from core.records import Modality

if TYPE_CHECKING:
    from api.cli_server import Server
    from api.client import Client
    from core.settings import Settings

app = typer.Typer(
    name="kinograph",
    help="Makes a library of long videos searchable and answerable, with citations that seek to the second.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}

INTERRUPTED, TERMINATED = 130, 143
"""Exit statuses as shells give them: 128 and the number of the signal."""


def _check_share(value: float | None) -> float | None:
    if value is not None and not 0 <= value <= 1:  # which "nan" is not either
        raise typer.BadParameter("a score is a number from 0 to 1")
    return value


LeastFit = Annotated[
    float | None,
    typer.Option(
        callback=_check_share,
        help="Only moments that fit at least so well, 0 (anything) to 1.  [default: the service's cut-off]",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")]
InVideo = Annotated[list[str] | None, typer.Option("--video", help="Look only in this video; may be repeated.")]
VideoName = Annotated[str, typer.Argument(metavar="VIDEO", help="An id, the beginning of one, or a title.")]
ExistingFile = typer.Argument(exists=True, dir_okay=False, metavar="FILE…", help="Video or audio files.")


def main() -> None:
    """Run the command line; an error is one line on stderr with what to do, and exit status 1."""
    # By default SIGTERM kills at once: a server started for a command would live on, and a service would leave its
    # workers and its address behind (uvicorn raises the signal again once it has shut down). An exit unwinds the stack.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        app()
    except KinographError as error:
        sys.exit(_report(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader (`| head`) has left; stdout must not be flushed again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _report(error: KinographError) -> int:
    from api.cli_render import err

    err.print(f"kinograph: {error}", style="red", markup=False, soft_wrap=True)
    return 1


def _settings() -> Settings:
    from core.settings import read_settings

    return read_settings()


@contextmanager
def _connected(*, n_workers: int | None = 0) -> Iterator[tuple[Client, Server]]:
    """Yield a client of the server to speak to; one that has to be started gets so many workers (None: its setting)."""
    from api.cli_server import reach_server
    from api.client import Client

    settings = _settings()
    key = settings.api_key.get_secret_value() if settings.api_key else None
    with reach_server(settings, n_workers=n_workers) as server, Client(server.url, api_key=key) as client:
        yield client, server


def _ids_of(client: Client, names: list[str] | None) -> list[str]:
    return [client.find_video(name)["id"] for name in names or []]


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.  [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0 takes a free one.  [default: 8765]")] = None,
) -> None:
    """Run the service: API, page and workers."""
    from api.serve import serve as run

    run(_settings(), host=host, port=port)


@app.command(context_settings=PASS_ON)
def worker(context: typer.Context) -> None:
    """Run a worker that indexes what a broker hands out."""
    _become("indexer.worker", context.args)


@app.command()
def add(
    files: Annotated[list[Path], ExistingFile],
    title: Annotated[str | None, typer.Option(help="Title instead of the file's name.")] = None,
    subtitles: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A .srt or .vtt file to use as transcript.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Return when everything is indexed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add videos to the library."""
    from api import cli_render as render
    from api.cli_add import add_files, wait_for_videos

    if len(files) > 1 and (title or subtitles):
        raise typer.BadParameter("--title and --subtitles go with one file")
    with _connected(n_workers=None) as (client, server):
        videos, n_failed = add_files(client, files, title=title, subtitles=subtitles, on_error=_report)
        if videos and server.is_ours and not wait:
            render.err.print(
                "Waiting until indexed: the server was started for this command and stops with it. "
                "Run `kinograph serve` to index in the background."
            )
        if videos and (wait or server.is_ours):
            videos = wait_for_videos(client, videos)
        if as_json:
            render.print_json({"videos": videos})
        elif videos:
            render.show_videos(videos)
            render.show_warnings(videos)
    n_failed += sum(video["status"] == "failed" for video in videos)
    raise typer.Exit(1 if n_failed else 0)


@app.command("list")
def list_videos(as_json: AsJson = False) -> None:
    """List the videos of the library, newest first."""
    from api import cli_render as render

    with _connected() as (client, _server):
        videos = client.list_videos()
    if as_json:
        render.print_json({"videos": videos})
    else:
        render.show_videos(videos)


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What is said, shown or seen.")],
    video: InVideo = None,
    modality: Annotated[list[Modality] | None, typer.Option(help="Only by this sense; may be repeated.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 10,
    min_score: LeastFit = None,
    as_json: AsJson = False,
) -> None:
    """Find moments."""
    from api import cli_render as render

    with _connected() as (client, _server):
        senses = [sense.value for sense in modality or []]
        found = client.search(query, videos=_ids_of(client, video), modalities=senses, limit=limit, min_score=min_score)
    if as_json:
        render.print_json(found)
    else:
        render.show_moments(found["moments"], hint="" if min_score == 0 else "Show what is nearest: add --min-score 0")


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="A question about the videos.")],
    video: InVideo = None,
    as_json: AsJson = False,
) -> None:
    """Answer a question, with citations."""
    from api import cli_render as render
    from api.cli_ask import ask_aloud

    with _connected() as (client, _server):
        ids = _ids_of(client, video)
        if as_json:
            render.print_json(client.ask(question, videos=ids))
        else:
            render.out.print(render.answer_view(ask_aloud(client, question, ids)))


@app.command()
def show(video: VideoName, as_json: AsJson = False) -> None:
    """Show one video and where it stands."""
    from api import cli_render as render

    with _connected() as (client, server):
        found = client.find_video(video)
    if as_json:
        render.print_json(found)
    else:
        render.show_video(found, None if server.is_ours else server.url)


@app.command()
def export(
    video: VideoName,
    extension: Annotated[
        TranscriptFormat, typer.Option("--format", help="WebVTT, SubRip or JSON.")
    ] = TranscriptFormat.VTT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", dir_okay=False, help="A file instead of stdout.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the transcript of a video."""
    with _connected() as (client, _server):
        chosen = TranscriptFormat.JSON if as_json else extension
        text = client.transcript(client.find_video(video)["id"], chosen.value)
    if output is None:
        typer.echo(text.rstrip("\n"))
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"cannot write {output}: {error.strerror}", remedy="Choose another file with --output."
        ) from error


@app.command()
def delete(
    video: VideoName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a video and everything found in it."""
    from api import cli_render as render

    with _connected() as (client, _server):
        found = client.find_video(video)
        if not yes:
            if not sys.stdin.isatty():
                raise typer.BadParameter("nobody is there to confirm: add --yes", param_hint="delete")
            typer.confirm(f"Delete {found['title']!r} and everything found in it?", abort=True, err=True)
        client.delete_video(found["id"])
    if as_json:
        render.print_json({"deleted": found["id"]})
    else:
        render.err.print(f"Deleted {found['title']}", markup=False)


@app.command()
def reindex(
    videos: Annotated[
        list[str] | None, typer.Argument(metavar="VIDEO…", help="Ids or titles; none: use --all.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All videos of the library.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Return when everything is indexed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Index videos again with the engines of now, as after an upgrade; they stay searchable meanwhile."""
    from api import cli_render as render
    from api.cli_add import wait_for_videos

    if bool(videos) == everything:
        raise typer.BadParameter("name videos, or say --all", param_hint="reindex")
    with _connected(n_workers=None) as (client, server):
        chosen = client.list_videos() if everything else [client.find_video(name) for name in videos or ()]
        reopened = [client.reindex_video(video["id"]) for video in chosen]
        if reopened and (wait or server.is_ours):
            reopened = wait_for_videos(client, reopened)
        if as_json:
            render.print_json({"videos": reopened})
        elif reopened:
            render.show_videos(reopened)
            render.show_warnings(reopened)
    raise typer.Exit(1 if any(video["status"] == "failed" for video in reopened) else 0)


@app.command()
def rebuild(as_json: AsJson = False) -> None:
    """Restore the vector index from the indexed parts, without running a model."""
    from api import cli_render as render
    from api.rebuild import rebuild as run

    with render.count_progress("Rebuilding") as on_part:
        report = run(_settings(), on_part=on_part)
    if as_json:
        render.print_json(dataclasses.asdict(report))
    else:
        render.out.print(f"{report.n_points} segments of {report.n_parts} parts are in the index again.")
        for unreadable in report.unreadable:
            render.err.print(unreadable, markup=False)
    raise typer.Exit(1 if report.unreadable else 0)


@app.command()
def models(as_json: AsJson = False) -> None:
    """List the bundled model weights and verify their SHA-256."""
    from api import cli_render as render
    from api.doctor import examine_models

    found = examine_models()
    if as_json:
        render.print_json({"models": [dataclasses.asdict(model) for model in found]})
    else:
        rows = [
            {
                "model": model.model,
                "task": model.task,
                "size": f"{model.size_bytes / 1e6:.1f} MB",
                "licence": model.licence,
                "status": model.status,
                "detail": f"{model.detail}. {model.remedy}" if model.remedy else model.detail,
            }
            for model in found
        ]
        render.show_rows(rows)
    raise typer.Exit(1 if any(model.status == "mismatch" for model in found) else 0)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check that this machine has what the settings ask for."""
    from api import cli_render as render
    from api.doctor import Verdict, examine

    checks = list(examine(_settings()))
    if as_json:
        render.print_json({"checks": [dataclasses.asdict(check) for check in checks]})
    else:
        rows = [
            {"check": check.name, "status": check.status.value, "found": check.detail, "what to do": check.remedy}
            for check in checks
        ]
        render.show_rows(rows)
    raise typer.Exit(1 if any(check.status is Verdict.FAIL for check in checks) else 0)


@app.command("eval", context_settings=PASS_ON)
def evaluate(context: typer.Context) -> None:
    """Measure search and answers on a folder with ground truth: kinograph eval DIR."""
    _become("evaluation", context.args)


@app.command("eval-public", context_settings=PASS_ON)
def evaluate_public(context: typer.Context) -> None:
    """Run a public evaluation set on the folder it was downloaded to: kinograph eval-public SET FOLDER."""
    _become("evaluation.public", context.args)


@app.command(context_settings=PASS_ON)
def bench(context: typer.Context) -> None:
    """Measure speed and memory (in a checkout of the repository)."""
    if not Path("benchmarks/__main__.py").is_file():
        raise BadInput("the benchmarks are not here", remedy="Run this in a checkout of the Kinograph repository.")
    _become("benchmarks", context.args)


@app.command()
def demo(once: Annotated[bool, typer.Option("--once", help="Stop afterwards instead of serving on.")] = False) -> None:
    """Serve, index the bundled sample video, search it, ask about it."""
    from api.demo import run_demo

    run_demo(_settings(), once=once)


def _become(module: str, arguments: list[str]) -> NoReturn:
    """Replace this process by ``python -m module``, whose room this one must not import."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])


if __name__ == "__main__":
    main()
