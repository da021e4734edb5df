"""What differs between families of networks, as data: how each wants to be spoken to, and what a run of it takes.

Nothing outside this package, `settings` and the language knows a family's name. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import CheckpointUnknown
from .places import family_state, require

EMBEDDED, FULL = "starter", "full"
FACEG2E_STYLE = "a zoomed out DSLR photo of"  # its sec. A.1
SPOILT = "blurry, out of frame, text, watermark"


@dataclass(frozen=True, eq=False)
class FamilyProfile:
    """One family.

    Attributes:
        styles: by stage, the words before what a prompt describes.
        views: by what is seen of the head ("front view", "side view", "back view"), the words after it; none: no words.
        negatives: by the same, what a picture is to be kept away from; none: nothing.
        plain: by stage, who a picture shows of which nothing is said; stands, in the stage's style, for an empty
            negative text.
        closed: only the words of the face language mean something to it.
        texture: texels a side of the texture that is optimised, whatever size is saved.
        step_mb: of memory that a step of a stage takes beside the networks.
        needs_mb: of free memory on the card, below which `auto` does not take it; None where a CPU will do.
        settings: by "stage.field", what this family wants otherwise than the preset says.
    """

    name: str
    styles: Mapping[str, str]
    views: Mapping[str, str] = field(default_factory=dict)
    negatives: Mapping[str, str] = field(default_factory=dict)
    plain: Mapping[str, str] = field(default_factory=dict)
    closed: bool = False
    texture: int = 512
    step_mb: float = 200.0  # the starter family's 130 measured on a CPU, and some air
    needs_mb: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


STARTER_PROFILE = FamilyProfile(
    EMBEDDED,
    styles={"geometry": "a clay render of", "texture": "a photo of"},  # as its captions name grey and painted pictures
    plain={"geometry": "a person"},  # it was taught what words change of this; textures come out blotched with it
    closed=True,
    texture=256,  # 16 latents a side are 128 texels, which are too few for lips
    settings={"geometry.flaws": "", "texture.flaws": ""},  # it knows no such words
)
FULL_PROFILE = FamilyProfile(
    FULL,
    styles={"geometry": FACEG2E_STYLE, "texture": FACEG2E_STYLE},
    views={f"{side} view": f", {side} view" for side in ("front", "side", "back")},  # FaceG2E's code
    negatives={  # ours, as Perp-Neg (Armandpour et al. 2023) names the other views; FaceG2E has none
        "front view": f"{SPOILT}, side view, back view",
        "side view": f"{SPOILT}, front view, back view",
        "back view": f"{SPOILT}, front view, face",
    },
    step_mb=3500.0,
    needs_mb=6000,  # the networks of one role in 16 bits, and a step of one view
    settings={  # FaceG2E's demos; untested with pretrained weights
        "geometry.steps": 200,
        "geometry.guidance_scale": 101.0,
        "geometry.first_timestep": 980,
        "geometry.last_timestep": 20,
        "texture.steps": 400,
        "texture.guidance_scale": 101.0,
        "texture.first_timestep": 980,
        "texture.last_timestep": 20,
        "texture.refine_steps": 8,
        "edit_texture.steps": 200,
        "edit_texture.guidance_scale": 15.0,
        "edit_texture.image_guidance_scale": 2.0,
        "edit_texture.first_timestep": 980,
        "edit_texture.last_timestep": 20,
        "edit_geometry.steps": 200,
        "edit_geometry.guidance_scale": 15.0,
        "edit_geometry.image_guidance_scale": 2.0,
        "edit_geometry.first_timestep": 980,
        "edit_geometry.last_timestep": 20,
    },
)
PROFILES = {profile.name: profile for profile in (STARTER_PROFILE, FULL_PROFILE)}


def choose(wanted: str, free_mb: float | None, base: Path | None = None) -> tuple[FamilyProfile, str]:
    """The family that a run uses, and why in words.

    Args:
        wanted: the name of one, or "auto" for the full one where it is installed and fits the card.
        free_mb: of the card's memory; None where there is no card.

    Raises:
        CheckpointUnknown: no family has that name.
        CheckpointMissing: the one that is named is not there, with the command that fetches it.
    """
    if wanted == "auto":
        if family_state(FULL, base) != "installed":
            return STARTER_PROFILE, f"the {FULL} family is not installed"
        if free_mb is None:
            return STARTER_PROFILE, f"the {FULL} family needs a graphics card"
        if free_mb < (FULL_PROFILE.needs_mb or 0):
            needs = f"the {FULL} family needs {FULL_PROFILE.needs_mb} MB of its memory"
            return STARTER_PROFILE, f"the card has {free_mb:.0f} MB free, {needs}"
        return FULL_PROFILE, f"it is installed, the card has {free_mb:.0f} MB free"
    if wanted not in PROFILES:
        raise CheckpointUnknown(f"there is no family {wanted!r}", advice=f"there are auto, {', '.join(PROFILES)}")
    require(wanted, base)
    return PROFILES[wanted], "it was asked for"
