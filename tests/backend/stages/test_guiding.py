"""Each stage's guidance, with networks of toy size."""

from dataclasses import replace

import pytest
import torch

from backend.checkpoints import PROFILES
from backend.diffusion.editing import DeltaDistillation, EditDistillation, PosteriorDistillation
from backend.diffusion.guidance import InversionDistillation, NoiseFreeDistillation, ScoreDistillation
from backend.prompts import phrased
from backend.render.camera import Cameras
from backend.settings import PRESETS, EditTextureSettings, GeometrySettings, changed
from backend.settings.stages import EDIT_GUIDANCES, GUIDANCES
from backend.stages import guiding
from backend.stages.guiding import between, compares, drawing, editing
from tests.tiny_diffusion import tiny_diffusion


def around(*azimuths: float) -> Cameras:
    return Cameras(torch.tensor(azimuths), torch.zeros(len(azimuths)))


def test_each_view_is_told_its_own_words():
    model = tiny_diffusion()
    prompt = phrased("red lips", PROFILES["full"], "geometry", "x", {"front view": "", "side view": "y"})
    _, wanted = drawing(model, GeometrySettings(), prompt)
    text = wanted(around(0.0, -90.0)).text
    assert text.shape == (2, 2, 12, 8)
    for number, view in enumerate(("front view", "side view")):
        assert torch.equal(text[:, number], model.encode_text(list(prompt.said(view))))
    assert not torch.equal(text[0, 0], text[0, 1])


def test_a_family_without_words_for_views_is_read_once():
    model = tiny_diffusion()
    _, wanted = drawing(model, GeometrySettings(), phrased("red lips", PROFILES["starter"], "texture"))
    assert wanted(around(0.0, 180.0)).text.shape == (2, 12, 8)
    assert torch.equal(wanted(around(0.0)).text, model.encode_text(["a photo of red lips", ""]))


@pytest.mark.parametrize("stage", ["geometry", "texture"])
@pytest.mark.parametrize("preset", PRESETS)
def test_every_kind_of_guidance_is_reached_from_every_preset_with_the_settings_numbers(preset, stage):
    model, prompt = tiny_diffusion(), phrased("red lips", PROFILES["starter"], stage)
    set_to = {"residual": 0.7, "flaws_scale": 0.5, "guidance_scale": 9.0, "inversion_steps": 2, "inversion_scale": -3.0}
    asked = changed(PRESETS[preset], {f"{stage}.{name}": value for name, value in set_to.items()})
    summed = PRESETS[preset].geometry.summed
    expected = {
        "sds": ScoreDistillation(model, 9.0, 0.7, summed=summed),
        "csd": ScoreDistillation(model, 9.0, 0.0, 0.5, summed=summed),
        "nfsd": NoiseFreeDistillation(model, 9.0, summed=summed),
        "sdi": InversionDistillation(model, 9.0, -3.0, 2, summed=summed),
    }
    assert set(expected) == set(GUIDANCES) == set(guiding.GUIDANCES)
    for name, wanted in expected.items():
        chosen = changed(asked, {f"{stage}.guidance": name})
        assert drawing(model, getattr(chosen, stage), prompt)[0] == wanted


@pytest.mark.parametrize("kind", GUIDANCES)
@pytest.mark.parametrize("azimuths", [(0.0, 10.0), (0.0, -90.0)])
def test_every_kind_of_guidance_gets_the_words_it_needs(kind, azimuths):
    model, asked = tiny_diffusion(), GeometrySettings(guidance=kind, flaws_scale=1.0, inversion_steps=1)
    guidance, wanted = drawing(model, asked, phrased("red lips", PROFILES["full"], "geometry", "x"))
    latents = torch.randn(2, 4, 4, 4, requires_grad=True)
    guidance.loss(
        latents, torch.tensor([300, 400]), torch.Generator().manual_seed(1), wanted(around(*azimuths))
    ).backward()
    assert latents.grad.abs().min() > 0


@pytest.mark.parametrize("stage", ["edit_geometry", "edit_texture"])
@pytest.mark.parametrize("preset", PRESETS)
def test_every_kind_of_guidance_is_reached_in_edits(preset, stage):
    model = tiny_diffusion()
    asked = changed(PRESETS[preset], {f"{stage}.guidance_scale": 9.0, f"{stage}.image_guidance_scale": 1.2})
    summed, image = getattr(asked, stage).summed, 1.2
    expected = {
        "sds": EditDistillation(model, 9.0, image, getattr(asked, stage).residual, summed=summed),
        "dds": DeltaDistillation(model, 9.0, summed=summed),
        "pds": PosteriorDistillation(model, 9.0, summed=summed),
    }
    assert set(expected) == set(EDIT_GUIDANCES)
    for name, wanted in expected.items():
        settings = getattr(changed(asked, {f"{stage}.guidance": name}), stage)
        if name == "sds":
            assert editing(model, settings, "make his lips red")[0] == wanted
        else:
            guidance, condition = between(model, settings, "a person", "red lips", "ugly")
            assert guidance == wanted
            assert torch.equal(condition.text, model.encode_text(["red lips", "ugly"]))
            assert condition.source is not None
            assert torch.equal(condition.source, model.encode_text(["a person"])[0])


def test_only_what_counts_the_residual_from_before_looks_there():
    plain = GeometrySettings()
    assert compares(plain)
    assert compares(EditTextureSettings())
    for change in ({"anchored": False}, {"residual": 0.0}, {"guidance": "csd"}, {"guidance": "sdi"}):
        assert not compares(replace(plain, **change))
