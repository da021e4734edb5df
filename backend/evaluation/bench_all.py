"""`bench`: the renderer, the steps of the stages, memory and Blender's scene, on a machine it describes."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ..settings import RELEASED
from ..workshop import open_workshop
from . import bench, bench_gpu, bench_service, bench_steps

KINDS = ("render", "step", "memory", "service", "apply")
REPEATS = 3

Emit = Callable[[dict[str, Any]], None]


def measure(kinds: tuple[str, ...], emit: Emit) -> tuple[dict[str, Any], str]:
    """All figures by key with the rows they come from, and tables for people."""
    found: dict[str, Any] = {"machine": machine()}
    told = [f"{found['machine']}"]
    if "render" in kinds:
        rows = bench.measure(emit)
        found |= {**bench.figures(rows), "render": rows}
        found.setdefault("render.cuda_ratio_ours_over_nvdiffrast_512_36k", None)
        told += ["", "render: milliseconds, forward / forward and backward; ratio: CPU time of torch over ours"]
        told += [bench.table(rows)]
    if "step" in kinds:
        shop = open_workshop()
        rows = bench_steps.measure(shop, emit)
        others = bench_steps.measure(shop, emit, RELEASED, stages=bench_steps.OF_RELEASED)
        found |= {**bench_steps.figures(rows, others), "step": rows, "released": others}
        told += ["", "step: medians of repeated runs", bench_steps.table(rows)]
        told += ["", "the same of released", bench_steps.table(others)]
    if "memory" in kinds:
        found |= memory(emit)
        told += ["", *(f"{key}: {found[key]} MB" for key in found if key.startswith("memory."))]
    if "service" in kinds:
        found |= bench_service.measure(emit)
        told += ["", *(f"{key}: {found[key]} s" for key in found if key.startswith("service.") and "_" in key)]
        told += ["service.cancel: seconds from the cancel to the end"]
        told += [f"    {phase:<24}{seconds:6.3f}" for phase, seconds in found["service.cancel"].items()]
    if "gpu" in kinds:
        found["gpu"] = bench_gpu.measure(emit)
        told += ["", "gpu: networks of true size with random weights", bench_gpu.table(found["gpu"])]
    if "apply" in kinds:
        figures = applied(emit)
        found |= figures
        told += ["", *(f"{key}: {value}" for key, value in figures.items())]
    return found, "\n".join(told)


def applied(emit: Emit) -> dict[str, float | None]:
    """How long a result takes to come into Blender's scene, by the add-on itself; None where there is no Blender."""
    emit({"type": "progress", "phase": "apply", "step": 0, "total": 1})
    script = Path(__file__).parents[2] / "addon" / "measure.py"
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    if done.returncode:  # no checkout, or a Python without bpy
        return {"apply.milliseconds": None}
    return json.loads(done.stdout)


def machine() -> str:
    """The processor, its cores, and the versions that times depend on."""
    name, info = platform.processor() or platform.machine(), Path("/proc/cpuinfo")
    if info.is_file():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        name = lines[0].partition(":")[2].strip() if lines else name
    card = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    python = platform.python_version()
    return f"{name}, {os.cpu_count()} cores{card}; {platform.system()}, Python {python}, torch {torch.__version__}"


def memory(emit: Emit) -> dict[str, float | None]:
    """The most memory, in megabytes, that a process holds which makes a face, in two steps a stage."""
    try:
        import resource
    except ImportError:  # Windows has no such thing
        return {"memory.generate_megabytes": None}
    found = []
    for number in range(REPEATS):
        emit({"type": "progress", "phase": "memory", "step": number, "total": REPEATS})
        with tempfile.TemporaryDirectory() as folder:
            words = ["generate", bench_steps.PROMPT, "--out", f"{folder}/face", "--json"]
            steps = ["--set", "geometry.steps=2", "--set", "texture.steps=2"]
            command = [sys.executable, "-m", "backend", *words, *steps]
            place = Path(__file__).parents[2]
            subprocess.run(command, cwd=place, check=True, capture_output=True)
        found.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return {"memory.generate_megabytes": round(statistics.median(found) / unit, 1)}
