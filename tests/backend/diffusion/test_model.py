import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderTiny, PNDMScheduler, UNet2DConditionModel

from backend import checkpoints, errors
from backend.diffusion.folders import native_dtype
from backend.diffusion.model import Diffusion
from tests.tiny_diffusion import LENGTH, WIDTH, controlnet, saved, scheduler, tiny_diffusion


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


def say(folder: Path, **changes: object) -> None:
    """Changes what a folder says of itself."""
    path = folder / ("scheduler_config.json" if folder.name == "scheduler" else "config.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("unet", {"addition_embed_type": "text_time"}, "is a Stable Diffusion XL"),
        ("unet", {"_class_name": "FluxTransformer2DModel"}, "has a FluxTransformer2DModel for a unet"),
        ("unet", {"in_channels": 9}, "has a unet of 9 channels"),
        ("unet", {"num_class_embeds": 1000}, "wants more than text"),
        ("vae", {"latent_channels": 16}, "has latents of 16 channels"),
        ("scheduler", {"prediction_type": "sample"}, "predicts 'sample', neither noise nor velocity"),
    ],
)
def test_other_architectures_are_refused_by_name(tmp_path, name, changes, reason):
    folders = saved(tmp_path)
    say(folders[name], **changes)
    with pytest.raises(errors.CheckpointUnsupported, match=f"{tmp_path.name} .*{reason}") as caught:
        Diffusion.load(folders)
    assert "Stable Diffusion 1.x or 2.x" in caught.value.advice


def test_an_encoder_of_another_width_is_refused(tmp_path):
    folders = saved(tmp_path)
    say(folders["unet"], cross_attention_dim=1024)
    with pytest.raises(errors.CheckpointInvalid, match=f"texts of width 1024, the text_encoder writes {WIDTH}"):
        Diffusion.load(folders)


def test_pickled_weights_are_not_read(tmp_path):
    folders = saved(tmp_path)
    weights = next(folders["unet"].glob("*.safetensors"))
    torch.save({}, weights.with_suffix(".bin"))
    weights.unlink()
    with pytest.raises(errors.CheckpointInvalid, match="unet"):
        Diffusion.load(folders)


def test_weights_that_are_there_in_half_precision_only_are_found(model, tmp_path):
    folders = saved(tmp_path)
    for name in ("unet", "vae", "text_encoder"):
        weights = next(folders[name].glob("*.safetensors"))
        weights.rename(weights.with_suffix(".fp16.safetensors"))
    torch.testing.assert_close(Diffusion.load(folders).encode_text(["red"]), model.encode_text(["red"]))


def test_a_stable_diffusion_2_loads_with_its_own_heads_and_prediction(tmp_path):
    """Heads by level, linear projections, velocity: as the published configuration of 2.1 differs from 1.5."""
    folders = saved(tmp_path, prediction_type="v_prediction")
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=6,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        block_out_channels=(8, 16),
        layers_per_block=1,
        attention_head_dim=(2, 4),
        cross_attention_dim=WIDTH,
        norm_num_groups=4,
        use_linear_projection=True,
    )
    unet.save_pretrained(str(folders["unet"]))
    loaded = Diffusion.load(folders)
    assert (loaded.prediction_type, loaded.picture_size) == ("v_prediction", 48)
    assert [block.attentions[0].transformer_blocks[0].attn1.heads for block in loaded.unet.down_blocks[:1]] == [2]
    noisy, text = torch.randn(2, 4, 6, 6), loaded.encode_text(["red", "blue"])
    alpha = loaded.alphas_cumprod[40]
    with torch.no_grad():
        velocity = unet.eval()(noisy, 40, text).sample
    expected = alpha.sqrt() * velocity + (1 - alpha).sqrt() * noisy
    torch.testing.assert_close(loaded.predict_noise(noisy, torch.tensor([40, 40]), text), expected)


def test_the_published_forms_of_tokenizer_and_scheduler_load(model, tmp_path):
    """Stable Diffusion 1.5 has a PNDM schedule, and its words as vocab.json and merges.txt."""
    folders = saved(tmp_path)
    (folders["scheduler"] / "scheduler_config.json").unlink()
    betas = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
    PNDMScheduler(**betas, skip_prk_steps=True, steps_offset=1).save_pretrained(folders["scheduler"])
    whole = folders["tokenizer"] / "tokenizer.json"
    words = json.loads(whole.read_text())["model"]
    whole.unlink()
    (folders["tokenizer"] / "vocab.json").write_text(json.dumps(words["vocab"]))
    lines = ["#version: 0.2", *(" ".join(merge) for merge in words["merges"]), ""]
    (folders["tokenizer"] / "merges.txt").write_text("\n".join(lines))
    loaded, texts = Diffusion.load(folders), ["red lips", "blue eyes", ""]
    assert torch.equal(loaded.alphas_cumprod, model.alphas_cumprod)
    assert torch.equal(loaded.encode_text(texts), model.encode_text(texts))


def test_a_tiny_autoencoder_is_known_by_its_config(tmp_path):
    folders = saved(tmp_path)
    tiny = AutoencoderTiny(
        encoder_block_out_channels=(4,) * 4,
        decoder_block_out_channels=(4,) * 4,
        num_encoder_blocks=(1,) * 4,
        num_decoder_blocks=(1,) * 4,
        scaling_factor=2.0,
        shift_factor=0.5,
    )
    for file in folders["vae"].iterdir():
        file.unlink()
    tiny.save_pretrained(str(folders["vae"]))
    loaded, images = Diffusion.load(folders), torch.rand(2, 3, 32, 32)
    latents = loaded.encode(images)
    with torch.no_grad():
        torch.testing.assert_close(latents, 2 * (tiny.encode(images * 2 - 1).latents - 0.5))
        expected = (tiny.decode(latents / 2 + 0.5).sample / 2 + 0.5).clamp(0, 1)
        torch.testing.assert_close(loaded.decode(latents), expected)


def test_networks_compute_in_what_suits_the_device_and_answer_in_what_they_are_asked(model, tmp_path):
    assert native_dtype("cpu") == torch.float32
    coarse = Diffusion.load(saved(tmp_path), dtype=torch.bfloat16)
    assert (coarse.unet.dtype, coarse.vae.dtype, coarse.text_encoder.dtype) == (torch.bfloat16,) * 3
    assert coarse.alphas_cumprod.dtype == torch.float32
    text, images = coarse.encode_text(["red"]), torch.rand(1, 3, 32, 32, requires_grad=True)
    latents = coarse.encode(images)
    latents.sum().backward()
    assert images.grad.abs().sum() > 0
    noise = coarse.predict_noise(latents.detach(), torch.tensor([500]), text)
    assert {part.dtype for part in (text, latents, coarse.decode(latents), noise)} == {torch.float32}
    exact = model.predict_noise(latents.detach(), torch.tensor([500]), model.encode_text(["red"]))
    torch.testing.assert_close(noise, exact, atol=0.05, rtol=0.05)


def test_half_precision_keeps_the_autoencoder_whole(tmp_path):
    """Its gradient would vanish: float16 ends at 6e-8."""
    loaded = Diffusion.load(saved(tmp_path), dtype=torch.float16)
    assert (loaded.unet.dtype, loaded.vae.dtype) == (torch.float16, torch.float32)


def test_texts_are_padded_to_the_networks_length(model):
    embeddings = model.encode_text(["", "red lips", "red lips " * 40])
    assert embeddings.shape == (3, LENGTH, WIDTH)
    torch.testing.assert_close(embeddings[1], model.encode_text(["red lips"])[0])
    assert not torch.equal(embeddings[0], embeddings[1])


def test_tokens_are_counted_with_both_ends(model):
    assert [model.count_tokens(text) for text in ("", "red lips", "red ox")] == [2, 4, 5]
    assert model.longest_text == LENGTH


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


def test_decoding_has_the_gradient_of_finite_differences(model):
    latents, direction = 0.1 * torch.randn(1, 4, 2, 2), torch.randn(1, 4, 2, 2)
    weights = torch.randn(1, 3, 16, 16)

    def value(step: float) -> torch.Tensor:
        return (model.decode(latents + step * direction) * weights).sum()

    step = torch.zeros((), requires_grad=True)
    (slope,) = torch.autograd.grad(value(step), step)
    assert slope.item() == pytest.approx((value(2e-3) - value(-2e-3)).item() / 4e-3, rel=3e-2)


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


def test_several_conditions_are_one_call(model):
    calls = []
    hook = model.unet.register_forward_hook(lambda module, given, out: calls.append(len(given[0])))
    noisy, timestep = torch.randn(2, 3, 4, 4, 4), torch.tensor([700, 300, 20])
    text = model.encode_text(["red lips", "blue"])
    found = model.predict_each(noisy, timestep, text)
    hook.remove()
    assert calls == [6]
    for latents, embedding, prediction in zip(noisy, text, found, strict=True):
        alone = model.predict_noise(latents, timestep, embedding.expand(3, -1, -1))
        torch.testing.assert_close(prediction, alone, atol=1e-5, rtol=1e-4)
    each = text[:, None].expand(-1, 3, -1, -1)
    torch.testing.assert_close(model.predict_each(noisy, timestep, each), found)


def test_a_controlnet_speaks_where_there_is_a_depth_picture(tmp_path):
    folders = saved(tmp_path)
    controlnet().save_pretrained(str(tmp_path / "controlnet"))
    model = Diffusion.load(folders | {"controlnet": tmp_path / "controlnet"})
    text, depth = model.encode_text(["red", "blue"]), torch.rand(2, 3, 32, 32)
    noisy, timestep = torch.randn(2, 4, 4, 4), torch.tensor([500, 100])
    down, middle = model.controlnet(noisy, timestep, text, depth, conditioning_scale=0.5, return_dict=False)
    expected = model.unet(
        noisy, timestep, text, down_block_additional_residuals=down, mid_block_additional_residual=middle
    ).sample
    found = model.predict_noise(noisy, timestep, text, depth=depth, depth_strength=0.5)
    torch.testing.assert_close(found, expected)
    plain = model.predict_noise(noisy, timestep, text)
    torch.testing.assert_close(plain, replace(model, controlnet=None).predict_noise(noisy, timestep, text))
    assert (plain - found).abs().max() > 1e-3


@pytest.mark.parametrize(("config", "factor"), [({}, 1 / 0.7), ({"original_scaled": True}, 1.0)])
def test_originals_are_scaled_as_the_network_learnt_them(config, factor):
    model = tiny_diffusion(in_channels=8)
    model.unet.register_to_config(**config)
    text, timestep = model.encode_text(["red"]), torch.tensor([300])
    noisy, original = torch.randn(2, 1, 4, 4, 4)
    expected = model.unet(torch.cat([noisy, original * factor], dim=1), timestep, text).sample
    torch.testing.assert_close(model.predict_noise(noisy, timestep, text, original), expected)


def test_our_editors_folder_says_how_it_learnt_originals():
    """Without the word it would be fed as InstructPix2Pix is, and do worse without any error."""
    model = Diffusion.load(checkpoints.components("starter", "instruct-edit"))
    assert model.unet.config["original_scaled"] is True
