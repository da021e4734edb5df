"""A sheet for people: pairs of pictures of the same item under two presets, sides drawn by lot, and the key apart."""

from __future__ import annotations

import html
import json
import random
from collections.abc import Mapping
from pathlib import Path

from ..errors import UsageError
from ..files import write_whole
from .judging import Row
from .keys import Judged
from .report import inline

SHEET, KEY = "blind.html", "blind_key.json"
KINDS = ("both", "colour", "edits", "shape")
STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:900px;margin:2rem auto;padding:0 1rem;background:#fafafa;color:#222}
section{background:#fff;border:1px solid #ddd;border-radius:6px;padding:12px;margin:16px 0}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:12px}.pair img{width:100%;border-radius:3px}
output{display:block;padding:10px;background:#eee;border-radius:4px;word-break:break-word}
"""
SCRIPT = """
document.addEventListener('change',()=>{const said=[...document.querySelectorAll('input:checked')]
.map(one=>one.name+one.value).join(' ');document.querySelector('output').textContent=said})
"""


def write_blind(folder: Path, found: Mapping[str, Judged], seed: int = 0) -> Path:
    """Writes SHEET, and KEY, which says which preset was on which side; nothing on the sheet tells.

    Raises:
        UsageError: there are not two presets, or they share no picture.
    """
    if len(found) != 2:
        raise UsageError("a blind sheet compares two presets", advice="name them with --compare P,Q")
    rng, pairs = random.Random(seed), _pairs(folder, found)
    if not pairs:
        raise UsageError("the two presets have no picture of the same item")
    rng.shuffle(pairs)
    key: dict[str, dict[str, str]] = {}
    sections = []
    for number, (prompt, pictures) in enumerate(pairs, 1):
        sides = list(pictures)
        rng.shuffle(sides)
        key[str(number)] = {"prompt": prompt, "A": sides[0], "B": sides[1]}
        sections.append(_section(number, prompt, [inline(folder / pictures[side]) for side in sides]))
    head = f"<!doctype html><meta charset=utf-8><title>Which shows it better?</title><style>{STYLE}</style>"
    body = f"<h1>Which shows the words better?</h1>{''.join(sections)}<h2>Your answers</h2><output></output>"
    write_whole(folder / KEY, json.dumps(key, indent=1).encode())
    return write_whole(folder / SHEET, f"{head}{body}<script>{SCRIPT}</script>".encode())


def _pairs(folder: Path, found: Mapping[str, Judged]) -> list[tuple[str, dict[str, str]]]:
    """(prompt, picture by preset) of the items that both presets have."""
    pairs = []
    for kind in KINDS:
        known = [{_place(row): row for row in getattr(judged, kind)} for judged in found.values()]
        for place, row in known[0].items():
            other = known[1].get(place)
            pictures = [one.get("picture") if one else None for one in (row, other)]
            if all(name and (folder / name).is_file() for name in pictures):
                pairs.append((row["prompt"], dict(zip(found, map(str, pictures), strict=True))))
    return pairs


def _place(row: Row) -> tuple[str, int, str]:
    return row["id"], row["seed"], row.get("row", "")


def _section(number: int, prompt: str, pictures: list[str]) -> str:
    shown = "".join(f"<img alt='' src='{picture}'>" for picture in pictures)
    picks = "".join(
        f"<label><input type=radio name={number} value={side}> {words}</label> "
        for side, words in (("A", "left"), ("B", "right"), ("=", "no difference"))
    )
    return (
        f"<section><p>{number}. <b>{html.escape(prompt)}</b></p><div class=pair>{shown}</div><p>{picks}</p></section>"
    )
