"""The straight line of a question: retrieve, gather, expand in the graph, look, write, check, answer.

It does not know HTTP, nor which engines stand behind the protocols.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from core.plans import TimeWindow
from core.protocols import LanguageModel, Question, TextEncoder
from core.records import Answer, Moment
from core.stores import Catalogue, MediaStore
from rag.check import CheckedAnswer, check_answer
from rag.exhibits import MAX_EXHIBITS, Exhibit, gather_exhibits
from rag.expand import GraphExpander
from rag.look import attach_pictures
from rag.prompt import show_options, write_prompt
from rag.question_search import QuestionSearch
from rag.write import ask_model, quote_evidence, quote_place

EXTRACTIVE = "extractive"

HINT = (
    "No language model is configured, so this quotes the evidence word for word. Set KINOGRAPH_VLM_URL and "
    "KINOGRAPH_VLM_MODEL to any OpenAI-compatible endpoint (for example Ollama with qwen2.5vl:7b) for written answers."
)

NOTHING_FOUND = "Nothing in the library speaks of this."


class Answerer:
    """Implements ``core.protocols.QuestionAnswerer``."""

    def __init__(
        self,
        catalogue: Catalogue,
        media: MediaStore,
        search: QuestionSearch,
        expander: GraphExpander | None,
        text: TextEncoder,
        model: LanguageModel | None,
    ) -> None:
        self._catalogue = catalogue
        self._media = media
        self._search = search
        self._expander = expander
        self._text = text
        self._model = model

    def answer(self, question: Question) -> Answer:
        """Return the answer, or an abstention with its reason."""
        for step in self.stream(question):
            if isinstance(step, Answer):
                return step
        raise AssertionError("a stream always ends with an Answer")

    def stream(self, question: Question) -> Iterator[dict[str, Any] | Answer]:
        """Yield the steps taken, then the text — only once it is checked — and last the Answer."""
        trace: list[dict[str, Any]] = []

        def step(name: str, **facts: Any) -> dict[str, Any]:
            trace.append({"step": name, **facts})
            return trace[-1]

        moments = self._search.find(question)
        yield step("search", n_moments=len(moments))
        exhibits = gather_exhibits(moments, self._catalogue)
        has_room = len(exhibits) < MAX_EXHIBITS
        related = self._expander.expand(question, moments) if self._expander and has_room else ()
        yield step("graph", n_moments=len(related))
        exhibits = gather_exhibits([*moments, *related], self._catalogue) if related else exhibits
        if not exhibits:
            yield _abstain(NOTHING_FOUND, moments, self._author, self._hint, trace)
            return
        yield step("write", n_exhibits=len(exhibits), model=self._author)
        checked, abstained = self._write(question, exhibits, moments)
        yield step("check", n_citations=len(checked.citations), unsupported=list(checked.unsupported))
        if abstained is not None:
            yield _abstain(abstained, moments, self._author, self._hint, trace)
            return
        for line in checked.text.splitlines(keepends=True):
            yield {"delta": line}
        yield Answer(checked.text, checked.citations, moments, None, self._author, self._hint, tuple(trace))

    @property
    def _author(self) -> str:
        return self._model.name if self._model is not None else EXTRACTIVE

    @property
    def _hint(self) -> str:
        return "" if self._model is not None else HINT

    def _write(
        self, question: Question, exhibits: Sequence[Exhibit], moments: Sequence[Moment]
    ) -> tuple[CheckedAnswer, str | None]:
        """Return the checked answer, and the reason to abstain if there is one."""
        asked = show_options(question.text, question.options)
        if self._model is None:
            place = self._search.place_asked(question)
            if place is None:
                quoted = quote_evidence(asked, exhibits, self._text)
            else:
                quoted = quote_place(moments, exhibits, self._focus(place, moments))
            return quoted, None if quoted.citations else NOTHING_FOUND
        shown = attach_pictures(exhibits, moments, self._catalogue, self._media)
        reply = ask_model(self._model, write_prompt(asked, question.history, shown))
        if not reply.is_answered:
            return CheckedAnswer("", (), ()), reply.answer.strip() or NOTHING_FOUND
        checked = check_answer(reply.answer, shown, self._text)
        if not checked.citations:
            return checked, "The model's answer rests on none of the evidence, so it is withheld."
        return checked, None

    def _focus(self, place: TimeWindow, moments: Sequence[Moment]) -> dict[str, float]:
        """Return the second that the place means most in each video of the moments."""
        videos = self._catalogue.get_videos(sorted({moment.video_id for moment in moments}))
        return {video.id: place.focus_s(video.duration_s) for video in videos.values() if video.duration_s}


def _abstain(reason: str, moments: Sequence[Moment], author: str, hint: str, trace: Sequence[dict[str, Any]]) -> Answer:
    return Answer("", (), tuple(moments), reason, author, hint, tuple(trace))
