import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings, strategies as st

from backend.errors import Cancelled, NotANumber
from backend.stages.optimise import Watch, optimise


def bowl(target: torch.Tensor, *parameters: torch.Tensor):
    """The loss of a quadratic bowl round the target."""
    return lambda step: sum((parameter - target).square().sum() for parameter in parameters)


@given(st.integers(0, 100))
@settings(max_examples=10)
def test_a_bowls_bottom_is_found(seed):
    generator = torch.Generator().manual_seed(seed)
    target = torch.randn(5, generator=generator)
    first, second = torch.zeros(5, requires_grad=True), torch.ones(2, 5).requires_grad_()
    optimise([first, second], bowl(target, first, second), 400, 0.1, Watch())
    torch.testing.assert_close(first.detach(), target, atol=0.02, rtol=0)
    torch.testing.assert_close(second.detach(), target.expand(2, -1), atol=0.02, rtol=0)


def test_the_first_step_is_as_long_as_the_learning_rate_and_the_last_shorter():
    """Under a constant gradient Adam's step is the learning rate, which falls to a fifth."""
    place, seen = torch.zeros(1, requires_grad=True), [0.0]
    watch = Watch(progress=lambda step, total: seen.append(place.item()))
    optimise([place], lambda step: place.sum(), 50, 0.1, watch)
    lengths = [before - after for before, after in pairwise(seen)]
    assert lengths[0] == pytest.approx(0.1, rel=1e-3)
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] == pytest.approx(0.2 * 0.1, rel=0.1)


def test_progress_is_told_after_every_step():
    place, told, asked = torch.zeros(1, requires_grad=True), [], []
    watch = Watch(progress=lambda step, total: told.append((step, total)))

    def loss(step: int) -> torch.Tensor:
        asked.append(step)
        return place.sum()

    optimise([place], loss, 3, 0.1, watch)
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert asked == [0, 1, 2]


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_what_is_no_number_stops_before_it_spoils_the_parameters(value, where):
    place, seen = torch.ones(3, requires_grad=True), []

    def loss(step: int) -> torch.Tensor:
        good = place.square().sum()
        if step < 4:
            return good
        if where == "loss":
            return good * value
        return good + (place - place.detach()).abs().sqrt().sum()  # 0, with a slope of no number

    watch = Watch(progress=lambda step, total: seen.append(place.detach().clone()))
    with pytest.raises(NotANumber, match="at step 4") as caught:
        optimise([place], loss, 10, 0.1, watch)
    assert "lower the learning rate" in caught.value.advice
    assert len(seen) == 4
    assert torch.equal(place.detach(), seen[-1])


@pytest.mark.parametrize("step", [0, 3])
def test_a_cancelled_run_stops_between_two_steps(step):
    place, told = torch.zeros(1, requires_grad=True), []
    watch = Watch(progress=lambda done, total: told.append(done), cancelled=lambda: len(told) == step)
    with pytest.raises(Cancelled, match=f"stopped at step {step} of 10"):
        optimise([place], lambda number: place.sum(), 10, 0.1, watch)
    assert len(told) == step


def test_what_the_loss_does_not_see_stays():
    place, other = torch.zeros(2, requires_grad=True), torch.ones(2, requires_grad=True)
    optimise([place, other], bowl(torch.ones(2), place), 5, 0.1, Watch())
    assert torch.equal(other.detach(), torch.ones(2))
