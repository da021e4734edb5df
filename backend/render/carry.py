"""Pictures of one head's UV square brought to another's: an albedo, a mask, a map of heights."""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor

from ..face.correspond import Correspondence
from .plain import plain_albedo
from .uv import pad_seams, sample, unwrapped

GUTTER = 4  # texels that colour runs beyond an island's border


def carry(
    across: Correspondence, texture: Float[Tensor, "1 C S S"], size: int, parts: tuple[str, ...] = ()
) -> tuple[Float[Tensor, "C Z Z"], Float[Tensor, "Z Z"]]:
    """The source's picture in the target's layout, and how much each texel has of it: 0 where no part corresponds.

    Values are brought across as they are: heights in millimetres stay so, a tangent-space normal map does not.

    Args:
        parts: of the target; all that correspond, where none is named.
    """
    target, source = across.target, across.source
    uvs, uv_faces = torch.from_numpy(target.uvs), torch.from_numpy(target.uv_faces)
    points, faces = torch.from_numpy(across.target_points), torch.from_numpy(target.faces)
    picture = texture.new_zeros(texture.shape[1], size, size)
    share = torch.zeros(size, size)
    for part in parts or target.part_names:
        mine, counterpart = torch.from_numpy(target.part_faces(part)).long(), across.counterpart(part)
        if counterpart is None or not len(mine):
            continue
        drawn, inside = unwrapped(points, uvs, faces[mine], uv_faces[mine], size)
        asked = drawn[:, inside].T.numpy()
        found = across.places(asked, counterpart)
        places = torch.from_numpy(found.of(source.uvs, source.uv_faces)).to(texture)
        values = sample(texture, places, torch.zeros(len(places), dtype=torch.long))
        picture[:, inside] = values.T
        share[inside] = torch.from_numpy(across.share(asked, found)).float()
    covered = share > 0
    return pad_seams(picture, covered, GUTTER), pad_seams(share[None], covered, GUTTER)[0]


def worn_by(across: Correspondence, albedo: UInt8[ndarray, "S S 3"], size: int) -> UInt8[ndarray, "Z Z 3"]:
    """A texture for the target: the source's skin, over a plain texture of its tone."""
    texture = torch.from_numpy(albedo.copy()).permute(2, 0, 1)[None].float()
    picture, share = carry(across, texture, size, ("skin",))
    tone = picture[:, share > 0.99].mean(dim=1)
    plain = torch.from_numpy(plain_albedo(across.target, size, tuple(tone.tolist()))).permute(2, 0, 1)
    return (plain + share * (picture - plain)).permute(1, 2, 0).round().clamp(0, 255).byte().numpy()
