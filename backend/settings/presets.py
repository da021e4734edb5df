"""The presets: what FaceG2E's paper says, what its code does, and what we recommend.

Numbers without a word beside them are those of FaceG2E's code (its defaults and demo scripts, commit fd36e25).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..errors import UnknownOption
from .stages import EditGeometrySettings, EditSettings, EditTextureSettings, GeometrySettings, TextureSettings


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

# What the released code does in all its stages.
CODE: dict[str, Any] = {
    "steps": 201,
    "views": 1,
    "residual": 1.0,
    "anchored": False,
    "summed": True,
    "sampled": True,
    "schedule": "released",
    "first_timestep": 980,
    "last_timestep": 20,
    "jitter": 0,
    "cameras": "released",
    "lights": "released",
    "background": "black",
    "rendered": 224 / 512,  # drawn at 224 and stretched to 512
    "clamped": False,
    "learning_rate": 0.05,
    "final_rate": 1.0,
}
ADANS: dict[str, Any] = {"optimiser": "adan", "weight_decay": 2e-5, "clip_norm": 5.0}
ADAMWS: dict[str, Any] = {"optimiser": "adamw", "weight_decay": 0.01, "decay": 0.9}  # torch's default decay
LATENT: dict[str, Any] = {"paint": "latent", "prior_weight": 0.0, "smoothness_weight": 0.0, "colour_weight": 0.0}
INSTRUCTED: dict[str, Any] = {
    "guidance_scale": 15.0,
    "image_guidance_scale": 2.0,
    "attention": "released",
    "consistency": "released",  # `avm2`
    "focused": True,  # its demo; the paper knows no such mask
    "zoom": False,
}


def _merged(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Later parts over earlier ones."""
    return {name: value for part in parts for name, value in part.items()}


RELEASED = Preset(
    "released",
    geometry=GeometrySettings(
        **_merged(
            CODE,
            ADANS,
            {
                "schedule": "uniform",  # the linear one is computed and not passed on
                "guidance_scale": 101.0,
                "pictures": "normal,grey",
                "antialias": False,
                "prior_weight": 0.0,
                "reach": 0.0,
            },
        )
    ),
    texture=TextureSettings(
        **_merged(
            CODE,
            ADAMWS,
            LATENT,
            {
                "steps": 401,
                "latent_steps": 200,
                "start": "zeros",
                "guidance_scale": 101.0,
                "depth_scale": 1.0,
                "near_bright": False,
                "texture_prior": 3.0,
            },
        )
    ),
    edit=EditSettings("optimise", lock=False),  # it knows no sliders, and nothing but the soft weight
    edit_texture=EditTextureSettings(
        **_merged(CODE, ADAMWS, LATENT, INSTRUCTED, {"texture_prior": 0.5, "drift": 15000.0, "global_drift": 15000.0})
    ),
    edit_geometry=EditGeometrySettings(
        # its demo edits textures alone; the option's default is 1
        **_merged(
            CODE, ADAMWS, INSTRUCTED, {"antialias": False, "prior_weight": 0.0, "drift": 1.0, "global_drift": 1.0}
        )
    ),
)

# The paper where it differs; where it says nothing, the code.
WRITTEN: dict[str, Any] = {
    "schedule": "linear",  # sec. A.1: from 0.98 down to 0.02, "crucial for the stability"; no stage is left out
    "cameras": "paper",  # sec. A.1
    "optimiser": "adam",  # sec. 4.1, at 0.05
    "weight_decay": 0.0,
    "decay": 1.0,
    "clip_norm": 0.0,
}
PAPER = Preset(
    "paper",
    geometry=replace(RELEASED.geometry, **WRITTEN, steps=200),  # sec. 4.1
    texture=replace(
        RELEASED.texture,
        **WRITTEN,
        steps=400,
        latent_steps=0,  # sec. 3.2 knows no latent phase
        near_bright=True,  # "depth map", as the ControlNet has it
        yuv_prior=1.0,  # eq. 6 has it; its weight is in the code alone
    ),
    edit=RELEASED.edit,
    edit_texture=replace(RELEASED.edit_texture, **WRITTEN, steps=400, focused=False),
    edit_geometry=replace(RELEASED.edit_geometry, **WRITTEN, steps=200, focused=False),
)
PRESETS = {preset.name: preset for preset in (RECOMMENDED, RELEASED, PAPER)}


def preset_named(name: str) -> Preset:
    """Raises UnknownOption where there is none of that name."""
    if name not in PRESETS:
        raise UnknownOption(f"no preset {name!r}", advice=f"there are {', '.join(PRESETS)}")
    return PRESETS[name]
