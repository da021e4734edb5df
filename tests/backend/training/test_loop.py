from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch

from backend.training import loop
from backend.training.loop import SAVE_EVERY, fit


class Clock:
    """Time goes on with the steps, a tenth of a second each, so that a minute is 600 of them on any machine."""

    now = 0.0

    def ticking(self, loss: Callable[[], torch.Tensor], seconds: float = 0.1) -> Callable[[], torch.Tensor]:
        def step() -> torch.Tensor:
            self.now += seconds
            return loss()

        return step


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def parameter(*values: float) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.tensor(values))


def test_the_loss_falls_and_the_log_says_so(clock, capsys):
    target, place = torch.tensor([1.0, -2.0]), parameter(0.0, 0.0)
    steps = fit(clock.ticking(lambda: (place - target).square().sum()), [place], 5.0, rate=0.05, label="bowl")
    torch.testing.assert_close(place.detach(), target, atol=0.02, rtol=0)
    log = capsys.readouterr().err.splitlines()
    assert len(log) == steps // 50
    assert log[0].startswith("bowl step 50 5 s loss ")
    assert float(log[-1].split()[-1]) < 0.01 * float(log[0].split()[-1])


@pytest.mark.parametrize("minutes", [0.2, 1.0, 3.0])
def test_a_time_budget_is_kept(clock, minutes):
    place = parameter(1.0)
    steps = fit(clock.ticking(lambda: place.square().sum()), [place], minutes, rate=0.1, label="budget")
    assert steps == pytest.approx(600 * minutes, abs=1)


def test_what_is_left_is_the_average_of_where_it_was(clock):
    """A mean that forgets its beginning, and reaches the further back the longer the walk."""
    place, seen = parameter(0.0), []

    def loss() -> torch.Tensor:
        seen.append(place.item())
        return place.sum()

    fit(clock.ticking(loss), [place], 4.0, rate=1e-3, label="walk")
    average = 0.0
    for number, value in enumerate(seen[1:], 1):
        keep = min(loop.EMA, (number + 1) / (number + 10))
        average = keep * average + (1 - keep) * value
    assert place.item() == pytest.approx(average, rel=1e-3)
    assert place.item() > seen[-1] + 0.01


def test_one_wild_batch_does_not_throw_the_parameters(clock):
    place, count = parameter(0.0, 0.0), []

    def loss() -> torch.Tensor:
        count.append(0)
        return (place * (1e12 if len(count) == 20 else 1e-3)).sum()

    fit(clock.ticking(loss), [place], 0.2, rate=1e-3, label="wild")
    assert torch.isfinite(place).all()
    assert place.abs().max() <= 1e-3 * len(count)


class Killed(Exception):
    """What ends a run in the middle."""


def test_a_killed_run_goes_on_from_its_journal(clock, tmp_path, capsys):
    """After the journal's last entry the second run takes the very steps of one that was never stopped."""
    journal, minutes = tmp_path / "journal", 3.5 * SAVE_EVERY

    def walk(place: torch.nn.Parameter, stop_at: int = 10**9) -> int:
        count = []

        def loss() -> torch.Tensor:
            count.append(0)
            if len(count) > stop_at:
                raise Killed
            return (place - 3).square().sum()

        return fit(clock.ticking(loss, seconds=6), [place], minutes, 1e-2, "walk", journal)

    unbroken, broken, resumed = parameter(0.0), parameter(0.0), parameter(0.0)
    total = walk(unbroken)
    assert not journal.exists()
    with pytest.raises(Killed):
        walk(broken, stop_at=2 * total // 3)
    assert journal.is_file()
    clock.now += 1e6
    assert walk(resumed) == pytest.approx(total, abs=2)
    assert resumed.item() == pytest.approx(unbroken.item(), rel=0.01)
    assert "goes on from step" in capsys.readouterr().err
    assert not journal.exists()
