"""What is asked of a family and what should come of it: items, a JSON line each.

The first line tells about the set: `{"about": "...", "family": "starter"}`. Each other line is an item:

    {"id": "...", "kind": "shape", "prompt": "a person with a long nose", "expect": ["nose_length+"]}

`kind` says what runs: `shape` the geometry stage, `colour` the texture stage on the mean head, `both` one after the
other, `edit` an instruction, `degrees` a word of growing strength (`prompts`), `sequence` edits by `id` on one face
(`edits`). `expect` holds labels of the language: "nose_length+", "lips=red", "mask=None" (gone). `sets` names the runs
an item belongs to: `standard`, `quick`, `square` (the ten edits of the Latin square), `unseen` (words in an order the
networks never saw).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ItemsInvalid
from ..language import labels

FOLDER = Path(__file__).parent / "items"
KINDS = ("shape", "colour", "both", "edit", "degrees", "sequence")
SETS = ("standard", "quick", "square", "unseen")


@dataclass(frozen=True)
class Expected:
    """One label: an axis and its sign, or a thing and its colour (None: gone; "any", "True": of no stated colour)."""

    subject: str
    sign: float = 0.0
    colour: str | None = None

    @classmethod
    def of(cls, label: str) -> Expected:
        if axis := re.fullmatch(r"(\w+)([+-])\w*", label):
            return cls(axis[1], 1.0 if axis[2] == "+" else -1.0)
        subject, _, colour = label.partition("=")
        return cls(subject, 0.0, None if colour == "None" else colour)

    @property
    def is_shape(self) -> bool:
        return self.sign != 0


@dataclass(frozen=True)
class Item:
    id: str
    kind: str
    prompts: tuple[str, ...] = ()
    expect: tuple[Expected, ...] = ()
    edits: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()

    @property
    def prompt(self) -> str:
        return self.prompts[0]

    @property
    def shapes(self) -> tuple[Expected, ...]:
        return tuple(one for one in self.expect if one.is_shape)

    @property
    def paints(self) -> tuple[Expected, ...]:
        return tuple(one for one in self.expect if not one.is_shape)


@dataclass(frozen=True)
class ItemSet:
    """Attributes:
    family: whose words the items need.
    """

    about: str
    family: str
    items: tuple[Item, ...]

    def of(self, kind: str, within: str | None = None) -> tuple[Item, ...]:
        """The items of a kind, those of one set or all."""
        return tuple(item for item in self.items if item.kind == kind and (within is None or within in item.sets))


def read(path: Path) -> ItemSet:
    """Reads a set of items.

    Raises:
        ItemsInvalid: the file is not there, or a line is not as it should be.
    """
    try:
        lines = [line for line in path.read_text("utf-8").splitlines() if line.strip()]
        head, *entries = (json.loads(line) for line in lines)
    except (OSError, ValueError) as error:
        raise ItemsInvalid(f"{path} cannot be read: {error}", advice=_shipped()) from None
    if not isinstance(head, dict) or not isinstance(head.get("family"), str):
        raise ItemsInvalid(f"{path}: the first line names no family", advice='such as {"family": "starter"}')
    known = set(labels()) if head["family"] == "starter" else None
    items = tuple(_item(entry, f"{path}, line {number}", known) for number, entry in enumerate(entries, 2))
    ids = [item.id for item in items]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ItemsInvalid(f"{path}: there are two items {', '.join(twice)}")
    edits = {item.id for item in items if item.kind == "edit"}
    if lost := sorted({name for item in items for name in item.edits} - edits):
        raise ItemsInvalid(f"{path}: no edit {', '.join(lost)}, which a sequence names")
    return ItemSet(str(head.get("about", "")), head["family"], items)


def _item(entry: Any, where: str, known: set[str] | None) -> Item:
    """Raises:
    ItemsInvalid: see `read`.
    """
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str) or entry.get("kind") not in KINDS:
        raise ItemsInvalid(f"{where}: an item needs an id and a kind", advice=f"kinds are {', '.join(KINDS)}")
    kind = entry["kind"]
    words = {"degrees": "prompts", "sequence": "edits", "edit": "instruction"}.get(kind, "prompt")
    said = entry.get(words)
    texts: Sequence[Any] = said if isinstance(said, list) else [said]
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise ItemsInvalid(f"{where}: an item of kind {kind} needs {words!r}")
    expect = entry.get("expect", [])
    if known is not None and (wrong := [label for label in expect if label not in known]):
        raise ItemsInvalid(f"{where}: no label {', '.join(map(str, wrong))}", advice="see backend/language")
    sets = tuple(entry.get("sets", ()))
    if wrong := [name for name in sets if name not in SETS]:
        raise ItemsInvalid(f"{where}: no set {', '.join(wrong)}", advice=f"sets are {', '.join(SETS)}")
    spoken = () if kind == "sequence" else tuple(texts)
    edits = tuple(texts) if kind == "sequence" else ()
    return Item(entry["id"], kind, spoken, tuple(map(Expected.of, expect)), edits, sets)


def _shipped() -> str:
    return f"there are {', '.join(sorted(path.stem for path in FOLDER.glob('*.jsonl')))}"
