import pytest
import torch

from backend.render.camera import Cameras
from backend.render.light import display_light
from backend.render.picture import Surface, look
from backend.render.projection import unproject
from backend.render.uv import position_map
from tests.toys import toy_topology

SIZE = 128


@pytest.fixture(scope="module")
def surface() -> Surface:
    return Surface.of(toy_topology())


@pytest.fixture(scope="module")
def rest() -> torch.Tensor:
    return torch.from_numpy(toy_topology().rest)[None]


def smooth_texture(size: int) -> torch.Tensor:
    return torch.nn.functional.interpolate(torch.rand(1, 3, 5, 5), (size, size), mode="bilinear")


@pytest.mark.parametrize("size", [(256, 256), (240, 310), (260, 200)])
def test_a_texture_comes_back_from_its_pictures(surface, rest, size):
    """UV to pictures to UV, where texels are seen well."""
    texture = smooth_texture(SIZE)
    cameras = Cameras(torch.tensor([0.0, 60.0, -60.0]), torch.zeros(3))
    scene = look(surface, rest, cameras, display_light(), size)
    values, weights = unproject(scene.unlit(texture), surface, rest, cameras, SIZE).mean()
    well = (weights > 0.4)[0, 0]
    assert 0.4 < well.float().mean() < 0.9
    error = (values - texture)[0][:, well]
    assert error.abs().mean() < 3e-3
    assert error.square().mean().sqrt() < 6e-3


def test_weights_are_cosines_where_texels_are_seen_and_0_behind(surface, rest):
    camera = Cameras(torch.tensor([0.0]), torch.zeros(1), aim=(0.0, 0.0, 0.0))
    found = unproject(torch.rand(1, 3, SIZE, SIZE), surface, rest, camera, SIZE)
    places, normals, covered = position_map(rest[0], surface.uvs, surface.faces, surface.uv_faces, SIZE)
    weights = found.weights[0, 0]
    assert (weights[~covered] == 0).all()
    assert (weights[covered & (places[2] < -0.1)] == 0).all()
    front = covered & (places[2] > 0.5)
    assert (weights[front] > 0.3).all()
    torch.testing.assert_close(weights[front], normals[2][front], atol=0.12, rtol=0)
    assert (found.values[0][:, weights == 0] == 0).all()


def test_what_is_behind_something_else_is_not_seen():
    """Two squares, one before the other and smaller; the left half of the UV square is the near one's."""
    square = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    near, far = (torch.cat([scale * square, torch.full((4, 1), z)], 1) for scale, z in ((0.4, 0.5), (1.0, 0.0)))
    half = (square + 1) / 2 * torch.tensor([0.5, 1.0])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], dtype=torch.int32)
    surface = Surface(faces, torch.cat([half, half + torch.tensor([0.5, 0.0])]), faces)
    camera = Cameras(torch.zeros(1), torch.zeros(1), aim=(0.0, 0.0, 0.0))
    weights = unproject(torch.ones(1, 1, 96, 96), surface, torch.cat([near, far])[None], camera, 64).weights[0, 0]
    assert (weights[:, :32] > 0.9).all()
    seen = weights[:, 32:] > 0
    assert not seen[24:40, 12:20].any()
    assert seen[:8].all()
    hidden = 1 - seen.float().mean().item()
    assert hidden == pytest.approx((0.4 * 8.507 / (8.507 - 0.5)) ** 2, abs=0.03)


def test_pictures_get_gradients_from_texels(surface, rest):
    images = torch.rand(2, 3, 64, 64, requires_grad=True)
    cameras = Cameras(torch.tensor([0.0, 40.0]), torch.zeros(2))
    found = unproject(images, surface, rest, cameras, 32)
    found.values.sum().backward()
    torch.testing.assert_close(images.grad.sum(), 3 * (found.weights > 0).sum().float(), rtol=1e-4, atol=0)


def test_at_a_texel_on_a_vertex_the_position_map_is_the_vertex():
    """Corners on texel centres: barycentrics (1, 0, 0) give the first vertex; texels outside are 0."""
    corners = torch.tensor([[0.125, 0.125], [0.875, 0.125], [0.125, 0.875]])
    vertices, faces = torch.randn(3, 3), torch.tensor([[0, 1, 2]], dtype=torch.int32)
    places, normals, covered = position_map(vertices, corners - 1e-5, faces, faces, 4)
    torch.testing.assert_close(places[:, 3, 0], vertices[0], atol=1e-3, rtol=0)
    assert (places[:, ~covered] == 0).all()
    assert covered[3, 0]
    assert not covered[0, 3]
    torch.testing.assert_close(normals[:, covered].norm(dim=0), torch.ones(int(covered.sum())))
