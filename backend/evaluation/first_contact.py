"""`evaluate --first-contact`: what the first person with pretrained weights runs, before any figure is believed.

Each check asks one thing that only trained networks can answer. Until somebody has, the documents say "untested with
pretrained weights".
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from .. import making
from ..candidates import score
from ..checkpoints.profiles import FULL
from ..diffusion.model import Diffusion
from ..files import write_whole
from ..pictures import portrait, to_bytes
from ..prompts import phrased
from ..render.sheet import Row, sheet
from ..settings import RECOMMENDED, Preset, changed
from ..stages.optimise import Watch
from ..workshop import Workshop, open_workshop

PROMPTS = ("an old man with a long nose", "a young woman with red lips")
WRONG = "a photo of a red car in a street"
ROUND_TRIP = 0.02  # mean squared error of 0..1 that an autoencoder may make of a render
ADDED_NOISE = 0.6  # of the noise's power that may be left unexplained at timestep 300; untrained networks leave all
AZIMUTHS = (0.0, 45.0)

Emit = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Check:
    """One question, whether the answer is as it should be, and the answer."""

    asks: str
    holds: bool
    found: str


def first_contact(
    out: Path, emit: Emit, base: Path | None = None, family: str = FULL, settings: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Runs the checks and makes a face of each of PROMPTS; writes `report.json` and `faces.png` into `out`.

    Raises:
        CheckpointMissing: the family is not there, with what to fetch.
    """
    shop = open_workshop(None, base, family)
    preset = changed(RECOMMENDED, {**shop.family.settings, **(settings or {})})
    checks = [*_of_networks(shop), *_of_edits(shop)]
    rows: list[Row] = []
    for number, prompt in enumerate(PROMPTS):
        emit({"type": "progress", "phase": "first contact", "step": number, "total": len(PROMPTS)})
        check, row = _face(shop, preset, prompt)
        checks.append(check)
        rows.append(row)
    sheet(rows, out / "faces.png", f"First contact with the {shop.family.name} family")
    report = {
        "family": shop.family.name,
        "device": shop.networks.device,
        "plan": shop.networks.plan.name,
        "checkpoints": {role: shop.networks.hashes(role) for role in ("text-to-image", "instruct-edit")},
        "all hold": all(check.holds for check in checks),
        "checks": [asdict(check) for check in checks],
    }
    write_whole(out / "report.json", json.dumps(report, indent=1).encode())
    return report


def _of_networks(shop: Workshop) -> list[Check]:
    """Of text-to-image, by a grey and a textured render of the mean head."""
    networks, size = shop.draw, shop.draw.picture_size
    textured = portrait(shop, shop.model.vertices(), making.worn(shop, None), 0.0, size)
    with torch.no_grad():
        latents = networks.encode(textured)
        error = (networks.decode(latents) - textured).square().mean().item()
        left = _unexplained(networks, latents, "a photo of a person")
    spread = latents.std().item()
    told = phrased("a person", shop.family, "texture")
    against = phrased(WRONG, shop.family, "texture", " ")
    right, wrong = score(networks, textured, told), score(networks, textured, against)
    return [
        Check("the autoencoder gives a render back", error < ROUND_TRIP, f"squared error {error:.4f}"),
        Check("latents are scaled to about 1", 0.4 < spread < 2.5, f"standard deviation {spread:.2f}"),
        Check("the noise of a render is found", left < ADDED_NOISE, f"{left:.2f} of its power is left"),
        Check("a person explains the head better than a car", right > wrong, f"{right:.2f} % against {wrong:.2f} %"),
    ]


def _of_edits(shop: Workshop) -> list[Check]:
    """Of instruct-edit: shown the picture, it finds the noise better than when shown nothing."""
    networks = shop.edit
    picture = portrait(shop, shop.model.vertices(), making.worn(shop, None), 0.0, networks.picture_size)
    with torch.no_grad():
        latents = networks.encode(picture)
        shown = _unexplained(networks, latents, "", latents)
        unseen = _unexplained(networks, latents, "", torch.zeros_like(latents))
    return [Check("the editor reads the picture it is shown", shown < unseen, f"{shown:.3f} against {unseen:.3f} left")]


def _unexplained(networks: Diffusion, latents: torch.Tensor, text: str, original: torch.Tensor | None = None) -> float:
    """The share of the noise's power at timestep 300 that a network does not find."""
    generator = torch.Generator().manual_seed(0)
    noise, timestep = torch.randn(latents.shape, generator=generator).to(latents), torch.tensor([300])
    noisy = networks.add_noise(latents, noise, timestep)
    found = networks.predict_noise(noisy, timestep, networks.encode_text([text]), original)
    return ((found - noise).square().mean() / noise.square().mean()).item()


def _face(shop: Workshop, preset: Preset, prompt: str) -> tuple[Check, Row]:
    """A face of a prompt: whether its textured picture shows the prompt better than the mean head did."""
    began = time.monotonic()
    spoken = making.listen(shop, preset, {"geometry": prompt, "texture": prompt}, ())
    drawn = making.draw(shop, preset, spoken, "both", 0, None, lambda phase: Watch())
    seconds = time.monotonic() - began
    size, words = shop.draw.picture_size, spoken.prompts["texture"]
    before = score(shop.draw, portrait(shop, shop.model.vertices(), making.worn(shop, None), 0.0, size), words)
    after = score(shop.draw, portrait(shop, drawn.vertices, drawn.albedo, 0.0, size), words)
    views = [
        (f"{azimuth:g}° {kind}", Image.fromarray(to_bytes(portrait(shop, drawn.vertices, worn, azimuth, 256))))
        for kind, worn in (("shape", None), ("textured", drawn.albedo))
        for azimuth in AZIMUTHS
    ]
    found = f"{after:.2f} % after, {before:.2f} % before; {seconds:.0f} s"
    return Check(f"the face shows “{prompt}” better than the mean head", after > before, found), (prompt, views)
