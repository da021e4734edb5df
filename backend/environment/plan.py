"""What a set-up will fetch, said before it begins: bytes, disk, minutes, licences. Standard library only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from . import packages
from .places import python_of
from .recipe import Lock, Package, Recipe

BYTES_PER_SECOND = 5e6  # 40 Mbit/s, a home's connection
INSTALLED_PER_BYTE = 3.2  # measured: all of the profile `test` on Linux, 863 MB of wheels make 2.7 GB
SECONDS_PER_PACKAGE, SECONDS_BESIDES = 0.4, 45.0  # unpacking; making, testing


@dataclass(frozen=True)
class Plan:
    """What is still to come for a profile; `folder` is where wheels are taken from instead of the network."""

    profile: str
    lock: Lock
    packages: tuple[Package, ...]
    home: Path
    folder: Path | None = None

    @property
    def bytes(self) -> int:
        return sum(package.bytes for package in self.packages)

    @property
    def disk_mb(self) -> int:
        """More than there is now, with the largest download beside its content."""
        largest = max((package.bytes for package in self.packages), default=0)
        return math.ceil((self.bytes * INSTALLED_PER_BYTE + largest) / 2**20)

    @property
    def minutes(self) -> int:
        """At 40 Mbit/s, rounded up; less where pip has fetched before."""
        fetching = 0.0 if self.folder else self.bytes / BYTES_PER_SECOND
        return math.ceil((fetching + SECONDS_PER_PACKAGE * len(self.packages) + SECONDS_BESIDES) / 60)

    @property
    def licences(self) -> dict[str, list[str]]:
        """Packages by licence, as each states it, the most frequent first."""
        by: dict[str, list[str]] = {}
        for package in self.packages:
            by.setdefault(package.licence, []).append(package.name)
        return dict(sorted(by.items(), key=lambda entry: (-len(entry[1]), entry[0])))

    def lines(self) -> list[str]:
        """For people, before anything is fetched."""
        if not self.packages:
            return [f"All packages of {self.profile} are there; they are to be tested."]
        source = f"from {self.folder}" if self.folder else f"{self.bytes / 1e6:.0f} MB to fetch"
        named = "; ".join(
            f"{licence} ({', '.join(names) if len(names) < 4 else len(names)})"
            for licence, names in self.licences.items()
        )
        count = f"{len(self.packages)} packages ({self.lock.name})"
        disk = f"{self.disk_mb / 1000:.1f} GB of disk in {self.home}"
        return [f"{count}, {source}, {disk}, about {self.minutes} minutes.", f"Licences: {named}."]


def plan(home: Path, recipe: Recipe, profile: str, accelerator: str, folder: Path | None = None) -> Plan:
    """What the environment of `home` lacks.

    Raises:
        SystemUnsupported: no packages are known for this system.
    """
    lock = recipe.lock(accelerator)
    there = packages.installed(home / "env") if python_of(home / "env").exists() else {}
    wanted = [one for one in lock.of(recipe.profiles[profile].chain) if there.get(one.name) != one.version]
    return Plan(profile, lock, tuple(wanted), home, folder)
