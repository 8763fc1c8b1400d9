"""Reads rows of JSON, JSON Lines, CSV and Parquet files, and says which row of which file is wrong.

It does not know what the rows mean.
"""

from __future__ import annotations

import csv
import importlib
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from core.errors import BadInput, NotFound
from core.records import Span

POINT_MARGIN_S = 2.0
"""A reference to one instant stands for this much before and after it: annotators stop the player by hand."""

_INSTANT = re.compile(r"\d+(?::\d{1,2}){1,2}")
_RANGE = re.compile(rf"({_INSTANT.pattern})\s*(?:-\s*({_INSTANT.pattern})?)?")


class PublishedRow(BaseModel):
    """Base of all rows: numbers may stand where text is expected (ids), unknown columns are ignored."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True, coerce_numbers_to_str=True)


RowModel = TypeVar("RowModel", bound=PublishedRow)


@dataclass(frozen=True, slots=True)
class Row:
    """A row before it is checked; ``place`` names its file and number, from 1 (in text files the line)."""

    place: str
    data: Any


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a ``.json`` list, ``.jsonl``, ``.csv`` (with a header) or ``.parquet`` file.

    Raises:
        BadInput: the file is not what its ending says, or holds no rows.
    """
    readers = {".json": _read_json, ".jsonl": _read_json_lines, ".csv": _read_csv, ".parquet": _read_parquet}
    rows = list(readers[path.suffix.lower()](path))
    if not rows:
        raise BadInput(f"{path.name} holds no rows", remedy="Download it again.")
    return rows


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file, with or without a byte order mark.

    Raises:
        BadInput: it is not UTF-8, or cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path.name} is not UTF-8 text (byte {error.start})", remedy="Download it again.") from error
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}", remedy="Check the path and its permissions.") from error


def read_document(path: Path, model: type[RowModel]) -> RowModel:
    """Return a JSON file that is one object.

    Raises:
        BadInput: it is not JSON, or not that object.
    """
    return parse_row(Row(path.name, load_json(read_text(path), path.name)), model)


def parse_row(row: Row, model: type[RowModel]) -> RowModel:
    """Return the row as its model.

    Raises:
        BadInput: a column is missing or has a value that cannot be; says which row and what was expected.
    """
    try:
        return model.model_validate(row.data)
    except ValidationError as error:
        first = error.errors()[0]
        column = ".".join(map(str, first["loc"])) or "the row"
        wanted = ", ".join(field.alias or name for name, field in model.model_fields.items() if field.is_required())
        raise BadInput(
            f"{row.place}: {column}: {first['msg']}", remedy=f"Expected a row with the columns {wanted}."
        ) from error


def parse_rows(rows: Iterable[Row], model: type[RowModel]) -> Iterator[tuple[str, RowModel]]:
    """Yield (place, row) for each row, checked as by ``parse_row``."""
    for row in rows:
        yield row.place, parse_row(row, model)


def refuse_repeats(ids: Iterable[tuple[str, str]]) -> None:
    """Check that (place, id) pairs hold each id once.

    Raises:
        BadInput: an id occurs twice; both places are named.
    """
    place_by_id: dict[str, str] = {}
    for place, identifier in ids:
        if identifier in place_by_id:
            raise BadInput(
                f"{place}: the id {identifier!r} stands already in {place_by_id[identifier]}",
                remedy="Keep one of the two rows; a set must not ask the same twice.",
            )
        place_by_id[identifier] = place


def fit_span(start_s: float, end_s: float, duration_s: float | None) -> Span:
    """Return the span, cut at the end of its video.

    >>> fit_span(5.0, 40.0, 30.0)
    Span(start_s=5.0, end_s=30.0)

    Raises:
        ValueError: it is empty, runs backwards or lies outside the video.
    """
    if duration_s is not None and start_s >= duration_s:
        raise ValueError(f"the span {start_s:g}–{end_s:g} s begins after the end of its video, {duration_s:g} s")
    if end_s <= start_s:
        raise ValueError(f"the span {start_s:g}–{end_s:g} s is empty")
    return Span(start_s, end_s if duration_s is None else min(end_s, duration_s))


def parse_places(text: str | None) -> tuple[Span, ...]:
    """Return the places of a time reference: ranges and instants as ``MM:SS`` or ``H:MM:SS``; () for N/A and None.

    An instant, also written as a range that ends where it starts, gets POINT_MARGIN_S on both sides.

    >>> parse_places("00:15-00:19")
    (Span(start_s=15.0, end_s=19.0),)
    >>> parse_places("5:23:33, 100:00")
    (Span(start_s=19411.0, end_s=19415.0), Span(start_s=5998.0, end_s=6002.0))
    >>> parse_places("N/A ")
    ()

    Raises:
        ValueError: it is none of these, or runs backwards.
    """
    spans = []
    for piece in (text or "").split(","):
        said = piece.strip()
        if said.casefold() in ("", "n/a", "none", "none-none"):
            continue
        match = _RANGE.fullmatch(said.removesuffix("-None"))
        if match is None:
            raise ValueError(f"the time reference {said!r} is neither MM:SS-MM:SS nor H:MM:SS")
        start_s = seconds_of(match.group(1))
        end_s = seconds_of(match.group(2)) if match.group(2) else start_s
        if end_s < start_s:
            raise ValueError(f"the time reference {said!r} runs backwards")
        is_instant = end_s == start_s
        spans.append(
            Span(max(0.0, start_s - POINT_MARGIN_S), start_s + POINT_MARGIN_S) if is_instant else Span(start_s, end_s)
        )
    return tuple(spans)


def seconds_of(timecode: str) -> float:
    """Return the seconds of ``MM:SS`` or ``H:MM:SS``, with or without a fraction.

    >>> seconds_of("1:02:03.5"), seconds_of("90:09")
    (3723.5, 5409.0)
    """
    seconds = 0.0
    for part in timecode.split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


def find_annotation(folder: Path, patterns: Iterable[str], split: str | None) -> Path:
    """Return the one file in the folder, at any depth, that fits a pattern and has ``split`` in its name.

    Patterns are tried in their order: the first with a match decides.

    Raises:
        NotFound: there is none.
        BadInput: several fit.
    """
    wanted = list(patterns)
    for pattern in wanted:
        found = [path for path in sorted(folder.rglob(pattern)) if split is None or split in path.name]
        if len(found) > 1:
            names = ", ".join(str(path.relative_to(folder)) for path in found)
            raise BadInput(f"several annotation files fit: {names}", remedy="Name one by a part of it with --split.")
        if found:
            return found[0]
    suffix = f" with {split!r} in its name" if split else ""
    raise NotFound(
        f"{folder} has no annotation file{suffix}",
        remedy=f"Download the set's {' or '.join(wanted)} into it; docs/public-sets.md shows the layout.",
    )


def _read_json(path: Path) -> Iterator[Row]:
    rows = load_json(read_text(path), path.name)
    if not isinstance(rows, list):
        raise BadInput(f"{path.name} is not a list of rows", remedy="Download the annotation file of the set.")
    yield from (Row(f"{path.name}, row {number}", data) for number, data in enumerate(rows, start=1))


def _read_json_lines(path: Path) -> Iterator[Row]:
    text = read_text(path)
    if text.lstrip().startswith("["):  # some releases name a JSON list .jsonl
        yield from _read_json(path)
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            place = f"{path.name}, row {number}"
            yield Row(place, load_json(line, place))


def _read_csv(path: Path) -> Iterator[Row]:
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), skipinitialspace=True)
    for data in reader:
        data.pop(None, None)  # cells beyond the header
        yield Row(f"{path.name}, row {reader.line_num}", data)


def _read_parquet(path: Path) -> Iterator[Row]:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise BadInput(
            f"{path.name} is a Parquet file, and pyarrow is not installed", remedy="Run `pip install pyarrow`."
        ) from error
    try:
        rows = parquet.read_table(path).to_pylist()
    except (OSError, ValueError) as error:
        raise BadInput(f"{path.name} is not a Parquet file: {error}", remedy="Download it again.") from error
    yield from (Row(f"{path.name}, row {number}", data) for number, data in enumerate(rows, start=1))


def load_json(text: str, place: str) -> Any:
    """Return what a JSON text holds.

    Raises:
        BadInput: it is not JSON, or lists stand in lists deeper than any set has them; says where.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise BadInput(f"{place}: nested too deeply", remedy="Download it again; no set has such rows.") from error
    except json.JSONDecodeError as error:
        raise BadInput(
            f"{place}: not JSON: {error.msg} at line {error.lineno}, column {error.colno}",
            remedy="Download it again; the file may be cut off.",
        ) from error
