"""Which checkpoints the project knows, and where they lie. Standard library only: the add-on imports this file.

Names, folders and licences are data in `ckpts/registry.json`; a folder is looked for in `--base` first, then in
`$FACEWRIGHT_HOME/ckpts`, then in `ckpts/` beside `backend/`.
"""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from .errors import CheckpointMissing

BESIDE = Path(__file__).parents[1] / "ckpts"


def registry() -> dict[str, Any]:
    """The contents of `ckpts/registry.json`.

    Raises:
        CheckpointMissing: the file is not there or is not JSON.
    """
    path = BESIDE / "registry.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointMissing(f"{path.name} cannot be read ({error})", advice="install Facewright again") from error


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
    if "source" not in entry:
        return ""
    return (
        f"get {entry['get']} from {entry['source']} (licence: {entry['licence']}) and put it in {roots()[0]}, "
        "or give its path with --head"
    )


def find(relative: str, base: Path | None = None) -> Path:
    """The file or folder of that name below a folder of checkpoints.

    Raises:
        CheckpointMissing: it lies nowhere that is looked at.
    """
    for root in roots(base):
        if (root / relative).exists():
            return root / relative
    raise CheckpointMissing(
        f"the checkpoint {relative} is not there",
        advice=f"train it (python3 -m backend train starter) or put it in {BESIDE}",
    )


def components(family: str, role: str, base: Path | None = None) -> dict[str, Path]:
    """Folders of the networks that fill a role, by component name.

    Raises:
        CheckpointMissing: unknown family or role, or a folder is absent.
    """
    families = registry()["families"]
    if family not in families or role not in families[family]["roles"]:
        raise CheckpointMissing(
            f"no checkpoint of family {family!r} for {role!r}", advice=f"there are {', '.join(families)}"
        )
    return {name: find(folder, base) for name, folder in families[family]["roles"][role].items()}


def hashes(folders: dict[str, Path]) -> dict[str, str]:
    """sha256 of every weights file, by component name."""
    return {
        name: _sha256(weights) for name, folder in folders.items() for weights in sorted(folder.glob("*.safetensors"))
    }


@cache
def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
