import pytest
import torch
from hypothesis import given, strategies as st

from backend.diffusion.schedules import FIRST, LAST, SCHEDULES, dreamtime, linear, released, square_root, uniform

FALLING = ("linear", "square-root", "dreamtime", "released")


def levels(name: str, steps: int, first: int = FIRST, last: int = LAST) -> list[int]:
    """Of every step, without jitter."""
    generator = torch.Generator()
    return [SCHEDULES[name](step, steps, 1, generator, first, last, 0).item() for step in range(steps)]


@given(st.sampled_from(sorted(SCHEDULES)), st.integers(1, 300), st.data())
def test_timesteps_stay_between_the_ends(name, steps, data):
    step = data.draw(st.integers(0, steps - 1))
    first, last = data.draw(st.sampled_from([(FIRST, LAST), (650, 150), (999, 0), (300, 300)]))
    timestep = SCHEDULES[name](step, steps, 5, torch.Generator().manual_seed(step), first, last)
    assert timestep.shape == (5,)
    assert timestep.dtype == torch.int64
    assert last <= timestep.min() <= timestep.max() <= first


@pytest.mark.parametrize("name", FALLING)
def test_levels_only_fall(name):
    found = levels(name, 100)
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 100


@pytest.mark.parametrize("name", FALLING)
def test_jitter_keeps_near_the_level(name):
    middle = SCHEDULES[name](30, 100, 1, torch.Generator(), jitter=0).item()
    found = SCHEDULES[name](30, 100, 200, torch.Generator().manual_seed(0), jitter=25)
    assert (found - middle).abs().max() <= 25
    assert len(set(found.tolist())) > 25


@pytest.mark.parametrize("name", ["linear", "square-root"])
def test_without_jitter_it_runs_from_the_first_to_the_last(name):
    found = levels(name, 100)
    assert (found[0], found[-1]) == (FIRST, LAST)


@pytest.mark.parametrize("schedule", [linear, square_root, released])
def test_one_step_starts_at_the_first(schedule):
    assert schedule(0, 1, 1, torch.Generator(), jitter=0).item() == FIRST


def test_the_line_is_straight_and_the_root_bends_down():
    assert levels("linear", 5, 980, 20) == [980, 740, 500, 260, 20]
    assert levels("square-root", 5, 980, 20) == [980, 500, 301, 149, 20]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (201, {0: 980, 1: 975, 40: 788, 41: 784, 100: 502, 200: 24}),
        (401, {0: 980, 1: 977, 100: 740, 199: 503, 200: 501, 400: 22}),
    ],
)
def test_the_released_line_is_faceg2es(steps, expected):
    """Test vectors of faceg2e.md, sections 1.5 and 8."""
    found = {step: released(step, steps, 1, torch.Generator()).item() for step in expected}
    assert found == expected


@pytest.mark.parametrize("steps", [1, 40, 201])
def test_dreamtime_spends_steps_where_the_weight_is(steps):
    """Searched for one by one: the level whose tail of the weight is nearest to the share of steps done."""

    def weight(level: int) -> float:
        spread = (level - 800) / 300 if level > 800 else (500 - level) / 500 if level < 500 else 0.0
        return torch.tensor(-(spread**2) / 2, dtype=torch.float64).exp().item()

    weights = {level: weight(level) for level in range(LAST, FIRST + 1)}
    whole = sum(weights.values())
    tails, sofar = {}, 0.0
    for level in range(FIRST, LAST - 1, -1):
        sofar += weights[level] / whole
        tails[level] = sofar
    expected = [min(tails, key=lambda level: abs(tails[level] - (step + 1) / steps)) for step in range(steps)]
    assert levels("dreamtime", steps) == expected


def test_dreamtime_lingers_in_the_middle():
    found = torch.tensor(levels("dreamtime", 400))
    middle, low = ((found >= 500) & (found < 700)).sum(), ((found >= 20) & (found < 220)).sum()
    assert middle > 1.15 * low
    assert dreamtime(399, 400, 1, torch.Generator(), jitter=0).item() == LAST


def test_uniform_draws_reach_both_ends_alike():
    found = uniform(0, 1, 20000, torch.Generator().manual_seed(0), 30, 20)
    assert sorted(set(found.tolist())) == list(range(20, 31))
    assert torch.bincount(found)[20:].float().std() < 100


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_the_seed_says_which(name):
    draws = [SCHEDULES[name](50, 100, 8, torch.Generator().manual_seed(seed), jitter=40) for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert len(set(draws[0].tolist())) > 3
