"""A step of `released`, computed again in float64 from faceg2e.md's formulas, without our guidance."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from backend.diffusion.guidance import Condition, ScoreDistillation
from backend.diffusion.model import Diffusion
from backend.render.light import released_lights
from backend.render.picture import Surface, look
from backend.render.views import RELEASED_VIEWS, released_cameras
from backend.settings import RELEASED
from backend.stages import geometry, texture
from backend.stages.guiding import Prior
from backend.stages.optimise import Watch
from tests.tiny_diffusion import tiny_diffusion
from tests.toy_head import toy_head

SEED, NATIVE, SMALL = 5, 128, 56  # 56 of 128 is 224 of 512
TEXT = torch.randn(2, 12, 8, generator=torch.Generator().manual_seed(1))


def exact(networks: Diffusion) -> Diffusion:
    """The same in float64."""
    control = None if networks.controlnet is None else deepcopy(networks.controlnet).double()
    return replace(
        networks,
        vae=deepcopy(networks.vae).double(),
        unet=deepcopy(networks.unet).double(),
        controlnet=control,
        alphas_cumprod=networks.alphas_cumprod.double(),
    )


def noise(shape: torch.Size, generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator).double()


def encoded(networks: Diffusion, pictures: Tensor, drawn: torch.Generator) -> Tensor:
    """E(2x - 1), drawn from the posterior, times the factor."""
    found = networks.vae.encode(2 * pictures - 1).latent_dist
    return (found.mean + found.std * noise(found.mean.shape, drawn)) * networks.vae.config.scaling_factor


def score(
    networks: Diffusion, z: Tensor, t: int, scale: float, drawn: torch.Generator, depth: Tensor | None = None
) -> Tensor:
    """w(t)(ε̂ - ε) with ε̂ = ε_c + s(ε_c - ε_u), no mean taken (faceg2e.md, 2.1)."""
    alpha, e = networks.alphas_cumprod[t], noise(z.shape, drawn)
    noisy = alpha.sqrt() * z.detach() + (1 - alpha).sqrt() * e
    found = []
    for text in TEXT.double():
        given, extra = {"encoder_hidden_states": text[None]}, {}
        if depth is not None:
            down, middle = networks.controlnet(noisy, t, **given, controlnet_cond=depth.double(), return_dict=False)
            extra = {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
        with torch.no_grad():
            found.append(networks.unet(noisy, t, **given, **extra).sample)
    with_text, without = found
    return (1 - alpha) * (with_text + scale * (with_text - without) - e)


def first_gradient(state: dict[str, Tensor], share: float) -> Tensor:
    """What the optimiser's first moment was made of."""
    return state["optimiser.first0"] / share


def view(stage: str, drawn: torch.Generator) -> tuple[object, Tensor]:
    cameras = released_cameras(*RELEASED_VIEWS[stage].draw(1, drawn))
    lights = released_lights()
    return cameras, lights[torch.randint(len(lights), (1,), generator=drawn)]


def test_a_step_of_geometry_is_that_of_the_formulas():
    model, networks, kept = toy_head(), tiny_diffusion(picture=NATIVE), []
    surface = Surface.of(model.topology)
    asked = replace(RELEASED.geometry, steps=1, save_every=1)
    watch = Watch(keep=lambda step, state, picture: kept.append(state))
    guidance = ScoreDistillation(networks, asked.guidance_scale, summed=asked.summed)
    geometry.generate(model, surface, guidance, lambda cameras: Condition(TEXT), asked, SEED, watch)

    drawn, double = torch.Generator().manual_seed(SEED), exact(networks)
    cameras, light = view("geometry", drawn)
    kind = ("normal", "grey")[int(torch.randint(2, (), generator=drawn))]
    identity = torch.zeros(1, model.identity_size, requires_grad=True)
    scene = look(surface, model.vertices(identity=identity), cameras, light, SMALL)
    shown = scene.normal_map() if kind == "normal" else scene.textureless(0.0, clamped=False)
    picture = shown.detach().double().requires_grad_()
    large = torch.nn.functional.interpolate(picture, (NATIVE, NATIVE), mode="bilinear", align_corners=False)
    z = encoded(double, large, drawn)
    t = int(torch.randint(20, 981, (1,), generator=drawn))
    (of_picture,) = torch.autograd.grad(z, picture, score(double, z, t, 100.0, drawn))
    (expected,) = torch.autograd.grad(shown, identity, of_picture.float())
    expected = expected * min(1.0, 5.0 / float(expected.norm()))
    torch.testing.assert_close(first_gradient(kept[0], 1 - 0.98), expected, rtol=2e-3, atol=2e-3)
    assert expected.abs().max() > 0.1


@pytest.mark.parametrize("latent_steps", [0, 1])
def test_a_step_of_texture_is_that_of_the_formulas(latent_steps):
    """Both phases: latents worn and seen, and textures decoded, drawn, encoded; the prior, and depth with near dark."""
    model, networks, kept = toy_head(), tiny_diffusion(control=True, picture=NATIVE), []
    surface, head = Surface.of(model.topology), model.vertices()
    asked = replace(RELEASED.texture, steps=2, save_every=1, latent_steps=latent_steps)
    prior = Prior(ScoreDistillation(tiny_diffusion(), 2.0, summed=True), Condition(TEXT), asked, "rgb")
    guidance = ScoreDistillation(networks, asked.guidance_scale, summed=asked.summed)
    fixed = torch.zeros(256, 256, dtype=torch.bool)
    watch = Watch(keep=lambda step, state, picture: kept.append(state))
    given = (surface, head, torch.full((1, 3, 256, 256), 0.5), fixed, guidance, lambda seen, scene: Condition(TEXT))
    texture.distil(*given, asked, SEED, watch, texture.Leads([prior]))

    drawn, double = torch.Generator().manual_seed(SEED), exact(networks)
    cameras, light = view("texture", drawn)
    t = 980  # the first of any number of steps
    u = torch.zeros(1, 4, 16, 16, dtype=torch.float64, requires_grad=True)
    depth = look(surface, head, cameras, light, NATIVE).depth(near_bright=False)
    if latent_steps:
        scene = look(surface, head, cameras, light, NATIVE // 8)
        z, d = passed(u, scene.unlit), None
    else:
        factor = double.vae.config.scaling_factor
        d = (double.vae.decode(u / factor).sample / 2 + 0.5).clamp(0, 1)
        d = torch.nn.functional.interpolate(d, (256, 256), mode="bilinear", align_corners=False)
        scene = look(surface, head, cameras, light, SMALL)
        shown = passed(d, lambda albedo: scene.textured(albedo, 0.0, clamped=False))
        large = torch.nn.functional.interpolate(shown, (NATIVE, NATIVE), mode="bilinear", align_corners=False)
        z = encoded(double, large, drawn)
    torch.randint(0, 1, (1,), generator=drawn)  # a jitter of none
    found = torch.autograd.grad(z, u, score(double, z, t, 100.0, drawn, depth), retain_graph=True)[0]
    z = u
    if d is not None:
        z = encoded(double, torch.nn.functional.interpolate(d, (32, 32), mode="bilinear", antialias=True), drawn)
    found = found + 3 * torch.autograd.grad(z, u, score(replace(double, controlnet=None), z, t, 1.0, drawn))[0]
    torch.testing.assert_close(first_gradient(kept[0], 1 - 0.9).double(), found, rtol=5e-3, atol=5e-3)
    assert found.abs().max() > 0.1


def passed(values: Tensor, draw) -> Tensor:
    """Our renderer in float32 between two parts in float64."""
    return draw(values.float()).double()
