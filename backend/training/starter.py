"""`train starter`: the whole starter family from nothing, a phase after the other; a finished phase is not repeated."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from safetensors import SafetensorError
from transformers import CLIPTextModel, CLIPTokenizer

from ..face import anny
from ..files import refusal
from . import data, family, networks, reading, tokenizer
from .autoencoder import train_autoencoder
from .people import Studio

SHARES = {"vae": 0.13, "text_encoder": 0.06, "unet": 0.55, "instruct_edit": 0.26}  # of the training time
JOURNAL = "journal.safetensors"


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
    place = work / f"starter-{heads}-{minutes:g}-{seed}"
    studio = Studio.of(anny.load(head))
    changes = place / "changes"
    if not (changes / data.WORDS).is_file():
        data.make_changes(studio, heads, seed, changes)
    if not (changes / data.PARTS).is_file():
        data.mark_parts(studio, seed, changes)

    def trained(name: str, kind: Any, train: Callable[[float], Any]) -> Any:
        if not (place / name).is_dir():
            write_part(train(minutes * SHARES[name]), place / name)
        return kind.from_pretrained(place / name).requires_grad_(False).eval()

    def with_journal(unet: UNet2DConditionModel, train: Callable[..., None]) -> Callable[[float], Any]:
        def run(budget: float) -> UNet2DConditionModel:
            train(unet, lessons, reader, budget, seed, place / JOURNAL)
            return unet

        return run

    if not (place / "tokenizer").is_dir():
        write_part(tokenizer.build(), place / "tokenizer")
    words = CLIPTokenizer.from_pretrained(place / "tokenizer")
    shown, _ = data.read_set(changes)
    vae = trained("vae", AutoencoderTiny, lambda budget: train_autoencoder(shown, budget, seed))
    text_encoder = trained("text_encoder", CLIPTextModel, lambda budget: _literate(words, budget, seed))
    reader = family.Reader(words, text_encoder)
    lessons = family.Lessons.read(vae, changes)
    torch.manual_seed(seed)
    draw = trained("unet", UNet2DConditionModel, with_journal(networks.unet(), family.train_draw))
    editor = family.editor_from(draw)
    edit = trained("instruct_edit", UNet2DConditionModel, with_journal(editor, family.train_edit))
    write_family(out, words, {"vae": vae, "text_encoder": text_encoder, "unet": draw, "instruct_edit": edit})
    return {"folder": out.name, "minutes": minutes, "heads": heads}


def _literate(words: CLIPTokenizer, minutes: float, seed: int) -> CLIPTextModel:
    torch.manual_seed(seed)
    text_encoder = networks.text_encoder(words)
    reading.teach(text_encoder, words, minutes, seed)
    return text_encoder


def write_family(out: Path, words: CLIPTokenizer, weights: dict[str, Any]) -> None:
    """All folders of the family, the networks in half precision, each replaced whole."""
    for name, part in {"tokenizer": words, "scheduler": networks.scheduler(), **weights}.items():
        write_part(part.half() if isinstance(part, torch.nn.Module) else part, out / name)


def write_part(part: Any, folder: Path, beside: Mapping[str, bytes] = {}) -> None:
    """A diffusers or transformers folder, complete or as it was.

    Args:
        beside: further files of it by name.

    Raises:
        FolderUnwritable, DiskFull: the folder is as it was.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        part.save_pretrained(partial)
        for name, content in beside.items():
            (partial / name).write_bytes(content)
        config = partial / "config.json"
        if config.is_file():  # where it was loaded from is nobody's business
            kept = {key: value for key, value in json.loads(config.read_text()).items() if key != "_name_or_path"}
            config.write_text(json.dumps(kept, indent=2) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except (OSError, SafetensorError) as error:
        full = "os error 28" in str(error)  # how safetensors tells of a full disk
        told = error if isinstance(error, OSError) else OSError(errno.ENOSPC if full else errno.EIO, str(error))
        raise refusal(folder, told) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
