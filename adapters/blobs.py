"""The media store on fsspec: a local folder by default, S3-compatible and other stores by URL.

It does not know what the bytes are; originals, thumbnails and part artifacts are the same to it.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast
from uuid import uuid4

import fsspec
from fsspec.implementations.local import LocalFileSystem

from core.errors import BadInput, KinographError, NotFound, TryAgain

_SCRATCH = ".tmp"
"""Folder of half-written files within a local store: on its filesystem, so that a rename puts them in place."""

_SCRATCH_AGE_S = 24 * 3600
"""Half-written files older than this were left by a crash; no write takes a day."""

_STEP_BYTES = 255
"""The longest name that common file systems take; enforced everywhere, so that media can move between stores."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_IMPOSSIBLE = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)


class FsspecMediaStore:
    """A ``MediaStore`` under an fsspec URL (``file:///data/media``, ``s3://bucket/prefix``) or a plain path.

    Local writes go to a scratch file that is synced and renamed; object stores put whole objects or nothing.
    Keys are relative paths with ``/``; prefixes are folders, so ``videos/1`` does not cover ``videos/10``.

    Raises:
        BadInput: (any method) the key is empty, absolute, or could leave the store.
        TryAgain: (any method) the disk is full, or the store does not answer.
    """

    def __init__(self, url: str) -> None:
        # Other processes write too, so listings must not be cached.
        self._fs, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        self._root = str(root).rstrip("/")
        self._folder = Path(self._root) if isinstance(self._fs, LocalFileSystem) else None
        if self._folder is not None:
            with _translated_errors(_SCRATCH):
                (self._folder / _SCRATCH).mkdir(parents=True, exist_ok=True)
                _remove_stale_files(self._folder / _SCRATCH)

    def put_file(self, key: str, path: Path) -> None:
        """Move the file in where it is on the same filesystem, else copy it; the source may be gone afterwards."""
        target = self._path(key)
        with _translated_errors(key):
            if self._folder is None:
                self._put_remote(target, lambda: self._fs.put_file(str(path), target))
            elif path.is_symlink() or not _move_synced(path, Path(target)):
                with path.open("rb") as source:
                    self._write_local(Path(target), lambda file: shutil.copyfileobj(source, file, 2**20))

    def put_bytes(self, key: str, data: bytes) -> None:
        target = self._path(key)
        with _translated_errors(key):
            if self._folder is None:
                self._put_remote(target, lambda: self._fs.pipe_file(target, data))
            else:
                self._write_local(Path(target), lambda file: file.write(data))

    def read_bytes(self, key: str) -> bytes:
        with _translated_errors(key):
            return bytes(self._fs.cat_file(self._path(key)))

    def open(self, key: str) -> BinaryIO:
        with _translated_errors(key):
            if self._folder is not None:
                return Path(self._path(key)).open("rb")
            if not self.exists(key):
                raise _not_found(key)
            return cast(BinaryIO, self._fs.open(self._path(key), "rb"))

    def size_bytes(self, key: str) -> int:
        with _translated_errors(key):
            info = self._fs.info(self._path(key))
            if info["type"] != "file":
                raise _not_found(key)
            return int(info["size"])

    @contextmanager
    def local_path(self, key: str) -> Iterator[Path]:
        """Yield the very file of a local store, which must not be changed; or a copy, gone afterwards."""
        if not self.exists(key):
            raise _not_found(key)
        if self._folder is not None:
            yield Path(self._path(key))
            return
        with tempfile.TemporaryDirectory(prefix="kinograph-") as folder:
            copy = Path(folder) / Path(key).name
            with _translated_errors(key):
                self._fs.get_file(self._path(key), str(copy))
            yield copy

    def exists(self, key: str) -> bool:
        with _translated_errors(key):
            return bool(self._fs.isfile(self._path(key)))

    def list_keys(self, prefix: str) -> list[str]:
        path = self._root if prefix.rstrip("/") == "" else self._path(prefix)
        with _translated_errors(prefix):
            keys = [str(found).removeprefix(self._root).lstrip("/") for found in self._fs.find(path)]
        return sorted(key for key in keys if not key.startswith(f"{_SCRATCH}/"))

    def delete_prefix(self, prefix: str) -> None:
        path = self._path(prefix)
        with _translated_errors(prefix):
            if self._folder is not None:
                _remove_tree(Path(path))
            else:
                for found in self._fs.find(path):
                    self._fs.rm_file(found)

    def _path(self, key: str) -> str:
        """Return the path of a key in the file system's own terms, once the key is known to stay inside."""
        steps = key.rstrip("/").split("/")
        is_safe = all(step not in ("", ".", "..") and len(step.encode()) <= _STEP_BYTES for step in steps)
        if not is_safe or steps[0] == _SCRATCH or "\0" in key or "\\" in key:
            raise _bad_key(key)
        return f"{self._root}/{'/'.join(steps)}"

    def _write_local(self, target: Path, write: Callable[[BinaryIO], object]) -> None:
        """Put in place what ``write`` writes; the scratch file goes whatever happens."""
        assert self._folder is not None
        scratch = self._folder / _SCRATCH / uuid4().hex
        try:
            with scratch.open("xb") as file:
                write(file)
            if not _move_synced(scratch, target):
                raise OSError(errno.EXDEV, "the media folder spans two filesystems", str(target))
        finally:
            scratch.unlink(missing_ok=True)

    def _put_remote(self, target: str, put: Callable[[], object]) -> None:
        """Put an object; fsspec's generic writer commits what it has on an error, so a failed one is removed."""
        try:
            put()
        except OSError:
            if self._fs.isfile(target):
                self._fs.rm_file(target)
            raise


@contextmanager
def _translated_errors(key: str) -> Iterator[None]:
    """Turn what the file system raises into what a caller can act on."""
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise _not_found(key) from error
    except OSError as error:
        if error.errno in _IMPOSSIBLE:
            raise _bad_key(key) from error
        if error.errno in _FULL:
            raise TryAgain("the disk of the media store is full", remedy="Free some space, then try again.") from error
        remedy = "Check KINOGRAPH_MEDIA_URL, its credentials and permissions."
        raise TryAgain(f"the media store failed on {key!r} ({error})", remedy=remedy) from error


def _bad_key(key: str) -> KinographError:
    return BadInput(f"not a media key: {key!r}", remedy="Keys are relative paths such as videos/<id>/original.mp4.")


def _not_found(key: str) -> KinographError:
    return NotFound(f"nothing is stored under {key!r}")


def _move_synced(source: Path, target: Path) -> bool:
    """Rename with file and folder synced; return False, with nothing done, across filesystems."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _sync(source)
    try:
        source.replace(target)
    except OSError as error:
        if error.errno == errno.EXDEV:
            return False
        raise
    _sync(target.parent)
    return True


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_tree(path: Path) -> None:
    """Remove a file or folder; a writer may add to it meanwhile, so look again a few times."""
    for _ in range(3):
        if path.is_file():
            path.unlink(missing_ok=True)
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
    shutil.rmtree(path)


def _remove_stale_files(folder: Path) -> None:
    horizon_s = time.time() - _SCRATCH_AGE_S
    for file in folder.iterdir():
        if file.stat().st_mtime < horizon_s:
            file.unlink(missing_ok=True)
