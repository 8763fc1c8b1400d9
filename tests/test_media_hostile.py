"""What the media reader does with files that are broken, misnamed or harmful: a plain reason, and no damage."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from adapters.media import AvMediaReader
from adapters.media_wire import WireError, parse_array, read_messages, write_array, write_message
from core.errors import BadInput, StageFailed, TooLarge
from core.records import Span
from core.signals import SAMPLE_RATE_HZ
from tests.clips import textured, tone, write_sound, write_video

CORPUS = Path(__file__).parents[1].parent / "shared" / "corpus" / "dev"
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the evaluation corpus is not beside the checkout")


@pytest.fixture(scope="module")
def reader() -> AvMediaReader:
    return AvMediaReader(n_threads=1)


def zip_bytes() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("video.mp4", b"no")
    return out.getvalue()


def png_bytes() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64)).save(out, "PNG")
    return out.getvalue()


REFUSED = {
    "nothing": (b"", "The file is empty"),
    "text": (b"Dear all,\nplease find attached\n" * 20, "The file is text"),
    "ffconcat": (b"ffconcat version 1.0\nfile 'good.mp4'\n", "playlist"),
    "plain concat": (b"file 'good.mp4'\n", "The file is text"),
    "HLS": (b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\ngood.ts\n#EXT-X-ENDLIST\n", "playlist"),
    "SDP": (b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n", "network stream"),
    "DASH": (b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"></MPD>', "text"),
    "ZIP": (zip_bytes(), "ZIP archive"),
    "picture": (png_bytes(), "picture"),
    "noise": (np.random.default_rng(1).bytes(50_000), "not a video or audio file"),
    "MP4 head": (b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + bytes(2000), "cut off or damaged"),
    "WebM head": (b"\x1aE\xdf\xa3" + bytes(40), "cut off or damaged"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refuses_what_is_not_media_with_reason_and_remedy(reader: AvMediaReader, tmp_path: Path, what: str) -> None:
    data, reason = REFUSED[what]
    write_video(tmp_path / "good.mp4", [textured(1)] * 5)  # what a playlist might reach for
    path = tmp_path / "upload.mp4"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=reason) as refusal:
        reader.probe(path)
    assert refusal.value.remedy


def test_refuses_what_is_too_long(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", tone(3.0), codec="pcm_s16le")
    with pytest.raises(TooLarge, match="limit"):
        AvMediaReader(max_duration_s=2.0).probe(path)


def test_a_name_is_never_an_address(reader: AvMediaReader, tmp_path: Path) -> None:
    path = write_video(tmp_path / "good.mp4", [textured(1)] * 5)
    odd = path.rename(tmp_path / "concat:http:%2F%2Fexample.org|-i 'a' ü.mp4")
    assert reader.probe(odd).duration_s > 0


def test_a_decoder_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", [textured(1)] * 5)
    hasty = AvMediaReader(base_timeout_s=0.02, timeout_per_s=0.0)
    with pytest.raises(StageFailed, match="longer than"):
        hasty.decode_part(path, Span(0, 1))
    with pytest.raises(BadInput, match="longer than"):
        hasty.probe(path)
    assert not living_decoders()


def test_a_decoder_that_wants_too_much_memory_is_stopped(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", [textured(1, width=4096, height=2160)] * 3)
    with pytest.raises(StageFailed):
        AvMediaReader(memory_bytes=160 * 2**20, n_threads=1).decode_part(path, Span(0, 1))


def test_damage_in_the_middle_is_skipped_and_told(reader: AvMediaReader, tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", [textured(i // 10) for i in range(200)], gop=25)
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 3
    data[start : start + 6000] = np.random.default_rng(2).bytes(6000)
    path.write_bytes(data)
    part = reader.decode_part(path, Span(0, 8))
    assert 0 < len(part.thumbnails) <= 200
    assert part.warnings
    assert "were skipped" in part.warnings[0]
    assert part.thumbnail_times_s[-1] > 7.5


def test_a_file_cut_short_is_measured_and_told(reader: AvMediaReader, tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", [textured(i // 5) for i in range(300)])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    info = reader.probe(path)
    assert 3 < info.duration_s < 9
    assert f"Only the first {info.duration_s:.1f} s of 12.0 s" in info.warnings[0]


def test_damaged_sound_becomes_silence(reader: AvMediaReader, tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.m4a", tone(6.0), codec="aac")
    data = bytearray(path.read_bytes())
    middle = data.index(b"mdat") + 20_000
    data[middle : middle + 8000] = np.random.default_rng(3).bytes(8000)
    path.write_bytes(data)
    samples = reader.read_audio(path, Span(0, 6))
    assert len(samples) == pytest.approx(6 * SAMPLE_RATE_HZ, rel=0.02)
    assert np.isfinite(samples).all()


class TestWire:
    """The parent believes nothing the child says beyond its format."""

    @pytest.mark.parametrize(
        "data",
        [
            b"abc",
            b"\x00" * 11,
            b"\x00\x00\x00\x02" + bytes(8) + b"{",
            b"\x00\x00\x00\x02" + bytes(8) + b"[]",
            b"\xff" * 40,
        ],
    )
    def test_refuses_what_is_not_a_message(self, data: bytes) -> None:
        with pytest.raises(WireError):
            list(read_messages(io.BytesIO(data)))

    @pytest.mark.parametrize(
        "header",
        [
            {},
            {"dtype": "O", "shape": [1]},
            {"dtype": "u1", "shape": [9]},
            {"dtype": "f4", "shape": [-1]},
            {"dtype": "u1", "shape": 4},
        ],
    )
    def test_refuses_arrays_that_do_not_fit(self, header: dict[str, Any]) -> None:
        with pytest.raises(WireError):
            parse_array(header, b"1234")

    def test_gives_back_what_was_written(self) -> None:
        out = io.BytesIO()
        array = np.arange(12, dtype=np.float64).reshape(3, 4)
        write_array(out, "times", array)
        write_message(out, {"kind": "done"})
        out.seek(0)
        (header, payload), (done, _) = read_messages(out)
        assert np.array_equal(parse_array(header, payload), array)
        assert done == {"kind": "done"}


@pytest.mark.corpus
@needs_corpus
def test_every_bad_file_of_the_corpus_gets_what_it_deserves(reader: AvMediaReader) -> None:
    for bad in json.loads((CORPUS / "ground_truth.json").read_text())["bad_inputs"]:
        path = CORPUS / "videos" / bad["file"]
        if bad["expect"] == "reject":
            with pytest.raises(BadInput):
                reader.probe(path)
            continue
        info = reader.probe(path)
        part = reader.decode_part(path, Span(0, info.duration_s))
        assert len(part.thumbnails) == pytest.approx(bad["decodable_frames"], abs=2), bad["file"]
        assert info.duration_s == pytest.approx(bad["decodable_seconds"], abs=0.2), bad["file"]
        assert bool(info.warnings + part.warnings) == (bad["expect"] == "partial"), bad["file"]


def living_decoders() -> list[str]:
    """Command lines of decoding children of this process that are still alive."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            stat, command = (process / "stat").read_text(), (process / "cmdline").read_bytes()
        except OSError:
            continue
        parent = int(stat.rsplit(")", 1)[1].split()[1])
        if parent == os.getpid() and b"adapters.media_child" in command:
            found.append(command.decode())
    return found
