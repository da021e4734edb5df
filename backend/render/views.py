"""From where the stages look: FaceG2E's cameras and lists of views, and words for a view."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from .camera import Cameras, sample_views
from .light import sample_lights

RELEASED_FOV = 12.593637  # degrees; FaceG2E's code
RELEASED_DISTANCE = 10.0  # head units, to which a view adds its own


@dataclass(frozen=True)
class ViewRange:
    """Degrees and head units beyond RELEASED_DISTANCE, drawn evenly from ranges."""

    azimuth: tuple[float, float]
    elevation: tuple[float, float]
    extra: tuple[float, float]

    def draw(self, count: int, generator: torch.Generator) -> Float[Tensor, "3 B"]:
        """Azimuths, elevations and extra distances."""
        low, high = torch.tensor([self.azimuth, self.elevation, self.extra]).unbind(1)
        return low[:, None] + (high - low)[:, None] * torch.rand(3, count, generator=generator)


@dataclass(frozen=True)
class ViewList:
    """Degrees and head units beyond RELEASED_DISTANCE, each drawn evenly from its list."""

    azimuth: tuple[float, ...]
    elevation: tuple[float, ...]
    extra: tuple[float, ...]

    def draw(self, count: int, generator: torch.Generator) -> Float[Tensor, "3 B"]:
        """Azimuths, elevations and extra distances."""
        lists = (self.azimuth, self.elevation, self.extra)
        picks = [torch.randint(len(values), (count,), generator=generator) for values in lists]
        return torch.stack([torch.tensor(values)[pick] for values, pick in zip(lists, picks, strict=True)])


# FaceG2E turns the head by x and y degrees; ours is a camera at elevation -x and azimuth y.
PAPER_VIEWS = ViewList((0.0, 30.0, 60.0, -60.0, -30.0), (0.0, 10.0, 30.0), (1.5, 3.0))  # its sec. A.1, all stages
RELEASED_VIEWS: dict[str, ViewList | ViewRange] = {  # its code
    "geometry": ViewRange((-45.0, 45.0), (-20.0, 20.0), (0.0, 3.0)),
    "texture": ViewList((0.0, 60.0, 120.0, -120.0, -60.0), (0.0, 30.0), (1.5, 3.0)),
    "edit_texture": ViewList((0.0, 30.0, -30.0, 60.0, -60.0), (0.0, 10.0), (1.5, 3.0)),
    "edit_geometry": ViewList((0.0, 60.0, -60.0, 30.0, -30.0), (0.0, 10.0, 20.0), (1.5,)),
}
RELEASED_DISPLAY = (10.0, -10.0, 1.5)  # azimuth, elevation, extra distance of the pictures it saves

AROUND = (
    "front view",
    "three-quarter view from the left",
    "left side view",
    "three-quarter back view from the left",
    "back view",
    "three-quarter back view from the right",
    "right side view",
    "three-quarter view from the right",
)
ABOVE_OR_BELOW = 15.0  # degrees from which a view is from above or below

Setting = tuple[Cameras, Float[Tensor, "B 9"]]  # views, and a light for each


def sample_setting(count: int, generator: torch.Generator, azimuth: float, elevation: float) -> Setting:
    """Cameras within ±azimuth and ±elevation degrees, and a light for each: what a step of a stage looks with."""
    return sample_views(count, generator, azimuth, elevation), sample_lights(count, generator)


def released_cameras(
    azimuth: Float[Tensor, " B"], elevation: Float[Tensor, " B"], extra: Float[Tensor, " B"]
) -> Cameras:
    """FaceG2E's cameras: a longer lens than ours, from farther away, round the middle of the head.

    Args:
        extra: head units farther than RELEASED_DISTANCE.
    """
    distance = RELEASED_DISTANCE + extra
    half_height = distance * math.tan(math.radians(RELEASED_FOV / 2))
    return Cameras(azimuth, elevation, half_height, aim=(0.0, 0.0, 0.0), distance=distance)


def view_bucket(azimuth: float, elevation: float) -> int:
    """0 to 23: eight azimuths of 45 degrees, from the front by the head's left, times level, above and below."""
    around = round(azimuth / 45) % 8
    height = 1 if elevation > ABOVE_OR_BELOW else 2 if elevation < -ABOVE_OR_BELOW else 0
    return around + 8 * height


def view_words(azimuth: float, elevation: float) -> str:
    """What a prompt says of a view, such as "left side view, from above"."""
    height, around = divmod(view_bucket(azimuth, elevation), 8)
    return AROUND[around] + ("", ", from above", ", from below")[height]


def released_view_words(azimuth: float) -> str:
    """FaceG2E's three: front to 45 degrees, side to 135, back."""
    turned = azimuth % 360
    turned = min(turned, 360 - turned)
    return "front view" if turned <= 45 else "side view" if turned <= 135 else "back view"
