"""A ControlNet for depth: the pictures it learns from, where it begins, and that it alone learns."""

import random

import pytest
import torch

from backend.diffusion.model import Diffusion
from backend.training import control, networks
from backend.training.autoencoder import encode
from backend.training.control import Controlled, make_views, train_controlnet
from backend.training.denoising import Denoising
from backend.training.tokenizer import build
from tests.tiny_diffusion import tiny_diffusion


@pytest.fixture(scope="module")
def base() -> Diffusion:
    torch.manual_seed(0)
    words = build()
    parts = [networks.text_encoder(words), networks.autoencoder(), networks.unet()]
    frozen = [part.eval().requires_grad_(False) for part in parts]
    return Diffusion(words, *frozen, alphas_cumprod=networks.scheduler().alphas_cumprod, prediction_type="epsilon")


@pytest.fixture(scope="module")
def views(studio, base, tmp_path_factory) -> control.Views:
    return make_views(studio, base, 2, 5, tmp_path_factory.mktemp("views") / "views.safetensors")


def test_views_are_of_one_head_with_its_depth_and_come_back_from_the_file(studio, base, views, tmp_path, monkeypatch):
    count = len(control.VIEWS)
    assert views.latents.shape == (2 * count, 4, 16, 16)
    assert len(views.persons) == 2
    shown = views.shown([0, 1])
    assert shown.shape == (2, 3, 128, 128)
    head = shown[:, 0] > 0
    assert 0.2 < head.float().mean() < 0.9
    assert shown[:, 0][head].min() >= 127 / 255
    assert shown.amax((1, 2, 3)).tolist() == pytest.approx([1, 1])
    path = tmp_path / "views.safetensors"
    again = make_views(studio, base, 1, 5, path)
    torch.testing.assert_close(again.latents, views.latents[:count])
    monkeypatch.setattr(control, "look", None)
    assert torch.equal(make_views(studio, base, 1, 5, path).depths, again.depths)
    assert path.is_file()


def test_captions_say_what_kind_of_picture_it_is(views):
    for number, kind in enumerate(control.VIEWS):
        assert views.text(number, random.Random(1)).startswith("a clay render" if kind == "clay" else "a photo")
    latents, shown, texts = views.batch(random.Random(0))
    assert len(latents) == len(shown) == len(texts) == control.BATCH
    assert 0.1 < texts.count("") / len(texts) < 0.5


def test_it_begins_by_changing_nothing_and_is_small(base):
    torch.manual_seed(1)
    controlnet = networks.controlnet(base.unet)
    assert sum(parameter.numel() for parameter in controlnet.parameters()) < 1.2e6
    noisy, timestep, text = torch.randn(2, 4, 16, 16), torch.tensor([10, 700]), torch.randn(2, 5, networks.TEXT_WIDTH)
    with torch.no_grad():
        led = Controlled(base.unet, controlnet)(noisy, timestep, text, torch.rand(2, 3, 128, 128)).sample
        torch.testing.assert_close(led, base.unet(noisy, timestep, text).sample)


def test_only_the_controlnet_learns(base, views, tmp_path, monkeypatch):
    monkeypatch.setattr(control, "BATCH", 4)
    before = {name: tensor.clone() for name, tensor in base.unet.state_dict().items()}
    controlnet = train_controlnet(base, views, 0.05, 1, tmp_path / "journal")
    assert controlnet.controlnet_mid_block.weight.abs().max() > 0
    assert all(torch.equal(tensor, before[name]) for name, tensor in base.unet.state_dict().items())


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_a_batch_holds_what_the_network_should_answer(kind):
    """From the answer and the noisy latents the clean ones come back."""
    model, latents = tiny_diffusion(prediction_type=kind), torch.randn(5, 4, 4, 4)
    batch = Denoising.of(model, latents, torch.rand(5, 3, 32, 32))
    alpha = model.alpha(batch.timestep)
    if kind == "epsilon":
        clean = (batch.given - (1 - alpha).sqrt() * batch.answer) / alpha.sqrt()
    else:
        clean = alpha.sqrt() * batch.given - (1 - alpha).sqrt() * batch.answer
    torch.testing.assert_close(clean, latents, atol=1e-3, rtol=1e-3)
    shares = batch.shares(2)
    assert [len(share) for share in shares] == [3, 2]
    assert torch.equal(torch.cat([share.shown for share in shares]), batch.shown)


@pytest.mark.parametrize(("often", "share"), [(None, 0.3), ((200, 500), 0.65)])
def test_half_of_a_batch_has_as_much_noise_as_is_asked(often, share):
    timestep = Denoising.of(tiny_diffusion(), torch.randn(2000, 4, 2, 2), often=often).timestep
    assert ((timestep >= 200) & (timestep < 500)).float().mean() == pytest.approx(share, abs=0.05)


def test_the_pictures_are_encoded_as_all_others_are(base):
    pictures = torch.rand(2, 3, 128, 128)
    stored = (pictures * 255).round().byte().numpy()
    torch.testing.assert_close(
        encode(base.vae, stored), base.encode(torch.from_numpy(stored) / 255), atol=1e-4, rtol=1e-3
    )
