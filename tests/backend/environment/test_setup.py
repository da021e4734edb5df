"""Real environments from toy wheels; no network."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from backend import environment
from backend.environment import CHECK, INTERPRETER, PACKAGES, READY, SELFTEST, InBackground, find, places, state
from backend.errors import (
    Cancelled,
    CheckpointMissing,
    EnvironmentBusy,
    FolderUnwritable,
    GpuUnusable,
    InstallFailed,
    PackageAltered,
    PackageMissing,
)
from tests.backend.environment.toys import CHILD, ROOT, TOYS, quiet, toy_setup, write_recipe, write_wheel


def start(place: Path, home: Path, environ: dict[str, str], profile: str = "run") -> "subprocess.Popen[str]":
    words = [sys.executable, "-c", CHILD, str(home), str(place / "requirements"), profile]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(words, cwd=ROOT, env=environ, text=True, **pipes)


def imports(python: Path, *names: str) -> bool:
    code = "".join(f"import {name.replace('-', '_')}\n" for name in names)
    return subprocess.run([python, "-c", code], capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def making(place, tmp_path_factory):
    """A home whose environment has the profile `run`, and the events of its making; its users leave it so.

    Its path has spaces, letters beyond ASCII and more than 200 characters.
    """
    environ = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": (place / "wheels").as_uri(), "PATH": os.environ["PATH"]}
    home, events = tmp_path_factory.mktemp("Köpfe und 漢字 " + "x" * 180), []
    setup = toy_setup(place, home, environ)
    assert state(home, setup.recipe, "run").phase == CHECK
    setup.run(events.append)
    return home, events


@pytest.fixture
def made(making):
    return making[0]


def test_an_environment_is_made_state_by_state_and_then_only_found(place, making):
    home, events = making
    recipe = environment.read_recipe(place / "requirements")
    passed = [event["state"] for event in events if event["type"] == "state"]
    assert passed == ["check", "confirm", "interpreter", "packages", "self-test", "ready"]
    counted = [event["bytes"] for event in events if "bytes" in event]
    assert counted == sorted(counted)
    assert counted[-1] > 0.5 * sum(package.bytes for package in recipe.locks["cpu"].of(("run",)))
    python = environment.python_of(home / "env")
    assert imports(python, *TOYS)
    assert not imports(python, "toy_extra")
    began = time.monotonic()
    assert toy_setup(place, home, {}).run(events.append) == python
    assert state(home, recipe, "run") == environment.State(READY, python, {})
    assert time.monotonic() - began < 0.3


def test_a_package_that_does_not_load_is_named_and_what_was_whole_stays(place, environ, made):
    newer = write_recipe(place / "newer", place / "wheels", extra="toy-broken")
    setup = toy_setup(place, made, environ, "demo", recipe=environment.read_recipe(newer))
    with pytest.raises(InstallFailed, match="toy_broken is installed but does not load"):
        setup.run(quiet)
    now = state(made, setup.recipe, "demo")
    assert (now.phase, now.fault["code"], now.fault["phase"]) == (PACKAGES, 100, "packages")
    assert find(made, setup.recipe.profiles["run"])


def killed(place: Path, environ: dict[str, str], home: Path, seconds: float) -> None:
    """A set-up that is killed after so many seconds; what it leaves is nothing or whole."""
    child = start(place, home, environ)
    time.sleep(seconds)
    child.kill()
    child.communicate()
    profile = environment.read_recipe(place / "requirements").profiles["run"]
    found = find(home, profile)
    assert found is None or imports(found, *TOYS)


@pytest.mark.slow
def test_twenty_random_kills_leave_nothing_half_used(place, environ, tmp_path):
    draws, began = random.Random(2), time.monotonic()
    toy_setup(place, tmp_path / "first", environ).run(quiet)
    whole = time.monotonic() - began
    for number in range(20):
        home = tmp_path / str(number // 4)  # five homes, four kills in the making of each
        killed(place, environ, home, draws.uniform(0.0, whole))
        if number % 4 == 3:
            assert imports(toy_setup(place, home, environ).run(quiet), *TOYS, "torch")


def test_an_interrupt_stops_pip_too(place, environ, tmp_path):
    child = start(place, tmp_path, environ)
    while not (tmp_path / "env").exists():
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in child.communicate(timeout=120)[1]
    assert find(tmp_path, environment.read_recipe(place / "requirements").profiles["run"]) is None


def test_nothing_is_fetched_or_changed_before_it_is_confirmed(place, environ, tmp_path):
    seen = []
    with pytest.raises(Cancelled, match="not confirmed"):
        toy_setup(place, tmp_path / "home", environ).run(quiet, confirm=lambda preview: bool(seen.append(preview)))
    assert not (tmp_path / "home").exists()
    assert seen[0].plan.bytes > 0
    assert "9 packages" in seen[0].lines()[0]
    assert "MIT (9)" in seen[0].lines()[1]


def test_a_button_runs_it_in_the_background_and_cancels_it(place, environ, tmp_path):
    setup = toy_setup(place, tmp_path, environ)
    look = InBackground(lambda emit, cancelled: setup.look())
    look.join(20.0)
    assert look.result.faults == []
    go = InBackground(setup.run)
    while not (tmp_path / "env").exists():
        time.sleep(0.02)
    go.cancel()
    go.join(20.0)
    assert isinstance(go.error, Cancelled)
    assert {event["state"] for event in go.poll()} <= {"check", "confirm", "interpreter", "packages"}
    assert state(tmp_path, setup.recipe, "run").fault == {}
    assert state(tmp_path, setup.recipe, "run").phase in (INTERPRETER, PACKAGES)


def test_a_bug_in_the_background_ends_as_an_error():
    def work(emit, cancelled):
        raise KeyError("lost")

    gone = InBackground(work)
    gone.join(5.0)
    assert "KeyError" in gone.error.message


def test_deleted_files_are_found_and_mended(place, environ, made):
    packages = made / "env" / "lib" / f"python3.{sys.version_info[1]}" / "site-packages"
    (packages / "toy_3.py").unlink()
    (packages / "toy_5.py").write_text("", encoding="utf-8")
    setup = toy_setup(place, made, environ)
    python = setup.run(quiet)  # the stamp says all is well: nothing is looked at
    assert not imports(python, "toy_3")
    setup.run(quiet, repair=True)
    assert imports(python, *TOYS)
    assert (packages / "toy_5.py").read_text(encoding="utf-8")


@pytest.mark.slow
def test_an_environment_whose_python_is_gone_is_made_anew(place, environ, made):
    python = environment.python_of(made / "env")
    python.unlink()
    setup = toy_setup(place, made, environ)
    assert state(made, setup.recipe, "run").phase == INTERPRETER
    assert imports(setup.run(quiet), *TOYS)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ('{"error": {"code": 107, "message": "no card", "advice": "driver"}}', GpuUnusable),
        ('{"error": {"code": 201, "message": "no starter", "advice": ""}}', CheckpointMissing),
    ],
)
def test_an_environment_that_fails_its_self_test_is_not_used(place, environ, made, said, kind):
    code = f"print('{{\"selftest\": {said}}}')"
    recipe = environment.read_recipe(write_recipe(place / "failing", place / "wheels", selftest=("-c", code)))
    setup = toy_setup(place, made, environ, recipe=recipe)
    with pytest.raises(kind):
        setup.run(quiet, repair=True)
    now = state(made, setup.recipe, "run")
    assert (now.phase, now.fault["code"], now.python) == (SELFTEST, kind.code, None)
    toy_setup(place, made, environ).run(quiet)


def test_an_environment_of_version_0_1_0_is_taken_over(place, environ, made):
    stamp = made / "env" / places.STAMP
    (made / "env" / "facewright.json").write_text(json.dumps({"python": "3.11", "digests": {}}), encoding="utf-8")
    stamp.unlink()
    setup = toy_setup(place, made, environ)
    assert state(made, setup.recipe, "run").phase == PACKAGES
    assert imports(setup.run(quiet), *TOYS)


def test_a_home_that_is_a_file_is_named(place, environ, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FolderUnwritable, match="file"):
        toy_setup(place, tmp_path / "file", environ).run(quiet)


def test_waiting_for_another_set_up_has_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "LOCK_PATIENCE_S", 0.2)
    with places.locked(tmp_path, quiet), pytest.raises(EnvironmentBusy), places.locked(tmp_path, quiet):
        pass


def test_the_users_own_environment_must_hold_the_packages(place, made, tmp_path):
    recipe = environment.read_recipe()
    with pytest.raises(PackageMissing, match="no Python environment"):
        environment.borrow(tmp_path, recipe, "run")
    own = Path(sys.prefix)
    assert environment.borrow(own, recipe, "run") == environment.python_of(own)
    told = environment.adopt(made / "env", toy_setup(place, tmp_path, {}), quiet)
    assert told == {"torch": "1.0", "device": "cpu"}


def test_home_follows_the_variable_then_the_checkout():
    assert environment.home({"FACEWRIGHT_HOME": "/a/b"}) == Path("/a/b")
    assert environment.home({}) == ROOT / ".facewright"


def test_what_was_killed_is_never_half_used_and_two_at_once_finish_it(place, environ, tmp_path):
    killed(place, environ, tmp_path, random.Random(1).uniform(1.0, 4.0))
    children = [start(place, tmp_path, environ) for _ in range(2)]
    said = [child.communicate(timeout=300) for child in children]
    assert [child.returncode for child in children] == [0, 0], said
    assert said[0][0] == said[1][0]
    assert imports(Path(said[0][0].strip()), *TOYS, "torch")


def test_a_wheel_that_was_changed_on_its_way_is_refused(place, environ, made, tmp_path):
    recipe = environment.read_recipe(write_recipe(place / "honest", place / "wheels"))
    write_wheel(tmp_path, "toy-extra", "there = 'something else'\n")
    lone = environ | {"PIP_FIND_LINKS": str(tmp_path)}
    with pytest.raises(PackageAltered) as caught:
        toy_setup(place, made, lone, "demo", recipe=recipe).run(quiet)
    assert "mirror" in caught.value.advice


def test_a_site_without_network_installs_from_a_folder(place, environ, made, tmp_path):
    lone = {name: value for name, value in environ.items() if not name.startswith("PIP_")}
    environment.gather(toy_setup(place, tmp_path, environ, "demo"), tmp_path / "folder", quiet)
    assert len(list((tmp_path / "folder").glob("*.whl"))) == 10
    setup = toy_setup(place, made, lone, "demo", folder=tmp_path / "folder", offline=True)
    assert setup.look().faults == []
    extra = tmp_path / "folder" / "toy_extra-1.0-py3-none-any.whl"
    content = extra.read_bytes()
    extra.unlink()
    with pytest.raises(InstallFailed) as caught:
        setup.run(quiet)
    assert "--gather" in caught.value.advice
    extra.write_bytes(content)
    assert imports(setup.run(quiet), *TOYS, "toy_extra")


def test_removing_leaves_checkpoints_and_refuses_what_is_not_ours(place, environ, tmp_path):
    setup = toy_setup(place, tmp_path, environ)
    for name in ("env", "ckpts"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "precious").write_bytes(bytes(1000))
    for work in (partial(environment.remove, tmp_path), partial(setup.run, quiet)):
        with pytest.raises(InstallFailed, match="not made by Facewright"):
            work()
    assert (tmp_path / "env" / "precious").exists()
    (tmp_path / "env" / places.STAMP).write_text("{}", encoding="utf-8")
    assert environment.remove(tmp_path) == 1002
    assert not (tmp_path / "env").exists()
    assert (tmp_path / "ckpts" / "precious").exists()
    assert state(tmp_path, setup.recipe, "run").phase == CHECK
