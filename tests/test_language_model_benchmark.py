"""Stand-ins before a language model, with which ``benchmarks.language_model`` measures it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from benchmarks.language_model import Mistaken, Recollecting
from core.errors import TryAgain
from core.protocols import Message


class Echo:
    """Says again what it is asked, and counts how often it was."""

    name = "echo"

    def __init__(self) -> None:
        self.n_asked = 0

    def complete(self, messages: Sequence[Message], *, schema: dict[str, Any] | None = None) -> str:
        self.n_asked += 1
        if self.n_asked == 1:
            raise TryAgain("still loading", remedy="Wait.")
        return str(messages[-1].parts[0])


def ask(text: str) -> list[Message]:
    return [Message("user", (text,))]


def test_the_model_is_asked_each_thing_once_and_errors_are_not_kept() -> None:
    echo = Echo()
    model = Recollecting(echo)
    with pytest.raises(TryAgain):
        model.complete(ask("a"))
    assert [model.complete(ask(text)) for text in "aabba"] == ["a", "a", "b", "b", "a"]
    assert (model.name, echo.n_asked) == ("echo", 3)


def test_a_mistaken_model_answers_what_it_was_asked_before() -> None:
    echo = Echo()
    echo.n_asked = 1
    model = Mistaken(echo)
    assert [model.complete(ask(text)) for text in "abc"] == ["", "a", "b"]
