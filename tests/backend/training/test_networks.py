import pytest
import torch

from backend.training import networks, tokenizer

MILLION = 1_000_000


def size(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("channels", [4, 8])
def test_the_unet_predicts_noise_of_its_latents(channels):
    unet = networks.unet(channels)
    text = torch.randn(2, tokenizer.LONGEST, networks.TEXT_WIDTH)
    noise = unet(torch.randn(2, channels, 16, 16), torch.tensor([3, 900]), text).sample
    assert noise.shape == (2, 4, 16, 16)
    assert size(unet) <= 3.3 * MILLION
    assert bool(unet.config.get("original_scaled")) == (channels == 8)


def test_the_autoencoder_makes_pictures_eight_times_smaller():
    autoencoder = networks.autoencoder()
    images = torch.rand(1, 3, 128, 128)
    latents = autoencoder.encode(images).latents
    assert latents.shape == (1, 4, 16, 16)
    assert autoencoder.decode(latents).sample.shape == images.shape
    assert size(autoencoder) <= 2 * MILLION


def test_the_text_encoder_knows_all_tokens():
    words = tokenizer.build()
    encoder = networks.text_encoder(words)
    tokens = words(["a photo of an old man", ""], padding="max_length", return_tensors="pt").input_ids
    assert encoder(tokens).last_hidden_state.shape == (2, tokenizer.LONGEST, networks.TEXT_WIDTH)
    assert encoder.config.vocab_size == len(words)
    assert size(encoder) <= 0.6 * MILLION


def test_the_schedule_is_stable_diffusions():
    """β from 0.00085 to 0.012, linear in its root; ᾱ ends at 0.0047 (Stable Diffusion's own scheduler_config)."""
    schedule = networks.scheduler()
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    torch.testing.assert_close(schedule.alphas_cumprod, (1 - betas).cumprod(0))
    assert schedule.alphas_cumprod[-1].item() == pytest.approx(0.00466, abs=1e-5)
    assert schedule.config.prediction_type == "epsilon"
