"""Teaches a UNet to look at the part of a picture that a word names.

Left alone, the starter's editor reads everything from the end of the text, whose states tell all of it: the word "lips"
got a thousandth of the attention, and its map knew nothing of where the lips are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from jaxtyping import Float
from torch import Tensor
from transformers import CLIPTokenizer

from ..router import route

SHARE = 0.6  # of its attention that a place within the part gives the part's words
LEAST = 1e-6  # a share that is told from nothing


@dataclass(frozen=True)
class Watched:
    """Where a batch's words lie.

    Attributes:
        words: 1 at the tokens of the part that is named; all 0 where none is.
        places: 0..1, how much of the part each latent shows.
    """

    words: Float[Tensor, "B L"]
    places: Float[Tensor, "B h w"]

    @classmethod
    def of(cls, words: Float[Tensor, "P L"], places: Float[Tensor, "P h w"], texts: list[str]) -> Watched:
        """For pictures shown twice, with both of their `texts` in turn, one of which is empty.

        With the empty one the words' positions are padding, which is to get nothing: what edits read of the words is
        what they get more than that.
        """
        named = torch.tensor([float(text != "") for text in texts])[:, None, None]
        return cls(words.repeat_interleave(2, dim=0), places.repeat_interleave(2, dim=0) * named)

    def shares(self, size: int) -> list[Watched]:
        """The batch cut into parts of `size`."""
        return [Watched(*cut) for cut in zip(self.words.split(size), self.places.split(size), strict=True)]

    def loss(self, maps: list[Float[Tensor, "B Q L"]]) -> Float[Tensor, ""]:
        """How far the words' shares are from SHARE within the part and 0 outside, inside and outside counting alike.

        A divergence (of Bernoulli shares): squares would have no slope where a word gets nothing.
        """
        inside = self.places.flatten(1).to(maps[0])
        words = self.words.to(maps[0])
        counted = words.sum(1) > 0
        if not counted.any():
            return torch.zeros(())
        wanted = SHARE * inside
        found = torch.stack([(shares * words[:, None]).sum(2) for shares in maps]).clamp(LEAST, 1 - LEAST)
        least = torch.special.entr(wanted) + torch.special.entr(1 - wanted)
        far = -(wanted * found.log() + (1 - wanted) * (1 - found).log()).mean(0) - least
        within, without = ((far * part).sum(1) / part.sum(1).clamp(min=1e-3) for part in (inside, 1 - inside))
        return (((within + without) * counted).sum() / counted.sum()).cpu()


@contextmanager
def attending(unet: UNet2DConditionModel, side: int) -> Iterator[list[Float[Tensor, "B Q L"]]]:
    """Collects, layer by layer, each place's attention to the text at one size: mean over heads, with gradients."""
    maps: list[Tensor] = []

    def look(layer: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        hidden, text = given[0], named.get("encoder_hidden_states")
        if text is not None and math.isqrt(hidden.shape[1]) == side:
            query, key = (layer.head_to_batch_dim(part) for part in (layer.to_q(hidden), layer.to_k(text)))
            maps.append(layer.get_attention_scores(query, key).unflatten(0, (-1, layer.heads)).float().mean(1))

    layers = [layer for layer in unet.modules() if getattr(layer, "is_cross_attention", False)]
    handles = [layer.register_forward_pre_hook(look, with_kwargs=True) for layer in layers]
    try:
        yield maps
    finally:
        for handle in handles:
            handle.remove()


def words_of(tokenizer: CLIPTokenizer, texts: list[str]) -> Float[Tensor, "P L"]:
    """1 at the tokens of the part of the face that each text names."""
    found = torch.zeros(len(texts), tokenizer.model_max_length)
    for row, text in enumerate(texts):
        noun = route(text).noun
        said, wanted = tokenizer.tokenize(text), tokenizer.tokenize(noun) if noun else []
        for start in range(len(said) - len(wanted) + 1):
            if wanted and said[start : start + len(wanted)] == wanted:
                found[row, 1 + start : 1 + start + len(wanted)] = 1
    return found
