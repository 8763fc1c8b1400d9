"""Loads a late-interaction model by sentence-transformers' ``MultiVectorEncoder``, which reads how it was saved.

It does not know whether the model reads texts or pictures.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from adapters.hub_files import HUB_REMEDY
from adapters.torch_runtime import hide_loading_bars, load_torch
from core.errors import BadInput


def load_multi_vector_model(model: str | Path, kind: str, *, threads: int, device: str | None = None) -> Any:
    """Return the model, ready to encode; it must have a trained projection, or the library adds a random one.

    ``model`` is a folder or a name on the hub, ``kind`` what to call it in an error. No code of the checkpoint is run.
    ``device`` None takes a GPU if torch finds one, else the CPU.

    Raises:
        BadInput: it cannot be loaded, or the hub is out of reach.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # it would ignore `threads` and warn after a fork
    load_torch(threads)
    from sentence_transformers import MultiVectorEncoder

    hide_loading_bars()
    try:
        return MultiVectorEncoder(str(model), device=device).eval()
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise BadInput(f"the {kind} {model} cannot be loaded: {error}", remedy=HUB_REMEDY) from error
