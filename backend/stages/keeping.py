"""What keeps an edit where its words look: their attention, followed from step to step, and what it is used for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext

import torch
from jaxtyping import Float
from torch import Tensor

from ..diffusion.attention import Recorder, recording, released_relevance, relevance, stretched
from ..diffusion.model import Diffusion
from ..render.camera import Cameras
from ..render.picture import Surface
from ..render.projection import unproject
from ..settings.stages import WordSettings
from .consistency import UPDATES, Attended, EditState, shape_drift, texture_drift

SIZE = 128  # texels a side that attention is fused in: a latent of a close picture spans some ten


class Keeping:
    """Follows the attention of an edit's words while it is made.

    Attributes:
        state: how far it is; replaced by every step.
    """

    def __init__(
        self,
        settings: WordSettings,
        recorder: Recorder | None,
        surface: Surface,
        vertices: Float[Tensor, "1 V 3"],
    ):
        """`recorder` is None where no words are followed: C stays 1. `vertices` are those before the edit."""
        self.state = EditState.start(SIZE)
        self._settings, self._recorder = settings, recorder
        self._surface, self._vertices = surface, vertices

    def look(self, cameras: Cameras, latents: Float[Tensor, "B C h w"]) -> None:
        """Takes in what the networks' last call looked at in pictures from there.

        Args:
            latents: of those pictures; where the settings focus the gradient, theirs is cut to where the words look.
        """
        if self._recorder is None:
            return
        with torch.no_grad():
            each = self._recorder.maps(self._recorder.nearest)
            released = self._settings.attention == "released"
            asked = len(each) // len(latents)  # texts in one call
            maps = stretched(released_relevance(each, asked)) if released else relevance(each, asked)
            found = unproject(maps[:, None], self._surface, self._vertices, cameras, SIZE)
            attended = self.state.attended.with_views(found)
            mean, seen = found.mean()
            shown = mean if released else attended.share(mean, seen)
            state = EditState(self.state.consistency_weight, attended, self.state.step)
            if update := UPDATES.get(self._settings.consistency):
                state = update(state, shown, seen.clamp(max=1))
        self.state = state
        if self._settings.focused and latents.requires_grad:
            wanted = torch.nn.functional.interpolate(
                stretched(maps)[:, None], latents.shape[2:], mode="bilinear", align_corners=False
            )
            latents.register_hook(lambda gradient: gradient * wanted)

    def texture_loss(self, now: Float[Tensor, "1 3 S S"], before: Float[Tensor, "1 3 S S"]) -> Tensor | float:
        """What a changed texture is held back by, weighted."""
        if not self._settings.drift:
            return 0.0
        return self._settings.drift * texture_drift(self._weight(now.shape[-1]), now, before)

    def shape_loss(self, now: Float[Tensor, "V 3"], before: Float[Tensor, "V 3"]) -> Tensor | float:
        """The same of a changed shape."""
        if not self._settings.drift:
            return 0.0
        return self._settings.drift * shape_drift(self._weight(SIZE), now, before, self._surface)

    def noticed(self) -> Float[Tensor, "1 1 Z Z"]:
        """0..1, what the words looked at all the while."""
        return self.state.attended.standing_out()

    def _weight(self, size: int) -> Float[Tensor, "1 1 S S"]:
        weight = self.state.consistency_weight
        if size == SIZE:
            return weight
        return torch.nn.functional.interpolate(weight, (size, size), mode="bilinear", align_corners=False)

    def tensors(self) -> dict[str, Tensor]:
        """All that the next step depends on, for the journal; nothing where no words are followed."""
        if self._recorder is None:
            return {}
        state, attended = self.state, self.state.attended
        return {
            "weight": state.consistency_weight,
            "step": torch.tensor(state.step),
            "total": attended.total,
            "seen": attended.weights,
            "extremes": torch.tensor([attended.low, attended.high]),
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        if not tensors:
            return
        low, high = tensors["extremes"].tolist()
        attended = Attended(tensors["total"], tensors["seen"], low, high)
        self.state = EditState(tensors["weight"], attended, int(tensors["step"]))


@contextmanager
def keeping(
    settings: WordSettings,
    networks: Diffusion,
    tokens: Sequence[int],
    surface: Surface,
    vertices: Float[Tensor, "1 V 3"],
) -> Iterator[Keeping]:
    """Follows the words at `tokens` of the text while the context lasts; none leaves C at 1 everywhere."""
    with recording(networks, tokens, ()) if tokens else nullcontext() as recorder:
        yield Keeping(settings, recorder, surface, vertices)
