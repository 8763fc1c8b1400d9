"""Steps of indexing left out one by one: what is indexed without them, what is taken over, and what the page shows."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from adapters import build
from adapters.concepts import ConceptSteps
from benchmarks.indexing_steps import choose_steps, list_steps
from benchmarks.reindexing import copy_home, find_videos, reindex
from core.errors import BadInput, Conflict
from core.protocols import Terms
from core.publication import publish_ready_parts
from core.records import Evidence, Modality, NewVideo, Span, Video
from core.settings import Settings
from core.signals import DetectedObject, FloatArray, ImageArray, Transcript
from evaluation.ablation import ALL
from evaluation.corpus import MomentQuery, Place
from evaluation.groups import compare_query_groups
from evaluation.indexing_section import describe_indexing
from evaluation.metrics import judge_ranking
from evaluation.runner import Outcomes, QueryOutcome
from indexer.embeddings import Encoders
from indexer.pipeline import Perception
from indexer.tasks import run_finish, run_next_part, run_plan
from indexer.worker import make_tools
from tests.fakes.encoders import FakeLexicalEncoder, FakeNameRecogniser, FakeTextEncoder, FakeVisualEncoder
from tests.fakes.speech import FakeRecogniser
from tests.test_shots import CutsAt
from tests.test_terms import Film, Reads

STEPS = {step.name: step for step in list_steps()}


class Translates(FakeRecogniser):
    """Hears a foreign sentence, tells it in English, and remembers the terms it was told."""

    def __init__(self) -> None:
        self.told: list[Sequence[str]] = []

    def transcribe(self, samples: FloatArray, *, language: str | None = None, terms: Terms = tuple) -> Transcript:
        self.told.append(terms())
        heard = super().transcribe(samples, language=language)
        said = tuple(replace(utterance, translation="a tone") for utterance in heard.utterances)
        return Transcript(said, "fr")


class SeesSquares:
    """An object detector that finds a red square on every picture."""

    name = "squares"

    def detect_objects(self, picture: ImageArray) -> list[DetectedObject]:
        return [DetectedObject("red square", 0.9, (0.1, 0.1, 0.2, 0.2))]


def make_perception(text_dim: int) -> Perception:
    text = FakeTextEncoder(text_dim)
    return Perception(
        profile="offline",
        reader=Film(),
        shots=CutsAt(),
        speech=Translates(),
        screen=Reads(),
        encoders=Encoders(text, FakeVisualEncoder(text), FakeLexicalEncoder()),
        names=FakeNameRecogniser(),
        objects=SeesSquares(),
    )


class Library:
    """A home with one film, indexed with every step."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(home=home)
        self.perception = make_perception(build.build_text_encoder(self.settings, threads=1).dimension)
        tools = replace(make_tools(self.settings), reader=self.perception.reader, perception=lambda: self.perception)
        tools.media.put_bytes("k", b"video 10")
        film = NewVideo("v" * 8, "default", "A dam", "dam.mp4", "hash", "k", 8, 10.0, 640, 360, has_audio=True)
        tools.catalogue.add_video(film)
        run_plan(film.id, tools)
        assert run_next_part(tools)
        index = build.build_index(self.settings)
        publish_ready_parts(tools.catalogue, index, tools.media)
        index.close()
        run_finish(film.id, replace(tools, recogniser=FakeNameRecogniser))
        tools.catalogue.close()

    @property
    def times_heard(self) -> list[Sequence[str]]:
        """The terms told each time that sound was heard."""
        assert isinstance(self.perception.speech, Translates)
        return self.perception.speech.told

    def videos(self) -> list[Video]:
        videos, n_others = find_videos(self.settings, {"dam.mp4", "other.mp4"})
        assert n_others == 0
        return videos

    def without(self, name: str, target: Path) -> list[Evidence]:
        """Return the evidence of a copy that is indexed again without a step."""
        copy_home(self.settings.home, target)
        step, settings = STEPS[name], self.settings.model_copy(update={"home": target})
        return reindex(settings, step.leave_out(self.perception), self.videos(), recall=step.recall)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library(tmp_path_factory.mktemp("home"))


def of(evidence: Sequence[Evidence], modality: Modality) -> list[Evidence]:
    return [item for item in evidence if item.modality is modality]


def test_a_copy_indexed_with_every_step_is_the_same_and_hears_nothing_again(made: Library, tmp_path: Path) -> None:
    n_heard, parts = len(made.times_heard), []
    copy_home(made.settings.home, tmp_path / "copy")
    settings = made.settings.model_copy(update={"home": tmp_path / "copy"})
    evidence = reindex(settings, made.perception, made.videos(), on_part=lambda: parts.append(1))
    assert {item.modality for item in evidence} == {Modality.SPEECH, Modality.SCREEN, Modality.OBJECT}
    assert all(item.translation == "a tone" for item in of(evidence, Modality.SPEECH))
    assert (len(made.times_heard), len(parts)) == (n_heard, 1)
    assert find_videos(settings, {"other.mp4"}) == ([], 1)
    taken = [name for name, step in STEPS.items() if step.is_taken(made.perception, evidence)]
    assert taken == ["translation", "terms", "shapes"], "pictures are not told by concepts here"


def test_without_translation_what_was_heard_stays_in_its_language(made: Library, tmp_path: Path) -> None:
    n_heard = len(made.times_heard)
    evidence = made.without("translation", tmp_path / "copy")
    assert of(evidence, Modality.SPEECH)
    assert not any(item.translation for item in evidence)
    assert len(made.times_heard) == n_heard
    assert not STEPS["translation"].is_taken(made.perception, evidence)
    again = made.without("shapes", tmp_path / "another")
    assert all(item.translation for item in of(again, Modality.SPEECH)), "the home itself keeps them"


def test_without_terms_speech_is_heard_again_and_told_none(made: Library, tmp_path: Path) -> None:
    assert made.times_heard[0] == ("Kestrel Dam",)
    made.without("terms", tmp_path / "copy")
    assert made.times_heard[-1] == ()


def test_without_shapes_none_are_looked_for(made: Library, tmp_path: Path) -> None:
    evidence = made.without("shapes", tmp_path / "copy")
    assert not of(evidence, Modality.OBJECT)
    assert of(evidence, Modality.SCREEN)


def test_every_step_of_picture_vectors_can_be_left_out() -> None:
    assert set(ConceptSteps.names()) <= set(STEPS)


def test_only_steps_that_are_there_can_be_chosen() -> None:
    assert [step.name for step in choose_steps("colours,terms")] == ["terms", "colours"]
    with pytest.raises(BadInput, match=r"no such step of indexing: nope\. There are translation, "):
        choose_steps("colours,nope")


def test_a_home_in_use_is_not_copied(made: Library, tmp_path: Path) -> None:
    with FileLock(made.settings.home / "serve.lock"), pytest.raises(Conflict, match="serves"):
        copy_home(made.settings.home, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_library_outside_its_home_is_never_indexed_over(made: Library) -> None:
    with pytest.raises(BadInput, match="KINOGRAPH_DATABASE_URL"):
        find_videos(made.settings.model_copy(update={"database_url": "sqlite:///elsewhere.db"}), {"dam.mp4"})


def test_a_video_that_is_not_ready_is_named(made: Library, tmp_path: Path) -> None:
    shutil.copytree(made.settings.home, tmp_path / "copy")
    settings = made.settings.model_copy(update={"home": tmp_path / "copy"})
    catalogue = build.build_catalogue(settings)
    catalogue.reopen_video("v" * 8)
    catalogue.close()
    with pytest.raises(BadInput, match=r"not ready: dam\.mp4"):
        find_videos(settings, {"dam.mp4"})


def outcomes_of(found: Sequence[bool]) -> Outcomes:
    """Return outcomes of a query a video, of speech and of pictures in turn; the right moment is found or nothing."""
    queries = []
    for number, is_found in enumerate(found):
        modality = "visual" if number % 2 else "speech"
        query = MomentQuery(f"query {number}", f"{number}.mp4", (Span(4, 8),), modality, "natural")
        results = [Place(query.clip, Span(4, 8))] if is_found else []
        queries.append(QueryOutcome(query, (), judge_ranking(results, query), 0.01))
    return Outcomes(tuple(queries), (), ())


def test_groups_that_a_step_changes_are_shown_and_the_others_left_out() -> None:
    whole, half = outcomes_of([True] * 10), outcomes_of([True, False] * 5)
    variants = compare_query_groups({ALL: whole, "without shapes": whole, "without colours": half})
    assert [(variant.group, variant.name, variant.n_cases) for variant in variants] == [
        *(("all", name, 10) for name in (ALL, "without shapes", "without colours")),
        *(("visual", name, 5) for name in (ALL, "without colours")),
        *(("natural", name, 10) for name in (ALL, "without colours")),
    ]
    assert variants[4].differences["recall_at_1"].mean == -1.0
    section = describe_indexing("fake", {"profile": "offline"}, {"colours": "are mixed in"}, variants, (), {})
    assert "- *colours*: are mixed in" in section
    assert "| visual: without colours | 5 | **-1.000 [-1.00, -1.00]** |" in section
    assert "| all: all steps | 10 | 1.000 [1.0–1.0] |" in section
    assert "Questions" not in section


def test_without_queries_there_are_no_groups() -> None:
    assert compare_query_groups({ALL: Outcomes((), (), ())}) == []
