"""Edits as a user makes them, one after the other on one face, and what each changed: where, how far, and how well.

The edits are jobs, their results folders; what changed outside the masks is counted on the folders by `locality`,
which knows nothing of how edits are made.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from numpy import ndarray

from .. import jobs
from ..face import saved
from ..face.layers import Face, albedo, vertices
from ..language import SHAPES, Look
from ..making import Drawn, Spoken, new_face
from ..pictures import to_tensor
from ..training.painter import paint
from .appearance import Chart
from .colours import delta_e
from .items import Expected, Item
from .journal import Facts
from .lab import Lab, flattened, save_picture, views
from .locality import changed_outside
from .meter import metered
from .probes import displacements
from .shape_masks import shape_mask_facts
from .shape_quality import identity_change

AXES = {axis.name: axis for axis in SHAPES}
SPREAD = 0.6  # deviations of the starting faces' identities: each another person, none extreme
SEEN = 3  # 8-bit steps in a channel that count as a changed texel


@dataclass(frozen=True)
class Recipe:
    """A face as a starting face's number and the instructions that followed; equal recipes make equal faces."""

    face: int
    instructions: tuple[str, ...] = ()

    def then(self, instruction: str) -> Recipe:
        return Recipe(self.face, (*self.instructions, instruction))

    @property
    def before(self) -> Recipe:
        return Recipe(self.face, self.instructions[:-1])

    @property
    def name(self) -> str:
        digest = hashlib.sha256(json.dumps([self.face, *self.instructions]).encode()).hexdigest()
        return f"face-{self.face}-{len(self.instructions)}-{digest[:10]}"


def balanced(count: int, row: int) -> list[int]:
    """A row of a Latin square of even size in which each follows each other once (Williams 1949)."""
    first = [0] + [place // 2 + 1 if place % 2 == 0 else count - 1 - place // 2 for place in range(count - 1)]
    return [(value + row) % count for value in first]


class Bench:
    """Makes faces by recipe in a folder of its own, and measures the last step of each."""

    def __init__(self, lab: Lab, seed: int):
        self.lab, self.seed = lab, seed
        self._folder = lab.folder / "faces" / f"{lab.preset.name}-{seed}"

    def edit(self, recipe: Recipe, item: Item) -> Facts:
        """Makes `recipe`, whose last instruction is the item's, anew; facts of that last edit."""
        before = self.made(recipe.before)
        shutil.rmtree(self.place(recipe), ignore_errors=True)
        with metered(self.lab.shop.draw, self.lab.shop.edit) as cost:
            after = self.made(recipe)
        old, new = saved.load(before), saved.load(after)
        facts = {**edit_facts(self.lab, old, new), **cost.document(), "outside": changed_outside(before, after)}
        layer = new.layers[-1]
        facts["route"] = layer.details["route"]
        if layer.region and layer.weights is not None and facts["route"] == "optimise" and item.shapes:
            model = self.lab.shop.model
            moved = displacements(model, [AXES[item.shapes[0].subject].sliders]).view(-1, 3)
            facts["shape_mask"] = shape_mask_facts(model.topology, layer.weights, moved.numpy())
        if layer.mask is not None:
            facts["mask"] = mask_facts(self.lab.gauges.chart, layer.mask, albedo(old), albedo(new), item.paints)
        head = [torch.from_numpy(vertices(face))[None] for face in (old, new)]
        shown = [views(self.lab.shop, one, to_tensor(albedo(face))) for one, face in zip(head, (old, new), strict=True)]
        name = f"edit {self.lab.preset.name} {self.seed} {recipe.name}"
        return facts | {"picture": save_picture(self.lab.folder, name, np.concatenate(shown, axis=1))}

    def drift(self, recipe: Recipe) -> Facts:
        """From the starting face to the last: what changed outside all masks, and how far the head went."""
        start, end = self.made(Recipe(recipe.face)), self.made(recipe)
        old, new = saved.load(start), saved.load(end)
        mask = np.zeros(albedo(old).shape[:2], bool)
        for layer in new.layers:
            if layer.mask is not None:
                mask |= layer.mask > 0
        untouched = self.lab.gauges.chart.skin & ~mask
        there = delta_e(albedo(old)[untouched].astype(float), albedo(new)[untouched].astype(float))
        return {
            "edits": len(recipe.instructions),
            "delta_e": float(there.mean()) if there.size else 0.0,
            "untouched_share": round(float(untouched.sum() / self.lab.gauges.chart.skin.sum()), 4),
            "identity_mm": moved_mm(self.lab, old, new),
            "outside": changed_outside(start, end),
        }

    def place(self, recipe: Recipe) -> Path:
        """Where a recipe's face lies, once it is made."""
        return self._folder / recipe.name

    def made(self, recipe: Recipe) -> Path:
        """The folder of a recipe's face, made if it is not there."""
        folder = self.place(recipe)
        if folder.is_dir():
            return folder
        if not recipe.instructions:
            return saved.save(self._start(recipe.face), folder)
        jobs.edit(
            face=self.made(recipe.before),
            instruction=recipe.instructions[-1],
            out=folder,
            seed=self.seed * 100 + len(recipe.instructions),
            base=self.lab.shop.base,
            settings=flattened(self.lab.preset),
            emit=lambda event: None,
            cancelled=lambda: False,
        )
        return folder

    def forget(self, recipe: Recipe) -> None:
        """Deletes a face, unless it is a starting one."""
        if recipe.instructions:
            shutil.rmtree(self.place(recipe), ignore_errors=True)

    def clear(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, number: int) -> Face:
        """Always the same random person under the number, whatever the preset: head, tone, eyes and hair."""
        shop, rng = self.lab.shop, random.Random(1000 + number)
        generator = torch.Generator().manual_seed(1000 + number)
        identity = SPREAD * torch.randn(1, shop.model.identity_size, generator=generator)
        look = Look(tone=rng.random(), seed=rng.randrange(2**31))
        painted = paint(self.lab.gauges.canvas, look)
        head = shop.model.vertices(identity=identity)
        drawn, unsaid = Drawn(identity, head, painted), Spoken({}, {}, [], [])
        return new_face(shop, self.lab.preset, ["text-to-image"], "a person", 0, drawn, {}, None, unsaid)


def edit_facts(lab: Lab, old: Face, new: Face) -> Facts:
    """Where the head and the colours were, and where they are."""
    pixels, changed = albedo(old), albedo(new)
    heads, chart = [torch.from_numpy(vertices(face)) for face in (old, new)], lab.gauges.chart
    return {
        "positions_before": lab.placed(heads[0]),
        "positions": lab.placed(heads[1]),
        "colours_before": chart.colours(pixels),
        "colours": chart.colours(changed),
        "regions_before": chart.region_colours(pixels),
        "regions": chart.region_colours(changed),
        "identity_mm": moved_mm(lab, old, new),
    }


def moved_mm(lab: Lab, old: Face, new: Face) -> float:
    """How far the head became another's (Procrustes)."""
    millimetres = 1000 * lab.shop.model.topology.metres_per_unit
    return round(identity_change(vertices(old), vertices(new), millimetres), 4)


def mask_facts(
    chart: Chart,
    mask: UInt8[ndarray, "S S"],
    before: UInt8[ndarray, "S S 3"],
    after: UInt8[ndarray, "S S 3"],
    paints: Sequence[Expected],
) -> dict[str, Any]:
    """How a mask lies to the place of what was to be painted, and what happened within it.

    Returns:
        border_step: mean ΔE2000 by which the outermost texels of the mask changed, beside others that may not.
        unmasked_share_of_face: of the front of the face, outside the mask.
        iou, area_over_region, changed_inside: against the place of what was asked for, None where that is all skin
            or nothing that is painted; `changed_inside` is the share of that place that changed.
    """
    masked = mask > 127
    found: dict[str, Any] = {
        "border_step": round(border_step(mask, before, after, chart.covered), 3),
        "unmasked_share_of_face": round(float((chart.face & (mask == 0)).sum() / max(chart.face.sum(), 1)), 4),
        "iou": None,
        "area_over_region": None,
        "changed_inside": None,
    }
    places = [chart.things[one.subject] for one in paints if one.subject in chart.things]
    if places and all(one.subject != "skin" for one in paints):
        region = np.any(places, axis=0)
        changed = (np.abs(after.astype(int) - before) >= SEEN).any(axis=2)
        union = (masked | region).sum()
        found["iou"] = round(float((masked & region).sum() / max(union, 1)), 4)
        found["area_over_region"] = round(float(masked.sum() / max(region.sum(), 1)), 4)
        found["changed_inside"] = round(float((changed & region).sum() / max(region.sum(), 1)), 4)
    return found


def border_step(
    mask: UInt8[ndarray, "S S"],
    before: UInt8[ndarray, "S S 3"],
    after: UInt8[ndarray, "S S 3"],
    covered: Bool[ndarray, "S S"],
) -> float:
    """Mean ΔE2000 of the change at the mask's outermost texels: the step that shows where it ends."""
    free = (mask == 0) & covered
    around = np.pad(free, 1)
    beside = around[:-2, 1:-1] | around[2:, 1:-1] | around[1:-1, :-2] | around[1:-1, 2:]
    rim = (mask > 0) & covered & beside
    if not rim.any():
        return 0.0
    return float(delta_e(before[rim].astype(float), after[rim].astype(float)).mean())
