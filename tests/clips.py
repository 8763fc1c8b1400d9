"""Small videos and sounds made on the spot with PyAV, so that tests need neither files nor the ffmpeg command."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Pixels = NDArray[np.uint8]


def plain(colour: tuple[int, int, int], *, width: int = 320, height: int = 180) -> Pixels:
    return np.full((height, width, 3), colour, np.uint8)


def textured(seed: int, *, width: int = 320, height: int = 180) -> Pixels:
    """A picture of coarse random blocks: detailed, unlike any other seed's, and kind to codecs."""
    blocks = np.random.default_rng(seed).integers(0, 255, (9, 16, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(blocks).resize((width, height), Image.Resampling.NEAREST))


def slide(lines: Sequence[str], *, width: int = 1280, height: int = 720) -> Pixels:
    """A white slide with lines of text."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((width // 12, height // 8 * (number + 1)), line, fill="black", font_size=height // 20)
    return np.asarray(image)


def write_video(
    path: Path,
    pictures: Iterable[Pixels],
    *,
    frames_per_s: int = 25,
    codec: str = "libx264",
    gop: int = 25,
    times_s: Sequence[float] | None = None,
    sound: NDArray[np.float32] | None = None,
    sound_start_s: float = 0.0,
    aspect: Fraction | None = None,
    rotation_deg: int = 0,
    start_s: float = 0.0,
) -> Path:
    """Write the pictures, one a frame (or at ``times_s``), with 48 kHz mono sound if given; return the path."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=frames_per_s)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = gop
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        audio = container.add_stream("aac", rate=48_000, layout="mono") if sound is not None else None
        for number, picture in enumerate(pictures):
            if number == 0:
                stream.height, stream.width = picture.shape[:2]
                if aspect is not None:
                    stream.codec_context.sample_aspect_ratio = aspect
                if rotation_deg:
                    stream.set_display_rotation(rotation_deg)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            time_s = times_s[number] if times_s is not None else number / frames_per_s
            frame.pts, frame.time_base = round((start_s + time_s) * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio is not None and sound is not None:
            _encode_sound(container, audio, sound, start_s + sound_start_s)
    return path


def write_sound(path: Path, sound: NDArray[np.float32], *, codec: str) -> Path:
    """Write 48 kHz mono sound alone; return the path."""
    with av.open(str(path), "w") as container:
        _encode_sound(container, container.add_stream(codec, rate=48_000, layout="mono"), sound, 0.0)
    return path


def _encode_sound(
    container: av.container.OutputContainer, stream: object, sound: NDArray[np.float32], at_s: float
) -> None:
    assert isinstance(stream, av.AudioStream)
    resampler = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=48_000)
    for start in range(0, len(sound), 1024):
        frame = av.AudioFrame.from_ndarray(sound[None, start : start + 1024], format="fltp", layout="mono")
        frame.sample_rate, frame.time_base = 48_000, Fraction(1, 48_000)
        frame.pts = round(at_s * 48_000) + start
        for piece in resampler.resample(frame):
            container.mux(stream.encode(piece))
    container.mux(stream.encode(None))


def tone(duration_s: float, *, hertz: float = 440.0) -> NDArray[np.float32]:
    """A sine at 48 kHz whose loudness grows from 0.2 to 0.8, so that a shift in time shows."""
    times_s = np.arange(round(duration_s * 48_000)) / 48_000
    loudness = 0.2 + 0.6 * times_s / duration_s
    return (loudness * np.sin(2 * np.pi * hertz * times_s)).astype(np.float32)
