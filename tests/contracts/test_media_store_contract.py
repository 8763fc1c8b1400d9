"""What every media store promises, run over a local folder and a remote-like store (fsspec's memory).

It does not test S3 itself; that store differs from memory only in its URL.
"""

import errno
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import fsspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.blobs import FsspecMediaStore
from core.errors import BadInput, NotFound, TryAgain
from core.stores import MediaStore

KEY = "videos/1/original.mp4"


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MediaStore]:
    if request.param == "local":
        yield FsspecMediaStore(f"file://{tmp_path}/media folder")
        return
    root = f"memory://{uuid4().hex}"
    yield FsspecMediaStore(root)
    fsspec.filesystem("memory").rm(root, recursive=True) if fsspec.filesystem("memory").exists(root) else None


@pytest.fixture
def local(tmp_path: Path) -> FsspecMediaStore:
    return FsspecMediaStore(str(tmp_path / "media"))


class TestContent:
    def test_what_was_put_comes_back(self, store: MediaStore, tmp_path: Path) -> None:
        source = tmp_path / "upload"
        source.write_bytes(b"moving pictures" * 1000)
        store.put_file(KEY, source)
        store.put_bytes("videos/1/parts/0.part", b"artifact")
        assert store.read_bytes(KEY) == b"moving pictures" * 1000
        assert store.size_bytes(KEY) == 15_000
        assert store.read_bytes("videos/1/parts/0.part") == b"artifact"
        assert store.exists(KEY)

    def test_an_open_file_seeks(self, store: MediaStore) -> None:
        store.put_bytes(KEY, b"0123456789")
        with store.open(KEY) as file:
            file.seek(4)
            assert file.read(3) == b"456"

    def test_writing_again_replaces(self, store: MediaStore, tmp_path: Path) -> None:
        store.put_bytes(KEY, b"a long first version")
        store.put_bytes(KEY, b"short")
        assert store.read_bytes(KEY) == b"short"
        source = tmp_path / "third"
        source.write_bytes(b"third")
        store.put_file(KEY, source)
        assert store.read_bytes(KEY) == b"third"

    def test_empty_content_is_content(self, store: MediaStore) -> None:
        store.put_bytes(KEY, b"")
        assert store.exists(KEY)
        assert store.size_bytes(KEY) == 0
        assert store.read_bytes(KEY) == b""

    def test_a_local_path_holds_the_content(self, store: MediaStore) -> None:
        store.put_bytes(KEY, b"frames")
        with store.local_path(KEY) as path:
            assert path.read_bytes() == b"frames"
            assert path.name == "original.mp4"
        assert store.exists(KEY)

    def test_what_is_absent_is_not_found(self, store: MediaStore) -> None:
        store.put_bytes(KEY, b"x")
        for key in ("videos/2/original.mp4", "videos/1", "videos/1/original.mp4/below"):
            assert not store.exists(key)
            with pytest.raises(NotFound):
                store.read_bytes(key)
            with pytest.raises(NotFound):
                store.size_bytes(key)
            with pytest.raises(NotFound):
                store.open(key)
            with pytest.raises(NotFound), store.local_path(key):
                pass


class TestPrefixes:
    def test_keys_are_listed_below_a_folder(self, store: MediaStore) -> None:
        for key in ("videos/10/b", "videos/1/z", "videos/1/frames/2.jpg", "videos/1/frames/10.jpg"):
            store.put_bytes(key, b"x")
        assert store.list_keys("videos/1") == ["videos/1/frames/10.jpg", "videos/1/frames/2.jpg", "videos/1/z"]
        assert store.list_keys("videos/1/") == store.list_keys("videos/1")
        assert len(store.list_keys("")) == 4
        assert store.list_keys("nothing/here") == []

    def test_deleting_a_folder_spares_its_neighbours(self, store: MediaStore) -> None:
        for key in ("videos/1/a", "videos/1/deep/er/b", "videos/10/c"):
            store.put_bytes(key, b"x")
        store.delete_prefix("videos/1/")
        store.delete_prefix("videos/1")
        assert store.list_keys("") == ["videos/10/c"]

    def test_the_whole_store_is_not_a_prefix_to_delete(self, store: MediaStore) -> None:
        store.put_bytes(KEY, b"x")
        for prefix in ("", "/", "."):
            with pytest.raises(BadInput):
                store.delete_prefix(prefix)
        assert store.exists(KEY)


class TestKeys:
    @pytest.mark.parametrize(
        "key",
        ["", "/etc/passwd", "../up", "a/../../b", "a//b", "a/./b", "nul\0byte", "a\\..\\b", ".tmp/x", "..", "n" * 300],
    )
    def test_keys_that_could_leave_the_store_are_refused(self, store: MediaStore, key: str, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"x")
        with pytest.raises(BadInput):
            store.put_bytes(key, b"x")
        with pytest.raises(BadInput):
            store.put_file(key, source)
        with pytest.raises(BadInput):
            store.read_bytes(key)
        with pytest.raises(BadInput):
            store.open(key)


@settings(max_examples=40, deadline=None)
@given(key=st.text(min_size=1, max_size=20))
def test_no_key_leaves_the_folder(tmp_path_factory: pytest.TempPathFactory, key: str) -> None:
    base = tmp_path_factory.getbasetemp() / "fuzz"
    store = FsspecMediaStore(str(base / "media"))
    try:
        store.put_bytes(key, b"x")
    except BadInput:
        pass
    else:
        assert store.read_bytes(key) == b"x"
        store.delete_prefix(key)
    assert [path.name for path in base.iterdir()] == ["media"]


class TestLocalFolder:
    def test_a_file_is_moved_not_copied(self, local: FsspecMediaStore, tmp_path: Path) -> None:
        source = tmp_path / "upload"
        source.write_bytes(b"x" * 100)
        inode = source.stat().st_ino
        local.put_file(KEY, source)
        assert not source.exists()
        with local.local_path(KEY) as path:
            assert path.stat().st_ino == inode
            assert path == tmp_path / "media" / KEY

    def test_a_linked_file_is_copied(self, local: FsspecMediaStore, tmp_path: Path) -> None:
        original, link = tmp_path / "mine", tmp_path / "link"
        original.write_bytes(b"precious")
        link.symlink_to(original)
        local.put_file(KEY, link)
        assert original.read_bytes() == local.read_bytes(KEY) == b"precious"

    def test_readers_see_one_whole_version(self, local: FsspecMediaStore) -> None:
        versions = [bytes([number]) * 50_000 for number in range(20)]
        local.put_bytes(KEY, versions[0])
        seen: list[bytes] = []
        is_done = threading.Event()

        def read() -> None:
            while not is_done.is_set():
                seen.append(local.read_bytes(KEY))

        reader = threading.Thread(target=read)
        reader.start()
        for version in versions:
            local.put_bytes(KEY, version)
        is_done.set()
        reader.join()
        assert set(seen) <= set(versions)

    def test_nothing_half_written_is_left_when_the_disk_fills(
        self, local: FsspecMediaStore, tmp_path: Path, full_source: Path
    ) -> None:
        with pytest.raises(TryAgain, match="full"):
            local.put_file(KEY, full_source)
        assert not local.exists(KEY)
        assert [path for path in (tmp_path / "media").rglob("*") if path.is_file()] == []

    @pytest.fixture
    def full_source(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A file on another filesystem, the store's being full: what the system calls say then is played back."""
        source = tmp_path / "big"
        source.write_bytes(b"x" * 10)

        def replace_across(self: Path, target: Path) -> None:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

        def copy_into_full(source: BinaryIO, target: BinaryIO, length: int) -> None:
            target.write(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr("pathlib.Path.replace", replace_across)
        monkeypatch.setattr("shutil.copyfileobj", copy_into_full)
        return source

    def test_what_a_crash_left_is_removed_after_a_day(self, local: FsspecMediaStore, tmp_path: Path) -> None:
        old, young = tmp_path / "media/.tmp/old", tmp_path / "media/.tmp/young"
        for file in (old, young):
            file.write_bytes(b"half")
        two_days_ago_s = time.time() - 2 * 86_400
        os.utime(old, (two_days_ago_s, two_days_ago_s))
        again = FsspecMediaStore(str(tmp_path / "media"))
        assert not old.exists()
        assert young.exists()
        assert again.list_keys("") == []

    def test_a_folder_that_cannot_be_written_means_try_again(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises((TryAgain, NotFound)):
            FsspecMediaStore(str(tmp_path / "file" / "media"))


def test_a_remote_copy_goes_after_use() -> None:
    store = FsspecMediaStore(f"memory://{uuid4().hex}")
    store.put_bytes(KEY, b"frames")
    with store.local_path(KEY) as path:
        assert path.exists()
    assert not path.exists()
