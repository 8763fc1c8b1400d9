"""What single encoders promise beyond their contract: prompts, languages, meaning, failures that say what to do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from adapters.class_scenes import class_scenes
from adapters.concepts import (
    ConceptSteps,
    ConceptVisualEncoder,
    add_colours,
    build_space,
    class_names,
    describe_classes,
    describe_colours,
    tell_in_words,
    views_of,
)
from adapters.dominant_colours import colour_shares
from adapters.image_classifier import fold_normalisation
from adapters.lexical import Bm25LexicalEncoder
from adapters.open_clip_encoder import OpenClipEncoder
from adapters.text_encoder import SentenceTextEncoder
from adapters.torch_runtime import load_torch
from core.errors import BadInput
from core.signals import ImageArray
from tests.drawings import draw
from tests.fakes.encoders import FakeTextEncoder
from tests.fakes.tiny_models import save_tiny_clip, save_tiny_sentence_model

CORPUS = Path(__file__).parents[1].parent / "shared" / "corpus" / "dev" / "videos"


def test_torch_comes_with_a_torchvision_that_imports() -> None:
    with ThreadPoolExecutor(4) as pool:
        torch, *others = pool.map(lambda _: load_torch(1), range(4))
    assert all(other is torch for other in others)
    import torchvision.transforms as transforms

    assert transforms.Resize(8)(torch.zeros(3, 16, 16)).shape == (3, 8, 8)


def test_prompts_of_a_model_shape_its_vectors_but_are_no_tokens(tmp_path: Path) -> None:
    folder = save_tiny_sentence_model(tmp_path, prompts={"query": "query: ", "document": ""})
    encoder = SentenceTextEncoder(folder, threads=1)
    assert encoder.name == tmp_path.name
    assert not np.allclose(encoder.embed_query("dog"), encoder.embed_passages(["dog"])[0], atol=1e-4)
    assert encoder.embed_query_tokens("dog cat").shape == (2, encoder.dimension)


def test_a_query_is_encoded_alike_from_many_threads(tmp_path: Path) -> None:
    encoder = SentenceTextEncoder(save_tiny_sentence_model(tmp_path), threads=1)
    queries = [f"dog {letter}" for letter in "abcdefghij"] * 5
    with ThreadPoolExecutor(8) as pool:
        vectors = list(pool.map(encoder.embed_query, queries))
    expected = encoder.embed_passages(queries)
    np.testing.assert_allclose(np.stack(vectors), expected, atol=1e-5)


def test_a_text_model_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BadInput, match="cannot be loaded"):
        SentenceTextEncoder(tmp_path).embed_query("dog")


def test_clip_takes_its_size_from_its_configuration(tmp_path: Path) -> None:
    folder = save_tiny_clip(tmp_path / "clip")
    assert OpenClipEncoder(f"local-dir:{folder}").dimension == 24
    assert OpenClipEncoder.dimension_of("ViT-B-16-SigLIP2-256") == 768
    with pytest.raises(BadInput, match="KINOGRAPH_CLIP_MODEL"):
        OpenClipEncoder.dimension_of("ViT-Z-1")


def test_clip_weights_that_are_not_there_are_bad_input(tmp_path: Path) -> None:
    folder = save_tiny_clip(tmp_path / "clip")
    (folder / "open_clip_pytorch_model.bin").unlink()
    with pytest.raises(BadInput, match="KINOGRAPH_CLIP_WEIGHTS"):
        OpenClipEncoder(f"local-dir:{folder}").embed_query("dog")


def test_clip_sees_the_sides_of_wide_frames(tmp_path: Path) -> None:
    encoder = OpenClipEncoder(f"local-dir:{save_tiny_clip(tmp_path / 'clip')}", threads=1)
    wide: ImageArray = np.zeros((90, 320, 3), np.uint8)
    at_the_side = wide.copy()
    at_the_side[:, :60] = 255
    (plain,), (marked,) = encoder.embed_pictures([wide, at_the_side])
    assert not np.allclose(plain, marked, atol=1e-4)


def test_there_are_a_thousand_concepts_in_the_order_of_imagenet() -> None:
    names = class_names()
    assert len(names) == 1000
    assert (names[0], names[281], names[999]) == ("tench", "tabby cat", "toilet paper")


def test_a_wide_or_tall_picture_is_seen_at_both_ends() -> None:
    wide = np.arange(4 * 8 * 3, dtype=np.uint8).reshape(4, 8, 3)
    whole, left, right = views_of(wide)
    assert whole is wide
    np.testing.assert_array_equal(left, wide[:, :4])
    np.testing.assert_array_equal(right, wide[:, 4:])
    _, top, bottom = views_of(wide.transpose(1, 0, 2))
    np.testing.assert_array_equal(bottom, wide[:, 4:].transpose(1, 0, 2))
    np.testing.assert_array_equal(top, wide[:, :4].transpose(1, 0, 2))
    assert len(views_of(np.zeros((100, 105, 3), np.uint8))) == 1


def test_every_scene_belongs_to_a_class() -> None:
    assert set(class_scenes()) <= set(class_names())
    assert len(class_scenes()) > 300


def test_what_stands_beside_a_class_is_part_of_what_its_pictures_show() -> None:
    named, shown = describe_classes(FakeTextEncoder(64))
    doctor = FakeTextEncoder(64).embed_query("doctor")
    names = class_names()
    assert shown[names.index("stethoscope")] @ doctor > named[names.index("stethoscope")] @ doctor
    plain = names.index("toilet paper")
    np.testing.assert_allclose(shown[plain], named[plain], atol=1e-5)


def test_a_picture_that_looks_like_a_class_is_told_by_its_words() -> None:
    texts = np.eye(4, dtype=np.float32)
    directions = np.array([[1, 0.9, 0], [0.9, 1, 0], [-1, -1, 1], [-1, -1, -1]], np.float32)
    told = tell_in_words(directions @ directions.T, build_space(texts, texts, directions))
    assert told.argmax(axis=1).tolist() == [0, 1, 2, 3]
    assert told[0, 1] > max(told[0, 2], told[0, 3]), "its nearest class comes second"
    np.testing.assert_allclose(np.linalg.norm(told, axis=1), 1.0, atol=1e-5)


@pytest.mark.models
def test_folding_the_normalisation_changes_no_answer() -> None:
    from efficientnet_lite_pytorch import EfficientNet

    torch = load_torch(1)
    torch.manual_seed(0)
    network = EfficientNet.from_name("efficientnet-lite0").eval()
    picture = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        before = network(picture)
        fold_normalisation(network)
        torch.testing.assert_close(network(picture), before, atol=1e-4, rtol=1e-3)


@pytest.mark.models
def test_concepts_share_the_space_of_their_text_encoder() -> None:
    text = FakeTextEncoder(48)
    encoder = ConceptVisualEncoder(text, threads=1)
    assert encoder.dimension == 48
    np.testing.assert_array_equal(encoder.embed_query("a dog")[0], text.embed_query("a dog"))


@pytest.mark.models
def test_each_step_of_a_picture_vector_can_be_left_out() -> None:
    encoder = ConceptVisualEncoder(FakeTextEncoder(48), threads=1)
    picture = draw("grey", circle=((500, 200, 700, 400), "red"))
    (whole,) = encoder.embed_pictures([picture])
    rows = [encoder.without(step).embed_pictures([picture])[0] for step in ConceptSteps.names()]
    assert len({encoder.name, *(encoder.without(step).name for step in ConceptSteps.names())}) == 4
    assert all(float((whole @ row.T).item()) < 0.9999 for row in rows)
    np.testing.assert_array_equal(encoder.embed_pictures([picture])[0], whole)
    np.testing.assert_allclose(np.linalg.norm(np.concatenate(rows), axis=1), 1.0, atol=1e-5)


@pytest.mark.models
def test_colours_tell_pictures_apart_that_are_alike_otherwise() -> None:
    text, colours = SentenceTextEncoder(threads=1), ["red", "yellow", "green", "blue"]
    pictures = [draw("grey", circle=((500, 200, 700, 400), colour)) for colour in colours]
    alike = np.stack([text.embed_query("a ball")] * len(pictures))
    told = add_colours(alike, np.stack([colour_shares(picture) for picture in pictures]), describe_colours(text))
    queries = np.stack([text.embed_query(f"a {colour} ball") for colour in colours])
    assert (queries @ told.T).argmax(axis=1).tolist() == [0, 1, 2, 3]


@pytest.mark.models
@pytest.mark.corpus
def test_concepts_find_the_right_frame() -> None:
    if not CORPUS.is_dir():
        pytest.skip("the evaluation corpus is not beside the checkout (shared/corpus)")
    frames = [first_frame(CORPUS / name) for name in ("d25.mp4", "d16.mp4", "d24.mp4")]
    encoder = ConceptVisualEncoder(SentenceTextEncoder(threads=1), threads=1)
    queries = ["stirring something in a bowl", "a woman and her dog", "an aeroplane"]
    asked, seen = [encoder.embed_query(query) for query in queries], encoder.embed_pictures(frames)
    scores = np.concatenate(asked) @ np.concatenate(seen).T
    assert scores.argmax(axis=1).tolist() == [0, 1, 2]


def first_frame(path: Path, at_s: float = 2.0) -> ImageArray:
    import av

    with av.open(str(path)) as container:
        frame = next(frame for frame in container.decode(video=0) if (frame.time or 0) >= at_s)
        return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


@pytest.mark.models
def test_the_offline_text_model_knows_meaning() -> None:
    encoder = SentenceTextEncoder(threads=1)
    passages = [
        "The rover touched down on the red planet.",
        "She poured milk into the batter.",
        "Shares fell on Monday.",
    ]
    for number, query in enumerate(["a Mars landing", "baking a cake", "the stock market"]):
        assert int(np.argmax(encoder.embed_passages(passages) @ encoder.embed_query(query))) == number


@pytest.mark.parametrize(
    ("query", "passage"),
    [
        ("elephants", "An ELEPHANT walks"),
        ("metropolitain", "MÉTROPOLITAIN"),
        ("strasse", "Straße"),
        ("被子", "这个被子很舒服"),
        ("ﬁre", "fire"),
        ("$3.99", "now $3.99 only"),
        ("été", "pendant l'été"),
    ],
)
def test_terms_meet_across_spellings(query: str, passage: str) -> None:
    encoder = Bm25LexicalEncoder()
    assert set(encoder.encode_query(query).indices) & set(encoder.encode_passage(passage).indices)


def test_a_term_weighs_more_in_a_short_passage() -> None:
    encoder = Bm25LexicalEncoder()
    (term,) = encoder.encode_query("rover").indices
    short = encoder.encode_passage("rover landed")
    long = encoder.encode_passage("rover landed " + " ".join(f"word{number}" for number in range(80)))
    weights = [dict(zip(v.indices, v.values, strict=True))[term] for v in (short, long)]
    assert weights[0] > weights[1]
