"""What a run is made with.

stages.py     the settings of each stage; defaults are `recommended`
presets.py    `paper`, `released`, `recommended`
changing.py   fields by name, from the command line or a face
faceg2e.py    FaceG2E's options and where each is here
page.py       docs/presets.md

Standard library only.
"""

from .changing import changed, repeated
from .presets import PAPER, PRESETS, RECOMMENDED, RELEASED, Preset, preset_named
from .stages import (
    EditGeometrySettings,
    EditSettings,
    EditTextureSettings,
    GeometrySettings,
    StageSettings,
    TextureSettings,
)

__all__ = [
    "PAPER",
    "PRESETS",
    "RECOMMENDED",
    "RELEASED",
    "EditGeometrySettings",
    "EditSettings",
    "EditTextureSettings",
    "GeometrySettings",
    "Preset",
    "StageSettings",
    "TextureSettings",
    "changed",
    "preset_named",
    "repeated",
]
