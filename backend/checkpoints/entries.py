"""What `ckpts/registry.json` says of checkpoints and licences. Standard library only.

A vanished repository is an edit of that file, or of `$FACEWRIGHT_HOME/registry.json`, whose entries take the
place of ours of the same name.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import CheckpointInvalid, CheckpointMissing, CheckpointUnknown

FILE = Path(__file__).parents[2] / "ckpts" / "registry.json"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
SAFE = (".safetensors", ".json", ".txt")  # what networks may consist of: nothing that can run code


@dataclass(frozen=True)
class Licence:
    """Terms under which a checkpoint is used; `commercial` is None where nobody has said."""

    name: str
    spdx: str
    url: str
    commercial: bool | None
    accept: bool
    note: str


@dataclass(frozen=True)
class Source:
    """A repository of a Hugging Face hub, or the page where a person gets the files."""

    hub: str
    revision: str
    page: str


@dataclass(frozen=True)
class File:
    """A file of a network: its path with us, its names at the source (best first), size and hash where checked."""

    path: str
    names: tuple[str, ...]
    size: int | None
    sha256: str | None


@dataclass(frozen=True)
class Checkpoint:
    """An entry of the registry.

    Attributes:
        kind: network, head, or embedded (in the repository).
        files: of a network, all of them required.
        takes: of a head: from each group of patterns at least one file must be there.
        may: of a head: patterns of further files.
        about_mb: of the download, rounded: from parameter counts or listings; the hub says it exactly.
        weights_mb: of the weights in memory, in 16 bits each; None where not counted.
    """

    name: str
    kind: str
    title: str
    role: str
    sources: tuple[Source, ...]
    files: tuple[File, ...]
    takes: tuple[tuple[str, ...], ...]
    may: tuple[str, ...]
    licences: tuple[Licence, ...]
    gated: bool
    attribution: str
    about_mb: int | None
    weights_mb: int | None
    note: str

    @property
    def commercial(self) -> bool | None:
        """Whether what is made with it may be sold: no if one licence says no, None if one does not say."""
        said = [licence.commercial for licence in self.licences]
        return False if False in said else None if None in said else True

    @property
    def by_hand(self) -> bool:
        """Whether a person must get it: no source is a hub."""
        return self.kind != "embedded" and not any(source.hub for source in self.sources)


def registry() -> dict[str, Any]:
    """The contents of `ckpts/registry.json`, with the user's entries in place of ours.

    Raises:
        CheckpointMissing: the file is not there or is not JSON.
        CheckpointInvalid: the user's own is no registry.
    """
    try:
        known = json.loads(FILE.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointMissing(f"{FILE.name} cannot be read ({error})", advice="install Facewright again") from error
    home = os.environ.get("FACEWRIGHT_HOME")
    own = Path(home) / "registry.json" if home else None
    if own is None or not own.is_file():
        return known
    try:
        for section, entries in json.loads(own.read_text(encoding="utf-8")).items():
            if isinstance(entries, dict):
                known.setdefault(section, {}).update(entries)
    except (OSError, ValueError, AttributeError) as error:
        raise CheckpointInvalid(f"{own} is no registry ({error})", advice="mend it or move it away") from error
    return known


def known() -> dict[str, Checkpoint]:
    """All entries by name: networks first, then heads.

    Raises:
        CheckpointInvalid: an entry lacks something or leads out of its folder.
    """
    told = registry()
    licences = {
        name: Licence(name, **{"spdx": "", "url": "", "note": "", "accept": False} | entry)
        for name, entry in told["licences"].items()
    }
    found = {}
    for section in ("checkpoints", "heads"):
        for name, entry in told[section].items():
            try:
                found[name] = _read(name, entry, licences, "head" if section == "heads" else "network")
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise CheckpointInvalid(
                    f"the registry's entry {name} cannot be used: {error}", advice="mend registry.json"
                ) from error
    return found


def expand(names: list[str]) -> list[Checkpoint]:
    """The entries of these names; the name of a family stands for all its checkpoints.

    Raises:
        CheckpointUnknown: no entry and no family is called so.
    """
    every, families = known(), registry()["families"]
    wanted: dict[str, Checkpoint] = {}
    for name in names:
        if name in every:
            wanted[name] = every[name]
        elif name in families:
            folders = [folder for role in families[name]["roles"].values() for folder in role.values()]
            wanted |= {first: every[first] for folder in folders if (first := folder.split("/")[0]) in every}
        else:
            raise CheckpointUnknown(
                f"there is no checkpoint {name!r}", advice=f"there are {', '.join(dict.fromkeys([*every, *families]))}"
            )
    return list(wanted.values())


def _read(name: str, entry: dict[str, Any], licences: dict[str, Licence], kind: str) -> Checkpoint:
    if not NAME.fullmatch(name):
        raise ValueError("the name is not lower-case letters, digits, . _ -")
    files = tuple(
        File(one["path"], tuple(one.get("from", [one["path"]])), one["size"], one["sha256"])
        for one in entry.get("files", [])
    )
    for file in files:
        for path in (file.path, *file.names):
            inside = PurePosixPath(path)
            if inside.is_absolute() or ".." in inside.parts or "\\" in path or ":" in path:
                raise ValueError(f"{path} leads out of its folder")
            if inside.suffix not in SAFE:
                raise ValueError(f"{path} is none of {', '.join(SAFE)}")
    return Checkpoint(
        name=name,
        kind=entry.get("kind", kind),
        title=entry["title"],
        role=entry["role"],
        sources=tuple(
            Source(one.get("hub", ""), one.get("revision", "main"), one.get("page", "")) for one in entry["sources"]
        ),
        files=files,
        takes=tuple(tuple(group) for group in entry.get("takes", [])),
        may=tuple(entry.get("may", [])),
        licences=tuple(licences[one] for one in entry["licences"]),
        gated=entry["gated"],
        attribution=entry["attribution"],
        about_mb=entry["about_mb"],
        weights_mb=entry["weights_mb"],
        note=entry.get("note", ""),
    )
