"""Presets by name, with fields changed, and which of them is best on how many items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..errors import UnknownOption
from ..settings import PRESETS, Preset, changed
from .intervals import Estimate, share


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
