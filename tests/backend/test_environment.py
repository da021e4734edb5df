"""Real environments from toy wheels; no network."""

import base64
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from backend import environment, installer
from backend.environment import ROOT, find, prepare, read_recipe
from backend.errors import (
    DiskFull,
    EnvironmentBusy,
    FolderUnwritable,
    InstallFailed,
    LibraryMissing,
    NoNetwork,
    PackageMissing,
    PythonTooOld,
)

TOYS = [f"toy-{index}" for index in range(8)]
CHILD = """
import os, sys
from pathlib import Path
from backend import environment
prepare, home, recipe, profile = environment.prepare, Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
print(prepare(home, profile, lambda event: None, os.environ, environment.read_recipe(recipe)))
"""


def write_wheel(folder: Path, name: str, code: str = "there = True\n") -> None:
    """A wheel of one module."""
    module = name.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    files = {
        f"{module}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text.encode())}\n"
    with zipfile.ZipFile(folder / f"{module}-1.0-py3-none-any.whl", "w") as wheel:
        for path, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            wheel.writestr(path, text)


def write_recipe(folder: Path, *, extra: str = "toy-extra") -> Path:
    """Two profiles: `run` of eight toys and a toy torch, `demo` of one more."""
    folder.mkdir(exist_ok=True)
    pins = [f"{name}==1.0" for name in [*TOYS, "torch"]] + ['toy-elsewhere==1.0; sys_platform == "plan9"']
    (folder / "run.txt").write_text("# toys\n" + "\n".join(pins) + "\n", encoding="utf-8")
    (folder / "demo.txt").write_text(f"-r run.txt\n{extra}==1.0\n", encoding="utf-8")
    profiles = {
        "run": {"imports": ["toy_0", "torch"], "disk_mb": 1},
        "demo": {"imports": [extra.replace("-", "_")], "disk_mb": 1},
    }
    torch = {"cpu_index": "http://127.0.0.1:9/", "cpu_index_probe": "http://127.0.0.1:9/", "probe_seconds": 1.0}
    data = {"python": sys.version_info[:2], "torch": torch, "profiles": profiles, "libraries": {}}
    (folder / "profiles.json").write_text(json.dumps(data), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the toys' wheels in `wheels` and the recipe in `requirements`."""
    place = tmp_path_factory.mktemp("place with é")
    (place / "wheels").mkdir()
    for name in [*TOYS, "torch", "toy-extra"]:
        write_wheel(place / "wheels", name)
    write_wheel(place / "wheels", "toy-broken", "import a_package_that_is_not_there\n")
    write_recipe(place / "requirements")
    return place


@pytest.fixture
def environ(place):
    """As a user has it who told pip to look in a folder only."""
    return {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": (place / "wheels").as_uri(), "PIP_USER": "1"}


def start(place: Path, home: Path, environ: dict[str, str], profile: str = "run") -> "subprocess.Popen[str]":
    words = [sys.executable, "-c", CHILD, str(home), str(place / "requirements"), profile]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(words, cwd=ROOT, env=environ, text=True, **pipes)


def imports(python: Path, name: str) -> bool:
    return subprocess.run([python, "-c", f"import {name}"], capture_output=True).returncode == 0


def test_an_environment_is_made_extended_and_then_only_found(place, environ, tmp_path):
    recipe, events = read_recipe(place / "requirements"), []
    python = prepare(tmp_path, "run", events.append, environ, recipe)
    assert imports(python, "toy_7")
    assert not imports(python, "toy_extra")
    assert {"making the environment", "trying the packages"} < {event["phase"] for event in events}
    assert max(event["step"] for event in events if "packages" in event["phase"]) == len(TOYS) + 1

    inode = python.parent.parent.stat().st_ino
    prepare(tmp_path, "demo", events.append, environ, recipe)
    assert imports(python, "toy_extra")
    assert python.parent.parent.stat().st_ino == inode

    began = time.monotonic()
    assert prepare(tmp_path, "run", events.append, {}, recipe) == python
    assert find(tmp_path, recipe.profiles["demo"]) == python
    assert time.monotonic() - began < 0.3

    write_recipe(place / "newer", extra="toy-broken")
    newer = read_recipe(place / "newer")
    assert find(tmp_path, newer.profiles["demo"]) is None
    with pytest.raises(InstallFailed, match="toy_broken is installed but does not load"):
        prepare(tmp_path, "demo", events.append, environ, newer)
    assert find(tmp_path, newer.profiles["run"]) == python


def test_a_killed_set_up_is_never_half_used_and_is_finished_by_the_next(place, environ, tmp_path):
    recipe, draws = read_recipe(place / "requirements"), random.Random(1)
    for _ in range(3):
        child = start(place, tmp_path, environ)
        time.sleep(draws.uniform(0.3, 3.5))
        child.kill()
        child.communicate()
        found = find(tmp_path, recipe.profiles["run"])
        assert found is None or all(imports(found, name.replace("-", "_")) for name in TOYS)
    python = prepare(tmp_path, "run", lambda event: None, environ, recipe)
    assert all(imports(python, name.replace("-", "_")) for name in [*TOYS, "torch"])


def test_two_at_once_wait_for_each_other(place, environ, tmp_path):
    children = [start(place, tmp_path, environ) for _ in range(2)]
    said = [child.communicate(timeout=60) for child in children]
    assert [child.returncode for child in children] == [0, 0], said
    assert said[0][0] == said[1][0]


def test_an_interrupt_stops_pip_too(place, environ, tmp_path):
    child = start(place, tmp_path, environ)
    while not (tmp_path / "env").exists():
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in child.communicate(timeout=10)[1]
    assert find(tmp_path, read_recipe(place / "requirements").profiles["run"]) is None


def test_what_was_cut_off_is_installed_again(tmp_path):
    info = tmp_path / "lib" / "python3.11" / "site-packages" / "toy_0-1.0.dist-info"
    (info / "licenses").mkdir(parents=True)
    (info / "METADATA").touch()
    assert installer.installed(tmp_path) == {"toy-0"}
    installer.drop_half_installed(tmp_path)
    assert installer.installed(tmp_path) == set()


def test_somebody_elses_folder_is_left_alone(place, environ, tmp_path):
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "precious").touch()
    with pytest.raises(InstallFailed, match="not made by Facewright"):
        prepare(tmp_path, "run", lambda event: None, environ, read_recipe(place / "requirements"))
    assert (tmp_path / "env" / "precious").exists()


def test_a_home_that_is_a_file_or_a_full_disk_is_named(place, environ, tmp_path):
    recipe = read_recipe(place / "requirements")
    (tmp_path / "file").touch()
    with pytest.raises(FolderUnwritable, match="file"):
        prepare(tmp_path / "file", "run", lambda event: None, environ, recipe)
    huge = {**recipe.profiles, "run": replace(recipe.profiles["run"], disk_mb=10**9)}
    with pytest.raises(DiskFull, match="MB are free"):
        prepare(tmp_path / "home", "run", lambda event: None, environ, replace(recipe, profiles=huge))


def test_waiting_for_another_set_up_has_an_end(place, environ, tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "LOCK_PATIENCE_S", 0.2)
    with (
        environment._locked(tmp_path, lambda event: None),
        pytest.raises(EnvironmentBusy),
        environment._locked(tmp_path, lambda event: None),
    ):
        pass


def test_no_python_of_the_right_version_is_named():
    with pytest.raises(PythonTooOld, match=r"Python 2\.6"):
        environment.find_interpreter((2, 6))


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("connection broken by 'NewConnectionError(...)'", NoNetwork),
        ("OSError: [Errno 28] No space left on device", DiskFull),
        ("error: [Errno 13] Permission denied: '/usr'", FolderUnwritable),
        ("ERROR: No matching distribution found for toy", InstallFailed),
    ],
)
def test_what_a_child_says_decides_the_error(said, kind, tmp_path):
    runner = installer.Runner(os.environ, tmp_path / "logs" / "install.log")
    with pytest.raises(kind, match=r"install\.log") as caught:
        runner.run([sys.executable, "-c", f"import sys; print({said!r}); sys.exit(1)"])
    assert caught.value.advice
    assert said in (tmp_path / "logs" / "install.log").read_text(encoding="utf-8")


def test_missing_system_libraries_come_with_the_line_that_installs_them(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    recipe = read_recipe()
    lacking = replace(recipe.profiles["demo"], chain=("demo",), libraries={"libnone.so.1": "libnone1"})
    runner = installer.Runner({}, tmp_path / "log")
    with pytest.raises(LibraryMissing) as caught:
        environment._ensure_system(
            tmp_path, replace(recipe, profiles={"demo": lacking}), lacking, runner, lambda event: None
        )
    assert "apt-get install -y --no-install-recommends libnone1" in caught.value.advice


def test_an_index_that_does_not_answer_costs_its_seconds_only():
    began = time.monotonic()
    assert not environment._answers("http://127.0.0.1:9/", 1.0)
    assert time.monotonic() - began < 1.5


def test_the_users_own_environment_must_hold_the_packages(tmp_path):
    with pytest.raises(PackageMissing, match="no Python environment"):
        environment.borrow(tmp_path, read_recipe(), "run")
    own = Path(sys.prefix)
    assert environment.borrow(own, read_recipe(), "run") == environment.python_of(own)


def test_home_follows_the_variable_then_the_checkout():
    assert environment.home({"FACEWRIGHT_HOME": "/a/b"}) == Path("/a/b")
    assert environment.home({}) == ROOT / ".facewright"


def test_every_pin_is_exact_and_none_brings_cuda():
    profile = read_recipe().profiles["test"]
    names = [installer.package_name(pin) for pin in profile.pins]
    assert all("==" in pin for pin in profile.pins)
    assert len(set(names)) == len(names)
    assert not [name for name in names if name.startswith(("nvidia", "cuda", "triton"))]
