"""What each stage is made with: frozen dataclasses whose defaults are `recommended`, each with its source.

Sizes and losses are counted in the networks' own units, so that the same numbers serve networks of any size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

SCHEDULES = ("linear", "square-root", "dreamtime", "released", "uniform")
GUIDANCES = ("sds", "csd", "nfsd", "sdi")
EDIT_GUIDANCES = ("sds", "dds", "pds")
OPTIMISERS = ("shared-adam", "adam", "adamw", "adan")
CAMERAS = ("ours", "range", "paper", "released")
LIGHTS = ("ours", "released", "still")
BACKGROUNDS = ("grey", "black", "colour", "blend")
PICTURES = ("grey", "normal", "textured")
PAINTS = ("pyramid", "latent", "texels")
CONTROLS = ("depth", "normal")
PRIOR_SCHEDULES = ("constant", "linear", "log")
ROUTES = ("auto", "optimise")
MASKS = ("region", "attention", "both")
CONSISTENCIES = ("none", "released", "recovering", "max2", "avg2", "avg0.5")
READINGS = ("difference", "released")
STARTS = ("zeros", "ones", "randn", "albedo")


FLAWS = (  # NFSD's (Katzir et al. 2023)
    "unrealistic, blurry, low quality, out of focus, ugly, low contrast, dull, dark, low-resolution, gloomy"
)


def one_of(default: str, choices: tuple[str, ...]) -> Any:
    """A field that takes one of some words."""
    return field(default=default, metadata={"choices": choices})


def some_of(default: str, choices: tuple[str, ...]) -> Any:
    """A field that takes some of some words, with commas between."""
    return field(default=default, metadata={"choices": choices, "several": True})


@dataclass(frozen=True)
class StageSettings:
    """What all stages have."""

    stage: ClassVar[str]
    steps: int = 80
    views: int = 2  # one view a step is FaceG2E's; two halve the noise for 1.4 times the time
    # the guidance
    weight: float = 1.0  # of its loss beside the others
    guidance_scale: float = 5.0  # diffusers'; FaceG2E counts 1 less
    residual: float = 1.0  # share of SDS's residual beside the classifier score
    anchored: bool = True  # that residual is counted from the picture before, so that what it says of both cancels
    summed: bool = False  # FaceG2E's gradient is a sum over latents, ours a mean: theirs is that many times ours
    sampled: bool = False  # draw latents from the autoencoder's posterior, as FaceG2E does; ours takes its mean
    schedule: str = one_of("linear", SCHEDULES)
    first_timestep: int = 650
    last_timestep: int = 150
    jitter: int = 40  # timesteps off the schedule's, so that a step's pictures differ in noise
    # what is looked at
    cameras: str = one_of("ours", CAMERAS)
    azimuth: float = 35.0  # degrees either way, of the cameras "ours" and "range"
    elevation: float = 10.0
    nearest: float = 0.0  # head units beyond FaceG2E's 10, of the cameras "range"
    farthest: float = 3.0
    lights: str = one_of("ours", LIGHTS)
    background: str = one_of("grey", BACKGROUNDS)
    rendered: float = 1.0  # side of a render over that of the networks' pictures; it is then stretched to it
    clamped: bool = True  # colours end at white; FaceG2E's lights shine beyond
    # the optimiser
    optimiser: str = one_of("shared-adam", OPTIMISERS)
    learning_rate: float = 0.2
    final_rate: float = 0.2  # of the learning rate at the last step; falls evenly
    decay: float = 1.0  # of the learning rate, every 100 steps
    weight_decay: float = 0.0
    clip_norm: float = 0.0  # gradients longer than this are shortened to it; 0 leaves them
    settle: float = 0.0  # ends when 20 steps get less than this share of their way anywhere; 0 never does
    save_every: int = 0  # steps between kept states and pictures; 0 keeps none


@dataclass(frozen=True)
class PromptSettings:
    """What the stages have that follow a prompt."""

    style: str = ""  # words before the prompt, in place of the family's
    view_words: bool = True  # what is seen of the head, where the family has words for it
    guidance: str = one_of("sds", GUIDANCES)  # `residual` and `anchored` are of SDS alone
    flaws: str = FLAWS
    flaws_scale: float = 0.0  # CSD's ω₂, how strongly to keep away from `flaws`; NFSD always asks about them
    inversion_scale: float = -7.5  # of SDI (Lukoianov et al. 2024), whose own guidance_scale is 7.5
    inversion_steps: int = 5  # of SDI, each as dear as a step of SDS; its table says 76 with 5, 82 with 10, 83 with 20


@dataclass(frozen=True)
class GeometrySettings(PromptSettings, StageSettings):
    """Prompt to identity coefficients, on grey renders."""

    stage: ClassVar[str] = "geometry"
    guidance_scale: float = 3.0  # at 1.5 eyes hardly move; at 6 gender and foreheads go far beyond their range
    first_timestep: int = 650  # shapes show nowhere above: right and shuffled captions differ by 0.2 % there
    learning_rate: float = 0.2  # standard deviations a step, root mean square
    pictures: str = some_of("grey", PICTURES)  # one of them a step; "textured" wears the start's albedo
    antialias: bool = True  # outlines have gradients: big ears come to 0.7 of their range, to 0.2 without
    prior_weight: float = 0.0005  # times mean(identity²); the residual keeps heads human, this only what no view sees
    displacement: float = 0.0  # head units that detail may stand off along normals, beyond any identity; 0 makes none
    displacement_from: float = 0.5  # share of the steps that the identity has alone
    displacement_prior: float = 0.02  # times the mean square of the detail's Laplacian, the bound for a unit
    reach: float = 7.0  # Mahalanobis distance that is approached, not passed: a word's end lies 6 to 9 away; 0 is none


@dataclass(frozen=True)
class PaintSettings(StageSettings):
    """What painting a new face and painting an edit share."""

    paint: str = one_of("pyramid", PAINTS)  # what is optimised: changes at several sizes, latents, or texels
    start: str = one_of("albedo", STARTS)  # of the latents; texels start from the albedo or grey
    latent_steps: int = 0  # of the first steps, in which latents are worn and seen as they are, undecoded and unlit
    prior_weight: float = 0.04  # times the mean square of the pyramid's coarser levels
    smoothness_weight: float = 1.0  # the same of the finer levels
    colour_weight: float = 0.0  # the same of what levels finer than broad differ in colour alone: skin has few hues
    # the ControlNet, where the family has one
    depth_scale: float = 0.0  # diffusers' `controlnet_conditioning_scale`; 0 does not ask it
    control: str = one_of("depth", CONTROLS)
    near_bright: bool = True  # as MiDaS and so the ControlNet have it; FaceG2E's code has near dark, normals the head's
    # the texture priors, where the family has them
    texture_prior: float = 0.0  # weight of the prior that knows textures in RGB
    yuv_prior: float = 0.0  # and of the one in YUV, by its own; not asked while latents are worn
    prior_schedule: str = one_of("constant", PRIOR_SCHEDULES)
    prior_from: float = 20.0  # what texture_prior falls from, where it is not constant
    prior_guidance_scale: float = 2.0
    prior_text: str = "a diffuse texture map of a human face in UV space"  # FaceG2E's; "" says the prompt instead
    # whatever the words
    symmetry: float = 0.0  # to what the other side has
    variation: float = 0.0  # of neighbouring texels
    seam: float = 0.0  # across seams of the texture
    evenness: float = 0.0  # of brightness over the skin
    saturation: float = 0.0  # of glaring skin


@dataclass(frozen=True)
class TextureSettings(PromptSettings, PaintSettings):
    """Prompt and geometry to albedo, on lit renders."""

    stage: ClassVar[str] = "texture"
    size: int = 0  # texels a side of the albedo that is made; 0 keeps what it starts from
    # detail of a texture larger than what is painted; untested with pretrained weights
    refine_steps: int = 0  # in which crops of it are drawn anew, two latents each; 0 leaves it as it is
    refine_from: int = 200  # the timestep whose noise they are given: forms and colours are lost above, pores below
    refine_guidance_scale: float = 5.0
    refine_overlap: float = 0.25  # share of its side that a crop has in common with the next
    refine_style: str = "a close-up photo of the skin of"  # words before the prompt
    irises: bool = False  # may change, so that words for eyes land on them; the white and the pupil never do
    guidance_scale: float = 1.3  # at 1.5 green skin is neon and red lips spread; at 1.1 dark skin stays brown
    first_timestep: int = 700
    last_timestep: int = 200
    learning_rate: float = 0.06  # logits a step, root mean square of each level
    prior_weight: float = 0.04  # 0.2 kept dark skin light
    colour_weight: float = 4.0  # with it and the prior, masks are blacker, greens less loud, and beards have no stains
    texture_prior: float = 0.5
    azimuth: float = 60.0  # the training pictures go to 45; at 40 the sides stayed as they were
    elevation: float = 12.0


@dataclass(frozen=True)
class EditSettings:
    """How an instruction is carried out."""

    route: str = one_of("auto", ROUTES)  # by slider where it names one; "optimise" asks the networks in any case
    lock: bool = True  # nothing outside the mask changes; FaceG2E has its soft weight alone
    mask: str = one_of("region", MASKS)  # made of regions, of where the words' attention lies, or of what both share


@dataclass(frozen=True)
class WordSettings:
    """What an edit makes of its words: who follows them, how close it looks at what they name, and what holds it."""

    guidance: str = one_of("sds", EDIT_GUIDANCES)  # under InstructPix2Pix; the others ask the text-to-image network
    before: str = ""  # the face in words, which DDS and PDS start from; "" is "a person"
    after: str = ""  # and what they go to; "" is made of the instruction
    zoom: bool = False  # half of the views come close to a region that fills less than a quarter of the picture
    attention: str = one_of("difference", READINGS)  # told less untold; FaceG2E's code takes the mean of all branches
    consistency: str = one_of("none", CONSISTENCIES)  # how the weight C follows attention; "none" leaves it 1
    focused: bool = False  # the guidance's gradient reaches only what the words look at, as in FaceG2E's demo
    drift: float = 0.0  # weight of C times the mean square of what texels change or places move; the lock does its work
    global_drift: float = 0.0  # the same of an edit that names no place: there C is 1 and holds the edit itself back


@dataclass(frozen=True)
class EditTextureSettings(WordSettings, PaintSettings):
    """Instruction and face to albedo, under InstructPix2Pix."""

    stage: ClassVar[str] = "edit_texture"
    guidance_scale: float = 1.1  # beyond 1 colours go on past what is asked: at 1.4 a grey beard is blue
    image_guidance_scale: float = 1.0  # of pictures; more than 1 made hair white and beards blue
    first_timestep: int = 800
    learning_rate: float = 0.05
    smoothness_weight: float = 0.6
    zoom: bool = True  # white brows come within ΔE2000 7 of white, else 24; shapes gain nothing
    colour_weight: float = 10.0  # without it masks and beards are stained in all colours of the rainbow
    texture_prior: float = 1.0  # where there is one, beards are greyer and more even with it
    azimuth: float = 60.0


@dataclass(frozen=True)
class EditGeometrySettings(WordSettings, StageSettings):
    """Instruction and face to vertex offsets, on grey renders."""

    stage: ClassVar[str] = "edit_geometry"
    steps: int = 50
    guidance_scale: float = 2.0  # a longer nose goes 1.0 of its range, a wider chin 0.3
    image_guidance_scale: float = 1.0
    pictures: str = some_of("grey", PICTURES)  # as in geometry
    antialias: bool = True
    prior_weight: float = 0.002
