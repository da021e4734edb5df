import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from backend.face import mesh
from backend.render.kernels import visible
from backend.render.rasterise import Hits, hits, vertex_normals
from tests.toys import toy_topology

SIZE = (16, 20)


def scene(seed: int, pictures: int = 1) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Clip positions in float64 of random triangles before the eye, their faces, and what is seen of them."""
    generator = torch.Generator().manual_seed(seed)
    place = torch.rand(pictures, 12, 3, generator=generator, dtype=torch.float64) * 2 - 1
    w = 0.5 + 2 * torch.rand(pictures, 12, 1, generator=generator, dtype=torch.float64)
    clip = torch.cat([place * w, w], dim=2)
    faces = torch.arange(12, dtype=torch.int32).view(4, 3)
    return clip, faces, visible(clip.float(), faces, SIZE)


def centres(seen: Hits) -> torch.Tensor:
    """(N, 2) where the hit pixels' centres are in the picture, -1..1 to the right and upwards."""
    _, height, width = seen.size
    row, column = seen.pixel // width % height, seen.pixel % width
    return torch.stack([(column + 0.5) * 2 / width - 1, 1 - (row + 0.5) * 2 / height], dim=1).double()


@given(st.integers(0, 10_000), st.integers(1, 3))
@settings(max_examples=30)
def test_corners_blended_by_barycentrics_lie_on_the_pixels_ray(seed, pictures):
    clip, faces, index = scene(seed, pictures)
    seen = hits(clip, faces, index)
    assert len(seen.pixel) == (index >= 0).sum()
    torch.testing.assert_close(seen.barycentrics.sum(1), torch.ones(len(seen.pixel), dtype=torch.float64))
    assert seen.barycentrics.min() > -1e-4
    points = seen.interpolate(clip, faces)
    torch.testing.assert_close(points[:, :2] / points[:, 3:], centres(seen), atol=1e-6, rtol=0)


def test_barycentrics_have_the_gradient_of_finite_differences():
    clip, faces, index = scene(4)
    index = torch.where(torch.rand(index.shape) < 0.1, index, -1)
    assert (index >= 0).sum() > 5
    assert torch.autograd.gradcheck(lambda given: hits(given, faces, index).barycentrics, clip.requires_grad_())


def test_interpolation_has_the_gradient_of_finite_differences():
    clip, faces, index = scene(4, 2)
    index = torch.where(torch.rand(index.shape) < 0.05, index, -1)
    values = torch.randn(2, 12, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda given, blended: hits(given, faces, index).interpolate(blended, faces), (clip.requires_grad_(), values)
    )


def test_one_head_serves_all_pictures():
    clip, faces, index = scene(7, 3)
    seen = hits(clip, faces, index)
    values = torch.randn(1, 12, 2, dtype=torch.float64)
    assert torch.equal(seen.interpolate(values, faces), seen.interpolate(values.repeat(3, 1, 1), faces))


def test_a_batch_equals_its_pictures_one_by_one():
    clip, faces, index = scene(8, 3)
    values = torch.randn(3, 12, 2, dtype=torch.float64)
    together = hits(clip, faces, index).interpolate(values, faces)
    apart = [hits(clip[k : k + 1], faces, index[k : k + 1]).interpolate(values[k : k + 1], faces) for k in range(3)]
    torch.testing.assert_close(together, torch.cat(apart))


def test_hits_go_back_to_their_pixels_and_the_rest_is_background():
    clip, faces, index = scene(2, 2)
    seen = hits(clip, faces, index)
    named = torch.stack([seen.face, seen.picture], dim=1).float()
    drawn = seen.picture_of(named, torch.tensor([-1.0, 9.0]))
    assert torch.equal(drawn[:, 0], index.float())
    assert (drawn[:, 1][index < 0] == 9).all()
    for picture in range(2):
        assert (drawn[picture, 1][index[picture] >= 0] == picture).all()


def test_an_empty_picture_has_no_hits():
    clip, faces, index = scene(2)
    seen = hits(clip, faces, torch.full_like(index, -1))
    assert seen.barycentrics.shape == (0, 3)
    assert (seen.picture_of(torch.zeros(0, 1), torch.tensor(0.25)) == 0.25).all()


def test_normals_are_those_of_the_plain_mesh():
    topology = toy_topology()
    vertices = topology.rest + np.float32(0.05) * np.random.default_rng(0).standard_normal(
        topology.rest.shape, np.float32
    )
    found = vertex_normals(torch.from_numpy(vertices)[None], torch.from_numpy(topology.faces))[0]
    torch.testing.assert_close(
        found, torch.from_numpy(mesh.vertex_normals(vertices, topology.faces)), atol=1e-6, rtol=0
    )


def test_normals_of_a_sphere_point_outwards():
    topology = toy_topology()
    rest = torch.from_numpy(topology.rest)
    normals = vertex_normals(rest[None], torch.from_numpy(topology.faces))[0]
    torch.testing.assert_close(normals.norm(dim=1), torch.ones(len(rest)))
    inner = rest[:, 1].abs() < 0.95  # the sphere is open at its poles
    assert (normals * rest).sum(1)[inner].min() > 0.97


@pytest.mark.parametrize("place", ["no face", "no area"])
def test_a_vertex_that_has_no_normal_gets_zero(place):
    vertices = torch.tensor([[[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [2.0, 0.0, 0.0]]])
    faces = torch.tensor([[0, 1, 2]], dtype=torch.int32)[: 0 if place == "no face" else 1]
    assert (vertex_normals(vertices, faces) == 0).all()


def test_normals_have_the_gradient_of_finite_differences():
    vertices = torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=True)
    faces = torch.tensor([[0, 1, 2], [1, 3, 2], [2, 3, 4]], dtype=torch.int32)
    assert torch.autograd.gradcheck(lambda given: vertex_normals(given, faces), vertices)
