"""Which checkpoints the project knows, and where they lie. Standard library only: the add-on imports this file.

Names, folders and licences are data in `ckpts/registry.json`; a folder is looked for in `$FACEWRIGHT_HOME/ckpts`
first, then in `ckpts/` beside `backend/`.
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


def find(relative: str) -> Path:
    """The file or folder of that name below a folder of checkpoints.

    Raises:
        CheckpointMissing: it lies nowhere that is looked at.
    """
    home = os.environ.get("FACEWRIGHT_HOME")
    roots = [Path(home) / "ckpts"] if home else []
    for root in (*roots, BESIDE):
        if (root / relative).exists():
            return root / relative
    raise CheckpointMissing(
        f"the checkpoint {relative} is not there",
        advice=f"train it (python3 -m backend train starter) or put it in {BESIDE}",
    )


def components(family: str, role: str) -> dict[str, Path]:
    """Folders of the networks that fill a role, by component name.

    Raises:
        CheckpointMissing: unknown family or role, or a folder is absent.
    """
    families = registry()["families"]
    if family not in families or role not in families[family]["roles"]:
        raise CheckpointMissing(
            f"no checkpoint of family {family!r} for {role!r}", advice=f"there are {', '.join(families)}"
        )
    return {name: find(folder) for name, folder in families[family]["roles"][role].items()}


def licences(family: str, head: str) -> dict[str, str]:
    """SPDX licence by name, of all that a face of this family and head was made with."""
    known = registry()
    return {family: known["families"][family]["licence"], head: known["heads"][head]["licence"]}


def hashes(folders: dict[str, Path]) -> dict[str, str]:
    """sha256 of every weights file, by component name."""
    return {
        name: _sha256(weights) for name, folder in folders.items() for weights in sorted(folder.glob("*.safetensors"))
    }


@cache
def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
