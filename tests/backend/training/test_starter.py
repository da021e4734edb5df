"""`train starter` from nothing to a family that diffusers loads, and what it does when it was killed."""

import json

import pytest
import torch
from diffusers import AutoencoderTiny, ControlNetModel, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from backend.training import starter
from backend.training.commands import STARTER
from backend.training.starter import train_starter


def make(tmp_path, **changes):
    given = {"minutes": 0.1, "heads": 5, "seed": 1} | changes
    return train_starter(STARTER / "anny.npz", tmp_path / "work", tmp_path / "out", **given)


def untouched(*arguments):
    raise AssertionError("this phase was done")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("starter")
    make(place)
    return place


def test_the_family_is_a_pipeline_of_diffusers(made):
    out = made / "out"
    parts = {
        "vae": AutoencoderTiny.from_pretrained(out / "vae"),
        "text_encoder": CLIPTextModel.from_pretrained(out / "text_encoder", dtype=torch.float32),
        "tokenizer": CLIPTokenizer.from_pretrained(out / "tokenizer"),
        "unet": UNet2DConditionModel.from_pretrained(out / "unet"),
        "scheduler": DDIMScheduler.from_pretrained(out / "scheduler"),
    }
    pipeline = StableDiffusionPipeline(
        **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )
    pipeline.set_progress_bar_config(disable=True)
    picture = pipeline("a photo of a person", num_inference_steps=2, output_type="pt").images
    assert picture.shape == (1, 3, 128, 128)
    assert torch.isfinite(picture).all()
    editor = UNet2DConditionModel.from_pretrained(out / "instruct_edit")
    assert editor.config["in_channels"] == 8
    controlnet = ControlNetModel.from_pretrained(out / "controlnet")
    assert controlnet.config["block_out_channels"] == parts["unet"].config["block_out_channels"]
    for space in ("rgb", "yuv"):
        assert UNet2DConditionModel.from_pretrained(out / f"prior_{space}").config["prior_space"] == space
        assert json.loads((out / f"prior_{space}" / "training.json").read_text("utf-8"))["color_space"] == space
    assert not [config for config in out.rglob("*.json") if str(made) in config.read_text(encoding="utf-8")]
    assert not [path for path in made.rglob("*") if "partial" in path.name or path.name == starter.JOURNAL]


def test_a_second_call_repeats_no_phase(made, monkeypatch):
    monkeypatch.setattr(starter.data, "make_changes", untouched)
    monkeypatch.setattr(starter, "train_autoencoder", untouched)
    monkeypatch.setattr(starter.family, "train_draw", untouched)
    monkeypatch.setattr(starter.control, "train_controlnet", untouched)
    monkeypatch.setattr(starter.priors, "train_prior", untouched)
    before = (made / "out" / "unet" / "diffusion_pytorch_model.safetensors").read_bytes()
    make(made)
    assert (made / "out" / "unet" / "diffusion_pytorch_model.safetensors").read_bytes() == before


def test_a_call_after_a_kill_trains_only_what_is_missing(made, monkeypatch):
    work = next((made / "work").iterdir())
    text_before = (work / "text_encoder" / "model.safetensors").read_bytes()
    (work / "instruct_edit" / "diffusion_pytorch_model.safetensors").unlink()
    (work / "instruct_edit" / "config.json").unlink()
    (work / "instruct_edit").rmdir()
    monkeypatch.setattr(starter.family, "train_draw", untouched)
    make(made)
    assert (work / "instruct_edit" / "diffusion_pytorch_model.safetensors").is_file()
    assert (work / "text_encoder" / "model.safetensors").read_bytes() == text_before
