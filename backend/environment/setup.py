"""The set-up as a machine of states: check, confirm, interpreter, packages, self-test, ready.

Nothing is remembered but what lies on the disk, so a set-up that was killed goes on where it was. Standard library
only.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import BackendError, Cancelled, InstallFailed
from . import checks, interpreter, machine, packages, places, testing
from .checks import Finding
from .places import discard, find, python_of
from .plan import Plan, plan
from .recipe import Lock, Profile, Recipe, read_recipe
from .runner import HIDDEN, Emit, Runner

CHECK, CONFIRM, INTERPRETER, PACKAGES, SELFTEST, READY = (
    *("check", "confirm", "interpreter", "packages", "self-test", "ready"),
)


@dataclass(frozen=True)
class Preview:
    """What was found before a byte is fetched, and what would come; to be shown, then confirmed."""

    findings: list[Finding]
    plan: Plan

    @property
    def faults(self) -> list[BackendError]:
        """What forbids the set-up; each with advice."""
        return [finding.fault for finding in self.findings if finding.fault]

    def lines(self) -> list[str]:
        """For people: warnings and faults, then what would come."""
        told = [f"{one.what}: {one.warn}" for one in self.findings if one.warn]
        return [*told, *(f"{one.title}: {one.message}" for one in self.faults), *self.plan.lines()]


@dataclass(frozen=True)
class State:
    """Where a set-up would go on: `phase` is ready or the first that is not done; `fault` says why the last one ended
    (`code`, `message`, `advice`, `phase`), empty if it did not; `size` are the bytes the environment takes."""

    phase: str
    python: Path | None
    fault: Mapping[str, Any]


def state(home: Path, recipe: Recipe, profile_name: str) -> State:
    """What the disk says, in milliseconds; may be asked while a set-up runs."""
    profile = recipe.profiles[profile_name]
    fault = places.read_fault(home)
    if python := find(home, profile):
        return State(READY, python, {})
    stamp = places.read_stamp(home / "env")
    if not places.is_ours(home / "env"):
        return State(CHECK, None, fault)
    if not python_of(home / "env").exists():
        return State(INTERPRETER, None, fault)
    whole = stamp.get("digests", {}).get(profile_name) == profile.digests.get(stamp.get("lock", ""), "none")
    return State(SELFTEST if whole else PACKAGES, None, fault)


@dataclass(frozen=True)
class SetUp:
    """One set-up of one profile.

    Attributes:
        home: `$FACEWRIGHT_HOME`; the environment comes into `home/env`.
        profile: run, demo or test.
        environ: where pip's settings and proxies are read.
        offline: whether the network is forbidden; from Blender `not bpy.app.online_access`.
        folder: wheels are taken from here instead of the network.
        accelerator: cpu or cuda, where the card should not decide.
    """

    home: Path
    profile: str
    environ: Mapping[str, str]
    offline: bool = False
    folder: Path | None = None
    accelerator: str | None = None
    recipe: Recipe = field(default_factory=read_recipe)

    @classmethod
    def of(cls, home: Path, profile: str, environ: Mapping[str, str]) -> SetUp:
        """As `$FACEWRIGHT_OFFLINE`, `$FACEWRIGHT_WHEELS` (a folder) and `$FACEWRIGHT_TORCH` (cpu or cuda) say."""
        folder = environ.get("FACEWRIGHT_WHEELS")
        return cls(
            home,
            profile,
            environ,
            environ.get("FACEWRIGHT_OFFLINE", "0") not in ("", "0"),
            Path(folder) if folder else None,
            environ.get("FACEWRIGHT_TORCH") or None,
        )

    def look(self) -> Preview:
        """CHECK, without any change to the disk; a second or two where there is a card.

        Raises:
            SystemUnsupported: no packages are known for this system.
        """
        cards = machine.gpus()
        accelerator = self.accelerator or machine.accelerator(self.recipe, cards)
        coming = plan(self.home, self.recipe, self.profile, accelerator, self.folder)
        found = checks.check(self.home, coming, self.recipe, cards, self.environ, offline=self.offline)
        return Preview(found, coming)

    def run(
        self,
        emit: Emit,
        cancelled: Callable[[], bool] = lambda: False,
        confirm: Callable[[Preview], bool] = lambda preview: True,
        *,
        repair: bool = False,
    ) -> Path:
        """From wherever it stands to READY; returns the interpreter. What was whole before is used in the meantime.

        Args:
            emit: takes `{"type": "progress", "state", "phase", "step", "total"}`, while packages come also `bytes`,
                `bytes_total` and `seconds_left` (None at first).
            cancelled: asked twice a second; what has come stays for the next time.
            confirm: shown what was found and what will come, before the first byte.
            repair: look at every file that was installed, install again what is damaged, and test again.

        Raises:
            Cancelled: by `cancelled` or `confirm`.
            SystemUnsupported, PythonTooOld, DiskFull, PathUnsuitable, FolderUnwritable, NoNetwork, Offline,
            LibraryMissing, PackageAltered, GpuUnusable, EnvironmentBusy, InstallFailed: each with advice; also
            remembered for `state`.
        """
        profile = self.recipe.profiles[self.profile]
        if not repair and (python := find(self.home, profile)):
            return python
        told = _Told(emit)

        def stop() -> None:
            if cancelled():
                raise Cancelled("the set-up was stopped", advice="start it again: it goes on where it was")

        try:
            with places.named_os_errors(self.home):
                python = self._run(profile, told, stop, confirm, repair)
                places.write_fault(self.home, None)
        except BackendError as error:
            if not isinstance(error, Cancelled):
                self._remember(error, told.state)
            raise
        told.enter(READY)
        return python

    def _run(
        self,
        profile: Profile,
        told: _Told,
        stop: Callable[[], None],
        confirm: Callable[[Preview], bool],
        repair: bool,
    ) -> Path:
        told.enter(CHECK)
        preview = self.look()
        checks.refuse(preview.findings)
        told.enter(CONFIRM)
        if not confirm(preview):
            raise Cancelled("the set-up was not confirmed", advice="nothing was fetched or changed")
        with places.locked(self.home, told, stop) as held:
            if not repair and (python := find(self.home, profile)):  # the other one we waited for has made it
                return python
            runner = Runner(self.environ, self.home / "logs" / "install.log", held, stop)
            told.enter(INTERPRETER)
            interpreter.ensure_system(self.home, self.recipe, profile, runner, told)
            python = self._ensure_venv(runner, told)
            if repair:
                packages.drop_damaged(self.home / "env")
                places.write_stamp(self.home / "env", self._stamp(None))
            told.enter(PACKAGES)
            lock = preview.plan.lock
            self._install(python, lock, profile, runner, told)
            told.enter(SELFTEST)
            self._test(python, lock, profile, runner, told)
        return python

    def _ensure_venv(self, runner: Runner, emit: Emit) -> Path:
        """The bare environment, made unless it is there and its Python and pip start."""
        environment = self.home / "env"
        if places.is_ours(environment) and self._starts():
            packages.drop_half_installed(environment)
            return python_of(environment)
        if environment.is_dir() and any(environment.iterdir()) and not places.is_ours(environment):
            raise InstallFailed(
                f"{environment} was not made by Facewright",
                advice="move it away, or set FACEWRIGHT_ENV to it to use it as it is",
            )
        emit({"type": "progress", "phase": "making the environment", "step": 0, "total": 1})
        try:
            python = interpreter.find(self.recipe.python, self.home)
        except BackendError:
            if self.offline or self.folder or not interpreter.can_fetch(self.recipe):
                raise
            python = interpreter.fetch(self.recipe, self.home, runner, emit)
        discard(environment)
        environment.mkdir()
        places.write_stamp(environment, self._stamp(None))  # ours from the start, so a rest may be removed
        runner.run([python, "-m", "venv", environment])
        return python_of(environment)

    def _starts(self) -> bool:
        python = python_of(self.home / "env")
        code = f"import pip, sys; sys.exit(sys.version_info[:2] != {self.recipe.python})"
        try:
            return subprocess.run([python, "-c", code], capture_output=True, creationflags=HIDDEN).returncode == 0
        except OSError:
            return False

    def _install(self, python: Path, lock: Lock, profile: Profile, runner: Runner, emit: Emit) -> None:
        environment = self.home / "env"
        wanted = plan(self.home, self.recipe, self.profile, lock.accelerator, self.folder).packages
        stamp = self._stamp(lock)
        places.write_stamp(environment, stamp)
        packages.install(runner, environment, lock, wanted, self.folder, emit)
        fresh = [link for link in profile.chain if link not in stamp["digests"]]
        names = [name for link in fresh for name in self.recipe.profiles[link].imports]
        testing.try_imports(python, names, runner, emit)
        digests = {link: self.recipe.profiles[link].digests[lock.name] for link in profile.chain}
        places.write_stamp(environment, stamp | {"digests": stamp["digests"] | digests})

    def _test(self, python: Path, lock: Lock, profile: Profile, runner: Runner, emit: Emit) -> None:
        stamp = places.read_stamp(self.home / "env")
        if "selftest" not in stamp:
            found = testing.selftest(python, self.recipe, self.home, lock.accelerator, runner, emit)
            places.write_stamp(self.home / "env", stamp | {"selftest": found})

    def _stamp(self, lock: Lock | None) -> dict[str, Any]:
        """The stamp without what is out of date; without a lock an empty one."""
        if lock is None:
            return {"lock": "", "digests": {}}
        old = places.read_stamp(self.home / "env")
        same = old.get("lock") == lock.name
        known = {name: profile.digests[lock.name] for name, profile in self.recipe.profiles.items()}
        digests = {
            name: digest for name, digest in old.get("digests", {}).items() if same and known.get(name) == digest
        }
        tested = {"selftest": old["selftest"]} if "selftest" in old and "run" in digests else {}
        return {"lock": lock.name, "digests": digests, **tested}

    def _remember(self, error: BackendError, phase: str) -> None:
        fault = {"code": error.code, "message": error.message, "advice": error.advice, "phase": phase}
        try:
            places.write_fault(self.home, fault)
        except BackendError:
            return  # where nothing can be written there is nothing to go on with either


def adopt(environment: Path, setup: SetUp, emit: Emit, cancelled: Callable[[], bool] = lambda: False) -> dict[str, Any]:
    """The self-test of the user's own environment, which is then used by `FACEWRIGHT_ENV`.

    Raises:
        PackageMissing: it lacks some, or is none; GpuUnusable, InstallFailed: it does not work.
    """

    def stop() -> None:
        if cancelled():
            raise Cancelled("the test was stopped")

    python = places.borrow(environment, setup.recipe, setup.profile)
    runner = Runner(setup.environ, setup.home / "logs" / "install.log", stop=stop)
    accelerator = setup.accelerator or machine.accelerator(setup.recipe, machine.gpus())
    return testing.selftest(python, setup.recipe, setup.home, accelerator, runner, emit)


def gather(setup: SetUp, folder: Path, emit: Emit) -> Plan:
    """Downloads every wheel of a profile into a folder, for `SetUp.folder` on a machine without network.

    Raises:
        NoNetwork, DiskFull, FolderUnwritable, PackageAltered, InstallFailed: what came before stays.
    """
    lock = setup.recipe.lock(setup.accelerator or machine.accelerator(setup.recipe, machine.gpus()))
    wanted = tuple(lock.of(setup.recipe.profiles[setup.profile].chain))
    runner = Runner(setup.environ, setup.home / "logs" / "install.log")
    python = interpreter.find(setup.recipe.python, setup.home)
    packages.gather(runner, python, lock, wanted, folder, emit)
    return Plan(setup.profile, lock, wanted, setup.home, folder)


def remove(home: Path, emit: Emit = lambda event: None) -> int:
    """Deletes the environment and the interpreter that was fetched for it; returns the bytes they took.

    Checkpoints, heads and faces stay.

    Raises:
        InstallFailed: `env` is not ours; EnvironmentBusy, FolderUnwritable.
    """
    with places.named_os_errors(home), places.locked(home, emit):
        if (home / "env").is_dir() and any((home / "env").iterdir()) and not places.is_ours(home / "env"):
            raise InstallFailed(f"{home / 'env'} was not made by Facewright", advice="delete it yourself")
        freed = 0
        for name in ("env", interpreter.FETCHED, "bootstrap"):
            freed += sum(file.lstat().st_size for file in (home / name).rglob("*") if not file.is_dir())
            discard(home / name)
        places.write_fault(home, None)
    return freed


class _Told:
    """An `emit` that adds the state, and from the bytes the seconds that are left."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self.state = CHECK
        self._began: tuple[float, int] | None = None

    def enter(self, state: str) -> None:
        self.state = state
        self._emit({"type": "state", "state": state})

    def __call__(self, event: dict[str, Any]) -> None:
        left = {"seconds_left": self._left(event["bytes"], event["bytes_total"])} if "bytes" in event else {}
        self._emit({**event, "state": self.state, **left})

    def _left(self, done: int, total: int) -> int | None:
        now = time.monotonic()
        if self._began is None:
            self._began = now, done
        seconds, came = now - self._began[0], done - self._began[1]
        return round((total - done) * seconds / came) if seconds > 3 and came > 0 else None
