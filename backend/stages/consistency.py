"""FaceG2E's self-guided consistency weight: where an edit must not reach, told by the attention of its own words.

Released and corrected updates work on the same frozen state; a step takes one and returns the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from ..render.picture import Surface
from ..render.projection import Unprojected
from ..render.uv import position_map

KEPT = 0.8  # of the old weight in each update (main.py:190)
WARM_UP = 41  # updates before which the released weight stays 1: attention tells nothing at high noise levels
FLAT = 1e-4  # of the most: extremes that lie nearer differ by rounding
TURNED_AWAY = 0.2  # cosine of view and normal below which a texel's attention does not count in the extremes


@dataclass(frozen=True)
class Attended:
    """Attention in the UV square, over all views so far.

    Attributes:
        total, weights: what each texel got, times how well it was seen, and how well in sum.
        low, high: the least and the most that any view has shown.
    """

    total: Float[Tensor, "1 1 S S"]
    weights: Float[Tensor, "1 1 S S"]
    low: float = float("inf")
    high: float = float("-inf")

    @classmethod
    def nothing(cls, size: int) -> Attended:
        return cls(torch.zeros(1, 1, size, size), torch.zeros(1, 1, size, size))

    def with_views(self, found: Unprojected) -> Attended:
        """The same with maps of more pictures, weighted by visibility and facing angle."""
        plain = found.values[found.weights > TURNED_AWAY]
        if not len(plain):
            return self
        return Attended(
            self.total + (found.values * found.weights).sum(0, keepdim=True),
            self.weights + found.weights.sum(0, keepdim=True),
            min(self.low, float(plain.min())),
            max(self.high, float(plain.max())),
        )

    def stretched(self) -> Float[Tensor, "1 1 S S"]:
        """0..1 between the extremes of all views; 0 where nothing was seen, and everywhere if no view shows more."""
        return self.share(self.total / self.weights.clamp(min=1e-9), self.weights)

    def standing_out(self) -> Float[Tensor, "1 1 S S"]:
        """0..1, how far each texel's mean stands out among those that were seen well enough; 0 if none does."""
        mean, known = self.total / self.weights.clamp(min=1e-9), self.weights > TURNED_AWAY
        if not known.any():
            return torch.zeros_like(mean)
        low, high = mean[known].amin(), mean[known].amax()
        if not high - low > FLAT * high.abs():
            return torch.zeros_like(mean)
        return torch.where(known, ((mean - low) / (high - low)).clamp(0, 1), 0)

    def share(self, values: Float[Tensor, "1 1 S S"], seen: Float[Tensor, "1 1 S S"]) -> Float[Tensor, "1 1 S S"]:
        """Values as shares of the way from the least to the most that any view has shown; 0 where nothing is seen."""
        if not self.high - self.low > FLAT * abs(self.high):
            return torch.zeros_like(values)
        return torch.where(seen > 0, ((values - self.low) / (self.high - self.low)).clamp(0, 1), 0)


@dataclass(frozen=True)
class EditState:
    """How far an edit is.

    Attributes:
        consistency_weight: C, 1 where the edit must not reach.
        step: updates so far.
    """

    consistency_weight: Float[Tensor, "1 1 S S"]
    attended: Attended
    step: int = 0

    @classmethod
    def start(cls, size: int) -> EditState:
        return cls(torch.ones(1, 1, size, size), Attended.nothing(size))


Update = Callable[[EditState, Float[Tensor, "1 1 S S"], Float[Tensor, "1 1 S S"]], EditState]


def released(
    state: EditState, attention: Float[Tensor, "1 1 S S"], seen: Float[Tensor, "1 1 S S"], warm_up: int = WARM_UP
) -> EditState:
    """`avm2` of its code: where 1 - A² is less than C, C goes a fifth of the way; it never comes back.

    Args:
        attention: one view's, 0..1 (A), 0 where the view does not show the texel.
        seen: not looked at.
    """
    weight, wanted = state.consistency_weight, 1 - attention.square()
    if state.step >= warm_up:
        weight = torch.where(wanted < weight, KEPT * weight + (1 - KEPT) * wanted, weight)
    return replace(state, consistency_weight=weight, step=state.step + 1)


def recovering(
    state: EditState, attention: Float[Tensor, "1 1 S S"], seen: Float[Tensor, "1 1 S S"], warm_up: int = WARM_UP
) -> EditState:
    """The same both ways, as fast as the view shows the texel: one map that is wrong frees nothing for good.

    Args:
        seen: cosine of view and normal where the view shows the texel, else 0.
    """
    weight, wanted = state.consistency_weight, 1 - attention.square()
    if state.step >= warm_up:
        weight = weight + (1 - KEPT) * seen * (wanted - weight)
    return replace(state, consistency_weight=weight, step=state.step + 1)


def strongest(
    state: EditState, attention: Float[Tensor, "1 1 S S"], seen: Float[Tensor, "1 1 S S"], warm_up: int = WARM_UP
) -> EditState:
    """`max2` of its code: C goes to 1 - A² at once where that is less, and never comes back."""
    weight = state.consistency_weight
    if state.step >= warm_up:
        weight = torch.minimum(weight, 1 - attention.square())
    return replace(state, consistency_weight=weight, step=state.step + 1)


def averaging(power: float) -> Update:
    """`avg2` (power 2) and `avg0.5` of its code: C follows 1 - Aᵖ both ways, wherever the view shows the texel."""

    def update(
        state: EditState, attention: Float[Tensor, "1 1 S S"], seen: Float[Tensor, "1 1 S S"], warm_up: int = WARM_UP
    ) -> EditState:
        weight = state.consistency_weight
        if state.step >= warm_up:
            wanted = KEPT * weight + (1 - KEPT) * (1 - attention.pow(power))
            weight = torch.where(seen > 0, wanted, weight)
        return replace(state, consistency_weight=weight, step=state.step + 1)

    return update


UPDATES: Mapping[str, Update] = {
    "released": released,
    "recovering": recovering,
    "max2": strongest,
    "avg2": averaging(2.0),
    "avg0.5": averaging(0.5),
}


def texture_drift(
    weight: Float[Tensor, "1 1 S S"], now: Float[Tensor, "1 3 S S"], before: Float[Tensor, "1 3 S S"]
) -> Float[Tensor, ""]:
    """Mean over texels and channels of C times the squared change: the same number at any size of texture."""
    return (weight * (now - before).square()).mean()


def shape_drift(
    weight: Float[Tensor, "1 1 S S"],
    now: Float[Tensor, "V 3"],
    before: Float[Tensor, "V 3"],
    surface: Surface,
) -> Float[Tensor, ""]:
    """The same of position maps, in squared head units; texels outside the layout are 0 in both."""
    size = weight.shape[-1]
    places = [position_map(one, surface.uvs, surface.faces, surface.uv_faces, size)[0][None] for one in (now, before)]
    return texture_drift(weight, *places)
