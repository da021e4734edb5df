"""How the networks of the family are taught: batches that belong together, and where the editor begins."""

import random

import numpy as np
import pytest
import torch

from backend.training import networks
from backend.training.autoencoder import encode
from backend.training.data import CLAY, PHOTO
from backend.training.family import BATCH, Lessons, draw_batch, edit_batch, editor_from

PERSON = {"shape": {"age": 0.9, "nose_length": 0.8}, "look": {"skin": "green", "lips": None, "mask": None}}


@pytest.fixture
def lessons() -> Lessons:
    latents = torch.arange(8.0).view(8, 1, 1, 1).expand(8, 4, 16, 16).clone()
    pairs = torch.stack([latents + 100, latents + 200], dim=1)
    return Lessons(latents, [PERSON, PERSON], pairs, [f"make it {n}" for n in range(8)])


def test_captions_belong_to_their_pictures(lessons: Lessons):
    latents, texts = draw_batch(lessons, random.Random(0))
    assert latents.shape == (BATCH, 4, 16, 16)
    for picture, text in zip(latents[:, 0, 0, 0].tolist(), texts, strict=True):
        assert text == "" or text.startswith(CLAY if picture % 4 < 2 else PHOTO)


def test_instructions_belong_to_their_pairs_and_some_are_left_out(lessons: Lessons):
    bare = blind = 0
    for seed in range(20):
        after, texts, before = edit_batch(lessons, random.Random(seed))
        for new, text, old in zip(after[:, 0, 0, 0].tolist(), texts, before[:, 0, 0, 0].tolist(), strict=True):
            assert text in ("", f"make it {new - 200:.0f}")
            assert old in (0, new - 100)
            bare, blind = bare + (text == ""), blind + (old == 0)
    share = 20 * BATCH
    assert 0.04 < bare / share < 0.2
    assert 0.04 < blind / share < 0.2
    assert lessons.pairs[0, 0].eq(100).all()


def test_the_editor_begins_as_the_one_that_draws():
    torch.manual_seed(0)
    draw = networks.unet()
    editor = editor_from(draw)
    given, text = torch.randn(2, 8, 16, 16), torch.randn(2, 5, networks.TEXT_WIDTH)
    drawn = draw(given[:, :4], torch.tensor([10, 700]), text).sample
    assert torch.allclose(editor(given, torch.tensor([10, 700]), text).sample, drawn, atol=1e-5)


def test_latents_are_scaled_and_eight_times_smaller():
    model = networks.autoencoder().eval()
    pictures = np.random.default_rng(0).integers(0, 255, (3, 3, 128, 128), dtype=np.uint8)
    plain = encode(model, pictures)
    model.register_to_config(scaling_factor=2.0)
    assert plain.shape == (3, 4, 16, 16)
    assert torch.allclose(encode(model, pictures), 2 * plain)
