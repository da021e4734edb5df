"""The registry as rows for `checkpoints list` and as the tables of docs/checkpoints.md. Standard library only."""

from __future__ import annotations

from typing import Any

from . import shelf
from .entries import Checkpoint, Licence, known

SOLD = {True: "yes", False: "no", None: "not said"}


def rows(for_sale: bool = False) -> list[dict[str, Any]]:
    """Every checkpoint with its state here; with `for_sale` those that may not be sold are left out."""
    return [_row(one) for one in known().values() if one.commercial is True or not for_sale]


def line(row: dict[str, Any]) -> str:
    """A row for people."""
    size = _size(row["about_mb"]) if row["kind"] != "embedded" else "here"
    how = ", by hand" if row["by_hand"] else ""
    sold = {True: "may be sold", False: "not for sale", None: "sale not said"}[row["commercial"]]
    return f"{row['state']:<10}  {size:>8}  {' + '.join(row['licences'])} ({sold}{how})"


def markdown() -> str:
    """The two tables of docs/checkpoints.md, as the registry as it is shipped has them."""
    every = known().values()
    lines = ["| name | what it is | where from | download | weights, 16 bits | licence | may be sold | credit |"]
    lines += ["|---|---|---|---|---|---|---|---|"]
    lines += [_cells(one) for one in every]
    lines += ["", "| licence | text | may be sold | to be accepted | note |", "|---|---|---|---|---|"]
    used: dict[str, Licence] = {licence.name: licence for one in every for licence in one.licences}
    for licence in used.values():
        text = f"[{licence.spdx}]({licence.url})" if licence.url else licence.spdx
        accept = "yes" if licence.accept else ""
        lines.append(f"| {licence.name} | {text} | {SOLD[licence.commercial]} | {accept} | {licence.note} |")
    return "\n".join(lines) + "\n"


def _row(one: Checkpoint) -> dict[str, Any]:
    held = shelf.receipt(one.name) or {}
    return {
        "name": one.name,
        "state": shelf.state(one),
        "kind": one.kind,
        "title": one.title,
        "role": one.role,
        "about_mb": one.about_mb,
        "weights_mb": one.weights_mb,
        "licences": [licence.name for licence in one.licences],
        "commercial": one.commercial,
        "accept": [licence.name for licence in one.licences if licence.accept],
        "gated": one.gated,
        "by_hand": one.by_hand,
        "sources": [source.hub or source.page for source in one.sources],
        "attribution": one.attribution,
        "note": one.note,
        "commit": held.get("commit", ""),
        "bytes": sum(entry["size"] for entry in held.get("files", {}).values()),
    }


def _cells(one: Checkpoint) -> str:
    places = [f"`{source.hub}`" if source.hub else f"[page]({source.page})" for source in one.sources]
    origin = ", ".join(dict.fromkeys(places)) or "the repository"
    if one.by_hand:
        origin += ", by hand"
    licences = " + ".join(licence.name for licence in one.licences)
    what = f"{one.title}: {one.role}" + (f" ({one.note})" if one.note else "")
    download = "" if one.kind == "embedded" else _size(one.about_mb)
    memory = _size(one.weights_mb) if one.weights_mb else ""
    sold = SOLD[one.commercial]
    return f"| `{one.name}` | {what} | {origin} | {download} | {memory} | {licences} | {sold} | {one.attribution} |"


def _size(megabytes: int | None) -> str:
    if megabytes is None:
        return "unknown"
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes} MB"
