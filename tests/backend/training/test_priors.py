"""Texture priors: they are shown what the stages show, a killed run goes on, and what comes out is diffusers'."""

import json
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file

from backend.diffusion.priors import TEXT, text_of
from backend.errors import CheckpointUnsupported, DiskFull
from backend.render.colour import PRIOR_SPACES, for_prior
from backend.training import loop, lora, priors
from backend.training.priors import PriorLessons, seen_by_prior, train_prior, write_prior
from backend.training.textures import Textures
from tests.tiny_diffusion import tiny_diffusion

SHORT = 0.02  # minutes


def some(mirrored: bool = False, count: int = 3) -> Textures:
    torch.manual_seed(3)
    return Textures(torch.rand(count, 3, 32, 32), "facewright", mirrored, "CC0-1.0")


@pytest.mark.parametrize("space", PRIOR_SPACES)
def test_training_and_distillation_see_the_same_bits(space):
    base, textures = tiny_diffusion(), some()
    learnt = PriorLessons.of(base, textures, space).latents
    for number, picture in enumerate(textures.pictures):
        distilled = base.encode(for_prior(picture[None].requires_grad_(True), space)).detach()
        assert torch.equal(learnt[number : number + 1], distilled)
        assert torch.equal(seen_by_prior(base, picture[None].detach(), space), distilled)


def test_mirrored_textures_are_learnt_where_the_layout_allows():
    base = tiny_diffusion()
    plain, both = (PriorLessons.of(base, some(mirrored), "rgb").latents for mirrored in (False, True))
    assert torch.equal(both[:3], plain)
    assert torch.equal(both[3:], PriorLessons.of(base, Textures(some().pictures.flip(3), "", False, ""), "rgb").latents)


def test_some_texts_are_left_empty():
    import random

    lessons = PriorLessons.of(tiny_diffusion(), some(), "rgb")
    texts = torch.cat([lessons.batch(random.Random(seed))[1] for seed in range(60)])
    empty = (texts == lessons.text[1]).all(2).all(1).float().mean()
    assert 0.06 < empty < 0.14


@pytest.mark.parametrize("kind", ["small", "full", "lora"])
def test_what_is_trained_is_a_folder_of_diffusers(tmp_path, kind):
    base = tiny_diffusion()
    before = {name: tensor.clone() for name, tensor in base.unet.state_dict().items()}
    unet = train_prior(base, some(), "yuv", kind, SHORT, 1, tmp_path / "journal")
    write_prior(unet, some(), kind, {"color_space": "yuv"}, tmp_path / "prior")
    loaded = UNet2DConditionModel.from_pretrained(tmp_path / "prior", torch_dtype=torch.float32)
    about = json.loads((tmp_path / "prior" / "training.json").read_text())
    assert (about["licence"], about["text"], about["color_space"]) == ("CC0-1.0", TEXT, "yuv")
    assert text_of(loaded) == TEXT
    assert loaded.config["prior_space"] == "yuv"
    assert all(torch.isfinite(tensor).all() for tensor in loaded.state_dict().values())
    changed = {
        name
        for name, tensor in loaded.state_dict().items()
        if kind == "small" or not tensor.equal(before[name].half().float())
    }
    attention = {name for name in before if name.split(".weight")[0].endswith(lora.LAYERS)}
    assert (changed == attention) == (kind == "lora")
    assert changed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["prior"]


def test_adapters_add_to_the_weights_what_their_own_file_says(tmp_path):
    torch.manual_seed(0)
    unet = tiny_diffusion().unet
    before = {name: tensor.clone() for name, tensor in unet.state_dict().items()}
    lora.adapt(unet, rank=4)
    trained = [parameter for parameter in unet.parameters() if parameter.requires_grad]
    for parameter in trained:
        torch.nn.init.normal_(parameter, std=0.1)
    (tmp_path / lora.FILE).write_bytes(lora.file_of(unet))
    lora.merge(unet)
    told = load_file(tmp_path / lora.FILE)
    downs = [name for name in told if name.endswith("lora_A.weight")]
    assert len(trained) == len(told) == 2 * len(downs)
    for name in downs:
        weight = f"{name.removeprefix('unet.').removesuffix('.lora_A.weight')}.weight"
        product = told[name.replace("lora_A", "lora_B")] @ told[name]
        torch.testing.assert_close(unet.state_dict()[weight], before[weight] + product)


def test_a_prior_of_a_network_that_edits_is_refused(tmp_path):
    with pytest.raises(CheckpointUnsupported, match="one that edits"):
        train_prior(tiny_diffusion(8), some(), "rgb", "full", SHORT, 1, tmp_path / "journal")


def test_a_killed_run_goes_on_where_it_was(tmp_path, monkeypatch, capsys):
    journal, count = tmp_path / "journal", []
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    backward = priors.Workers.backward

    def dying(self, batch, text):
        count.append(0)
        if len(count) > 25:
            raise KeyboardInterrupt
        return backward(self, batch, text)

    monkeypatch.setattr(priors.Workers, "backward", dying)
    with pytest.raises(KeyboardInterrupt):
        train_prior(tiny_diffusion(), some(), "rgb", "lora", 60.0, 1, journal)
    assert journal.is_file()
    monkeypatch.setattr(priors.Workers, "backward", backward)
    train_prior(tiny_diffusion(), some(), "rgb", "lora", SHORT, 1, journal)
    assert "prior rgb goes on from step" in capsys.readouterr().err
    assert not journal.exists()


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    from safetensors import SafetensorError

    def full(self, folder, **options):
        Path(folder).mkdir()
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    unet = tiny_diffusion().unet
    monkeypatch.setattr(type(unet), "save_pretrained", full)
    with pytest.raises(DiskFull):
        write_prior(unet, some(), "full", {}, tmp_path / "prior")
    assert not list(tmp_path.iterdir())
