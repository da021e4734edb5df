"""The locks that are shipped: of every platform, complete, exact, and without CUDA where there is no card."""

import importlib.metadata
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from backend.environment import locking, packages, read_recipe
from backend.environment.recipe import REQUIREMENTS, Lock, Package, machine_key, package_name, read_lock

LARGEST = 300_000_000


@pytest.fixture(scope="module", params=locking.LOCKS)
def lock(request) -> Lock:
    return read_lock(REQUIREMENTS / f"{request.param}.txt")


def test_every_lock_holds_what_the_pins_say(lock):
    for profile in locking.PROFILES:
        pins = locking.read_pins(REQUIREMENTS / f"{profile}.txt")
        locked = {one.name: one.version for one in lock.packages if one.profile == profile}
        for name, pin in pins.items():
            if "win32" in pin and not lock.name.startswith("windows"):
                assert name not in locked
            else:
                assert locked[name].split("+")[0] == pin.split("==")[1].split(";")[0]
        assert (
            locked.keys() - pins.keys()
            == {name for name in locked if name.startswith(("nvidia", "cuda", "triton"))} - pins.keys()
        )


def test_every_wheel_has_hash_size_and_licence(lock):
    assert len({one.name for one in lock.packages}) == len(lock.packages)
    for one in lock.packages:
        assert one.hashes
        assert one.bytes > 1000
        assert one.licence


def test_only_the_cuda_locks_bring_cuda_and_the_addon_gets_no_large_wheel(lock):
    run = lock.of(("run",))
    cuda = [one for one in lock.packages if one.name.startswith(("nvidia", "cuda", "triton")) or "+cu" in one.version]
    assert bool(cuda) == (lock.accelerator == "cuda")
    if lock.accelerator == "cpu":
        assert max(one.bytes for one in run) < LARGEST
    assert not [one for one in run if one.name in ("bpy", "anny", "pytest")]


def test_torch_comes_from_where_the_right_build_lies():
    versions = {
        name: next(one for one in read_lock(REQUIREMENTS / f"{name}.txt").packages if one.name == "torch")
        for name in locking.LOCKS
    }
    assert {name: one.version for name, one in versions.items()} == {
        "linux-cpu": "2.13.0+cpu",
        "linux-cuda": "2.13.0+cu130",
        "windows-cpu": "2.13.0",
        "windows-cuda": "2.13.0+cu130",  # the registry's wheel for Windows is the CPU build
        "macos-cpu": "2.13.0",
    }


def stub(folder: Path, name: str, version: str, requires: list[str]) -> None:
    """A wheel of nothing but what it requires."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    lines = [f"Requires-Dist: {one}" for one in requires]
    with zipfile.ZipFile(folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(
            f"{info}/METADATA",
            "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines]) + "\n",
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def test_the_cpu_lock_is_closed_a_resolver_adds_nothing_to_it(tmp_path):
    """pip resolves the lock over wheels that require what the installed ones do, and are else empty."""
    lock = read_lock(REQUIREMENTS / f"{machine_key()}-cpu.txt")
    for one in lock.packages:
        there = importlib.metadata.distribution(one.name)
        stub(tmp_path, one.name, one.version, [line for line in there.requires or [] if "extra ==" not in line])
    pins = tmp_path / "pins.txt"
    pins.write_text("".join(f"{one.name}=={one.version}\n" for one in lock.packages), encoding="utf-8")
    asked = pip("--no-index", "--find-links", str(tmp_path), "-r", str(pins))
    assert asked.returncode == 0, asked.stderr
    found = {package_name(one["metadata"]["name"]) for one in json.loads(asked.stdout)["install"]}
    assert found == {one.name for one in lock.packages}
    assert not [name for name in found if name.startswith(("nvidia", "triton", "cuda"))]


@pytest.mark.slow
def test_the_cpu_lock_resolves_at_the_index_by_its_hashes(tmp_path):
    lock = read_lock(REQUIREMENTS / f"{machine_key()}-cpu.txt")
    pins = tmp_path / "pins.txt"
    pins.write_text("".join(f"{one.requirement}\n" for one in lock.of(("run",))), encoding="utf-8")
    asked = pip("--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(pins))
    if "NameResolutionError" in asked.stderr and "No matching distribution" not in asked.stderr:
        pytest.skip("no network")
    assert asked.returncode == 0, asked.stderr
    report = json.loads(asked.stdout)["install"]
    assert {package_name(one["metadata"]["name"]) for one in report} == {one.name for one in lock.of(("run",))}


def pip(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    return subprocess.run([*command, *words], capture_output=True, text=True)


def test_a_lock_of_another_form_is_refused(tmp_path):
    (tmp_path / "linux-cpu.txt").write_text("torch>=2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no line of a lock"):
        read_lock(tmp_path / "linux-cpu.txt")


def test_groups_bring_pip_first_and_large_wheels_alone():
    sizes = {"small-a": 10, "torch": 10**9, "pip": 10**6, "small-b": 20, "bpy": 2 * 10**9}
    wanted = [Package(name, "1", ("0" * 64,), size, "MIT", "run") for name, size in sizes.items()]
    assert [[one.name for one in group] for group in packages.groups(wanted)] == [
        ["pip"],
        ["small-a", "small-b"],
        ["torch"],
        ["bpy"],
    ]
    many = [Package(f"p{index}", "1", ("0" * 64,), 10, "MIT", "run") for index in range(40)]
    assert [len(group) for group in packages.groups(many)] == [16, 16, 8]


def test_bytes_are_counted_from_what_pip_says():
    group = [Package(name, "1", ("0" * 64,), 100, "MIT", "run") for name in ("a-b", "c")]
    meter = packages._Meter(total=200)
    said = [
        "Collecting a-b==1",
        "  Downloading a_b-1-py3-none-any.whl",
        "Progress 40 of 100",
        "Progress 10 of 100",
        "Collecting c==1",
        "Progress 70 of 100",
    ]
    assert [meter.hear(line.strip(), group) for line in said] == [0, 0, 40, 40, 100, 170]


def test_what_was_cut_off_is_installed_again(tmp_path):
    info = tmp_path / "lib" / "python3.11" / "site-packages" / "toy_0-1.0.dist-info"
    (info / "licenses").mkdir(parents=True)
    (info / "METADATA").touch()
    assert packages.installed(tmp_path) == {}
    packages.drop_half_installed(tmp_path)
    assert not info.exists()


def test_the_recipe_knows_cpu_and_cuda_here():
    recipe = read_recipe()
    assert recipe.profiles["test"].chain == ("run", "demo", "test")
    assert recipe.lock("cpu").accelerator == "cpu"
    assert set(recipe.profiles["run"].digests) == {lock.name for lock in recipe.locks.values()}
