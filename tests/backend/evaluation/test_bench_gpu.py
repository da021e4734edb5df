"""`bench gpu` in tiny form on a CPU: its rows, its errors. On CUDA it is untested."""

import pytest
import torch

from backend.checkpoints import PROFILES
from backend.diffusion.plans import PLANS
from backend.errors import UsageError
from backend.evaluation import bench_gpu
from backend.evaluation.true_size import PARAMETERS, shaped
from tests.tiny_diffusion import tiny_diffusion


def tiny(role: str, device: str, dtype: torch.dtype, plan: object):
    return tiny_diffusion(in_channels=8 if role == "instruct-edit" else 4)


def full(role: str, device: str, dtype: torch.dtype, plan: object):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")


def test_a_row_tells_of_every_stage_and_of_whole_runs():
    networks = bench_gpu.Given(PROFILES["full"], plan=PLANS[1], make=tiny)
    found = bench_gpu.row(networks, steps=2, warm=1)
    assert {f"seconds a step, {stage}" for stage in bench_gpu.STAGES} <= set(found)
    assert found["seconds a face"] > 0 < found["seconds an edit"]
    assert found["plan"] == "tight"
    assert "plan tight" in bench_gpu.table([found])


def test_a_full_card_is_a_row_too():
    assert bench_gpu.row(bench_gpu.Given(PROFILES["full"], make=full))["out of memory"].startswith("CUDA out of memory")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
def test_without_a_card_it_is_refused():
    with pytest.raises(UsageError, match="CUDA"):
        bench_gpu.measure(lambda event: None)


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_published_configurations_have_the_published_sizes(name: str):
    assert sum(values.numel() for values in shaped(name).parameters()) == PARAMETERS[name]
