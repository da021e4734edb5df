"""What the renderer's gradients are good for: finding a head and a texture that only pictures tell of."""

import numpy as np
import pytest
import torch
from PIL import Image

from backend import checkpoints
from backend.face import anny
from backend.face.model import LinearFaceModel
from backend.render.camera import Cameras
from backend.render.light import display_light
from backend.render.picture import Scene, Surface, look


@pytest.fixture(scope="module")
def model() -> LinearFaceModel:
    return anny.load(checkpoints.find("starter/anny.npz"))


def descend(parameters: list[torch.Tensor], loss, steps: int, rate: float) -> None:
    """Adam, slower and slower."""
    optimiser = torch.optim.Adam(parameters, lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()
        schedule.step()


def test_hidden_coefficients_are_found_from_four_pictures(model):
    surface = Surface.of(model.topology)
    cameras = Cameras(torch.tensor([0.0, 45.0, -45.0, 90.0]), torch.tensor([0.0, 10.0, -10.0, 0.0]))
    basis = model.identity_basis[:8]

    def pictures(coefficients: torch.Tensor) -> torch.Tensor:
        vertices = model.rest[None] + (coefficients @ basis).view(1, -1, 3)
        scene = look(surface, vertices, cameras, display_light(), 128, antialias=True)
        return torch.cat([scene.normal_map(), scene.mask()], dim=1)

    hidden, found = torch.randn(1, 8), torch.zeros(1, 8, requires_grad=True)
    with torch.no_grad():
        wanted = pictures(hidden)
    descend([found], lambda: (pictures(found) - wanted).square().mean(), steps=80, rate=0.25)
    errors = ((found - hidden) @ basis).view(-1, 3).norm(dim=1) * model.topology.metres_per_unit
    start = (hidden @ basis).view(-1, 3).norm(dim=1) * model.topology.metres_per_unit
    assert start.square().mean().sqrt() > 1e-3
    assert errors.square().mean().sqrt() < 1e-4


def test_a_hidden_texture_is_found_from_six_pictures(model):
    surface = Surface.of(model.topology)
    angles = torch.tensor([[0.0, 50.0, -50.0, 110.0, -110.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0, 40.0]])
    scene = look(surface, model.rest[None], Cameras(*angles), display_light(), 256)
    with Image.open(checkpoints.find("starter/anny_albedo.png")) as file:
        hidden = np.asarray(file.convert("RGB").resize((256, 256), Image.Resampling.BOX), np.float32) / 255
    texture = torch.from_numpy(hidden).permute(2, 0, 1)[None]
    found = torch.full_like(texture, 0.5).requires_grad_()
    wanted = scene.unlit(texture)
    descend([found], lambda: (scene.unlit(found) - wanted).square().sum(), steps=80, rate=0.1)
    seen = how_often_seen(scene, 256) > 0.5
    error = (found.detach() - texture)[0][:, seen].square().mean()
    assert seen.float().mean() > 0.2
    assert -10 * error.log10().item() > 45


def how_often_seen(scene: Scene, size: int) -> torch.Tensor:
    """(S, S) in how many pixels each texel has a share, added up."""
    plain = torch.zeros(1, 1, size, size, requires_grad=True)
    scene.unlit(plain).sum().backward()
    return plain.grad[0, 0]
