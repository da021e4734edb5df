"""A real backend loop with small jobs on the toy head, run as a child: `python -m tests.addon.child`."""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from backend.errors import Cancelled, NotANumber
from backend.face import saved
from backend.protocol import Ready
from backend.serve import Server, take_standard_streams
from backend.service import Service
from tests.toys import toy_face, toy_layer, toy_topology, write_head


def count(total: int, emit, cancelled) -> dict:
    """Counts to `total`, ten milliseconds a step."""
    for step in range(total):
        if cancelled():
            raise Cancelled("the count was stopped")
        emit({"type": "progress", "phase": "counting", "step": step, "total": total})
        time.sleep(0.01)
    return {"counted": total}


def generate(
    prompt: str,
    out: Path,
    emit,
    cancelled,
    seed: int = 0,
    stage: str = "both",
    texture_prompt: str = "",
    negative: tuple[str, ...] = (),
    family: str = "auto",
    parent: Path | None = None,
    preset: str = "recommended",
    settings: dict[str, Any] | None = None,
    head: str = "toy",
    resume: bool = False,
) -> dict:
    """A toy face; some prompts ask for trouble."""
    match prompt:
        case "crash":
            os.abort()
        case "break off" if not resume:
            from backend.stages.journal import Journal  # it needs torch, which other Blenders' Pythons lack

            Journal.of(out, {}, resume=False)
            os.abort()
        case "nan":
            raise NotANumber("a vertex is no number", advice="another seed")
        case "slow":
            count(100_000, emit, cancelled)
        case "outside":
            return {"face": "../elsewhere"}
    count(3, emit, cancelled)
    heard = {"stage": stage, "texture_prompt": texture_prompt, "from": parent is not None}
    face = replace(toy_face(seed=seed), prompt=prompt, head=head, preset=preset, settings=settings or {}, metrics=heard)
    return {"face": str(saved.save(face, out))}


def edit(
    face: Path,
    instruction: str,
    out: Path,
    emit,
    cancelled,
    seed: int = 0,
    strength: float = 1.0,
    scope: str = "auto",
    region: tuple[str, ...] = (),
    mask: Path | None = None,
    force: bool = False,
    preset: str = "recommended",
    settings: dict[str, Any] | None = None,
) -> dict:
    """The parent with one toy layer more; its name tells of a mask."""
    count(3, emit, cancelled)
    parent = saved.load(face)
    layer = toy_layer(seed=seed, instruction=instruction, strength=strength)
    layer = replace(layer, scope=scope, region=region, name="masked" if mask and mask.is_file() else layer.name)
    changed = replace(parent, layers=(*parent.layers, layer), kind="edit", instruction=instruction)
    changed = replace(changed, preset=preset, settings=settings or {})
    return {"face": str(saved.save(changed, out))}


def picture(out: Path, emit, cancelled) -> dict:
    """One preview."""
    out.write_bytes(b"a picture")
    emit({"type": "preview", "file": str(out), "step": 7})
    count(20, emit, cancelled)
    return {}


def layers(
    face: Path,
    out: Path,
    emit,
    cancelled,
    strengths: dict[int, float] | None = None,
    mute: tuple[int, ...] = (),
    unmute: tuple[int, ...] = (),
    order: tuple[int, ...] = (),
) -> dict:
    """The same layers otherwise, as the backend's job of that name."""
    parent = saved.load(face)
    changed = [
        replace(
            layer,
            strength=(strengths or {}).get(number, layer.strength),
            muted=(layer.muted or number in mute) and number not in unmute,
        )
        for number, layer in enumerate(parent.layers, start=1)
    ]
    ordered = tuple(changed[number - 1] for number in order) if order else tuple(changed)
    new = replace(parent, kind="layers", layers=ordered, parent=saved.read_document(face)["id"])
    return {"face": str(saved.save(new, out))}


def head(head: str, out: Path, emit, cancelled) -> dict:
    """The toy head's file, under the name that was asked for."""
    count(30, emit, cancelled)
    write_head(replace(toy_topology(), head=head), out)
    return {"head": str(out)}


JOBS = {"head": head, "count": count, "generate": generate, "edit": edit, "layers": layers, "picture": picture}

if __name__ == "__main__":
    sys.stderr.write("the child has started\n")
    requests, events = take_standard_streams()
    Server(Service(JOBS, lambda: Ready("none"), lambda keep: None), requests, events).run()
