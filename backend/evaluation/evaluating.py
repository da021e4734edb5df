"""`evaluate`: a set of items, the presets that are to be compared, and a report on what came of it."""

from __future__ import annotations

import hashlib
import os
import platform
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from .. import checkpoints
from ..settings import RECOMMENDED, Preset, changed
from ..stages.guiding import CONTROL, PRIORS
from ..workshop import Workshop, open_workshop
from .ablations import groups, order_holds, rows_of
from .blind import write_blind
from .controls import untrained_shop
from .imported import NAME, Imported, digest, those_with_a_face
from .intervals import Estimate
from .items import FOLDER, ItemSet, read
from .journal import Journal
from .keys import Judged, keys, saturation_histogram, verdict
from .lab import Gauges, Lab
from .networks import SHEETS, Size, evaluate_networks
from .presets import best_of, named_presets
from .report import Report
from .run import Emit, Plan, Run
from .samples import SHEET, evaluate_samples, samples_verdict
from .sequences import presets_of, run_sequences, tables_of

FULL_ROWS, QUICK_ROWS = 10, 1  # of the Latin square
Tables = dict[str, list[Any]]
FINDINGS = 2  # raise it when facts come to hold something else: old journals are then of no use
RANKS = {"shape": ("moved", True), "colour": ("delta_e", False), "both": ("right", True)}


@dataclass(frozen=True)
class Asked:
    """What is to be evaluated.

    Attributes:
        items: a file, or the name of one that comes with the project.
        everything: run all items, not only the standard ones.
        compare: presets by name, "P,Q"; a field is changed as in "P+stage.field=value".
        samples: judge what the text-to-image networks draw, and nothing else.
        networks: measure each network of the family on what it was trained for, and nothing else.
        sequences: edits in a row on one face, and nothing else; the starter items are then those of `sequences.jsonl`.
        imported: faces of another program, to stand beside ours; only their items run, see `imported`.
        blind: write a sheet for people too, of the two presets that are compared.
    """

    out: Path
    items: str = "starter"
    quick: bool = False
    everything: bool = False
    seeds: int = 1
    compare: str | None = None
    ablate: bool = False
    samples: bool = False
    networks: bool = False
    sequences: bool = False
    imported: Path | None = None
    blind: bool = False
    settings: dict[str, Any] | None = None
    base: Path | None = None


def evaluate(asked: Asked, emit: Emit) -> Report:
    """Runs what is asked, or goes on with it where it was stopped, and writes the report into `asked.out`.

    Raises:
        ItemsInvalid, UnknownOption: what is asked makes no sense.
        UsageError: the folder holds another run's findings.
    """
    path = Path("sequences" if asked.sequences and asked.items == "starter" else asked.items)
    path = path if path.suffix == ".jsonl" else FOLDER / f"{path}.jsonl"
    items = read(path)
    if asked.imported:
        items = those_with_a_face(items, asked.imported)
    presets, skipped = _presets(asked)
    if checkpoints.family_state(items.family, asked.base) != "installed":
        skipped |= {path.stem: f"it needs the {items.family} family, which is not installed"}
        report = _without_networks(asked, path, items, presets, skipped)
        report.write(asked.out)
        return report
    plan, shop = _plan(asked, items), open_workshop(None, asked.base, items.family)
    if asked.samples:
        return _samples(asked, items, presets, shop, emit)
    if asked.networks:
        return _networks(asked, items, presets, shop, emit)
    if asked.sequences:
        journal = Journal(asked.out, _identity(asked, path, plan, presets, shop))
        return _sequences(asked, items, presets, shop, journal, emit)
    runs = [(preset, plan) for preset in presets]
    if asked.ablate:
        tables, skipped = groups(RECOMMENDED, items, asked.settings or {}, asked.base)
        runs = [(preset, replace(plan, items=one.items, within=None)) for one in tables for preset in one.presets]
        presets = [preset for preset, _ in runs]
    journal = Journal(asked.out, _identity(asked, path, plan, presets, shop))
    found, shown = _ran(asked, runs, shop, journal, emit)
    if asked.imported:
        found[NAME] = Imported(asked.imported, asked.out, asked.base, journal, skipped).judged(items)
    told = {name: keys(judged) for name, judged in found.items()}
    if asked.ablate and told:
        told[presets[0].name]["ablation_order_holds"] = order_holds(told)
        shown |= rows_of(told)
    elif len(found) > 1:
        shown["Rank 1: share of items on which a preset is best"] = _ranks(found)
    broken = [f"{name}: {words}" for name, one in told.items() for words in verdict(one)]
    report = Report(_about(asked, items, presets), told, found, broken, skipped, journal.failed, shown)
    report.write(asked.out)
    if asked.blind:
        write_blind(asked.out, found)
    return report


def _ran(
    asked: Asked, runs: list[tuple[Preset, Plan]], shop: Workshop, journal: Journal, emit: Emit
) -> tuple[dict[str, Judged], Tables]:
    """Rows by preset, and tables."""
    found, tables, gauges = dict[str, Judged](), Tables(), Gauges(shop)
    for preset, plan in runs:
        untrained = Lab(untrained_shop(shop), preset, asked.out, gauges)
        run = Run(Lab(shop, preset, asked.out, gauges), untrained, plan, journal, emit)
        found[preset.name] = run.judged()
        tables |= _saturation(preset.name, run)
    return found, tables


def _without_networks(
    asked: Asked, path: Path, items: ItemSet, presets: list[Preset], skipped: dict[str, str]
) -> Report:
    """What can be told where the family of the items is not there: of imported faces alone."""
    told, found, failed = {preset.name: keys(Judged()) for preset in presets}, dict[str, Judged](), dict[str, str]()
    if asked.imported:
        journal = Journal(asked.out, _identity(asked, path, _plan(asked, items), presets, None))
        found[NAME] = Imported(asked.imported, asked.out, asked.base, journal, skipped).judged(items)
        told[NAME], failed = keys(found[NAME]), journal.failed
    return Report(_about(asked, items, presets), told, found, [], skipped, failed)


def _saturation(name: str, run: Run) -> Tables:
    """A table of how loud the colours of a preset are, where it painted any."""
    colours = [facts for key, facts in run.facts.items() if key.startswith("colour") and "untrained" not in key]
    bins = saturation_histogram(colours)
    head = [f"{number / len(bins):.1f}–{(number + 1) / len(bins):.1f}" for number in range(len(bins))]
    title = f"{name}: saturation of the skin, share of texels"
    return {title: [head, [f"{one:.3f}" for one in bins]]} if bins else {}


def _samples(asked: Asked, items: ItemSet, presets: list[Preset], shop: Workshop, emit: Emit) -> Report:
    """The report on what the text-to-image networks draw."""
    found = evaluate_samples(shop, asked.out, asked.seeds, emit)
    sheets = {"Samples by their texts": SHEET}
    report = Report(
        _about(asked, items, presets), {"samples": found}, {}, samples_verdict(found), {}, {}, sheets=sheets
    )
    report.write(asked.out)
    return report


def _networks(asked: Asked, items: ItemSet, presets: list[Preset], shop: Workshop, emit: Emit) -> Report:
    """The report on each network by itself."""
    size = Size(controlled=8, edits=12, textures=2, heads=1) if asked.quick else Size()
    found = evaluate_networks(shop, asked.out, emit, size)
    sheets = {title: name for title, name in SHEETS.items() if (asked.out / name).is_file()}
    report = Report(_about(asked, items, presets), {"networks": found}, {}, [], {}, {}, sheets=sheets)
    report.write(asked.out)
    return report


def _sequences(
    asked: Asked, items: ItemSet, presets: list[Preset], shop: Workshop, journal: Journal, emit: Emit
) -> Report:
    """The report on edits in a row."""
    found = run_sequences(shop, items, presets, asked.out, journal, emit)
    told = {name: one.keys() for name, one in found.items()}
    rows = {name: one.judged for name, one in found.items()}
    report = Report(_about(asked, items, presets), told, rows, [], {}, journal.failed, tables_of(found))
    report.write(asked.out)
    return report


def _presets(asked: Asked) -> tuple[list[Preset], dict[str, str]]:
    """What is compared, and what cannot be, with the reason."""
    if asked.sequences:
        return presets_of(asked.settings or {}), {}
    chosen = named_presets(asked.compare) if asked.compare else [RECOMMENDED]
    return [changed(preset, asked.settings or {}) for preset in chosen], {}


def _plan(asked: Asked, items: ItemSet) -> Plan:
    if asked.imported:
        return Plan(items, None, asked.seeds, 0, controls=False)
    if asked.ablate:
        return Plan(items, "quick", asked.seeds, 0, controls=False)
    quick = asked.quick or (not asked.everything and asked.compare is not None)
    within = None if asked.everything else "quick" if quick else "standard"
    return Plan(items, within, asked.seeds, QUICK_ROWS if quick else FULL_ROWS, controls=True)


def _identity(asked: Asked, path: Path, plan: Plan, presets: list[Preset], shop: Workshop | None) -> dict[str, Any]:
    """What findings depend on; `shop` is None where only imported faces are measured."""
    made = {}
    if shop:
        weights = shop.networks.hashes("text-to-image", "instruct-edit", *shop.networks.offered((CONTROL, *PRIORS)))
        made = {"topology": shop.model.topology.topology_id, "checkpoints": weights}
    return {
        "findings": FINDINGS,
        "items": hashlib.sha256(path.read_bytes()).hexdigest(),
        "within": plan.within,
        "rows": plan.rows,
        "seeds": plan.seeds,
        "presets": [preset.document() for preset in presets],
        **made,
        **({"imported": digest(asked.imported)} if asked.imported else {}),
    }


def _about(asked: Asked, items: ItemSet, presets: list[Preset]) -> dict[str, str]:
    return {
        "title": f"Evaluation: {', '.join(preset.name for preset in presets)}",
        "items": f"{Path(asked.items).stem}: {items.about}",
        "family": items.family,
        "seeds": str(asked.seeds),
        "settings": ", ".join(f"{name}={value}" for name, value in (asked.settings or {}).items()) or "as they are",
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}",
    }


def _ranks(found: dict[str, Judged]) -> list[list[str]]:
    head, lines = ["by", *found], []
    for kind, (name, greatest) in RANKS.items():
        won: dict[str, Estimate] = best_of(
            {preset: getattr(one, kind) for preset, one in found.items()}, name, greatest
        )
        lines.append([f"{kind}: {name}", *(won[preset].words() for preset in found)])
    return [head, *lines]
