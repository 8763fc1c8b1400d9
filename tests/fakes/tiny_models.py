"""Tiny models with random weights, saved as hubs ship them: real code loads and runs them, their output is noise.

They do not stand for the quality of anything.
"""

from __future__ import annotations

import importlib
import io
import json
from pathlib import Path
from typing import Any

from PIL import Image

from adapters.torch_runtime import load_torch

CHAT_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }} : {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %} {% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}assistant : {% endif %}"
)
WORDS = ["<pad>", "<unk>", "<s>", "</s>", "<image>", "user", "assistant", "system", ":"]
WORDS += ["what", "is", "it", "a", "picture", "of", "red", "blue", "dog"]


def jpeg_of(colour: str) -> bytes:
    """Return a small JPEG of one colour, named as Pillow names it."""
    data = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(data, "JPEG")
    return data.getvalue()


def save_tiny_llava(folder: Path) -> Path:
    """Save a LLaVA with two layers of 16 numbers, and its processor with a chat template; return the folder."""
    torch = load_torch(1)
    from tokenizers import Tokenizer, models, pre_tokenizers

    engine: Any = importlib.import_module("transformers")
    words = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = engine.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    size = {"height": 32, "width": 32}
    engine.LlavaProcessor(
        image_processor=engine.CLIPImageProcessor(size=size, crop_size=size),
        tokenizer=tokenizer,
        patch_size=16,
        vision_feature_select_strategy="default",
        chat_template=CHAT_TEMPLATE,
        num_additional_image_tokens=1,
    ).save_pretrained(folder)
    shape: dict[str, Any] = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    torch.manual_seed(7)
    engine.LlavaForConditionalGeneration(
        engine.LlavaConfig(
            vision_config=engine.CLIPVisionConfig(**shape, image_size=32, patch_size=16),
            text_config=engine.LlamaConfig(
                **shape, vocab_size=len(WORDS), pad_token_id=0, bos_token_id=2, eos_token_id=3, num_key_value_heads=2
            ),
            image_token_index=WORDS.index("<image>"),
        )
    ).save_pretrained(folder)
    return folder


def save_tiny_clip(folder: Path) -> Path:
    """Save a CLIP with two layers of 16 numbers for open_clip's ``local-dir:``; return the folder."""
    torch = load_torch(1)
    open_clip: Any = importlib.import_module("open_clip")
    config = {
        "embed_dim": 24,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
    }
    torch.manual_seed(7)
    folder.mkdir(exist_ok=True)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}))
    torch.save(open_clip.CLIP(**config).state_dict(), folder / "open_clip_pytorch_model.bin")
    return folder


def save_tiny_sentence_model(folder: Path, *, prompts: dict[str, str] | None = None) -> Path:
    """Save a BERT with two layers of 16 numbers reading 12 tokens, as sentence-transformers does; return the folder."""
    load_torch(1)
    sentences: Any = importlib.import_module("sentence_transformers")
    modules: Any = importlib.import_module("sentence_transformers.sentence_transformer.modules")
    transformer = modules.Transformer(str(_save_tiny_bert(folder / "bert")), max_seq_length=12)
    pooling = modules.Pooling(16, pooling_mode="mean")
    sentences.SentenceTransformer(modules=[transformer, pooling], prompts=prompts, device="cpu").save(str(folder))
    return folder


def save_tiny_colbert(folder: Path) -> Path:
    """Save a BERT projected to 8 numbers a token, queries masked up to 10, as ColBERT does; return the folder."""
    torch = load_torch(1)
    tensors: Any = importlib.import_module("safetensors.torch")
    _save_tiny_bert(folder)
    weights = {f"bert.{name}": value for name, value in tensors.load_file(folder / "model.safetensors").items()}
    weights["linear.weight"] = torch.randn(8, 16, generator=torch.Generator().manual_seed(7))
    tensors.save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text()) | {"architectures": ["HF_ColBERT"]}
    (folder / "config.json").write_text(json.dumps(config))
    metadata = {"query_token_id": "[unused0]", "doc_token_id": "[unused1]", "dim": 8, "doc_maxlen": 12}
    metadata |= {"query_maxlen": 10, "attend_to_mask_tokens": False, "mask_punctuation": True}
    (folder / "artifact.metadata").write_text(json.dumps(metadata))
    return folder


def save_tiny_pylate(folder: Path) -> Path:
    """Save the same model as PyLate does, its markers [Q] and [D] added to the tokenizer; return the folder."""
    torch = load_torch(1)
    tensors: Any = importlib.import_module("safetensors.torch")
    engine: Any = importlib.import_module("transformers")
    _save_tiny_bert(folder)
    tokenizer = engine.AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["[Q] ", "[D] "])
    tokenizer.save_pretrained(folder)
    model = engine.BertModel.from_pretrained(folder)
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    model.save_pretrained(folder)
    projection = folder / "1_Dense"
    projection.mkdir()
    weight = torch.randn(8, 16, generator=torch.Generator().manual_seed(7))
    tensors.save_file({"linear.weight": weight}, projection / "model.safetensors", metadata={"format": "pt"})
    dense = {"in_features": 16, "out_features": 8, "bias": False, "use_residual": False}
    dense["activation_function"] = "torch.nn.modules.linear.Identity"
    (projection / "config.json").write_text(json.dumps(dense))
    module_types = {"": "sentence_transformers.models.Transformer", "1_Dense": "pylate.models.Dense.Dense"}
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": kind} for i, (path, kind) in enumerate(module_types.items())
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    saved = {"prompts": {}, "default_prompt_name": None, "similarity_fn_name": "MaxSim", "query_prefix": "[Q] "}
    saved |= {"document_prefix": "[D] ", "query_length": 10, "document_length": 12, "do_query_expansion": True}
    saved |= {"attend_to_expansion_tokens": False, "skiplist_words": [",", "!", "?", "."]}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(saved))
    return folder


def save_tiny_colqwen(folder: Path) -> Path:
    """Save a ColQwen2 with two layers of 16 numbers and rows of 8, and its processor; return the folder."""
    torch = load_torch(1)
    from tokenizers import Tokenizer, models, pre_tokenizers

    engine: Any = importlib.import_module("transformers")
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"]
    words = [*special, "<unk>", "Query", ":", "user", "Describe", "the", "image", ".", "a", "red", "blue", "dog"]
    vocabulary = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    vocabulary.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = engine.PreTrainedTokenizerFast(
        tokenizer_object=vocabulary, pad_token="<|endoftext|>", eos_token="<|im_end|>", unk_token="<unk>"
    )
    tokenizer.add_special_tokens({"additional_special_tokens": special[1:]})
    pictures = engine.Qwen2VLImageProcessor(patch_size=4, merge_size=2, min_pixels=64, max_pixels=64 * 64)
    engine.ColQwen2Processor(image_processor=pictures, tokenizer=tokenizer).save_pretrained(folder)
    text = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    text |= {"num_key_value_heads": 2, "vocab_size": len(words), "max_position_embeddings": 2048}
    text |= {"rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}}
    vision = {"depth": 2, "embed_dim": 16, "hidden_size": 16, "num_heads": 2, "patch_size": 4, "mlp_ratio": 2}
    ids = {"image_token_id": 5, "vision_start_token_id": 3, "vision_end_token_id": 4, "video_token_id": 6}
    vlm = engine.Qwen2VLConfig(text_config=text, vision_config=vision, **ids)
    torch.manual_seed(7)
    engine.ColQwen2ForRetrieval(engine.ColQwen2Config(vlm_config=vlm, embedding_dim=8)).save_pretrained(folder)
    return folder


def _save_tiny_bert(folder: Path) -> Path:
    """Save a BERT with two layers of 16 numbers, words and letters in its tokenizer; return the folder."""
    torch = load_torch(1)
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    engine: Any = importlib.import_module("transformers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]", "[unused1]", *"abcdefghijklmnopqrstuvwxyz:,.!?"]
    words += ["dog", "cat", "house", "query"]
    vocabulary = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="[UNK]"))
    vocabulary.normalizer = normalizers.Lowercase()
    vocabulary.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    vocabulary.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    engine.PreTrainedTokenizerFast(tokenizer_object=vocabulary, mask_token="[MASK]", **special).save_pretrained(folder)
    torch.manual_seed(7)
    engine.BertModel(
        engine.BertConfig(
            vocab_size=len(words),
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=64,
            initializer_range=0.5,  # at the usual 0.02 a word hardly feels the words beside it
        )
    ).save_pretrained(folder)
    return folder
