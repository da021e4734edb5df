"""Where a UNet looks for words: cross-attention of chosen tokens, recorded while it predicts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import UnknownWords
from .model import Diffusion

SIDE = 16  # latents a side where FaceG2E reads attention: five layers of a Stable Diffusion 1.5 at 512 pixels
RELEASED_SCALE = 100.0  # its code's, which min-max takes away again


class Recorder:
    """Attention to the chosen tokens in the UNet's last call.

    Attributes:
        tokens: positions in the text; the first word's is 1.
        sides: resolutions that are recorded, latents a side; none stands for all.
    """

    def __init__(self, tokens: Sequence[int], sides: Sequence[int]):
        self.tokens, self.sides = tuple(tokens), tuple(sides)
        self._found: dict[int, list[Tensor]] = {}

    def maps(self, side: int = SIDE) -> Float[Tensor, "N T h w"]:
        """The share of each place's attention that each token gets: mean over layers and heads, for all N texts.

        Raises:
            KeyError: the UNet was not called, or has no cross-attention at that resolution.
        """
        if side not in self._found:
            raise KeyError(f"no cross-attention at {side} x {side}; there was {sorted(self._found) or 'no call'}")
        return torch.stack(self._found[side]).mean(0)

    @property
    def nearest(self) -> int:
        """The recorded resolution that is nearest to SIDE."""
        return min(self._found, key=lambda side: (abs(side - SIDE), side), default=SIDE)

    def count(self, side: int = SIDE) -> int:
        """Layers that `maps` is the mean of."""
        return len(self._found.get(side, ()))

    def forget(self) -> None:
        self._found.clear()

    def note(self, side: int, shares: Float[Tensor, "N T h w"]) -> None:
        self._found.setdefault(side, []).append(shares)


@contextmanager
def recording(model: Diffusion, tokens: Sequence[int], sides: Sequence[int] = (SIDE,)) -> Iterator[Recorder]:
    """Records the UNet's cross-attention while the context lasts; what it predicts stays the same, bit for bit."""
    recorder = Recorder(tokens, sides)

    def look(layer: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        hidden, text = given[0], named.get("encoder_hidden_states", given[1] if len(given) > 1 else None)
        side = math.isqrt(hidden.shape[1])
        if text is not None and side * side == hidden.shape[1] and (not sides or side in sides):
            recorder.note(side, _shares(layer, hidden, text, recorder.tokens).unflatten(2, (side, side)))

    layers = [layer for layer in model.unet.modules() if getattr(layer, "is_cross_attention", False)]
    handles = [layer.register_forward_pre_hook(look, with_kwargs=True) for layer in layers]
    handles.append(model.unet.register_forward_pre_hook(lambda unet, given: recorder.forget()))
    try:
        yield recorder
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def _shares(
    layer: Any, hidden: Float[Tensor, "N Q C"], text: Float[Tensor, "N L D"], tokens: Sequence[int]
) -> Float[Tensor, "N T Q"]:
    """Attention of a diffusers `Attention` to the tokens, mean over its heads."""
    if layer.norm_cross:
        text = layer.norm_encoder_hidden_states(text)
    query, key = layer.head_to_batch_dim(layer.to_q(hidden)), layer.head_to_batch_dim(layer.to_k(text))
    shares = layer.get_attention_scores(query, key).unflatten(0, (-1, layer.heads)).float().mean(1)
    return shares[..., list(tokens)].transpose(1, 2)


def relevance(maps: Float[Tensor, "N T h w"], conditions: int = 3) -> Float[Tensor, "B h w"]:
    """How much more each place looks at any of the tokens than it would without the instruction; 0 or more.

    Args:
        maps: of a call under `conditions` texts, B pictures each: the instruction, then the empty text over the same
            pictures, which looks at the same positions wherever it is shown them. Other conditions do not count.
    """
    told, empty = maps.unflatten(0, (conditions, -1))[:2]
    return (told - empty).sum(1).clamp(min=0)


def released_relevance(maps: Float[Tensor, "N T h w"], conditions: int = 3) -> Float[Tensor, "B h w"]:
    """What FaceG2E's code takes: the first token alone, mean over all conditions, two of which never saw the word."""
    return RELEASED_SCALE * maps.unflatten(0, (conditions, -1))[:, :, 0].mean(0)


def stretched(maps: Float[Tensor, "B h w"]) -> Float[Tensor, "B h w"]:
    """Each map from 0 to 1, as FaceG2E's code has it, whether it shows anything or not; 0 where it is flat."""
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    return (maps - low) / (high - low).clamp(min=1e-9)


def tokens_of(model: Diffusion, text: str, *phrases: str) -> tuple[int, ...]:
    """Positions of all tokens of the phrases in a text, wherever they occur in it; the first word's is 1.

    Raises:
        UnknownWords: a phrase that the text does not hold.
    """
    said, found = model.tokenizer.tokenize(text), set()
    for phrase in phrases:
        wanted = model.tokenizer.tokenize(phrase)
        places = [n for n in range(len(said)) if wanted and said[n : n + len(wanted)] == wanted]
        if not places:
            raise UnknownWords(f"{phrase!r} is not in {text!r}", advice="name words of the instruction")
        found |= {1 + place + step for place in places for step in range(len(wanted))}
    return tuple(sorted(place for place in found if place < model.tokenizer.model_max_length - 1))


def words_at(model: Diffusion, text: str, tokens: Sequence[int]) -> tuple[str, ...]:
    """The tokens at these positions of a text, as words; the first word's is 1.

    Raises:
        UnknownWords: a position where the text has none; the advice numbers those it has.
    """
    said = model.tokenizer.tokenize(text)[: model.tokenizer.model_max_length - 2]
    said = [token.removesuffix("</w>") for token in said]
    if wrong := [str(token) for token in tokens if not 1 <= token <= len(said)]:
        numbered = ", ".join(f"{number} {token}" for number, token in enumerate(said, start=1))
        raise UnknownWords(f"{text!r} has no token {', '.join(wrong)}", advice=f"there are {numbered}")
    return tuple(said[token - 1] for token in tokens)


def resolutions(model: Diffusion) -> dict[int, int]:
    """Latents a side of the UNet's cross-attention at its native size, and how many layers have each."""
    config, found = model.unet.config, dict[int, int]()
    kinds, side = config["down_block_types"], config["sample_size"]
    each = config["layers_per_block"]
    layers = [each] * len(kinds) if isinstance(each, int) else list(each)
    for level, kind in enumerate(kinds):
        above = config["up_block_types"][len(kinds) - 1 - level]
        count = layers[level] * ("CrossAttn" in kind) + (layers[level] + 1) * ("CrossAttn" in above)
        if count:
            found[side >> level] = count
    if "CrossAttn" in (config.get("mid_block_type") or ""):
        lowest = side >> (len(kinds) - 1)
        found[lowest] = found.get(lowest, 0) + 1
    return found
