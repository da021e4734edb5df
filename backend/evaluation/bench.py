"""How fast the renderer is: our kernels, plain torch, and nvdiffrast where it is installed, side by side in one run.

What is measured is one picture's geometry, from vertices to shaded normals: ours with antialiased outlines, the
others without. CPU time is that of all threads; torch has one. Other work on the machine spoils wall times, so
compare within a run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..face.subdivision import subdivided
from ..render import nvidia, reference
from ..render.camera import Cameras
from ..render.kernels import visible
from ..render.light import display_light, shade
from ..render.picture import Surface, Visible, look
from ..workshop import open_workshop

SIZES, BATCHES, REPEATS = (224, 512, 1024), (1, 4), 3
GOAL = ("36k", 512, 1)  # the picture of `render.cpu_ratio_torch_over_ours_512_36k`

Emit = Callable[[dict[str, Any]], None]
Head = tuple[Surface, Float[Tensor, "1 V 3"]]
Render = Callable[[Head, Cameras, int], Tensor]


def heads(device: str = "cpu") -> dict[str, Head]:
    """The embedded head as it is and after one step of Loop: about 9 and 36 thousand triangles."""
    topology = open_workshop().model.topology
    finer, matrix = subdivided(topology)
    return {
        "9k": (Surface.of(topology, device), torch.from_numpy(topology.rest)[None].to(device)),
        "36k": (Surface.of(finer, device), torch.from_numpy(matrix @ topology.rest)[None].to(device)),
    }


def ours(head: Head, cameras: Cameras, size: int, rasteriser: Visible = visible) -> Float[Tensor, "B 3 H W"]:
    light = display_light().to(head[1])
    return look(*head, cameras, light, size, antialias=True, rasteriser=rasteriser).textureless()


def plain(head: Head, cameras: Cameras, size: int) -> Float[Tensor, "N 3"]:
    """The same without kernels and without antialiasing: one row a hit, which costs less than a picture."""
    surface, vertices = head
    clip = cameras.clip(vertices)
    index = reference.visible(clip, surface.faces, (size, size))
    shares = reference.weights(clip, surface.faces, index)
    blended = reference.blend(reference.normals(vertices, surface.faces), shares, surface.faces, index)
    shades = shade(torch.nn.functional.normalize(blended, dim=1), display_light().to(vertices))
    return shades[:, None].expand(-1, 3)


def measure(
    emit: Emit,
    given: dict[str, Head] | None = None,
    sizes: Sequence[int] = SIZES,
    batches: Sequence[int] = BATCHES,
    repeats: int = REPEATS,
) -> list[dict[str, Any]]:
    """A row a mesh, size and batch: milliseconds of CPU and wall time, the least of some repeats, path by path."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    paths: dict[str, Render] = {"ours": ours, "torch": plain}
    if nvidia.available():
        paths["nvdiffrast"] = lambda head, cameras, size: ours(head, cameras, size, nvidia.visible)
    given = given or heads(device)
    cases = [(name, size, batch) for name in given for size in sizes for batch in batches]
    before, rows = torch.get_num_threads(), []
    torch.set_num_threads(1)
    try:
        for number, (name, size, batch) in enumerate(cases):
            emit({"type": "progress", "phase": "measuring", "step": number, "total": len(cases)})
            angles = torch.linspace(20, -40, batch, device=device)
            cameras = Cameras(angles, angles / 4)
            times = {path: _least(render, given[name], cameras, size, repeats) for path, render in paths.items()}
            rows.append({"mesh": name, "size": size, "batch": batch, **times})
    finally:
        torch.set_num_threads(before)
    return rows


def figures(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """What the rows come to, by name."""
    found = {}
    for row in rows:
        ratio = row["torch"]["both_cpu"] / max(row["ours"]["both_cpu"], 1e-9)
        found[f"render.cpu_ratio_torch_over_ours_{row['size']}_{row['mesh']}_b{row['batch']}"] = round(ratio, 2)
        if (row["mesh"], row["size"], row["batch"]) == GOAL:
            found["render.cpu_ratio_torch_over_ours_512_36k"] = round(ratio, 2)
    return found


def table(rows: Sequence[dict[str, Any]]) -> str:
    """One line a row: forward / forward and backward in milliseconds, of CPU and of wall time."""
    paths = [name for name in rows[0] if name not in ("mesh", "size", "batch")]
    cells = [["mesh", "pixels", "batch", *(f"{path} {clock}" for path in paths for clock in ("CPU", "wall")), "ratio"]]
    for row in rows:
        times = [
            f"{row[path][f'forward_{clock}']:.1f} / {row[path][f'both_{clock}']:.1f}"
            for path in paths
            for clock in ("cpu", "wall")
        ]
        ratio = row["torch"]["both_cpu"] / max(row["ours"]["both_cpu"], 1e-9)
        cells.append([row["mesh"], str(row["size"]), str(row["batch"]), *times, f"{ratio:.2f}"])
    widths = [max(len(line[k]) for line in cells) for k in range(len(cells[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


def _least(render: Render, head: Head, cameras: Cameras, size: int, repeats: int) -> dict[str, float]:
    """Milliseconds of the fastest run, after one that warms up."""

    def forward() -> None:
        with torch.no_grad():
            render(head, cameras, size)

    def both() -> None:
        vertices = head[1].clone().requires_grad_()
        render((head[0], vertices), cameras, size).square().sum().backward()

    least: dict[str, float] = {}
    for work in (forward, both):
        for repeat in range(repeats + 1):
            _settle(head)
            wall, cpu = time.perf_counter(), time.process_time()
            work()
            _settle(head)
            times = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
            for clock, seconds in times.items():
                if repeat:
                    name = f"{work.__name__}_{clock}"
                    least[name] = min(least.get(name, float("inf")), 1000 * seconds)
    return least


def _settle(head: Head) -> None:
    """Waits until the card has done what it was asked."""
    if head[1].is_cuda:
        torch.cuda.synchronize()
