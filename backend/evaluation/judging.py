"""Facts and expectations to judged rows: did the word land, how far, and what else moved?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..language import THING, regions_on
from .colours import delta_e
from .items import Expected, Item
from .journal import Facts
from .probes import Judge

IN_RANGE = (0.5, 1.3)  # of what the networks were taught, where 1 is the end of their range
LANDED = 0.25  # of that range: less is not seen
COLOUR_HIT = 12.0  # ΔE2000
SHOWS = 3.0  # ΔE2000 by which a thing without a stated colour must change its place
KEPT = 2.0  # ΔE2000 by which what an edit does not name may move, and an earlier edit's place
SKIN = "skin"
CHEEKS = ("left_cheek", "right_cheek")
BESIDE: dict[str, tuple[str, ...]] = {  # regions that a thing reaches into besides its own
    "hair": ("forehead", "neck"),
    "beard": ("chin", "neck", "lips", *CHEEKS),
    "stubble": ("chin", "neck", "lips", *CHEEKS),
    "moustache": ("lips", "nose"),
    "mask": ("nose", "forehead", *CHEEKS),
    "brows": ("forehead",),
    "stripes": ("nose",),
    "scar": ("nose",),
    "wrinkles": (*CHEEKS, "chin"),
}

Row = dict[str, Any]
Colours = Mapping[str, Sequence[float | int]]


def shape_row(item: Item, facts: Facts, empty: Facts, judge: Judge) -> Row:
    """One axis of a head against the head the empty prompt made of the same seed.

    Returns:
        value: where the head lies on the asked axis, in the asked direction; moved: how far it went; mm: the same in
        millimetres at the vertex the word moves most; leak: how far it went on the others, in the mean; first: whether
        it went farther on the asked axis than on any other; named: the axis's own measure, in deviations.
    """
    wanted = item.shapes[0]
    names = list(facts["positions"])
    moved = {name: facts["positions"][name] - empty["positions"][name] for name in names}
    others = [abs(value) for name, value in moved.items() if name != wanted.subject]
    own, row = moved[wanted.subject] * wanted.sign, names.index(wanted.subject)
    measure, direction = judge.named[row]
    place = judge.measure_index(measure)
    return {
        "axis": wanted.subject,
        "value": round(facts["positions"][wanted.subject] * wanted.sign, 3),
        "moved": round(own, 3),
        "mm": round(own * float(judge.reach[row]), 2),
        "right_way": own > 0,
        "in_range": IN_RANGE[0] <= facts["positions"][wanted.subject] * wanted.sign <= IN_RANGE[1],
        "leak": round(float(np.mean(others)), 3),
        "first": own > max(others),
        "measure": measure,
        "named": round((facts["scores"][place] - empty["scores"][place]) * direction * wanted.sign, 3),
        **_mesh(facts),
    }


def paint_rows(item: Item, facts: Facts, empty: Facts) -> Row:
    """The colours of a face against those asked for, and what else changed beside the empty prompt's."""
    found = [paint_error(one, facts["colours"], empty["colours"]) for one in item.paints]
    others = elsewhere({one.subject for one in item.paints}, facts["regions"])
    drift = [colour_change(facts["regions"][name], empty["regions"][name]) for name in others]
    return {
        "delta_e": round(float(np.mean([error for error, _ in found])), 2),
        "hit": all(landed for _, landed in found),
        "leak_delta_e": round(float(np.mean(drift)), 2) if drift else None,
        **{f"texture_{name}": value for name, value in facts["texture"].items() if not isinstance(value, list)},
    }


def both_row(item: Item, facts: Facts, empty: Facts, bare: Facts | None) -> Row:
    """All attributes of one face together; `empty` is the head of the empty prompt, `bare` its texture."""
    moved = [(facts["positions"][one.subject] - empty["positions"][one.subject]) * one.sign for one in item.shapes]
    against = bare["colours"] if bare else facts["colours"]
    paints = [paint_error(one, facts["colours"], against) for one in item.paints]
    right = [value >= LANDED for value in moved] + [landed for _, landed in paints]
    return {
        "moved": [round(value, 3) for value in moved],
        "delta_e": [round(error, 2) for error, _ in paints],
        "attributes": len(right),
        "right": sum(right),
        "each": right,
        "all_right": all(right) if right else None,
        **_mesh(facts),
    }


def degree_row(item: Item, facts: Sequence[Facts]) -> Row:
    """A word at growing degrees: are the heads in that order?"""
    wanted = item.shapes[0]
    values = [round(one["positions"][wanted.subject] * wanted.sign, 3) for one in facts]
    return {"axis": wanted.subject, "values": values, "in_order": values == sorted(values) and values[0] < values[-1]}


def edit_row(item: Item, facts: Facts, place: int) -> Row:
    """One edit against the face it was made on.

    Returns:
        landed: every axis went LANDED or farther the right way, every colour is hit; None where nothing is expected.
        in_place: landed, and no region that no named thing lies on or beside changed by more than KEPT.
        leak_delta_e: change of those regions, None where all skin is named.
    """
    moved = [
        (facts["positions"][one.subject] - facts["positions_before"][one.subject]) * one.sign for one in item.shapes
    ]
    paints = [paint_error(one, facts["colours"], facts["colours_before"]) for one in item.paints]
    right = [value >= LANDED for value in moved] + [landed for _, landed in paints]
    mask, others = facts.get("mask") or {}, elsewhere({one.subject for one in item.paints}, facts["regions"])
    moved_there = [colour_change(facts["regions"][name], facts["regions_before"][name]) for name in others]
    leak = max(moved_there, default=None)
    return {
        "place": place,
        "route": facts.get("route"),
        "moved": [round(value, 3) for value in moved],
        "delta_e": [round(error, 2) for error, _ in paints],
        "landed": all(right) if right else None,
        "in_place": all(right) and leak <= KEPT if right and leak is not None else None,
        "leak_delta_e": round(float(np.mean(moved_there)), 2) if moved_there else None,
        "leak_delta_e_worst": None if leak is None else round(leak, 2),
        "identity_mm": facts["identity_mm"],
        "texels_outside": facts["outside"]["texels_changed_outside"],
        "vertices_outside": facts["outside"]["vertices_changed_outside"],
        **{f"mask_{name}": value for name, value in mask.items()},
        **{f"shape_mask_{name}": value for name, value in facts.get("shape_mask", {}).items()},
        "seconds": facts["seconds"],
        "unet_calls": facts["unet_calls"],
    }


def paint_error(wanted: Expected, colours: Colours, before: Colours) -> tuple[float, bool]:
    """(ΔE2000, whether it landed) of one thing.

    With a colour: how far its place is from it. Gone: how far from the skin. Without a stated colour: how far from
    what was there before, which must be SHOWS or more.
    """
    found = colours[wanted.subject]
    if wanted.colour is None:
        error = colour_change(found, colours[SKIN])
        return error, error <= COLOUR_HIT
    target = THING[wanted.subject].colours.get(wanted.colour)
    if target is None:
        error = colour_change(found, before[wanted.subject])
        return error, error >= SHOWS
    error = colour_change(found, target)
    return error, error <= COLOUR_HIT


def elsewhere(things: Collection[str], regions: Iterable[str]) -> list[str]:
    """The regions that none of the things lies on or beside; none where all skin is one of them."""
    known = list(regions)
    mine = {name for thing in things for name in (*regions_on(THING[thing].regions, known), *BESIDE.get(thing, ()))}
    return [] if SKIN in things else [name for name in known if name not in mine]


def colour_change(first: Sequence[float | int], second: Sequence[float | int]) -> float:
    """ΔE2000 between two sRGB colours, 0..255."""
    return float(delta_e(np.array(first, float), np.array(second, float)))


def _mesh(facts: Facts) -> Row:
    return {
        "mahalanobis": facts["mahalanobis"],
        **facts["mesh"],
        "seconds": facts["seconds"],
        "unet_calls": facts["unet_calls"],
    }
