"""Light as second-order spherical harmonics over object-space normals: the head stands still in its light."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

# How strongly a diffuse surface answers each band, over π. Source: Ramamoorthi & Hanrahan 2001, eq. 8.
ANSWER = (1.0, 2 / 3, 1 / 4)
# What a distant light of unit strength at a direction puts into each band's basis functions.
BASIS = (0.282095, 0.488603, 1.092548, 0.315392, 0.546274)
# FaceG2E's training lights: its coefficients 1, 3, 4 and 5; 0 is 1 and 2 is 0.25 in all, the rest is 0.
RELEASED = (
    (-0.2, -0.5, 0.0, 0.0),
    (-0.2, 0.0, 0.0, 0.0),
    (-0.2, 0.5, 0.0, 0.0),
    (-0.4, 0.0, 0.0, 0.0),
    (0.2, 0.4, 0.0, 0.0),
    (0.2, -0.4, 0.0, 0.0),
    (-0.2, 0.0, -0.9, 0.0),
    (-0.2, 0.0, -0.5, 0.0),
    (-0.2, 0.0, 0.5, 0.0),
    (-0.2, 0.0, 0.9, 0.0),
    (-0.2, 0.5, 0.0, 0.5),
    (-0.2, -0.5, 0.0, 0.5),
    (-0.2, 0.3, 0.0, 0.4),
    (-0.2, -0.3, 0.0, 0.4),
    (-0.2, 0.0, 0.0, -0.4),
    (-0.2, 0.0, 0.0, -0.7),
)
# Its basis functions over ours: π, 2π/√3, 2π/√8, with signs of its own.
RELEASED_BASIS = (3.141593, -3.627599, 3.627599, -3.627599, 2.221441, -2.221441, 2.221441, -2.221441, 2.221441)


def harmonics(directions: Float[Tensor, "... 3"]) -> Float[Tensor, "... 9"]:
    """Real spherical harmonics of unit directions, orders 0 to 2."""
    x, y, z = directions.unbind(-1)
    b0, b1, b2, b3, b4 = BASIS
    return torch.stack(
        [
            torch.full_like(x, b0),
            b1 * y,
            b1 * z,
            b1 * x,
            b2 * x * y,
            b2 * y * z,
            b3 * (3 * z * z - 1),
            b2 * x * z,
            b4 * (x * x - y * y),
        ],
        dim=-1,
    )


def shade(normals: Float[Tensor, "... 3"], light: Float[Tensor, "#... 9"]) -> Float[Tensor, ...]:
    """How bright a white surface is: irradiance over π.

    It is the sum of `harmonics` times the light, in Horner's form, which is five times faster.
    """
    x, y, z = normals.unbind(-1)
    b0, b1, b2, b3, b4 = BASIS
    constant, of_y, of_z, of_x, of_xy, of_yz, of_zz, of_xz, of_squares = light.unbind(-1)
    towards_x = x * (b4 * of_squares * x + b2 * of_xy * y + b1 * of_x)
    towards_y = y * (b2 * of_yz * z - b4 * of_squares * y + b1 * of_y)
    towards_z = z * (3 * b3 * of_zz * z + b2 * of_xz * x + b1 * of_z)
    return (towards_x + towards_y + towards_z + (b0 * constant - b3 * of_zz)).clamp(min=0)


def lamp(
    direction: Float[Tensor, "B 3"], key: Float[Tensor, " B"], ambient: Float[Tensor, " B"]
) -> Float[Tensor, "B 9"]:
    """A distant lamp in even surroundings; a surface that faces the lamp has the shade 1.0625 key + ambient."""
    unit = torch.nn.functional.normalize(direction, dim=1)
    answer = torch.tensor([ANSWER[0]] + [ANSWER[1]] * 3 + [ANSWER[2]] * 5).to(unit)
    light = harmonics(unit) * answer * torch.pi * key[:, None]
    light[:, 0] += ambient / BASIS[0]
    return light


def display_light() -> Float[Tensor, "1 9"]:
    """The light of previews and contact sheets: from above, a little from its left."""
    return lamp(torch.tensor([[0.35, 0.45, 1.0]]), torch.tensor([0.62]), torch.tensor([0.36]))


def sample_lights(count: int, generator: torch.Generator) -> Float[Tensor, "B 9"]:
    """Lamps from random directions in front of the face; shades stay at most about 1."""
    draw = torch.rand(3, count, generator=generator)
    direction = torch.stack([draw[0] * 1.6 - 0.8, draw[1] * 1.0 - 0.1, torch.ones(count)], dim=1)
    key = 0.45 + 0.25 * draw[2]
    return lamp(direction, key, 0.97 - key)


def normalised(lights: Float[Tensor, "B 9"]) -> Float[Tensor, "B 9"]:
    """The lights, dimmed so that nothing which faces the viewer gets a shade above 1: no texture burns out."""
    count = 2000
    number = torch.arange(count) + 0.5
    depth = 1 - number / count  # Fibonacci's lattice on the half sphere
    around, across = number * torch.pi * (1 + 5**0.5), (1 - depth**2).sqrt()
    front = torch.stack([across * around.cos(), across * around.sin(), depth], dim=1).to(lights)
    return lights / shade(front[None], lights[:, None]).amax(1, keepdim=True).clamp(min=1)


def released_lights() -> Float[Tensor, "16 9"]:
    """The lights FaceG2E trains under, in our basis; what faces the viewer gets the shade 1.329 from each."""
    rows = torch.zeros(len(RELEASED), 9)
    rows[:, 0], rows[:, 2] = 1.0, 0.25
    rows[:, [1, 3, 4, 5]] = torch.tensor(RELEASED)
    return rows * torch.tensor(RELEASED_BASIS)


def released_display_light() -> Float[Tensor, "1 9"]:
    """The light of the pictures FaceG2E saves, in our basis."""
    return torch.tensor([[1.4, -0.2, 0.25, -0.15, 0.0, -0.15, 0.0, 0.0, 0.0]]) * torch.tensor(RELEASED_BASIS)
