"""Networks that know everything: their clean picture is that of a hidden face from the same camera in the same light.

Whatever a loss makes of such networks must lead to that face.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch

from backend import checkpoints
from backend.diffusion.editing import DeltaDistillation, EditDistillation, PosteriorDistillation
from backend.diffusion.guidance import (
    Condition,
    Distillation,
    InversionDistillation,
    NoiseFreeDistillation,
    ScoreDistillation,
)
from backend.diffusion.model import Diffusion
from backend.face.model import LinearFaceModel
from backend.render.picture import Surface, look
from backend.render.views import Setting, sample_setting
from tests.tiny_diffusion import Knowing
from tests.toy_head import toy_head

PICTURE, VIEWS, STEPS, RATE = 64, 2, 36, 0.2
LOSSES: dict[str, Callable[[Diffusion], Distillation]] = {
    "SDS": lambda model: ScoreDistillation(model, 7.5),
    "SDS without guidance": lambda model: ScoreDistillation(model, 1.0),
    "CSD": lambda model: ScoreDistillation(model, 7.5, residual=0.0),
    "NFSD": lambda model: NoiseFreeDistillation(model, low=1000),
    "SDI": lambda model: InversionDistillation(model, 1.0, inversion_scale=0.0, steps=3, eta=0.0),
    "double CFG": lambda model: EditDistillation(model, 7.5, 1.5),
    "DDS": lambda model: DeltaDistillation(model, 7.5),
    "PDS": lambda model: PosteriorDistillation(model, 7.5),
}


@dataclass(frozen=True)
class Bench:
    """A head, the starter autoencoder, and a face along the first directions of identity."""

    head: LinearFaceModel
    surface: Surface
    vae: Diffusion
    hidden: torch.Tensor

    def latents(self, identity: torch.Tensor, setting: Setting) -> torch.Tensor:
        whole = torch.cat([identity, identity.new_zeros(1, self.head.identity_size - len(self.hidden[0]))], dim=1)
        vertices = self.head.vertices(identity=whole)
        return self.vae.encode(look(self.surface, vertices, *setting, PICTURE, antialias=True).textureless())

    def distance(self, identity: torch.Tensor) -> float:
        return float((identity - self.hidden).norm() / self.hidden.norm())


@pytest.fixture(scope="module")
def networks() -> Diffusion:
    return Diffusion.load(checkpoints.components("starter", "text-to-image"))


@pytest.fixture(scope="module")
def small(networks: Diffusion) -> Bench:
    head = toy_head()
    return Bench(head, Surface.of(head.topology), networks, torch.tensor([[1.5, -1.5, 1.0, 1.5, -1.0]]))


@dataclass(frozen=True)
class Seeing(Knowing):
    """Knows a picture for each of a batch, asked about it under several texts at once."""

    def __call__(self, noisy: torch.Tensor, timestep: torch.Tensor, encoder_hidden_states: torch.Tensor):
        each = replace(self, clean=self.clean.repeat(len(noisy) // len(self.clean), 1, 1, 1))
        return Knowing.__call__(each, noisy, timestep, encoder_hidden_states)


def knowing(bench: Bench, prediction_type: str) -> tuple[Diffusion, Seeing, torch.Tensor]:
    """Networks that see the hidden face under the first text, and under any other whatever is there."""
    text = torch.randn(3, 4, 8, generator=torch.Generator().manual_seed(1))
    knows = Seeing(torch.zeros(()), bench.vae.alphas_cumprod, text[0], prediction_type=prediction_type)
    return replace(bench.vae, unet=knows, prediction_type=prediction_type), knows, text


@pytest.mark.parametrize(
    ("loss", "prediction_type"),
    [
        *((loss, "epsilon") for loss in LOSSES),
        *((loss, "v_prediction") for loss in ("SDS", "CSD", "SDI", "double CFG")),
    ],
)
def test_every_loss_finds_the_face_that_perfect_networks_know(small: Bench, loss: str, prediction_type: str):
    assert found(small, loss, prediction_type) < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["SDS", "double CFG"])
def test_so_it_is_with_the_embedded_head(head, networks: Diffusion, loss: str):
    bench = Bench(head, Surface.of(head.topology), networks, torch.tensor([[1.5, -1.5, 1.0, 1.5]]))
    assert found(bench, loss, "epsilon") < 0.15


def found(bench: Bench, loss: str, prediction_type: str) -> float:
    """How far from the hidden face it ends, of how far it began."""
    model, knows, text = knowing(bench, prediction_type)
    guidance = LOSSES[loss](model)
    generator = torch.Generator().manual_seed(2)
    identity, mean = torch.zeros_like(bench.hidden).requires_grad_(), torch.zeros_like(bench.hidden)
    optimiser = torch.optim.Adam([identity], RATE, betas=(0.8, 0.95))
    for step in range(STEPS):
        optimiser.param_groups[0]["lr"] = RATE * (1 - 0.95 * step / STEPS)
        setting = sample_setting(VIEWS, generator, 40.0, 15.0)
        with torch.no_grad():
            clean, before = bench.latents(bench.hidden, setting), bench.latents(mean, setting)
        object.__setattr__(knows, "clean", clean)
        timestep = torch.randint(50, 400, (VIEWS,), generator=generator)
        condition = Condition(text[:2], original=before, source=text[2], flaws=text[2])
        optimiser.zero_grad()
        guidance.loss(bench.latents(identity, setting), timestep, generator, condition).backward()
        optimiser.step()
    return bench.distance(identity.detach())
