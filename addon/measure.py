# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sidebar takes of Blender's time, in a Python that has the bpy wheel and the backend's; one line of JSON.

How long a result takes to come into the scene, how long drawing takes with 200 steps, how long a tick takes while the
starter networks make a face with previews. For the first two the head is made up, of ICT-FaceKit's size: 26,719
vertices, 53 keys, a noisy albedo of 2048². Files are read on a thread in the add-on, so reading is not counted.

usage: python addon/measure.py
"""

import json
import os
import runpy
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

HEADLESS = runpy.run_path(str(Path(__file__).with_name("headless.py")))
MODULE = HEADLESS["MODULE"]
COLUMNS, ROWS, KEYS, SIZE = 176, 152, 53, 2048  # 26,752 vertices
REPEATS, STEPS = 7, 200
PANELS = ("main", "create", "edit", "layers", "history", "face", "expressions", "textures", "export", "help")
PROMPT, JOB_STEPS = "an old man with a hooked nose", 16  # of each stage, of the job whose ticks are timed


def main() -> dict[str, float]:
    import bpy

    HEADLESS["enable"]()
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    parts: dict[str, Any] = {
        name: sys.modules[f"{MODULE}.{name}"] for name in ("scene.steps", "scene.places", "session.face")
    }
    steps, session = parts["scene.steps"], parts["session.face"]
    with tempfile.TemporaryDirectory(prefix="facewright_measure_") as folder:
        write_head(Path(folder) / "grid.npz")
        parts["scene.places"].EMBEDDED = (Path(folder),)
        faces = [session.face_of(face_files(seed), f"face {seed}") for seed in range(2)]
        inserted = [clocked(lambda: steps.insert(bpy.context, faces[0])) for _ in range(REPEATS)]
        found = bpy.context.scene.objects[-1]  # pyright: ignore[reportAttributeAccessIssue]
        updated = [clocked(partial(steps.add_step, found, faces[index % 2])) for index in range(REPEATS)]
        return {
            "apply.insert_milliseconds": milliseconds(inserted),
            "apply.milliseconds": milliseconds(updated),
            **history(bpy, steps, session, Path(folder)),
            **ticks(bpy),
        }


def history(bpy, steps, session, folder: Path) -> dict[str, float]:
    """A file of 200 steps of a small face: opening it, and what its list and the whole sidebar take to draw."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    files = face_files(0, size=64)
    found = steps.insert(bpy.context, session.face_of(files, "first"))
    document = json.loads(files["face.json"])
    for number in range(1, STEPS):
        document["instruction"] = f"edit {number}"
        steps.add_step(found, session.face_of({**files, "face.json": json.dumps(document).encode()}, "step"))
    path = str(folder / "long.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    opened = clocked(lambda: bpy.ops.wm.open_mainfile(filepath=path))
    (found,) = [one for one in bpy.data.objects if one.facewright.uid]
    bpy.context.view_layer.objects.active = found
    kind = bpy.types.FACEWRIGHT_UL_steps

    class Listed:
        filter_name, bitflag_filter_item = "", 1 << 30

    def draw() -> None:
        kind.filter_items(Listed, bpy.context, found.facewright, "steps")
        for step in list(found.facewright.steps)[:10]:  # the rows that are seen
            kind.draw_item(Listed, bpy.context, Layout(), found.facewright, step, 0, None, "", 0)

    return {
        "history.open_200_steps_seconds": round(opened, 2),
        "history.draw_milliseconds": milliseconds([clocked(draw) for _ in range(REPEATS)]),
        "sidebar.draw_milliseconds": milliseconds([clocked(partial(draw_all, bpy)) for _ in range(REPEATS)][1:]),
    }


class Layout:
    """A layout that takes everything and draws nothing."""

    def __getattr__(self, _name):
        return lambda *_words, **_options: self

    def panel(self, *_words, **_options):
        return self, self


def draw_all(bpy) -> None:
    """Every panel of the tab, as if none were folded."""
    for name in PANELS:
        kind = getattr(bpy.types, f"FACEWRIGHT_PT_{name}")
        if getattr(kind, "poll", lambda _context: True)(bpy.context):
            kind.draw(SimpleNamespace(layout=Layout()), bpy.context)


def ticks(bpy) -> dict[str, float]:
    """The timer's calls, and the redrawing each asks for, while a face is made in a child process."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    parts: dict[str, Any] = {
        name: sys.modules[f"{MODULE}.{name}"] for name in ("ui.pump", "scene.places", "link.bundle")
    }
    pump = parts["ui.pump"]
    parts["scene.places"].EMBEDDED = (parts["link.bundle"].CHECKPOINTS / "starter",)
    settings = json.dumps({"geometry.steps": JOB_STEPS, "texture.steps": JOB_STEPS})
    bpy.ops.facewright.generate(prompt=PROMPT, settings=settings, wait=False)
    took: list[float] = []
    previews: set[str] = set()
    while pump.state.job is not None and pump.state.job.end is None:
        began, drawn = time.perf_counter(), pump.state.drawn
        pump.tick()
        if pump.state.drawn != drawn:
            draw_all(bpy)
        took.append(time.perf_counter() - began)
        previews.add(pump.state.preview)
        time.sleep(pump.BUSY_INTERVAL_S)
    pump.wait()
    return {
        "ui.tick_p95_milliseconds": round(1000 * statistics.quantiles(took, n=20)[-1], 1),
        "ui.tick_longest_milliseconds": round(1000 * max(took), 1),
        "ui.previews": len(previews - {""}),
    }


def clocked(work) -> float:
    """Seconds of this process's own computing: other work on the machine spoils wall times."""
    began = time.process_time()
    work()
    return time.process_time() - began


def milliseconds(seconds: list[float]) -> float:
    return round(1000 * statistics.median(seconds), 1)


def write_head(path: Path) -> None:
    """A head file that is a bent grid."""
    row, column = np.mgrid[0:ROWS, 0:COLUMNS]
    around, up = 2 * np.pi * column / COLUMNS - np.pi, 3 * row / ROWS - 1.5
    rest = np.stack([np.sin(around), up, np.cos(around)], axis=-1).reshape(-1, 3).astype(np.float32)
    corner = (np.arange(ROWS - 1)[:, None] * COLUMNS + np.arange(COLUMNS - 1)).reshape(-1)
    quads = np.stack([corner, corner + 1, corner + COLUMNS + 1, corner + COLUMNS], axis=1).astype(np.int32)
    faces = np.stack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], axis=1).reshape(-1, 3)
    uvs = np.stack([column / COLUMNS, row / ROWS], axis=-1).reshape(-1, 2).astype(np.float32)
    meta = {"head": "grid", "topology_id": "grid", "metres_per_unit": 0.09, "licence": "CC0-1.0"}
    np.savez(
        path,
        quads=quads,
        uv_quads=quads,
        faces=faces,
        uv_faces=faces,
        uvs=uvs,
        rest=rest,
        expressions=np.zeros((KEYS, *rest.shape), np.float32),
        expression_names=np.array([f"key{index}" for index in range(KEYS)]),
        region_names=np.array(["all"]),
        region_weights=np.ones((1, len(rest)), np.float32),
        part_names=np.array(["skin"]),
        face_parts=np.zeros(len(faces), np.int32),
        meta=np.array(json.dumps(meta)),
    )


def face_files(seed: int, size: int = SIZE) -> dict[str, bytes]:
    """The files that Blender reads of a face on that head."""
    generator = np.random.default_rng(seed)
    count = ROWS * COLUMNS
    noise = generator.integers(0, 256, (size, size, 3), np.uint8)
    vertices = generator.standard_normal((count, 3)).astype(np.float32)
    expressions = 0.01 * generator.standard_normal((KEYS, count, 3)).astype(np.float32)
    document = {"schema": 1, "id": str(seed), "head": "grid", "topology_id": "grid", "prompt": "noise", "layers": []}
    session = sys.modules[f"{MODULE}.session.face"]
    return {
        "face.json": json.dumps(document).encode(),
        "mesh.npz": session.npz_of(vertices=vertices, expressions=expressions),
        "base.npz": session.npz_of(vertices=vertices, albedo=noise),
        "albedo.png": sys.modules[f"{MODULE}.session.png"].encode(noise),
    }


if __name__ == "__main__":
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # Blender talks on stdout
    with tempfile.TemporaryDirectory(prefix="facewright_blender_") as resources:
        os.environ["BLENDER_USER_RESOURCES"] = resources  # read when bpy is imported
        answer.write(json.dumps(main()) + "\n")
        answer.close()
        HEADLESS["disable"]()
    os._exit(0)  # Blender 4.5 as a module may hang in its own shutdown
