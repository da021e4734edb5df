# SPDX-License-Identifier: GPL-3.0-or-later
"""`blender -c facewright`: faces without a window.

batch JOBS.jsonl [--out FOLDER]   a .blend a line: {"name", "prompt", "edits": [...], "seed", "head", "preset",
                                  "settings": {...}, "export": ["glb", ...]}
export FILE.blend --out HEAD.glb [--preset NAME]   the head of a file in another format
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import bpy

from ..scene import exporting
from .properties import SEED_LIMIT

KNOWN = {
    "name": str,
    "prompt": str,
    "edits": list,
    "seed": int,
    "export": list,
    "head": str,
    "preset": str,
    "settings": dict,
}
_commands: list[object] = []


def run(words: list[str]) -> int:
    """The command; 0 where all went well, 1 where a job failed, 2 where the command was wrong."""
    try:
        options = parser().parse_args(words)
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return batch(options.jobs, options.out) if options.command == "batch" else export(options)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="blender -c facewright", description=__doc__, formatter_class=_Raw)
    commands = made.add_subparsers(dest="command", required=True)
    batch_parser = commands.add_parser("batch", help="faces by a file of jobs, one a line")
    batch_parser.add_argument("jobs", type=Path)
    batch_parser.add_argument("--out", type=Path, default=Path(), metavar="FOLDER")
    export_parser = commands.add_parser("export", help="the head of a .blend in another format")
    export_parser.add_argument("blend", type=Path)
    export_parser.add_argument("--out", type=Path, required=True)
    export_parser.add_argument("--preset", choices=[*exporting.PRESETS], help="by the suffix if not given")
    return made


class _Raw(argparse.RawDescriptionHelpFormatter):
    pass


def batch(jobs: Path, out: Path) -> int:
    """Does each line's job into `out`; a failed one does not stop the rest, a finished one is not done again.

    What became of each stands in `out`/report.jsonl.
    """
    try:
        numbered = list(enumerate(jobs.read_text("utf-8").splitlines(), 1))
        lines = [(number, _job(line, number)) for number, line in numbered if line.strip()]
    except (OSError, ValueError) as error:
        _say(f"{jobs}: {error}")
        return 2
    out.mkdir(parents=True, exist_ok=True)
    failed = 0
    with (out / "report.jsonl").open("a", encoding="utf-8") as report:
        for number, job in lines:
            told = _one(job, number, out.resolve())
            failed += told["state"] == "failed"
            report.write(json.dumps(told) + "\n")
            report.flush()
            _say(f"{told['name']}: {told['state']}" + (f" ({told['error']})" if "error" in told else ""))
    return 1 if failed else 0


def _job(line: str, number: int) -> dict[str, Any]:
    """A line's job; raises ValueError for anything else."""
    job = json.loads(line)
    if not isinstance(job, dict) or not isinstance(job.get("prompt"), str):
        raise ValueError(f"line {number} is no job: it needs a prompt")
    for name, value in job.items():
        if name not in KNOWN or not isinstance(value, KNOWN[name]):
            raise ValueError(f"line {number}: {name!r} is no field of that kind; there are {', '.join(KNOWN)}")
    if wrong := [one for one in job.get("export", []) if one not in exporting.PRESETS]:
        raise ValueError(f"line {number}: no format {wrong[0]!r}; there are {', '.join(exporting.PRESETS)}")
    return job


def _one(job: dict[str, Any], number: int, out: Path) -> dict[str, Any]:
    name = bpy.path.clean_name(job.get("name") or f"face-{number:03d}")
    path, seed = out / f"{name}.blend", int(job.get("seed", number)) % SEED_LIMIT  # failures shift no later seed
    if path.exists():
        return {"name": name, "state": "there already"}
    settings = {"preset": job["preset"]} if "preset" in job else {}
    if "settings" in job:
        settings["settings"] = json.dumps(job["settings"])
    model = {"head": job["head"]} if "head" in job else {}
    try:
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        bpy.ops.facewright.generate(prompt=job["prompt"], seed=seed, wait=True, **model, **settings)
        for instruction in job.get("edits", []):
            bpy.ops.facewright.edit(instruction=str(instruction), seed=seed, wait=True, **settings)
        for preset in job.get("export", []):
            bpy.ops.facewright.export(filepath=str(out / name), preset=preset)
        bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True)
    except RuntimeError as error:  # Blender's operators tell errors so
        return {"name": name, "state": "failed", "error": str(error).removeprefix("Error: ").strip()}
    return {"name": name, "state": "done", "seed": seed, "steps": len(job.get("edits", [])) + 1}


def export(options: argparse.Namespace) -> int:
    by_suffix = {one.suffix: name for name, one in reversed(exporting.PRESETS.items())}
    preset = options.preset or by_suffix.get(options.out.suffix.lower())
    if preset is None:
        _say(f"{options.out}: which format is that? give --preset, one of {', '.join(exporting.PRESETS)}")
        return 2
    try:
        bpy.ops.wm.open_mainfile(filepath=str(options.blend.resolve()))
        heads = [found for found in bpy.context.scene.objects if found.facewright.uid]
        if not heads:
            _say(f"{options.blend} holds no Facewright head")
            return 1
        bpy.context.view_layer.objects.active = heads[0]
        bpy.ops.facewright.export(filepath=str(options.out.resolve()), preset=preset)
    except RuntimeError as error:
        _say(str(error).removeprefix("Error: ").strip())
        return 1
    _say(f"wrote {options.out}")
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def register() -> None:
    _commands.append(bpy.utils.register_cli_command("facewright", run))


def unregister() -> None:
    while _commands:
        bpy.utils.unregister_cli_command(_commands.pop())
