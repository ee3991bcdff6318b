"""A tokenizer trained on the shop's own titles.

Byte-level BPE: every script, emoji and model number has tokens, so Korean works and nothing is ever
unknown. Stored as the files that open_clip and Hugging Face read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

PAD, START, END, UNKNOWN = "<pad>", "<start>", "<end>", "<unk>"
PAD_ID, START_ID, END_ID = 0, 1, 2

TokenizerFiles = dict[str, bytes]


def train_tokenizer(titles: Iterable[str], *, vocab_size: int) -> TokenizerFiles:
    """Learn a byte-level BPE from titles and return its files, name -> content.

    Args:
        titles: Cleaned titles; each is lower-cased and NFKC-normalised first, as it will be in use.
        vocab_size: Upper bound; a small shop yields fewer tokens.
    """
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    # Digits stand alone, so that "500ml" and "250ml" share "ml" and differ where they should.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=False), pre_tokenizers.ByteLevel(add_prefix_space=True)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[PAD, START, END, UNKNOWN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=2,
        show_progress=False,
    )
    tokenizer.train_from_iterator(titles, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(START, START_ID), (END, END_ID)]
    )
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": PAD,
        "bos_token": START,
        "eos_token": END,
        "unk_token": UNKNOWN,
        "model_max_length": 1_000_000,  # the model's context length cuts, not the tokenizer
        "clean_up_tokenization_spaces": False,
    }
    return {
        "tokenizer.json": tokenizer.to_str().encode(),
        "tokenizer_config.json": json.dumps(config, indent=2).encode(),
    }


def vocabulary_size(files: TokenizerFiles) -> int:
    """How many ids the tokenizer in these files can give."""
    return Tokenizer.from_str(files["tokenizer.json"].decode()).get_vocab_size()
