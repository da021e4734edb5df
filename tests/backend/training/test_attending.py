"""Attention is taught where the part lies that a word names, and only there."""

import pytest
import torch
from transformers import CLIPTokenizer

from backend.diffusion.attention import recording
from backend.diffusion.model import Diffusion
from backend.training import networks
from backend.training.attending import SHARE, Watched, attending, words_of
from backend.training.noised import Noised
from backend.training.tokenizer import build


@pytest.fixture(scope="module")
def tokenizer() -> CLIPTokenizer:
    return build()


def half_lit() -> torch.Tensor:
    places = torch.zeros(1, 4, 4)
    places[:, :2] = 1
    return places


def maps_of(inside: float, outside: float) -> torch.Tensor:
    """One layer's attention of 16 places to three tokens, the second of which is watched."""
    share = half_lit().flatten(1)[..., None] * (inside - outside) + outside
    return torch.cat([1 - share, share, torch.zeros_like(share)], dim=2)


def test_the_loss_is_nothing_where_all_look_as_they_should():
    watched = Watched(torch.tensor([[0.0, 1, 0]]), half_lit())

    def loss(inside: float, outside: float) -> float:
        return watched.loss([maps_of(inside, outside)]).item()

    assert loss(SHARE, 0.0) == pytest.approx(0, abs=1e-4)
    assert 0 < loss(SHARE, 0.1) < loss(SHARE, 0.3) < loss(0.1, 0.3) < loss(0.0, SHARE)
    assert loss(0.3, 0.0) < loss(1e-4, 0.0)


def test_a_word_that_gets_nothing_is_still_led_to_its_part():
    """By the logits of what a softmax made: squares would leave it where it is."""
    logits = torch.zeros(1, 16, 3)
    logits[..., 1] = -12
    logits.requires_grad_(True)
    Watched(torch.tensor([[0.0, 1, 0]]), half_lit()).loss([logits.softmax(2)]).backward()
    assert logits.grad is not None
    word = logits.grad[0, :, 1].view(4, 4)
    assert (word[:2] < -0.01).all()
    assert torch.isfinite(logits.grad).all()


def test_what_names_nothing_does_not_count_and_what_is_out_of_sight_gets_nothing():
    found, word = maps_of(0.3, 0.1), [0.0, 1, 0]
    alone = Watched(torch.tensor([word]), half_lit()).loss([found])
    both = Watched(torch.tensor([word, [0.0, 0, 0]]), half_lit().expand(2, -1, -1))
    assert both.loss([found.expand(2, -1, -1)]) == pytest.approx(alone.item())
    assert Watched(torch.zeros(1, 3), half_lit()).loss([found]) == 0
    unseen = Watched(torch.tensor([word]), torch.zeros(1, 4, 4))
    assert unseen.loss([maps_of(0.0, 0.0)]) == pytest.approx(0, abs=1e-4)
    assert unseen.loss([maps_of(0.2, 0.1)]) > unseen.loss([maps_of(0.1, 0.1)]) > 0.05


def test_without_text_padding_gets_nothing_and_shares_keep_both_of_a_picture_together():
    words, places = torch.eye(3), torch.rand(3, 4, 4)
    watched = Watched.of(words, places, ["", "a", "b", "", "", ""])
    for row, expected in enumerate((0, 1, 1, 0, 0, 0)):
        assert torch.equal(watched.words[row], words[row // 2])
        assert torch.equal(watched.places[row], expected * places[row // 2])
    assert [len(share.words) for share in watched.shares(4)] == [4, 2]


def test_the_words_of_the_part_are_found(tokenizer):
    texts = ["make her lips red", "give him a black eye mask", "make him old", "make the brows a bit darker"]
    found = words_of(tokenizer, texts)
    assert found.shape == (4, tokenizer.model_max_length)
    said = [
        [tokenizer.tokenize(text)[place - 1] for place in row.nonzero()[:, 0]]
        for text, row in zip(texts, found, strict=True)
    ]
    assert said == [["lips</w>"], ["eye</w>", "mask</w>"], [], ["brows</w>"]]


def test_the_maps_are_those_that_edits_read():
    torch.manual_seed(0)
    unet = networks.unet(8)
    given, text, token = torch.randn(2, 8, 16, 16), torch.randn(2, 77, networks.TEXT_WIDTH), 3
    model = Diffusion(None, None, None, unet, networks.scheduler().alphas_cumprod, "epsilon")
    with torch.no_grad(), attending(unet, 16) as maps, recording(model, [token]) as recorder:
        unet(given, torch.tensor([10, 700]), text)
    assert len(maps) == recorder.count() == 3
    mean = torch.stack(maps).mean(0)
    torch.testing.assert_close(mean[..., token].unflatten(1, (16, 16)), recorder.maps()[:, 0])
    torch.testing.assert_close(mean.sum(2), torch.ones(2, 256))


def test_steps_bring_attention_to_the_part():
    """And afterwards nothing is hooked to the UNet."""
    torch.manual_seed(0)
    unet, text = networks.unet(8), torch.randn(2, 77, networks.TEXT_WIDTH)
    words, places = torch.zeros(2, 77), torch.zeros(2, 16, 16)
    words[:, 5], places[:, 4:8, 4:8] = 1, 1
    watched = Watched.of(words[:1], places[:1], ["", "told"])
    shown, other, original = torch.randn(3, 1, 4, 16, 16)
    batch = Noised.of(networks.scheduler(), shown, other, torch.tensor([True]), original, watched)
    assert [share.watched is not None for share in batch.shares(1)] == [True]
    optimiser = torch.optim.Adam(unet.parameters(), 3e-3)
    for _ in range(40):
        optimiser.zero_grad()
        batch.backward(unet, text)
        optimiser.step()
    with torch.no_grad(), attending(unet, 16) as maps:
        unet(batch.given, batch.timestep, text)
    share = torch.stack(maps).mean(0)[1, :, 5].unflatten(0, (16, 16))
    assert share[4:8, 4:8].mean() > 2 * share[10:].mean()
    with torch.no_grad():
        unet(batch.given, batch.timestep, text)
    assert len(maps) == 3
