"""Some forty distances and angles of a face, in millimetres and degrees, the same for every head that has landmarks.

Points are the 68 of iBUG's mark-up, and a few that a head's named regions give (ears, crown, neck): vertices that lie
farthest one way in the mean head, and that stay the same vertices in every other. `Norms` says how far random heads
spread in each, so that a nose and an ear can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..face.mesh import Topology
from ..face.model import LinearFaceModel

RANDOM_HEADS, SEED = 1000, 20240617
Spot = int | str | tuple["int | str", ...]  # a landmark, a point of a region, or the middle of several
# Region points: name -> (region, direction in which the vertex lies farthest in the mean head).
EXTREMES: dict[str, tuple[str, tuple[float, float, float]]] = {
    "right_ear_top": ("right_ear", (0, 1, 0)),
    "right_ear_lobe": ("right_ear", (0, -1, 0)),
    "right_ear_rim": ("right_ear", (-1, 0, -0.5)),
    "right_ear_front": ("right_ear", (0.5, 0, 1)),
    "left_ear_top": ("left_ear", (0, 1, 0)),
    "left_ear_lobe": ("left_ear", (0, -1, 0)),
    "left_ear_rim": ("left_ear", (1, 0, -0.5)),
    "left_ear_front": ("left_ear", (-0.5, 0, 1)),
    "right_cheek": ("right_cheek", (-0.6, 0, 1)),
    "left_cheek": ("left_cheek", (0.6, 0, 1)),
    "crown": ("scalp", (0, 1, 0)),
    "back": ("scalp", (0, 0, -1)),
    "right_neck": ("neck", (-1, 0, 0)),
    "left_neck": ("neck", (1, 0, 0)),
    "forehead": ("forehead", (0, 0.4, 1)),
}
AXES = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}


@dataclass(frozen=True)
class Measure:
    """One number of a face, averaged over `spots` (both sides, as a rule).

    Attributes:
        kind: "distance" between two points; "along x/y/z", the second less the first along that axis (millimetres);
            "angle" at the second of three points, 180 where they are in line; "pitch", how far the way from the first
            to the second rises above level (degrees).
    """

    name: str
    kind: str
    spots: tuple[tuple[Spot, ...], ...]

    @property
    def unit(self) -> str:
        return "°" if self.kind in ("angle", "pitch") else "mm"


def _of(name: str, kind: str, *spots: tuple[Spot, ...]) -> Measure:
    return Measure(name, kind, spots)


EYE_LINE: Spot = (36, 39, 42, 45)
MEASURES = (
    _of("head height", "distance", ("crown", 8)),
    _of("head depth", "along z", ("back", "forehead")),
    _of("face width", "distance", (0, 16)),
    _of("cheek width", "distance", (2, 14)),
    _of("cheek fullness", "distance", ("right_cheek", "left_cheek")),
    _of("cheek prominence", "along z", (33, ("right_cheek", "left_cheek"))),
    _of("jaw width", "distance", (4, 12)),
    _of("jaw angle", "angle", (2, 4, 8), (14, 12, 8)),
    _of("jaw height", "along y", ((4, 12), (0, 16))),
    _of("chin width", "distance", (7, 9)),
    _of("chin breadth", "distance", (6, 10)),
    _of("chin height", "distance", (57, 8)),
    _of("chin prominence", "along z", (57, 8)),
    _of("lower face height", "distance", (33, 8)),
    _of("face height", "distance", (27, 8)),
    _of("forehead height", "along y", ((19, 24), "crown")),
    _of("forehead prominence", "along z", ((19, 24), "forehead")),
    _of("nose length", "distance", (27, 33)),
    _of("nose bridge length", "distance", (27, 30)),
    _of("nose width", "distance", (31, 35)),
    _of("nose prominence", "along z", ((31, 35), 30)),
    _of("nose tip rise", "pitch", (33, 30)),
    _of("nose hump", "angle", (27, 29, 30)),
    _of("nose bridge slope", "pitch", (30, 27)),
    _of("nose bridge width", "distance", (39, 42)),
    _of("eye width", "distance", (36, 39), (42, 45)),
    _of("eye height", "distance", ((37, 38), (40, 41)), ((43, 44), (46, 47))),
    _of("eye distance", "distance", ((36, 39), (42, 45))),
    _of("eye slant", "pitch", (39, 36), (42, 45)),
    _of("eye depth", "along z", (EYE_LINE, 27)),
    _of("brow height", "along y", ((36, 39), 19), ((42, 45), 24)),
    _of("brow slant", "pitch", (21, 17), (22, 26)),
    _of("brow arch", "angle", (17, 19, 21), (22, 24, 26)),
    _of("brow prominence", "along z", (EYE_LINE, (19, 24))),
    _of("mouth width", "distance", (48, 54)),
    _of("mouth height", "distance", (51, 57)),
    _of("upper lip height", "distance", (51, 62)),
    _of("lower lip height", "distance", (66, 57)),
    _of("mouth prominence", "along z", (33, (51, 57))),
    _of("mouth corner rise", "pitch", (62, 48), (62, 54)),
    _of("philtrum length", "distance", (33, 51)),
    _of("ear height", "distance", ("right_ear_top", "right_ear_lobe"), ("left_ear_top", "left_ear_lobe")),
    _of("ear depth", "distance", ("right_ear_front", "right_ear_rim"), ("left_ear_front", "left_ear_rim")),
    _of("ear spread", "distance", ("right_ear_rim", "left_ear_rim")),
    _of("neck width", "distance", ("right_neck", "left_neck")),
)
NAMES = tuple(measure.name for measure in MEASURES)


@dataclass(frozen=True)
class Points:
    """Where a head's points are: each is a weighted mean of three vertices.

    Attributes:
        vertices, weights: (P, 3); the 68 landmarks, then those of EXTREMES in order.
        millimetres: one head unit in them.
    """

    vertices: Int[Tensor, "P 3"]
    weights: Float[Tensor, "P 3"]
    millimetres: float

    @classmethod
    def of(cls, topology: Topology) -> Points:
        """Raises:
        ValueError: a head without the 68 landmarks.
        """
        marks = topology.landmarks
        if marks is None:
            raise ValueError(f"the head {topology.head} has no landmarks")
        corners = torch.from_numpy(topology.faces[marks.faces]).long()
        rest, extremes = torch.from_numpy(topology.rest), []
        for region, direction in EXTREMES.values():
            reach = rest @ torch.tensor(direction, dtype=rest.dtype)
            inside = torch.from_numpy(topology.region(region)) > 0.5
            extremes.append(int(reach.masked_fill(~inside, -torch.inf).argmax()))
        lone = torch.tensor(extremes)[:, None].expand(-1, 3)
        weights = torch.cat([torch.from_numpy(marks.barycentrics), torch.tensor([[1.0, 0, 0]]).expand(len(lone), 3)])
        return cls(torch.cat([corners, lone]), weights, 1000 * topology.metres_per_unit)

    def at(self, vertices: Float[Tensor, "B V 3"]) -> Float[Tensor, "B P 3"]:
        """In millimetres."""
        return (vertices[:, self.vertices] * self.weights[..., None]).sum(2) * self.millimetres


def measured(points: Points, vertices: Float[Tensor, "B V 3"]) -> Float[Tensor, "B M"]:
    """All of MEASURES, in their units."""
    places = points.at(vertices).double()
    return torch.stack([_measured(measure, places) for measure in MEASURES], dim=1).float()


@dataclass(frozen=True)
class Norms:
    """Mean and deviation of each measure over random heads of the model's own population."""

    mean: Float[Tensor, " M"]
    deviation: Float[Tensor, " M"]

    @classmethod
    def of(cls, model: LinearFaceModel, points: Points) -> Norms:
        """Over RANDOM_HEADS heads with normal identity coefficients, always the same ones."""
        generator = torch.Generator().manual_seed(SEED)
        drawn = torch.randn(RANDOM_HEADS, model.identity_size, generator=generator)
        found = torch.cat([measured(points, model.vertices(identity=chunk)) for chunk in drawn.split(100)])
        return cls(found.mean(0), found.std(0).clamp(min=1e-6))

    def scores(self, values: Float[Tensor, "B M"]) -> Float[Tensor, "B M"]:
        """In deviations from the mean."""
        return (values - self.mean) / self.deviation


def _place(places: Float[Tensor, "B P 3"], spot: Spot) -> Float[Tensor, "B 3"]:
    if isinstance(spot, tuple):
        return torch.stack([_place(places, one) for one in spot]).mean(0)
    return places[:, spot if isinstance(spot, int) else 68 + list(EXTREMES).index(spot)]


def _measured(measure: Measure, places: Float[Tensor, "B P 3"]) -> Float[Tensor, " B"]:
    found = []
    for spots in measure.spots:
        first, second, *rest = (_place(places, spot) for spot in spots)
        way = second - first
        if measure.kind == "distance":
            found.append(way.norm(dim=1))
        elif measure.kind == "pitch":
            found.append(torch.rad2deg(torch.atan2(way[:, 1], way[:, [0, 2]].norm(dim=1))))
        elif measure.kind == "angle":
            cosine = torch.nn.functional.cosine_similarity(first - second, rest[0] - second, dim=1)
            found.append(torch.rad2deg(cosine.clamp(-1, 1).acos()))
        else:
            found.append(way @ torch.tensor(AXES[measure.kind[-1]], dtype=way.dtype))
    return torch.stack(found).mean(0)
