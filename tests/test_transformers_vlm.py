"""The local vision-language adapter on a tiny random LLaVA built here: the path is real, what it says is noise."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.transformers_vlm import TransformersLanguageModel
from core.errors import BadInput
from core.protocols import Message
from tests.fakes.tiny_models import WORDS, jpeg_of, save_tiny_llava


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_llava(tmp_path_factory.mktemp("tiny-llava"))


def test_pictures_and_texts_become_a_reply_that_repeats(tiny_model: Path) -> None:
    model = TransformersLanguageModel(tiny_model, threads=1, max_new_tokens=8)
    asked = [Message("user", ("what is it", jpeg_of("red"), "or", jpeg_of("blue")))]
    said = model.complete(asked)
    assert set(said.split()) <= set(WORDS)
    assert said == model.complete(asked)


def test_the_prompt_is_not_part_of_the_reply(tiny_model: Path) -> None:
    model = TransformersLanguageModel(tiny_model, threads=1, max_new_tokens=4)
    assert len(model.complete([Message("user", ("what is it a picture of",))]).split()) <= 4
    assert len(model.complete([Message("user", ("what is it",))], schema={"type": "object"}).split()) <= 4


def test_a_broken_picture_is_bad_input(tiny_model: Path) -> None:
    with pytest.raises(BadInput, match="JPEG"):
        TransformersLanguageModel(tiny_model).complete([Message("user", (b"no picture",))])


def test_a_folder_without_a_model_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be loaded"):
        TransformersLanguageModel(tmp_path).complete([Message("user", ("hello",))])
