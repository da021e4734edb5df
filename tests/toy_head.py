"""The toys' head with coefficients: every kind that a head model has, on 208 vertices."""

from __future__ import annotations

import torch

from backend.face.model import LinearFaceModel, Phenotypes
from tests.toys import toy_topology

IDENTITY, LOCAL = 5, ("nose-length", "chin-width")
ANCHORS = {"gender": (0.0, 1.0), "age": (-1 / 3, 0.0, 1 / 3, 2 / 3, 1.0)}
MIXED = ("north", "east", "south")
DEFAULTS = (0.5, 0.7, 1 / 3, 1 / 3, 1 / 3, 0.0, 0.0)
# Which variations each phenotype row is bound to: north east south | woman man | the five ages.
MASK = (
    (1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    (0, 1, 0, 1, 0, 0, 0, 0, 0, 0),
    (0, 0, 1, 0, 1, 0, 0, 0, 1, 0),
    (0, 0, 0, 0, 1, 0, 0, 0, 0, 1),
    (0, 0, 0, 0, 0, 0, 0, 1, 0, 0),
)


def toy_head(dtype: torch.dtype = torch.float32) -> LinearFaceModel:
    """A head of random directions: identity 5, sliders 7 (two phenotypes, three mixed, two local), expressions 3."""
    topology = toy_topology()
    generator = torch.Generator().manual_seed(0)

    def rows(count: int) -> torch.Tensor:
        return 0.02 * torch.randn(count, topology.rest.size, generator=generator, dtype=dtype)

    return LinearFaceModel(
        topology,
        identity_basis=rows(IDENTITY),
        expression_basis=rows(len(topology.expression_names)),
        phenotypes=Phenotypes(rows(len(MASK)), torch.tensor(MASK, dtype=dtype), ANCHORS, MIXED),
        local_names=LOCAL,
        local_rows=rows(2 * len(LOCAL)),
        slider_defaults=torch.tensor(DEFAULTS, dtype=dtype),
    )
