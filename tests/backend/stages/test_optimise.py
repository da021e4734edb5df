import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings, strategies as st

from backend.errors import Cancelled, NotANumber
from backend.settings import GeometrySettings
from backend.settings.stages import OPTIMISERS as NAMES
from backend.stages.journal import Journal
from backend.stages.optimise import SETTLING, Watch, optimise, rate
from backend.stages.optimisers import OPTIMISERS


class Killed(BaseException):
    """Stands for a process that ends without a word."""


def run(
    parameters: Sequence[torch.Tensor], loss: Callable[[int], torch.Tensor], steps: int, watch: Watch, **changes: object
) -> None:
    """At a rate of 0.1."""
    generator = changes.pop("generator", None) or torch.Generator().manual_seed(0)
    asked = GeometrySettings(steps=steps, **{"learning_rate": 0.1, **changes})
    optimise(parameters, loss, asked, generator, watch, picture=lambda: torch.zeros(1, 3, 4, 4))


def bowl(target: torch.Tensor, *parameters: torch.Tensor) -> Callable[[int], torch.Tensor]:
    """Squared distance of some parameters to a point."""
    return lambda step: sum((parameter - target).square().sum() for parameter in parameters)


@given(st.integers(0, 100))
@settings(max_examples=5)
def test_a_bowls_bottom_is_found(seed):
    generator = torch.Generator().manual_seed(seed)
    target = torch.randn(5, generator=generator)
    first, second = torch.zeros(5, requires_grad=True), torch.ones(2, 5).requires_grad_()
    run([first, second], bowl(target, first, second), 400, Watch())
    torch.testing.assert_close(first.detach(), target, atol=0.02, rtol=0)
    torch.testing.assert_close(second.detach(), target.expand(2, -1), atol=0.02, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_every_optimiser_finds_the_bottom(name):
    target, place = torch.tensor([1.0, -2.0, 0.5]), torch.zeros(3, requires_grad=True)
    run([place], bowl(target, place), 300, Watch(), optimiser=name)
    torch.testing.assert_close(place.detach(), target, atol=0.05, rtol=0)


def test_adam_steps_as_torchs_own():
    generator = torch.Generator().manual_seed(0)
    start, target = torch.randn(2, 6, generator=generator).double()
    for decay in (0.0, 0.01):
        ours, theirs = (start.clone().requires_grad_() for _ in range(2))
        own = OPTIMISERS["adamw"]([ours], decay)
        torchs = torch.optim.AdamW([theirs], lr=0.05, betas=(0.9, 0.99), eps=1e-15, weight_decay=decay)
        for _ in range(20):
            for place in (ours, theirs):
                place.grad = None
                (place - target).pow(4).sum().backward()
            own.step(0.05)
            torchs.step()
        torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)


def test_adan_steps_as_its_formulas():
    """In numbers, from faceg2e.md's sec. 1.1, without the code's own helpers."""
    b1, b2, b3, decay, lr = 0.98, 0.92, 0.99, 2e-5, 0.05
    place = torch.tensor([0.7], dtype=torch.float64, requires_grad=True)
    optimiser = OPTIMISERS["adan"]([place], decay)
    x, m, v, n, last = 0.7, 0.0, 0.0, 0.0, 0.0
    for k in range(1, 12):
        place.grad = torch.cos(3 * place.detach())
        g = math.cos(3 * x)
        d = g - last if k > 1 else 0.0
        m, v, n = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * d, b3 * n + (1 - b3) * (g + b2 * d) ** 2
        size = math.sqrt(n) / math.sqrt(1 - b3**k) + 1e-8
        x = (x - lr / (1 - b1**k) * m / size - lr * b2 / (1 - b2**k) * v / size) / (1 + lr * decay)
        last = g
        optimiser.step(lr)
        assert place.item() == pytest.approx(x, abs=1e-12)


def test_the_first_step_is_as_long_as_the_learning_rate_and_the_last_shorter():
    """Under a constant gradient Adam's step is the learning rate, which falls to a fifth."""
    place, seen = torch.zeros(1, requires_grad=True), [0.0]
    run([place], lambda step: place.sum(), 50, Watch(progress=lambda step, total: seen.append(place.item())))
    lengths = [before - after for before, after in pairwise(seen)]
    assert lengths[0] == pytest.approx(0.1, rel=1e-3)
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] == pytest.approx(0.2 * 0.1, rel=0.1)


def test_the_rate_can_fall_by_hundreds_of_steps():
    asked = GeometrySettings(steps=401, learning_rate=0.05, final_rate=1.0, decay=0.9)
    assert [rate(asked, step) for step in (0, 99, 100, 250, 400)] == pytest.approx(
        [0.05, 0.05, 0.045, 0.0405, 0.05 * 0.9**4]
    )


def test_long_gradients_are_shortened():
    place = torch.zeros(2, requires_grad=True)
    seen = []
    watch = Watch(progress=lambda step, total: seen.append(place.grad.norm().item()))
    run([place], lambda step: 300 * place.sum() + place.square().sum(), 3, watch, clip_norm=5.0)
    assert seen == pytest.approx([5.0] * 3, rel=1e-5)


def test_progress_is_told_after_every_step():
    place, told, asked = torch.zeros(1, requires_grad=True), [], []

    def loss(step: int) -> torch.Tensor:
        asked.append(step)
        return place.sum()

    run([place], loss, 3, Watch(progress=lambda step, total: told.append((step, total))))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert asked == [0, 1, 2]


@pytest.mark.parametrize("where", ["loss", "gradient", "explosion"])
@pytest.mark.parametrize("first", [0, 12])
def test_what_is_no_number_ends_the_run_before_it_spoils_the_parameters(where, first):
    place, seen, told = torch.ones(3, requires_grad=True), [], []

    def loss(step: int) -> torch.Tensor:
        good = place.square().sum()
        if step < first:
            return good
        if where == "loss":
            return good * math.nan
        if where == "explosion":
            return good * 1e9
        return good + (place - place.detach()).abs().sqrt().sum()  # 0, with a slope of no number

    watch = Watch(progress=lambda *_: seen.append(place.detach().clone()), stopped=told.append)
    if first == 0 and where == "explosion":
        return  # nothing says yet what is usual
    if first == 0:
        with pytest.raises(NotANumber, match="at step 0") as caught:
            run([place], loss, 20, watch)
        assert "lower the learning rate" in caught.value.advice
        return
    run([place], loss, 20, watch)
    assert len(seen) == first
    assert torch.equal(place.detach(), seen[-1])
    assert "at step 12" in told[0]


@pytest.mark.parametrize("step", [0, 3])
def test_a_cancelled_run_stops_between_two_steps(step):
    place, told = torch.zeros(1, requires_grad=True), []
    watch = Watch(progress=lambda done, total: told.append(done), cancelled=lambda: len(told) == step)
    with pytest.raises(Cancelled, match=f"stopped at step {step} of 10"):
        run([place], lambda number: place.sum(), 10, watch)
    assert len(told) == step


def test_what_the_loss_does_not_see_stays():
    place, other = torch.zeros(2, requires_grad=True), torch.ones(2, requires_grad=True)
    run([place, other], bowl(torch.ones(2), place), 5, Watch())
    assert torch.equal(other.detach(), torch.ones(2))


def test_a_run_that_gets_nowhere_ends_if_it_is_asked_to():
    place, told = torch.zeros(2, requires_grad=True), []
    run([place], bowl(torch.ones(2), place), 500, Watch(stopped=told.append), settle=0.05, final_rate=1.0)
    assert told
    assert int(told[0].split()[3]) % SETTLING == 0
    torch.testing.assert_close(place.detach(), torch.ones(2), atol=0.05, rtol=0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("killed", [1, 7, 30])
def test_a_resumed_run_equals_an_unbroken_one(name, killed, tmp_path: Path):
    """Bit by bit: parameters, optimiser, learning rate, noise, and what is looked at to end early."""

    def whole(watch: Watch, stop: int | None) -> torch.Tensor:
        place, generator = torch.zeros(4, requires_grad=True), torch.Generator().manual_seed(7)

        def loss(step: int) -> torch.Tensor:
            if step == stop:
                raise Killed
            wish = torch.ones(4) + 0.3 * torch.randn(4, generator=generator)
            return (place - wish).square().sum()

        run([place], loss, 40, watch, optimiser=name, generator=generator, settle=1e-6, weight_decay=0.01)
        return place.detach()

    journal = Journal.of(tmp_path / "face", {"asked": 1}, resume=False, interval=0.0)
    with pytest.raises(Killed):
        whole(Watch(journal=journal, stage="shape"), killed)
    again = Journal.of(tmp_path / "face", {"asked": 1}, resume=True, interval=0.0)
    assert torch.equal(whole(Watch(journal=again, stage="shape"), None), whole(Watch(), None))
    done = whole(Watch(journal=again, stage="shape"), 0)  # no step is made any more
    assert torch.equal(done, whole(Watch(), None))


def test_states_and_pictures_are_kept_as_often_as_asked():
    place, kept, shown = torch.zeros(1, requires_grad=True), [], []
    watch = Watch(
        keep=lambda step, state, picture: kept.append((step, int(state["step"]), picture().shape)),
        preview=lambda step, picture: shown.append(step),
    )
    run([place], lambda step: place.sum(), 7, watch, save_every=3)
    assert kept == [(3, 3, (1, 3, 4, 4)), (6, 6, (1, 3, 4, 4)), (7, 7, (1, 3, 4, 4))]
    assert shown == [1]  # half a second had not gone by
