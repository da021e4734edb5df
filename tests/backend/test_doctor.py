"""The report of what is there: it names no person's folders, and says why something does not work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from backend import doctor, environment
from backend.environment import machine, places


def quiet(event: dict[str, object]) -> None:
    """Nobody listens."""


def test_an_environment_that_does_not_work_is_told_without_its_place(tmp_path: Path):
    home = tmp_path / "private"
    told = doctor.report(home, {"FACEWRIGHT_ENV": str(home / "mine")}, quiet)
    assert told["environment"] == "the user's own"
    assert str(told["self-test"]).startswith("failed: A package is missing: $FACEWRIGHT_HOME/mine")
    assert told["packages"] == "the environment does not start"
    assert "private" not in json.dumps(told, default=str)


def test_why_the_last_set_up_ended_is_told(tmp_path: Path):
    (tmp_path / "env").mkdir()
    places.write_stamp(tmp_path / "env", {"lock": "", "digests": {}})
    fault = {"code": 101, "message": f"no index; see {tmp_path}/logs", "advice": "", "phase": "packages"}
    places.write_fault(tmp_path, fault)
    told = doctor.report(tmp_path, {}, quiet, quick=True)
    assert told["environment"] == "begun, at interpreter; the last set-up ended: no index; see $FACEWRIGHT_HOME/logs"
    assert "self-test" not in told


def test_a_card_that_cannot_be_used_is_told_with_the_reason():
    card = environment.Gpu("NVIDIA Something", 8192, "470.1", 8.6)
    told = doctor._card(card, environment.read_recipe())
    assert told.startswith("NVIDIA Something, 8192 MB, driver 470.1, capability 8.6 (not used: ")
    assert machine.fault_of(card, environment.read_recipe()) in told


def test_a_card_that_torch_cannot_see_fails_the_self_test_loudly():
    code = (
        "import torch; torch.cuda.is_available = lambda: False\nfrom backend import selftest; selftest.main(['cuda'])"
    )
    asked = subprocess.run([sys.executable, "-c", code], cwd=environment.ROOT, capture_output=True, text=True)
    told = json.loads(asked.stdout)["selftest"]["error"]
    assert (told["code"], "cannot see it" in told["message"], "driver" in told["advice"]) == (107, True, True)
