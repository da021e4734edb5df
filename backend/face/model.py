"""Coefficients to vertices: the one interface every head model has, and its linear implementation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from .mesh import Topology


@runtime_checkable
class FaceModel(Protocol):
    """Coefficients to vertices of one head. Frame and units are those of `Topology`."""

    topology: Topology
    identity_size: int
    expression_size: int
    slider_names: tuple[str, ...]

    def vertices(
        self,
        identity: Float[Tensor, "B I"] | None = None,
        sliders: Float[Tensor, "B S"] | None = None,
        expression: Float[Tensor, "B E"] | None = None,
        offsets: Float[Tensor, "B V 3"] | None = None,
    ) -> Float[Tensor, "B V 3"]: ...


@dataclass(frozen=True)
class Phenotypes:
    """Anny's products of age, gender, … : a row counts as much as all its variations together.

    Attributes:
        rows: (K, V*3) displacements in head units.
        mask: (K, N) 1 where a row is bound to a variation.
        anchors: for each phenotype, the slider values at which its variations are pure.
        mixed: phenotypes that share out one sum among them (Anny's three regions of the world).
    """

    rows: Float[Tensor, "K D"]
    mask: Float[Tensor, "K N"]
    anchors: dict[str, tuple[float, ...]]
    mixed: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.anchors, *self.mixed)

    def weights(self, values: Float[Tensor, "B P"]) -> Float[Tensor, "B K"]:
        """How much of each row: the product, over the variations it is bound to, of their shares."""
        shares = [values[:, -len(self.mixed) :]]
        shares[0] = shares[0] / shares[0].sum(1, keepdim=True).clamp(min=1e-6)
        for index, anchors in enumerate(self.anchors.values()):
            shares.append(hat_functions(values[:, index], torch.tensor(anchors).to(values)))
        share = torch.cat(shares, dim=1)
        return (share[:, None] * self.mask + (1 - self.mask)).prod(dim=2)


def hat_functions(values: Float[Tensor, " B"], anchors: Float[Tensor, " A"]) -> Float[Tensor, "B A"]:
    """Shares of piecewise linear interpolation between rising anchors; values beyond the ends are clamped."""
    values = values.clamp(anchors[0].item(), anchors[-1].item())
    step = anchors.diff()
    position = ((values[:, None] - anchors[:-1]) / step).clamp(0, 1)
    ones = torch.ones_like(position[:, :1])
    return torch.cat([ones, position], dim=1) - torch.cat([position, torch.zeros_like(ones)], dim=1)


@dataclass(frozen=True)
class Sliders:
    """Semantic controls: phenotypes 0..1, then local ones -1..1 with a row for each side of 0.

    Attributes:
        local_rows: (2L, V*3) displacements in head units, for + and - of each local name.
        defaults: values at which the mean head stands.
    """

    phenotypes: Phenotypes
    local_names: tuple[str, ...]
    local_rows: Float[Tensor, "L2 D"]
    defaults: Float[Tensor, " S"]

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.phenotypes.names, *self.local_names)

    @property
    def rows(self) -> Float[Tensor, "R D"]:
        """What a head is a sum of: the phenotypes' rows, then the local ones."""
        return torch.cat([self.phenotypes.rows, self.local_rows])

    def weights(self, values: Float[Tensor, "B S"]) -> Float[Tensor, "B R"]:
        """How much of each of `rows`."""
        count = len(self.phenotypes.names)
        local = values[:, count:]
        both_sides = torch.stack([local.clamp(min=0), (-local).clamp(min=0)], dim=2).flatten(1)
        return torch.cat([self.phenotypes.weights(values[:, :count]), both_sides], dim=1)

    def total(self, values: Float[Tensor, "B S"]) -> Float[Tensor, "B D"]:
        """The weighted rows, added."""
        weights = self.weights(values)
        split = len(self.phenotypes.rows)
        return weights[:, :split] @ self.phenotypes.rows + weights[:, split:] @ self.local_rows


class LinearFaceModel:
    """Mean head + whitened identity basis + sliders + expressions + free offsets.

    `identity` is in standard deviations of the head population the basis was made from. A head without `controls`
    has no sliders.
    """

    def __init__(
        self,
        topology: Topology,
        identity_basis: Float[Tensor, "I D"],
        expression_basis: Float[Tensor, "E D"],
        controls: Sliders | None = None,
    ):
        self.topology = topology
        self.identity_basis = identity_basis
        self.expression_basis = expression_basis
        self.controls = controls
        self.slider_names = controls.names if controls else ()
        self.slider_defaults = controls.defaults if controls else identity_basis.new_zeros(0)
        self.rest = torch.from_numpy(topology.rest).to(identity_basis)

    @property
    def identity_size(self) -> int:
        return len(self.identity_basis)

    @property
    def expression_size(self) -> int:
        return len(self.expression_basis)

    def vertices(
        self,
        identity: Float[Tensor, "B I"] | None = None,
        sliders: Float[Tensor, "B S"] | None = None,
        expression: Float[Tensor, "B E"] | None = None,
        offsets: Float[Tensor, "B V 3"] | None = None,
    ) -> Float[Tensor, "B V 3"]:
        """Vertices in head units; what is None is at rest."""
        given = [part for part in (identity, sliders, expression, offsets) if part is not None]
        flat = self.rest.reshape(1, -1).expand(len(given[0]) if given else 1, -1)
        if identity is not None:
            flat = flat + identity @ self.identity_basis
        if sliders is not None:
            flat = flat + self.slider_offsets(sliders)
        if expression is not None:
            flat = flat + expression @ self.expression_basis
        shaped = flat.reshape(len(flat), -1, 3)
        return shaped if offsets is None else shaped + offsets

    def slider_offsets(self, sliders: Float[Tensor, "B S"]) -> Float[Tensor, "B D"]:
        """What the sliders add to the mean head (0 at their defaults), flattened to (B, V*3)."""
        if self.controls is None:
            return self.rest.new_zeros(len(sliders), self.rest.numel())
        return self.controls.total(sliders) - self.controls.total(self.controls.defaults[None])
