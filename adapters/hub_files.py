"""What a model's own configuration says before its weights are loaded: how many numbers its vectors have.

A model is a folder or a name on the hub; of the latter only small JSON files are fetched, once. It does not know what
models are used for.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.errors import BadInput

HUB_REMEDY = "Check the name and that huggingface.co is reachable, or choose the profile `offline`."


def text_dimension(model: str | Path) -> int | None:
    """Return the numbers in a text's vector of a sentence-transformers model; None if only its weights would tell.

    Raises:
        BadInput: there is no such model, or the hub is out of reach.
    """
    modules = _read_json(model, "modules.json")
    if modules is None:
        return _as_int((_read_json(model, "config.json") or {}).get("hidden_size"))
    saved = _read_json(model, "config_sentence_transformers.json") or {}
    dimension = _as_int(saved.get("truncate_dim"))
    for module in reversed(modules):
        if dimension is not None:
            break
        config = _read_json(model, f"{module['path']}/config.json") if module["path"] else None
        dimension = _vector_size(str(module["type"]), config or {})
    return dimension


def token_dimension(model: str | Path) -> int:
    """Return the numbers in a token's vector of a late-interaction model, as ColBERT, PyLate or transformers save it.

    Raises:
        BadInput: it has no trained projection of tokens, there is no such model, or the hub is out of reach.
    """
    config = _read_json(model, "config.json") or {}
    modules = _read_json(model, "modules.json") or []
    kinds = [str(module["type"]).rsplit(".", 1)[-1] for module in modules]
    if "Dense" in kinds and "Pooling" not in kinds:
        path = next(module["path"] for module in reversed(modules) if str(module["type"]).endswith(".Dense"))
        found = (_read_json(model, f"{path}/config.json") or {}).get("out_features")
    elif is_retriever(config):
        found = config.get("embedding_dim")
    elif "HF_ColBERT" in (config.get("architectures") or []):
        found = (_read_json(model, "artifact.metadata") or {}).get("dim")
    else:
        found = None
    if found is None:
        raise BadInput(
            f"{model} is no late-interaction model: it has no projection of its tokens",
            remedy="Choose a ColBERT model such as answerdotai/answerai-colbert-small-v1, or the text model again.",
        )
    return int(found)


def picture_dimension(model: str | Path) -> int:
    """Return the numbers in a row of a late-interaction retriever of pictures.

    Raises:
        BadInput: it is none that transformers has a class for, there is no such model, or the hub is out of reach.
    """
    config = _read_json(model, "config.json") or {}
    if not is_retriever(config) or "embedding_dim" not in config:
        raise BadInput(
            f"{model} is no late-interaction retriever of pictures",
            remedy="Set KINOGRAPH_VISUAL_RETRIEVER to a ColQwen2, ColPali or ColModernVBert model in the format of "
            "transformers, such as vidore/colqwen2-v1.0-hf, or leave it empty to use CLIP.",
        )
    return int(config["embedding_dim"])


def is_retriever(config: dict[str, Any]) -> bool:
    """Whether a config.json is of a retriever of pictures that transformers has a class for."""
    return any(str(name).endswith("ForRetrieval") for name in config.get("architectures") or [])


def is_at_hand(model: str | Path) -> bool:
    """Whether the model's configuration is in a folder or in the hub's cache: nothing need be fetched to load it."""
    from huggingface_hub import try_to_load_from_cache

    return Path(model).is_dir() or isinstance(try_to_load_from_cache(str(model), "config.json"), str)


def _vector_size(kind: str, config: dict[str, Any]) -> int | None:
    """Return the numbers in the vectors that a module makes; None if it leaves their number as it is, or hides it."""
    if kind.endswith(".Dense"):
        return _as_int(config.get("out_features"))
    if not kind.endswith(".Pooling"):
        return None
    size = _as_int(config.get("embedding_dimension", config.get("word_embedding_dimension")))
    modes = config.get("pooling_mode", "mean")
    flags = sum(value is True for key, value in config.items() if key.startswith("pooling_mode_"))
    n_modes = flags or (1 if isinstance(modes, str) else len(modes))
    return None if size is None else size * n_modes


def _as_int(value: Any) -> int | None:
    return None if value is None else int(value)


def _read_json(model: str | Path, filename: str) -> Any:
    """Return a JSON file of the model; None if the model has no such file."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        if Path(model).is_dir():
            path = Path(model) / filename
            return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        return json.loads(Path(hf_hub_download(str(model), filename)).read_text(encoding="utf-8"))
    except LocalEntryNotFoundError as error:
        raise BadInput(f"the model {model} cannot be fetched: {error}", remedy=HUB_REMEDY) from error
    except EntryNotFoundError:
        return None
    except (OSError, ValueError) as error:  # no such repository, a gate, a name that the hub refuses, broken JSON
        raise BadInput(f"the model {model} cannot be read: {error}", remedy=HUB_REMEDY) from error
