from dataclasses import replace

import pytest
import torch
from hypothesis import given, strategies as st

from backend.diffusion.guidance import Condition, EditDistillation, Guidance, ScoreDistillation, towards
from backend.diffusion.model import Diffusion
from tests.tiny_diffusion import Knowing, tiny_diffusion

TIMESTEP = torch.tensor([700, 150])


@pytest.fixture(scope="module")
def model() -> Diffusion:
    return tiny_diffusion()


@pytest.fixture(scope="module")
def editor() -> Diffusion:
    return tiny_diffusion(in_channels=8)


@pytest.fixture
def latents() -> torch.Tensor:
    return torch.randn(2, 4, 4, 4)


def ask(model: Diffusion, original: torch.Tensor | None = None) -> Condition:
    return Condition(model.encode_text(["red lips", "blue"]), original)


def gradient(guidance: Guidance, latents: torch.Tensor, condition: Condition, seed: int = 5) -> torch.Tensor:
    """The loss's gradient, as if the loss were a sum over elements."""
    given = latents.clone().requires_grad_()
    guidance.loss(given, TIMESTEP, torch.Generator().manual_seed(seed), condition).backward()
    return given.grad * latents.numel()


def noised(model: Diffusion, latents: torch.Tensor, seed: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(seed))
    return model.add_noise(latents, noise, TIMESTEP), noise


def weight(model: Diffusion) -> torch.Tensor:
    return (1 - model.alphas_cumprod[TIMESTEP]).view(-1, 1, 1, 1)


@given(st.integers(0, 1000))
def test_a_step_towards_goes_along_the_gradient_it_was_given(seed):
    generator = torch.Generator().manual_seed(seed)
    latents, wanted = (torch.randn(3, 4, 2, 2, generator=generator) for _ in range(2))
    amount = torch.rand(3, 1, 1, 1, generator=generator)
    latents.requires_grad_()
    loss = towards(latents, wanted, amount)
    loss.backward()
    torch.testing.assert_close(latents.grad * latents.numel(), amount * wanted, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(loss.detach(), 0.5 * (amount * wanted).square().mean())


@pytest.mark.parametrize("guidance_scale", [0.0, 1.0, 7.5])
def test_score_distillation_is_dreamfusions_equation_3(model, latents, guidance_scale):
    condition = ask(model)
    noisy, noise = noised(model, latents)
    wanted, other = (
        torch.cat([model.predict_noise(noisy[k : k + 1], TIMESTEP[k : k + 1], text[None]) for k in range(2)])
        for text in condition.text
    )
    predicted = guidance_scale * wanted + (1 - guidance_scale) * other
    found = gradient(ScoreDistillation(model, guidance_scale), latents, condition)
    torch.testing.assert_close(found, weight(model) * (predicted - noise), atol=1e-4, rtol=1e-3)


def test_a_guidance_scale_of_1_asks_for_the_text_alone(model, latents):
    condition = ask(model)
    plain = replace(condition, text=condition.text[[0, 0]])
    found = gradient(ScoreDistillation(model, 1.0), latents, condition)
    torch.testing.assert_close(found, gradient(ScoreDistillation(model, 50.0), latents, plain), atol=1e-4, rtol=1e-3)


def test_both_edit_scales_at_1_are_the_conditional_prediction(editor, latents):
    condition = ask(editor, torch.randn(2, 4, 4, 4))
    noisy, noise = noised(editor, latents)
    text = condition.text[:1].expand(2, -1, -1)
    predicted = editor.predict_noise(torch.cat([noisy, condition.original], dim=1), TIMESTEP, text)
    found = gradient(EditDistillation(editor, 1.0, 1.0), latents, condition)
    torch.testing.assert_close(found, weight(editor) * (predicted - noise), atol=1e-4, rtol=1e-3)


def test_edit_distillation_is_instruct_pix2pix_equation_3(editor, latents):
    condition = ask(editor, torch.randn(2, 4, 4, 4))
    noisy, noise = noised(editor, latents)

    def predict(text: int, original: torch.Tensor) -> torch.Tensor:
        embedding = condition.text[text][None].expand(2, -1, -1)
        return editor.predict_noise(torch.cat([noisy, original], dim=1), TIMESTEP, embedding)

    nothing = torch.zeros_like(latents)
    bare, image, full = predict(1, nothing), predict(1, condition.original), predict(0, condition.original)
    predicted = bare + 1.5 * (image - bare) + 7.5 * (full - image)
    found = gradient(EditDistillation(editor, 7.5, 1.5), latents, condition)
    torch.testing.assert_close(found, weight(editor) * (predicted - noise), atol=1e-4, rtol=1e-3)


def test_an_edit_without_its_original_is_refused(editor, latents):
    with pytest.raises(ValueError, match="an edit needs the latents of the original pictures"):
        gradient(EditDistillation(editor, 7.5, 1.5), latents, ask(editor))


@pytest.mark.parametrize("kind", ["generate", "edit"])
def test_who_knows_the_picture_points_at_it(model, latents, kind):
    """The gradient is (latents − clean) √(ᾱ (1−ᾱ)), whatever the noise and the scales."""
    clean = torch.randn(4, 4, 4)
    knowing = replace(model, unet=Knowing(clean, model.alphas_cumprod))
    guidance = ScoreDistillation(knowing, 30.0) if kind == "generate" else EditDistillation(knowing, 10.0, 2.0)
    alpha = model.alphas_cumprod[TIMESTEP].view(-1, 1, 1, 1)
    for seed in range(3):
        found = gradient(guidance, latents, ask(model, torch.randn(2, 4, 4, 4)), seed)
        torch.testing.assert_close(found, (alpha * (1 - alpha)).sqrt() * (latents - clean), atol=1e-4, rtol=1e-3)


def test_a_perfect_prediction_moves_nothing(model, latents):
    knowing = replace(model, unet=Knowing(latents.repeat(2, 1, 1, 1), model.alphas_cumprod))
    found = gradient(ScoreDistillation(knowing, 100.0), latents, ask(model))
    assert found.abs().max() < 1e-3


def test_following_the_gradient_arrives_at_the_picture(model):
    clean = torch.rand(4, 4, 4)
    guidance = ScoreDistillation(replace(model, unet=Knowing(clean, model.alphas_cumprod)), 10.0)
    latents = torch.zeros(2, 4, 4, 4)
    for seed in range(60):
        latents = latents - gradient(guidance, latents, ask(model), seed)
    torch.testing.assert_close(latents, clean.expand(2, -1, -1, -1), atol=1e-3, rtol=0)


def test_the_seed_says_which_noise(model, latents):
    guidance, condition = ScoreDistillation(model, 10.0), ask(model)
    first = gradient(guidance, latents, condition, seed=1)
    assert torch.equal(first, gradient(guidance, latents, condition, seed=1))
    assert not torch.equal(first, gradient(guidance, latents, condition, seed=2))
