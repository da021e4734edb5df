"""Colour spaces: sRGB and linear light, RGB and YUV, and what texture priors are shown."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

# Rows Y, U, V of analogue BT.601; U is 0.436 at blue, V 0.615 at red.
BT601 = ((0.299, 0.587, 0.114), (-0.147, -0.289, 0.436), (0.615, -0.515, -0.100))
U_END, V_END = 0.436, 0.615
PRIOR_SPACES = ("rgb", "yuv")


def to_linear(srgb: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Amounts of light, 0..1, of sRGB values.

    Source: IEC 61966-2-1.
    """
    curve = ((srgb.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(srgb <= 0.04045, srgb / 12.92, curve)


def to_srgb(linear: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """sRGB values of amounts of light, 0..1; the inverse of `to_linear`."""
    curve = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, linear * 12.92, curve)


def to_yuv(images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 3 H W"]:
    """Y 0..1, U ±0.436, V ±0.615 of RGB 0..1."""
    return torch.einsum("kc,bchw->bkhw", torch.tensor(BT601, dtype=torch.float64).to(images), images)


def to_rgb(yuv: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 3 H W"]:
    """RGB of YUV; the inverse of `to_yuv`."""
    inverse = torch.linalg.inv(torch.tensor(BT601, dtype=torch.float64)).to(yuv)
    return torch.einsum("kc,bchw->bkhw", inverse, yuv)


def for_prior(albedo: Float[Tensor, "B 3 H W"], space: str) -> Float[Tensor, "B 3 H W"]:
    """A texture as the prior of a colour space sees it, 0..1: the one conversion of training and of the stages.

    FaceG2E's code maps YUV to -1..1 and then again, so that its autoencoder gets values down to -3.5.

    Args:
        albedo: sRGB 0..1.
        space: one of PRIOR_SPACES.

    Raises:
        ValueError: another space.
    """
    if space == "rgb":
        return albedo
    if space != "yuv":
        raise ValueError(f"{space!r} is none of {', '.join(PRIOR_SPACES)}")
    y, u, v = to_yuv(albedo).unbind(1)
    return torch.stack([y, u / (2 * U_END) + 0.5, v / (2 * V_END) + 0.5], dim=1)


def from_prior(seen: Float[Tensor, "B 3 H W"], space: str) -> Float[Tensor, "B 3 H W"]:
    """sRGB of what a prior sees; the inverse of `for_prior`."""
    if space == "rgb":
        return seen
    y, u, v = seen.unbind(1)
    return to_rgb(torch.stack([y, (u - 0.5) * 2 * U_END, (v - 0.5) * 2 * V_END], dim=1))
