"""What a set-up looks at before a byte is fetched: system, Python, graphics card, memory, disk, path, proxy.

Standard library only.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import (
    BackendError,
    DiskFull,
    FolderUnwritable,
    NoNetwork,
    Offline,
    PathUnsuitable,
    PythonTooOld,
    SystemUnsupported,
)
from . import interpreter, machine
from .machine import Gpu
from .places import LONGEST_ON_WINDOWS, long_paths_allowed
from .plan import Plan
from .recipe import Recipe

LITTLE_MEMORY_GB = 6.0
PROXY_PATIENCE_S = 3.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. A `fault` forbids the set-up; `warn` only says that something will be less."""

    what: str
    found: str
    warn: str = ""
    fault: BackendError | None = None


def check(
    home: Path, plan: Plan, recipe: Recipe, cards: list[Gpu], environ: Mapping[str, str], *, offline: bool = False
) -> list[Finding]:
    """All findings, in the order they are shown; nothing changes but for a file written and deleted beside `home`."""
    return [
        _system(recipe),
        _python(recipe, home),
        _graphics(recipe, cards),
        _memory(),
        _disk(home, plan),
        _path(home),
        _writable(home),
        _network(plan, environ, offline),
    ]


def refuse(findings: list[Finding]) -> None:
    """Raises the first fault, if there is one."""
    for finding in findings:
        if finding.fault is not None:
            raise finding.fault


def _system(recipe: Recipe) -> Finding:
    try:
        recipe.lock("cpu")
    except SystemUnsupported as error:
        return Finding("system", f"{platform.system()} {platform.machine()}", fault=error)
    return Finding("system", f"{platform.system()} {platform.machine()}")


def _python(recipe: Recipe, home: Path) -> Finding:
    version = ".".join(map(str, recipe.python))
    try:
        return Finding("Python", str(interpreter.find(recipe.python, home)))
    except PythonTooOld as error:
        if interpreter.can_fetch(recipe):
            return Finding("Python", f"{version} will be fetched")
        return Finding("Python", "none", fault=error)


def _graphics(recipe: Recipe, cards: list[Gpu]) -> Finding:
    if not cards:
        return Finding("graphics card", "no NVIDIA card: work is done by the processor")
    named = ", ".join(f"{card.name} ({card.memory_mb} MB, driver {card.driver})" for card in cards)
    faults = [machine.fault_of(card, recipe) for card in cards]
    if all(faults):
        return Finding("graphics card", named, warn=f"{faults[0]}; until then work is done by the processor")
    return Finding("graphics card", named)


def _memory() -> Finding:
    there = machine.memory_gb()
    if there is None:
        return Finding("memory", "unknown")
    little = f"{LITTLE_MEMORY_GB:.0f} GB or more are wanted; close other programs" if there < LITTLE_MEMORY_GB else ""
    return Finding("memory", f"{there} GB", warn=little)


def _disk(home: Path, plan: Plan) -> Finding:
    free = machine.disk_free_mb(home)
    found = f"{free} MB are free"
    if free >= plan.disk_mb:
        return Finding("disk", found)
    full = DiskFull(
        f"the environment takes {plan.disk_mb} MB more in {home}, {free} MB are free",
        advice="free some space, or set FACEWRIGHT_HOME to a folder on another disk",
    )
    return Finding("disk", found, fault=full)


def _path(home: Path) -> Finding:
    found = f"{len(str(home))} characters"
    if fault := path_fault(str(home), sys.platform):
        return Finding("path", found, fault=PathUnsuitable(f"{home} {fault}", advice=_other_place()))
    if warn := path_warning(str(home), sys.platform):
        return Finding("path", found, warn=f"{warn}; {_other_place()}")
    return Finding("path", found)


def path_fault(path: str, system: str) -> str:
    """Why no environment can be in a folder, "" if it can. `system` is a `sys.platform`."""
    separator = ";" if system == "win32" else ":"
    drive = path[2:] if system == "win32" else path
    if separator in drive:
        return f"holds {separator!r}, which separates paths: no Python environment can be there"
    if any(ord(letter) < 32 for letter in path):
        return "holds a control character"
    if system == "win32" and any(
        part.endswith((" ", ".")) for part in path.replace("/", "\\").split("\\") if part != ".."
    ):
        return "has a part that ends in a space or a dot"
    if system == "win32" and len(path) > LONGEST_ON_WINDOWS and not long_paths_allowed():
        return f"has {len(path)} characters; with more than {LONGEST_ON_WINDOWS} Windows cannot open what comes into it"
    return ""


def path_warning(path: str, system: str) -> str:
    """What may go wrong in a folder, "" if nothing is known."""
    if system == "win32" and path.startswith("\\\\"):
        return "a network folder is slow, and locks may not hold on it"
    if system == "win32" and not path.isascii():
        return "letters outside ASCII were not tried on Windows"
    if any(part in path for part in ("OneDrive", "Dropbox", "iCloud", "Mobile Documents")):
        return "a synchronised folder: gigabytes would be uploaded"
    return ""


def _other_place() -> str:
    short = r"%LOCALAPPDATA%\fw" if sys.platform == "win32" else "a folder elsewhere"
    return f"set FACEWRIGHT_HOME to {short}"


def _writable(home: Path) -> Finding:
    place = machine.existing(home)
    try:
        with tempfile.NamedTemporaryFile(dir=place):
            pass
    except OSError as error:
        fault = FolderUnwritable(
            f"{place} cannot be written: {error.strerror or error}",
            advice="choose a folder you may write to, or set FACEWRIGHT_HOME to another",
        )
        return Finding("folder", str(home), fault=fault)
    return Finding("folder", str(home))


def _network(plan: Plan, environ: Mapping[str, str], offline: bool) -> Finding:
    if not plan.packages or plan.folder is not None:
        return Finding("network", "not needed")
    if offline:
        fault = Offline(
            "the packages must be fetched, and the network is switched off",
            advice="allow it (in Blender: Preferences > System > Allow Online Access), or install from a folder",
        )
        return Finding("network", "switched off", fault=fault)
    proxies = list(proxies_of(environ))
    for proxy in proxies:
        if not _answers(proxy):
            advice = "correct HTTPS_PROXY and HTTP_PROXY, or unset them"
            return Finding("network", proxy, fault=NoNetwork(f"the proxy {proxy} does not answer", advice=advice))
    return Finding("network", f"through the proxy {proxies[0]}" if proxies else "no proxy")


def proxies_of(environ: Mapping[str, str]) -> Iterator[str]:
    """HOST:PORT of each proxy that downloads would go through, without name and password."""
    named = {name: environ.get(name) or environ.get(name.upper()) for name in ("https_proxy", "http_proxy")}
    known = [one for one in named.values() if one]
    if not known and environ is os.environ:  # what Windows and macOS keep elsewhere
        known = [url for scheme, url in urllib.request.getproxies().items() if scheme in ("https", "http")]
    for url in dict.fromkeys(known):
        place = urlsplit(url if "//" in url else f"//{url}")
        if place.hostname:
            yield f"{place.hostname}:{place.port or 8080}"


def _answers(place: str) -> bool:
    host, _, port = place.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), PROXY_PATIENCE_S):
            return True
    except OSError:
        return False
