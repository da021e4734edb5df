"""`checkpoints list|fetch|import|verify|remove` on the command line. Standard library only."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import CheckpointInvalid
from . import keeping, shelf, table
from .entries import expand, known
from .fetching import Emit, fetch
from .terms import Terms


def main(options: argparse.Namespace, emit: Emit) -> Mapping[str, Any]:
    """Does what `options.action` says; the answer is shown, or printed as JSON.

    Raises:
        BackendError: every error of fetching and keeping.
    """
    return ACTIONS[options.action](options, emit)


def _list(options: argparse.Namespace, emit: Emit) -> Mapping[str, Any]:
    if options.markdown:
        return {"markdown": table.markdown()}
    rows = table.rows(_terms(options).for_sale)
    return {"checkpoints": rows if options.json else {row["name"]: table.line(row) for row in rows}}


def _fetch(options: argparse.Namespace, emit: Emit) -> Mapping[str, Any]:
    return {"fetched": {one.name: _told(fetch(one, _terms(options), emit)) for one in expand(options.names)}}


def _import(options: argparse.Namespace, emit: Emit) -> Mapping[str, Any]:
    (wanted,) = expand([options.name])
    return {"imported": {wanted.name: _told(keeping.bring_in(wanted, options.path, _terms(options)))}}


def _verify(options: argparse.Namespace, emit: Emit) -> Mapping[str, Any]:
    there = ("embedded", "installed", "damaged", "unrecorded")
    named = expand(options.names) if options.names else list(known().values())
    chosen = [one for one in named if options.names or shelf.state(one) in there]
    found = {}
    for step, one in enumerate(chosen):
        emit({"type": "progress", "phase": "verifying", "step": step, "total": len(chosen)})
        found[one.name] = keeping.verify(one) if shelf.state(one) in there else ["it is not there"]
    if damaged := {name: faults for name, faults in found.items() if faults}:
        told = "; ".join(f"{name}: {', '.join(faults)}" for name, faults in damaged.items())
        raise CheckpointInvalid(told, advice=f"python3 -m backend checkpoints fetch {' '.join(damaged)}")
    return {"whole": list(found)} if options.json else {"whole": ", ".join(found)}


def _remove(options: argparse.Namespace, emit: Emit) -> Mapping[str, Any]:
    freed = {one.name: keeping.remove(one) for one in expand(options.names)}
    return {"removed": freed if options.json else {name: f"{size / 1e6:.1f} MB" for name, size in freed.items()}}


def _terms(options: argparse.Namespace) -> Terms:
    given = vars(options)
    accept, offline = given.get("accept", ()), given.get("offline", False)
    return Terms.of(os.environ, accept, offline, given.get("for_sale", False))


def _told(receipt: Mapping[str, Any]) -> dict[str, Any]:
    size = sum(entry["size"] for entry in receipt["files"].values())
    return {"bytes": size, "source": receipt["source"], "commit": receipt["commit"]}


ACTIONS: dict[str, Callable[[argparse.Namespace, Emit], Mapping[str, Any]]] = {
    "list": _list,
    "fetch": _fetch,
    "import": _import,
    "verify": _verify,
    "remove": _remove,
}
