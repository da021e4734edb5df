"""Settings by "stage.field": set from text, and read back from a face."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import Field, fields, replace
from pathlib import Path
from typing import Any

from ..errors import UnknownOption
from .presets import Preset

SWITCH = {"0": False, "1": True, "false": False, "true": True}


def changed(preset: Preset, overrides: Mapping[str, Any]) -> Preset:
    """The preset with fields set by "stage.field", values as text or numbers.

    Raises:
        UnknownOption: no such field, or a value of another kind; names the near ones.
    """
    known = {f"{stage}.{item.name}": item for stage in stages_of(preset) for item in fields(getattr(preset, stage))}
    for key, value in overrides.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=3, cutoff=0.3) or list(known)[:3]
            raise UnknownOption(f"no setting {key!r}", advice=f"did you mean {', '.join(near)}?")
        stage, name = key.split(".")
        settings = getattr(preset, stage)
        kind = type(getattr(settings, name))
        preset = replace(preset, **{stage: replace(settings, **{name: _value(key, kind, known[key], value)})})
    return preset


def repeated(path: Path) -> Preset:
    """The settings a face was made with, or those of a file with a face's "settings" alone.

    Fields the file lacks, as an older version's does, are `recommended`'s.

    Raises:
        UnknownOption: it holds none, or one that this version does not know.
    """
    try:
        document = json.loads(path.read_bytes())
        found = document.get("settings", document)
        name = str(found["name"])
        values = {
            f"{stage}.{key}": value
            for stage, held in found.items()
            if isinstance(held, dict)
            for key, value in held.items()
        }
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        raise UnknownOption(f"{path} holds no settings", advice="name the face.json of a face") from error
    return changed(Preset(name), values)


def stages_of(preset: Preset) -> list[str]:
    return [item.name for item in fields(preset) if item.name != "name"]


def _value(key: str, kind: type, item: Field[Any], value: Any) -> Any:
    try:
        found: Any = SWITCH[str(value).lower()] if kind is bool else kind(value)
    except (KeyError, ValueError, TypeError):
        raise UnknownOption(f"{key} is a {kind.__name__}, not {value!r}") from None
    choices = item.metadata.get("choices")
    if choices:
        given = found.split(",") if item.metadata.get("several") else [found]
        if wrong := [one for one in given if one not in choices]:
            raise UnknownOption(f"{key} cannot be {wrong[0]!r}", advice=f"there are {', '.join(choices)}")
    return found
