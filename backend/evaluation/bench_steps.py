"""Where a step of the recommended stages spends its time: in the networks, or in rendering and the rest.

A pass-through stands before and behind the autoencoder's encoder and notes when it is passed, also on the way back, so
that the encoder's backward pass counts as the networks' and not as the renderer's.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..diffusion.guidance import Guidance
from ..diffusion.model import Diffusion
from ..pictures import to_tensor
from ..prompts import phrased
from ..settings import RECOMMENDED, Preset
from ..stages import edit, geometry, guiding, masks, texture
from ..stages.optimise import Watch
from ..workshop import Workshop

STEPS, WARM, REPEATS = 6, 2, 3
PROMPT, INSTRUCTION = "an old man with a hooked nose and red lips", "make his lips red"

Emit = Callable[[dict[str, Any]], None]


class Clock:
    """Seconds spent in the networks, and what is passed on the way back."""

    def __init__(self) -> None:
        self.networks = 0.0
        self._entered = 0.0

    def enter(self) -> None:
        self._entered = time.perf_counter()

    def leave(self) -> None:
        self.networks += time.perf_counter() - self._entered


class _Passed(torch.autograd.Function):
    """The tensor as it is; on the way back it tells the clock."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, told: Callable[[], None]) -> Tensor:
        ctx.told = told
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        ctx.told()
        return gradients[0], None


class Timed(Diffusion):
    """Networks whose encoder and UNet tell a clock how long they take, both ways."""

    @classmethod
    def of(cls, networks: Diffusion, clock: Clock) -> Timed:
        timed = cls(**{name: getattr(networks, name) for name in Diffusion.__dataclass_fields__})
        object.__setattr__(timed, "clock", clock)
        return timed

    def encode(self, images: Tensor) -> Tensor:
        clock: Clock = self.__dict__["clock"]
        clock.enter()
        latents = super().encode(_Passed.apply(images, clock.leave))  # pyright: ignore[reportArgumentType]
        clock.leave()
        return _Passed.apply(latents, clock.enter)  # pyright: ignore[reportReturnType]

    def predict_noise(self, *given: Any, **named: Any) -> Tensor:
        clock: Clock = self.__dict__["clock"]
        clock.enter()
        predicted = super().predict_noise(*given, **named)
        clock.leave()
        return predicted


def measure(shop: Workshop, emit: Emit, preset: Preset = RECOMMENDED, repeats: int = REPEATS) -> list[dict[str, Any]]:
    """A row a stage: seconds a step and the networks' part of it, medians over repeated runs."""
    stages = {
        "geometry": _geometry,
        "texture": _texture,
        "edit_texture": _edit_texture,
        "edit_geometry": _edit_geometry,
    }
    rows = []
    for number, (name, work) in enumerate(stages.items()):
        emit({"type": "progress", "phase": "measuring", "step": number, "total": len(stages)})
        settings = replace(getattr(preset, name), steps=STEPS)
        runs = [_timed(work, shop, settings) for _ in range(repeats)]
        seconds = statistics.median(total for total, _ in runs)
        share = statistics.median(networks / total for total, networks in runs)
        rows.append({"stage": name, "seconds_per_step": round(seconds, 4), "network_share": round(share, 4)})
    return rows


def figures(rows: list[dict[str, Any]], preset: Preset = RECOMMENDED) -> dict[str, float | None]:
    """Over a whole face, each stage by its own number of steps."""
    generating = {"geometry": preset.geometry.steps, "texture": preset.texture.steps}
    spent = {row["stage"]: row["seconds_per_step"] * generating.get(row["stage"], 0) for row in rows}
    networks = sum(row["network_share"] * spent[row["stage"]] for row in rows)
    whole = sum(spent.values())
    return {
        "step.non_network_share": round(1 - networks / whole, 4),
        "step.seconds_per_face": round(whole, 2),
        "step.released_over_recommended_seconds_per_face": None,  # there is no released step to compare with yet
    }


def table(rows: list[dict[str, Any]]) -> str:
    lines = ["stage          ms a step  networks  rendering and the rest"]
    for row in rows:
        share = row["network_share"]
        lines.append(f"{row['stage']:<15}{1000 * row['seconds_per_step']:>9.1f}{share:>10.1%}{1 - share:>24.1%}")
    return "\n".join(lines)


def _timed(work: Callable[..., None], shop: Workshop, settings: Any) -> tuple[float, float]:
    """(seconds a step, of which in the networks), after WARM steps."""
    clock, marks = Clock(), []

    def note(step: int, total: int) -> None:
        if step in (WARM, total):
            marks.append((time.perf_counter(), clock.networks))

    work(shop, settings, clock, Watch(progress=note))
    (start, before), (end, after) = marks
    return (end - start) / (STEPS - WARM), (after - before) / (STEPS - WARM)


def _drawing(shop: Workshop, stage: str, settings: Any, clock: Clock) -> tuple[Guidance, guiding.Wanted]:
    words = phrased(PROMPT, shop.family, stage, settings.style)
    return guiding.drawing(Timed.of(shop.draw, clock), settings, words)


def _editing(shop: Workshop, settings: Any, clock: Clock) -> tuple[Guidance, Tensor]:
    return guiding.editing(Timed.of(shop.edit, clock), settings, INSTRUCTION)


def _geometry(shop: Workshop, settings: Any, clock: Clock, watch: Watch) -> None:
    guidance, wanted = _drawing(shop, "geometry", settings, clock)
    geometry.generate(shop.model, shop.surface, guidance, wanted, settings, 0, watch)


def _texture(shop: Workshop, settings: Any, clock: Clock, watch: Watch) -> None:
    guidance, wanted = _drawing(shop, "texture", settings, clock)
    fixed = masks.fixed_texels(shop.model.topology, shop.surface, texture.TEXTURE)
    worn, head = to_tensor(shop.albedo), shop.model.vertices()
    texture.distil(shop.surface, head, worn, fixed, guidance, lambda scene: wanted(scene.cameras), settings, 0, watch)


def _edit_texture(shop: Workshop, settings: Any, clock: Clock, watch: Watch) -> None:
    guidance, text = _editing(shop, settings, clock)
    fixed = masks.fixed_texels(shop.model.topology, shop.surface, texture.TEXTURE)
    worn, head = to_tensor(shop.albedo), shop.model.vertices()
    edit.edit_texture(shop.surface, head, worn, fixed, guidance, text, settings, 0, watch)


def _edit_geometry(shop: Workshop, settings: Any, clock: Clock, watch: Watch) -> None:
    guidance, text = _editing(shop, settings, clock)
    weights = torch.from_numpy(masks.shape_weights(shop.model.topology, shop.model.topology.region("nose")))
    edit.edit_geometry(shop.model, shop.surface, shop.model.vertices(), weights, guidance, text, settings, 0, watch)
