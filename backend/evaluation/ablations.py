"""The method with one part after the other left out, on just the items that show it: the paper's tables, and ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from .. import checkpoints
from ..language import THING
from ..settings import Preset, changed
from ..stages.guiding import CONTROL, PRIORS
from .intervals import Estimate, nothing
from .items import Expected, ItemSet


@dataclass(frozen=True)
class Ablation:
    """One part of the method left out.

    Attributes:
        name: the paper's, where it has one.
        settings: the fields that leave it out.
        paper: its rating in the paper; None where it has none.
        needs: the role of a family without which the part is not there.
    """

    name: str
    settings: Mapping[str, Any]
    paper: float | None = None
    needs: str = ""


@dataclass(frozen=True)
class Table:
    """What is left out of one whole, and judged by the same items.

    Attributes:
        whole: the name of what has all parts, and `paper` its rating there.
        kind: of the items that run: "shape", "both", "edit" (of the colour of one part).
        mark: the key that says how good a preset is.
        parts: settings that give the whole what the preset it is made of may do without.
    """

    whole: str
    kind: str
    mark: str
    ablations: tuple[Ablation, ...]
    parts: Mapping[str, Any] = field(default_factory=dict)
    paper: float | None = None


NO_PRIOR = {"texture.texture_prior": 0.0, "texture.yuv_prior": 0.0}
TABLES = (
    Table(
        "full: textures",
        "both",
        "attributes_right",
        (
            Ablation("no-GaSDS", {"texture.depth_scale": 0.0, **NO_PRIOR}, 1.78, CONTROL),  # the paper's has neither
            Ablation("no-prior", NO_PRIOR, 2.59, PRIORS[0]),
            Ablation("no-YUV", {"texture.yuv_prior": 0.0}, 3.77, PRIORS[1]),
        ),
        # the priors as its code has them, 3 to 1
        {"texture.depth_scale": 1.0, "texture.texture_prior": 0.5, "texture.yuv_prior": 0.17},
        3.82,
    ),
    Table(
        "full: shapes",
        "shape",
        "attribute_in_range",
        (
            Ablation("no-GcSDS", {"geometry.pictures": "textured"}),
            Ablation("no-silhouette", {"geometry.antialias": False}),
            Ablation("no-coefficient-prior", {"geometry.prior_weight": 0.0, "geometry.reach": 0.0}),
        ),
    ),
    Table(
        "full: soft weight",
        "edit",
        "edit_success_in_place",
        (
            Ablation("no-SC-weight", {"edit_texture.consistency": "none"}, 2.55),
            Ablation("no-Reg", {"edit_texture.drift": 0.0}, 2.28),
        ),
        # purple lips, one seed: at 1 the chin goes along (dE 2.2), at 10 they do not land (12.4); 7.6 and 1.3 at 3
        {"edit.lock": False, "edit_texture.consistency": "recovering", "edit_texture.drift": 3.0},
        3.95,
    ),
    Table("full: lock", "edit", "edit_success_in_place", (Ablation("no-lock", {"edit.lock": False}),)),
)


@dataclass(frozen=True)
class Group:
    """A table to run.

    Attributes:
        presets: the whole, then what lacks a part.
        items: what shows it.
    """

    table: Table
    presets: tuple[Preset, ...]
    items: ItemSet


def groups(
    preset: Preset, items: ItemSet, overrides: Mapping[str, Any], base: Path | None = None
) -> tuple[list[Group], dict[str, str]]:
    """What `--ablate` runs; and what is skipped, with the reason.

    Args:
        preset: what the wholes are made of; `overrides` are fields that are otherwise in all of them.
        base: a folder of checkpoints that is looked at first.
    """
    there, found, skipped = networks_of(items.family, base), list[Group](), dict[str, str]()
    for table in TABLES:
        whole = replace(changed(preset, {**table.parts, **overrides}), name=table.whole)
        presets = [whole]
        for one in table.ablations:
            without = changed(whole, one.settings)
            if one.needs and one.needs not in there:
                skipped[one.name] = f"the {items.family} family has no {one.needs}"
            elif without == whole:
                skipped[one.name] = f"{table.whole} does without it"
            else:
                presets.append(replace(without, name=one.name))
        chosen = showing(items, table.kind)
        if len(presets) > 1 and chosen.items:
            found.append(Group(table, tuple(presets), chosen))
    return found, skipped


def networks_of(family: str, base: Path | None = None) -> set[str]:
    """Roles that a family has here."""
    return {role for role in checkpoints.roles_of(family) if checkpoints.offers(family, role, base)}


def showing(items: ItemSet, kind: str) -> ItemSet:
    """The items of a table: those of the quick run, or edits of the colour of one part, each alone on a face."""
    if kind != "edit":
        return replace(items, items=items.of(kind, "quick"))
    local = tuple(replace(item, sets=()) for item in items.of("edit") if item.paints and all(map(_local, item.expect)))
    return replace(items, items=local)


def _local(wanted: Expected) -> bool:
    """Whether it is a stated colour of one part."""
    return wanted.subject != "skin" and not wanted.is_shape and wanted.colour in THING[wanted.subject].colours


def order_holds(keys: Mapping[str, Mapping[str, Estimate]]) -> Estimate:
    """Whether the ratings of the paper's tables 2 and 3 come in the same order here, pair by pair.

    The value is the share of pairs (rows of one table) in the paper's order of their marks; equal marks count as half.
    """
    pairs: list[float] = []
    for table in TABLES:
        rated = [(table.whole, table.paper), *((one.name, one.paper) for one in table.ablations)]
        marks = [
            (paper, mark)
            for name, paper in rated
            if paper is not None and name in keys and (mark := keys[name][table.mark].value) is not None
        ]
        pairs += [
            0.5 if a[1] == b[1] else float((a[0] < b[0]) == (a[1] < b[1]))
            for a, b in combinations(marks, 2)
            if a[0] != b[0]
        ]
    if not pairs:
        return nothing("none of the paper's ablations ran")
    return Estimate(round(sum(pairs) / len(pairs), 4), items=len(pairs))


def rows_of(keys: Mapping[str, Mapping[str, Estimate]]) -> dict[str, list[list[str]]]:
    """A table each: marks here beside the ratings of the paper."""
    told = {}
    for table in TABLES:
        if table.whole in keys:
            rated = [(table.whole, table.paper), *((one.name, one.paper) for one in table.ablations)]
            told[f"Ablation, {table.whole}: {table.mark}"] = [
                ["", "here", "the paper's rating, 1 to 5"],
                *([name, keys[name][table.mark].words(3), _rating(paper)] for name, paper in rated if name in keys),
            ]
    return told


def _rating(paper: float | None) -> str:
    return "–" if paper is None else f"{paper:.2f}"
