"""What the media reader tells about good files: sizes, times, pictures, samples, subtitles."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adapters.media import AvMediaReader
from adapters.media_open import upright_size
from core.records import Span
from core.signals import SAMPLE_RATE_HZ, DecodedPart
from tests.clips import plain, slide, textured, tone, write_sound, write_video

CORPUS = Path(__file__).parents[1].parent / "shared" / "corpus" / "dev" / "videos"
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the evaluation corpus is not beside the checkout")


@pytest.fixture(scope="module")
def reader() -> AvMediaReader:
    return AvMediaReader(n_threads=1)


def pictures_of(part: DecodedPart) -> list[Image.Image]:
    return [Image.open(io.BytesIO(picture.jpeg)) for picture in part.pictures]


class TestProbe:
    def test_tells_size_length_and_keyframes(self, reader: AvMediaReader, tmp_path: Path) -> None:
        path = write_video(tmp_path / "a.mp4", [textured(1)] * 100, gop=50, sound=tone(4.0))
        info = reader.probe(path)
        assert info.duration_s == pytest.approx(4.0, abs=0.1)
        assert (info.size_px, info.has_audio) == ((320, 180), True)
        assert info.keyframe_times_s == pytest.approx((0.0, 2.0), abs=0.05)
        assert info.warnings == ()

    def test_sees_a_portrait_video_upright(self, reader: AvMediaReader, tmp_path: Path) -> None:
        picture = plain((20, 20, 20))
        picture[:, :40] = (250, 0, 0)  # stored on the left; a quarter turn counterclockwise brings it to the bottom
        path = write_video(tmp_path / "a.mp4", [picture] * 30, rotation_deg=90)
        info = reader.probe(path)
        assert info.size_px == (180, 320)
        part = reader.decode_part(path, Span(0, 1))
        image = pictures_of(part)[0]
        assert image.size == (180, 320)
        assert image.getpixel((90, 310))[0] > 200
        assert part.thumbnails.shape[1:] == (27, 48, 3)
        assert part.thumbnails[0, -1, 24, 0] > 150

    def test_stretches_anamorphic_pixels(self, reader: AvMediaReader, tmp_path: Path) -> None:
        path = write_video(tmp_path / "a.mkv", [textured(1)] * 10, aspect=Fraction(3, 2))
        info = reader.probe(path)
        assert info.size_px == (480, 180)
        assert pictures_of(reader.decode_part(path, Span(0, 1)))[0].size == (480, 180)

    def test_takes_sound_alone(self, reader: AvMediaReader, tmp_path: Path) -> None:
        info = reader.probe(write_sound(tmp_path / "a.wav", tone(2.0), codec="pcm_s16le"))
        assert (info.size_px, info.has_audio, info.keyframe_times_s) == (None, True, ())
        assert info.duration_s == pytest.approx(2.0, abs=0.01)

    def test_counts_from_where_players_start(self, reader: AvMediaReader, tmp_path: Path) -> None:
        path = write_video(tmp_path / "a.ts", [textured(i // 25) for i in range(75)], start_s=100.0)
        info = reader.probe(path)
        assert info.duration_s == pytest.approx(3.0, abs=0.1)
        assert info.keyframe_times_s[0] == pytest.approx(0.0, abs=0.01)
        part = reader.decode_part(path, Span(1, 2))
        assert part.thumbnail_times_s == pytest.approx(np.arange(25) / 25 + 1, abs=0.02)

    def test_ignores_a_mad_pixel_aspect(self) -> None:
        assert upright_size(320, 180, 1000.0, 0) == (320, 180)


class TestDecodePart:
    def test_gives_a_thumbnail_a_frame_in_the_span_only(self, reader: AvMediaReader, tmp_path: Path) -> None:
        path = write_video(tmp_path / "a.mp4", [textured(i // 10) for i in range(100)], gop=40)
        whole, middle = reader.decode_part(path, Span(0, 4)), reader.decode_part(path, Span(1.0, 3.0))
        assert whole.thumbnail_times_s == pytest.approx(np.arange(100) / 25, abs=0.002)
        assert middle.thumbnail_times_s == pytest.approx(np.arange(25, 75) / 25, abs=0.002)
        assert np.array_equal(middle.thumbnails, whole.thumbnails[25:75])
        assert all(1.0 <= picture.time_s < 3.0 for picture in middle.pictures)

    def test_thins_out_fast_streams(self, reader: AvMediaReader, tmp_path: Path) -> None:
        path = write_video(tmp_path / "a.mp4", [textured(1)] * 60, frames_per_s=60)
        assert len(reader.decode_part(path, Span(0, 1)).thumbnails) == 30

    def test_keeps_one_picture_of_what_stands_still(self, reader: AvMediaReader, tmp_path: Path) -> None:
        path = write_video(tmp_path / "a.mp4", [slide(["Nothing moves"])] * 100, frames_per_s=10)
        assert len(reader.decode_part(path, Span(0, 10)).pictures) == 1

    def test_never_misses_a_short_shot(self, reader: AvMediaReader, tmp_path: Path) -> None:
        shots = [textured(seed) for seed in range(6)]
        path = write_video(tmp_path / "a.mp4", [shots[i // 10] for i in range(60)])  # 0.4 s each
        part = reader.decode_part(path, Span(0, 2.4))
        shot_of_picture = [int(picture.time_s / 0.4) for picture in part.pictures]
        assert sorted(set(shot_of_picture)) == [0, 1, 2, 3, 4, 5]

    def test_notices_a_line_of_text(self, reader: AvMediaReader, tmp_path: Path) -> None:
        lines = ["Quarterly results", "Revenue rose", "Costs fell"]
        pictures = [slide(lines[: 1 + i // 30]) for i in range(90)]
        part = reader.decode_part(write_video(tmp_path / "a.mp4", pictures, frames_per_s=10), Span(0, 9))
        assert [int(picture.time_s // 3) for picture in part.pictures] == [0, 1, 2]

    def test_holds_a_frame_over_a_gap(self, reader: AvMediaReader, tmp_path: Path) -> None:
        pictures = [slide(["One"]), slide(["Two", "Three"]), slide(["Two", "Three"])]
        path = write_video(tmp_path / "a.mp4", pictures, times_s=[0.0, 8.0, 9.0])
        part = reader.decode_part(path, Span(2.0, 6.0))
        assert part.thumbnail_times_s.tolist() == [2.0]
        assert len(part.pictures) == 1

    def test_shrinks_pictures_to_reading_size(self, reader: AvMediaReader, tmp_path: Path) -> None:
        path = write_video(tmp_path / "a.mp4", [textured(3, width=2560, height=1440)] * 5)
        assert pictures_of(reader.decode_part(path, Span(0, 1)))[0].size == (1280, 720)

    def test_gives_nothing_for_sound_alone(self, reader: AvMediaReader, tmp_path: Path) -> None:
        path = write_sound(tmp_path / "a.wav", tone(1.0), codec="pcm_s16le")
        part = reader.decode_part(path, Span(0, 1))
        assert (part.thumbnails.shape, part.pictures) == ((0, 27, 48, 3), ())


class TestReadAudio:
    @pytest.mark.parametrize(("name", "codec"), [("a.wav", "pcm_s16le"), ("a.m4a", "aac"), ("a.mp3", "libmp3lame")])
    def test_gives_the_same_samples_wherever_reading_starts(
        self, reader: AvMediaReader, tmp_path: Path, name: str, codec: str
    ) -> None:
        path = write_sound(tmp_path / name, tone(6.0), codec=codec)
        whole = reader.read_audio(path, Span(0, 6))
        part = reader.read_audio(path, Span(2.5, 4.25))
        assert len(part) == round(1.75 * SAMPLE_RATE_HZ)
        start = round(2.5 * SAMPLE_RATE_HZ)
        assert np.abs(part - whole[start : start + len(part)]).max() < 1e-4
        assert np.array_equal(part, reader.read_audio(path, Span(2.5, 4.25)))

    def test_lays_sound_where_it_is_heard(self, reader: AvMediaReader, tmp_path: Path) -> None:
        path = write_video(tmp_path / "a.mkv", [textured(1)] * 100, sound=tone(2.0), sound_start_s=1.0)
        samples = reader.read_audio(path, Span(0, 4))
        assert 2.9 * SAMPLE_RATE_HZ < len(samples) < 3.2 * SAMPLE_RATE_HZ
        loud = np.flatnonzero(np.abs(samples) > 0.1)
        assert loud[0] / SAMPLE_RATE_HZ == pytest.approx(1.0, abs=0.05)
        assert not samples[: int(0.9 * SAMPLE_RATE_HZ)].any()

    def test_is_empty_without_sound(self, reader: AvMediaReader, tmp_path: Path) -> None:
        path = write_video(tmp_path / "a.mp4", [textured(1)] * 10)
        assert len(reader.read_audio(path, Span(0, 1))) == 0


class TestReadSubtitles:
    SRT = "1\n00:00:01,000 --> 00:00:02,500\n<i>Où</i> est\nla gare ?\n\n2\n00:00:03,000 --> 00:00:04,000\n{\\an8}Là\n"

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
    def test_reads_a_subtitle_file(self, reader: AvMediaReader, tmp_path: Path, encoding: str) -> None:
        path = tmp_path / "a.srt"
        path.write_bytes(self.SRT.replace("\n", "\r\n").encode(encoding))
        cues = reader.read_subtitles(path)
        assert [(cue.span, cue.text) for cue in cues] == [
            (Span(1.0, 2.5), "Où est la gare ?"),
            (Span(3.0, 4.0), "Là"),
        ]

    def test_has_none_where_there_are_none(self, reader: AvMediaReader, tmp_path: Path) -> None:
        assert reader.read_subtitles(write_video(tmp_path / "a.mp4", [textured(1)] * 5)) == ()

    @pytest.mark.corpus
    @needs_corpus
    def test_reads_an_embedded_track(self, reader: AvMediaReader) -> None:
        cues = reader.read_subtitles(CORPUS / "d07.mp4")
        assert cues[1].text == "space telescope in one of the largest cleanrooms in the world"
        assert cues[1].span == Span(4.26, 8.35)


@pytest.mark.corpus
@needs_corpus
class TestRealFiles:
    def test_picks_the_larger_of_two_video_streams(self, reader: AvMediaReader) -> None:
        info = reader.probe(CORPUS / "d07.mp4")
        assert info.size_px is not None
        assert info.size_px[0] == 480

    def test_finds_the_pictures_behind_the_sound(self, reader: AvMediaReader) -> None:
        info = reader.probe(CORPUS / "d20.mp4")
        assert info.size_px is not None

    def test_measures_anamorphic_film(self, reader: AvMediaReader) -> None:
        info = reader.probe(CORPUS / "d09.mp4")
        assert info.size_px == (1024, 576)

    def test_sound_may_be_shorter_than_the_pictures(self, reader: AvMediaReader) -> None:
        samples = reader.read_audio(CORPUS / "d24.mp4", Span(0, 11.2))
        assert 0 < len(samples) <= round(11.2 * SAMPLE_RATE_HZ)
