# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of a head's steps, as plain values: what is shown in which order, and what may go."""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Node:
    """A step: the one it was made of (empty for a root), and whether the user wants to keep it."""

    uid: str
    parent: str = ""
    starred: bool = False


def rows(nodes: Sequence[Node]) -> list[tuple[str, int]]:
    """(uid, indent) from the root down; each further branch of a step is indented once more than the step.

    A branch comes before what was made later on the line it left, so that neighbours belong together.
    """
    known = {node.uid for node in nodes}
    children: dict[str, list[str]] = {}
    for node in nodes:
        children.setdefault(node.parent if node.parent in known else "", []).append(node.uid)
    found: list[tuple[str, int]] = []
    waiting = [(uid, 0) for uid in reversed(children.get("", []))]
    while waiting:
        uid, indent = waiting.pop()
        found.append((uid, indent))
        below = children.get(uid, [])
        waiting += [(first, indent) for first in below[:1]]
        waiting += [(other, indent + 1) for other in reversed(below[1:])]
    return found


def without(nodes: Sequence[Node], gone: set[str]) -> list[Node]:
    """The tree without those steps; what was made of them hangs on the nearest step that stays."""
    parents = {node.uid: node.parent for node in nodes}

    def above(uid: str) -> str:
        while uid in gone:
            uid = parents.get(uid, "")
        return uid

    return [replace(node, parent=above(node.parent)) for node in nodes if node.uid not in gone]


def inner(nodes: Sequence[Node], active: str) -> set[str]:
    """Steps that can go without losing a result: not starred, not shown, neither a root nor the end of a branch."""
    known = {node.uid for node in nodes}
    ends = known - {node.parent for node in nodes}
    roots = {node.uid for node in nodes if node.parent not in known}
    starred = {node.uid for node in nodes if node.starred}
    return known - ends - roots - starred - {active}


def path(nodes: Sequence[Node], uid: str) -> list[str]:
    """The steps from the root to `uid`, both included; empty where it is none."""
    parents = {node.uid: node.parent for node in nodes}
    found: list[str] = []
    while uid in parents and uid not in found:
        found.insert(0, uid)
        uid = parents[uid]
    return found


def after_removal(nodes: Sequence[Node], active: str, gone: set[str]) -> str:
    """Which step is shown once those are gone: the active one, else the nearest above it, else the last."""
    stays = [node.uid for node in nodes if node.uid not in gone]
    above = [uid for uid in path(nodes, active) if uid not in gone]
    return (above or stays[-1:] or [""])[-1]
