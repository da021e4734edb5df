# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets of the user's own: a file of JSON each, with the preset it starts from and the settings it changes."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..link.bundle import errors, files, settings

SCHEMA = 1
BUILT_IN, DEFAULT = tuple(settings.PRESETS), settings.RECOMMENDED.name
SIZE_LIMIT = 1 << 20  # bytes
_NAME = re.compile(r"[\w][\w .+-]{0,39}")


@dataclass(frozen=True)
class Preset:
    """`changes` of the built-in preset `base`, by "stage.field"."""

    name: str
    base: str
    changes: Mapping[str, Any] = field(default_factory=dict)


def fields(base: str) -> dict[str, Any]:
    """Every setting there is, by "stage.field", with its value in a built-in preset."""
    document = settings.preset_named(base).document()
    stages = {stage: held for stage, held in document.items() if isinstance(held, dict)}
    return {f"{stage}.{name}": value for stage, held in stages.items() for name, value in held.items()}


def checked(name: str, base: str, changes: Mapping[str, Any]) -> Preset:
    """A preset whose values are of their settings' kinds; they may come as text.

    Raises:
        errors.UnknownOption: no such preset to start from, no such setting, or a value of another kind.
        errors.UsageError: the name is a built-in preset's, or cannot be a file's.
    """
    if name in BUILT_IN or not _NAME.fullmatch(name) or name != name.strip(" ."):
        raise errors.UsageError(
            f"a preset cannot be called {name!r}",
            advice="take up to 40 letters, digits, spaces and - that are no preset",
        )
    whole = settings.changed(settings.preset_named(base), changes)
    values = {key: getattr(getattr(whole, key.split(".")[0]), key.split(".")[1]) for key in changes}
    return Preset(name, base, values)


def read(path: Path) -> Preset:
    """The preset of a file, under the file's name.

    Raises:
        errors.UnknownOption, errors.UsageError: it is none, or of settings that this version does not have.
    """
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise ValueError("it is far too large")
        document = json.loads(path.read_bytes())
        schema, base, changes = document["schema"], document["base"], document["settings"]
        if schema != SCHEMA or not isinstance(base, str) or not isinstance(changes, dict):
            raise ValueError(f"schema {schema!r}, expected {SCHEMA}")
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise errors.UsageError(f"{path} is no preset: {error}", advice="choose one that Facewright saved") from None
    return checked(path.stem, base, changes)


def listed(folder: Path) -> list[Preset]:
    """Those of the folder that can be read, by name."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(read(path))
        except errors.UsageError:  # of another version, or no preset at all: reading it by name says why
            continue
    return found


def save(preset: Preset, folder: Path) -> Path:
    """Writes the preset, over an older one of its name.

    Raises:
        errors.FolderUnwritable, errors.DiskFull: what was there before is still there.
    """
    document = {"schema": SCHEMA, "base": preset.base, "settings": dict(preset.changes)}
    return files.write_whole(folder / f"{preset.name}.json", json.dumps(document, indent=1).encode())
