"""`python3 -m backend demo`: words to a face, two edits, and the result in a real .blend, a GLB and a contact sheet."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from . import commandline, jobs
from .errors import BlenderFailed
from .files import vacant

PROMPT = "a fat man with a hooked nose and protruding ears"
INSTRUCTIONS = ("make his lips red", "make his nose longer")
VIEWS = (0.0, 45.0)
ADDON = Path(__file__).parents[1] / "addon"

Emit = Callable[[dict[str, Any]], None]


def main(options: argparse.Namespace, emit: Emit) -> dict[str, Any]:
    """Runs all of it; returns where everything lies and what each part took.

    Raises:
        FolderExists, FolderUnwritable: see `--out`.
        BlenderFailed: Blender could not put the faces into a scene; the face folders are kept.
    """
    out = options.out or _free_folder(Path("facewright-demo"))
    vacant(out)
    seconds: dict[str, float] = {}
    watched: dict[str, Any] = {"emit": emit, "cancelled": lambda: False}
    made = {**watched, "settings": commandline.job_values(options)["settings"]}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        started = time.monotonic()
        result = work()
        seconds[name] = round(time.monotonic() - started, 1)
        return result

    prompt = PROMPT if options.prompt is None else options.prompt
    instructions = options.instruction or INSTRUCTIONS
    faces = [out / "face-1"]
    timed(f"generate: {prompt}", lambda: jobs.generate(prompt=prompt, out=faces[0], seed=options.seed, **made))
    for number, instruction in enumerate(instructions, start=2):
        faces.append(out / f"face-{number}")
        asked = {"face": faces[-2], "instruction": instruction, "out": faces[-1], "seed": options.seed + number}
        timed(f"edit: {instruction}", partial(jobs.edit, **asked, **made))
    timed("sheet", lambda: write_sheet(faces, out / "sheet.png", prompt))
    timed("GLB", lambda: jobs.export(face=faces[-1], out=out / "head.glb", **watched))
    emit({"type": "progress", "phase": "Blender", "step": 0, "total": 1})
    timed("Blender: .blend and picture", lambda: into_blender(faces, out / "head.blend", out / "blender.png"))
    emit({"type": "progress", "phase": "Blender", "step": 1, "total": 1})
    return {
        "seconds": {**seconds, "all of it": round(sum(seconds.values()), 1)},
        "faces": ", ".join(str(face) for face in faces),
        "contact sheet": str(out / "sheet.png"),
        "GLB": str(out / "head.glb"),
        "Blender file": str(out / "head.blend"),
        "Cycles picture": str(out / "blender.png"),
    }


def write_sheet(faces: list[Path], path: Path, title: str) -> None:
    """Each step from the front and from 45°, grey and textured."""
    from . import provenance
    from .face import saved
    from .pictures import rows_of
    from .render.sheet import sheet
    from .workshop import open_workshop

    loaded = [saved.load(face) for face in faces]
    rows = rows_of(open_workshop(), [(face.instruction or face.prompt, face) for face in loaded], VIEWS)
    sheet(rows, path, title, provenance.of_face(saved.document_of(loaded[-1])))


def into_blender(faces: list[Path], blend: Path, picture: Path) -> dict[str, Any]:
    """Drives the add-on's own operators in real Blender, in a process of its own: Blender may not share torch's.

    Raises:
        BlenderFailed: with the end of what Blender said.
    """
    script = ADDON / "headless.py"
    if not script.is_file():
        raise BlenderFailed("the demo needs the checkout, with addon/ beside backend/", advice="run it from a clone")
    command = [
        sys.executable,
        str(script),
        "--faces",
        *map(str, faces),
        "--blend",
        str(blend),
        "--render",
        str(picture),
    ]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace")
    if done.returncode:
        raise BlenderFailed(
            f"Blender ended with status {done.returncode}: {done.stderr.strip()[-600:]}",
            advice=f"the faces are in {faces[0].parent}; run {script.name} on them again",
        )
    return json.loads(done.stdout.splitlines()[-1])


def _free_folder(wished: Path) -> Path:
    """`wished`, or the first of wished-2, wished-3, … that is not there."""
    folder, number = wished, 1
    while folder.exists():
        number += 1
        folder = wished.with_name(f"{wished.name}-{number}")
    return folder
