"""Between pictures and the UV square: texture look-ups, and values of vertices as UV pictures."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .kernels import visible
from .rasterise import hits


def sample(
    texture: Float[Tensor, "B C S S"], uv: Float[Tensor, "N 2"], picture: Int[Tensor, " N"]
) -> Float[Tensor, "N C"]:
    """Bilinear texture values at uv (from bottom left); a batch of 1 serves all pictures."""
    grid = torch.stack([uv[:, 0] * 2 - 1, 1 - uv[:, 1] * 2], dim=1)
    if len(texture) == 1:
        values = torch.nn.functional.grid_sample(texture, grid[None, None], padding_mode="border", align_corners=False)
        return values[0, :, 0].T
    out = texture.new_zeros(len(uv), texture.shape[1])
    for index in range(len(texture)):
        mine = picture == index
        values = torch.nn.functional.grid_sample(
            texture[index : index + 1], grid[mine][None, None], padding_mode="border", align_corners=False
        )
        out = out.index_put((torch.nonzero(mine)[:, 0],), values[0, :, 0].T)
    return out


def unwrapped(
    values: Float[Tensor, "V C"],
    uvs: Float[Tensor, "T 2"],
    faces: Int[Tensor, "F 3"],
    uv_faces: Int[Tensor, "F 3"],
    size: int,
) -> tuple[Float[Tensor, "C S S"], Bool[Tensor, "S S"]]:
    """Values of vertices drawn into the UV square, and which texels any triangle covers."""
    clip = torch.cat([uvs * 2 - 1, torch.zeros_like(uvs[:, :1]), torch.ones_like(uvs[:, :1])], dim=1)[None]
    seen = hits(clip, uv_faces, visible(clip, uv_faces, (size, size)))
    picked = (values[faces.long()[seen.face]] * seen.barycentrics[..., None]).sum(1)
    drawn = seen.picture_of(picked, torch.zeros(1, device=values.device))[0]
    covered = torch.zeros(size * size, dtype=torch.bool, device=values.device)
    covered[seen.pixel] = True
    return drawn, covered.view(size, size)


def pad_seams(texture: Float[Tensor, "C S S"], covered: Bool[Tensor, "S S"], rounds: int) -> Float[Tensor, "C S S"]:
    """Covered texels grown `rounds` texels outwards by averages of their neighbours: look-ups at seams find colour."""
    known = covered.to(texture)[None, None]
    values = texture[None] * known
    kernel = torch.ones(1, 1, 3, 3).to(texture)
    for _ in range(rounds):
        count = torch.nn.functional.conv2d(known, kernel, padding=1)
        total = torch.nn.functional.conv2d(values.transpose(0, 1), kernel, padding=1).transpose(0, 1)
        grown = total / count.clamp(min=1)
        values = torch.where(known > 0, values, grown)
        known = torch.maximum(known, (count > 0).to(known))
    return torch.where(known > 0, values, texture[None])[0]
