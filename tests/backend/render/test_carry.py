import numpy as np
import pytest
import torch
from PIL import Image

from backend.face.correspond import correspond
from backend.render.carry import carry, worn_by
from backend.render.uv import unwrapped
from tests.backend.conftest import ANNY
from tests.backend.face.test_correspond import BESIDE, ict_model, to_ict

__all__ = ["ict_model", "to_ict"]  # fixtures
SIZE = 1024


@pytest.fixture(scope="module")
def albedo() -> np.ndarray:
    with Image.open(ANNY.with_name("anny_albedo.png")) as picture:
        return np.asarray(picture.convert("RGB"))


def on_face(topology) -> torch.Tensor:
    """(S, S) texels of the face."""
    skin = torch.from_numpy(topology.part_faces("skin")).long()
    uvs, faces, uv_faces = (torch.from_numpy(array) for array in (topology.uvs, topology.faces, topology.uv_faces))
    drawn, covered = unwrapped(
        torch.from_numpy(topology.region("face"))[:, None], uvs, faces[skin], uv_faces[skin], SIZE
    )
    return (drawn[0] > 0.5) & covered


def decibels(one: torch.Tensor, other: torch.Tensor) -> float:
    return float(-10 * (one - other).square().mean().log10())


def test_a_heads_own_picture_comes_back(head):
    same = correspond(head.topology, head.topology)
    mask = torch.rand(1, 1, 8, 8).repeat_interleave(32, dim=2).repeat_interleave(32, dim=3)
    found, share = carry(same, mask, 256)
    assert (found[0] - mask[0, 0]).abs()[share > 0.5].mean() < 0.01


@BESIDE
def test_an_albedo_comes_back_from_ict(head, to_ict, albedo):
    texture = torch.from_numpy(albedo.copy()).permute(2, 0, 1)[None].float() / 255
    there, _ = carry(to_ict, texture, SIZE, ("skin",))
    back, _ = carry(to_ict.inverse(), there[None], SIZE, ("skin",))
    face = on_face(head.topology)
    assert decibels(back[:, face], texture[0][:, face]) > 35


@BESIDE
def test_ict_wears_annys_skin_with_eyes_and_teeth_of_its_own(to_ict, albedo):
    worn = worn_by(to_ict, albedo, 256)
    assert worn.shape == (256, 256, 3)
    assert np.abs(np.median(worn.reshape(-1, 3), axis=0) - np.median(albedo.reshape(-1, 3), axis=0)).max() < 40
