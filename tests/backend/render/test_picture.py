import pytest
import torch

from backend.render.camera import Cameras
from backend.render.light import display_light, sample_lights, shade
from backend.render.picture import EMPTINESS, GREY, Scene, Surface, look
from backend.render.rasterise import vertex_normals
from tests.toys import toy_topology

SIZE = 48


@pytest.fixture(scope="module")
def surface() -> Surface:
    return Surface.of(toy_topology())


@pytest.fixture(scope="module")
def rest() -> torch.Tensor:
    return torch.from_numpy(toy_topology().rest)[None]


def seen_from(surface: Surface, vertices: torch.Tensor, *azimuths: float) -> Scene:
    cameras = Cameras(torch.tensor(azimuths), torch.zeros(len(azimuths)), half_height=1.2, aim=(0.0, 0.0, 0.0))
    return look(surface, vertices, cameras, display_light(), SIZE)


def test_pictures_are_grey_where_nothing_is(surface, rest):
    scene = seen_from(surface, rest, 0.0, 80.0)
    outside = scene.mask()[:, 0] == 0
    assert 0.3 < outside.float().mean() < 0.8
    for picture in (scene.textureless(), scene.textured(torch.rand(1, 3, 16, 16))):
        assert picture.shape == (2, 3, SIZE, SIZE)
        assert (picture.permute(0, 2, 3, 1)[outside] == EMPTINESS).all()
    assert (scene.textureless(background=1.0).permute(0, 2, 3, 1)[outside] == 1).all()


def test_a_ball_is_as_wide_as_a_ball(surface, rest):
    """The unit sphere without its caps, by a lens that shows 1.2 either way at its middle."""
    rows = seen_from(surface, rest, 0.0).mask()[0, 0].sum(1)
    assert rows[SIZE // 2].item() == pytest.approx(SIZE / 1.2, abs=1.5)


def test_a_grey_pixel_is_the_shade_of_its_normal(surface, rest):
    scene = seen_from(surface, rest, 10.0)
    inner = scene.normals[:, 1].abs() < 0.8
    points = torch.nn.functional.normalize(
        scene.hits.interpolate(vertex_normals(rest, surface.faces), surface.faces), dim=1
    )
    torch.testing.assert_close(scene.normals, points)
    torch.testing.assert_close(scene.shades, shade(points, display_light()))
    drawn = scene.textureless()[0].permute(1, 2, 0).reshape(-1, 3)[scene.hits.pixel]
    torch.testing.assert_close(drawn[inner], (GREY * scene.shades).clamp(max=1)[inner, None].expand(-1, 3))


def test_a_plain_albedo_is_multiplied_by_the_shade(surface, rest):
    scene = seen_from(surface, rest, -20.0, 20.0)
    colour = torch.tensor([0.8, 0.4, 0.1])
    picture = scene.textured(colour.view(1, 3, 1, 1).expand(1, 3, 8, 8))
    drawn = picture.permute(0, 2, 3, 1).reshape(-1, 3)[scene.hits.pixel]
    torch.testing.assert_close(drawn, (scene.shades[:, None] * colour).clamp(0, 1))


def test_each_picture_may_have_its_own_head_light_and_albedo(surface, rest):
    vertices = torch.cat([rest, rest * torch.tensor([0.8, 1.0, 1.0])])
    cameras = Cameras(torch.tensor([0.0, 30.0]), torch.tensor([0.0, 10.0]))
    lights, albedo = sample_lights(2, torch.Generator().manual_seed(0)), torch.rand(2, 3, 16, 16)
    together = look(surface, vertices, cameras, lights, SIZE)
    for k in range(2):
        alone = look(
            surface, vertices[k : k + 1], Cameras(cameras.azimuth[[k]], cameras.elevation[[k]]), lights[[k]], SIZE
        )
        torch.testing.assert_close(together.textured(albedo)[k], alone.textured(albedo[[k]])[0])
        torch.testing.assert_close(together.textureless()[k], alone.textureless()[0])


def test_the_left_of_the_texture_is_where_the_left_of_its_uv_is_seen(surface, rest):
    """The toy's u runs from its right (u 0.25) over the front (0.5) to its left (0.75)."""
    ramp = torch.linspace(0, 1, 64).view(1, 1, 1, 64).expand(1, 3, 64, 64)
    scene = seen_from(surface, rest, 0.0)
    colours = scene.uv_at_hits()
    column = scene.hits.pixel % SIZE
    assert colours[column > 0.7 * SIZE, 0].min() > 0.5
    assert colours[column < 0.3 * SIZE, 0].max() < 0.5
    shown = (scene.textured(ramp)[0, 0].flatten()[scene.hits.pixel] / scene.shades)[scene.shades > 0.2]
    torch.testing.assert_close(shown, colours[scene.shades > 0.2, 0], atol=2e-2, rtol=0)


def test_pictures_have_gradients_to_the_head_and_its_texture(surface, rest):
    """By central differences along one random direction each, at what is seen now."""
    vertices = rest.double()
    albedo = 0.2 + 0.6 * torch.rand(1, 3, 8, 8, dtype=torch.float64)
    cameras = Cameras(torch.tensor([15.0]), torch.tensor([5.0]))
    weights = torch.rand(1, 3, SIZE, SIZE, dtype=torch.float64)
    double = Surface(surface.faces, surface.uvs.double(), surface.uv_faces)

    def value(vertices: torch.Tensor, albedo: torch.Tensor) -> torch.Tensor:
        scene = look(double, vertices, cameras, 0.8 * display_light().double(), SIZE)
        return (scene.textured(albedo) * weights).sum()

    inputs = [vertices.requires_grad_(), albedo.requires_grad_()]
    gradients = torch.autograd.grad(value(*inputs), inputs)
    for number, step in ((0, 1e-6), (1, 1e-3)):
        direction = torch.randn_like(inputs[number])
        moved = [[*inputs], [*inputs]]
        moved[0][number], moved[1][number] = inputs[number] + step * direction, inputs[number] - step * direction
        with torch.no_grad():
            slope = (value(*moved[0]) - value(*moved[1])) / (2 * step)
        assert slope.item() == pytest.approx((gradients[number] * direction).sum().item(), rel=1e-3)


def test_batches_that_do_not_agree_are_refused(surface, rest):
    with pytest.raises(ValueError, match="2 heads, 1 lights, 3 cameras: give 1 or as many as cameras"):
        seen_from(surface, rest.repeat(2, 1, 1), 0.0, 10.0, 20.0)


@pytest.mark.parametrize("antialias", [False, True])
def test_a_wide_picture_shows_more_at_the_sides_and_a_high_one_less(surface, rest, antialias):
    """Bit by bit the columns of a square one; each picture has its own camera."""
    cameras = Cameras(torch.tensor([0.0, 70.0]), torch.tensor([0.0, -20.0]), half_height=1.0)

    def picture(width: int) -> torch.Tensor:
        return look(surface, rest, cameras, display_light(), (64, width), antialias=antialias).textureless()

    square, wide, high = picture(64), picture(128), picture(32)
    assert [tuple(drawn.shape) for drawn in (wide, high)] == [(2, 3, 64, 128), (2, 3, 64, 32)]
    assert (square[..., 0] != EMPTINESS).any()
    torch.testing.assert_close(wide[..., 33:95], square[..., 1:-1], atol=1e-5, rtol=0)
    torch.testing.assert_close(square[..., 17:47], high[..., 1:-1], atol=1e-5, rtol=0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_broken_vertices_spoil_only_their_own_triangles(surface, rest, value):
    """One is no number, two are one point, one lies behind the eye: pictures and the others' gradients are finite."""
    vertices, albedo = rest.clone(), torch.rand(1, 3, 16, 16, requires_grad=True)
    middle = int((rest[0] - torch.tensor([0.2, 0.1, 1.0])).norm(dim=1).argmin())
    vertices[0, middle] = value
    vertices[0, middle + 3] = vertices[0, middle + 4]
    vertices[0, middle - 40] = torch.tensor([0.3, 0.2, 40.0])
    vertices.requires_grad_()
    cameras = Cameras(torch.tensor([0.0, 50.0]), torch.zeros(2))
    scene = look(surface, vertices, cameras, display_light(), (40, 56), antialias=True, mipmaps=True)
    pictures = [scene.textureless(), scene.textured(albedo), scene.normal_map(of_camera=True), scene.depth()]
    assert all(picture.isfinite().all() for picture in (*pictures, scene.mask()))
    assert scene.mask().mean() > 0.2
    sum(picture.square().sum() for picture in pictures).backward()
    assert albedo.grad.isfinite().all()
    others = torch.arange(vertices.shape[1]) != middle
    assert vertices.grad[0, others].isfinite().all()
    assert vertices.grad[0, others].norm() > 0


@pytest.mark.parametrize("shift", [30.0, -30.0])
def test_a_head_that_is_not_in_sight_leaves_the_background(surface, rest, shift):
    """Behind the eye, or beyond the far plane."""
    scene = look(
        surface, rest + torch.tensor([0.0, 0.0, shift]), Cameras(torch.zeros(1), torch.zeros(1)), display_light(), 24,
        antialias=True, mipmaps=True,
    )  # fmt: skip
    assert len(scene.hits.pixel) == 0
    for picture in (scene.textureless(), scene.textured(torch.rand(1, 3, 8, 8)), scene.normal_map()):
        assert (picture == EMPTINESS).all()
    assert (scene.depth() == 0).all()
