"""Copies of a network that share a batch leave the gradient that the network alone would have."""

import pytest
import torch

from backend.training import networks, workers
from backend.training.noised import Noised, draw_timesteps
from backend.training.workers import Workers


@pytest.fixture
def lesson():
    torch.manual_seed(0)
    unet = networks.unet(8)
    noised = Noised.of(networks.scheduler(), torch.randn(5, 4, 16, 16), torch.randn(5, 4, 16, 16))
    return unet, noised, torch.randn(5, 7, networks.TEXT_WIDTH)


def plain_gradients(unet, noised, text):
    unet.zero_grad()
    loss = (unet(noised.given, noised.timestep, text).sample - noised.noise).square().mean()
    loss.backward()
    return loss.item(), [parameter.grad.clone() for parameter in unet.parameters()]


@pytest.mark.parametrize(
    ("cores", "fast", "tolerance"), [(1, "float32", 1e-5), (2, "float32", 1e-5), (2, "bfloat16", 0.06)]
)
def test_shares_add_up_to_the_whole_batch(lesson, monkeypatch, cores, fast, tolerance):
    unet, noised, text = lesson
    loss, expected = plain_gradients(unet, noised, text)
    monkeypatch.setattr(workers.os, "cpu_count", lambda: cores)
    taken = {"bfloat16": 1.0, "float32": 1.0, fast: 0.5}
    order = iter(taken.values())
    monkeypatch.setattr(Workers, "_time", lambda self, trial, text: next(order))
    crew = Workers(unet, noised, text)
    assert crew.backward(noised, text)[0] == pytest.approx(loss, rel=max(tolerance, 1e-5))
    found = torch.cat([parameter.grad.flatten() for parameter in unet.parameters()])
    whole = torch.cat([gradient.flatten() for gradient in expected])
    assert (found - whole).norm() <= tolerance * whole.norm()
    assert found.dtype == torch.float32


def test_the_copies_follow_the_network(lesson):
    unet, noised, text = lesson
    crew = Workers(unet, noised, text)
    before = crew.backward(noised, text)[0]
    with torch.no_grad():
        unet.conv_out.weight.mul_(3)
        unet.conv_out.bias.add_(1)
    assert crew.backward(noised, text)[0] > before + 0.5


def test_most_timesteps_are_those_at_which_words_matter():
    torch.manual_seed(0)
    drawn = draw_timesteps(4000)
    assert drawn.min() >= 0
    assert drawn.max() <= 999
    assert 0.8 < ((drawn >= 150) & (drawn < 800)).float().mean() < 0.92
