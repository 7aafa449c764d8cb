"""A catalog model as transformers knows it: its configuration, and a tokenizer to go with it."""

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from suite.catalog.model import Model
from suite.worker.model.families import open_family

END_TOKEN_ID, PADDING_TOKEN_ID = 256, 257  #: behind the 256 bytes of the tokenizer


def config_for(model: Model) -> Any:
    """Return the model's transformers configuration, architecture facts from the catalog."""
    a = model.architecture
    common = {
        "hidden_size": a.hidden_size,
        "num_hidden_layers": a.layers,
        "num_attention_heads": a.attention_heads,
        "num_key_value_heads": a.key_value_heads,
        "head_dim": a.head_size,
        "vocab_size": a.vocabulary_size,
        "max_position_embeddings": a.max_positions,
        "tie_word_embeddings": a.tied_embeddings,
        "rope_parameters": {"rope_type": "default", "rope_theta": a.rope_theta},
        "eos_token_id": END_TOKEN_ID,
        "pad_token_id": PADDING_TOKEN_ID,
        "dtype": "bfloat16",
    }
    return open_family(model.family).config(a, common)


def write_tokenizer(folder: Path, model: Model) -> None:
    """Write a byte-level tokenizer: enough for loaders and trainers that insist on one."""
    vocabulary = {
        symbol: index for index, symbol in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))
    }
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    end, padding = open_family(model.family).END, "<|endoftext|>"
    tokenizer.add_special_tokens([end, padding])  # ids 256 and 257, as config_for says
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": end,
        "pad_token": padding,
        "model_max_length": model.architecture.max_positions,
    }
    # Not tokenizers' own save: a full disk would be its plain Exception instead of an OSError.
    (folder / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
