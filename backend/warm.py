"""Networks kept loaded between jobs, within the memory there is. Standard library only.

Before one is loaded a plan is made of what it takes, from the headers of its files, and of what is free now: others go,
the longest unused first, until it fits beside a step's own memory. The plan is told in words.
"""

import json
import math
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from . import memory

Thing = TypeVar("Thing")
Key = tuple[str, ...]
ASIDE_MB = 256.0  # never planned with: other programs want to live
LARGE_MB = 1024.0  # worth a word


@dataclass(frozen=True)
class Plan:
    """What has to go before something is loaded, and all that in words."""

    evicted: tuple[Key, ...]
    text: str
    matters: bool  # it is large, or does not fit


class Shelf:
    """Things in memory by key, the longest unused first.

    Attributes:
        limit_mb: how much they may take together; None leaves only the free memory to decide.
        tell: gets each plan in words.
    """

    def __init__(self, free_mb: Callable[[], float | None] = memory.free_mb) -> None:
        self._free_mb = free_mb
        self._kept: OrderedDict[Key, tuple[Any, float]] = OrderedDict()
        self.limit_mb: int | None = None
        self.tell: Callable[[str], None] = lambda text: None

    @property
    def held_mb(self) -> float:
        return sum((size for _, size in self._kept.values()), 0.0)

    def get(self, key: Key, size_mb: Callable[[], float], work_mb: float, load: Callable[[], Thing]) -> Thing:
        """What lies under the key, loaded if it has to be.

        Args:
            size_mb: what it will take in memory.
            work_mb: what is needed beside it to work with it.
        """
        if key not in self._kept:
            size = size_mb()
            plan = self.plan(size, work_mb)
            self.drop(plan.evicted)
            if plan.evicted or plan.matters:
                self.tell(plan.text)
            self._kept[key] = (load(), size)
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def plan(self, size_mb: float, work_mb: float) -> Plan:
        """How something of that size could be loaded now."""
        free, needs = self._free_mb(), size_mb + work_mb
        room = math.inf if free is None else free - ASIDE_MB
        left = math.inf if self.limit_mb is None else self.limit_mb - self.held_mb
        gone: list[Key] = []
        for key, (_, size) in self._kept.items():
            if room >= needs and left >= size_mb:
                break
            gone.append(key)
            room, left = room + size, left + size
        text = f"needs about {_gigabytes(needs)}" + ("" if free is None else f", {_gigabytes(free)} free")
        if room < needs:
            text += ": more than there is, so it may be slow or fail"
        elif gone:
            text += f": frees {', '.join(' '.join(key) for key in gone)} first"
        return Plan(tuple(gone), text, matters=room < needs or needs > LARGE_MB)

    def drop(self, keys: Collection[Key]) -> None:
        for key in keys:
            self._kept.pop(key, None)

    def keep(self, names: Collection[str]) -> None:
        """Frees all but the things in whose key one of the names is."""
        self.drop([key for key in self._kept if not set(names) & set(key)])


SHELF = Shelf()  # of this process


def weights_mb(folders: Mapping[str, Path], bytes_each: int) -> float:
    """MiB that networks take with so many bytes a number, by the headers of their safetensors."""
    paths = [path for folder in folders.values() for path in folder.glob("*.safetensors")]
    return sum(map(_numbers, paths)) * bytes_each / 2**20


def _numbers(path: Path) -> int:
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(math.prod(one["shape"]) for name, one in header.items() if name != "__metadata__")


def _gigabytes(megabytes: float) -> str:
    return f"{megabytes / 1024:.1f} GB"
