"""The Python that makes the environment, and what a bare Linux lacks. Standard library only."""

from __future__ import annotations

import ctypes
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..errors import LibraryMissing, PythonTooOld
from .places import discard, python_of
from .recipe import Profile, Recipe, machine_key
from .runner import HIDDEN, Emit, Runner

FETCHED = "python"  # in home: interpreters that uv brought


def find(wanted: tuple[int, int], home: Path | None = None) -> Path:
    """A Python of exactly the wanted version: the running one, one on the PATH, or one fetched before.

    Blender's own is passed over: it goes when that Blender goes.

    Raises:
        PythonTooOld: there is none. The bpy wheel exists for no other version.
    """
    version = ".".join(map(str, wanted))
    code = "import sys; print(*sys.version_info[:2], sep='.'); print(sys.executable)"
    for command in _candidates(version, home):
        try:
            asked = subprocess.run(
                [*command, "-c", code], capture_output=True, text=True, timeout=20, creationflags=HIDDEN
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        said = asked.stdout.splitlines()
        if asked.returncode == 0 and len(said) == 2 and said[0] == version:
            return Path(said[1])
    raise PythonTooOld(
        f"Python {version} must make the environment; none was found (this is {sys.executable})",
        advice=f"install Python {version} so that `python{version}` is on the PATH",
    )


def _candidates(version: str, home: Path | None) -> Iterator[list[str]]:
    if "bpy" not in sys.modules:
        yield [getattr(sys, "_base_executable", sys.executable)]
    yield [f"python{version}"]
    if os.name == "nt":
        yield ["py", f"-{version}"]
    if home is not None:
        pattern = f"cpython-{version}*/python.exe" if os.name == "nt" else f"cpython-{version}*/bin/python{version}"
        yield from ([str(one)] for one in sorted((home / FETCHED).glob(pattern)))


def can_fetch(recipe: Recipe) -> bool:
    """Whether a Python can be fetched for this system."""
    return machine_key() in recipe.uv.get("sha256", {})


def fetch(recipe: Recipe, home: Path, runner: Runner, emit: Emit) -> Path:
    """A Python of the recipe's version in `home/python`, brought by uv, which comes from the package index by its hash.

    `UV_PYTHON_INSTALL_MIRROR` names a mirror of the interpreters. The running Python only runs pip, in an environment
    that is deleted afterwards.

    Raises:
        PythonTooOld: uv brought none; NoNetwork, PackageAltered, InstallFailed.
    """
    emit({"type": "progress", "phase": "fetching Python", "step": 0, "total": 2})
    bootstrap = home / "bootstrap"
    discard(bootstrap)
    version = ".".join(map(str, recipe.python))
    try:
        runner.run([sys.executable, "-m", "venv", bootstrap])
        wanted = bootstrap / "uv.txt"
        sha256 = recipe.uv["sha256"][machine_key()]
        wanted.write_text(f"uv=={recipe.uv['version']} --hash=sha256:{sha256}\n", encoding="utf-8")
        runner.run([python_of(bootstrap), "-m", "pip", "install", "--no-deps", "--require-hashes", "-r", wanted])
        emit({"type": "progress", "phase": "fetching Python", "step": 1, "total": 2})
        uv = python_of(bootstrap).with_name("uv.exe" if os.name == "nt" else "uv")
        runner.run([uv, "python", "install", "--no-bin", "--install-dir", home / FETCHED, version])
    finally:
        discard(bootstrap)
    return find(recipe.python, home)


def ensure_system(home: Path, recipe: Recipe, profile: Profile, runner: Runner, emit: Emit) -> None:
    """What a bare Linux lacks: the libraries Blender loads, and in Debian the half of venv that brings pip.

    Raises:
        LibraryMissing: where we may not install them; the advice is the one line that does it.
    """
    if not sys.platform.startswith("linux"):
        return
    wanted = {}
    for link in profile.chain:
        wanted |= recipe.profiles[link].libraries
    missing = [package for library, package in wanted.items() if not _loads(library)]
    if not python_of(home / "env").exists():
        try:
            python = find(recipe.python, home)
        except PythonTooOld:
            python = Path(sys.executable)  # it makes the environment in which uv is brought
        if subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True).returncode != 0:
            missing.append(f"python{'.'.join(map(str, recipe.python))}-venv")
    if missing:
        apt_install(runner, missing, "this system lacks", emit)


def apt_install(runner: Runner, packages: list[str], why: str, emit: Emit) -> None:
    """Install Debian packages where we may (root, with apt-get).

    Raises:
        LibraryMissing: where we may not; the advice is the one line that does it.
    """
    line = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    may = os.name == "posix" and os.geteuid() == 0
    if not (may and Path("/usr/bin/apt-get").exists()):
        raise LibraryMissing(f"{why}: {', '.join(packages)}", advice=f"sudo apt-get update && sudo {line}")
    emit({"type": "progress", "phase": "installing system libraries", "step": 0, "total": 1})
    quiet = replace(runner, environ={**runner.environ, "DEBIAN_FRONTEND": "noninteractive"})
    quiet.run(["apt-get", "update", "-q"])
    quiet.run(shlex.split(line))


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
