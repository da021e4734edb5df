"""What jobs keep between calls: the head and the networks, loaded once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import torch
from PIL import Image

from . import checkpoints
from .diffusion.model import Diffusion
from .face import anny
from .face.model import LinearFaceModel
from .render.picture import Surface

FAMILY = "starter"
HEAD = "anny"


@dataclass(frozen=True)
class Workshop:
    """The embedded head and the starter family, each part loaded when it is first asked for."""

    @cached_property
    def model(self) -> LinearFaceModel:
        return anny.load(checkpoints.find(checkpoints.registry()["heads"][HEAD]["file"]))

    @cached_property
    def surface(self) -> Surface:
        return Surface.of(self.model.topology)

    @cached_property
    def albedo(self) -> np.ndarray:
        """(S, S, 3) uint8: the texture a new head wears."""
        with Image.open(checkpoints.find(checkpoints.registry()["heads"][HEAD]["albedo"])) as picture:
            return np.asarray(picture.convert("RGB"))

    @cached_property
    def draw(self) -> Diffusion:
        return Diffusion.load(checkpoints.components(FAMILY, "text-to-image"))

    @cached_property
    def edit(self) -> Diffusion:
        return Diffusion.load(checkpoints.components(FAMILY, "instruct-edit"))


@cache
def open_workshop() -> Workshop:
    torch.set_num_threads(min(4, torch.get_num_threads()))
    return Workshop()


def close_workshop() -> None:
    """Frees the head and the networks; the next job loads what it needs."""
    open_workshop.cache_clear()
