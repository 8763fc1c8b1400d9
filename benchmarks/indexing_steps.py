"""The steps of indexing that ``benchmarks.indexing`` leaves out: each engine with its stand-in that lacks the step.

It does not know how a library is indexed, nor what is asked of it. Steps of a search are those of ``rag.steps``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from adapters.concepts import ConceptVisualEncoder
from core.errors import BadInput
from core.protocols import SpeechRecogniser, Terms
from core.records import Evidence, Modality, Span
from core.signals import FloatArray, Transcript
from indexer.pipeline import Perception


@dataclass(frozen=True, slots=True)
class IndexingStep:
    """A step, and an index without it: by other engines, or by what is remembered of earlier evidence.

    ``leave_out`` returns the engines, ``recall`` the evidence as it would be without the step. ``is_taken`` tells from
    the engines and all evidence of a library whether the step has left anything in it: else all would be as before.
    """

    name: str
    what: str
    is_taken: Callable[[Perception, Sequence[Evidence]], bool]
    leave_out: Callable[[Perception], Perception] = lambda perception: perception
    recall: Callable[[Evidence], Evidence] = lambda item: item


class Untold:
    """A recogniser that is told no terms."""

    def __init__(self, recogniser: SpeechRecogniser) -> None:
        self.name = f"{recogniser.name}, but told none"
        self._recogniser = recogniser

    def find_speech(self, samples: FloatArray) -> list[Span]:
        return self._recogniser.find_speech(samples)

    def transcribe(self, samples: FloatArray, *, language: str | None = None, terms: Terms = tuple) -> Transcript:  # noqa: ARG002
        return self._recogniser.transcribe(samples, language=language)


def list_steps() -> list[IndexingStep]:
    """Return the steps, those of words first.

    >>> [step.name for step in list_steps()]
    ['translation', 'terms', 'shapes', 'views', 'scenes', 'colours']
    """
    return [
        IndexingStep(
            "translation",
            "what is said in other languages is told in English, too",
            is_taken=lambda _, evidence: any(item.translation is not None for item in evidence),
            recall=lambda item: replace(item, translation=None),
        ),
        IndexingStep(
            "terms",
            "speech is recognised with the names on screen in mind",
            is_taken=lambda perception, evidence: (
                any(item.produced_by == perception.speech.name for item in evidence)
                and any(item.modality is Modality.SCREEN for item in evidence)
            ),
            leave_out=lambda perception: replace(perception, speech=Untold(perception.speech)),
        ),
        IndexingStep(
            "shapes",
            "drawn shapes become evidence",
            is_taken=lambda _, evidence: any(item.modality is Modality.OBJECT for item in evidence),
            leave_out=lambda perception: replace(perception, objects=None),
        ),
        _concept_step("views", "a picture is classified three times, as a whole and at both ends"),
        _concept_step("scenes", "classes are told with what usually stands beside them"),
        _concept_step("colours", "a picture's vector leans towards the names of its colours"),
    ]


def choose_steps(names: str | None) -> list[IndexingStep]:
    """Return the steps of these names, separated by commas; all of them for None.

    Raises:
        BadInput: there is no such step.
    """
    steps = {step.name: step for step in list_steps()}
    wanted = names.split(",") if names is not None else [*steps]
    unknown = [name for name in wanted if name not in steps]
    if unknown:
        raise BadInput(f"no such step of indexing: {', '.join(unknown)}", remedy=f"There are {', '.join(steps)}.")
    return [step for name, step in steps.items() if name in wanted]


def _concept_step(name: str, what: str) -> IndexingStep:
    """Return a step of ``adapters.concepts.ConceptSteps``, which only that encoder takes."""

    def leave_out(perception: Perception) -> Perception:
        visual = perception.encoders.visual
        assert isinstance(visual, ConceptVisualEncoder), "otherwise the step is not taken"
        return replace(perception, encoders=replace(perception.encoders, visual=visual.without(name)))

    return IndexingStep(
        name,
        what,
        is_taken=lambda perception, _: isinstance(perception.encoders.visual, ConceptVisualEncoder),
        leave_out=leave_out,
    )
