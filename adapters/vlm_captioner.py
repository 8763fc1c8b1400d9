"""Captions of pictures by any language model that sees.

It does not know which model it asks, nor what becomes of the sentence.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.protocols import LanguageModel, Message

PROMPT = (
    "These pictures are consecutive frames of one camera shot. Say in one plain sentence of at most 40 words what is "
    "visible: who or what, doing what, where. Name only what can be seen. If nothing can be made out, reply NOTHING."
)


class VlmCaptioner:
    """Asks a vision-language model for one sentence about the pictures of a shot."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self.name = model.name

    def caption(self, jpegs: Sequence[bytes]) -> str:
        """Return one sentence, "" when the model sees nothing. Raises TryAgain when it is unreachable."""
        reply = self._model.complete([Message("user", (PROMPT, *jpegs))]).strip()
        return "" if reply.upper().strip(".") == "NOTHING" else " ".join(reply.split())
