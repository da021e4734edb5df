"""`evaluate`: do the words land? Each item runs only the stage it tests, and is measured on the mesh or the texels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..diffusion.guidance import Condition, EditDistillation, ScoreDistillation
from ..language import HAIR, PAINT, SHAPES, SKIN, Colour, shape_prompt
from ..pictures import to_bytes, to_tensor
from ..render.uv import unwrapped
from ..settings import Preset
from ..stages import edit, geometry, texture
from ..stages.optimise import Watch
from ..workshop import Workshop
from .colours import delta_e, region_colour
from .probes import Judge

Emit = Callable[[dict[str, Any]], None]
AXES = [axis.sliders for axis in SHAPES]
IN_RANGE = (0.5, 1.3)  # of what the networks were taught, where 1 is the end of their range
COLOUR_HIT = 12.0  # ΔE2000


@dataclass(frozen=True)
class ShapeItem:
    prompt: str
    axis: int
    sign: float


@dataclass(frozen=True)
class ColourItem:
    prompt: str
    region: tuple[str, ...]
    colour: Colour
    is_edit: bool


def shape_items() -> Iterator[ShapeItem]:
    """Both ends of every axis of shape."""
    for index, axis in enumerate(SHAPES):
        for sign in (1.0, -1.0):
            yield ShapeItem(shape_prompt(axis.name, sign), index, sign)


def colour_items() -> Iterator[ColourItem]:
    """Every colour of every thing that is painted, as a prompt, then as an instruction."""
    things: tuple[tuple[str, tuple[str, ...], dict[str, Colour]], ...] = (
        ("{} skin", ("forehead", "left_cheek", "right_cheek"), SKIN),
        ("{} lips", ("lips",), PAINT),
        ("a {} eye mask", ("eye_mask",), PAINT),
        ("a {} beard", ("chin",), HAIR),
    )
    for phrase, region, table in things:
        for name, colour in table.items():
            yield ColourItem(f"a person with {phrase.format(name)}", region, colour, False)
            yield ColourItem(f"give him {phrase.format(name)}", region, colour, True)


def run_shape(shop: Workshop, judge: Judge, preset: Preset, item: ShapeItem | None, seed: int) -> torch.Tensor:
    """(A,) where the head lies on every axis after the geometry stage; without an item, for the empty prompt."""
    settings = preset.geometry
    guidance = ScoreDistillation(shop.draw, settings.guidance_scale, settings.residual)
    words = item.prompt if item else "a person"
    text = shop.draw.encode_text([f"{settings.style} {words}", ""])
    identity = geometry.generate(shop.model, shop.surface, guidance, Condition(text), settings, seed, Watch())
    return judge.positions(shop.model.vertices(identity=identity)[0])


def run_colour(shop: Workshop, preset: Preset, item: ColourItem, seed: int) -> np.ndarray:
    """(S, S, 3) the albedo after the texture stage, or after the edit, on the mean head; nothing is locked."""
    fixed = edit.fixed_texels(shop.model.topology, shop.surface, texture.TEXTURE)
    worn, head = to_tensor(shop.albedo), shop.model.vertices()
    if item.is_edit:
        settings = preset.edit_texture
        guidance = EditDistillation(
            shop.edit, settings.guidance_scale, settings.image_guidance_scale, settings.residual
        )
        text = shop.edit.encode_text([item.prompt, ""])
        after = edit.edit_texture(shop.surface, head, worn, fixed, guidance, text, settings, seed, Watch())
    else:
        chosen = preset.texture
        guidance = ScoreDistillation(shop.draw, chosen.guidance_scale, chosen.residual)
        text = shop.draw.encode_text([f"{chosen.style} {item.prompt}", ""])
        after = texture.distil(
            shop.surface, head, worn, fixed, guidance, lambda scene: Condition(text), chosen, seed, Watch()
        )
    return to_bytes(after)


def evaluate(shop: Workshop, preset: Preset, seeds: int, emit: Emit) -> dict[str, Any]:
    """All items; a row each, and the sums under the names that other tables use."""
    shapes, colours, judge = list(shape_items()), list(colour_items()), Judge.of(shop.model, AXES)
    total, done = seeds * (1 + len(shapes) + len(colours)), 0
    shape_rows: list[dict[str, Any]] = []
    colour_rows: list[dict[str, Any]] = []

    def step() -> None:
        nonlocal done
        done += 1
        emit({"type": "progress", "phase": "evaluate", "step": done, "total": total})

    for seed in range(seeds):
        empty = run_shape(shop, judge, preset, None, seed)
        step()
        for item in shapes:
            started = time.monotonic()
            found = run_shape(shop, judge, preset, item, seed)
            moved = found - empty
            others = torch.cat([moved[: item.axis], moved[item.axis + 1 :]])
            shape_rows.append(
                {
                    "prompt": item.prompt,
                    "seed": seed,
                    "value": round(float(found[item.axis] * item.sign), 3),
                    "moved": round(float(moved[item.axis] * item.sign), 3),
                    "leak": round(float(others.abs().mean()), 3),
                    "seconds": round(time.monotonic() - started, 1),
                }
            )
            step()
        for item in colours:
            colour_rows.append(_colour_row(shop, preset, item, seed))
            step()
    return {"shape": shape_rows, "colour": colour_rows, **sums(shape_rows, colour_rows)}


def _colour_row(shop: Workshop, preset: Preset, item: ColourItem, seed: int) -> dict[str, Any]:
    started = time.monotonic()
    found = run_colour(shop, preset, item, seed)
    weights = np.max([shop.model.topology.region(name) for name in item.region], axis=0)
    surface = shop.surface
    size = len(found)
    drawn, _ = unwrapped(torch.from_numpy(weights)[:, None], surface.uvs, surface.faces, surface.uv_faces, size)
    colour = region_colour(found, (drawn[0] > 0.7).numpy().astype(np.float32))
    return {
        "prompt": item.prompt,
        "seed": seed,
        "edit": item.is_edit,
        "colour": [round(float(value)) for value in colour],
        "delta_e": round(float(delta_e(colour, np.array(item.colour, float))), 1),
        "seconds": round(time.monotonic() - started, 1),
    }


def sums(shapes: list[dict[str, Any]], colours: list[dict[str, Any]]) -> dict[str, Any]:
    """Shares and medians over all rows."""

    def share(rows: list[bool]) -> float:
        return round(sum(rows) / len(rows), 3)

    low, high = IN_RANGE
    drawn = [row["delta_e"] for row in colours if not row["edit"]]
    edited = [row["delta_e"] for row in colours if row["edit"]]
    return {
        "attribute_right_way": share([row["moved"] > 0 for row in shapes]),
        "attribute_in_range": share([low <= row["value"] <= high for row in shapes]),
        "attribute_overshoot_max": max(row["value"] for row in shapes),
        "attribute_leak": round(float(np.mean([row["leak"] for row in shapes])), 3),
        "colour_delta_e_median": round(float(np.median(drawn)), 1),
        "colour_hit": share([value <= COLOUR_HIT for value in drawn]),
        "edit_colour_delta_e_median": round(float(np.median(edited)), 1),
        "edit_colour_hit": share([value <= COLOUR_HIT for value in edited]),
        "items": {"shape": len(shapes), "colour": len(drawn), "edit": len(edited)},
    }
