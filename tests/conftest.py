"""The same draws in every run, two threads, and an end that Blender's module cannot spoil."""

import os
import random
import sys

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("seeded", derandomize=True, deadline=None)  # the machine's load is no failure
settings.load_profile("seeded")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("FACEWRIGHT_ENV", sys.prefix)  # backends that tests start run in this interpreter
_status: list[int] = []


@pytest.fixture(autouse=True)
def _seeded():
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - for libraries that draw from it
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)
        torch.set_num_threads(2)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(exitstatus):
    _status.append(int(exitstatus))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure():
    """Blender's module may crash while Python ends, which would turn a passed run into a failed one."""
    if "bpy" in sys.modules and _status:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_status[-1])
