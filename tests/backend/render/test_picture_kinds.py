import pytest
import torch

from backend.render import reference
from backend.render.backgrounds import BLACK, blended_colours, random_colours
from backend.render.camera import Cameras
from backend.render.kernels import visible
from backend.render.light import display_light, shade
from backend.render.picture import EMPTINESS, GREY, Scene, Surface, look
from backend.render.views import released_cameras
from tests.toys import toy_topology

SIZE = 56


@pytest.fixture(scope="module")
def surface() -> Surface:
    return Surface.of(toy_topology())


@pytest.fixture(scope="module")
def rest() -> torch.Tensor:
    return torch.from_numpy(toy_topology().rest)[None]


def seen_from(surface: Surface, rest: torch.Tensor, *azimuths: float, **options: bool) -> Scene:
    cameras = Cameras(torch.tensor(azimuths), torch.full((len(azimuths),), 10.0))
    return look(surface, rest, cameras, display_light(), SIZE, **options)


def test_training_pictures_are_what_they_were(surface, rest):
    """Bit by bit, by the formulas of the pictures that the networks were trained on."""
    cameras = Cameras(torch.tensor([0.0, 50.0]), torch.tensor([10.0, -20.0]))
    albedo = torch.rand(1, 3, 32, 32)
    scene = look(surface, rest, cameras, display_light(), SIZE)
    clip = cameras.clip(rest)
    index = visible(clip, surface.faces, (SIZE, SIZE))
    shares = reference.weights(clip, surface.faces, index)
    normals = reference.blend(reference.normals(rest, surface.faces), shares, surface.faces, index)
    shades = shade(torch.nn.functional.normalize(normals, dim=1), display_light())
    uv = reference.blend(surface.uvs[None], shares, surface.uv_faces, index)
    grid = torch.stack([uv[:, 0] * 2 - 1, 1 - uv[:, 1] * 2], dim=1)[None, None]
    texels = torch.nn.functional.grid_sample(albedo, grid, padding_mode="border", align_corners=False)[0, :, 0].T
    for picture, colours in (
        (scene.textureless(), (shades * GREY)[:, None].expand(-1, 3)),
        (scene.textured(albedo), texels * shades[:, None]),
    ):
        expected = torch.full((2, SIZE, SIZE, 3), EMPTINESS)
        expected[index >= 0] = colours.clamp(0, 1)
        assert torch.equal(picture, expected.permute(0, 3, 1, 2))


def test_depth_is_bright_where_near_and_dark_beside_the_head(surface, rest):
    scene = seen_from(surface, rest, 0.0, 60.0)
    near, released = scene.depth(), scene.depth(near_bright=False)
    inside = scene.mask().expand(-1, 3, -1, -1) == 1
    assert (near[~inside] == 0).all()
    assert (released[~inside] == 0).all()
    torch.testing.assert_close((near + released)[inside], torch.full_like(near[inside], 1.5))
    for picture in range(2):
        levels = near[picture, 0][inside[picture, 0]]
        assert [levels.min().item(), levels.max().item()] == pytest.approx([0.5, 1.0], abs=1e-5)
        assert levels.argmax() == scene.distances()[scene.hits.picture == picture].argmin()


def test_two_points_at_11_and_12_are_a_half_and_one_or_one_and_a_half():
    """Two triangles of released cameras, one a unit behind the other."""
    corners = [[-0.9, -0.5, -1.0], [-0.1, -0.5, -1.0], [-0.5, 0.5, -1.0]]
    corners += [[-x, y, -2.0] for x, y, _ in corners]
    faces = torch.tensor([[0, 1, 2], [3, 4, 5]], dtype=torch.int32)
    cameras = released_cameras(torch.zeros(1), torch.zeros(1), torch.zeros(1))
    surface = Surface(faces, torch.zeros(1, 2), torch.zeros_like(faces))
    scene = look(surface, torch.tensor([corners]), cameras, display_light(), 32)
    assert scene.distances().round(decimals=3).unique().tolist() == pytest.approx([11, 12], abs=1e-4)
    for near_bright, left, right in ((False, 0.5, 1.0), (True, 1.0, 0.5)):
        picture = scene.depth(near_bright)[0, 0]
        assert picture[:, :16].round(decimals=4).unique().tolist() == pytest.approx([0, left], abs=1e-5)
        assert picture[:, 16:].round(decimals=4).unique().tolist() == pytest.approx([0, right], abs=1e-5)


def test_normals_are_coloured_in_either_frame(surface, rest):
    scene = seen_from(surface, rest, 0.0, 90.0)
    own, seen = scene.normal_map(), scene.normal_map(of_camera=True)
    inside = scene.mask()[:, 0] == 1
    for picture in (own, seen):
        vectors = picture.permute(0, 2, 3, 1)[inside] * 2 - 1
        torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(vectors)))
        assert (picture.permute(0, 2, 3, 1)[~inside] == 0.5).all()
    middle = SIZE // 2
    assert own[0, 2, middle, middle] > 0.9
    assert own[1, 0, middle, middle] > 0.9  # its left side looks along x
    assert (seen[:, 2, middle, middle] > 0.9).all()
    assert (scene.normal_map(background=0.25)[:, 0][~inside] == 0.25).all()


def test_latents_are_worn_as_they_are(surface, rest):
    scene = seen_from(surface, rest, 0.0)
    latents = torch.randn(1, 4, 1, 1).expand(1, 4, 8, 8)
    picture = scene.unlit(latents)[0]
    inside = scene.mask()[0, 0] == 1
    torch.testing.assert_close(picture[:, inside], latents[0, :, :1, 0].expand(4, int(inside.sum())))
    assert (picture[:, ~inside] == 0).all()


@pytest.mark.parametrize("antialias", [False, True])
def test_backgrounds_may_be_grey_or_pictures(surface, rest, antialias):
    scene = seen_from(surface, rest, 0.0, 40.0, antialias=antialias)
    generator = torch.Generator().manual_seed(0)
    far = torch.nn.functional.max_pool2d(scene.mask(), 3, 1, 1)[:, 0] == 0
    assert (scene.textureless(BLACK).permute(0, 2, 3, 1)[far] == 0).all()
    for behind in (random_colours(2, generator), blended_colours(2, SIZE, generator)):
        picture = scene.textureless(behind).permute(0, 2, 3, 1)
        expected = behind.expand(2, 3, SIZE, SIZE).permute(0, 2, 3, 1)
        assert torch.equal(picture[far], expected[far])


def test_blended_backgrounds_run_from_one_colour_to_another():
    picture = blended_colours(4, 40, torch.Generator().manual_seed(1))
    assert picture.min() >= 0
    assert picture.max() <= 1
    steps = torch.cat([picture.diff(dim=2).flatten(), picture.diff(dim=3).flatten()])
    assert 0 < steps.abs().max() < 1.01 / 39


def test_mipmaps_average_what_a_pixel_cannot_resolve(surface, rest):
    """A checkerboard of single texels, seen small: plain look-ups sparkle, averages are grey."""
    texel = torch.arange(512)
    board = ((texel + texel[:, None]) % 2).float().expand(1, 3, 512, 512)
    plain, averaged = (seen_from(surface, rest, 0.0, mipmaps=on) for on in (False, True))
    sparkle, grey = (scene.unlit(board)[0, 0][scene.mask()[0, 0] == 1] for scene in (plain, averaged))
    assert sparkle.std() > 0.1
    assert grey.std() < 0.02
    assert grey.mean().item() == pytest.approx(0.5, abs=0.01)


def test_a_texture_coarser_than_the_pixels_needs_no_mipmaps(surface, rest):
    albedo = torch.rand(1, 3, 8, 8)
    plain, averaged = (seen_from(surface, rest, 20.0, mipmaps=on).textured(albedo) for on in (False, True))
    assert (plain - averaged).abs().mean() < 0.03


def test_mipmaps_have_gradients_to_the_texture(surface, rest):
    albedo = torch.rand(1, 3, 256, 256, requires_grad=True)
    seen_from(surface, rest, 0.0, mipmaps=True).unlit(albedo).sum().backward()
    hits = seen_from(surface, rest, 0.0).mask().sum()
    torch.testing.assert_close(albedo.grad.sum(), 3 * hits, rtol=1e-4, atol=0)


def test_the_footprint_of_a_pixel_is_its_neighbours_distance_in_uv():
    """Two triangles of a floor that runs far away from the eye."""
    corners = torch.tensor([[[-1.5, -1.0, 3.0], [1.5, -1.0, 3.0], [1.5, -1.0, -3.5], [-1.5, -1.0, -3.5]]])
    uvs = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]], dtype=torch.int32)
    size = (150, 170)
    cameras = Cameras(torch.tensor([10.0]), torch.tensor([12.0]))
    scene = look(Surface(faces, uvs, faces), corners, cameras, display_light(), size, mipmaps=True)
    uv = torch.full((size[0] * size[1], 2), torch.nan)
    density = torch.full((size[0] * size[1],), torch.nan)
    uv[scene.hits.pixel], density[scene.hits.pixel] = scene.uv_at_hits(), scene.densities
    uv, density = uv.view(*size, 2), density.view(size)[1:-1, 1:-1]
    right, down = (uv[1:-1, 2:] - uv[1:-1, :-2]) / 2, (uv[2:, 1:-1] - uv[:-2, 1:-1]) / 2
    expected = (right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]).abs()
    both = expected.isfinite() & density.isfinite()
    assert both.sum() > 1500
    assert density[both].max() > 3 * density[both].min()
    torch.testing.assert_close(density[both], expected[both], rtol=0.02, atol=0)
