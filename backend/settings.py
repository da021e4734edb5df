"""What a run is made with: frozen dataclasses, each default with its source; a preset is an instance."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from .errors import UnknownOption


@dataclass(frozen=True)
class GeometrySettings:
    """Prompt to identity coefficients, on grey renders."""

    style: str = ""  # words before the prompt, in place of the family's
    steps: int = 80
    views: int = 2  # one view a step is FaceG2E's; two halve the noise for 1.4 times the time
    guidance_scale: float = 5.0  # 3 leaves weak words at a quarter of their range, 6 takes strong ones to twice it
    first_timestep: int = 650  # shapes show nowhere above: right and shuffled captions differ by 0.2 % there
    last_timestep: int = 150
    residual: float = 1.0  # 1 is SDS, 0 the classifier score alone
    anchored: bool = True  # the residual is counted from the picture before, so that what it says of both cancels
    learning_rate: float = 0.2  # standard deviations a step, root mean square
    prior_weight: float = 0.0005  # times mean(identity²); the residual keeps heads human, this only what no view sees
    azimuth: float = 35.0  # degrees either way; the training pictures go to 45
    elevation: float = 10.0
    antialias: bool = True  # outlines have gradients: big ears come to 0.7 of their range, to 0.2 without


@dataclass(frozen=True)
class TextureSettings:
    """Prompt and geometry to albedo, on lit renders."""

    style: str = ""  # words before the prompt, in place of the family's
    steps: int = 80
    views: int = 2
    guidance_scale: float = 3.0  # 8 saturates: red lips spread over the chin
    first_timestep: int = 700
    last_timestep: int = 200
    residual: float = 1.0  # 1 is SDS, 0 the classifier score alone
    anchored: bool = True  # the residual is counted from the picture before, so that what it says of both cancels
    learning_rate: float = 0.06  # logits a step, root mean square of each level
    prior_weight: float = 0.04  # times the mean square of the coarser levels; 0.2 kept dark skin light
    smoothness_weight: float = 1.0  # the same of the finer levels
    azimuth: float = 60.0  # the training pictures go to 45; at 40 the sides stayed as they were
    elevation: float = 12.0


@dataclass(frozen=True)
class EditTextureSettings:
    """Instruction and face to albedo, under InstructPix2Pix."""

    steps: int = 80
    views: int = 2
    guidance_scale: float = 4.0
    image_guidance_scale: float = 1.5  # Brooks et al. 2023, sec. 3.2.1: 1 to 2.5
    first_timestep: int = 800
    last_timestep: int = 150
    residual: float = 1.0  # 1 is SDS, 0 the classifier score alone
    anchored: bool = True  # the residual is counted from the picture before, so that what it says of both cancels
    learning_rate: float = 0.05
    prior_weight: float = 0.04  # times the mean square of the coarser levels
    smoothness_weight: float = 0.6
    azimuth: float = 60.0
    elevation: float = 10.0


@dataclass(frozen=True)
class EditGeometrySettings:
    """Instruction and face to vertex offsets, on grey renders."""

    steps: int = 50
    views: int = 2
    guidance_scale: float = 5.0
    image_guidance_scale: float = 1.5
    first_timestep: int = 650
    last_timestep: int = 150
    residual: float = 1.0  # 1 is SDS, 0 the classifier score alone
    anchored: bool = True  # the residual is counted from the picture before, so that what it says of both cancels
    learning_rate: float = 0.2
    prior_weight: float = 0.002
    azimuth: float = 35.0
    elevation: float = 10.0
    antialias: bool = True


@dataclass(frozen=True)
class EditSettings:
    """How an instruction is carried out."""

    route: str = "auto"  # by slider where it names one; "optimise" asks the networks in any case


@dataclass(frozen=True)
class Preset:
    name: str
    geometry: GeometrySettings = field(default_factory=GeometrySettings)
    texture: TextureSettings = field(default_factory=TextureSettings)
    edit: EditSettings = field(default_factory=EditSettings)
    edit_texture: EditTextureSettings = field(default_factory=EditTextureSettings)
    edit_geometry: EditGeometrySettings = field(default_factory=EditGeometrySettings)

    def document(self) -> dict[str, Any]:
        """All numbers, for `face.json`."""
        return asdict(self)


RECOMMENDED = Preset("recommended")
PRESETS = {preset.name: preset for preset in (RECOMMENDED,)}
SWITCH = {"0": False, "1": True, "false": False, "true": True}


def changed(preset: Preset, overrides: Mapping[str, Any]) -> Preset:
    """The preset with fields set by "stage.field", values as text or numbers.

    Raises:
        UnknownOption: no such field, or a value of another kind; names the near ones.
    """
    stages = [item.name for item in fields(preset) if item.name != "name"]
    known = [f"{stage}.{item.name}" for stage in stages for item in fields(getattr(preset, stage))]
    for key, value in overrides.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=3, cutoff=0.3) or known[:3]
            raise UnknownOption(f"no setting {key!r}", advice=f"did you mean {', '.join(near)}?")
        stage, name = key.split(".")
        settings = getattr(preset, stage)
        kind = type(getattr(settings, name))
        try:
            settings = replace(settings, **{name: SWITCH[str(value).lower()] if kind is bool else kind(value)})
        except (KeyError, ValueError, TypeError):
            raise UnknownOption(f"{key} is a {kind.__name__}, not {value!r}") from None
        preset = replace(preset, **{stage: settings})
    return preset
