"""Where the environment lies, what is written down of it, and whose it is. Standard library only."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import EnvironmentBusy, PackageMissing
from ..files import refusal, try_lock, write_whole
from .recipe import REQUIREMENTS, Profile, Recipe
from .runner import Emit

ROOT = Path(__file__).parents[2]  # the folder that holds backend/
STAMP = "setup.json"  # in env/: which profiles are whole; written last, so without it nothing is used
FAULT = "setup-fault.json"  # beside env/: why the last set-up ended
OURS = (STAMP, "facewright.json")  # any of them says that we made the folder; the second is version 0.1.0's
LOCK_PATIENCE_S = 1800.0
LONGEST_ON_WINDOWS = 64  # characters of the home: torch's deepest file takes 195 more, Windows allows 259


def home(environ: Mapping[str, str]) -> Path:
    """`$FACEWRIGHT_HOME`; else in a checkout its `.facewright`, else the platform's user data folder."""
    if named := environ.get("FACEWRIGHT_HOME"):
        return Path(named).expanduser().absolute()
    if (ROOT / "build_addon.py").is_file() or (ROOT / "pyproject.toml").is_file():
        return ROOT / ".facewright"
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "Facewright"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Facewright"
    return Path(environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "facewright"


def home_near(wished: Path, environ: Mapping[str, str]) -> Path:
    """`wished`, or on Windows, where what comes into it would have too long a path, `%LOCALAPPDATA%\\Facewright`.

    For the add-on: the user folder of an extension has about 100 characters there.
    """
    if sys.platform != "win32" or len(str(wished)) <= LONGEST_ON_WINDOWS or long_paths_allowed():
        return wished
    return Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "Facewright"


def long_paths_allowed() -> bool:
    """Whether this Windows was told to open paths of more than 259 characters; elsewhere False."""
    if sys.platform != "win32":
        return False
    import winreg

    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Control\FileSystem") as key:
            return winreg.QueryValueEx(key, "LongPathsEnabled")[0] == 1
    except OSError:
        return False


def python_of(environment: Path) -> Path:
    """The interpreter inside an environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def find(home: Path, profile: Profile) -> Path | None:
    """The interpreter of our environment if all of `profile` is installed in it and was tested; milliseconds."""
    stamp = read_stamp(home / "env")
    python = python_of(home / "env")
    wanted = profile.digests.get(stamp.get("lock", ""))
    whole = wanted is not None and stamp["digests"].get(profile.name) == wanted and "selftest" in stamp
    return python if whole and python.exists() else None


def borrow(environment: Path, recipe: Recipe, profile: str) -> Path:
    """The interpreter of the user's own environment, once it is seen to hold all that `profile` imports.

    Raises:
        PackageMissing: it lacks some, or is none.
    """
    wanted = [name for link in recipe.profiles[profile].chain for name in recipe.profiles[link].imports]
    code = "import importlib.util as u, sys; print(*[n for n in sys.argv[1:] if u.find_spec(n) is None])"
    python = python_of(environment)
    try:
        asked = subprocess.run([python, "-c", code, *wanted], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise PackageMissing(
            f"{environment} is no Python environment: {error}",
            advice="set FACEWRIGHT_ENV to one, or unset it",
        ) from None
    if lacking := asked.stdout.split():
        advice = f"{python} -m pip install -r {REQUIREMENTS / (profile + '.txt')}, or unset FACEWRIGHT_ENV"
        raise PackageMissing(f"{environment} lacks {', '.join(lacking)}", advice=advice)
    return python


def read_stamp(environment: Path) -> dict[str, Any]:
    """What is written down of an environment; empty where nothing is."""
    return _read(environment / STAMP)


def write_stamp(environment: Path, stamp: Mapping[str, Any]) -> None:
    write_whole(environment / STAMP, json.dumps(stamp, indent=1).encode())


def read_fault(home: Path) -> dict[str, Any]:
    """Why the last set-up ended before its end: `code`, `message`, `advice`, `phase`; empty where it did not."""
    return _read(home / FAULT)


def write_fault(home: Path, fault: Mapping[str, Any] | None) -> None:
    """Remembers why a set-up ended, or with None forgets it."""
    if fault is not None:
        write_whole(home / FAULT, json.dumps(fault, indent=1).encode())
    else:
        (home / FAULT).unlink(missing_ok=True)


def is_ours(environment: Path) -> bool:
    return any((environment / name).is_file() for name in OURS)


def discard(folder: Path) -> None:
    """Deletes a folder, moved aside first, so that an interrupted removal is never taken for an environment."""
    aside = folder.with_name(f"{folder.name}.removed")
    shutil.rmtree(aside, ignore_errors=True)
    if folder.exists():
        folder.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def named_os_errors(home: Path) -> Iterator[None]:
    """What the system refuses becomes a named error."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise
        refused = refusal(home, error)
        advice = refused.advice + ", or set FACEWRIGHT_HOME to another"
        raise type(refused)(refused.message, advice=advice) from None


@contextmanager
def locked(home: Path, emit: Emit, cancelled: Callable[[], None] = lambda: None) -> Iterator[int]:
    """Hold the one lock of this home, waiting for another set-up to end; yields its descriptor.

    Raises:
        EnvironmentBusy: it has not ended in half an hour.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "env.lock").open("a+") as file:
        deadline = time.monotonic() + LOCK_PATIENCE_S
        while not try_lock(file.fileno()):
            if time.monotonic() > deadline:
                raise EnvironmentBusy(f"another set-up holds {file.name}", advice="end it, or wait for it")
            emit({"type": "progress", "phase": "waiting for another set-up", "step": 0, "total": 1})
            cancelled()
            time.sleep(0.5)
        yield file.fileno()


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
