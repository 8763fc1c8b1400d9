"""How the command line shows things: tables, moments, answers, progress — results on stdout, everything else on stderr.

It does not know where the data comes from; titles and quotes are text, never markup.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from core.scripts import RUN

Json = dict[str, Any]

MODALITY_NAMES = {
    "speech": "spoken",
    "screen": "on screen",
    "visual": "seen",
    "object": "object",
    "caption": "described",
    "metadata": "context",
}
KIND_NAMES = {"title": "title", "file_name": "file name", "link": "link"}
"""By what a moment was found that has nothing of its own to show."""
MODALITY_STYLES = {"speech": "blue", "screen": "magenta", "visual": "green", "object": "cyan"}
STATUS_STYLES = {
    "ready": "green",
    "indexing": "yellow",
    "uploaded": "yellow",
    "failed": "red",
    "ok": "green",
    "warn": "yellow",
    "fail": "red",
    "verified": "green",
    "absent": "yellow",
    "mismatch": "red",
}
ID_CHARS = 8
"""Enough of a UUID to be unique in any library a person lists; VIDEO accepts prefixes."""

PIPE_COLUMNS = 200
"""Other programs read lines, so those are not folded at the 80 columns that rich assumes where no terminal is."""

out = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS)
err = Console(stderr=True, highlight=False)


def print_json(data: Any) -> None:
    """Print the data as JSON that other programs can read."""
    print(json.dumps(data, ensure_ascii=False, indent=2))  # noqa: T201 - this is the output


def clock(time_s: float | None) -> str:
    """Return an instant as m:ss or h:mm:ss; a dash when unknown.

    >>> clock(65.9), clock(3725), clock(None)
    ('1:05', '1:02:05', '–')
    """
    if time_s is None:
        return "–"
    minutes, seconds = divmod(int(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def clock_range(found: Json) -> str:
    """Return the span of a moment or citation.

    >>> clock_range({"start_s": 4.2, "end_s": 9})
    '0:04–0:09'
    """
    return f"{clock(found['start_s'])}–{clock(found['end_s'])}"


def status_text(video: Json) -> Text:
    """Return where the video stands, with what is done so far or why it failed."""
    status = video["status"]
    text = Text(status, style=STATUS_STYLES.get(status, ""))
    parts = video["parts"]
    if status == "indexing" and parts["total"]:
        text.append(f" {video['progress']:.0%}, {parts['done']} of {parts['total']} parts", style="dim")
    elif status == "failed" and video["failure"]:
        text.append(f" {video['failure']['reason']}", style="dim")
    elif video["warnings"]:
        text.append(f" with {len(video['warnings'])} warning{'s' if len(video['warnings']) > 1 else ''}", style="dim")
    return text


def show_warnings(videos: Sequence[Json]) -> None:
    """Say on stderr what could not be read of videos that are usable as a whole."""
    for video in videos:
        for warning in video["warnings"]:
            err.print(f"{video['title']}: {warning}", style="yellow", markup=False, soft_wrap=True)


def show_videos(videos: Sequence[Json]) -> None:
    if not videos:
        err.print("The library is empty. Add a video with: kinograph add FILE")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("id", no_wrap=True)
    table.add_column("title", overflow="fold")
    table.add_column("length", justify="right", no_wrap=True)
    table.add_column("status")
    for video in videos:
        table.add_row(video["id"][:ID_CHARS], Text(video["title"]), clock(video["duration_s"]), status_text(video))
    out.print(table)


def show_video(video: Json, url: str | None) -> None:
    """Show one video; ``url`` is the server's address when it stays up, so that a link makes sense."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    size = f"{video['width_px']} × {video['height_px']}" if video["width_px"] else "audio only"
    rows: list[tuple[str, Text | str]] = [
        ("title", Text(video["title"])),
        ("id", video["id"]),
        ("file", Text(f"{video['filename']} ({video['size_bytes'] / 1e6:.1f} MB, {size})")),
        ("length", clock(video["duration_s"])),
        ("language", video["language"] or "–"),
        ("status", status_text(video)),
    ]
    if video["failure"]:
        rows.append(("remedy", Text(video["failure"]["remedy"])))
    rows += [("warning", Text(warning)) for warning in video["warnings"]]
    if url:
        rows.append(("page", f"{url}/#v={video['id']}"))
    for name, value in rows:
        table.add_row(name, value)
    out.print(table)


def show_moments(moments: Sequence[Json], *, hint: str = "") -> None:
    """Show the moments; the hint says what to do when there are none."""
    if not moments:
        err.print(f"Nothing in the library fits. {hint}".rstrip(), markup=False)
        return
    for number, moment in enumerate(moments, start=1):
        out.print(_moment_head(number, moment))
        for line in moment_lines(moment):
            out.print(Padding(line, (0, 0, 0, 4)))


def _moment_head(number: int, moment: Json) -> Text:
    modality = moment["modality"]
    kind = next((reason.get("kind") for reason in moment["reasons"] if reason["modality"] == modality), None)
    name = str(KIND_NAMES.get(str(kind)) or MODALITY_NAMES.get(modality, modality))
    return Text.assemble(
        (f"{number:>2}  ", "dim"),
        (clock_range(moment), "bold"),
        "  ",
        moment["video_title"],
        "  ",
        (name, MODALITY_STYLES.get(modality, "")),
        (f"  {moment['score']:.2f}", "dim"),
    )


def moment_lines(moment: Json) -> Iterable[Text]:
    """Return the evidence that won with its matched words marked, at most two lines."""
    matched = " ".join(reason["matched"] for reason in moment["reasons"] if reason["evidence_id"])
    words = [word if RUN.search(word) else rf"\b{word}\b" for word in dict.fromkeys(re.findall(r"\w+", matched))]
    for evidence in moment["evidence"][:2]:
        for reading in filter(None, (evidence["text"], evidence.get("translation"))):
            text = Text(style="" if reading is evidence["text"] else "italic dim")
            text.append(reading)
            if words:
                text.highlight_regex(re.compile("|".join(words), re.IGNORECASE), "bold yellow")
            yield text


def answer_view(answer: Json) -> Group:
    """Return the checked answer with its sources, or why there is none, and the hint."""
    lines: list[Text | Padding] = []
    if answer["abstained"]:
        lines.append(Text(answer["abstained"], style="yellow"))
    if answer["answer"] and answer["answer"] != answer["abstained"]:
        lines.append(Text(answer["answer"]))
    for citation in answer["citations"]:
        place = f"{citation['video_title']}  {clock_range(citation)}"
        doubt = "" if citation["is_supported"] else "  (the evidence may not say this)"
        source = Text.assemble((f"{citation['marker']} ", "yellow"), (place, "bold"), (doubt, "red"))
        lines += [source, Padding(Text(citation["quote"], style="dim"), (0, 0, 0, 4))]
    if answer["hint"]:
        lines.append(Text(f"\n{answer['hint']}", style="dim"))
    return Group(*lines)


def show_rows(rows: Sequence[dict[str, str]]) -> None:
    """Show records of texts as a table; the column ``status`` is coloured."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for number, name in enumerate(rows[0]):
        table.add_column(name, overflow="fold", no_wrap=number == 0 or name == "status")
    for row in rows:
        cells = (Text(text, STATUS_STYLES.get(text, "") if name == "status" else "") for name, text in row.items())
        table.add_row(*cells)
    out.print(table)


def upload_progress() -> Progress:
    """Return a bar that counts bytes; silent where nobody watches."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)


def index_progress() -> Progress:
    """Return a bar that counts the share done, with the stage."""
    stage = TextColumn("{task.fields[stage]}", style="dim", markup=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), stage)
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)


@contextmanager
def count_progress(description: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that takes (done, total) and moves a bar."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(description, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
