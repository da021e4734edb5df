"""A run: which items, in which order, under one preset; what was found is kept in a journal as it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..settings import changed
from .controls import shuffled
from .edits import AXES, Bench, Recipe, balanced
from .items import Item, ItemSet
from .journal import Facts, Journal
from .judging import Row, both_row, degree_row, edit_row, paint_rows, shape_row
from .keys import Judged
from .lab import NOBODY, Lab

Emit = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Plan:
    """What of a set of items runs.

    Attributes:
        within: only the items of that set; None runs all, lone edits and sequences included.
        rows: how many rows of the Latin square of edits: 10 faces, or 1.
        controls: whether untrained networks and shuffled prompts run too.
    """

    items: ItemSet
    within: str | None
    seeds: int
    rows: int
    controls: bool

    def of(self, kind: str) -> tuple[Item, ...]:
        return self.items.of(kind, self.within)

    @property
    def square(self) -> tuple[Item, ...]:
        """The instructions of the Latin square; none where they are no even number."""
        chosen = self.items.of("edit", "square")
        return chosen if len(chosen) % 2 == 0 else ()

    @property
    def local_shapes(self) -> list[tuple[str, int, list[Item]]]:
        """Edits of the square that ask for the shape of one part, each on a face of its own."""
        chosen = [item for item in self.square if item.shapes and AXES[item.shapes[0].subject].noun]
        return [(f"optimised {item.id}", n, [item]) for n, item in enumerate(chosen) if self.rows]

    @property
    def rows_of_edits(self) -> list[tuple[str, int, list[Item]]]:
        """(name, starting face, edits in order) of everything that edits one face."""
        square = self.square
        rows = [
            (f"square {row + 1}", row, [square[place] for place in balanced(len(square), row)])
            for row in range(self.rows if square else 0)
        ]
        if self.within is None:
            known = {item.id: item for item in self.items.of("edit")}
            rows += [
                (item.id, 10 + n, [known[name] for name in item.edits]) for n, item in enumerate(self.of("sequence"))
            ]
            rows += [(item.id, 20 + n % 10, [item]) for n, item in enumerate(self.of("edit")) if item not in square]
        return rows


class Run:
    """Runs a plan with one set of networks under one preset; `untrained` is the lab of those that learnt nothing."""

    def __init__(self, lab: Lab, untrained: Lab, plan: Plan, journal: Journal, emit: Emit):
        self.lab, self.untrained, self.plan, self.journal, self._emit = lab, untrained, plan, journal, emit
        self.facts: dict[str, Facts] = {}
        self._done, self._total = 0, self._count()

    def judged(self) -> Judged:
        """All rows; what failed is missing from them and told by the journal."""
        judged = Judged()
        for seed in range(self.plan.seeds):
            judged.shape += self._shapes(self.lab, seed, unseen=False)
            judged.unseen += self._shapes(self.lab, seed, unseen=True)
            judged.degrees += self._degrees(seed)
            judged.colour += self._colours(self.lab, seed)
            judged.both += self._both(seed)
            self._edits(self.lab, seed, self.plan.rows_of_edits, judged.edits, judged.drift)
            if self._by_sliders:
                self._edits(self._optimising(), seed, self.plan.local_shapes, judged.optimised, [])
            if self.plan.controls:
                judged.untrained_shape += self._shapes(self.untrained, seed, unseen=False)
                judged.untrained_colour += self._colours(self.untrained, seed)
                judged.shuffled += self._shuffled(seed)
        return judged

    def _count(self) -> int:
        plan = self.plan
        shapes, colours = len(plan.of("shape")) + 1, len(plan.of("colour")) + 1
        plain = sum("unseen" not in item.sets for item in plan.of("shape")) + 1
        words = shapes + colours + len(plan.of("both")) + sum(len(item.prompts) for item in plan.of("degrees"))
        edits = sum(len(edits) for _, _, edits in plan.rows_of_edits)
        edits += len(plan.local_shapes) if self._by_sliders else 0
        return plan.seeds * (words + edits + (plain + colours if plan.controls else 0))

    def _find(self, key: str, work: Callable[[], Facts]) -> Facts | None:
        found = self.journal.find(f"{self.lab.preset.name} | {key}", work)
        self._done += 1
        self._emit({"type": "progress", "phase": key.split(" | ")[0], "step": self._done, "total": self._total})
        if found is not None:
            self.facts[key] = found
        return found

    def _ran(self, lab: Lab, kind: str, prompt: str, seed: int) -> Facts | None:
        key = f"{kind} | {'' if lab is self.lab else 'untrained | '}{seed} | {prompt}"
        if key in self.facts:
            return self.facts[key]
        return self._find(key, lambda: getattr(lab, kind)(prompt, seed))

    def _shapes(self, lab: Lab, seed: int, *, unseen: bool) -> list[Row]:
        items = [item for item in self.plan.of("shape") if ("unseen" in item.sets) == unseen]
        empty = self._ran(lab, "shape", NOBODY, seed) if items else None
        rows = []
        for item in items:
            found = self._ran(lab, "shape", item.prompt, seed)
            if found and empty:
                rows.append(named(item, seed, found, empty) | shape_row(item, found, empty, self.lab.gauges.judge))
        return rows

    def _shuffled(self, seed: int) -> list[Row]:
        """Every item judged by what another's prompt made: the same facts, for they know of no item."""
        items = [item for item in self.plan.of("shape") if "unseen" not in item.sets]
        empty = self._ran(self.lab, "shape", NOBODY, seed)
        rows = []
        for item, other in shuffled(items, seed):
            found = self._ran(self.lab, "shape", other.prompt, seed)
            if found and empty:
                rows.append(
                    {"id": item.id, "given": other.prompt} | shape_row(item, found, empty, self.lab.gauges.judge)
                )
        return rows

    def _degrees(self, seed: int) -> list[Row]:
        rows = []
        for item in self.plan.of("degrees"):
            found = [self._ran(self.lab, "shape", prompt, seed) for prompt in item.prompts]
            known = [one for one in found if one]
            if len(known) == len(found):
                rows.append(named(item, seed, known[-1], known[0]) | degree_row(item, known))
        return rows

    def _colours(self, lab: Lab, seed: int) -> list[Row]:
        items = self.plan.of("colour")
        empty = self._ran(lab, "colour", NOBODY, seed) if items else None
        rows = []
        for item in items:
            found = self._ran(lab, "colour", item.prompt, seed)
            if found and empty:
                rows.append(named(item, seed, found, empty) | paint_rows(item, found, empty))
        return rows

    def _both(self, seed: int) -> list[Row]:
        items = self.plan.of("both")
        empty = self._ran(self.lab, "shape", NOBODY, seed) if items else None
        bare = self._ran(self.lab, "colour", NOBODY, seed) if items else None
        rows = []
        for item in items:
            found = self._ran(self.lab, "both", item.prompt, seed)
            if found and empty:
                rows.append(named(item, seed, found, bare or empty) | both_row(item, found, empty, bare))
        return rows

    @property
    def _by_sliders(self) -> bool:
        return self.lab.preset.edit.route == "auto"

    def _optimising(self) -> Lab:
        """The same lab, in which no edit goes by slider."""
        preset = changed(self.lab.preset, {"edit.route": "optimise"})
        return replace(self.lab, preset=replace(preset, name=f"{preset.name} without sliders"))

    def _edits(
        self, lab: Lab, seed: int, rows: list[tuple[str, int, list[Item]]], edits: list[Row], drifts: list[Row]
    ) -> None:
        """Adds the rows of edits, and what came of each row of them as a whole."""
        bench = Bench(lab, seed)
        for name, face, items in rows:
            recipe = Recipe(face)
            for place, item in enumerate(items, 1):
                wanted = recipe.then(item.prompt)
                found = self._edit(bench, f"edit | {seed} | {name} | {place} {item.prompt}", wanted, item)
                if found:
                    edits.append(named(item, seed, found, None) | {"row": name} | edit_row(item, found, place))
                    bench.forget(recipe.before)
                    recipe = wanted
            last = recipe
            drift = self.journal.find(
                f"{self.lab.preset.name} | drift | {seed} | {name}", lambda bench=bench, last=last: bench.drift(last)
            )
            if drift:
                drifts.append({"id": name, "seed": seed, **drift})
        bench.clear()

    def _edit(self, bench: Bench, key: str, recipe: Recipe, item: Item) -> Facts | None:
        return self._find(key, lambda: bench.edit(recipe, item))


def named(item: Item, seed: int, facts: Facts, beside: Facts | None) -> Row:
    """What identifies a row, and its pictures: what was made, and what it is seen beside."""
    said = [
        f"{one.subject}{'+' if one.sign > 0 else '-'}" if one.is_shape else f"{one.subject}={one.colour}"
        for one in item.expect
    ]
    shown = {"picture": facts.get("picture"), "beside": beside.get("picture") if beside else None}
    return {"id": item.id, "kind": item.kind, "prompt": item.prompt, "seed": seed, "expect": said, **shown}
