"""Each stage's guidance, with networks of toy size."""

import torch

from backend.checkpoints import PROFILES
from backend.prompts import phrased
from backend.render.camera import Cameras
from backend.settings import GeometrySettings
from backend.stages.guiding import drawing
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
