"""The process that touches hostile media: it limits itself, serves one request given as JSON, writes the result, ends.

Run as ``python -m adapters.media_child REQUEST`` by ``adapters.media``. It does not know who asks nor why.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

_MAX_STDERR_BYTES = 2**20
_MAX_OPEN_FILES = 64
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
"""linux/prctl.h: die with the parent, so a killed worker leaves no decoder behind; never gain privileges."""
THUMBNAILS_PER_MESSAGE = 512


def main() -> None:
    request = json.loads(sys.argv[1])
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print must not corrupt the messages
    limit_process(cpu_s=request["cpu_s"], memory_bytes=request["memory_bytes"])
    from core.errors import KinographError  # after the limits, like everything that takes memory

    try:
        _serve(request, out)
    except KinographError as error:
        _send_error(out, type(error).__name__, error.reason, error.remedy)
    except MemoryError:
        _send_error(
            out, "StageFailed", "Decoding needs more memory than allowed", "Convert the file to a smaller size."
        )


def limit_process(*, cpu_s: int, memory_bytes: int) -> None:
    """Set the limits that hold whatever the decoders do; they cannot be raised again."""
    limits = {
        resource.RLIMIT_CPU: cpu_s,
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_FSIZE: _MAX_STDERR_BYTES,
        resource.RLIMIT_NOFILE: _MAX_OPEN_FILES,
        resource.RLIMIT_CORE: 0,
    }
    for limit, wanted in limits.items():
        hard = resource.getrlimit(limit)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(limit, (value, value))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _serve(request: dict[str, Any], out: BinaryIO) -> None:
    from adapters.media_wire import write_array, write_message
    from core.records import Span

    path = Path(request["path"])
    match request["task"]:
        case "probe":
            from adapters.media_probe import probe_media

            info = probe_media(path, max_duration_s=request["max_duration_s"])
            write_message(out, {"kind": "done", "info": info})
        case "frames":
            _serve_frames(path, Span(*request["span"]), request["n_threads"], out)
        case "sound":
            from adapters.media_sound import read_sound

            write_array(out, "samples", read_sound(path, Span(*request["span"])))
            write_message(out, {"kind": "done"})
        case "subtitles":
            from adapters.media_subtitles import read_cues

            write_message(out, {"kind": "done", "cues": read_cues(path)})
        case task:
            raise ValueError(f"unknown task {task}")


def _serve_frames(path: Path, span: Any, n_threads: int, out: BinaryIO) -> None:
    import numpy as np

    from adapters.media_frames import decode_frames
    from adapters.media_wire import write_array, write_message

    times_s: list[float] = []
    thumbnails: list[Any] = []

    def send_thumbnails() -> None:
        if thumbnails:
            write_array(out, "times", np.array(times_s, np.float64))
            write_array(out, "thumbnails", np.stack(thumbnails))
            times_s.clear()
            thumbnails.clear()

    def give_thumbnail(time_s: float, thumbnail: Any) -> None:
        times_s.append(time_s)
        thumbnails.append(thumbnail)
        if len(thumbnails) == THUMBNAILS_PER_MESSAGE:
            send_thumbnails()

    def give_picture(time_s: float, jpeg: bytes) -> None:
        write_message(out, {"kind": "picture", "time_s": time_s}, jpeg)

    warnings = decode_frames(path, span, n_threads=n_threads, give_thumbnail=give_thumbnail, give_picture=give_picture)
    send_thumbnails()
    write_message(out, {"kind": "done", "warnings": warnings})


def _send_error(out: BinaryIO, name: str, reason: str, remedy: str) -> None:
    from adapters.media_wire import write_message

    write_message(out, {"kind": "error", "name": name, "reason": reason, "remedy": remedy})


if __name__ == "__main__":
    main()
