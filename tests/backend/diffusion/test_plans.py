"""How networks share memory: which plan fits, and that none changes what is computed. On a CPU; untested on CUDA."""

import pytest
import torch

from backend.diffusion.plans import PLANS, below, follow, is_full, plan_for
from tests.tiny_diffusion import tiny_diffusion


def test_the_roomiest_plan_that_fits_is_taken():
    names = [plan_for(free).name for free in (None, 23_000.0, 7_800.0, 3_000.0, 0.0)]
    assert names == ["roomy", "roomy", "tight", "least", "least"]
    assert [below(plan) for plan in PLANS] == [*PLANS[1:], None]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_a_plan_changes_nothing_of_what_is_computed(plan):
    model = tiny_diffusion(control=True)
    generator = torch.Generator().manual_seed(0)
    noisy, level = torch.randn(2, 4, 4, 4, generator=generator), torch.tensor([500, 100])
    depth = torch.rand(2, 3, 32, 32, generator=generator)
    pictures = torch.rand(2, 3, 32, 32, generator=generator).requires_grad_()

    def answers() -> list[torch.Tensor]:
        text = model.encode_text(["red lips", ""])
        latents = model.encode(pictures)
        (slope,) = torch.autograd.grad(latents.square().sum(), pictures)
        return [text, latents.detach(), slope, model.predict_noise(noisy, level, text, depth=depth)]

    before = answers()
    parts = {name: getattr(model, name) for name in ("text_encoder", "vae", "unet", "controlnet")}
    follow(plan, parts, "cpu")
    for one, other in zip(before, answers(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_only_a_full_card_is_a_full_card():
    assert is_full(torch.OutOfMemoryError("CUDA out of memory"))
    assert not is_full(RuntimeError("something else"))
