"""Judged rows to the stable keys of `evaluate --json`: each with its items and interval, or why it is null."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .intervals import Estimate, extreme, mean, median, nothing, share
from .judging import Row

TONES = ("pale", "tanned", "brown", "dark")
SHAPE_MASK = ("iou", "area_over_region", "covered", "kept")
ROUTES = {"by_slider": "slider", "by_networks": "optimise"}
NO_ITEMS = "no item of this run tests it"
NO_CONTROL = "the controls did not run"
NO_ABLATION = "only --ablate tells"


@dataclass
class Judged:
    """The rows of one run under one preset, by kind.

    Attributes:
        optimised: edits of shape once more, by the networks where the preset moves a slider.
        untrained_shape, untrained_colour, shuffled: the controls'.
    """

    shape: list[Row] = field(default_factory=list)
    unseen: list[Row] = field(default_factory=list)
    degrees: list[Row] = field(default_factory=list)
    colour: list[Row] = field(default_factory=list)
    both: list[Row] = field(default_factory=list)
    edits: list[Row] = field(default_factory=list)
    optimised: list[Row] = field(default_factory=list)
    drift: list[Row] = field(default_factory=list)
    untrained_shape: list[Row] = field(default_factory=list)
    untrained_colour: list[Row] = field(default_factory=list)
    shuffled: list[Row] = field(default_factory=list)


def keys(judged: Judged) -> dict[str, Estimate]:
    """Every key; shares are 0..1, colours ΔE2000, lengths millimetres."""
    return {**_of_words(judged), **_of_edits(judged), **_of_quality(judged), **_of_controls(judged)}


def _of_words(judged: Judged) -> dict[str, Estimate]:
    shape, colour = judged.shape, judged.colour
    return {
        "attribute_right_way": share(column(shape, "right_way"), NO_ITEMS),
        "attribute_in_range": share(column(shape, "in_range"), NO_ITEMS),
        "attribute_moved_median": median(column(shape, "moved"), NO_ITEMS),
        "attribute_moved_mm_median": median(column(shape, "mm"), NO_ITEMS),
        "attribute_named_measure_right_way": share([value > 0 for value in column(shape, "named")], NO_ITEMS),
        "attribute_overshoot_max": extreme(column(shape, "value"), max, NO_ITEMS),
        "attribute_leak": mean(column(shape, "leak"), NO_ITEMS),
        "attribute_selectivity": share(column(shape, "first"), NO_ITEMS),
        "degree_order": share(column(judged.degrees, "in_order"), NO_ITEMS),
        "unseen_phrasing_right_way": share(column(judged.unseen, "right_way"), NO_ITEMS),
        "attributes_right": share([right for row in judged.both for right in row.get("each", ())], NO_ITEMS),
        "three_attributes_right": share(column(judged.both, "all_right"), NO_ITEMS),
        "colour_delta_e_median": median(column(colour, "delta_e"), NO_ITEMS),
        "colour_hit": share(column(colour, "hit"), NO_ITEMS),
        "colour_leak_delta_e_median": median(column(colour, "leak_delta_e"), NO_ITEMS),
        "worst_tone_group_delta_e": worst_tone(colour),
    }


def worst_tone(rows: Sequence[Row]) -> Estimate:
    """The median ΔE of the skin tone that fares worst."""
    groups = [
        [row["delta_e"] for row in rows if "delta_e" in row and f"skin={tone}" in row["expect"]] for tone in TONES
    ]
    found = [median(group) for group in groups if group]
    known = [one for one in found if one.value is not None]
    if len(known) < 2:
        return nothing("fewer than two tones of skin were asked for")
    return max(known, key=lambda one: one.value or 0.0)


def _of_edits(judged: Judged) -> dict[str, Estimate]:
    edits, local = judged.edits, [row for row in judged.edits if row.get("mask_area_over_region") is not None]
    at = {place: column([row for row in edits if row.get("place") == place], "landed") for place in (1, 10)}
    masked = [row for row in edits if "mask_border_step" in row]
    all_edits = [*edits, *judged.optimised]
    return {
        "edit_success": share(column(edits, "landed"), NO_ITEMS),
        "edit_success_first": share(at[1], NO_ITEMS),
        "edit_success_tenth": share(at[10], NO_ITEMS),
        "edit_success_in_place": share(column(edits, "in_place"), NO_ITEMS),
        "mask_iou_median": median(column(local, "mask_iou"), NO_ITEMS),
        "mask_area_over_region_median": median(column(local, "mask_area_over_region"), NO_ITEMS),
        "mask_area_over_region_max": extreme(column(local, "mask_area_over_region"), max, NO_ITEMS),
        **{
            f"shape_mask_{name}_median": median(column(all_edits, f"shape_mask_{name}"), NO_ITEMS)
            for name in SHAPE_MASK
        },
        **{f"shape_success_{name}": share(_of_shape(all_edits, route), NO_ITEMS) for name, route in ROUTES.items()},
        "texels_changed_inside_share": median(column(local, "mask_changed_inside"), NO_ITEMS),
        "unmasked_share_of_face_min": extreme(column(local, "mask_unmasked_share_of_face"), min, NO_ITEMS),
        "border_step_delta_e": median(column(masked, "mask_border_step"), NO_ITEMS),
        "texels_changed_outside_masks": extreme(column(all_edits, "texels_outside"), sum, NO_ITEMS),
        "vertices_changed_outside_masks": extreme(column(all_edits, "vertices_outside"), sum, NO_ITEMS),
        "edit_leak_delta_e_median": median(column(edits, "leak_delta_e"), NO_ITEMS),
        "drift_delta_e_median": median(column(judged.drift, "delta_e"), NO_ITEMS),
        "drift_identity_mm_median": median(column(judged.drift, "identity_mm"), NO_ITEMS),
        "edit_identity_change_mm_median": median(column(edits, "identity_mm"), NO_ITEMS),
        "unet_calls_per_edit": median(column(edits, "unet_calls"), NO_ITEMS),
        "seconds_per_edit": median(column(edits, "seconds"), NO_ITEMS),
    }


def _of_shape(rows: Sequence[Row], route: str) -> list[bool]:
    """Whether edits that ask for shape alone landed, those that went one way."""
    return column([row for row in rows if row.get("route") == route and row["moved"] and not row["delta_e"]], "landed")


def _of_quality(judged: Judged) -> dict[str, Estimate]:
    heads, skins = [*judged.shape, *judged.both], judged.colour
    return {
        "mahalanobis_median": median(column(heads, "mahalanobis"), NO_ITEMS),
        "flipped_triangles": extreme(column(heads, "flipped"), max, NO_ITEMS),
        "crossing_triangles": extreme(column(heads, "crossing"), max, NO_ITEMS),
        "lid_gap_mm_max": extreme(column(heads, "lid_gap_mm"), max, "the head has no blink"),
        "lip_gap_mm_max": extreme(column(heads, "lip_gap_mm"), max, "the head has no key that shuts the mouth"),
        "seam_energy": median(column(skins, "texture_seam_energy"), NO_ITEMS),
        "residual_shading": median(column(skins, "texture_residual_shading"), NO_ITEMS),
        "loud_share": median(column(skins, "texture_loud"), NO_ITEMS),
        "black_share": median(column(skins, "texture_black"), NO_ITEMS),
        "uncovered_share": extreme(column(skins, "texture_uncovered"), max, NO_ITEMS),
        "back_strokes": median(column(skins, "texture_back_strokes"), NO_ITEMS),
        "unet_calls_per_face": median(column(judged.both, "unet_calls"), NO_ITEMS),
        "seconds_per_face": median(column(judged.both, "seconds"), NO_ITEMS),
        **{name: nothing(NOT_INSTALLED) for name in ("clip_score", "blip_vqa", "clip_rank_1")},
    }


NOT_INSTALLED = "no weights of a text-image metric are installed"


def _of_controls(judged: Judged) -> dict[str, Estimate]:
    return {
        "attribute_right_way_untrained": share(column(judged.untrained_shape, "right_way"), NO_CONTROL),
        "attribute_right_way_shuffled": share(column(judged.shuffled, "right_way"), NO_CONTROL),
        "colour_hit_untrained": share(column(judged.untrained_colour, "hit"), NO_CONTROL),
        "ablation_order_holds": nothing(NO_ABLATION),
    }


def column(rows: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    """What the rows have under a name, where they have it."""
    return [row[name] for row in rows if row.get(name) is not None]


@dataclass(frozen=True)
class Control:
    """A key that must lie at chance, else the run says nothing."""

    key: str
    means: str
    holds: Callable[[Estimate], bool]


def _at_half(found: Estimate) -> bool:
    return found.low is not None and found.high is not None and found.low <= 0.5 <= found.high


CONTROLS = (
    Control("attribute_right_way_untrained", "networks of random weights move heads at random", _at_half),
    Control("attribute_right_way_shuffled", "another item's prompt moves heads at random", _at_half),
    Control(
        "colour_hit_untrained",
        "networks of random weights hit no colours (at most 0.15)",
        lambda found: found.low is not None and found.low <= 0.15,
    ),
)


def verdict(found: Mapping[str, Estimate]) -> list[str]:
    """What makes the run invalid, in words; empty where all controls hold or did not run."""
    broken = [one for one in CONTROLS if found[one.key].value is not None and not one.holds(found[one.key])]
    return [f"{one.key} is {found[one.key].words()}: not so that {one.means}" for one in broken]


def saturation_histogram(facts: Sequence[Mapping[str, Any]]) -> list[float]:
    """Mean shares of skin texels in ten bins of saturation."""
    bins = [one["texture"]["saturation"] for one in facts if "texture" in one]
    return [round(float(value), 4) for value in np.mean(bins, axis=0)] if bins else []
