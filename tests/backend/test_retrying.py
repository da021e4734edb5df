import inspect

import pytest
import torch

from backend import jobs, workshop
from backend.errors import UsageError
from backend.retrying import retreating


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workshop, "_plans", dict.fromkeys(workshop._plans, workshop.PLANS[0]))
    workshop.close_workshop()
    yield
    workshop.close_workshop()


def test_a_full_card_lowers_the_plan_step_by_step_and_says_so():
    plans: list[str] = []

    @retreating
    def job(*, emit, cancelled):
        plans.append(workshop.open_workshop().networks.plan.name)
        if len(plans) < 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return {"plan": plans[-1]}

    told: list[dict] = []
    assert job(emit=told.append, cancelled=lambda: False) == {"plan": "least"}
    assert plans == ["roomy", "tight", "least"]
    assert "“tight”" in told[0]["text"]
    assert "“least”" in told[1]["text"]
    assert workshop.open_workshop().networks.plan.name == "least"  # what was full once stays left


def test_where_nothing_is_lower_and_for_other_errors_it_fails():
    @retreating
    def full(*, emit, cancelled):
        raise torch.OutOfMemoryError("CUDA out of memory")

    @retreating
    def wrong(*, emit, cancelled):
        raise RuntimeError("a bug")

    told: list[dict] = []
    with pytest.raises(torch.OutOfMemoryError):
        full(emit=told.append, cancelled=lambda: False)
    assert len(told) == 2
    with pytest.raises(RuntimeError, match="a bug"):
        wrong(emit=told.append, cancelled=lambda: False)


def test_the_jobs_that_use_networks_retreat_and_keep_their_signatures():
    for job in (jobs.generate, jobs.edit):
        assert {"emit", "cancelled", "family", "device"} <= inspect.signature(job).parameters.keys()
        assert inspect.unwrap(job) is not job


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="'tpu'"):
        workshop.open_workshop(device="tpu")
