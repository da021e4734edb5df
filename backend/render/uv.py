"""Between pictures and the UV square: texture look-ups, and values of vertices as UV pictures."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .kernels import visible
from .rasterise import hits, vertex_normals


def sample(
    texture: Float[Tensor, "B C S S"],
    uv: Float[Tensor, "N 2"],
    picture: Int[Tensor, " N"],
    densities: Float[Tensor, " N"] | None = None,
) -> Float[Tensor, "N C"]:
    """Bilinear texture values at uv (from bottom left); a batch of 1 serves all pictures.

    Args:
        densities: how much of the UV square's area each look-up stands for; it is then made in the mip-map, a
            texture halved again and again, whose texels are as large, and blended between two of them.
    """
    if densities is None:
        return _bilinear(texture, uv, picture)
    levels = [texture]
    while levels[-1].shape[-1] > 1 and levels[-1].shape[-1] % 2 == 0:
        levels.append(torch.nn.functional.avg_pool2d(levels[-1], 2))
    texels = (densities * texture.shape[-1] ** 2).clamp(min=1)
    level = (0.5 * texels.log2()).clamp(max=len(levels) - 1)
    values = texture.new_zeros(len(uv), texture.shape[1])
    for number, smaller in enumerate(levels):
        share = 1 - (level - number).abs()
        mine = torch.nonzero(share > 0)[:, 0]
        if len(mine):
            found = _bilinear(smaller, uv[mine], picture[mine]) * share[mine, None].to(texture)
            values = values.index_put((mine,), found, accumulate=True)
    return values


def _bilinear(
    texture: Float[Tensor, "B C S S"], uv: Float[Tensor, "N 2"], picture: Int[Tensor, " N"]
) -> Float[Tensor, "N C"]:
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


def position_map(
    vertices: Float[Tensor, "V 3"],
    uvs: Float[Tensor, "T 2"],
    faces: Int[Tensor, "F 3"],
    uv_faces: Int[Tensor, "F 3"],
    size: int,
) -> tuple[Float[Tensor, "3 S S"], Float[Tensor, "3 S S"], Bool[Tensor, "S S"]]:
    """Where on the head each texel is, the unit normal there, and which texels any triangle covers; 0 elsewhere."""
    both = torch.cat([vertices, vertex_normals(vertices[None], faces)[0]], dim=1)
    drawn, covered = unwrapped(both, uvs, faces, uv_faces, size)
    return drawn[:3], torch.nn.functional.normalize(drawn[3:], dim=0), covered
