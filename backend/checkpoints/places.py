"""Where checkpoints lie. A folder is looked for in `--base` first, then in `$FACEWRIGHT_HOME/ckpts`, then in `ckpts/`
beside `backend/`. Standard library only.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

from ..errors import CheckpointMissing
from .entries import registry

BESIDE = Path(__file__).parents[2] / "ckpts"


def roots(base: Path | None = None) -> list[Path]:
    """The folders of checkpoints, in the order they are looked at."""
    home = os.environ.get("FACEWRIGHT_HOME")
    return [*([base] if base else []), *([Path(home) / "ckpts"] if home else []), BESIDE]


def heads_folder() -> Path | None:
    """Where what is known of heads is kept between runs, `$FACEWRIGHT_HOME/heads`; users may put heads there too."""
    home = os.environ.get("FACEWRIGHT_HOME")
    return Path(home) / "heads" if home else None


def head_advice(name: str) -> str:
    """What to download for a head of the registry, under which licence, and where to put it; "" for another."""
    entry = registry()["heads"].get(name, {})
    if "get" not in entry:
        return ""
    return (
        f"get {entry['get']} from {entry['sources'][0]['page']} (licence: {entry['licence']}) and put it in "
        f"{roots()[0]} (python3 -m backend checkpoints import {name} PATH), or give its path with --head"
    )


def find(relative: str, base: Path | None = None) -> Path:
    """The file or folder of that name below a folder of checkpoints.

    Raises:
        CheckpointMissing: it lies nowhere that is looked at.
    """
    for root in roots(base):
        if (root / relative).exists():
            return root / relative
    owner = relative.split("/")[0]
    how = f"train it (python3 -m backend train starter) or put it in {BESIDE}"
    if owner != "starter" and owner in registry()["checkpoints"]:
        how = f"get it: python3 -m backend checkpoints fetch {owner}"
    raise CheckpointMissing(f"the checkpoint {relative} is not there", advice=how)


def roles_of(family: str) -> dict[str, dict[str, str]]:
    """Folders by component name, by role: what a family must have, and its extras, which it does without."""
    entry = registry()["families"].get(family, {})
    return {**entry.get("extras", {}), **entry.get("roles", {})}


def components(family: str, role: str, base: Path | None = None) -> dict[str, Path]:
    """Folders of the networks that fill a role, by component name; an alternate's where the first checkpoint is absent.

    Raises:
        CheckpointMissing: unknown family or role, or a folder is absent; the advice names the first checkpoint.
    """
    families = registry()["families"]
    roles = roles_of(family)
    if role not in roles:
        raise CheckpointMissing(
            f"no checkpoint of family {family!r} for {role!r}", advice=f"there are {', '.join(families)}"
        )
    first = roles[role]
    others = families[family].get("alternates", {}).get(role, [])
    ways = [first, *({name: swapped(folder, other) for name, folder in first.items()} for other in others)]
    whole = [way for way in ways if all(any((root / one).is_dir() for root in roots(base)) for one in way.values())]
    return {name: find(folder, base) for name, folder in (whole or ways)[0].items()}


def offers(family: str, role: str, base: Path | None = None) -> bool:
    """Whether a family can fill a role."""
    try:
        components(family, role, base)
    except CheckpointMissing:
        return False
    return True


def swapped(folder: str, checkpoint: str) -> str:
    """The same part of another checkpoint: "one/unet" becomes "other/unet"."""
    return "/".join([checkpoint, *folder.split("/")[1:]])


def require(family: str, base: Path | None = None) -> None:
    """Raises CheckpointMissing, with what to fetch, where a role of a family cannot be filled."""
    for role in registry()["families"][family]["roles"]:
        components(family, role, base)


def family_state(family: str, base: Path | None = None) -> str:
    """installed if every role of a family can be filled, else absent."""
    try:
        require(family, base)
    except CheckpointMissing:
        return "absent"
    return "installed"


def hashes(folders: dict[str, Path]) -> dict[str, str]:
    """sha256 of every weights file, by component name."""
    return {
        name: sha256(weights) for name, folder in folders.items() for weights in sorted(folder.glob("*.safetensors"))
    }


@cache
def sha256(path: Path) -> str:
    """The hash of a weights file, computed once: nothing in use changes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
