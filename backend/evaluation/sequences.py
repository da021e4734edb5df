"""`evaluate --sequences`: ten edits in a row on one face. Does each land, does it last, and does anything else move?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from ..settings import RECOMMENDED, Preset, changed, preset_named
from ..workshop import Workshop
from .edits import AXES, Bench, Recipe
from .intervals import Estimate, median, share
from .items import Item, ItemSet
from .journal import Facts, Journal
from .judging import KEPT, LANDED, Row, colour_change, edit_row, elsewhere, paint_error
from .keys import NO_ITEMS, Judged, column, keys
from .lab import Gauges, Lab
from .run import Emit, named

COMPARED, ON = "released", 2  # FaceG2E's code beside ours, on so many of the sequences: its edits take longer
MEETS = 0.05  # of a thing's place that another must cover to count as naming it too


@dataclass
class Told:
    """What one preset did: rows of edits in order, and of whole sequences."""

    judged: Judged = field(default_factory=Judged)
    whole: list[Row] = field(default_factory=list)

    def keys(self) -> dict[str, Estimate]:
        """Those of all edits, and those that only sequences have."""
        edits = self.judged.edits
        return {
            **keys(self.judged),
            "sequence_reached": share(column(edits, "reached"), NO_ITEMS),
            "sequence_reached_tenth": share(column([row for row in edits if row["place"] == 10], "reached"), NO_ITEMS),
            "early_edit_delta_e_median": median(column(edits, "moved_later"), NO_ITEMS),
            "early_edit_kept": share([value <= KEPT for value in column(edits, "moved_later")], NO_ITEMS),
            "early_edit_still_reached": share(column(edits, "still"), NO_ITEMS),
            "unnamed_regions_delta_e_median": median(column(self.whole, "unnamed_delta_e"), NO_ITEMS),
        }


def presets_of(settings: Mapping[str, Any]) -> list[Preset]:
    """Ours, then what it is held against; both with fields changed."""
    return [changed(preset, settings) for preset in (RECOMMENDED, preset_named(COMPARED))]


def run_sequences(
    shop: Workshop, items: ItemSet, presets: Sequence[Preset], out: Path, journal: Journal, emit: Emit
) -> dict[str, Told]:
    """All sequences under the first preset, the first ON of them under others.

    Faces and noise differ by sequence and are the same for all presets. The last face of each stays in `out`.
    """
    gauges, sequences = Gauges(shop), items.of("sequence")
    known = {item.id: item for item in items.of("edit")}
    parts = [(preset, sequences if preset is presets[0] else sequences[:ON]) for preset in presets]
    total, done = sum(len(one.edits) for _, chosen in parts for one in chosen), count(1)
    found = {preset.name: Told() for preset, _ in parts}
    for preset, chosen in parts:

        def find(key: str, work: Callable[[], Facts], name: str = preset.name) -> Facts | None:
            return journal.find(f"{name} | {key}", work)

        for number, sequence in enumerate(chosen):
            bench, edits = Bench(Lab(shop, preset, out, gauges), number), [known[name] for name in sequence.edits]
            facts, recipe = list[Facts | None](), Recipe(number)
            for place, item in enumerate(edits, 1):
                wanted = recipe.then(item.prompt)
                facts.append(find(f"{sequence.id} | {place} {item.prompt}", partial(bench.edit, wanted, item)))
                if facts[-1]:
                    bench.forget(recipe)
                    recipe = wanted
                emit({"type": "progress", "phase": preset.name, "step": next(done), "total": total})
            told, drift = found[preset.name], find(f"{sequence.id} | drift", partial(bench.drift, recipe))
            told.judged.edits += rows_of(sequence, number, edits, facts, gauges.chart.things)
            told.judged.drift += [{"id": sequence.id, "seed": number, **drift}] if drift else []
            told.whole.append({"id": sequence.id, "face": str(bench.place(recipe)), **over_all(edits, facts)})
    return found


def rows_of(
    sequence: Item,
    number: int,
    edits: Sequence[Item],
    facts: Sequence[Facts | None],
    places: Mapping[str, Bool[ndarray, "S S"]],
) -> list[Row]:
    """One an edit, with what became of it by the end.

    Returns:
        reached: landed; an edit that could not be made did not.
        moved_later: ΔE2000 of the places it coloured, from right after it to the end; still: whether it would count as
            landed at the end. Both None for the last edit, and where a later one names the same place.
    """
    rows = []
    last = next((found for found in reversed(facts) if found), None)
    for place, (item, found) in enumerate(zip(edits, facts, strict=True), 1):
        row: Row = named(item, number, found or {}, None) | {"row": sequence.id, "place": place, "reached": False}
        if found and last:
            row |= edit_row(item, found, place)
            row["reached"] = row["landed"]
            lasting = place < len(edits) and not any(names_too(later, item, places) for later in edits[place:])
            row |= later_on(item, found, last) if lasting else {"moved_later": None, "still": None}
        rows.append(row)
    return rows


def names_too(later: Item, item: Item, places: Mapping[str, Bool[ndarray, "S S"]]) -> bool:
    """Whether an edit asks for something where another did: of a colour in the same place, of a shape in the same part
    or of the whole head."""
    for one in item.paints:
        here = places[one.subject]
        if any((here & places[other.subject]).sum() > MEETS * here.sum() for other in later.paints):
            return True
    nouns = {AXES[one.subject].noun for one in item.shapes}
    others = {AXES[one.subject].noun for one in later.shapes}
    return bool(nouns and others) and (bool(nouns & others) or "" in nouns | others)


def later_on(item: Item, found: Facts, last: Facts) -> Row:
    """What the end of a sequence shows of an edit."""
    moved = [
        (last["positions"][one.subject] - found["positions_before"][one.subject]) * one.sign for one in item.shapes
    ]
    paints = [paint_error(one, last["colours"], found["colours_before"]) for one in item.paints]
    gone = [colour_change(found["colours"][one.subject], last["colours"][one.subject]) for one in item.paints]
    return {
        "moved_later": round(max(gone), 2) if gone else None,
        "still": all(value >= LANDED for value in moved) and all(landed for _, landed in paints),
    }


def over_all(edits: Sequence[Item], facts: Sequence[Facts | None]) -> Row:
    """How far the regions that no edit of a sequence names went, from its start to its end; None if all are named."""
    made = [found for found in facts if found]
    if not made:
        return {"unnamed_delta_e": None}
    start, end = made[0]["regions_before"], made[-1]["regions"]
    others = elsewhere({one.subject for item in edits for one in item.paints}, end)
    moved = [colour_change(start[name], end[name]) for name in others]
    return {"unnamed_delta_e": round(float(np.mean(moved)), 2) if moved else None}


def tables_of(found: Mapping[str, Told]) -> dict[str, list[Sequence[str]]]:
    """Targets reached at each place, what became of early edits, leak and drift."""
    length = max((row["place"] for told in found.values() for row in told.judged.edits), default=0)
    numbers = [str(place) for place in range(1, length + 1)]
    reached: list[Sequence[str]] = [["place", *numbers, "all"]]
    later: list[Sequence[str]] = [["place", *numbers, "all"]]
    rest: list[Sequence[str]] = [["", *found]]
    for name, told in found.items():
        at = [[row for row in told.judged.edits if row["place"] == place] for place in range(1, length + 1)]
        each = [*at, told.judged.edits]
        reached.append([name, *(_of(column(rows, "reached")) for rows in each)])
        later.append([f"{name}: still reached", *(_of(column(rows, "still")) for rows in each)])
        later.append([f"{name}: ΔE since, median", *(_middle(column(rows, "moved_later")) for rows in each)])
    told_keys = {name: told.keys() for name, told in found.items()}
    for key, words in LINES.items():
        rest.append([words, *(one[key].words() for one in told_keys.values())])
    faces: list[Sequence[str]] = [["sequence", *found]]
    for row in next(iter(found.values())).whole:
        shown = [[one["face"] for one in told.whole if one["id"] == row["id"]] for told in found.values()]
        faces.append([row["id"], *("".join(paths) or "–" for paths in shown)])
    return {
        "Targets reached at each place": reached,
        "What became of edits by the end, where no later one names the same": later,
        "Leak and drift": rest,
        "Last faces (render FACE --strip shows the edits)": faces,
    }


LINES = {
    "edit_leak_delta_e_median": "ΔE of regions that an edit does not name",
    "unnamed_regions_delta_e_median": "ΔE of regions that no edit names, start to end",
    "texels_changed_outside_masks": "texels changed outside masks",
    "vertices_changed_outside_masks": "vertices changed outside masks",
    "drift_identity_mm_median": "identity, start to end, mm",
    "seconds_per_edit": "seconds an edit",
    "unet_calls_per_edit": "UNet calls an edit",
}


def _of(right: Sequence[bool]) -> str:
    return f"{sum(right)} of {len(right)}" if right else "–"


def _middle(values: Sequence[float]) -> str:
    return f"{np.median(values):.1f}" if values else "–"
