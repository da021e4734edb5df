"""The UV square of the head in the repository."""

import numpy as np
import pytest
import torch

from backend.face.mesh import Topology, components
from backend.render.uv import unwrapped
from backend.training.head_layout import _through_lens

SIZE = 1024
GUTTER = 4  # texels


@pytest.fixture(scope="module")
def topology(head) -> Topology:
    return head.topology


@pytest.fixture(scope="module")
def islands(topology) -> dict[str, list[torch.Tensor]]:
    """The texels (S, S) of each UV island of each part, drawn alone; a lid's lashes, of one colour, are one island."""
    label = components(topology.uv_faces, len(topology.uvs))[topology.uv_faces[:, 0]]
    for side in ("left", "right"):
        lashes = topology.part_faces(f"{side}_lashes")
        label[lashes] = label[lashes[0]]
    values, uvs = torch.zeros(len(topology.rest), 1), torch.from_numpy(topology.uvs)
    drawn: dict[str, list[torch.Tensor]] = {name: [] for name in topology.part_names}
    for piece in np.unique(label):
        mine = label == piece
        faces, uv_faces = (torch.from_numpy(part[mine]) for part in (topology.faces, topology.uv_faces))
        name = topology.part_names[topology.face_parts[mine][0]]
        drawn[name].append(unwrapped(values, uvs, faces, uv_faces, SIZE)[1])
    return drawn


def test_face_scalp_ears_and_neck_fill_most_of_the_square(islands):
    assert torch.stack(islands["skin"]).any(0).float().mean() >= 0.65


def test_the_face_itself_has_a_fifth_of_the_square(topology):
    values, faces = torch.from_numpy(topology.region("face"))[:, None], torch.from_numpy(topology.faces)
    drawn, _ = unwrapped(values, torch.from_numpy(topology.uvs), faces, torch.from_numpy(topology.uv_faces), SIZE)
    assert drawn.mean() > 0.2


def test_every_island_keeps_a_gutter_to_all_others(islands):
    pieces = [piece for drawn in islands.values() for piece in drawn]
    taken = torch.stack(pieces).int().sum(0)
    assert taken.max() == 1
    for piece in pieces:
        grown = torch.nn.functional.max_pool2d(piece[None].float(), 2 * GUTTER + 1, 1, GUTTER)[0] > 0
        assert not (grown & (taken > 0) & ~piece).any()


def test_no_triangle_lies_on_its_back(topology):
    a, b, c = np.moveaxis(topology.uvs[topology.uv_faces].astype(float), 1, 0)
    assert (np.cross(np.c_[b - a, np.zeros(len(a))], np.c_[c - a, np.zeros(len(a))])[:, 2] > 0).all()


def test_the_face_is_upright_and_its_own_mirror_picture(topology):
    label = components(topology.uv_faces, len(topology.uvs))[topology.uv_faces[:, 0]]
    mine, place = label == np.bincount(label).argmax(), np.full((len(topology.rest), 2), np.nan)
    place[topology.faces[mine]] = topology.uvs[topology.uv_faces[mine]]
    inner = (topology.region("face") > 0.99) & np.isfinite(place[:, 0])
    picture = place[inner] * [-1, 1] + [1, 0]
    np.testing.assert_allclose(place[topology.mirror[inner]], picture, atol=3e-3)  # the package: 2.5 texels off at lips
    regions = [topology.region(name)[inner] for name in ("chin", "lips", "nose", "forehead")]
    middle = [np.average(place[inner, 1], weights=weights) for weights in regions]
    assert (np.diff(middle) > 0).all()


@pytest.mark.parametrize("name", ["left_eye", "right_eye"])
def test_eyes_have_islands_large_enough_to_paint(islands, name):
    (island,) = islands[name]
    assert min(island.any(0).sum(), island.any(1).sum()) >= 128


def test_the_lens_keeps_borders_and_order_and_enlarges_the_middle():
    line = np.linspace(0, 1, 101)
    seen = _through_lens(np.stack([line, line], axis=1))
    np.testing.assert_allclose(seen[[0, -1]], [[0, 0], [1, 1]], atol=1e-12)
    step = np.diff(seen, axis=0) * 100
    assert (step > 0).all()
    assert step[40:60, 0].min() > 1.3
    np.testing.assert_allclose(seen[::-1, 0], 1 - seen[:, 0], atol=1e-12)
