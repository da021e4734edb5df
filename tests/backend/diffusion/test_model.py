import pytest
import torch

from backend import errors
from backend.diffusion.model import Diffusion
from tests.tiny_diffusion import LENGTH, WIDTH, saved, scheduler, tiny_diffusion


@pytest.fixture(scope="module")
def model() -> Diffusion:
    return tiny_diffusion()


def test_what_was_saved_loads_and_predicts_the_same(model, tmp_path):
    loaded = Diffusion.load(saved(tmp_path))
    assert (loaded.prediction_type, loaded.scaling_factor) == ("epsilon", pytest.approx(0.7))
    torch.testing.assert_close(loaded.alphas_cumprod, model.alphas_cumprod)
    text = loaded.encode_text(["red lips"])
    torch.testing.assert_close(text, model.encode_text(["red lips"]))
    noisy, timestep = torch.randn(1, 4, 4, 4), torch.tensor([500])
    torch.testing.assert_close(loaded.predict_noise(noisy, timestep, text), model.predict_noise(noisy, timestep, text))


def test_loaded_networks_are_frozen(tmp_path):
    loaded = Diffusion.load(saved(tmp_path))
    for network in (loaded.text_encoder, loaded.vae, loaded.unet):
        assert not network.training
        assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize(
    ("name", "kind"), [("unet", "UNet2DConditionModel"), ("vae", "AutoencoderKL"), ("text_encoder", "CLIPTextModel")]
)
@pytest.mark.parametrize("damage", ["absent", "truncated", "not JSON"])
def test_a_folder_that_holds_something_else_is_named(tmp_path, name, kind, damage):
    folders = saved(tmp_path)
    if damage == "absent":
        folders[name].rename(tmp_path / "elsewhere")
    elif damage == "not JSON":
        (folders[name] / "config.json").write_text("{")
    else:
        weights = next(folders[name].glob("*.safetensors"))
        weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(errors.CheckpointInvalid, match=f"{name} in {tmp_path.name} is not a {kind} folder"):
        Diffusion.load(folders)


def test_texts_are_padded_to_the_networks_length(model):
    embeddings = model.encode_text(["", "red lips", "red lips " * 40])
    assert embeddings.shape == (3, LENGTH, WIDTH)
    torch.testing.assert_close(embeddings[1], model.encode_text(["red lips"])[0])
    assert not torch.equal(embeddings[0], embeddings[1])


def test_words_that_must_be_spelt_are_unknown(model):
    unknown, said = model.unknown_words("red lips, and a zebra-striped (Lips)!")
    assert said == ["red", "lips", "and", "a", "zebra", "striped"]
    assert unknown == ["and", "zebra", "striped"]
    assert model.unknown_words(" ... ") == ([], [])


def test_latents_are_eight_times_smaller_and_scaled(model):
    images = torch.rand(2, 3, 32, 32)
    latents = model.encode(images)
    assert latents.shape == (2, 4, 4, 4)
    torch.testing.assert_close(latents, 0.7 * model.vae.encode(images * 2 - 1).latent_dist.mean)


def test_pictures_come_back_between_0_and_1(model):
    images = model.decode(30 * torch.randn(2, 4, 4, 4))
    assert images.shape == (2, 3, 32, 32)
    assert 0 <= images.min() <= images.max() <= 1


def test_encoding_has_the_gradient_of_finite_differences(model):
    images, direction = torch.rand(1, 3, 16, 16), torch.randn(1, 3, 16, 16)
    weights = torch.randn(1, 4, 2, 2)

    def value(step: float) -> torch.Tensor:
        return (model.encode(images + step * direction) * weights).sum()

    step = torch.zeros((), requires_grad=True)
    (slope,) = torch.autograd.grad(value(step), step)
    assert slope.item() == pytest.approx((value(1e-2) - value(-1e-2)).item() / 2e-2, rel=2e-2)


def test_noise_is_added_as_the_schedule_says(model):
    latents, noise = torch.randn(3, 4, 4, 4), torch.randn(3, 4, 4, 4)
    timestep = torch.tensor([0, 400, 999])
    torch.testing.assert_close(
        model.add_noise(latents, noise, timestep), scheduler().add_noise(latents, noise, timestep)
    )
    torch.testing.assert_close(model.add_noise(latents, noise, timestep)[0], latents[0], atol=0.2, rtol=0)


def test_a_prediction_of_velocity_is_turned_into_noise():
    """v = √ᾱ ε − √(1−ᾱ) x, so a network that is right about v is right about ε."""
    model = tiny_diffusion(prediction_type="v_prediction")
    text = model.encode_text(["red"])
    noisy, timestep = torch.randn(1, 4, 4, 4), torch.tensor([300])
    velocity = model.unet(noisy, timestep, encoder_hidden_states=text).sample
    alpha = model.alphas_cumprod[300]
    noise = model.predict_noise(noisy, timestep, text)
    clean = (noisy - (1 - alpha).sqrt() * noise) / alpha.sqrt()
    torch.testing.assert_close(alpha.sqrt() * noise - (1 - alpha).sqrt() * clean, velocity)


def test_predictions_carry_no_gradient(model):
    noisy = torch.randn(1, 4, 4, 4, requires_grad=True)
    assert not model.predict_noise(noisy, torch.tensor([10]), model.encode_text(["red"])).requires_grad
