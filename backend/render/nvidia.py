"""Visibility by nvdiffrast, where it is installed and there is an NVIDIA card: a drop-in for `kernels.visible`.

nvdiffrast is not on PyPI and its licence forbids commercial use, so nothing here needs it. No machine that this was
written on has a card: the `gpu` tests compare it with the kernel where there is one.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor


def available() -> bool:
    return find_spec("nvdiffrast") is not None and torch.cuda.is_available()


def visible(clip: Float[Tensor, "B V 4"], faces: Int[Tensor, "F 3"], size: tuple[int, int]) -> Int[Tensor, "B H W"]:
    """The triangle each pixel centre sees, -1 for none; row 0 on top, as `kernels.visible`."""
    import nvdiffrast.torch as dr  # pyright: ignore[reportMissingImports]

    drawn, _ = dr.rasterize(_context(clip.device.index), clip.detach().float().contiguous(), faces.int(), size)
    return (drawn[..., 3].flip(1) - 1).int()


@cache
def _context(device: int) -> Any:
    import nvdiffrast.torch as dr  # pyright: ignore[reportMissingImports]

    return dr.RasterizeCudaContext(device=f"cuda:{device}")
