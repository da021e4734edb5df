"""One report of what is there, what is missing and whether it works; names no private path."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import __version__, checkpoints, environment
from .environment import machine
from .errors import BackendError, CheckpointInvalid, CheckpointMissing

PACKAGES = ("torch", "diffusers", "transformers", "warp-lang", "numpy", "bpy", "pip")

Emit = Callable[[dict[str, Any]], None]


def report(home: Path, environ: Mapping[str, str], emit: Emit, *, quick: bool = False) -> dict[str, object]:
    """Versions, machine, environment, checkpoints, unless `quick` a timed self-test: plain values as they are shown."""
    recipe = environment.read_recipe()
    cards = environment.gpus()
    lines: dict[str, object] = {
        "facewright": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory GB": machine.memory_gb() or "unknown",
        "disk free GB": round(machine.disk_free_mb(home) / 1024, 1),
        "NVIDIA GPU": "; ".join(_card(card, recipe) for card in cards) or "none",
        "environment": _environment(home, environ, recipe),
    }
    borrowed = environ.get("FACEWRIGHT_ENV")
    root = Path(borrowed) if borrowed else home / "env"
    python = environment.python_of(root)
    if borrowed or python.exists():
        lines |= _versions(python)
    lines["checkpoints"] = ", ".join(_checkpoints())
    ready = any(environment.find(home, profile) for profile in recipe.profiles.values())
    if not quick and (borrowed or ready):
        lines["self-test"] = _masked(_selftest(root, home, environ, emit), home)
    return lines


def repair(home: Path, environ: Mapping[str, str], emit: Emit) -> None:
    """Installs again what is damaged in every profile that was installed, `run` at least.

    Raises:
        what `SetUp.run` raises.
    """
    known = environment.read_recipe().profiles
    there = environment.read_stamp(home / "env").get("digests", {})
    largest = max((name for name in known if name in there), key=lambda name: len(known[name].chain), default="run")
    environment.SetUp.of(home, largest, environ).run(emit, repair=True)


def gather(home: Path, folder: Path, environ: Mapping[str, str], emit: Emit) -> dict[str, object]:
    """Every package of the profiles `run` and `demo` in a folder."""
    told = environment.gather(environment.SetUp.of(home, "demo", environ), folder.absolute(), emit)
    return {
        "wheels": len(told.packages),
        "MB": told.bytes >> 20,
        "lock": told.lock.name,
        "then": "FACEWRIGHT_WHEELS=FOLDER",
    }


def _card(card: environment.Gpu, recipe: environment.Recipe) -> str:
    fault = machine.fault_of(card, recipe)
    told = f"{card.name}, {card.memory_mb} MB, driver {card.driver}, capability {card.compute}"
    return f"{told} (not used: {fault})" if fault else told


def _environment(home: Path, environ: Mapping[str, str], recipe: environment.Recipe) -> str:
    if environ.get("FACEWRIGHT_ENV"):
        return "the user's own"
    ready = [name for name, profile in recipe.profiles.items() if environment.find(home, profile)]
    if ready:
        return f"{', '.join(ready)} ({environment.read_stamp(home / 'env')['lock']})"
    now = environment.state(home, recipe, "run")
    why = f"; the last set-up ended: {now.fault['message']}" if now.fault else ""
    begun = "not made yet; the first command makes it" if now.phase == environment.CHECK else f"begun, at {now.phase}"
    return _masked(begun + why, home)


def _selftest(root: Path, home: Path, environ: Mapping[str, str], emit: Emit) -> str:
    try:
        setup = environment.SetUp.of(home, "run", environ)
        told = environment.adopt(root, setup, emit)
    except BackendError as error:
        return f"failed: {error.title}: {error.message}"
    return ", ".join(
        f"{name.replace('_ms', '')} {value}{' ms' if name.endswith('_ms') else ''}" for name, value in told.items()
    )


def _checkpoints() -> list[str]:
    """Names of those that are there, with what is wrong."""
    try:
        states = {row["name"]: row["state"] for row in checkpoints.rows()}
    except (CheckpointMissing, CheckpointInvalid) as error:
        return [f"unknown: {error.title}"]
    wrong = {"damaged": " (damaged)", "partial": " (not whole yet)"}
    return [name + wrong.get(state, "") for name, state in states.items() if state != "absent"]


def _versions(python: Path) -> dict[str, object]:
    code = (
        "import importlib.metadata as m, json, sys\n"
        "there = {d.metadata['Name']: d.version for d in m.distributions()}\n"
        "print(json.dumps({name: there.get(name, 'missing') for name in sys.argv[1:]}))"
    )
    try:
        asked = subprocess.run([python, "-I", "-c", code, *PACKAGES], capture_output=True, text=True)
    except OSError:
        return {"packages": "the environment does not start"}
    return json.loads(asked.stdout) if asked.returncode == 0 else {"packages": "the environment does not start"}


def _masked(text: str, home: Path) -> str:
    """Without the folders that name a person."""
    return text.replace(str(home), "$FACEWRIGHT_HOME").replace(str(Path.home()), "~")
