"""The one way to get torch: importable beside any torchvision build, with a chosen number of threads.

It does not know any model; every torch-based adapter calls ``load_torch`` before it imports its engine.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

from threadpoolctl import threadpool_limits

_LOCK = threading.Lock()
_KEPT_ALIVE: list[Any] = []
"""Torch libraries whose operators vanish once they are garbage-collected."""
_MISSING_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_PASSIVE_WAIT = ("OMP_WAIT_POLICY", "PASSIVE")
"""OpenMP reads it when torch is first imported. By default its threads spin at every barrier, and once another process
wants the same cores they spin for whole time slices: MiniLM on 2 threads took 220–490 ms a query and 17–30 sentences/s
on two busy cores; waiting passively it took 18–20 ms and 155–250 sentences/s."""
_state = {"is_ready": False}


def load_torch(threads: int = 0) -> ModuleType:
    """Return torch, safe to import torchvision, transformers, sentence_transformers and open_clip after.

    ``threads`` above 0 sets how many threads an operator may use, numpy's products too, for the whole process: the last
    caller wins, so a process gives every adapter the same number. 0 leaves their own choice (the physical cores).
    Threads that ran an operator before keep the number they started with. Callable from any thread, at any time.
    """
    with _LOCK:
        os.environ.setdefault(*_PASSIVE_WAIT)
        torch = importlib.import_module("torch")
        if not _state["is_ready"]:
            _make_torchvision_importable(torch)
            _state["is_ready"] = True
        if threads > 0:
            limit_products(threads)
            if torch.get_num_threads() != threads:
                torch.set_num_threads(threads)
        return torch


def limit_products(threads: int) -> None:
    """Let numpy's matrix products use that many threads, in the whole process.

    By default there is one a core, and they spin while they wait: of a search of the development corpus, half the CPU
    and on a busy machine half the time.
    """
    threadpool_limits(threads, user_api="blas")


def hide_loading_bars() -> None:
    """Keep transformers from drawing a progress bar for every model it reads from disk; downloads still show theirs."""
    importlib.import_module("transformers.utils.logging").disable_progress_bar()


def _make_torchvision_importable(torch: ModuleType) -> None:
    """Load torchvision's operators, or declare the two that its import needs when they do not fit this torch.

    A torchvision wheel built for CUDA beside a CPU torch fails at import with ``operator torchvision::nms does not
    exist``, and takes transformers and open_clip with it although they use only its transforms. The declared operators
    have no implementation: calling them still raises.
    """
    if "torchvision" in sys.modules:
        return
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return
    for compiled in sorted(Path(spec.origin).parent.glob("_C*.so")) or sorted(Path(spec.origin).parent.glob("_C*.pyd")):
        try:
            torch.ops.load_library(str(compiled))
        except OSError:
            continue
        return
    library = torch.library.Library("torchvision", "DEF")
    for schema in _MISSING_OPERATORS:
        library.define(schema)
    _KEPT_ALIVE.append(library)
