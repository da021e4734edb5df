"""Makes the Python environment in which everything heavy runs: `$FACEWRIGHT_HOME/env`, by venv and pip.

Used by the command line and by the add-on. What goes in is data (`requirements/`): exact pins of everything,
installed without resolving, so that two machines get the same and no CUDA package slips into a CPU
environment. A stamp, written last, says which profiles are whole; without it nothing is used, and what an
interrupted set-up left is finished by the next. Standard library only: Blender's Python imports this file.
"""

import ctypes
import errno
import hashlib
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import installer
from .errors import (
    DiskFull,
    EnvironmentBusy,
    InstallFailed,
    LibraryMissing,
    PackageMissing,
    PythonTooOld,
)
from .files import refusal, try_lock
from .installer import Emit, Runner

REQUIREMENTS = Path(__file__).parent / "requirements"
ROOT = Path(__file__).parents[1]  # the folder that holds backend/
STAMP = "facewright.json"
LOCK_PATIENCE_S = 1800.0


@dataclass(frozen=True)
class Profile:
    """What one kind of use needs; `chain` names the profiles it builds on, itself last."""

    name: str
    chain: tuple[str, ...]
    pins: tuple[str, ...]
    imports: tuple[str, ...]
    libraries: dict[str, str]
    disk_mb: int
    digest: str


@dataclass(frozen=True)
class Recipe:
    """All of `requirements/`: the Python it is for, where CPU torch comes from, the profiles."""

    python: tuple[int, int]
    torch: dict[str, Any]
    profiles: dict[str, Profile]


def read_recipe(folder: Path = REQUIREMENTS) -> Recipe:
    """What `profiles.json` and the files of pins beside it say."""
    data = json.loads((folder / "profiles.json").read_text(encoding="utf-8"))
    profiles: dict[str, Profile] = {}
    for name, entry in data["profiles"].items():
        pins, base = _read_pins(folder / f"{name}.txt")
        below = profiles[base] if base else None
        pins = (below.pins if below else ()) + pins
        profiles[name] = Profile(
            name,
            (below.chain if below else ()) + (name,),
            pins,
            tuple(entry["imports"]),
            data["libraries"].get(name, {}),
            entry["disk_mb"],
            hashlib.sha256("\n".join(pins).encode()).hexdigest()[:16],
        )
    major, minor = data["python"]
    return Recipe((major, minor), data["torch"], profiles)


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


def python_of(environment: Path) -> Path:
    """The interpreter inside an environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def find(home: Path, profile: Profile) -> Path | None:
    """The interpreter of our environment if all of `profile` is installed in it, else None; milliseconds."""
    stamp = _read_stamp(home / "env")
    python = python_of(home / "env")
    if stamp and stamp["digests"].get(profile.name) == profile.digest and python.exists():
        return python
    return None


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


def prepare(
    home: Path, profile_name: str, emit: Emit, environ: Mapping[str, str], recipe: Recipe | None = None
) -> Path:
    """The interpreter of our environment, made or completed as needed; resumes what was interrupted.

    Raises:
        PythonTooOld, LibraryMissing, NoNetwork, DiskFull, FolderUnwritable, EnvironmentBusy, InstallFailed:
            each with advice; what was whole before is still used.
    """
    recipe = recipe or read_recipe()
    profile = recipe.profiles[profile_name]
    if python := find(home, profile):
        return python
    with _named_os_errors(home), _locked(home, emit) as held:
        if python := find(home, profile):  # the other one we waited for has made it
            return python
        runner = Runner(environ, home / "logs" / "install.log", held)
        _check_disk(home, profile)
        _ensure_system(home, recipe, profile, runner, emit)
        stamp = _ensure_venv(home / "env", recipe, runner, emit)
        python = python_of(home / "env")
        _install(python, recipe, profile, runner, emit)
        fresh = [link for link in profile.chain if link not in stamp["digests"]]
        _check_imports(python, [name for link in fresh for name in recipe.profiles[link].imports], runner, emit)
        digests = {link: recipe.profiles[link].digest for link in profile.chain}
        _write_stamp(home / "env", stamp | {"digests": stamp["digests"] | digests})
        return python


def warm(home: Path, python: Path, emit: Emit, environ: Mapping[str, str]) -> None:
    """Compile the renderer's Warp kernels into `home/kernels`, so that the first render need not."""
    emit({"type": "progress", "phase": "compiling kernels", "step": 0, "total": 1})
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from backend.render import kernels; kernels.warm()"
    settings = {"FACEWRIGHT_KERNELS": str(home / "kernels")}
    Runner({**environ, **settings}, home / "logs" / "install.log").run([python, "-c", code])


def has_nvidia_gpu() -> bool:
    """Whether the driver's own tool sees a card."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return False
    try:
        return "GPU" in subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return False


def find_interpreter(wanted: tuple[int, int]) -> Path:
    """A Python of exactly the wanted version: the running one, else one on the PATH.

    Raises:
        PythonTooOld: there is none. The bpy wheel exists for no other version.
    """
    version = ".".join(map(str, wanted))
    running = getattr(sys, "_base_executable", sys.executable)
    code = "import sys; print(*sys.version_info[:2], sep='.'); print(sys.executable)"
    for command in ([running], [f"python{version}"], ["py", f"-{version}"]):
        try:
            asked = subprocess.run([*command, "-c", code], capture_output=True, text=True, timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            continue
        said = asked.stdout.splitlines()
        if asked.returncode == 0 and len(said) == 2 and said[0] == version:
            return Path(said[1])
    raise PythonTooOld(
        f"Python {version} must make the environment; none was found (this is {running})",
        advice=f"install Python {version} so that `python{version}` is on the PATH",
    )


def _read_pins(file: Path) -> tuple[tuple[str, ...], str]:
    """The pins of a file, and the profile it builds on by `-r NAME.txt`, or ""."""
    lines = [line.split("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines()]
    bases = [line.removeprefix("-r ").removesuffix(".txt") for line in lines if line.startswith("-r ")]
    pins = tuple(line for line in lines if line and not line.startswith("-r "))
    return pins, bases[0] if bases else ""


def _read_stamp(environment: Path) -> dict[str, Any] | None:
    try:
        return json.loads((environment / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _write_stamp(environment: Path, stamp: dict[str, Any]) -> None:
    part = environment / f"{STAMP}.part"
    part.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    part.replace(environment / STAMP)


@contextmanager
def _named_os_errors(home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise
        refused = refusal(home, error)
        advice = refused.advice + ", or set FACEWRIGHT_HOME to another"
        raise type(refused)(refused.message, advice=advice) from None


@contextmanager
def _locked(home: Path, emit: Emit) -> Iterator[int]:
    """Hold the one lock of this home, waiting for another set-up to end; yields its descriptor."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "env.lock").open("a+") as file:
        deadline = time.monotonic() + LOCK_PATIENCE_S
        while not try_lock(file.fileno()):
            if time.monotonic() > deadline:
                raise EnvironmentBusy(f"another set-up holds {file.name}", advice="end it, or wait for it")
            emit({"type": "progress", "phase": "waiting for another set-up", "step": 0, "total": 1})
            time.sleep(0.5)
        yield file.fileno()


def _check_disk(home: Path, profile: Profile) -> None:
    missing = {installer.package_name(pin) for pin in profile.pins} - installer.installed(home / "env")
    needed_mb = profile.disk_mb * len(missing) // len(profile.pins)
    free_mb = shutil.disk_usage(home).free >> 20
    if free_mb < needed_mb:
        raise DiskFull(
            f"the environment takes {needed_mb} MB more in {home}, {free_mb} MB are free",
            advice="free some space, or set FACEWRIGHT_HOME to a folder on another disk",
        )


def _ensure_system(home: Path, recipe: Recipe, profile: Profile, runner: Runner, emit: Emit) -> None:
    """What a bare Linux lacks: the libraries Blender loads, and in Debian the half of venv that brings pip."""
    if not sys.platform.startswith("linux"):
        return
    wanted = {}
    for link in profile.chain:
        wanted |= recipe.profiles[link].libraries
    missing = [package for library, package in wanted.items() if not _loads(library)]
    if not python_of(home / "env").exists():
        python = find_interpreter(recipe.python)
        if subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True).returncode != 0:
            missing.append(f"python{'.'.join(map(str, recipe.python))}-venv")
    if missing:
        installer.apt_install(runner, missing, "this system lacks", emit)


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _ensure_venv(environment: Path, recipe: Recipe, runner: Runner, emit: Emit) -> dict[str, Any]:
    """Make the bare environment unless it is there; returns its stamp, without what is out of date."""
    stamp = _read_stamp(environment)
    version = ".".join(map(str, recipe.python))
    if stamp and stamp["python"] == version and python_of(environment).exists():
        known = recipe.profiles
        current = {name: d for name, d in stamp["digests"].items() if name in known and known[name].digest == d}
        stamp = stamp | {"digests": current}
        _write_stamp(environment, stamp)
        installer.drop_half_installed(environment)
        return stamp
    if stamp is None and environment.is_dir() and any(environment.iterdir()):
        raise InstallFailed(
            f"{environment} was not made by Facewright",
            advice="move it away, or set FACEWRIGHT_ENV to it to use it as it is",
        )
    emit({"type": "progress", "phase": "making the environment", "step": 0, "total": 1})
    python = find_interpreter(recipe.python)
    _remove(environment)
    environment.mkdir()
    _write_stamp(environment, {"python": "", "digests": {}})  # ours from the start, so a rest may be removed
    runner.run([python, "-m", "venv", environment])
    stamp = {"python": version, "digests": {}}
    _write_stamp(environment, stamp)
    return stamp


def _remove(environment: Path) -> None:
    """Moved aside first, so that an interrupted removal is never taken for an environment."""
    aside = environment.with_name("env.removed")
    shutil.rmtree(aside, ignore_errors=True)
    if environment.exists():
        environment.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


def _install(python: Path, recipe: Recipe, profile: Profile, runner: Runner, emit: Emit) -> None:
    torch = [pin for pin in profile.pins if installer.package_name(pin) == "torch"]
    rest = [pin for pin in profile.pins if pin not in torch]
    installer.pip_install(runner, python, rest, emit)
    if torch and has_nvidia_gpu():  # this build needs the CUDA packages it names; all else stays as pinned
        constraints = python.parent.parent / "constraints.txt"
        constraints.write_text("\n".join(rest), encoding="utf-8")
        installer.pip_install(runner, python, torch, emit, options=("--constraint", str(constraints)))
    elif torch:
        options: Sequence[str] = ("--no-deps",)
        if sys.platform == "linux" and _answers(recipe.torch["cpu_index_probe"], recipe.torch["probe_seconds"]):
            options = ("--no-deps", "--extra-index-url", recipe.torch["cpu_index"])
        installer.pip_install(runner, python, torch, emit, options=options)


def _answers(url: str, seconds: float) -> bool:
    """Whether a server answers in time; name look-ups, which know no time limit, are waited for no longer."""
    answers: queue.Queue[bool] = queue.Queue()

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds):
                answers.put(True)
        except OSError:  # urllib's own errors are of this kind
            answers.put(False)

    threading.Thread(target=ask, daemon=True).start()
    try:
        return answers.get(timeout=seconds)
    except queue.Empty:
        return False


def _check_imports(python: Path, names: Sequence[str], runner: Runner, emit: Emit) -> None:
    """Import all that was installed, once, in one process."""
    tried: list[str] = []

    def watch(line: str) -> None:
        if line.startswith("importing "):
            tried.append(line.split()[1])
        emit({"type": "progress", "phase": "trying the packages", "step": len(tried), "total": len(names)})

    code = (
        "import importlib, os, sys\n"
        "for name in sys.argv[1:]: print('importing', name, flush=True); importlib.import_module(name)\n"
        "os._exit(0)  # Blender's module may fail in its own clean-up"
    )
    try:
        runner.run([python, "-I", "-u", "-c", code, *names], watch)
    except InstallFailed as error:
        kind = LibraryMissing if "cannot open shared object file" in error.message else InstallFailed
        message = f"{tried[-1] if tried else 'Python'} is installed but does not load.\n{error.message}"
        raise kind(message, advice=error.advice) from None
