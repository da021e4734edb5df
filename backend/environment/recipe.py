"""What is installed where: `requirements/`. Profiles (run, demo, test) and two locks a platform, cpu and cuda.

`run.txt`, `demo.txt`, `test.txt` pin versions, dependencies included. A lock, such as `linux-cpu.txt`, is made of them
by `locking.py`: one line a wheel, `NAME==VERSION --hash=sha256:… # BYTES LICENCE`, under a heading `# [PROFILE]`. It
is also a requirements file for pip. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import SystemUnsupported

REQUIREMENTS = Path(__file__).parents[1] / "requirements"
MACHINES = {
    ("linux", "x86_64"): "linux",
    ("win32", "amd64"): "windows",
    ("darwin", "arm64"): "macos",
}
_LINE = re.compile(
    r"(?P<name>[\w.-]+)==(?P<version>\S+)(?P<hashes>( --hash=sha256:[0-9a-f]{64})+) +# (?P<bytes>\d+) (?P<licence>.+)"
)


@dataclass(frozen=True)
class Package:
    """A wheel of a lock. `bytes` of the download; `licence` as the package itself states it."""

    name: str
    version: str
    hashes: tuple[str, ...]
    bytes: int
    licence: str
    profile: str

    @property
    def requirement(self) -> str:
        """The line for pip."""
        return " ".join([f"{self.name}=={self.version}", *(f"--hash=sha256:{one}" for one in self.hashes)])


@dataclass(frozen=True)
class Lock:
    """All wheels for one platform and one build of torch, `name` such as `linux-cpu`; `index` is where torch lies."""

    name: str
    index: str
    packages: tuple[Package, ...]

    @property
    def accelerator(self) -> str:
        """cpu or cuda."""
        return self.name.rsplit("-", 1)[1]

    def of(self, chain: tuple[str, ...]) -> list[Package]:
        """The wheels of these profiles, in order."""
        return [package for package in self.packages if package.profile in chain]

    def digest(self, chain: tuple[str, ...]) -> str:
        """Changes when anything in these profiles does."""
        return hashlib.sha256("\n".join(one.requirement for one in self.of(chain)).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Profile:
    """What one kind of use needs; `chain` names the profiles it builds on, itself last."""

    name: str
    chain: tuple[str, ...]
    imports: tuple[str, ...]
    libraries: dict[str, str]
    locks: tuple[Lock, ...]

    @cached_property
    def digests(self) -> dict[str, str]:
        """By lock: what a stamp must say for this profile to be whole."""
        return {lock.name: lock.digest(self.chain) for lock in self.locks}


@dataclass(frozen=True)
class Recipe:
    """All of `requirements/` for this machine.

    Attributes:
        python: the version the environment is made with.
        locks: cpu and cuda; empty where there is none for this system.
        driver: oldest NVIDIA driver the cuda build runs with.
        compute: oldest compute capability it has code for.
        selftest: the arguments of Python that test an environment; see `selftest.py`.
        uv: version and sha256 by platform of the tool that fetches an interpreter.
    """

    python: tuple[int, int]
    profiles: dict[str, Profile]
    locks: dict[str, Lock]
    driver: int
    compute: float
    selftest: tuple[str, ...]
    uv: dict[str, Any]

    def lock(self, accelerator: str) -> Lock:
        """The lock for cpu or cuda; where there is none for cuda (macOS), that for cpu.

        Raises:
            SystemUnsupported: none for this system.
        """
        if "cpu" not in self.locks:
            system = f"{platform.system()} on {platform.machine()}"
            raise SystemUnsupported(
                f"the packages for {system} are not known",
                advice="make a Python environment with torch and the rest of requirements/run.txt yourself and name "
                "it: FACEWRIGHT_ENV, or the add-on's preferences",
            )
        return self.locks.get(accelerator) or self.locks["cpu"]


def machine_key() -> str | None:
    """linux, windows or macos, on the processors for which there are locks."""
    return MACHINES.get((sys.platform, platform.machine().lower()))


def read_recipe(folder: Path = REQUIREMENTS) -> Recipe:
    """What `profiles.json` and the locks beside it say."""
    data = json.loads((folder / "profiles.json").read_text(encoding="utf-8"))
    files = sorted(folder.glob(f"{machine_key()}-*.txt"))
    locks = {lock.accelerator: lock for lock in (read_lock(file) for file in files)}
    profiles: dict[str, Profile] = {}
    for name, entry in data["profiles"].items():
        below = profiles[entry["on"]].chain if "on" in entry else ()
        libraries = data["libraries"].get(name, {})
        profiles[name] = Profile(name, (*below, name), tuple(entry["imports"]), libraries, tuple(locks.values()))
    major, minor = data["python"]
    gpu = data["gpu"]
    return Recipe((major, minor), profiles, locks, gpu["driver"], gpu["compute"], tuple(data["selftest"]), data["uv"])


def read_lock(file: Path) -> Lock:
    """A lock as `locking.py` writes it.

    Raises:
        ValueError: a line is of another form.
    """
    index, profile, packages = "", "", []
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("# index of torch: "):
            index = line.rsplit(" ", 1)[1]
        elif line.startswith("# [") and line.endswith("]"):
            profile = line[3:-1]
        elif line and not line.startswith("#"):
            found = _LINE.fullmatch(line)
            if found is None:
                raise ValueError(f"{file.name}: {line!r} is no line of a lock")
            hashes = tuple(re.findall(r"sha256:([0-9a-f]{64})", found["hashes"]))
            size, licence = int(found["bytes"]), found["licence"]
            packages.append(Package(found["name"], found["version"], hashes, size, licence, profile))
    return Lock(file.stem, index, tuple(packages))


def package_name(text: str) -> str:
    """The normalised name in `Some_Package==1.2; marker` or `some_package-1.2.dist-info`."""
    name = text.removesuffix(".dist-info").rsplit("-", 1)[0] if text.endswith(".dist-info") else text
    return re.sub(r"[-_.]+", "-", re.split(r"[=<>!~;\[ ]", name)[0]).lower()
