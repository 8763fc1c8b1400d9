"""A chat model that sees, run in this process by transformers: for machines that keep everything to themselves.

It does not know prompts, nor what replies mean; nothing forces its reply into a schema, the prompt only asks for it.
"""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from adapters.torch_runtime import hide_loading_bars, load_torch
from core.errors import BadInput
from core.protocols import Message

MAX_NEW_TOKENS = 512
"""Bounds how long one reply takes; an answer with citations fits in 300."""
SCHEMA_INSTRUCTION = "Reply with one JSON object and nothing else. It must match this JSON schema: "


class _Parts(NamedTuple):
    model: Any
    processor: Any


class TransformersLanguageModel:
    """Any image-text-to-text model of transformers with a chat template, by hub name or folder, on the CPU.

    It loads (and downloads) at first use; one reply is written at a time. Replies are greedy, so the same messages
    give the same text.
    """

    def __init__(self, model: str | Path, *, threads: int = 0, max_new_tokens: int = MAX_NEW_TOKENS) -> None:
        self.name = model.name if isinstance(model, Path) else model
        self._model = str(model)
        self._threads = threads
        self._max_new_tokens = max_new_tokens
        self._lock = threading.Lock()
        self._parts: _Parts | None = None

    def complete(self, messages: Sequence[Message], *, schema: dict[str, Any] | None = None) -> str:
        """Return the reply; with a JSON schema, a text that should be such JSON and that the caller must validate.

        Raises:
            BadInput: the model cannot be loaded, has no chat template, or a picture is broken.
        """
        asked = list(messages)
        if schema is not None:
            asked.append(Message("user", (SCHEMA_INSTRUCTION + json.dumps(schema),)))
        chat = [{"role": message.role, "content": [_to_part(part) for part in message.parts]} for message in asked]
        with self._lock:
            torch = load_torch(self._threads)
            parts = self._parts = self._parts or self._load_parts()
            inputs = self._to_inputs(parts, chat)
            with torch.inference_mode():
                output = parts.model.generate(**inputs, max_new_tokens=self._max_new_tokens, do_sample=False)
        written = output[:, inputs["input_ids"].shape[1] :]
        return str(parts.processor.batch_decode(written, skip_special_tokens=True)[0]).strip()

    def _to_inputs(self, parts: _Parts, chat: list[dict[str, Any]]) -> Any:
        try:
            return parts.processor.apply_chat_template(
                chat, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
            )
        except ValueError as error:
            raise BadInput(
                f"the model {self.name} cannot read these messages: {error}",
                remedy="Choose an instruction-tuned model with a chat template that takes pictures.",
            ) from error

    def _load_parts(self) -> _Parts:
        import transformers

        hide_loading_bars()
        engine: Any = transformers  # loads its classes by name, which types cannot follow
        try:
            processor = engine.AutoProcessor.from_pretrained(self._model)
            model = engine.AutoModelForImageTextToText.from_pretrained(self._model, dtype="float32")
        except (OSError, ValueError) as error:
            raise BadInput(
                f"the language model {self.name} cannot be loaded: {error}",
                remedy="Check that it is an image-text-to-text model and that huggingface.co is reachable.",
            ) from error
        return _Parts(model.eval(), processor)


def _to_part(part: str | bytes) -> dict[str, Any]:
    """Return a part as chat templates take it; pictures decoded to RGB.

    Raises:
        BadInput: the bytes are no picture.
    """
    if isinstance(part, str):
        return {"type": "text", "text": part}
    try:
        return {"type": "image", "image": Image.open(io.BytesIO(part)).convert("RGB")}
    except OSError as error:
        raise BadInput("a picture sent to the language model cannot be decoded", remedy="Send JPEG bytes.") from error
