"""`evaluate --networks`: does each network of the family do what it was trained for? Figures and sheets of each.

Heads, textures and texts are drawn from seeds no training set has.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from PIL import Image
from torch import Tensor

from ..diffusion.attention import recording, relevance, tokens_of
from ..diffusion.model import Diffusion
from ..diffusion.priors import text_of
from ..errors import CheckpointMissing
from ..language import PHOTO, caption, draw_person
from ..pictures import to_bytes
from ..render.camera import Cameras
from ..render.colour import PRIOR_SPACES, for_prior, from_prior
from ..render.light import display_light
from ..render.picture import look
from ..render.projection import unproject
from ..render.sheet import Row, sheet
from ..render.uv import unwrapped
from ..render.views import sample_setting
from ..stages.guiding import PRIORS
from ..training.data import drawn_changes, pictured
from ..training.painter import paint
from ..training.people import PICTURE, Studio
from ..workshop import Workshop
from .colours import delta_e
from .controls import untrained
from .drawing import drawn
from .intervals import Estimate, mean, nothing, share
from .run import Emit

SEED = 90_210  # of everything here
BATCH = 8
GUIDANCE = 4.0  # of drawing
EDIT_GUIDANCE = 1.5
EMPTY = 0.045  # how far a pixel may be from the grey behind heads and still be it
CHANGED = 10 / 255  # of a colour channel: what a change of the look did to a picture
LEAST_PIXELS = 25  # that a change must show on
COLOUR_HIT = 12.0  # CIEDE2000
NOISE, STEPS = 0.2, 100  # of a texture, and how long a prior works on it
FIRST, LAST = 100, 20  # its timesteps
RATE = 0.015  # of the way to what it takes for clean; at 0.05 all textures end as the likeliest one
AROUND = (0.0, 30.0, -30.0)
LEVELS = (150, 350, 550, 750)  # timesteps at which attention is read
WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # noun -> regions, instructions
    "lips": (("lips",), ("make her lips red", "make the lips fuller", "paint his lips blue")),
    "brows": (("left_brow", "right_brow"), ("make her brows black", "make the brows grey", "paint his brows red")),
    "eyes": (
        ("left_eye_area", "right_eye_area", "left_eyeball", "right_eyeball"),
        ("make her eyes blue", "make the eyes green", "make the eyes bigger"),
    ),
    "cheeks": (
        ("left_cheek", "right_cheek"),
        ("make the cheeks fuller", "give her rosy cheeks", "make her cheeks round"),
    ),
}
SHOWN = 6  # rows of a sheet
SHEETS = {
    "Depth, a sample that follows it, the same seed without": "controlnet.png",
    "Before, the true change, a sample": "instruct_edit.png",
    "Where the editing network looks for a word": "attention.png",
    **{f"Noisy textures and what the {space} prior makes of them": f"prior_{space}.png" for space in PRIOR_SPACES},
}


@dataclass(frozen=True)
class Size:
    """How many of each are looked at."""

    controlled: int = 48
    edits: int = 200
    textures: int = 8
    heads: int = 2


def evaluate_networks(
    shop: Workshop,
    out: Path,
    emit: Emit,
    size: Size = Size(),
) -> dict[str, Estimate]:
    """All figures; of a network that is not there, why. Sheets go into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    studio, found = Studio.of(shop.model), dict[str, Estimate]()
    parts: dict[str, Callable[[], dict[str, Estimate]]] = {
        "depth-control": lambda: controlled(_load("depth-control", shop), studio, size.controlled, out),
        "instruct-edit": lambda: edited(shop.edit, studio, size.edits, out),
        "attention": lambda: attended(shop.edit, studio, size.heads, out),
        **{
            role: lambda role=role, space=space: denoised(_load(role, shop), studio, space, size.textures, out)
            for role, space in zip(PRIORS, PRIOR_SPACES, strict=True)
        },
    }
    for number, (name, measure) in enumerate(parts.items()):
        emit({"type": "progress", "phase": name, "step": number, "total": len(parts)})
        try:
            found |= measure()
        except CheckpointMissing as error:
            found[name] = nothing(error.message)
    return found


def controlled(model: Diffusion, studio: Studio, count: int, out: Path) -> dict[str, Estimate]:
    """Intersection over union of the head in samples and in the depth they were to follow, and without the depth."""
    rng, overlaps, rows = random.Random(SEED), {True: [], False: []}, list[Row]()
    for start in range(0, count, BATCH):
        generator = torch.Generator().manual_seed(SEED + start)
        persons = [draw_person(rng) for _ in range(BATCH)]
        vertices = torch.cat([studio.vertices(person, rng.randrange(2**31)) for person in persons])
        cameras, lights = sample_setting(BATCH, generator, 45.0, 15.0)
        scene = look(studio.surface, vertices, cameras, lights, PICTURE)
        depth, head = scene.depth(), scene.mask()[:, 0] > 0
        text = model.encode_text([caption(person, rng, PHOTO) for person in persons] + [""] * BATCH)
        noise = torch.randn(BATCH, 4, 16, 16, generator=generator)
        shown = [("depth", _image(depth[0]))]
        for following in (True, False):
            latents = drawn(model, noise, text.unflatten(0, (2, -1)), GUIDANCE, depth=depth if following else None)
            pictures = model.decode(latents)
            masks = torch.stack([figure(picture) for picture in pictures])
            overlaps[following] += ((masks & head).sum((1, 2)) / (masks | head).sum((1, 2))).tolist()
            shown.append(("followed" if following else "without", _image(pictures[0])))
        rows.append((f"{start}", shown))
    sheet(rows[:SHOWN], out / "controlnet.png", "Depth, a sample that follows it, the same seed without")
    gain = [a - b for a, b in zip(overlaps[True], overlaps[False], strict=True)]
    return {
        "controlnet_mask_iou": mean(overlaps[True]),
        "controlnet_mask_iou_without": mean(overlaps[False]),
        "controlnet_mask_iou_gain": mean(gain),
    }


def figure(picture: Float[Tensor, "3 H W"]) -> Bool[Tensor, "H W"]:
    """What cannot be reached from the border through the grey behind heads."""
    empty = ((picture - 0.5).abs().amax(0) < EMPTY).float()[None, None]
    reached = torch.zeros_like(empty)
    reached[..., 0, :], reached[..., -1, :], reached[..., :, 0], reached[..., :, -1] = 1, 1, 1, 1
    reached *= empty
    while True:
        grown = torch.nn.functional.max_pool2d(reached, 3, stride=1, padding=1) * empty
        if torch.equal(grown, reached):
            return reached[0, 0] == 0
        reached = grown


@torch.no_grad()
def edited(model: Diffusion, studio: Studio, count: int, out: Path) -> dict[str, Estimate]:
    """Of changes of the look: colour where the true change is, and outside; of shape: the way along the true change.

    "Outside" is measured from what the autoencoder makes of the picture before; another figure says how far that is
    from the picture. `edit_change` is how much of a true change of shape a sample has, in latents.
    """
    facts: dict[str, list] = {name: [] for name in ("hit", "outside", "autoencoder", "right", "change")}
    rows: dict[str, list[Row]] = {"colour": [], "shape": []}
    for number, (seen, head_seed) in enumerate(drawn_changes(count, SEED)):
        generator = torch.Generator().manual_seed(number)
        pairs = pictured(studio, seen, head_seed)
        for kind, pair, (change, _) in zip(("shape", "colour"), pairs, seen, strict=True):
            latents = model.encode(pair)
            text = model.encode_text([change.instruction, ""])[:, None]
            noise = torch.randn(1, 4, 16, 16, generator=generator)
            sample = drawn(model, noise, text, EDIT_GUIDANCE, original=latents[:1])
            if kind == "shape":
                true, made = latents[1] - latents[0], sample[0] - latents[0]
                way = float((true * made).sum() / true.square().sum())
                facts["right"].append(way > 0)
                facts["change"].append(way)
            else:
                _judge_colour(pair, model.decode(latents[:1])[0], model.decode(sample)[0], facts)
            if len(rows[kind]) < SHOWN:
                pictures = (("before", pair[0]), ("after", pair[1]), ("sample", model.decode(sample)[0]))
                rows[kind].append((change.instruction, [(name, _image(picture)) for name, picture in pictures]))
    sheet([*rows["colour"], *rows["shape"]], out / "instruct_edit.png", "Before, the true change, a sample of 20 steps")
    return {
        "edit_colour_hit": share(facts["hit"]),
        "edit_outside_delta_e": mean(facts["outside"]),
        "autoencoder_delta_e": mean(facts["autoencoder"]),
        "edit_shape_right_way": share(facts["right"]),
        "edit_change": mean(facts["change"]),
    }


def _judge_colour(pair: Tensor, start: Tensor, sample: Tensor, facts: dict[str, list]) -> None:
    """Adds what a sample did to the colours; nothing where the true change is out of sight."""
    before, after = pair
    where = (after - before).abs().amax(0) > CHANGED
    if where.sum() < LEAST_PIXELS:
        return
    wanted, got = (picture[:, where].mean(1).numpy() * 255 for picture in (after, sample))
    facts["hit"].append(bool(delta_e(wanted, got) <= COLOUR_HIT))
    near = torch.nn.functional.max_pool2d(where[None].float(), 17, stride=1, padding=8)[0] > 0
    off = ~near & ((before - 0.5).abs().amax(0) > 1e-3)
    if off.sum() < LEAST_PIXELS:
        return
    places = [picture[:, off].T.numpy() * 255 for picture in (before, start, sample)]
    facts["outside"].append(float(delta_e(places[1], places[2]).mean()))
    facts["autoencoder"].append(float(delta_e(places[0], places[1]).mean()))


@torch.no_grad()
def attended(model: Diffusion, studio: Studio, heads: int, out: Path) -> dict[str, Estimate]:
    """Area under the ROC curve of a word's attention, brought to UV, for its region among all texels that are seen."""
    rng, found, rows = random.Random(SEED), dict[str, Estimate](), list[Row]()
    for word, (regions, instructions) in WORDS.items():
        region = region_texels(studio, regions)
        asked = [instruction for instruction in instructions for _ in range(heads)]
        measured = [_looked_for(model, studio, word, instruction, region, rng) for instruction in asked]
        rows.append(measured[-1][1])
        found[f"attention_roc_{word}"] = mean([area for area, _ in measured])
    sheet(rows, out / "attention.png", "Where the editing network looks for a word")
    return found


def _looked_for(
    model: Diffusion,
    studio: Studio,
    word: str,
    instruction: str,
    region: Bool[Tensor, "S S"],
    rng: random.Random,
) -> tuple[float, Row]:
    """Of one more head: the area, and a row of the sheet."""
    person = draw_person(rng)
    vertices = studio.vertices(person, rng.randrange(2**31))
    cameras = Cameras(torch.tensor(AROUND), torch.zeros(len(AROUND)))
    scene = look(studio.surface, vertices, cameras, display_light(), PICTURE)
    pictures = scene.textured(studio.albedo(person))
    maps = attention_to(model, pictures, instruction, word)
    values, weights = unproject(maps[:, None], studio.surface, vertices, cameras, len(region)).mean()
    seen = weights[0, 0] > 0
    shown = {"front": pictures[0], "attention": _stretched(maps[0]), "in UV": _stretched(values[0, 0])}
    shown["region"] = region.float()[None].expand(3, -1, -1)
    row = (f"{instruction}: {word}", [(name, _image(picture)) for name, picture in shown.items()])
    return area_under_roc(values[0, 0][seen], region[seen]), row


@torch.no_grad()
def attention_to(
    model: Diffusion, pictures: Float[Tensor, "B 3 H W"], instruction: str, word: str
) -> Float[Tensor, "B h w"]:
    """As edits read it: what the word gets more than padding, at 16 x 16, mean over LEVELS."""
    latents, text = model.encode(pictures), model.encode_text([instruction, ""])
    tokens, generator = tokens_of(model, instruction, word), torch.Generator().manual_seed(SEED)
    total = torch.zeros(len(pictures), 16, 16)
    for level in LEVELS:
        timestep = torch.full((len(pictures),), level)
        noisy = model.add_noise(latents, torch.randn(latents.shape, generator=generator), timestep)
        with recording(model, tokens) as recorder:
            model.predict_each(
                noisy.expand(3, *noisy.shape),
                timestep,
                text[[0, 1, 1]],
                torch.stack([latents, latents, torch.zeros_like(latents)]),
            )
        total += relevance(recorder.maps()) / len(LEVELS)
    return total


def region_texels(studio: Studio, regions: tuple[str, ...]) -> Bool[Tensor, "256 256"]:
    topology, surface = studio.model.topology, studio.surface
    weights = torch.from_numpy(np.max([topology.region(name) for name in regions], axis=0))[:, None]
    return unwrapped(weights, surface.uvs, surface.faces, surface.uv_faces, studio.canvas.size)[0][0] > 0.5


def area_under_roc(scores: Float[Tensor, " N"], true: Bool[Tensor, " N"]) -> float:
    """How likely a true place scores higher than a false one; ties count half (Mann and Whitney)."""
    _, index, counts = scores.unique(return_inverse=True, return_counts=True)
    ranks = (counts.cumsum(0).double() - (counts.double() - 1) / 2)[index]
    few, many = int(true.sum()), int((~true).sum())
    return float((ranks[true].sum() - few * (few + 1) / 2) / max(1, few * many))


def denoised(model: Diffusion, studio: Studio, space: str, count: int, out: Path) -> dict[str, Estimate]:
    """How many dB a prior brings noisy textures nearer to the clean ones, and one of its kind that learnt nothing.

    Both work on latents, so they start from what the autoencoder makes of the noisy texture; the rise counts towards
    what it makes of the clean one. Against the clean texture itself are `noisy_psnr`, and `start_psnr` and `limit_psnr`
    after the autoencoder: between these two lies all that a prior can do.
    """
    rng = random.Random(SEED)
    looks = [draw_person(rng).look for _ in range(count)]
    clean = torch.cat([paint(studio.canvas, one) for one in looks])
    noisy = (clean + NOISE * torch.randn(clean.shape, generator=torch.Generator().manual_seed(SEED))).clamp(0, 1)
    plain = Diffusion(
        model.tokenizer,
        model.text_encoder,
        model.vae,
        untrained(model).unet,
        model.alphas_cumprod,
        model.prediction_type,
    )

    def shown(latents: Tensor) -> Tensor:
        return from_prior(model.decode(latents), space).clamp(0, 1)

    with torch.no_grad():
        start, limit = (model.encode(for_prior(texture, space)) for texture in (noisy, clean))
        pictures = {"noisy": noisy, "start": shown(start), "limit": shown(limit)}
        ends = {name: settled(one, start) for name, one in (("prior", model), ("untrained", plain))}
        pictures |= {name: shown(latents) for name, latents in ends.items()}
    told = {name: _psnr(pictures[name], clean) for name in ("noisy", "start", "prior", "limit")}
    rows: list[Row] = [
        (str(number), [(name, _image(picture[number])) for name, picture in ({"clean": clean} | pictures).items()])
        for number in range(min(SHOWN, count))
    ]
    sheet(rows, out / f"prior_{space}.png", f"Textures with noise, and what the {space} prior makes of them")
    near = {name: _psnr(pictures[name], pictures["limit"]) for name in ("start", "prior", "untrained")}
    gains = {name: [a - b for a, b in zip(near[name], near["start"], strict=True)] for name in ("prior", "untrained")}
    in_latents = [_psnr(latents, limit) for latents in (start, ends["prior"])]
    return {f"prior_{space}_{name}_psnr": mean(told[name]) for name in told} | {
        f"prior_{space}_rise_in_latents": mean([b - a for a, b in zip(*in_latents, strict=True)]),
        f"prior_{space}_rise": mean(gains["prior"]),
        f"prior_{space}_rise_untrained": mean(gains["untrained"]),
    }


@torch.no_grad()
def settled(model: Diffusion, start: Float[Tensor, "B 4 h w"]) -> Float[Tensor, "B 4 h w"]:
    """Latents after STEPS steps of score distillation without guidance, from timestep FIRST down to LAST.

    Each step goes RATE of the way to what the prior takes for clean, under noise drawn anew.
    """
    text, latents = model.encode_text([text_of(model.unet)]), start
    generator = torch.Generator().manual_seed(SEED)
    for step in range(STEPS):
        timestep = torch.full((len(start),), round(FIRST + (LAST - FIRST) * step / (STEPS - 1)))
        noise, alpha = torch.randn(start.shape, generator=generator), model.alpha(timestep)
        found = model.predict_noise(
            model.add_noise(latents, noise, timestep), timestep, text.expand(len(start), -1, -1)
        )
        latents = latents - RATE * ((1 - alpha) / alpha).sqrt() * (found - noise)
    return latents


def _psnr(pictures: Tensor, clean: Tensor) -> list[float]:
    return (-10 * (pictures - clean).square().mean((1, 2, 3)).log10()).tolist()


def _load(role: str, shop: Workshop) -> Diffusion:
    return Diffusion.load(shop.networks.folders(role))


def _stretched(values: Float[Tensor, "H W"]) -> Float[Tensor, "3 256 256"]:
    shown = torch.nn.functional.interpolate(values[None, None], (256, 256))[0]
    return (shown / shown.max().clamp(min=1e-9)).expand(3, -1, -1)


def _image(picture: Float[Tensor, "3 H W"]) -> Image.Image:
    return Image.fromarray(to_bytes(picture[None]))
