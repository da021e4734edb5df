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

from ..diffusion.guidance import Condition, Guidance
from ..diffusion.model import Diffusion
from ..pictures import to_tensor
from ..prompts import phrased
from ..settings import RECOMMENDED, RELEASED, Preset
from ..stages import edit, geometry, guiding, masks, texture
from ..stages.optimise import Watch
from ..workshop import Workshop

STEPS, WARM, REPEATS = 6, 2, 3
IN_LATENTS = " in latents"
STAGES = ("geometry", "texture", "edit_texture", "edit_geometry")
OF_RELEASED = ("geometry", "texture", f"texture{IN_LATENTS}")
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

    def encode(self, images: Tensor, posterior: torch.Generator | None = None) -> Tensor:
        clock: Clock = self.__dict__["clock"]
        clock.enter()
        latents = super().encode(_Passed.apply(images, clock.leave), posterior)  # pyright: ignore[reportArgumentType]
        clock.leave()
        return _Passed.apply(latents, clock.enter)  # pyright: ignore[reportReturnType]

    def predict_noise(self, *given: Any, **named: Any) -> Tensor:
        clock: Clock = self.__dict__["clock"]
        clock.enter()
        predicted = super().predict_noise(*given, **named)
        clock.leave()
        return predicted


def measure(
    shop: Workshop,
    emit: Emit,
    preset: Preset = RECOMMENDED,
    repeats: int = REPEATS,
    stages: tuple[str, ...] = STAGES,
) -> list[dict[str, Any]]:
    """A row a stage: seconds a step and the networks' part of it, medians over repeated runs.

    The texture stage's first steps, where a preset spends some on latents as they are, are a stage of their own.
    """
    rows = []
    for number, name in enumerate(stages):
        emit({"type": "progress", "phase": f"measuring {preset.name}", "step": number, "total": len(stages)})
        field = name.removesuffix(IN_LATENTS)
        settings = replace(getattr(preset, field), steps=STEPS)
        if hasattr(settings, "latent_steps"):
            settings = replace(settings, latent_steps=STEPS if name.endswith(IN_LATENTS) else 0)
        runs = [_timed(WORK[field], shop, settings) for _ in range(repeats)]
        seconds = statistics.median(total for total, _ in runs)
        share = statistics.median(networks / total for total, networks in runs)
        rows.append({"stage": name, "seconds_per_step": round(seconds, 4), "network_share": round(share, 4)})
    return rows


def figures(rows: list[dict[str, Any]], others: list[dict[str, Any]]) -> dict[str, float]:
    """Over a whole face, each stage by its own number of steps.

    Args:
        rows: of `recommended`; `others` are those of `released`.
    """
    spent = seconds_by_stage(rows, RECOMMENDED)
    networks = sum(row["network_share"] * spent[row["stage"]] for row in rows)
    whole, other = sum(spent.values()), sum(seconds_by_stage(others, RELEASED).values())
    return {
        "step.non_network_share": round(1 - networks / whole, 4),
        "step.seconds_per_face": round(whole, 2),
        "step.released_seconds_per_face": round(other, 2),
        "step.released_over_recommended_seconds_per_face": round(other / whole, 2),
    }


def seconds_by_stage(rows: list[dict[str, Any]], preset: Preset) -> dict[str, float]:
    """That a face takes, stage by stage; edits take none of it."""
    worn = preset.texture.latent_steps
    steps = {
        "geometry": preset.geometry.steps,
        "texture": preset.texture.steps - worn,
        f"texture{IN_LATENTS}": worn,
    }
    return {row["stage"]: row["seconds_per_step"] * steps.get(row["stage"], 0) for row in rows}


def table(rows: list[dict[str, Any]]) -> str:
    lines = ["stage               ms a step  networks  rendering and the rest"]
    for row in rows:
        share = row["network_share"]
        lines.append(f"{row['stage']:<20}{1000 * row['seconds_per_step']:>9.1f}{share:>10.1%}{1 - share:>24.1%}")
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


def _editing(shop: Workshop, settings: Any, clock: Clock) -> tuple[Guidance, Condition]:
    return guiding.editing(Timed.of(shop.edit, clock), settings, INSTRUCTION)


def _geometry(shop: Workshop, settings: Any, clock: Clock, watch: Watch) -> None:
    guidance, wanted = _drawing(shop, "geometry", settings, clock)
    geometry.generate(shop.model, shop.surface, guidance, wanted, settings, 0, watch)


def _texture(shop: Workshop, settings: Any, clock: Clock, watch: Watch) -> None:
    guidance, wanted = _drawing(shop, "texture", settings, clock)
    fixed = masks.fixed_texels(shop.model.topology, shop.surface, shop.family.texture)
    worn, head = to_tensor(shop.albedo), shop.model.vertices()
    texture.distil(
        shop.surface, head, worn, fixed, guidance, lambda seen, scene: wanted(scene.cameras), settings, 0, watch
    )


def _edit_texture(shop: Workshop, settings: Any, clock: Clock, watch: Watch) -> None:
    guidance, wanted = _editing(shop, settings, clock)
    fixed = masks.fixed_texels(shop.model.topology, shop.surface, shop.family.texture)
    worn, head = to_tensor(shop.albedo), shop.model.vertices()
    edit.edit_texture(shop.surface, head, worn, fixed, guidance, wanted, settings, 0, watch)


def _edit_geometry(shop: Workshop, settings: Any, clock: Clock, watch: Watch) -> None:
    guidance, wanted = _editing(shop, settings, clock)
    weights = torch.from_numpy(masks.shape_weights(shop.model.topology, shop.model.topology.region("nose")))
    edit.edit_geometry(shop.model, shop.surface, shop.model.vertices(), weights, guidance, wanted, settings, 0, watch)


WORK: dict[str, Callable[..., None]] = {
    "geometry": _geometry,
    "texture": _texture,
    "edit_texture": _edit_texture,
    "edit_geometry": _edit_geometry,
}
