"""Reads untrusted media in a child process with limits on time, memory and files, so that hostile bytes hurt nobody.

It does not import FFmpeg: what decodes lives in ``media_child`` and the modules that only it imports.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np

from adapters.media_wire import WireError, parse_array, read_messages
from core.errors import BadInput, KinographError, StageFailed, TooLarge
from core.records import Span
from core.signals import (
    DecodedPart,
    FloatArray,
    MediaInfo,
    Picture,
    SubtitleCue,
)

_ROOT = Path(__file__).resolve().parents[1]
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "LANG", "SYSTEMROOT")
"""The child sees no other variable, so no key or password of the service."""
_BYTES_PER_S = 20 * 2**20
"""Probing reads the whole file once; a slow disk gives this much a second."""
_STDERR_TAIL_BYTES = 2000
_DECODER_REMEDY = "Check that it plays, or convert it to MP4 (H.264, AAC) and upload it again."

Messages = list[tuple[dict[str, Any], bytes]]


class AvMediaReader:
    """Implements core.protocols.MediaReader with PyAV; one child process a call, any number of calls at a time."""

    def __init__(
        self,
        *,
        max_duration_s: float = 24 * 3600,
        base_timeout_s: float = 60.0,
        timeout_per_s: float = 10.0,
        memory_bytes: int = 4 * 2**30,
        n_threads: int = 0,
    ) -> None:
        """Allow a call ``base_timeout_s``, plus ``timeout_per_s`` for each second of media it decodes."""
        self._max_duration_s = max_duration_s
        self._base_timeout_s = base_timeout_s
        self._timeout_per_s = timeout_per_s
        self._memory_bytes = memory_bytes
        self._n_threads = n_threads

    def probe(self, path: Path) -> MediaInfo:
        timeout_s = self._base_timeout_s + path.stat().st_size / _BYTES_PER_S
        try:
            messages = self._run("probe", path, timeout_s, max_duration_s=self._max_duration_s)
        except StageFailed as failure:
            raise BadInput(f"The file cannot be read: {failure.reason}", remedy=_DECODER_REMEDY) from failure
        return _media_info(messages[-1][0]["info"])

    def decode_part(self, path: Path, span: Span) -> DecodedPart:
        messages = self._run("frames", path, self._timeout_s(span), span=_bounds(span), n_threads=self._n_threads)
        times = [parse_array(h, p) for h, p in messages if h.get("name") == "times"]
        thumbnails = [parse_array(h, p) for h, p in messages if h.get("name") == "thumbnails"]
        pictures = [Picture(float(h["time_s"]), p) for h, p in messages if h.get("kind") == "picture"]
        return DecodedPart(
            thumbnail_times_s=np.concatenate(times) if times else np.zeros(0, np.float64),
            thumbnails=np.concatenate(thumbnails) if thumbnails else np.zeros((0, 27, 48, 3), np.uint8),
            pictures=tuple(pictures),
            warnings=tuple(str(w) for w in messages[-1][0]["warnings"]),
        )

    def read_audio(self, path: Path, span: Span) -> FloatArray:
        messages = self._run("sound", path, self._timeout_s(span), span=_bounds(span))
        samples: FloatArray = parse_array(*messages[0]).astype(np.float32)
        return samples

    def read_subtitles(self, path: Path) -> tuple[SubtitleCue, ...]:
        timeout_s = self._base_timeout_s + path.stat().st_size / _BYTES_PER_S
        cues = self._run("subtitles", path, timeout_s)[-1][0]["cues"]
        return tuple(SubtitleCue(Span(start_s, end_s), str(text)) for start_s, end_s, text in cues)

    def _timeout_s(self, span: Span) -> float:
        return self._base_timeout_s + self._timeout_per_s * span.duration_s

    def _run(self, task: str, path: Path, timeout_s: float, **fields: Any) -> Messages:
        """Return the messages of a child that served the request in full; the last is of kind ``done``.

        Raises:
            BadInput: the file is at fault. StageFailed: the child crashed, hung or answered nonsense.
        """
        n_cpus = os.cpu_count() or 1
        limits = {"cpu_s": math.ceil(timeout_s * n_cpus), "memory_bytes": self._memory_bytes}
        request = json.dumps({"task": task, "path": str(path.resolve()), **limits, **fields})
        with tempfile.TemporaryFile() as stderr:
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", "adapters.media_child", request],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=_child_environment(),
            )
            messages, is_late = _collect(child, timeout_s)
            if messages and messages[-1][0].get("kind") == "done" and child.returncode == 0:
                return messages
            if messages and messages[-1][0].get("kind") == "error":
                raise _reported_error(messages[-1][0])
            stderr.seek(max(0, stderr.seek(0, os.SEEK_END) - _STDERR_TAIL_BYTES))
            last_words = stderr.read().decode(errors="replace")
        raise _crash_error(child.returncode, is_late, timeout_s, last_words)


def _bounds(span: Span) -> list[float]:
    return [span.start_s, span.end_s]


def _child_environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    # One arena a thread would reserve 64 MB of address space each, against the memory limit.
    return {**kept, "PYTHONPATH": str(_ROOT), "MALLOC_ARENA_MAX": "4", "OPENBLAS_NUM_THREADS": "1"}


def _collect(child: subprocess.Popen[bytes], timeout_s: float) -> tuple[Messages, bool]:
    """Read all messages and wait for the child; return them and whether it had to be killed for being late."""
    is_late = threading.Event()

    def kill_late() -> None:
        is_late.set()
        child.kill()

    messages: Messages = []
    timer = threading.Timer(timeout_s, kill_late)
    timer.daemon = True
    timer.start()
    try:
        assert child.stdout is not None
        with child.stdout:
            messages.extend(read_messages(child.stdout))
    except WireError:
        messages.clear()
    finally:
        child.wait() if is_late.is_set() else _end(child)
        timer.cancel()
    return messages, is_late.is_set()


def _end(child: subprocess.Popen[bytes]) -> None:
    """Wait briefly for a child that has closed its output; kill one that lingers (or whose reader was interrupted)."""
    try:
        child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _reported_error(header: dict[str, Any]) -> KinographError:
    reason, remedy = str(header.get("reason")), str(header.get("remedy"))
    if header.get("name") == "TooLarge":
        return TooLarge(reason, remedy=remedy)
    if header.get("name") == "StageFailed":
        return StageFailed("decode", reason, remedy=remedy)
    return BadInput(reason, remedy=remedy)


def _crash_error(returncode: int, is_late: bool, timeout_s: float, stderr: str) -> StageFailed:
    if is_late or returncode == -signal.SIGXCPU:
        reason = f"decoding took longer than {timeout_s:.0f} s"
    elif "MemoryError" in stderr or returncode == -signal.SIGKILL:
        reason = "decoding needs more memory than allowed"
    elif returncode < 0:
        reason = f"the decoder crashed ({signal.Signals(-returncode).name})"
    else:
        reason = f"the decoder stopped ({(stderr.strip().splitlines() or ['no reason given'])[-1]})"
    return StageFailed("decode", reason, remedy=_DECODER_REMEDY)


def _media_info(fields: dict[str, Any]) -> MediaInfo:
    return MediaInfo(
        duration_s=float(fields["duration_s"]),
        size_px=(int(fields["size_px"][0]), int(fields["size_px"][1])) if fields["size_px"] else None,
        has_audio=bool(fields["has_audio"]),
        keyframe_times_s=tuple(float(t) for t in fields["keyframe_times_s"]),
        warnings=tuple(str(w) for w in fields["warnings"]),
    )
