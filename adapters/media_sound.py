"""Decodes the sound of a span to mono 16 kHz, each sample at the time it is heard; gaps and damage become zeros.

Runs only in the decoding child. It does not know what is said.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import cast

import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream

from adapters.media_open import OpenMedia, open_media, read_packets
from core.records import Span
from core.signals import SAMPLE_RATE_HZ, FloatArray

PREROLL_S = 1.0
"""Decoding starts this much earlier and the surplus is dropped: lossy codecs need packets before the first."""
MAX_JUMP_S = 0.04
"""Timestamps may stray this far from the count of samples (containers round them) before it is a gap."""


def read_sound(path: Path, span: Span) -> FloatArray:
    """Return float32 samples from ``span.start_s`` on; fewer than the span's where the sound ends."""
    media = open_media(path)
    with media.container:
        if media.audio is None:
            return np.zeros(0, np.float32)
        track = _SampleTrack(span)
        for time_s, frame in _frames(media, media.audio, max(0.0, span.start_s - PREROLL_S)):
            if time_s >= span.end_s:
                break
            track.add(time_s, frame)
        return track.finish()


class _SampleTrack:
    """Resamples runs of contiguous frames and lays each at its own time."""

    def __init__(self, span: Span) -> None:
        self._start_s = span.start_s
        self._samples = np.zeros(round(span.duration_s * SAMPLE_RATE_HZ), np.float32)
        self._n_heard = 0
        self._resampler: AudioResampler | None = None
        self._layout = ("", "", 0)
        self._next_s = 0.0
        self._position = 0

    def add(self, time_s: float, frame: AudioFrame) -> None:
        layout = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or layout != self._layout or abs(time_s - self._next_s) > MAX_JUMP_S:
            self._end_run()
            n_early = _samples_before_grid(time_s, frame.sample_rate)
            if n_early >= frame.samples:
                return
            frame = _without_first(frame, n_early) if n_early else frame
            time_s += n_early / frame.sample_rate
            self._resampler = AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
            self._layout, self._next_s = layout, time_s
            self._position = round(time_s * SAMPLE_RATE_HZ) - round(self._start_s * SAMPLE_RATE_HZ)
        self._next_s += frame.samples / frame.sample_rate
        frame.pts = None
        self._lay(self._resampler.resample(frame))

    def finish(self) -> FloatArray:
        self._end_run()
        return self._samples[: self._n_heard]

    def _end_run(self) -> None:
        if self._resampler is not None:
            self._lay(self._resampler.resample(None))
            self._resampler = None

    def _lay(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            heard = frame.to_ndarray().reshape(-1)
            start, end = max(0, self._position), min(len(self._samples), self._position + len(heard))
            if start < end:
                self._samples[start:end] = np.nan_to_num(heard[start - self._position : end - self._position])
                self._n_heard = max(self._n_heard, end)
            self._position += len(heard)


def _samples_before_grid(time_s: float, rate_hz: int) -> int:
    """Return how many samples to drop so that a run begins where both rates have a sample.

    Then the output does not depend on where reading began: resampling from 44.1 kHz at any other sample would shift
    the result by a fraction of one.

    >>> _samples_before_grid(0.0, 44100), _samples_before_grid(442 / 44100, 44100)
    (0, 440)
    """
    step = rate_hz // math.gcd(rate_hz, SAMPLE_RATE_HZ)
    return -round(time_s * rate_hz) % step


def _without_first(frame: AudioFrame, n_samples: int) -> AudioFrame:
    array = frame.to_ndarray()
    n_values = n_samples if frame.format.is_planar else n_samples * frame.layout.nb_channels
    rest = cast(FloatArray, np.ascontiguousarray(array[:, n_values:]))  # or another sample type; the format names it
    shorter = AudioFrame.from_ndarray(rest, format=frame.format.name, layout=frame.layout.name)
    shorter.sample_rate = frame.sample_rate
    return shorter


def _frames(media: OpenMedia, stream: AudioStream, start_s: float) -> Iterator[tuple[float, AudioFrame]]:
    """Yield (time from the origin, frame) from a place at or before ``start_s``."""
    if start_s > 0 and stream.time_base is not None:
        with suppress(av.error.FFmpegError):  # unseekable: read from the start, the surplus is dropped
            media.container.seek(int((start_s + media.origin_s) / stream.time_base), stream=stream)
    next_s = 0.0
    for packet in read_packets(media.container, stream):
        if packet is None:
            continue
        try:
            frames = cast(list[AudioFrame], packet.decode())
        except av.error.FFmpegError:
            continue
        for frame in frames:
            if not frame.samples or not frame.sample_rate:
                continue
            if frame.pts is not None and frame.time_base is not None:
                next_s = float(frame.pts * frame.time_base) - media.origin_s
            yield next_s, frame
            next_s += frame.samples / frame.sample_rate
