"""Files that are read ahead are in memory afterwards; what is too much, gone or no longer wanted does no harm."""

import ctypes
import mmap
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.read_ahead import ReadAhead, spare_bytes
from benchmarks.search_probe import forget_files

N_BYTES = 8 * 2**20
WAIT_S = 60


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what it holds in memory")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "vectors"
    path.write_bytes(os.urandom(N_BYTES))
    if sys.platform == "linux":
        forget_files(tmp_path)
    return path


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


@linux_only
def test_a_file_is_in_memory_once_it_is_read_ahead(file: Path) -> None:
    if share_in_memory(file) > 0.5:
        pytest.skip("this file system keeps its files in memory")
    reading = ReadAhead([file])
    assert reading.wait(WAIT_S)
    assert share_in_memory(file) == 1.0


@linux_only
def test_what_is_more_than_the_memory_bears_is_left(file: Path, tmp_path: Path) -> None:
    if share_in_memory(file) > 0.5:
        pytest.skip("this file system keeps its files in memory")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)  # opening it would wait for a writer for ever
    reading = ReadAhead([file, pipe], max_bytes=N_BYTES // 4)
    assert reading.wait(WAIT_S)
    assert reading.n_bytes == N_BYTES // 4
    assert 0.25 <= share_in_memory(file) < 0.5


def test_what_fits_to_the_byte_is_read(file: Path) -> None:
    reading = ReadAhead([file], max_bytes=N_BYTES)
    assert reading.wait(WAIT_S)
    assert reading.n_bytes == N_BYTES


def test_a_container_has_what_its_limit_leaves(tmp_path: Path) -> None:
    for name, text in (("memory.max", "3145728\n"), ("memory.current", "1048576\n")):
        (tmp_path / name).write_text(text)
    assert spare_bytes(tmp_path) == 2 * 2**20
    (tmp_path / "memory.max").write_text("max\n")
    assert spare_bytes(tmp_path) > 2 * 2**20
    assert spare_bytes(tmp_path / "nowhere") > 2 * 2**20


@linux_only
def test_holes_neither_count_nor_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.write(bytes(2**20))
        file.truncate(N_BYTES)
    forget_files(tmp_path)
    assert ReadAhead([path], max_bytes=2**21).wait(WAIT_S)
    assert share_in_memory(path) < 0.5


def test_a_file_that_is_gone_is_passed_over(file: Path, tmp_path: Path) -> None:
    assert ReadAhead([tmp_path / "gone", file]).wait(WAIT_S)


def test_what_is_stopped_opens_no_further_file(tmp_path: Path) -> None:
    pipe, after = tmp_path / "pipe", tmp_path / "after"
    os.mkfifo(pipe)
    os.mkfifo(after)  # opening it would wait for a writer for ever
    reading = ReadAhead([pipe, after])
    reading._is_stopped.set()
    with pipe.open("wb"):
        pass
    reading.stop()
    assert not reading.wait(WAIT_S)


def test_what_was_read_before_it_is_stopped_counts(file: Path) -> None:
    reading = ReadAhead([file])
    assert reading.wait(WAIT_S)
    reading.stop()
    assert reading.wait(WAIT_S)


def test_locks_on_a_file_outlive_its_being_read_ahead(tmp_path: Path) -> None:
    path = tmp_path / "points.db"
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE numbers (number)")
    database.commit()
    reading = ReadAhead([path], locked=[path])
    assert reading.wait(WAIT_S)
    look = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('SELECT * FROM numbers'); db.close()"
    subprocess.run([sys.executable, "-c", look, str(path)], check=True)
    assert path.with_name("points.db-wal").exists()  # another process that takes itself for the last would drop it
    database.close()
    reading.release()
