"""A media store in memory, as far from a folder as a cloud is: what is opened is a copy, and there are no paths.

It does not know any file system but for the copies it must lend.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from core.errors import NotFound


class FakeMediaStore:
    """Implements ``core.stores.MediaStore`` in a dict."""

    def __init__(self) -> None:
        self.content_by_key: dict[str, bytes] = {}

    def put_file(self, key: str, path: Path) -> None:
        self.content_by_key[key] = path.read_bytes()
        path.unlink()

    def put_bytes(self, key: str, data: bytes) -> None:
        self.content_by_key[key] = data

    def read_bytes(self, key: str) -> bytes:
        if key not in self.content_by_key:
            raise NotFound(f"nothing is stored as {key}")
        return self.content_by_key[key]

    def open(self, key: str) -> BinaryIO:
        return io.BytesIO(self.read_bytes(key))

    def size_bytes(self, key: str) -> int:
        return len(self.read_bytes(key))

    @contextmanager
    def local_path(self, key: str) -> Iterator[Path]:
        with tempfile.NamedTemporaryFile(suffix=Path(key).suffix) as file:
            file.write(self.read_bytes(key))
            file.flush()
            yield Path(file.name)

    def exists(self, key: str) -> bool:
        return key in self.content_by_key

    def list_keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.content_by_key if key.startswith(prefix))

    def delete_prefix(self, prefix: str) -> None:
        for key in self.list_keys(prefix):
            del self.content_by_key[key]
