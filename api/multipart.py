"""Receives a multipart/form-data body while it arrives: files go straight to disk, hashed on the way, never into RAM.

It does not know HTTP frameworks nor what the files mean. (Starlette's own parser would spool every file to a temporary
folder first, so that a 10 GB upload is written twice.)
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from api.errors import DiskFull, Malformed, WrongMediaType
from core.errors import BadInput, TooLarge
from core.ids import new_id

MAX_FIELD_BYTES = 64 * 2**10
"""A text field is a title; nobody needs more."""
ROOM_CHECK_BYTES = 64 * 2**20
"""How much is written between two looks at the free disk: a tenth of a second's worth on a fast disk."""
SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class FilePart:
    """A received file; ``filename`` is what the client called it, ``path`` is where it lies now."""

    filename: str
    path: Path
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Form:
    """A received form, by field name."""

    files: Mapping[str, FilePart]
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FormRules:
    """What a form may hold: file fields with their size limits in bytes, and names of text fields."""

    max_bytes_by_file: Mapping[str, int]
    fields: frozenset[str]


class FormReceiver:
    """Takes a body in pieces: ``feed`` each, then ``finish``; ``discard`` removes the files that are still there.

    ``check_room`` is called now and then while files grow, and raises when the disk has no room.
    """

    def __init__(
        self, content_type: str, rules: FormRules, folder: Path, check_room: Callable[[], None] = lambda: None
    ) -> None:
        """Prepare to receive.

        Raises:
            WrongMediaType: the content is not multipart/form-data.
            Malformed: the header names no boundary, or an impossible one.
        """
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data":
            raise WrongMediaType("the body is not multipart/form-data", remedy="Send it as `curl -F file=@video.mp4`.")
        self._rules = rules
        self._folder = folder
        self._check_room = check_room
        self._files: dict[str, FilePart] = {}
        self._fields: dict[str, str] = {}
        self._paths: list[Path] = []
        self._header_name = b""
        self._header_value = b""
        self._disposition = b""
        self._part: _OpenFile | _OpenField | None = None
        self._is_complete = False
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._add_header_name,
                    "on_header_value": self._add_header_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._open_part,
                    "on_part_data": self._write_part,
                    "on_part_end": self._close_part,
                    "on_end": self._end,
                },
            )
        except (KeyError, FormParserError) as error:
            raise Malformed("the multipart boundary is missing or too long", remedy=_BODY_REMEDY) from error

    def feed(self, data: bytes) -> None:
        """Take the next piece of the body.

        Raises:
            Malformed, BadInput, TooLarge, DiskFull: the body is not a form, or not one the rules allow.
        """
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise Malformed("the multipart body is damaged", remedy=_BODY_REMEDY) from error
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            raise DiskFull("the disk filled up while the file arrived", remedy=DISK_REMEDY) from error

    def finish(self) -> Form:
        """Return what was received.

        Raises:
            Malformed: the body ended early.
        """
        if not self._is_complete:
            raise Malformed("the multipart body ended before its last boundary", remedy=_BODY_REMEDY)
        return Form(self._files, self._fields)

    def discard(self) -> None:
        """Remove every received file that nobody moved away."""
        if isinstance(self._part, _OpenFile):
            self._part.file.close()
        for path in self._paths:
            path.unlink(missing_ok=True)

    def _begin_part(self) -> None:
        self._disposition = b""

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name = self._header_value = b""

    def _open_part(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if name in self._files or name in self._fields:
            raise BadInput(f"the field {name!r} is there twice", remedy="Upload one video a request.")
        if name in self._rules.max_bytes_by_file:
            filename = options.get(b"filename", b"").decode("utf-8", "replace")
            self._part = self._create_file(name, filename)
        elif name in self._rules.fields:
            self._part = _OpenField(name, bytearray())
        else:
            known = ", ".join(sorted({*self._rules.max_bytes_by_file, *self._rules.fields}))
            raise BadInput(f"the form has an unknown field {name!r}", remedy=f"Known fields: {known}.")

    def _create_file(self, name: str, filename: str) -> _OpenFile:
        suffix = PurePosixPath(filename).suffix.lower()
        path = self._folder / f"{new_id()}{suffix if SUFFIX.fullmatch(suffix) else ''}"
        self._paths.append(path)
        return _OpenFile(name, filename, path, path.open("xb"), self._rules.max_bytes_by_file[name])

    def _write_part(self, data: bytes, start: int, end: int) -> None:
        assert self._part is not None, "the parser opens a part before its data"
        if isinstance(self._part, _OpenFile):
            if self._part.write(memoryview(data)[start:end]):
                self._check_room()
            return
        self._part.value.extend(data[start:end])
        if len(self._part.value) > MAX_FIELD_BYTES:
            raise TooLarge(f"the field {self._part.name!r} is too long", remedy="Shorten it.")

    def _close_part(self) -> None:
        if isinstance(self._part, _OpenFile):
            self._files[self._part.name] = self._part.close()
        elif self._part is not None:
            self._fields[self._part.name] = bytes(self._part.value).decode("utf-8", "replace")
        self._part = None

    def _end(self) -> None:
        self._is_complete = True


@dataclass(slots=True)
class _OpenField:
    name: str
    value: bytearray


class _OpenFile:
    """A file that is being received."""

    def __init__(self, name: str, filename: str, path: Path, file: BinaryIO, max_bytes: int) -> None:
        self.name = name
        self.file = file
        self._filename = filename
        self._path = path
        self._max_bytes = max_bytes
        self._size_bytes = 0
        self._hash = hashlib.sha256()

    def write(self, data: memoryview) -> bool:
        """Append the data; return whether it is time to look at the free disk again."""
        before = self._size_bytes // ROOM_CHECK_BYTES
        self._size_bytes += len(data)
        if self._size_bytes > self._max_bytes:
            raise TooLarge(
                f"the {self.name} is larger than {self._max_bytes} bytes",
                remedy="Send a smaller file, or raise the limit in the server's settings.",
            )
        self.file.write(data)
        self._hash.update(data)
        return self._size_bytes // ROOM_CHECK_BYTES > before

    def close(self) -> FilePart:
        """Return the file once it is safely on disk."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        return FilePart(self._filename, self._path, self._size_bytes, self._hash.hexdigest())


_BODY_REMEDY = "Send multipart/form-data, as `curl -F file=@video.mp4` does."
DISK_REMEDY = "Free some disk space on the server, or delete videos, and upload again."
