"""What the figures of the networks are made of, with networks that know all and none."""

from dataclasses import replace
from itertools import product

import pytest
import torch

from backend.diffusion.priors import TEXT
from backend.evaluation import networks
from backend.evaluation.drawing import drawn
from backend.evaluation.networks import Size, area_under_roc, evaluate_networks, figure, region_texels, settled
from backend.workshop import open_workshop
from tests.tiny_diffusion import Knowing, tiny_diffusion


def test_the_area_under_a_roc_curve_is_how_often_true_beats_false():
    scores = torch.tensor([0.1, 0.4, 0.4, 0.8, 0.9, 0.1])
    true = torch.tensor([False, True, False, False, True, True])
    pairs = list(product(scores[true].tolist(), scores[~true].tolist()))
    expected = sum((a > b) + 0.5 * (a == b) for a, b in pairs) / len(pairs)
    assert area_under_roc(scores, true) == pytest.approx(expected)
    assert area_under_roc(torch.zeros(6), true) == 0.5
    assert area_under_roc(true.float(), true) == 1


def test_a_figure_is_what_the_grey_behind_it_does_not_reach():
    picture = torch.full((3, 32, 32), 0.5)
    picture[0, 8:24, 8:24] = 0.9
    picture[:, 12:16, 12:16] = 0.5  # a grey spot within
    found = figure(picture)
    expected = torch.zeros(32, 32, dtype=torch.bool)
    expected[8:24, 8:24] = True
    assert torch.equal(found, expected)
    assert not figure(torch.full((3, 8, 8), 0.5)).any()


@pytest.mark.parametrize("edits", [False, True])
def test_sampling_ends_at_what_the_network_knows(edits):
    model, clean = tiny_diffusion(), torch.randn(2, 4, 4, 4)
    known = replace(model, unet=Knowing(clean.repeat(3 if edits else 2, 1, 1, 1), model.alphas_cumprod))
    text = model.encode_text(["red", ""])[:, None].expand(-1, 2, -1, -1)
    found = drawn(known, torch.randn(2, 4, 4, 4), text, 3.0, original=torch.randn(2, 4, 4, 4) if edits else None)
    torch.testing.assert_close(found, clean, atol=1e-3, rtol=1e-3)


def test_a_prior_that_knows_the_texture_brings_noise_back_to_it():
    model, clean = tiny_diffusion(), torch.randn(2, 4, 4, 4)
    known = replace(model, unet=Knowing(clean, model.alphas_cumprod, config={"prior_text": TEXT}))
    noisy = clean + 0.3 * torch.randn_like(clean)
    assert (settled(known, noisy) - clean).square().mean() < 0.1 * (noisy - clean).square().mean()


def test_regions_lie_in_the_layout_and_apart(studio):
    lips, brows = (region_texels(studio, networks.WORDS[word][0]) for word in ("lips", "brows"))
    assert 100 < lips.sum() < 3000
    assert 100 < brows.sum() < 3000
    assert not (lips & brows).any()


@pytest.mark.slow
def test_every_network_of_the_family_is_measured(tmp_path):
    found = evaluate_networks(open_workshop(), tmp_path, lambda message: None, Size(8, 3, 2, 1))
    missing = {name: one.why for name, one in found.items() if one.value is None}
    assert not missing
    assert {path.name for path in tmp_path.iterdir()} == set(networks.SHEETS.values())
