"""What our encode, predict and decode draw is what diffusers' own pipelines draw: real checkpoints are fed rightly."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from diffusers import (
    ControlNetModel,
    DDIMScheduler,
    PNDMScheduler,
    StableDiffusionControlNetPipeline,
    StableDiffusionInstructPix2PixPipeline,
    StableDiffusionPipeline,
)

from backend import checkpoints
from backend.diffusion.model import Diffusion
from tests.tiny_diffusion import scheduler, speaking, tiny_diffusion

STEPS, SCALE, IMAGE_SCALE = 3, 5.0, 1.5
WORDS = ["red lips", "blue"]


def starter(role: str) -> Diffusion:
    return Diffusion.load(checkpoints.components("starter", role))


@pytest.fixture(scope="module")
def drawing() -> Diffusion:
    return starter("text-to-image")


@pytest.fixture(params=["toy", "toy predicting v", "starter"])
def model(request) -> Diffusion:
    if request.param == "starter":
        return request.getfixturevalue("drawing")
    return tiny_diffusion(prediction_type="epsilon" if request.param == "toy" else "v_prediction")


def schedule(model: Diffusion, kind: type = DDIMScheduler, **changes: object) -> DDIMScheduler:
    if kind is PNDMScheduler:
        changes["skip_prk_steps"] = True  # as Stable Diffusion 1.5 has it
    return kind.from_config(scheduler(model.prediction_type).config, **changes)


def pipeline(kind: type, model: Diffusion, rule: object, **parts: object) -> Callable:
    made = kind(
        vae=model.vae,
        text_encoder=model.text_encoder,
        tokenizer=model.tokenizer,
        unet=model.unet,
        scheduler=rule,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
        **parts,
    )
    made.set_progress_bar_config(disable=True)
    return made


def settings() -> dict[str, object]:
    return {
        "prompt": WORDS[0],
        "negative_prompt": WORDS[1],
        "num_inference_steps": STEPS,
        "guidance_scale": SCALE,
        "generator": torch.Generator().manual_seed(3),
        "output_type": "pt",
    }


def drawn(model: Diffusion, rule: DDIMScheduler, ask: Callable) -> torch.Tensor:
    """Pictures by our functions; `ask` predicts the noise of latents at a timestep."""
    rule.set_timesteps(STEPS)
    latents = torch.randn(1, 4, *[model.unet.config.sample_size] * 2, generator=torch.Generator().manual_seed(3))
    for timestep in rule.timesteps:
        latents = rule.step(ask(latents, timestep[None]), timestep, latents).prev_sample
    return model.decode(latents)


def picture(model: Diffusion) -> torch.Tensor:
    return torch.rand(1, 3, model.picture_size, model.picture_size, generator=torch.Generator().manual_seed(4))


@pytest.mark.parametrize("kind", [DDIMScheduler, PNDMScheduler])
def test_drawing_is_stable_diffusions(model, kind):
    if kind is PNDMScheduler and model.prediction_type == "v_prediction":
        pytest.skip("it mixes earlier answers, and mixed velocities are not mixed noises")
    expected = pipeline(StableDiffusionPipeline, model, schedule(model, kind))(**settings()).images
    text = model.encode_text(WORDS)

    def ask(latents, timestep):
        wanted, other = model.predict_each(latents.expand(2, *latents.shape), timestep, text)
        return other + SCALE * (wanted - other)

    found = drawn(model, schedule(model, kind, prediction_type="epsilon"), ask)
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=1e-3)
    assert found.std() > 0.01


def test_drawing_after_a_depth_picture_is_controlnets(model):
    control = (
        speaking(ControlNetModel.from_unet(model.unet))
        if model.picture_size == 128
        else tiny_diffusion(control=True).controlnet
    )
    model, depth = replace(model, controlnet=control), picture(model)
    piped = pipeline(StableDiffusionControlNetPipeline, model, schedule(model), controlnet=control)
    expected = piped(**settings(), image=depth, controlnet_conditioning_scale=0.7).images
    text = model.encode_text(WORDS)

    def ask(latents, timestep):
        given = latents.expand(2, *latents.shape)
        wanted, other = model.predict_each(given, timestep, text, depth=depth, depth_strength=0.7)
        return other + SCALE * (wanted - other)

    rule = schedule(model, prediction_type="epsilon")
    torch.testing.assert_close(drawn(model, rule, ask), expected, atol=2e-4, rtol=1e-3)
    plain = pipeline(StableDiffusionPipeline, model, schedule(model))(**settings()).images
    assert (plain - expected).abs().max() > 1e-3


@pytest.mark.parametrize("which", ["toy", "toy predicting v", "starter"])
def test_editing_is_instruct_pix2pixs(which):
    """The starter's network learnt from scaled latents, which the pipeline takes in place of the picture."""
    if which == "starter":
        model = starter("instruct-edit")
    else:
        model = tiny_diffusion(in_channels=8, prediction_type="epsilon" if which == "toy" else "v_prediction")
    before = picture(model)
    original = model.encode(before)
    given = original if which == "starter" else before
    piped = pipeline(StableDiffusionInstructPix2PixPipeline, model, schedule(model))
    expected = piped(**settings(), image=given, image_guidance_scale=IMAGE_SCALE).images
    text = model.encode_text(WORDS)[[0, 1, 1]]
    originals = torch.stack([original, original, torch.zeros_like(original)])

    def ask(latents, timestep):
        full, image, bare = model.predict_each(latents.expand(3, *latents.shape), timestep, text, originals)
        return bare + SCALE * (full - image) + IMAGE_SCALE * (image - bare)

    found = drawn(model, schedule(model, prediction_type="epsilon"), ask)
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=1e-3)
