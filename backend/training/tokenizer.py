"""The starter tokenizer: byte-level BPE over the face language, its words one token each, other text spelt out."""

from __future__ import annotations

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from .language import words

LONGEST = 40  # tokens a prompt may have, start and end included
START, END = "<|startoftext|>", "<|endoftext|>"


def build() -> CLIPTokenizer:
    """A `CLIPTokenizer` whose vocabulary is all 256 bytes, plain and word-final, and the merges that make our words.

    Byte-pair training on the bare word list, run to its end, leaves every word of it one token.
    """
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=100_000,
        min_frequency=1,
        initial_alphabet=sorted(letters),
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # pyright: ignore[reportAttributeAccessIssue]
    learner.train_from_iterator(words(), trainer)
    learnt: list[str] = [tuple(pair) for pair in _merges(learner)]  # pyright: ignore[reportAssignmentType]
    symbols = sorted(letters)
    vocabulary = [*symbols, *(s + "</w>" for s in symbols)]
    vocabulary += [token for pair in learnt if (token := "".join(pair)) not in vocabulary]
    ids = {token: index for index, token in enumerate(dict.fromkeys([*vocabulary, START, END]))}
    return CLIPTokenizer(vocab=ids, merges=learnt, model_max_length=LONGEST)


def _merges(learner: Tokenizer) -> list[list[str]]:
    import json

    merges = json.loads(learner.to_str())["model"]["merges"]
    return [pair if isinstance(pair, list) else pair.split(" ") for pair in merges]
