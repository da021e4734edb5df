"""The starter tokenizer: byte-level BPE over the face language, its words one token each, other text spelt out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTokenizer

from ..language import words

LONGEST = 77  # tokens a prompt may have, start and end included
START, END = "<|startoftext|>", "<|endoftext|>"
LAST = "</w>"  # marks the symbol that ends a word


def build() -> CLIPTokenizer:
    """A `CLIPTokenizer` whose vocabulary is all 256 bytes, plain and word-final, and the merges that make our words.

    Byte-pair learning on the bare word list, run to its end, leaves every word of it one token.
    """
    learnt = merges(words())
    symbols = sorted(ByteLevel.alphabet())
    tokens = [*symbols, *(symbol + LAST for symbol in symbols), *(a + b for a, b in learnt), START, END]
    numbers = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    return CLIPTokenizer(vocab=numbers, merges=learnt, model_max_length=LONGEST)  # pyright: ignore[reportArgumentType]


def merges(known: Iterable[str]) -> list[tuple[str, str]]:
    """The pairs to join, the most frequent first and ties by the alphabet.

    The trainer of `tokenizers` orders ties anew every time; a network must meet the numbers it was trained with.
    """
    spelt = [[*word[:-1], word[-1] + LAST] for word in known]
    learnt = []
    while counts := Counter(pair for symbols in spelt for pair in pairwise(symbols)):
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        learnt.append(best)
        spelt = [joined(symbols, best) for symbols in spelt]
    return learnt


def joined(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    """The symbols with each occurrence of the pair made one."""
    out = symbols[:1]
    for symbol in symbols[1:]:
        if (out[-1], symbol) == pair:
            out[-1] += symbol
        else:
            out.append(symbol)
    return out
