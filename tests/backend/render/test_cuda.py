"""The same pictures and gradients on a graphics card; a card sums in any order, so not to the last bit."""

import pytest
import torch

from backend.render.camera import Cameras
from backend.render.kernels import visible
from backend.render.light import sample_lights
from backend.render.picture import Surface, look
from backend.render.projection import unproject
from backend.render.silhouettes import Edges, outlines
from tests.backend.render.test_kernels import jittered_grid, soup
from tests.toys import toy_topology

pytestmark = pytest.mark.gpu
SIZE = (90, 70)


def cameras(device: str) -> Cameras:
    return Cameras(torch.tensor([0.0, 60.0, -30.0], device=device), torch.tensor([0.0, 10.0, -20.0], device=device))


@pytest.fixture(params=[False, True], ids=["torchs-stream", "another-stream"])
def stream(request):
    with torch.cuda.stream(torch.cuda.Stream() if request.param else torch.cuda.default_stream()):
        yield


def test_soups_are_seen_alike(stream):
    clips = torch.stack([soup(seed, 60, lowest)[0] for seed, lowest in enumerate((0.5, 0.02, -1.5))])
    faces = soup(0, 60, 0.5)[1]
    on_card = visible(clips.cuda(), faces.cuda(), SIZE).cpu()
    assert (on_card != visible(clips, faces, SIZE)).float().mean() < 2e-3


def test_a_tiling_has_no_holes_and_its_triangles_are_seen_once(stream):
    clip, faces = jittered_grid(5, 1 / 16, 0)
    takers = sum((visible(clip[None].cuda(), face[None].cuda(), (16, 16)) == 0).int() for face in faces)
    assert (takers == 1).all()


def test_outlines_are_found_alike(stream):
    surface, head = Surface.of(toy_topology()), torch.from_numpy(toy_topology().rest)[None]
    clip = cameras("cpu").clip(head)
    index = visible(clip, surface.faces, SIZE)
    here = outlines(clip, surface.faces, surface.edges, index)
    faces = surface.faces.cuda()
    there = outlines(clip.cuda(), faces, Edges.of(faces), index.cuda())
    assert torch.equal(there.inner.cpu(), here.inner)
    assert torch.equal(there.outer.cpu(), here.outer)
    torch.testing.assert_close(there.reach.cpu(), here.reach, atol=1e-4, rtol=0)


@pytest.mark.parametrize("antialias", [False, True])
def test_pictures_and_their_gradients_are_alike(stream, antialias):
    found = []
    lights, texture = sample_lights(3, torch.Generator().manual_seed(0)), torch.rand(1, 3, 64, 64)
    for device in ("cpu", "cuda"):
        vertices = torch.from_numpy(toy_topology().rest)[None].to(device).requires_grad_()
        albedo = texture.to(device).requires_grad_()
        surface = Surface.of(toy_topology(), device)
        scene = look(surface, vertices, cameras(device), lights, SIZE, antialias=antialias, mipmaps=True)
        pictures = [scene.textureless(), scene.textured(albedo), scene.normal_map(of_camera=True), scene.depth()]
        sum(picture.square().sum() for picture in pictures).backward()
        found.append([*(picture.detach().cpu() for picture in pictures), vertices.grad.cpu(), albedo.grad.cpu()])
    *pictures, of_vertices, of_albedo = zip(*found, strict=True)
    for here, there in pictures:
        assert ((here - there).abs() > 1e-3).float().mean() < 3e-3
    for here, there in (of_vertices, of_albedo):
        assert (here - there).norm() < 0.02 * here.norm()


def test_texels_come_back_alike(stream):
    images, found = torch.rand(3, 3, *SIZE), []
    for device in ("cpu", "cuda"):
        surface, head = Surface.of(toy_topology(), device), torch.from_numpy(toy_topology().rest)[None].to(device)
        found.append(unproject(images.to(device), surface, head, cameras(device), 64).weights.cpu())
    assert ((found[0] - found[1]).abs() > 1e-3).float().mean() < 3e-3
