"""`train starter`: the whole starter family from nothing, a phase after the other; a finished phase is not repeated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderTiny, ControlNetModel, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from ..diffusion.model import Diffusion
from ..face import anny
from ..render.colour import PRIOR_SPACES
from . import control, data, family, networks, priors, reading, textures, tokenizer
from .autoencoder import train_autoencoder
from .parts import write_part
from .people import TEXTURE, Studio

SHARES = {  # of the training time
    "vae": 0.09,
    "text_encoder": 0.04,
    "unet": 0.39,
    "instruct_edit": 0.22,
    "controlnet": 0.14,
    **dict.fromkeys((f"prior_{space}" for space in PRIOR_SPACES), 0.06),
}
JOURNAL = "journal.safetensors"
DRAWING = ("tokenizer", "text_encoder", "vae", "unet", "scheduler")
PAINTED = 5  # heads for each texture that the priors learn from


@dataclass(frozen=True)
class Phases:
    """One run's unfinished networks: each phase leaves a folder when it is whole, and is not repeated."""

    place: Path
    minutes: float
    seed: int

    @property
    def journal(self) -> Path:
        return self.place / JOURNAL

    def trained(self, name: str, kind: Any, train: Callable[[float], Any]) -> Any:
        """The network of that name, from its folder; `train` gets the minutes of its share."""
        if not (self.place / name).is_dir():
            write_part(train(self.minutes * SHARES[name]), self.place / name)
        return kind.from_pretrained(self.place / name).requires_grad_(False).eval()


def train_starter(head: Path, work: Path, out: Path, minutes: float, heads: int, seed: int) -> dict[str, Any]:
    """Makes pictures, trains each network on what is there by then, and puts the family into `out`.

    Killed and called again with the same arguments it goes on where it was: a phase leaves its folder in `work` when
    it is whole, the long ones a journal besides.

    Args:
        head: the head's .npz.
        work: a folder for pictures and unfinished networks.
        minutes: of training; making the pictures comes before.
        heads: how many persons the pictures show, each before and after two changes.
    """
    phases = Phases(work / f"starter-{heads}-{minutes:g}-{seed}", minutes, seed)
    studio = Studio.of(anny.load(head))
    words, weights = _words_and_pictures(phases, studio, heads)
    base = Diffusion.load({name: phases.place / name for name in DRAWING}, dtype=torch.float32)

    def led(budget: float) -> ControlNetModel:
        few = max(1, heads // len(control.VIEWS))
        views = control.make_views(studio, base, few, seed, phases.place / "views.safetensors")
        return control.train_controlnet(base, views, budget, seed, phases.journal)

    write_family(out, words, weights | {"controlnet": phases.trained("controlnet", ControlNetModel, led)})
    known = _textures(studio, max(textures.LEAST, heads // PAINTED), seed, phases.place / "textures")
    for space in PRIOR_SPACES:
        name = f"prior_{space}"

        def taught(budget: float, space: str = space) -> Any:
            return priors.train_prior(base, known, space, "small", budget, seed, phases.journal)

        facts = {"color_space": space, "kind": "small", "minutes": minutes * SHARES[name], "seed": seed}
        priors.write_prior(phases.trained(name, UNet2DConditionModel, taught), known, "small", facts, out / name)
    return {"folder": out.name, "minutes": minutes, "heads": heads}


def _words_and_pictures(phases: Phases, studio: Studio, heads: int) -> tuple[CLIPTokenizer, dict[str, Any]]:
    """The tokenizer, and what was trained on changes by name: the networks that read, draw and edit."""
    place, seed = phases.place, phases.seed
    changes = place / "changes"
    data.changes_in(studio, heads, seed, changes)
    for name, make in {"tokenizer": tokenizer.build, "scheduler": networks.scheduler}.items():
        if not (place / name).is_dir():
            write_part(make(), place / name)
    words = CLIPTokenizer.from_pretrained(place / "tokenizer")
    shown, _ = data.read_set(changes)
    vae = phases.trained("vae", AutoencoderTiny, lambda budget: train_autoencoder(shown, budget, seed))
    text_encoder = phases.trained("text_encoder", CLIPTextModel, lambda budget: _literate(words, budget, seed))
    reader = family.Reader(words, text_encoder)
    lessons = family.Lessons.read(vae, changes)

    def taught(unet: UNet2DConditionModel, train: Callable[..., None]) -> Callable[[float], Any]:
        def run(budget: float) -> UNet2DConditionModel:
            train(unet, lessons, reader, budget, seed, phases.journal)
            return unet

        return run

    torch.manual_seed(seed)
    draw = phases.trained("unet", UNet2DConditionModel, taught(networks.unet(), family.train_draw))
    editor = family.editor_from(draw)
    edit = phases.trained("instruct_edit", UNet2DConditionModel, taught(editor, family.train_edit))
    return words, {"vae": vae, "text_encoder": text_encoder, "unet": draw, "instruct_edit": edit}


def _textures(studio: Studio, count: int, seed: int, folder: Path) -> textures.Textures:
    """Painted faces; a folder that is whole is read again."""
    if not (folder / "LICENSE").is_file():  # which is written last
        textures.paint_persons(studio.canvas, count, seed, folder)
    return textures.read_textures(folder, TEXTURE, textures.OURS, None, studio.canvas)


def _literate(words: CLIPTokenizer, minutes: float, seed: int) -> CLIPTextModel:
    torch.manual_seed(seed)
    text_encoder = networks.text_encoder(words)
    reading.teach(text_encoder, words, minutes, seed)
    return text_encoder


def write_family(out: Path, words: CLIPTokenizer, weights: dict[str, Any]) -> None:
    """All folders of the family, the networks in half precision, each replaced whole."""
    for name, part in {"tokenizer": words, "scheduler": networks.scheduler(), **weights}.items():
        write_part(part.half() if isinstance(part, torch.nn.Module) else part, out / name)
