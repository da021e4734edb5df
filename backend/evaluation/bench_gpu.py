"""`bench gpu`: seconds for a face and an edit, and peak memory, as if the card had less. Untested on CUDA so far.

Networks of Stable Diffusion's true size with random weights: how fast they are does not depend on what they learnt.
The refinement of large textures is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch

from .. import editing, making
from ..checkpoints import PROFILES
from ..checkpoints.profiles import FULL
from ..diffusion.model import Diffusion
from ..diffusion.plans import MemoryPlan, is_full, plan_for
from ..errors import UsageError
from ..settings import RECOMMENDED, Preset, changed
from ..stages.optimise import Watch
from ..workshop import HEAD, Networks, Workshop

GIGABYTES = (8, 12, 16, 24)  # that the card is made out to have
DTYPES = (torch.bfloat16, torch.float16)
STEPS, WARM = 5, 2  # a stage; steps before the clock starts
SECONDS = 480.0  # after which nothing more is begun
PROMPT, INSTRUCTION = "an old man with a long nose", "make his lips red"
STAGES = ("geometry", "texture", "edit_texture", "edit_geometry")

Make = Callable[[str, str, torch.dtype, MemoryPlan], Diffusion]  # role, device, dtype, plan
Emit = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, eq=False)
class Given(Networks):
    """Networks made on the spot, one role at a time: two UNets need not fit beside each other."""

    dtype: torch.dtype = torch.float32
    make: Make | None = None  # None: of true size, with random weights

    @cached_property
    def draw(self) -> Diffusion:  # pyright: ignore[reportIncompatibleMethodOverride]: kept, where theirs is on a shelf
        return (self.make or _of_true_size)("text-to-image", self.device, self.dtype, self.plan)

    @cached_property
    def edit(self) -> Diffusion:  # pyright: ignore[reportIncompatibleMethodOverride]
        return (self.make or _of_true_size)("instruct-edit", self.device, self.dtype, self.plan)

    def hashes(self, *roles: str) -> dict[str, str]:
        """None: there are no files."""
        return {}


def measure(emit: Emit) -> list[dict[str, Any]]:
    """A row for each size of card and precision.

    Raises:
        UsageError: there is no CUDA card here.
    """
    if not torch.cuda.is_available():
        raise UsageError("bench gpu needs a CUDA card, there is none", advice="bench step measures what a CPU does")
    whole, began, rows = torch.cuda.mem_get_info()[1] / 1e9, time.monotonic(), []
    todo = [(size, dtype) for size in GIGABYTES if size <= whole for dtype in DTYPES]
    for number, (size, dtype) in enumerate(todo):
        emit({"type": "progress", "phase": "bench gpu", "step": number, "total": len(todo)})
        if time.monotonic() - began > SECONDS:
            rows.append({"gigabytes": size, "dtype": str(dtype), "left out": "the time was over"})
            continue
        torch.cuda.set_per_process_memory_fraction(size / whole)
        given = Given(PROFILES[FULL], None, "cuda", plan_for(size * 950.0), dtype)  # a little is the driver's
        rows.append({"gigabytes": size} | row(given))
    torch.cuda.set_per_process_memory_fraction(1.0)
    return rows


def row(networks: Given, steps: int = STEPS, warm: int = WARM) -> dict[str, Any]:
    """Seconds a step of each stage, of a whole face and of an edit, and the most memory in MiB; or what was full."""
    found: dict[str, Any] = {"dtype": str(networks.dtype).removeprefix("torch."), "plan": networks.plan.name}
    preset = changed(RECOMMENDED, dict(networks.family.settings))
    short = changed(preset, {f"{stage}.steps": steps for stage in STAGES} | {"texture.refine_steps": 0})
    if networks.device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    try:
        seconds = _drawing(networks, short, warm) | _editing(networks, short, warm)
    except RuntimeError as error:
        if not is_full(error):
            raise
        return found | {"out of memory": str(error).partition(".")[0]}
    found |= {f"seconds a step, {stage}": round(value, 4) for stage, value in seconds.items()}
    spent = {stage: value * getattr(preset, stage).steps for stage, value in seconds.items()}
    found["seconds a face"] = round(spent["geometry"] + spent["texture"], 1)
    found["seconds an edit"] = round(max(spent["edit_texture"], spent["edit_geometry"]), 1)
    if networks.device == "cuda":
        found["peak MiB"] = round(torch.cuda.max_memory_allocated() / 2**20)
    return found


def table(rows: list[dict[str, Any]]) -> str:
    """The rows for people."""
    return "\n".join(", ".join(f"{name} {value}" for name, value in one.items()) for one in rows)


def _drawing(networks: Given, preset: Preset, warm: int) -> dict[str, float]:
    shop, clock = Workshop(HEAD, networks), Clock(warm)
    spoken = making.listen(shop, preset, {"geometry": PROMPT, "texture": PROMPT}, ())
    making.draw(shop, preset, spoken, "both", 0, None, clock.watch)
    return {"geometry": clock.seconds("shape"), "texture": clock.seconds("texture")}


def _editing(networks: Given, preset: Preset, warm: int) -> dict[str, float]:
    alone = replace(networks)  # what drew is let go
    networks.__dict__.pop("draw", None)
    shop, clock = Workshop(HEAD, alone), Clock(warm)
    rest = making.Drawn(*making.start(shop, None), making.worn(shop, None))
    face = making.new_face(shop, preset, ["text-to-image"], PROMPT, 0, rest, {}, None, making.Spoken({}, {}, [], []))
    asked = editing.Asked(INSTRUCTION, scope="both", region=("lips",))
    watch = {scope: clock.watch(f"edit_{scope}") for scope in ("geometry", "texture")}
    editing.made(shop, face, preset, asked, editing.way_of(asked, shop, preset), watch, force=True)
    return {name: clock.seconds(name) for name in ("edit_texture", "edit_geometry")}


class Clock:
    """When the steps of each phase were done."""

    def __init__(self, warm: int) -> None:
        self._warm = warm
        self._marks: dict[str, list[float]] = {}

    def watch(self, phase: str) -> Watch:
        def progress(step: int, total: int) -> None:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            self._marks.setdefault(phase, []).append(time.perf_counter())

        return Watch(progress)

    def seconds(self, phase: str) -> float:
        """A step, after the warm ones."""
        marks = self._marks[phase][self._warm - 1 :]
        return (marks[-1] - marks[0]) / (len(marks) - 1)


def _of_true_size(role: str, device: str, dtype: torch.dtype, plan: MemoryPlan) -> Diffusion:
    from . import true_size

    unet = {"text-to-image": "Stable Diffusion 1.5", "instruct-edit": "InstructPix2Pix"}[role]
    return true_size.networks(unet, device, dtype, plan)
