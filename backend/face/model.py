"""Coefficients to vertices: the one interface every head model has, and its linear implementation."""

from __future__ import annotations

from dataclasses import dataclass, replace
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


class LinearFaceModel:
    """Mean head + whitened identity basis + sliders + expressions + free offsets.

    `identity` is in standard deviations of the head population the basis was made from. `sliders` are what the
    model says they are: phenotypes 0..1, then local ones -1..1 with a row for each side of 0. A head may have none.
    """

    def __init__(
        self,
        topology: Topology,
        identity_basis: Float[Tensor, "I D"],
        expression_basis: Float[Tensor, "E D"],
        phenotypes: Phenotypes | None = None,
        local_names: tuple[str, ...] = (),
        local_rows: Float[Tensor, "L2 D"] | None = None,
        slider_defaults: Float[Tensor, " S"] | None = None,
    ):
        self.topology = topology
        self.identity_basis = identity_basis
        self.expression_basis = expression_basis
        self.phenotypes = phenotypes
        self.local_rows = identity_basis[:0] if local_rows is None else local_rows
        self.slider_names = (*(phenotypes.names if phenotypes else ()), *local_names)
        self.slider_defaults = identity_basis.new_zeros(0) if slider_defaults is None else slider_defaults
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
        shaped = flat.unflatten(1, (-1, 3))
        return shaped if offsets is None else shaped + offsets

    def double(self) -> LinearFaceModel:
        """The same head in float64."""
        phenotypes = self.phenotypes
        return LinearFaceModel(
            self.topology,
            self.identity_basis.double(),
            self.expression_basis.double(),
            phenotypes and replace(phenotypes, rows=phenotypes.rows.double(), mask=phenotypes.mask.double()),
            self.slider_names[len(phenotypes.names) if phenotypes else 0 :],
            self.local_rows.double(),
            self.slider_defaults.double(),
        )

    def slider_offsets(self, sliders: Float[Tensor, "B S"]) -> Float[Tensor, "B D"]:
        """What the sliders add to the mean head (0 at their defaults), flattened to (B, V*3)."""
        return self._slider_sum(sliders) - self._slider_sum(self.slider_defaults[None])

    def _slider_sum(self, sliders: Float[Tensor, "B S"]) -> Float[Tensor, "B D"]:
        count = len(self.phenotypes.names) if self.phenotypes else 0
        local = sliders[:, count:]
        both_sides = torch.stack([local.clamp(min=0), (-local).clamp(min=0)], dim=2).flatten(1)
        total = both_sides @ self.local_rows
        if self.phenotypes is not None:
            total = total + self.phenotypes.weights(sliders[:, :count]) @ self.phenotypes.rows
        return total
