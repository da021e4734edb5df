"""What a step looks at: cameras, lights and backgrounds as the settings ask for them, and pictures as latents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..diffusion.guidance import Guidance
from ..render.backgrounds import BLACK, GREY, blended_colours, random_colours
from ..render.camera import Cameras, sample_views
from ..render.closeup import Closeup
from ..render.light import display_light, released_lights, sample_lights
from ..render.picture import Background, Scene, Surface, look
from ..render.views import PAPER_VIEWS, RELEASED_VIEWS, Setting, ViewList, ViewRange, released_cameras
from ..settings import StageSettings

PREVIEW = 256  # pixels a side of the pictures for who looks on


@dataclass(frozen=True)
class Look:
    """One step's views of whatever head or texture is drawn in them.

    Attributes:
        size: pixels of a render's side; `stretched` is what the networks are shown.
        posterior: draws a picture's latents from the autoencoder's posterior; None takes its mean.
    """

    guidance: Guidance
    surface: Surface
    setting: Setting
    background: Background
    size: int
    stretched: int
    clamped: bool
    antialias: bool = False
    posterior: torch.Generator | None = None

    def at(self, vertices: Float[Tensor, "#B V 3"], size: int | None = None) -> Scene:
        return look(self.surface, vertices, *self.setting, size or self.size, antialias=self.antialias)

    def pictures(self, scene: Scene, kind: str, albedo: Float[Tensor, "1 3 S S"] | None) -> Float[Tensor, "B 3 H W"]:
        """What the networks are shown: one of `settings.stages.PICTURES`."""
        if kind == "normal":
            shown = scene.normal_map()  # grey where nothing is: the normal of nothing is 0
        elif kind == "textured":
            assert albedo is not None, "a textured picture needs an albedo"
            shown = scene.textured(albedo, self.background, self.clamped)
        else:
            shown = scene.textureless(self.background, self.clamped)
        if self.stretched == self.size:
            return shown
        side = (self.stretched, self.stretched)
        return torch.nn.functional.interpolate(shown, side, mode="bilinear", align_corners=False)

    def latents(
        self, scene: Scene, kind: str, albedo: Float[Tensor, "1 3 S S"] | None = None
    ) -> Float[Tensor, "B C h w"]:
        return self.guidance.model.encode(self.pictures(scene, kind, albedo), self.posterior)


def looker(
    guidance: Guidance,
    surface: Surface,
    settings: StageSettings,
    generator: torch.Generator,
    closeup: Closeup | None = None,
) -> Callable[[], Look]:
    """Draws the views of a step, one after the other, at the networks' own size; half of them closer, where asked."""
    native = guidance.model.picture_size
    size = round(native * settings.rendered)

    def draw() -> Look:
        cameras = _cameras(settings, generator)
        return Look(
            guidance,
            surface,
            (closeup.taken(cameras, generator) if closeup else cameras, _lights(settings, generator)),
            _background(settings, size, generator),
            size,
            native,
            settings.clamped,
            getattr(settings, "antialias", False),
            generator if settings.sampled else None,
        )

    return draw


def _cameras(settings: StageSettings, generator: torch.Generator) -> Cameras:
    if settings.cameras == "ours":
        return sample_views(settings.views, generator, settings.azimuth, settings.elevation)
    views: ViewList | ViewRange = PAPER_VIEWS if settings.cameras == "paper" else RELEASED_VIEWS[settings.stage]
    if settings.cameras == "range":
        views = ViewRange(
            (-settings.azimuth, settings.azimuth),
            (-settings.elevation, settings.elevation),
            (settings.nearest, settings.farthest),
        )
    return released_cameras(*views.draw(settings.views, generator))


def _lights(settings: StageSettings, generator: torch.Generator) -> Float[Tensor, "B 9"]:
    if settings.lights == "ours":
        return sample_lights(settings.views, generator)
    if settings.lights == "still":
        return display_light().expand(settings.views, 9)
    known = released_lights()
    return known[torch.randint(len(known), (settings.views,), generator=generator)]


def _background(settings: StageSettings, size: int, generator: torch.Generator) -> Background:
    match settings.background:
        case "colour":
            return random_colours(settings.views, generator)
        case "blend":
            return blended_colours(settings.views, size, generator)
        case "black":
            return BLACK
        case _:
            return GREY
