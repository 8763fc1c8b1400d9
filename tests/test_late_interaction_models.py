"""Late-interaction models as hubs ship them, tiny and random: what their checkpoints say is what their vectors are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from adapters import build
from adapters.cosine_levels import TEXT_LEVELS, TOKEN_LEVELS, measure_text_scale, measure_token_scale
from adapters.hub_files import picture_dimension, text_dimension, token_dimension
from adapters.late_interaction_text import LateInteractionTextEncoder
from adapters.text_encoder import SentenceTextEncoder
from adapters.torch_runtime import load_torch
from adapters.visual_retriever import ROWS_PER_PICTURE, VisualRetriever
from api.doctor import Verdict, examine
from core.cosine_scales import EXAMPLES
from core.errors import BadInput
from core.records import Evidence, Keyframe, Modality, Segment, Span
from core.settings import Settings
from core.signals import FloatArray, SegmentVectors, TokenRange
from core.stores import Scope, SegmentPoint
from indexer.embeddings import Encoders, embed_segments
from rag.late_interaction import interact
from rag.retrieve import encode_query, rank_channels
from rag.retrieve import examine as look_closely
from tests.fakes.encoders import FakeTextEncoder, picture_of
from tests.fakes.tiny_models import (
    save_tiny_clip,
    save_tiny_colbert,
    save_tiny_colqwen,
    save_tiny_pylate,
    save_tiny_sentence_model,
)

QUERY_LENGTH = 10
"""Of the tiny ColBERTs: [CLS], the marker, the words, [SEP], and masks up to this many."""


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> SentenceTextEncoder:
    return SentenceTextEncoder(save_tiny_sentence_model(tmp_path_factory.mktemp("dense")), threads=1)


@pytest.fixture(scope="module", params=[save_tiny_colbert, save_tiny_pylate])
def encoder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, dense: SentenceTextEncoder
) -> LateInteractionTextEncoder:
    save: Callable[[Path], Path] = request.param
    return LateInteractionTextEncoder(save(tmp_path_factory.mktemp("colbert")), dense, threads=1)


def test_a_query_asks_with_masks_up_to_its_length_and_keeps_its_end(encoder: LateInteractionTextEncoder) -> None:
    assert encoder.embed_query_tokens("dog").shape == (QUERY_LENGTH, 8)
    assert encoder.embed_query_tokens("dog cat house").shape == (QUERY_LENGTH, 8)
    long = "a b c d e f g h i j k l m "
    assert len(encoder.embed_query_tokens(long + "dog")) == 3 + 14
    one, other = encoder.embed_query_tokens(long + "dog"), encoder.embed_query_tokens(long + "cat")
    assert not np.allclose(one[-2], other[-2], atol=1e-3)


def test_punctuation_has_no_row_in_a_passage(encoder: LateInteractionTextEncoder) -> None:
    assert [len(rows) for rows in encoder.embed_passage_tokens(["dog, cat!", "dog cat", "?!"])] == [2, 2, 0]


def test_markers_tell_queries_from_passages(encoder: LateInteractionTextEncoder) -> None:
    (passage,) = encoder.embed_passage_tokens(["dog"])
    query = encoder.embed_query_tokens("dog")
    assert not np.allclose(query[2], passage[0], atol=1e-3)


def test_sizes_are_known_before_weights_are_there(tmp_path: Path) -> None:
    for save, size_of, size in (
        (save_tiny_colbert, token_dimension, 8),
        (save_tiny_pylate, token_dimension, 8),
        (save_tiny_colqwen, picture_dimension, 8),
        (save_tiny_sentence_model, text_dimension, 16),
    ):
        folder = save(tmp_path / save.__name__)
        for weights in folder.rglob("*.safetensors"):
            weights.unlink()
        assert size_of(folder) == size


def test_maxsim_is_what_colbert_computes_by_hand(tmp_path: Path, dense: SentenceTextEncoder) -> None:
    """Encode with the bare BERT and the bare projection, compare token by token, and meet what a search computes."""
    import transformers
    from safetensors.torch import load_file

    torch = load_torch(1)
    folder = save_tiny_colbert(tmp_path / "colbert")
    weights = load_file(folder / "model.safetensors")
    bert = transformers.BertModel.from_pretrained(folder, dtype="float32").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    def project(tokens: list[str], n_seen: int) -> FloatArray:
        ids = torch.tensor([tokenizer.convert_tokens_to_ids(tokens)])
        seen = (torch.arange(len(tokens)) < n_seen).long()[None]
        with torch.inference_mode():
            hidden = bert(input_ids=ids, attention_mask=seen).last_hidden_state[0]
            rows = (hidden @ weights["linear.weight"].T).numpy()
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)

    query = project(["[CLS]", "[unused0]", "dog", "house", "[SEP]", *["[MASK]"] * 5], n_seen=5)
    passage = project(["[CLS]", "[unused1]", "a", "dog", ",", "a", "house", "[SEP]"], n_seen=8)[[2, 3, 5, 6]]
    by_hand = sum(max(float(np.dot(asked, told)) for told in passage) for asked in query) / len(query)

    encoder = LateInteractionTextEncoder(folder, dense, threads=1)
    (tokens,) = encoder.embed_passage_tokens(["a dog, a house"])
    np.testing.assert_allclose(tokens, passage, atol=1e-5)
    np.testing.assert_allclose(encoder.embed_query_tokens("dog house"), query, atol=1e-5)
    held = SegmentVectors(text_tokens=tokens, token_ranges=(TokenRange("said", "speech", 0, len(tokens)),))
    (found,) = interact(encoder.embed_query_tokens("dog house"), [held])
    assert found.joint == pytest.approx(by_hand, abs=1e-5)
    assert found.by_evidence == {"said": pytest.approx(by_hand, abs=1e-5)}


def test_a_model_without_a_projection_of_tokens_is_refused(tmp_path: Path, dense: SentenceTextEncoder) -> None:
    plain = save_tiny_sentence_model(tmp_path / "plain")
    with pytest.raises(BadInput, match="no late-interaction model"):
        LateInteractionTextEncoder(plain, dense).embed_query_tokens("dog")
    with pytest.raises(BadInput, match="no late-interaction retriever") as refused:
        VisualRetriever(plain).embed_query("dog")
    assert "KINOGRAPH_VISUAL_RETRIEVER" in refused.value.remedy


def test_weights_that_are_not_there_are_bad_input(tmp_path: Path, dense: SentenceTextEncoder) -> None:
    tokens, pictures = save_tiny_colbert(tmp_path / "colbert"), save_tiny_colqwen(tmp_path / "colqwen")
    (tokens / "model.safetensors").unlink()
    (pictures / "model.safetensors").unlink()
    with pytest.raises(BadInput, match="cannot be loaded"):
        LateInteractionTextEncoder(tokens, dense).embed_query_tokens("dog")
    with pytest.raises(BadInput, match="cannot be loaded"):
        VisualRetriever(pictures).embed_query("dog")


def test_e5_is_told_queries_from_passages_though_its_checkpoint_does_not_say_so(tmp_path: Path) -> None:
    silent = SentenceTextEncoder(save_tiny_sentence_model(tmp_path / "multilingual-e5-small"), threads=1)
    told = {"query": "query: ", "document": "passage: "}
    spoken = SentenceTextEncoder(save_tiny_sentence_model(tmp_path / "spoken", prompts=told), threads=1)
    assert not np.allclose(silent.embed_query("dog"), silent.embed_passages(["dog"])[0], atol=1e-4)
    np.testing.assert_allclose(silent.embed_query("dog"), spoken.embed_query("dog"), atol=1e-6)
    np.testing.assert_allclose(silent.embed_passages(["dog"]), spoken.embed_passages(["dog"]), atol=1e-6)


def test_a_picture_is_a_few_rows_of_its_patches(tmp_path: Path) -> None:
    retriever = VisualRetriever(save_tiny_colqwen(tmp_path / "colqwen"), threads=1)
    large, small = retriever.embed_pictures([picture_of("red", width_px=400, height_px=300), picture_of("red")])
    assert large.shape == (ROWS_PER_PICTURE, 8)
    assert 1 <= len(small) <= ROWS_PER_PICTURE
    assert len(retriever.embed_query("a dog")) > len(["a", "dog"]), "it asks with more than the words"


class CrowdedTextEncoder:
    """Knows which texts answer which; all of its vectors have ``crowd`` in common, as those of E5 models have."""

    def __init__(self, crowd: float) -> None:
        self._crowd = crowd
        pairs = [*EXAMPLES, ("held out", "the answer to what was held out")]
        self._pair_by_text = {text: str(number) for number, pair in enumerate(pairs) for text in pair}

    def embed_query(self, text: str) -> FloatArray:
        meant, own, shared = (
            FakeTextEncoder(512).embed_query(word) for word in (self._pair_by_text[text], text, "all")
        )
        vector = meant + 0.8 * own + self._crowd * shared
        return np.asarray(vector / np.linalg.norm(vector), np.float32)

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        return np.stack([self.embed_query(text) for text in texts])

    def embed_query_tokens(self, text: str) -> FloatArray:
        return self.embed_query(text)[np.newaxis]

    def embed_passage_tokens(self, texts: Sequence[str]) -> list[FloatArray]:
        return [self.embed_query_tokens(text) for text in texts]


@pytest.mark.parametrize("crowd", [0.0, 1.0, 3.0])
def test_cosines_of_any_model_are_read_on_one_scale(crowd: float) -> None:
    encoder = CrowdedTextEncoder(crowd)
    cosines = encoder.embed_passages(["the answer to what was held out", EXAMPLES[0][1]]) @ encoder.embed_query(
        "held out"
    )
    matching, unrelated = measure_text_scale(encoder).read(cosines)
    assert matching == pytest.approx(TEXT_LEVELS.matching, abs=0.1)
    assert unrelated == pytest.approx(TEXT_LEVELS.unrelated, abs=0.1)
    matching, unrelated = measure_token_scale(encoder).read(cosines)
    assert matching == pytest.approx(TOKEN_LEVELS.matching, abs=0.1)
    assert unrelated == pytest.approx(TOKEN_LEVELS.unrelated, abs=0.1)


@pytest.mark.models
def test_the_offline_model_is_the_scale() -> None:
    encoder = SentenceTextEncoder(threads=1)
    for scale in (measure_text_scale(encoder), measure_token_scale(encoder)):
        assert scale.gain == pytest.approx(1.0, abs=0.01)
        assert scale.shift == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("retriever", [None, "colqwen"])
def test_standard_finds_words_and_pictures_with_models_of_several_sizes(tmp_path: Path, retriever: str | None) -> None:
    settings = Settings(
        home=tmp_path / "home",
        profile="standard",
        text_model=str(save_tiny_sentence_model(tmp_path / "text")),
        token_model=str(save_tiny_colbert(tmp_path / "tokens")),
        clip_model=f"local-dir:{save_tiny_clip(tmp_path / 'clip')}",
        visual_retriever=str(save_tiny_colqwen(tmp_path / retriever)) if retriever else None,
    )
    text = build.build_text_encoder(settings, threads=1)
    visual = build.build_visual_encoder(settings, text, threads=1)
    assert (text.dimension, text.token_dimension, visual.dimension) == (16, 8, 8 if retriever else 24)
    lexical = build.build_lexical_encoder()
    segments = [
        Segment(
            f"0000000{n}-0000-4000-8000-000000000000",
            "v",
            0,
            n,
            Span(n, n + 1),
            (f"e{n}",),
            (Keyframe(n, Span(n, n + 1), f"k{n}"),),
        )
        for n in range(2)
    ]
    evidence = [
        Evidence(f"e{n}", "v", 0, Span(n, n + 1), Modality.SPEECH, told, 1.0, "test")
        for n, told in enumerate(["a dog in a house", "x y z"])
    ]
    pictures = {0.0: picture_of("red", width_px=160, height_px=90), 1.0: picture_of("blue")}
    vectors = embed_segments(segments, evidence, pictures, Encoders(text, visual, lexical))
    index = build.build_index(settings)
    index.upsert([SegmentPoint(segment, "default", held) for segment, held in zip(segments, vectors, strict=True)])
    query = encode_query("a dog in a house", text, visual, lexical)
    rankings = rank_channels(query, index, Scope("default"))
    found = look_closely(query, [segment.id for segment in segments], rankings, index, visual)
    index.close()
    assert {len(ranking) for ranking in rankings.values()} <= {1, 2}
    assert len(rankings) == 4
    best = max(found.values(), key=lambda candidate: candidate.interaction.joint)
    assert best.segment.id == segments[0].id
    assert all(candidate.frames.shape == (1,) for candidate in found.values())


def test_doctor_says_which_models_have_yet_to_be_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(
        home=tmp_path,
        profile="standard",
        text_model=str(save_tiny_sentence_model(tmp_path / "text")),
        token_model="a/b",
    )
    checks = {check.name: check for check in examine(settings)}
    assert checks["text model"].status is Verdict.OK
    assert checks["token model"].status is Verdict.WARN
    assert "a/b" in checks["token model"].detail
    assert "visual retriever" not in checks
