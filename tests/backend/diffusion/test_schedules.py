import torch
from hypothesis import given, strategies as st

from backend.diffusion.schedules import FIRST, LAST, linear


@given(st.integers(1, 300), st.data())
def test_timesteps_stay_between_the_ends_and_near_the_line(steps, data):
    step = data.draw(st.integers(0, steps - 1))
    timestep = linear(step, steps, 5, torch.Generator().manual_seed(step))
    assert timestep.shape == (5,)
    assert timestep.dtype == torch.int64
    assert LAST <= timestep.min() <= timestep.max() <= FIRST
    line = FIRST + (LAST - FIRST) * step / max(1, steps - 1)
    assert (timestep - line).abs().max() <= 40.5


def test_without_jitter_it_runs_from_the_first_to_the_last():
    generator = torch.Generator()
    found = [linear(step, 100, 1, generator, jitter=0).item() for step in range(100)]
    assert (found[0], found[-1]) == (FIRST, LAST)
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 100


def test_one_step_starts_at_the_first():
    assert linear(0, 1, 1, torch.Generator(), jitter=0).item() == FIRST


def test_the_seed_says_which():
    draws = [linear(50, 100, 8, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert len(set(draws[0].tolist())) > 3
