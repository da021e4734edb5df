"""Every guidance on one draw: its published equation, a case by hand, and what it makes of networks that know."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, strategies as st

from backend.diffusion.editing import DeltaDistillation, EditDistillation, PosteriorDistillation
from backend.diffusion.guidance import (
    WEIGHTS,
    Condition,
    Distillation,
    Guidance,
    InversionDistillation,
    NoiseFreeDistillation,
    ScoreDistillation,
    towards,
)
from backend.diffusion.model import Diffusion
from tests.tiny_diffusion import Knowing, tiny_diffusion

TIMESTEP = torch.tensor([700, 150])
KINDS: dict[str, Callable[[Diffusion], Distillation]] = {
    "SDS": lambda model: ScoreDistillation(model, 30.0),
    "CSD": lambda model: ScoreDistillation(model, 7.5, residual=0.0),
    "CSD away from flaws": lambda model: ScoreDistillation(model, 7.5, 0.0, flaws_scale=1.0),
    "NFSD": NoiseFreeDistillation,
    "SDI": lambda model: InversionDistillation(model, steps=3),
    "edit": lambda model: EditDistillation(model, 7.5, 1.5),
    "DDS": DeltaDistillation,
    "PDS": PosteriorDistillation,
}
each_kind = pytest.mark.parametrize("kind", KINDS)


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
    text, flaws, source = model.encode_text(["red lips", "blue", "dull", "lips"]).split([2, 1, 1])
    return Condition(text, original=original, source=source[0], flaws=flaws[0])


def gradient(
    guidance: Guidance, latents: torch.Tensor, condition: Condition, seed: int = 5, timestep: torch.Tensor = TIMESTEP
) -> torch.Tensor:
    """The loss's gradient, as if the loss were a sum over elements."""
    given = latents.clone().requires_grad_()
    guidance.loss(given, timestep, torch.Generator().manual_seed(seed), condition).backward()
    return given.grad * latents.numel()


def noised(model: Diffusion, latents: torch.Tensor, seed: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(seed))
    return model.add_noise(latents, noise, TIMESTEP), noise


def predicted(model: Diffusion, noisy: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
    return model.predict_noise(noisy, TIMESTEP, text.expand(len(noisy), -1, -1))


def weight(model: Diffusion) -> torch.Tensor:
    return (1 - model.alphas_cumprod[TIMESTEP]).view(-1, 1, 1, 1)


def answering(model: Diffusion, answer: Callable[..., torch.Tensor], alpha: float = 0.25) -> Diffusion:
    """A network of one formula, at one noise level."""

    def unet(noisy, timestep, encoder_hidden_states):
        return SimpleNamespace(sample=answer(noisy, encoder_hidden_states))

    network = type("Formula", (), {"__call__": staticmethod(unet), "dtype": torch.float32, "config": {}})()
    return replace(model, unet=network, alphas_cumprod=torch.full((1000,), alpha))


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
    full = editor.predict_noise(noisy, TIMESTEP, text, condition.original)
    found = gradient(EditDistillation(editor, 1.0, 1.0), latents, condition)
    torch.testing.assert_close(found, weight(editor) * (full - noise), atol=1e-4, rtol=1e-3)


def test_edit_distillation_is_instruct_pix2pix_equation_3(editor, latents):
    condition = ask(editor, torch.randn(2, 4, 4, 4))
    noisy, noise = noised(editor, latents)

    def predict(text: int, original: torch.Tensor) -> torch.Tensor:
        embedding = condition.text[text][None].expand(2, -1, -1)
        return editor.predict_noise(noisy, TIMESTEP, embedding, original)

    nothing = torch.zeros_like(latents)
    bare, image, full = predict(1, nothing), predict(1, condition.original), predict(0, condition.original)
    expected = bare + 1.5 * (image - bare) + 7.5 * (full - image)
    found = gradient(EditDistillation(editor, 7.5, 1.5), latents, condition)
    torch.testing.assert_close(found, weight(editor) * (expected - noise), atol=1e-4, rtol=1e-3)


def test_a_perfect_prediction_moves_nothing(model, latents):
    knowing = replace(model, unet=Knowing(latents.repeat(2, 1, 1, 1), model.alphas_cumprod))
    found = gradient(ScoreDistillation(knowing, 100.0), latents, ask(model))
    assert found.abs().max() < 1e-3


def test_sds_is_the_case_by_hand(model):
    """z = 0, ε̂ = ε + 1, ᾱ = 0.25: 0.75 an element (faceg2e.md, sec. 8, vector 11)."""
    formula = answering(model, lambda noisy, text: noisy / 0.75**0.5 + 1)
    found = gradient(ScoreDistillation(formula, 101.0), torch.zeros(2, 4, 4, 4), ask(model))
    torch.testing.assert_close(found, torch.full((2, 4, 4, 4), 0.75))


def test_scales_are_the_cases_by_hand(model):
    """ε̂ = 1 for the text and 0 for none make 101 at 101; 3, 2 and 1 make 18 at 15 and 2 (vector 7)."""
    condition, latents = ask(model, torch.ones(2, 4, 4, 4)), torch.zeros(2, 4, 4, 4)
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(1))

    def worded(text: torch.Tensor) -> torch.Tensor:
        return (text == condition.text[0]).all(2).all(1).view(-1, 1, 1, 1)

    def direction(guidance: Distillation) -> torch.Tensor:
        return guidance.direction(latents, TIMESTEP, torch.Generator().manual_seed(1), condition) + noise

    drawing = answering(model, lambda noisy, text: worded(text).expand_as(noisy).float())
    torch.testing.assert_close(direction(ScoreDistillation(drawing, 101.0)), torch.full_like(latents, 101.0))
    editing = answering(model, lambda given, text: 1 + (given[:, 4:] != 0).float() + worded(text))
    torch.testing.assert_close(direction(EditDistillation(editing, 15.0, 2.0)), torch.full_like(latents, 18.0))


@pytest.mark.parametrize("residual", [0.0, 0.5])
def test_the_classifier_score_keeps_away_from_flaws(model, latents, residual):
    """Yu et al. 2023: ω₁ ε̂(y) + (ω₂ - ω₁) ε̂(∅) - ω₂ ε̂(flaws); beside it what is kept of an anchored residual."""
    condition = replace(ask(model), anchor=torch.randn(2, 4, 4, 4))
    (noisy, _), (before, _) = noised(model, latents), noised(model, condition.anchor)
    wanted, other, flaws = (predicted(model, noisy, text) for text in [*condition.text, condition.flaws])
    kept = residual * (other - predicted(model, before, condition.text[1]))
    found = gradient(ScoreDistillation(model, 7.5, residual, flaws_scale=2.0), latents, condition)
    expected = weight(model) * (kept + 7.5 * wanted + (2.0 - 7.5) * other - 2.0 * flaws)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


def test_the_noise_free_residual_changes_below_200(model, latents):
    condition = ask(model)
    noisy, _ = noised(model, latents)
    wanted, other, flaws = (predicted(model, noisy, text) for text in [*condition.text, condition.flaws])
    residual = torch.stack([other[0] - flaws[0], other[1]])  # at 700 and at 150
    found = gradient(NoiseFreeDistillation(model, 5.0), latents, condition)
    torch.testing.assert_close(found, weight(model) * (residual + 5 * (wanted - other)), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(
    "guidance", [NoiseFreeDistillation, lambda model: ScoreDistillation(model, 7.5, flaws_scale=1.0)]
)
def test_keeping_away_from_flaws_needs_their_words(model, latents, guidance):
    with pytest.raises(ValueError, match="keeping away from flaws needs their embedding"):
        gradient(guidance(model), latents, replace(ask(model), flaws=None))


def test_deltas_are_scored_under_one_noise(model, latents):
    condition = ask(model, torch.randn(2, 4, 4, 4))

    def guided(picture: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        noisy, _ = noised(model, picture)
        other = predicted(model, noisy, condition.text[1])
        return other + 7.5 * (predicted(model, noisy, text) - other)

    expected = guided(latents, condition.text[0]) - guided(condition.original, condition.source)
    torch.testing.assert_close(gradient(DeltaDistillation(model), latents, condition), expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("kind", ["DDS", "PDS"])
def test_an_unchanged_picture_under_its_own_words_stays(model, kind):
    original = torch.randn(2, 4, 4, 4)
    condition = ask(model, original)
    condition = replace(condition, source=condition.text[0])
    assert gradient(KINDS[kind](model), original, condition).abs().max() < 1e-4


@pytest.mark.parametrize("stride", [1, 2, 20])
def test_posteriors_differ_as_the_stochastic_latents_do(model, latents, stride):
    """By the definition: z̃ = (x' - μ) / σ of both pictures, with the noise of x' drawn and shared."""
    condition = ask(model, torch.randn(2, 4, 4, 4))
    below = TIMESTEP - stride
    alpha, lower = (model.alpha(level) for level in (TIMESTEP, below))
    beta = 1 - alpha / model.alpha(TIMESTEP - 1)
    sigma = ((1 - lower) / (1 - alpha) * beta).sqrt()
    second = torch.randn(2, 4, 4, 4)

    def stochastic(picture: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        noisy, _ = noised(model, picture)
        other = predicted(model, noisy, condition.text[1])
        noise = other + 7.5 * (predicted(model, noisy, text) - other)
        clean = (noisy - (1 - alpha).sqrt() * noise) / alpha.sqrt()
        mean = (lower.sqrt() * beta * clean + (1 - beta).sqrt() * (1 - lower) * noisy) / (1 - alpha)
        return (model.add_noise(picture, second, below) - mean) / sigma

    guidance = PosteriorDistillation(model, stride=stride)
    expected = stochastic(latents, condition.text[0]) - stochastic(condition.original, condition.source)
    torch.testing.assert_close(gradient(guidance, latents, condition), expected, atol=2e-3, rtol=1e-2)
    pull, push = guidance.coefficients(torch.tensor([0, 1, 20, *TIMESTEP, 999]))
    assert (push > 0).all()
    assert (pull.abs() < 2e-3).all() if stride == 1 else (pull[3:] > 0).all()


@pytest.mark.parametrize("kind", ["edit", "DDS", "PDS"])
def test_an_edit_needs_its_original(model, editor, latents, kind):
    with pytest.raises(ValueError, match="an edit needs the latents of the original pictures"):
        gradient(KINDS[kind](editor if kind == "edit" else model), latents, ask(model))


@pytest.mark.parametrize("kind", ["DDS", "PDS"])
def test_an_edit_between_texts_needs_both(model, latents, kind):
    with pytest.raises(ValueError, match="an edit between two texts needs the one of the original"):
        gradient(KINDS[kind](model), latents, replace(ask(model, latents), source=None))


@pytest.mark.parametrize(("steps", "error"), [(50, 0.12), (400, 0.015)])
def test_inversion_comes_to_the_flow_of_a_normal_distribution(model, latents, steps, error):
    """There DDIM's path is known: it keeps how many standard deviations from the mean the latents are."""
    clean, width = torch.randn(4, 4, 4), 0.7
    knowing = replace(model, unet=Knowing(clean, model.alphas_cumprod, width=width))
    guidance = InversionDistillation(knowing, inversion_scale=1.0, steps=steps, eta=0.0)
    found = guidance.invert(latents, TIMESTEP, torch.Generator(), ask(model))
    alpha = model.alpha(TIMESTEP)
    expected = alpha.sqrt() * clean + (latents - clean) * (alpha * width**2 + 1 - alpha).sqrt() / width
    torch.testing.assert_close(found, expected, atol=error, rtol=0)


def test_random_noise_in_an_inversion_leaves_its_level(model):
    """For a network that predicts independent noise of unit variance, what is found has unit variance too."""
    generator = torch.Generator().manual_seed(0)
    drawing = answering(model, lambda noisy, text: torch.randn(noisy.shape, generator=generator))
    drawing = replace(drawing, alphas_cumprod=model.alphas_cumprod)
    guidance = InversionDistillation(drawing, inversion_scale=0.0, steps=1, eta=1.0)
    latents, timestep = torch.zeros(2, 4, 64, 64), torch.tensor([700, 700])
    noisy = guidance.invert(latents, timestep, torch.Generator().manual_seed(1), ask(model))
    assert noisy.var().item() == pytest.approx(1 - model.alphas_cumprod[700].item(), rel=0.05)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("kind", ["SDS", "SDI", "edit"])
def test_who_knows_the_picture_points_at_it(model, latents, kind, prediction_type):
    """ε̂ - ε is (latents - clean) √(ᾱ / (1-ᾱ)), whatever the noise and the scales."""
    clean = torch.randn(4, 4, 4)
    knowing = Knowing(clean, model.alphas_cumprod, prediction_type=prediction_type)
    guidance = KINDS[kind](replace(model, unet=knowing, prediction_type=prediction_type))
    alpha = model.alpha(TIMESTEP)
    expected = WEIGHTS[guidance.weighting](alpha) * (alpha / (1 - alpha)).sqrt() * (latents - clean)
    for seed in range(3):
        found = gradient(guidance, latents, ask(model, torch.randn(2, 4, 4, 4)), seed)
        torch.testing.assert_close(found, expected, atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
@each_kind
def test_every_gradient_leads_to_the_picture_of_the_words(model, kind, prediction_type):
    """The network is linear, so one draw at two places gives slope and zero; the mean of zeros is the picture.

    Those of PDS lie nearer to the original by the share its pull has of the slope.
    """
    clean, count = torch.randn(4, 4, 4), 128
    timestep = torch.tensor([300, 150]).repeat_interleave(count)
    original = torch.zeros(2 * count, 4, 4, 4)
    condition = ask(model, original)
    knowing = Knowing(clean, model.alphas_cumprod, condition.text[0], width=1.0, prediction_type=prediction_type)
    guidance = KINDS[kind](replace(model, unet=knowing, prediction_type=prediction_type))
    here, there = (gradient(guidance, original + step, condition, timestep=timestep) for step in (0, 1))
    slope = (there - here).mean((1, 2, 3), keepdim=True)
    assert slope.min() > 0
    pull = guidance.coefficients(timestep)[0] if isinstance(guidance, PosteriorDistillation) else torch.zeros(())
    missed = (original - here / slope - (1 - pull / slope) * clean).unflatten(0, (2, count)).mean(1)
    left = missed.flatten(1).norm(dim=1) / clean.norm()
    assert left.max() < 0.2, left


@each_kind
def test_one_seed_gives_one_gradient_to_the_bit(model, editor, latents, kind):
    guidance = KINDS[kind](editor if kind == "edit" else model)
    condition = ask(model, torch.randn(2, 4, 4, 4))
    first = gradient(guidance, latents, condition, seed=1)
    assert torch.equal(first, gradient(guidance, latents, condition, seed=1))
    assert not torch.equal(first, gradient(guidance, latents, condition, seed=2))
    assert first.isfinite().all()
    assert isinstance(guidance, Guidance)


@pytest.mark.parametrize(
    ("kind", "calls"), [("SDS", [4]), ("NFSD", [6]), ("edit", [6]), ("DDS", [8]), ("PDS", [8]), ("SDI", [4] * 4)]
)
def test_all_branches_are_one_call(model, editor, latents, kind, calls):
    """Of two pictures; the inversion has three levels of its own."""
    network, counted = editor if kind == "edit" else model, []
    hook = network.unet.register_forward_hook(lambda module, given, out: counted.append(len(given[0])))
    gradient(KINDS[kind](network), latents, ask(model, torch.randn(2, 4, 4, 4)))
    hook.remove()
    assert counted == calls


@pytest.mark.parametrize(("residual", "calls"), [(1.0, [6]), (0.0, [4])])
def test_an_anchor_is_asked_about_in_the_same_call_and_only_where_it_counts(model, latents, residual, calls):
    guidance, counted = ScoreDistillation(model, 7.5, residual), []
    hook = model.unet.register_forward_hook(lambda module, given, out: counted.append(len(given[0])))
    anchored = gradient(guidance, latents, replace(ask(model), anchor=torch.randn(2, 4, 4, 4)))
    hook.remove()
    assert counted == calls
    assert torch.equal(anchored, gradient(guidance, latents, ask(model))) == (residual == 0)


@each_kind
def test_texts_may_differ_by_picture(model, editor, latents, kind):
    guidance = KINDS[kind](editor if kind == "edit" else model)
    condition = ask(model, torch.randn(2, 4, 4, 4))
    each = replace(
        condition,
        text=condition.text[:, None].repeat(1, 2, 1, 1),
        source=condition.source.repeat(2, 1, 1),
        flaws=condition.flaws.repeat(2, 1, 1),
    )
    expected = gradient(guidance, latents, condition)
    torch.testing.assert_close(gradient(guidance, latents, each), expected)
    swapped = replace(each, text=torch.stack([each.text[0], each.text[:, 1].flip(0)], dim=1))
    assert not torch.equal(gradient(guidance, latents, swapped)[1], expected[1])


def test_a_depth_picture_reaches_every_branch(latents):
    model = tiny_diffusion(control=True)
    condition = replace(ask(model), depth=torch.rand(2, 3, 32, 32), depth_strength=0.5)
    noisy, noise = noised(model, latents)
    wanted, other = (
        model.predict_noise(noisy, TIMESTEP, text.expand(2, -1, -1), None, condition.depth, 0.5)
        for text in condition.text
    )
    found = gradient(ScoreDistillation(model, 7.5), latents, condition)
    expected = weight(model) * (other + 7.5 * (wanted - other) - noise)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("kind", ["draw", "edit"])
def test_against_an_anchor_nothing_named_changes_nothing_and_what_moved_is_pulled_back(model, editor, latents, kind):
    """The residual alone: zero where the picture is its anchor's, else the difference of two predictions."""
    network = model if kind == "draw" else editor
    guidance = ScoreDistillation(model, 3.0) if kind == "draw" else EditDistillation(editor, 3.0, 1.5)
    silent = network.encode_text(["", ""])
    still = Condition(silent, original=latents, anchor=latents)
    torch.testing.assert_close(gradient(guidance, latents, still), torch.zeros_like(latents), atol=1e-5, rtol=0)
    moved = latents + 0.5
    before, after = noised(network, latents)[0], noised(network, moved)[0]
    original = None if kind == "draw" else latents
    predictions = [
        network.predict_noise(given, TIMESTEP, silent[:1].expand(2, -1, -1), original) for given in (after, before)
    ]
    expected = weight(network) * (predictions[0] - predictions[1])
    torch.testing.assert_close(gradient(guidance, moved, still), expected, atol=1e-4, rtol=1e-3)
