"""The renderer's slow twin in plain torch: what the Warp kernels are measured and tested against.

`visible`, `weights`, `blend` and `normals` give what `kernels.visible` and the functions of `rasterise` give, with
torch's own gradients, on any device and in any precision. It leaves out triangles that reach behind the eye.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

AT_ONCE = 2**22  # pairs of a triangle and a pixel


def visible(clip: Float[Tensor, "B V 4"], faces: Int[Tensor, "F 3"], size: tuple[int, int]) -> Int[Tensor, "B H W"]:
    """The triangle each pixel centre sees, -1 for none; see `kernels.visible`."""
    return torch.stack([_visible(picture.detach(), faces.long(), size) for picture in clip])


def _visible(clip: Float[Tensor, "V 4"], faces: Int[Tensor, "F 3"], size: tuple[int, int]) -> Int[Tensor, "H W"]:
    height, width = size
    x, y, z, w = (clip[:, k][faces] for k in range(4))
    column, row = (x / w + 1) * (width / 2) - 0.5, (1 - y / w) * (height / 2) - 0.5
    left, right = column.amin(1).ceil().clamp(0, width), column.amax(1).floor().clamp(-1, width - 1)
    top, bottom = row.amin(1).ceil().clamp(0, height), row.amax(1).floor().clamp(-1, height - 1)
    wide, high = (right - left + 1).clamp(min=0), (bottom - top + 1).clamp(min=0)
    area = torch.where((w > 0).all(1) & (wide * high).isfinite(), wide * high, 0).long()
    depth = z / w
    keys = torch.full((height * width,), 2**63 - 1, device=clip.device)
    some = area.nonzero()[:, 0]
    groups = (area[some].cumsum(0) - 1) // AT_ONCE
    for part in torch.split(some, torch.unique_consecutive(groups, return_counts=True)[1].tolist()):
        triangle = torch.repeat_interleave(part, area[part])
        number = torch.arange(len(triangle), device=clip.device)
        number -= torch.repeat_interleave(area[part].cumsum(0) - area[part], area[part])
        across = wide[triangle].long()
        down = torch.div(number, across, rounding_mode="floor")
        at_x, at_y = left[triangle] + (number - down * across), top[triangle] + down
        ax, bx, cx = (column[:, k][triangle] - at_x for k in range(3))
        ay, by, cy = (row[:, k][triangle] - at_y for k in range(3))
        wa, wb, wc = bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx
        total = wa + wb + wc
        inside = (torch.minimum(torch.minimum(wa, wb), wc) >= 0) | (torch.maximum(torch.maximum(wa, wb), wc) <= 0)
        hit = (inside & (total != 0)).nonzero()[:, 0]
        triangle = triangle[hit]
        za, zb, zc = (depth[:, k][triangle] for k in range(3))
        deep = (wa[hit] * za + wb[hit] * zb + wc[hit] * zc) / total[hit]
        key = ((deep.double() + 1) * 2**29).long() * 2**32 + triangle
        pixel = (at_y[hit] * width + at_x[hit]).long()
        kept = deep.abs() <= 1
        keys.scatter_reduce_(0, pixel[kept], key[kept], "amin")
    index = torch.where(keys == 2**63 - 1, -1, keys & 0xFFFFFFFF).int()
    return index.view(height, width)


def weights(
    clip: Float[Tensor, "B V 4"], faces: Int[Tensor, "F 3"], index: Int[Tensor, "B H W"]
) -> Float[Tensor, "N 3"]:
    """Perspective-correct barycentrics of the pixels that see a triangle, in their order; see `rasterise.hits`."""
    _, height, width = index.shape
    pixel = torch.nonzero(index.flatten() >= 0)[:, 0]
    face = index.flatten()[pixel].long()
    picture = pixel // (height * width)
    row, column = pixel // width % height, pixel % width
    corners = faces.long()[face] + (picture * clip.shape[1])[:, None]
    x, y, _, w = clip.reshape(-1, 4)[corners.flatten()].view(-1, 3, 4).unbind(-1)
    centre_x = ((column + 0.5) * (2 / width) - 1).to(clip)[:, None]
    centre_y = (1 - (row + 0.5) * (2 / height)).to(clip)[:, None]
    x, y = x - centre_x * w, y - centre_y * w
    areas = x.roll(-1, 1) * y.roll(-2, 1) - y.roll(-1, 1) * x.roll(-2, 1)
    return areas / areas.sum(1, keepdim=True)


def blend(
    values: Float[Tensor, "#B V C"],
    shares: Float[Tensor, "N 3"],
    faces: Int[Tensor, "F 3"],
    index: Int[Tensor, "B H W"],
) -> Float[Tensor, "N C"]:
    """Corner values blended by barycentrics; see `rasterise.Hits.interpolate`."""
    pixel = torch.nonzero(index.flatten() >= 0)[:, 0]
    corners = faces.long()[index.flatten()[pixel].long()]
    if len(values) > 1:
        corners = corners + (pixel // index[0].numel() * values.shape[1])[:, None]
    picked = values.reshape(-1, values.shape[2])[corners.flatten()]
    return (picked.view(*corners.shape, values.shape[2]) * shares[..., None]).sum(1)


def normals(vertices: Float[Tensor, "B V 3"], faces: Int[Tensor, "F 3"]) -> Float[Tensor, "B V 3"]:
    """Unit normals at vertices, faces weighted by area; see `rasterise.vertex_normals`."""
    corners = vertices[:, faces.long().flatten()].unflatten(1, faces.shape)
    a, b, c = corners.unbind(2)
    normal = torch.linalg.cross(b - a, c - a)
    summed = torch.zeros_like(vertices)
    for k in range(3):
        summed = summed.index_add(1, faces[:, k].long(), normal)
    return torch.nn.functional.normalize(summed, dim=-1)
