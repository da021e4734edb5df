from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
import torch

from backend.diffusion.guidance import Condition
from backend.render.camera import sample_views
from backend.render.light import sample_lights
from backend.render.picture import Surface, look
from backend.settings import GeometrySettings
from backend.stages.geometry import generate, within
from backend.stages.optimise import Watch
from tests.toy_head import toy_head

SEED, STEPS, PICTURE = 3, 2, 96


@dataclass
class Witness:
    """Guidance that wants bright pictures and keeps what it was shown."""

    shown: list[torch.Tensor] = field(default_factory=list)

    @property
    def model(self) -> SimpleNamespace:
        return SimpleNamespace(encode=self.encode, picture_size=PICTURE)

    def encode(self, pictures: torch.Tensor, posterior: torch.Generator | None = None) -> torch.Tensor:
        self.shown.append(pictures.detach())
        return pictures

    def loss(self, latents, timestep, generator, condition):
        return -latents.mean()


@pytest.fixture(scope="module")
def model():
    return toy_head()


def shown(model, **changes) -> list[torch.Tensor]:
    witness = Witness()
    settings = GeometrySettings(steps=STEPS, **({"anchored": False, "antialias": False} | changes))
    generate(
        model,
        Surface.of(model.topology),
        witness,
        lambda cameras: Condition(torch.zeros(2, 1, 1)),
        settings,
        SEED,
        Watch(),
    )
    return witness.shown


def test_a_seed_draws_views_then_lights(model):
    """The first step's pictures, bit by bit, by the formula of the networks' training pictures."""
    settings, generator = GeometrySettings(), torch.Generator().manual_seed(SEED)
    cameras = sample_views(settings.views, generator, settings.azimuth, settings.elevation)
    lights = sample_lights(settings.views, generator)
    head = model.vertices(identity=torch.zeros(1, model.identity_size, requires_grad=True))  # torch's products differ
    expected = look(Surface.of(model.topology), head, cameras, lights, PICTURE).textureless()
    assert torch.equal(shown(model)[0], expected)


@pytest.mark.parametrize("rendered", [1.0, 224 / 512])
def test_networks_are_shown_pictures_of_their_own_size(model, rendered):
    sizes = {tuple(picture.shape[2:]) for picture in shown(model, rendered=rendered)}
    assert sizes == {(PICTURE, PICTURE)}


def test_antialiasing_changes_the_outlines_alone_until_they_have_moved_the_head(model):
    plain, smooth = shown(model), shown(model, antialias=True)
    differ = [(a != b).any(1).float().mean().item() for a, b in zip(plain, smooth, strict=True)]
    assert 0 < differ[0] < 0.1 < differ[1]


def test_coefficients_move_freely_near_the_mean_and_never_pass_the_reach():
    pushed = torch.randn(1, 200, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(within(0.001 * pushed, 7.0), 0.001 * pushed, atol=1e-8, rtol=1e-4)
    far = within(100 * pushed, 7.0)
    assert 6.9 < float(far.norm()) <= 7.0
    assert float(torch.cosine_similarity(far, pushed)) == pytest.approx(1, abs=1e-5)
    assert torch.equal(within(pushed, 0.0), pushed)
