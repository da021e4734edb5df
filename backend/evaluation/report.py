"""The report's files: a page with pictures side by side that needs nothing beside it, a table of rows, and JSON."""

from __future__ import annotations

import base64
import csv
import html
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ..files import write_whole
from .intervals import Estimate
from .judging import Row
from .keys import Judged

STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1240px;padding:0 1rem;color:#222;background:#fafafa}
h1{font-size:1.7rem;margin:0 0 .2rem}h2{margin:2.2rem 0 .6rem;font-size:1.2rem}p{margin:.3rem 0}
table{border-collapse:collapse;margin:.6rem 0}td,th{padding:.22rem .8rem;border-bottom:1px solid #ddd;text-align:left}
td.n{font-variant-numeric:tabular-nums}tr.null td{color:#888}
.grid{display:flex;flex-wrap:wrap;gap:14px}figure{margin:0;background:#fff;border:1px solid #ddd;border-radius:6px;
padding:8px;width:392px}figure.wide{width:784px}figure img{display:block;width:100%;border-radius:3px}
figcaption{font-size:.86rem;margin-top:.35rem}.pair{display:grid;gap:4px}
.beside{display:grid;grid-auto-flow:column;grid-auto-columns:1fr;gap:8px;width:100%}.beside>div{padding:0 0 0 6px}
figure.row{width:100%}
.good{border-left:5px solid #3a9a5b}.bad{border-left:5px solid #c8503c}.dim{color:#777}
.invalid{background:#c8503c;color:#fff;padding:.7rem 1rem;border-radius:6px;margin:1rem 0}
"""


@dataclass(frozen=True)
class Report:
    """What a run found.

    Attributes:
        about: facts of the run in words, in order.
        keys: by preset; `rows` as well.
        broken: why the run is invalid; `skipped`: what did not run and why; `failed`: items that ended in an error.
        tables: further tables by title: a head and rows; sheets: further pictures by title, files beside the page.
    """

    about: dict[str, str]
    keys: dict[str, dict[str, Estimate]]
    rows: dict[str, Judged]
    broken: list[str]
    skipped: dict[str, str]
    failed: dict[str, str]
    tables: dict[str, list[Sequence[str]]] = field(default_factory=dict)
    sheets: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """report.json, report.csv and report.html."""
        write_whole(folder / "report.json", json.dumps(self.document(), indent=1).encode())
        write_whole(folder / "report.csv", self.table().encode())
        write_whole(folder / "report.html", self.page(folder).encode())

    def document(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "about": self.about,
            "valid": not self.broken,
            "broken": self.broken,
            "skipped": self.skipped,
            "failed": self.failed,
            "keys": {name: {key: one.document() for key, one in found.items()} for name, found in self.keys.items()},
            "rows": {
                name: {kind.name: getattr(found, kind.name) for kind in fields(found)}
                for name, found in self.rows.items()
            },
        }

    def summary(self) -> dict[str, Any]:
        """The first preset's keys as plain numbers, and what goes with them: the line of `--json`."""
        first = next(iter(self.keys.values()), {})
        return {
            "valid": not self.broken,
            **{key: one.value for key, one in first.items()},
            "intervals": {key: [one.low, one.high, one.items] for key, one in first.items() if one.value is not None},
            "null_because": {key: one.why for key, one in first.items() if one.value is None},
            "failed": self.failed,
            "skipped": self.skipped,
            "broken": self.broken,
        }

    def table(self) -> str:
        """A row an item, seed and preset; lists as JSON."""
        rows = [
            {"preset": preset, "of": kind.name, **row}
            for preset, found in self.rows.items()
            for kind in fields(found)
            for row in getattr(found, kind.name)
        ]
        names = list(dict.fromkeys(name for row in rows for name in row))
        stream = io.StringIO()
        writer = csv.DictWriter(stream, names or ["preset"])
        writer.writeheader()
        for row in rows:
            writer.writerow({k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in row.items()})
        return stream.getvalue()

    def page(self, folder: Path) -> str:
        """One HTML file with all its pictures inside."""
        parts = [f"<h1>{_safe(self.about.get('title', 'Evaluation'))}</h1>"]
        parts += [
            f"<p class=dim>{_safe(name)}: {_safe(text)}</p>" for name, text in self.about.items() if name != "title"
        ]
        parts += [f"<div class=invalid>This run is invalid: {_safe(text)}</div>" for text in self.broken]
        parts.append(_keys_table(self.keys))
        for title, rows in self.tables.items():
            parts += [f"<h2>{_safe(title)}</h2>", _plain_table(rows)]
        for title, told in (("Skipped", self.skipped), ("Failed", self.failed)):
            if told:
                parts += [f"<h2>{title}</h2>", _plain_table([("item", "why"), *told.items()])]
        for title, name in self.sheets.items():
            parts += [f"<h2>{_safe(title)}</h2>", f"<img alt='' src='{inline(folder / name)}'>"]
        parts += _pictures(folder, self.rows)
        body = "\n".join(parts)
        return f"<!doctype html><meta charset=utf-8><title>Evaluation</title><style>{STYLE}</style>\n{body}\n"


def _keys_table(keys: Mapping[str, Mapping[str, Estimate]]) -> str:
    names = list(dict.fromkeys(name for found in keys.values() for name in found))
    lines = [f"<tr><th>key</th>{''.join(f'<th>{_safe(preset)}</th>' for preset in keys)}</tr>"]
    for name in names:
        cells = [found[name] for found in keys.values()]
        grey = " class=null" if all(one.value is None for one in cells) else ""
        lines.append(
            f"<tr{grey}><td>{name}</td>{''.join(f'<td class=n>{_safe(one.words(3))}</td>' for one in cells)}</tr>"
        )
    return "<h2>Keys: value [95 % interval] of items</h2><table>" + "\n".join(lines) + "</table>"


def _plain_table(rows: Iterable[Sequence[str]]) -> str:
    head, *others = rows
    lines = ["<tr>" + "".join(f"<th>{_safe(cell)}</th>" for cell in head) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td class=n>{_safe(cell)}</td>" for cell in row) + "</tr>" for row in others]
    return "<table>" + "\n".join(lines) + "</table>"


def _pictures(folder: Path, found: Mapping[str, Judged]) -> list[str]:
    """A grid a kind: each item beside what the empty prompt made of the same seed, presets beside each other."""
    kinds: tuple[tuple[str, str, str, Callable[[Row], str]], ...] = (
        ("Shape: above the empty prompt of the same seed, below the word", "shape", "right_way", _shape_words),
        ("Phrasings the networks never saw", "unseen", "right_way", _shape_words),
        ("Colour: above the empty prompt, below the words", "colour", "hit", _colour_words),
        ("Three attributes at once", "both", "all_right", _both_words),
        ("Edits: before, and after", "edits", "landed", _edit_words),
        ("Edits of shape by the networks, not by slider", "optimised", "landed", _edit_words),
    )
    parts = []
    for title, kind, right, words in kinds:
        items: dict[tuple[Any, ...], dict[str, Row]] = {}
        for preset, judged in found.items():
            for row in getattr(judged, kind):
                place = (row["id"], row["seed"], row.get("row"), row.get("place"))
                items.setdefault(place, {})[preset] = row
        if items:
            parts.append(f"<h2>{_safe(title)}</h2><div class=grid>")
            parts += [_figure(folder, rows, right, words, alone=len(found) == 1) for rows in items.values()]
            parts.append("</div>")
    for preset, judged in found.items():
        if judged.degrees:
            rows = [(row["prompt"], *map(str, row["values"])) for row in judged.degrees]
            told = f"{preset}: " if len(found) > 1 else ""
            parts.append(f"<h2>{_safe(told)}Degrees: where the head lies, 1 is the end of what was taught</h2>")
            parts.append(_plain_table([("prompt", "slightly", "plain", "very"), *rows]))
    return parts


def _figure(folder: Path, rows: Mapping[str, Row], right: str, words: Callable[[Row], str], *, alone: bool) -> str:
    """One item, under one preset or several."""
    first = next(iter(rows.values()))
    seed = f" · seed {first['seed']}" if first["seed"] else ""
    each = []
    for preset, row in rows.items():
        pictures = [row.get("beside"), row.get("picture")]
        shown = "".join(f"<img alt='' src='{inline(folder / n)}'>" for n in pictures if n and (folder / n).is_file())
        mark = {None: "", True: "good", False: "bad"}[None if row.get(right) is None else bool(row[right])]
        told = words(row) if right in row else "only shown"
        name = "" if alone else f"<b>{_safe(preset)}</b> "
        each.append(
            f"<div class='{mark}'><div class=pair>{shown}</div>{name}<span class=dim>{_safe(told)}</span></div>"
        )
    wide = "" if alone and first["kind"] != "edit" else " class=wide" if alone or len(rows) < 3 else " class=row"
    caption = f"<figcaption><b>{_safe(first['prompt'])}</b>{seed}</figcaption>"
    return f"<figure{wide}><div class=beside>{''.join(each)}</div>{caption}</figure>"


def _shape_words(row: Row) -> str:
    return f"at {row['value']:+.2f}, moved {row['moved']:+.2f} ({row['mm']:+.1f} mm), others {row['leak']:.2f}"


def _colour_words(row: Row) -> str:
    beside = "" if row["leak_delta_e"] is None else f", elsewhere ΔE {row['leak_delta_e']:.1f}"
    return f"ΔE {row['delta_e']:.1f}{beside}"


def _both_words(row: Row) -> str:
    moved = ", ".join(f"{value:+.2f}" for value in row["moved"])
    colours = ", ".join(f"ΔE {value:.1f}" for value in row["delta_e"])
    return f"{row['right']} of {row['attributes']} right: {', '.join(filter(None, [moved, colours]))}"


def _edit_words(row: Row) -> str:
    told = [f"moved {value:+.2f}" for value in row["moved"]] + [f"ΔE {value:.1f}" for value in row["delta_e"]]
    outside = f"outside {row['texels_outside']} texels, {row['vertices_outside']} vertices"
    return f"{row['row']}, place {row['place']}: {', '.join(told)}; {outside}"


def inline(path: Path) -> str:
    """A picture as the address of itself."""
    kind = "png" if path.suffix == ".png" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _safe(text: object) -> str:
    return html.escape(str(text))
