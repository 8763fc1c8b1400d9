"""Files that are read ahead are in memory afterwards; what is too much, gone or no longer wanted does no harm."""

import ctypes
import mmap
import os
from pathlib import Path

import pytest

from adapters.read_ahead import ReadAhead, available_bytes

N_BYTES = 8 * 2**20
WAIT_S = 60


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "vectors"
    path.write_bytes(os.urandom(N_BYTES))
    forget(path)
    return path


def forget(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def share_in_memory(path: Path) -> float:
    """Return the share of a file's pages that the system holds, by mincore(2)."""
    n_pages = -(-path.stat().st_size // mmap.PAGESIZE)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE) as mapped:
        start = ctypes.c_char.from_buffer(mapped)
        held = (ctypes.c_ubyte * n_pages)()
        is_told = ctypes.CDLL(None, use_errno=True).mincore(
            ctypes.c_void_p(ctypes.addressof(start)), ctypes.c_size_t(len(mapped)), held
        )
        del start
    assert is_told == 0, os.strerror(ctypes.get_errno())
    return sum(page & 1 for page in held) / n_pages


def test_a_file_is_in_memory_once_it_is_read_ahead(file: Path) -> None:
    if share_in_memory(file) > 0.5:
        pytest.skip("this file system keeps its files in memory")
    reading = ReadAhead([file])
    assert reading.wait(WAIT_S)
    assert share_in_memory(file) == 1.0


def test_what_is_more_than_the_memory_is_left(file: Path) -> None:
    reading = ReadAhead([file], max_bytes=N_BYTES - 1)
    assert not reading.is_worthwhile
    assert not reading.wait(WAIT_S)
    reading.stop()


def test_a_container_has_what_its_limit_allows(tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text("1048576\n")
    assert available_bytes(limit) == 2**20
    limit.write_text("max\n")
    assert available_bytes(limit) > 2**20
    assert available_bytes(tmp_path / "nowhere") > 2**20


def test_holes_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(N_BYTES)
    assert ReadAhead([path], max_bytes=2**20).wait(WAIT_S)


def test_a_file_that_is_gone_is_passed_over(file: Path, tmp_path: Path) -> None:
    assert ReadAhead([tmp_path / "gone", file]).wait(WAIT_S)


def test_what_is_stopped_lets_go_and_is_not_read(file: Path) -> None:
    reading = ReadAhead([file] * 10_000)
    reading.stop()
    assert not reading.wait(WAIT_S)
