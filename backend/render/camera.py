"""Cameras that orbit the head, and how views are sampled."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

FOV = 20.0  # degrees: a portrait lens; FaceG2E's 12.6° at its distance frames the same head
HALF_HEIGHT = 1.5  # head units from the middle of the picture to its edge: the head with a little air
AIM = (0.0, 0.1, 0.0)  # a little above the middle: the neck may be cut, the crown may not
CLOSE_HALF_HEIGHT, CLOSE_AIM = 0.95, (0.0, -0.15, 0.0)  # the closest view: from the brows to below the lips

DISTANCE = HALF_HEIGHT / math.tan(math.radians(FOV / 2))  # head units from the camera to what it looks at


@dataclass(frozen=True)
class Cameras:
    """Degrees: azimuth 0 faces the face, 90 sees its left side; elevation positive looks down on it.

    `half_height` is head units at the aim, from the picture's middle to its edge; less is a longer lens, not a step
    closer. `distance` is head units from the camera to the aim, None for all at DISTANCE.
    """

    azimuth: Float[Tensor, " B"]
    elevation: Float[Tensor, " B"]
    half_height: float | Float[Tensor, " B"] = HALF_HEIGHT
    aim: tuple[float, float, float] | Float[Tensor, "B 3"] = AIM
    distance: Float[Tensor, " B"] | None = None

    def __len__(self) -> int:
        return len(self.azimuth)

    def clip(self, vertices: Float[Tensor, "#B V 3"], aspect: float = 1.0) -> Float[Tensor, "B V 4"]:
        """Clip-space positions of vertices, one camera a head (a batch of 1 on either side is repeated).

        Args:
            aspect: the picture's width over its height.
        """
        if self.distance is None and isinstance(self.half_height, float):
            away, focal = DISTANCE, DISTANCE / self.half_height
        else:
            away, focal = self.distances()[:, None].to(vertices), self.focal()[:, None].to(vertices)
        return perspective(self.in_camera(vertices), near=away - 4.0, far=away + 4.0, focal=focal, aspect=aspect)

    def in_camera(self, vertices: Float[Tensor, "#B V 3"]) -> Float[Tensor, "B V 3"]:
        """Positions in the camera's frame, which looks along -z."""
        rotation, shift = self.pose()
        aim = torch.as_tensor(self.aim).to(vertices)
        return (vertices - aim.view(-1, 1, 3)) @ rotation.transpose(1, 2).to(vertices) + shift[:, None].to(vertices)

    def pose(self) -> tuple[Float[Tensor, "B 3 3"], Float[Tensor, "B 3"]]:
        """How the camera turns what is around its aim, and where it then puts it."""
        world_to_camera = orbit(self.azimuth, self.elevation, self.distances())
        return world_to_camera[:, :3, :3], world_to_camera[:, :3, 3]

    def distances(self) -> Float[Tensor, " B"]:
        """Head units from each camera to its aim."""
        return torch.full_like(self.azimuth, DISTANCE) if self.distance is None else self.distance

    def focal(self) -> Float[Tensor, " B"]:
        """1 / tan(fov / 2) of each camera."""
        return self.distances() / torch.as_tensor(self.half_height).to(self.azimuth)


def orbit(
    azimuth: Float[Tensor, " B"], elevation: Float[Tensor, " B"], distance: Float[Tensor, " B"]
) -> Float[Tensor, "B 4 4"]:
    """World-to-camera matrices of cameras that look at the origin.

    Args:
        azimuth: degrees; 0 faces the face, 90 sees its left side.
        elevation: degrees, within ±89.
        distance: head units.
    Raises:
        ValueError: an elevation at a pole, where "up" has no meaning.
    Source: OpenGL axes; the camera looks along -z.
    """
    if (elevation.abs() > 89).any():
        raise ValueError(f"elevation {elevation.tolist()} is at a pole; stay within ±89 degrees")
    a, e = torch.deg2rad(azimuth), torch.deg2rad(elevation)
    zero = torch.zeros_like(a)
    back = torch.stack([a.sin() * e.cos(), e.sin(), a.cos() * e.cos()], dim=1)
    right = torch.stack([a.cos(), zero, -a.sin()], dim=1)
    up = torch.linalg.cross(back, right)
    matrix = torch.zeros(len(a), 4, 4, dtype=a.dtype, device=a.device)
    matrix[:, :3, :3] = torch.stack([right, up, back], dim=1)
    matrix[:, 2, 3] = -distance
    matrix[:, 3, 3] = 1
    return matrix


def perspective(
    in_camera: Float[Tensor, "B V 3"],
    near: float | Float[Tensor, "B 1"],
    far: float | Float[Tensor, "B 1"],
    focal: float | Float[Tensor, "B 1"],
    aspect: float = 1.0,
) -> Float[Tensor, "B V 4"]:
    """Clip positions of camera-space points; `focal` is 1 / tan(fov / 2), `aspect` is width over height.

    Source: OpenGL's frustum matrix.
    """
    x, y, z = in_camera.unbind(-1)
    depth = (-z * (far + near) - 2 * far * near) / (far - near)
    return torch.stack([x * focal / aspect, y * focal, depth, -z], dim=-1)


def sample_views(count: int, generator: torch.Generator, azimuth: float, elevation: float) -> Cameras:
    """Cameras with angles uniform within ±azimuth and ±elevation degrees; half see the whole head, half come closer.

    In a picture of 128 pixels a whole head's eye is a dozen wide, hardly two of the networks' latents.
    """
    angles = torch.rand(2, count, generator=generator) * 2 - 1
    close = (torch.rand(count, generator=generator) * 2 - 1).clamp(min=0)
    aim = torch.tensor(AIM) + close[:, None] * (torch.tensor(CLOSE_AIM) - torch.tensor(AIM))
    return Cameras(
        angles[0] * azimuth, angles[1] * elevation, HALF_HEIGHT + close * (CLOSE_HALF_HEIGHT - HALF_HEIGHT), aim
    )
