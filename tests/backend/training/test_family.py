"""How the networks of the family are taught: batches that belong together, and where the editor begins."""

import random
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from backend.language import CLAY, PHOTO, Look, Person
from backend.training import networks
from backend.training.autoencoder import encode
from backend.training.family import BATCH, Lessons, draw_batch, edit_batch, editor_from, either_way, told
from backend.training.focus import Focus


def records() -> list[dict]:
    """In turn a longer nose in clay and redder lips in a photo."""
    plain = Person({"age": 0.9}, Look(skin="green"))
    nose = replace(plain, shape=plain.shape | {"nose_length": 0.8})
    lips = replace(plain, look=replace(plain.look, lips="red"))
    return [
        {"instruction": f"make it {n}", "before": asdict(plain), "after": asdict((nose, lips)[n % 2])} for n in range(8)
    ]


@pytest.fixture
def lessons() -> Lessons:
    latents = torch.arange(8.0).view(8, 1, 1, 1).expand(8, 4, 16, 16).clone()
    return Lessons.of(torch.stack([latents + 100, latents + 200], dim=1), records(), torch.zeros(8, 16, 16))


def test_captions_belong_to_their_pictures(lessons: Lessons):
    chosen, texts = draw_batch(lessons, random.Random(0))
    assert len(texts) == 2 * len(chosen) == BATCH
    for number, before, after in zip(chosen, texts[0::2], texts[1::2], strict=True):
        if before == after == "":
            continue
        news = ("nose", "lips")[number % 2]
        assert before.startswith((CLAY, PHOTO)[number % 2])
        assert (news in before, news in after) == (False, True)
        assert ("green" in before) == ("green" in after)
    assert 0 < texts.count("") < BATCH / 3


def test_without_an_instruction_nothing_changes_where_the_original_is_seen(lessons: Lessons):
    bare = blind = 0
    for seed in range(40):
        chosen, texts, seen = edit_batch(lessons, Focus(lessons.persons), random.Random(seed))
        assert set(texts[0::2]) == {""}
        for number, text, shown in zip(chosen, texts[1::2], seen.tolist(), strict=True):
            assert text == f"make it {number}" or (text == "" and not shown)
            bare, blind = bare + (text == ""), blind + (not shown)
    share = 20 * BATCH
    assert 0.02 < bare / share < 0.1
    assert 0.06 < blind / share < 0.15


def test_texts_go_with_the_picture_that_is_shown(lessons: Lessons):
    texts = [text for number in range(8) for text in (f"{number} before", f"{number} after")]
    shown, other, ordered = either_way(lessons.pairs, texts, random.Random(0))
    turned = []
    for number in range(8):
        before, after = float(shown[number, 0, 0, 0]), float(other[number, 0, 0, 0])
        assert {before, after} == {number + 100, number + 200}
        expected = [f"{number} before", f"{number} after"]
        turned.append(before > after)
        assert ordered[2 * number : 2 * number + 2] == (expected[::-1] if before > after else expected)
    assert 1 < sum(turned) < 7


def test_what_is_told_is_what_the_texts_say():
    assert told(["", "", "a", "b", "a", "a"]).tolist() == [False, True, False]


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
