"""Wheels of a lock into an environment, or into a folder for a site without network: by pip, by their hashes.

In small groups, so that what an interruption costs is a group; the bytes of each are known, so that progress is
counted in bytes. Standard library only.
"""

from __future__ import annotations

import csv
import queue
import re
import shutil
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InstallFailed
from .places import python_of
from .recipe import Lock, Package, package_name
from .runner import Emit, Runner

GROUP_BYTES, GROUP_PACKAGES = 40_000_000, 16
PROBE_S = 4.0
# How pip's lines name a package; "Processing" and "Downloading" a file.
_MENTIONED = re.compile(
    r"Collecting ([\w.-]+)|(?:Processing|Downloading|Using cached) (?:.*[/\\])?([\w.]+)-\d[^/\\]*\.whl"
)
_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")


def install(
    runner: Runner, environment: Path, lock: Lock, wanted: Sequence[Package], folder: Path | None, emit: Emit
) -> None:
    """Installs these wheels, and nothing else; with a `folder` only from there.

    Raises:
        NoNetwork, DiskFull, FolderUnwritable, PackageAltered, InstallFailed: what was installed before stays.
    """
    options = ["install", "--no-compile"]
    _in_groups(runner, python_of(environment), lock, wanted, folder, options, "installing packages", emit)


def gather(runner: Runner, python: Path, lock: Lock, wanted: Sequence[Package], folder: Path, emit: Emit) -> None:
    """Downloads these wheels into a folder, from which a machine without network installs.

    Raises:
        NoNetwork, DiskFull, FolderUnwritable, PackageAltered, InstallFailed: what came before stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    options = ["download", "--dest", str(folder)]
    _in_groups(runner, python, lock, wanted, None, options, "fetching packages", emit)


def groups(wanted: Sequence[Package]) -> Iterator[list[Package]]:
    """pip first, for the others want a new one; then the small ones together, each large one alone."""
    small: list[Package] = []
    for package in sorted(wanted, key=lambda one: (one.name != "pip", one.bytes)):
        full = len(small) == GROUP_PACKAGES or sum(one.bytes for one in small) + package.bytes > GROUP_BYTES
        if small and (full or small[-1].name == "pip"):
            yield small
            small = []
        small.append(package)
    if small:
        yield small


def installed(environment: Path) -> dict[str, str]:
    """Version by normalised name of what is installed whole in an environment."""
    found = {}
    for info in _records(environment):
        if (info / "RECORD").is_file():
            found[package_name(info.name)] = info.name.removesuffix(".dist-info").rsplit("-", 1)[1]
    return found


def drop_half_installed(environment: Path) -> None:
    """Forget packages whose installation was cut off: no RECORD, which pip writes last."""
    for info in _records(environment):
        if not (info / "RECORD").is_file():
            shutil.rmtree(info)


def drop_damaged(environment: Path) -> list[str]:
    """Forget packages of which a file is gone or has another size, so that they are installed again; their names."""
    damaged = []
    for info in _records(environment):
        if not _is_whole(info):
            damaged.append(package_name(info.name))
            shutil.rmtree(info)
    return damaged


def _is_whole(info: Path) -> bool:
    try:
        with (info / "RECORD").open(encoding="utf-8", newline="") as file:
            rows = [(row[0], row[2]) for row in csv.reader(file) if len(row) == 3]
        return bool(rows) and all((info.parent / path).stat().st_size == int(size) for path, size in rows if size)
    except (OSError, ValueError):
        return False


def _records(environment: Path) -> list[Path]:
    return [
        *environment.glob("lib/python3*/site-packages/*.dist-info"),
        *environment.glob("Lib/site-packages/*.dist-info"),
    ]


@dataclass
class _Meter:
    """Counts the bytes of a set-up from what pip says."""

    total: int
    before: int = 0
    mentioned: set[str] = field(default_factory=set)
    current: int = 0
    farthest: int = 0  # a download that breaks off begins anew; what is shown never goes back

    def hear(self, line: str, group: Sequence[Package]) -> int:
        """The bytes that are there after a line of pip's."""
        if found := _PROGRESS.fullmatch(line):
            self.current = int(found[1])
        elif found := _MENTIONED.match(line):
            self.mentioned.add(package_name(found[1] or found[2]))
            self.current = 0
        known = [one for one in group if one.name in self.mentioned]
        whole = sum(one.bytes for one in known[:-1])
        self.farthest = max(self.farthest, min(self.before + whole + self.current, self.total))
        return self.farthest


def _in_groups(
    runner: Runner,
    python: Path,
    lock: Lock,
    wanted: Sequence[Package],
    folder: Path | None,
    options: list[str],
    phase: str,
    emit: Emit,
) -> None:
    meter = _Meter(sum(one.bytes for one in wanted))
    list_of = runner.log.with_name("packages.txt")
    for group in groups(wanted):

        def watch(line: str, group: list[Package] = group) -> None:
            done = meter.hear(line, group)
            event = {"phase": phase, "step": done >> 20, "total": max(1, meter.total >> 20), "unit": "MB"}
            emit({"type": "progress", **event, "bytes": done, "bytes_total": meter.total})

        watch("")
        list_of.parent.mkdir(parents=True, exist_ok=True)
        list_of.write_text("".join(f"{one.requirement}\n" for one in group), encoding="utf-8")
        source = _source(lock, group, folder)
        bar = "raw" if group[0].name != "pip" and _knows_raw(python) else "off"
        command = [python, "-m", "pip", *options, "--no-deps", "--require-hashes", "--only-binary", ":all:"]
        try:
            runner.run([*command, "--progress-bar", bar, *source, "-r", list_of], watch)
        except InstallFailed as error:
            raise _with_advice(error, lock, group, folder) from None
        meter.before += sum(one.bytes for one in group)
    list_of.unlink(missing_ok=True)


def _source(lock: Lock, group: list[Package], folder: Path | None) -> list[str]:
    """Where pip looks beside what the user has set: torch's own index only for torch, and only if it answers."""
    if folder is not None:
        return ["--no-index", "--find-links", str(folder)]
    has_torch = any("+" in one.version for one in group)
    return ["--extra-index-url", lock.index] if has_torch and lock.index and _answers(lock.index) else []


def _with_advice(error: InstallFailed, lock: Lock, group: list[Package], folder: Path | None) -> InstallFailed:
    if "No matching distribution" not in error.message or type(error) is not InstallFailed:
        return error
    if folder is not None:
        return InstallFailed(
            error.message, advice=f"{folder} must hold every wheel: doctor --gather FOLDER makes such a folder"
        )
    if any("+" in one.version for one in group):
        advice = f"{lock.index} must be reachable, or a mirror of it (PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS)"
        return InstallFailed(error.message, advice=advice)
    return error


def _knows_raw(python: Path) -> bool:
    """Whether that pip writes its progress as plain lines; since 24.1."""
    there = installed(python.parent.parent).get("pip", "0")
    return tuple(int(one) for one in re.findall(r"\d+", there)[:2]) >= (24, 1)


def _answers(url: str) -> bool:
    """Whether a server answers in time; name look-ups, which know no time limit, are waited for no longer."""
    answers: queue.Queue[bool] = queue.Queue()

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=PROBE_S):
                answers.put(True)
        except OSError:  # urllib's own errors are of this kind
            answers.put(False)

    threading.Thread(target=ask, daemon=True).start()
    try:
        return answers.get(timeout=PROBE_S)
    except queue.Empty:
        return False
