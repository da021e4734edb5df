"""Presets by name, with fields changed; and the ablations, each the recommended preset with one field changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..errors import UnknownOption
from ..settings import PRESETS, RECOMMENDED, Preset, changed
from .intervals import Estimate, nothing, share

FULL = "full"


@dataclass(frozen=True)
class Ablation:
    """One part of the method left out.

    Attributes:
        setting: the field that leaves it out, "stage.field=value".
        paper: its rating in the paper, and `of` the whole's (FaceG2E, tables 2 and 3); None where it has none.
        stage: "generate" or "edit", what it shows in.
    """

    name: str
    setting: str
    stage: str
    paper: float | None = None
    of: float | None = None


# What the preset does without anyway is skipped with a word.
ABLATIONS = (
    Ablation("no-GcSDS", "geometry.pictures=textured", "generate"),
    Ablation("no-GaSDS", "texture.depth_scale=0", "generate", 1.78, 3.82),  # together with no-prior
    Ablation("no-prior", "texture.texture_prior=0", "generate", 2.59, 3.82),
    Ablation("no-YUV", "texture.yuv_prior=0", "generate", 3.77, 3.82),
    Ablation("no-SC-weight", "edit_texture.consistency=none", "edit", 2.55, 3.95),
    Ablation("no-Reg", "edit_texture.drift=0", "edit", 2.28, 3.95),
    Ablation("no-lock", "edit.lock=0", "edit"),
    Ablation("no-silhouette", "geometry.antialias=0", "generate"),
    Ablation("no-coefficient-prior", "geometry.prior_weight=0", "generate"),
)


def named_presets(words: str) -> list[Preset]:
    """The presets of a list such as "recommended,recommended+texture.steps=40".

    Raises:
        UnknownOption: no preset of that name, no such field, or one of them twice.
    """
    found = [_preset(word.strip()) for word in words.split(",")]
    if len({preset.name for preset in found}) < len(found):
        raise UnknownOption(f"{words} names a preset twice", advice="change a field: NAME+stage.field=value")
    return found


def _preset(word: str) -> Preset:
    name, *settings = word.split("+")
    if name not in PRESETS:
        raise UnknownOption(f"no preset {name!r}", advice=f"there are {', '.join(PRESETS)}")
    return replace(changed(PRESETS[name], dict(_pair(one) for one in settings)), name=word)


def _pair(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals:
        raise UnknownOption(f"{word!r} should be stage.field=value")
    return name, value


def ablations(base: Preset = RECOMMENDED) -> tuple[list[Preset], dict[str, str]]:
    """The whole and each part left out, as presets; and which were skipped, with the reason."""
    found, skipped = [replace(base, name=FULL)], {}
    for one in ABLATIONS:
        without = changed(base, dict([_pair(one.setting)]))
        if without == base:
            skipped[one.name] = f"{base.name} does without it: {one.setting}"
        else:
            found.append(replace(without, name=one.name))
    return found, skipped


def order_holds(keys: Mapping[str, Mapping[str, Estimate]]) -> Estimate:
    """Whether the ratings of the paper's tables 2 and 3 come in the same order here, pair by pair.

    A preset's mark is the share of three-attribute prompts, or of edits, that came out right. The value is the share
    of pairs (parts of one table) in the paper's order; equal marks count as half.
    """
    marks = {"generate": "three_attributes_right", "edit": "edit_success"}
    known: dict[str, list[tuple[float, float]]] = {"generate": [], "edit": []}
    for one in ABLATIONS:
        if one.paper is not None and one.name in keys and FULL in keys:
            mark, whole = (keys[name][marks[one.stage]].value for name in (one.name, FULL))
            if mark is not None and whole is not None:
                known[one.stage] += [(one.paper, mark), (one.of or 0.0, whole)]
    pairs = [
        0.5 if a[1] == b[1] else float((a[0] < b[0]) == (a[1] < b[1]))
        for ratings in known.values()
        for number, a in enumerate(ratings)
        for b in ratings[number + 1 :]
        if a[0] != b[0]
    ]
    if not pairs:
        return nothing("none of the paper's ablations can be set yet")
    return Estimate(round(sum(pairs) / len(pairs), 4), items=len(pairs))


def best_of(rows: Mapping[str, Sequence[Mapping[str, object]]], name: str, greatest: bool) -> dict[str, Estimate]:
    """Rank-1: the share of items on which each preset has the best value; ties are shared by none."""
    values = {
        preset: {(row["id"], row["seed"]): float(row[name]) for row in found if row.get(name) is not None}  # pyright: ignore[reportArgumentType]
        for preset, found in rows.items()
    }
    common = set.intersection(*(set(found) for found in values.values())) if values else set()
    won: dict[str, list[bool]] = {preset: [] for preset in values}
    for item in sorted(common, key=str):
        marks = {preset: found[item] for preset, found in values.items()}
        top = (max if greatest else min)(marks.values())
        for preset, mark in marks.items():
            won[preset].append(mark == top and list(marks.values()).count(top) == 1)
    return {preset: share(found, "no item in common") for preset, found in won.items()}
