"""Copies of a network that share a batch leave the gradient that the network alone would have."""

from dataclasses import replace

import pytest
import torch

from backend.training import networks, workers
from backend.training.noised import TOLD_WEIGHT, TYPICAL_PULL, Noised, draw_timesteps
from backend.training.workers import Workers


@pytest.fixture
def lesson():
    torch.manual_seed(0)
    shown, other, originals = torch.randn(3, 3, 4, 16, 16)
    told = torch.tensor([True, True, True])
    noised = Noised.of(networks.scheduler(), shown, other, told, originals)
    return networks.unet(8), noised, torch.randn(6, 7, networks.TEXT_WIDTH)


def plain_gradients(unet, noised, text):
    unet.zero_grad()
    found = unet(noised.given, noised.timestep, text).sample
    error = (found[0::2] - noised.noise[0::2]).square().mean()
    (error + TOLD_WEIGHT * noised.missed(found)).backward()
    return error.item(), [parameter.grad.clone() for parameter in unet.parameters()]


@pytest.mark.parametrize(
    ("cores", "fast", "tolerance"), [(1, "float32", 1e-5), (2, "float32", 1e-5), (2, "bfloat16", 0.06)]
)
def test_shares_add_up_to_the_whole_batch(lesson, monkeypatch, cores, fast, tolerance):
    unet, noised, text = lesson
    error, expected = plain_gradients(unet, noised, text)
    monkeypatch.setattr(workers.os, "cpu_count", lambda: cores)
    taken = {"bfloat16": 1.0, "float32": 1.0, fast: 0.5}
    order = iter(taken.values())
    monkeypatch.setattr(Workers, "_time", lambda self, trial, text: next(order))
    crew = Workers(unet, noised, text)
    assert crew.backward(noised, text)[0] == pytest.approx(error, rel=max(tolerance, 1e-5))
    found = torch.cat([parameter.grad.flatten() for parameter in unet.parameters()])
    whole = torch.cat([gradient.flatten() for gradient in expected])
    assert (found - whole).norm() <= tolerance * whole.norm()
    assert found.dtype == torch.float32


def test_which_share_of_each_change_was_missed_comes_back_from_all_shares(lesson, monkeypatch):
    unet, noised, text = lesson
    with torch.no_grad():
        noised.missed(unet(noised.given, noised.timestep, text).sample)
    alone = noised.lacking.clone()
    assert (alone > 0.5).all()
    noised.lacking.zero_()
    monkeypatch.setattr(workers.os, "cpu_count", lambda: 2)
    Workers(unet, noised, text).backward(noised, text)
    torch.testing.assert_close(noised.lacking, alone, rtol=0.05, atol=0.05)


def test_the_copies_follow_the_network(lesson):
    unet, noised, text = lesson
    crew = Workers(unet, noised, text)
    before, _ = crew.backward(noised, text)
    with torch.no_grad():
        unet.conv_out.weight.mul_(3)
        unet.conv_out.bias.add_(1)
    assert crew.backward(noised, text)[0] > before + 0.5


def test_a_picture_is_seen_twice(lesson):
    _, noised, _ = lesson
    for each in (noised.given, noised.timestep, noised.noise):
        assert torch.equal(each[0::2], each[1::2])
    assert [len(share.noise) for share in noised.shares(2)] == [4, 2]


def test_by_other_words_the_picture_they_tell_of_is_under_the_noise(lesson):
    """The pull is that noise which makes the same noisy picture of the changed one."""
    torch.manual_seed(1)
    shown, other = torch.randn(2, 3, 4, 16, 16)
    noised = Noised.of(networks.scheduler(), shown, other, torch.tensor([True] * 3))
    level = networks.scheduler().alphas_cumprod[noised.timestep[1::2]].view(-1, 1, 1, 1)
    found = level.sqrt() * other + (1 - level).sqrt() * (noised.noise[1::2] + noised.pull)
    torch.testing.assert_close(found, noised.given[1::2], atol=1e-5, rtol=1e-4)


def test_who_ignores_the_words_misses_all_of_large_changes_more_and_an_untold_change_counts_not(lesson):
    _, noised, _ = lesson
    deaf = noised.noise.clone()
    changed = noised.pull.square().mean((1, 2, 3)).sqrt()
    assert noised.missed(deaf).item() == pytest.approx(float((changed / TYPICAL_PULL).clamp(min=1).mean()), rel=0.05)
    small = replace(noised, pull=noised.pull * 0.5 * TYPICAL_PULL / changed.view(-1, 1, 1, 1))
    assert small.missed(deaf).item() == pytest.approx(1, rel=0.05)
    right = deaf.clone()
    right[1::2] += noised.pull
    assert noised.missed(right).item() == pytest.approx(0, abs=1e-6)
    right[3] = 0
    untold = replace(noised, told=torch.tensor([True, False, True]))
    assert untold.missed(right).item() == pytest.approx(0, abs=1e-6)


def test_most_timesteps_are_those_at_which_words_matter():
    torch.manual_seed(0)
    drawn = draw_timesteps(4000)
    assert drawn.min() >= 0
    assert drawn.max() <= 999
    assert 0.8 < ((drawn >= 150) & (drawn < 800)).float().mean() < 0.92
