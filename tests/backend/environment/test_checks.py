"""What is looked at before a byte is fetched."""

import hashlib
import os
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from backend.environment import checks, interpreter, machine, read_recipe
from backend.environment.machine import Gpu
from backend.environment.plan import Plan
from backend.environment.runner import Runner
from backend.errors import DiskFull, FolderUnwritable, LibraryMissing, NoNetwork, Offline, PathUnsuitable, PythonTooOld
from tests.backend.environment.toys import quiet

CARD = Gpu("NVIDIA Something", 8192, "580.95.05", 8.9)


@pytest.fixture(scope="module")
def recipe():
    return read_recipe()


def planned(recipe, home: Path) -> Plan:
    lock = recipe.lock("cpu")
    return Plan("run", lock, tuple(lock.of(("run",))), home)


def faults(recipe, home, *, plan=None, environ=None, **options):
    found = checks.check(home, plan or planned(recipe, home), recipe, [], environ or {}, **options)
    return [type(finding.fault) for finding in found if finding.fault]


def test_a_machine_like_this_one_has_no_fault(recipe, tmp_path):
    assert faults(recipe, tmp_path / "é with space" / "x") == []
    checks.refuse(checks.check(tmp_path, planned(recipe, tmp_path), recipe, [], {}))


def test_what_forbids_a_set_up_is_named_and_comes_with_advice(recipe, tmp_path):
    (tmp_path / "file").touch()
    huge = planned(recipe, tmp_path)
    huge = replace(huge, packages=(replace(huge.packages[0], bytes=10**15),))
    assert faults(recipe, tmp_path, plan=huge) == [DiskFull]
    assert faults(recipe, tmp_path / "a:b") == [PathUnsuitable]
    assert faults(recipe, tmp_path, offline=True) == [Offline]
    assert faults(recipe, tmp_path, environ={"HTTPS_PROXY": "http://me:secret@127.0.0.1:9"}) == [NoNetwork]
    assert FolderUnwritable in faults(recipe, tmp_path / "file" / "home")
    found = checks.check(tmp_path, huge, recipe, [], {})
    with pytest.raises(DiskFull) as caught:
        checks.refuse(found)
    assert caught.value.advice


def test_a_proxy_is_named_without_its_password(recipe, tmp_path):
    assert list(checks.proxies_of({"https_proxy": "http://me:secret@proxy:3128"})) == ["proxy:3128"]
    found = checks.check(tmp_path, planned(recipe, tmp_path), recipe, [], {"HTTP_PROXY": "me:secret@127.0.0.1:9"})
    assert "secret" not in repr(found)


def test_no_network_is_needed_where_everything_is_there_or_in_a_folder(recipe, tmp_path):
    whole = replace(planned(recipe, tmp_path), packages=())
    assert faults(recipe, tmp_path, plan=whole, offline=True) == []
    assert faults(recipe, tmp_path, plan=replace(planned(recipe, tmp_path), folder=tmp_path), offline=True) == []


@pytest.mark.parametrize(
    ("path", "system", "said"),
    [
        ("/home/é/漢字", "linux", ""),
        ("/a:b", "linux", "separates paths"),
        ("/a\nb", "linux", "control"),
        ("/" + "a" * 200, "linux", ""),
        (r"C:\Users\me\AppData", "win32", ""),
        (r"C:\Users\me\a;b", "win32", "separates paths"),
        (r"C:\Users\me. \x", "win32", "space or a dot"),
        ("C:\\" + "a" * 100, "win32", "characters"),
    ],
)
def test_a_path_no_environment_can_be_in_is_found(path, system, said):
    fault = checks.path_fault(path, system)
    assert said in fault
    assert bool(fault) == bool(said)


def test_a_path_that_may_fail_is_warned_of():
    assert "ASCII" in checks.path_warning(r"C:\Users\é", "win32")
    assert "network" in checks.path_warning(r"\\server\me", "win32")
    assert "synchronised" in checks.path_warning("/home/me/Dropbox/x", "linux")
    assert not checks.path_warning("/home/é", "linux")


def test_cards_are_read_as_the_driver_tells_them():
    said = "NVIDIA GeForce RTX 4070, 12282, 580.95.05, 8.9\nNVIDIA H200, 143771, 575.10, 9.0\n[N/A], x\n"
    assert machine.read_gpus(said)[0] == Gpu("NVIDIA GeForce RTX 4070", 12282, "580.95.05", 8.9)
    assert len(machine.read_gpus(said)) == 2
    assert machine.read_gpus("Failed to initialize NVML") == []


def test_a_card_decides_the_build_of_torch_if_driver_and_card_are_new_enough(recipe, tmp_path):
    old_driver, old_card = replace(CARD, driver="535.1"), replace(CARD, compute=6.1)
    assert machine.accelerator(recipe, []) == "cpu"
    assert machine.accelerator(recipe, [old_card, CARD]) == "cuda"
    for card in (old_driver, old_card):
        assert machine.accelerator(recipe, [card]) == "cpu"
        found = checks.check(tmp_path, planned(recipe, tmp_path), recipe, [card], {})
        (warned,) = [one for one in found if one.warn]
        assert "or newer is wanted" in warned.warn


def test_no_python_of_the_right_version_is_named():
    with pytest.raises(PythonTooOld, match=r"Python 2\.6"):
        interpreter.find((2, 6))


def test_missing_system_libraries_come_with_the_line_that_installs_them(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    lacking = replace(recipe.profiles["demo"], chain=("demo",), libraries={"libnone.so.1": "libnone1"})
    with pytest.raises(LibraryMissing) as caught:
        interpreter.ensure_system(
            tmp_path, replace(recipe, profiles={"demo": lacking}), lacking, Runner({}, tmp_path / "log"), quiet
        )
    assert "apt-get install -y --no-install-recommends libnone1" in caught.value.advice


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the toy tool is a script")
def test_where_there_is_no_python_the_index_brings_a_tool_that_brings_one(recipe, tmp_path, place, environ):
    """The tool is a toy of uv's name and options that links this Python."""
    script = (
        "#!/bin/sh\n[ \"$1 $2 $3 $4\" = 'python install --no-bin --install-dir' ] || exit 9\n"
        'place="$5/cpython-$6.1-linux/bin" && mkdir -p "$place" && '
        f'ln -s {Path(sys.executable).resolve()} "$place/python$6"\n'
    )
    info = "uv-1.0.dist-info"
    wheel = tmp_path / "uv-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        tool = zipfile.ZipInfo("uv-1.0.data/scripts/uv")
        tool.external_attr = 0o100755 << 16
        archive.writestr(tool, script)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: uv\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    toy = replace(recipe, uv={"version": "1.0", "sha256": {"linux": sha256}})
    runner = Runner(environ | {"PIP_FIND_LINKS": str(tmp_path)}, tmp_path / "log")
    home = tmp_path / "home"
    home.mkdir()
    assert interpreter.can_fetch(toy)
    assert interpreter.fetch(toy, home, runner, quiet).exists()
    assert list(home.glob("python/cpython-3.11*/bin/python3.11"))
    assert not (home / "bootstrap").exists()
