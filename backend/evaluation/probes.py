"""How far a face went along each axis of the face language, judged on its mesh, in units of what was taught.

A word's own displacement field says how the whole head moves; the measures of `measures` say what becomes of a nose
or a lip. Judged by the fields alone, whatever else moves the head far counts as the word: on 400 heads with known
values on 24 axes the judgements agreed with the truth by a correlation of 0.913 in the mean, by both together 0.942
(on ten axes 0.84 and 0.93; lips 0.64 and 0.92). So both are used, each in deviations over random heads, and weighed
against how random heads vary in them (generalised least squares).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..face.model import LinearFaceModel
from .measures import NAMES, RANDOM_HEADS, SEED, Norms, Points, measured

Axis = tuple[tuple[str, float, float], ...]  # (slider, value at -1, value at +1), …
RIDGE = 0.2  # added to the variance of each; from 0.03 to 0.3 all judge alike, less inflates what few numbers tell


def displacements(model: LinearFaceModel, axes: Sequence[Axis]) -> Float[Tensor, "A D"]:
    """Of the head from one unit of each axis: half of what lies between -1 and +1."""
    ends = model.slider_defaults.repeat(2 * len(axes), 1)
    for row, axis in enumerate(axes):
        for name, low, high in axis:
            column = model.slider_names.index(name)
            ends[2 * row, column], ends[2 * row + 1, column] = low, high
    low_ends, high_ends = model.slider_offsets(ends).unflatten(0, (-1, 2)).unbind(1)
    return (high_ends - low_ends) / 2


def without_size(displacements: Float[Tensor, "N D"], rest: Float[Tensor, "V 3"]) -> Float[Tensor, "N D"]:
    """Displacements less their shift and their share along growing the whole head."""
    shaped = displacements.unflatten(1, (-1, 3))
    flat = (shaped - shaped.mean(1, keepdim=True)).flatten(1)
    growth = (rest - rest.mean(0)).flatten()
    growth = growth / growth.norm()
    return flat - (flat @ growth)[:, None] * growth


@dataclass(frozen=True)
class Judge:
    """Tells where heads lie on each axis: 1 is the end of the range the networks were taught, 0 the mean head.

    Attributes:
        fields: (A, D) each axis's displacement without its size, `points` and `norms` those of the measures.
        reader: (A, A + M) from features to positions on the axes, all solved for together.
        named: (A,) the measure that tells most of each axis, and whether the axis raises it (1) or lowers it (-1).
        reach: (A,) how far one unit of each axis moves the vertex it moves most, in millimetres.
    """

    model: LinearFaceModel
    fields: Float[Tensor, "A D"]
    points: Points
    norms: Norms
    reader: Float[Tensor, "A N"]
    named: tuple[tuple[str, float], ...]
    reach: Float[Tensor, " A"]

    @classmethod
    def of(cls, model: LinearFaceModel, axes: Sequence[Axis]) -> Judge:
        """Always the same for the same head and axes: its random heads are."""
        points = Points.of(model.topology)
        basis, norms = without_size(displacements(model, axes), model.rest), Norms.of(model, points)
        count = len(axes)
        judge = cls(model, basis, points, norms, torch.zeros(count, count), (), torch.zeros(count))
        ends = torch.stack([model.rest + sign * basis.view(count, -1, 3) for sign in (1.0, -1.0)])
        answers = (judge.features(ends[0]) - judge.features(ends[1])) / 2
        generator = torch.Generator().manual_seed(SEED + 1)
        drawn = torch.randn(RANDOM_HEADS, model.identity_size, generator=generator)
        noise = torch.cov(torch.cat([judge.features(model.vertices(identity=few)) for few in drawn.split(100)]).T)
        noise = noise + RIDGE * torch.diag(noise.diagonal())
        weighed = torch.linalg.solve(noise, answers.T).T
        reader = torch.linalg.solve(weighed @ answers.T, weighed)
        told = answers[:, count:]
        best = told.abs().argmax(1)
        named = tuple((NAMES[int(place)], float(told[row, place].sign())) for row, place in enumerate(best))
        reach = basis.view(count, -1, 3).norm(dim=2).amax(1) * points.millimetres
        return cls(model, basis, points, norms, reader, named, reach)

    def features(self, vertices: Float[Tensor, "B V 3"]) -> Float[Tensor, "B N"]:
        """The share of each axis's own displacement in the head's, then all measures in deviations; in float64."""
        moved = without_size((vertices - self.model.rest).flatten(1), self.model.rest)
        along = moved @ self.fields.T / self.fields.square().sum(1)
        return torch.cat([along, self.scores(vertices)], dim=1).double()

    def scores(self, vertices: Float[Tensor, "B V 3"]) -> Float[Tensor, "B M"]:
        """All measures in deviations from the mean of random heads."""
        return self.norms.scores(measured(self.points, vertices))

    def positions(self, vertices: Float[Tensor, "V 3"]) -> Float[Tensor, " A"]:
        """Where a head lies on each axis."""
        features = self.features(torch.stack([vertices, self.model.rest]))
        return (self.reader @ (features[0] - features[1])).float()

    def measure_index(self, name: str) -> int:
        """Where a measure stands among the scores."""
        return NAMES.index(name)
