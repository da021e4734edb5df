"""What a head model can do, as sheets to look at and as figures: who it can be, its expressions, its UV square."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

from .. import checkpoints, provenance
from ..errors import UsageError
from ..face.correspond import Correspondence, correspond
from ..face.crossings import crossings_by_parts
from ..face.mesh import Topology
from ..face.model import LinearFaceModel
from ..face.sliders import effect, to_identity, to_sliders
from ..pictures import bust, portrait, to_bytes, to_tensor
from ..render.camera import Cameras
from ..render.carry import carry
from ..render.light import display_light
from ..render.picture import Surface, look
from ..render.sheet import Row, sheet
from ..render.uv import unwrapped
from ..workshop import HEAD, Workshop, open_workshop

VIEWS = (("front", 0.0), ("45°", 45.0))
SQUARE = 1024  # texels across, for shares of the UV square
CHECKS = 32  # of the checker, across the UV square
BATCHES, REPEATS = (1, 16), 10
STILL = 0.005  # mm
PEOPLE = 2  # that go from identity to sliders and back
AROUND = (0.0, 30.0, -30.0, 60.0, -60.0)  # azimuths from which a face is seen
STEP = 1e-5  # of the coefficients, for slopes by differences
COLOURS = ((206, 172, 152), (120, 160, 206), (150, 190, 130), (196, 132, 132), (176, 150, 200), (206, 190, 110))


@torch.no_grad()
def people_sheet(
    head: str | None, identities: int, expressions: int, seed: int, out: Path, *, shoulders: bool = False
) -> dict[str, Any]:
    """Random identities of unit deviation at rest, and named expressions of the mean head, all grey.

    Raises:
        HeadMissing, HeadInvalid: see `Workshop.model`.
        UsageError: nothing to draw, or `shoulders` of a head that has none.
    """
    shop = open_workshop(head)
    model, generator = shop.model, torch.Generator().manual_seed(seed)
    identities = min(identities, 99) if model.identity_size else 0
    names = model.topology.expression_names
    chosen = torch.randperm(len(names), generator=generator)[:expressions].sort().values
    if not identities and not len(chosen):
        raise UsageError("there is nothing to draw", advice="ask for at least one identity or expression")
    persons = torch.randn(identities, model.identity_size, generator=generator)
    moved = torch.eye(model.expression_size)[chosen]
    if {"mouthClose", "jawOpen"} <= set(names):  # Apple's mouthClose shuts the lips of an open jaw
        moved[chosen == names.index("mouthClose"), names.index("jawOpen")] = 1
    mean = model.vertices()
    rows: list[Row] = []
    for what, heads, bent in (
        ("identities", model.vertices(identity=persons), torch.zeros(1)),
        ("expressions", mean.expand(len(moved), -1, -1), model.vertices(expression=moved) - mean),
    ):
        for view, azimuth in VIEWS if len(heads) else ():
            drawn = [
                bust(shop, one[None], None, azimuth, 224, difference[None])
                if shoulders
                else portrait(shop, (one + difference)[None], None, azimuth, 224)
                for one, difference in zip(heads, bent.expand_as(heads), strict=True)
            ]
            grey = [(str(k + 1), Image.fromarray(to_bytes(one))) for k, one in enumerate(drawn)]
            rows.append((f"{what}, {view}", grey))
    shown = [names[int(k)] for k in chosen]
    told = provenance.of_head(model.topology.head, model.topology.licence)
    sheet(rows, out, f"{model.topology.head}, seed {seed}; expressions: {', '.join(shown) or 'none'}", told)
    return {"sheet": str(out), "identities": identities, "expressions": shown}


@torch.no_grad()
def uv_sheet(head: str | None, out: Path) -> dict[str, Any]:
    """The layout with each part's share of the UV square, and a checker worn by the mean head."""
    shop = open_workshop(head)
    model, topology = shop.model, shop.model.topology
    shares = fill(topology)
    pictures = [("layout", _layout(topology, 480))]
    for view, azimuth in (*VIEWS, ("side", 90.0)):
        worn = portrait(shop, model.vertices(), checker(SQUARE), azimuth, 480)
        pictures.append((view, Image.fromarray(to_bytes(worn))))
    total = sum(shares.values())
    title = f"skin fills {shares['skin']:.1f} % of the UV square, all parts {total:.1f} %"
    sheet([(topology.head, pictures)], out, title, provenance.of_head(topology.head, topology.licence))
    return {"sheet": str(out), "fill_percent": {name: round(share, 2) for name, share in shares.items()}}


def report(head: str | None, slider: str | None) -> dict[str, Any]:
    """Sizes, parts, time and exactness of a head, and of the way from the embedded one to it and back.

    With a slider, what -1 and 1 of it move, in mm by region.

    Raises:
        UsageError: no slider of that name.
    """
    shop = open_workshop(head)
    model, topology = shop.model, shop.model.topology
    if slider is not None:
        if slider not in model.slider_names:
            raise UsageError(f"{topology.head} has no slider {slider!r}; it has {', '.join(model.slider_names)}")
        at = {value: effect(model, slider, value) for value in (-1.0, 1.0)}
        most = {region: max(at[-1.0][region], at[1.0][region]) for region in at[1.0]}
        moved = [region for region in most if region == "elsewhere" or most[region] > STILL]
        table = {region: f"{at[-1.0][region]:6.2f} at -1, {at[1.0][region]:6.2f} at 1" for region in moved}
        return {"head": topology.head, "slider": slider, "millimetres": table}
    lone = len(topology.lone[0])
    return {
        "head": topology.head,
        "topology_id": topology.topology_id,
        "licence": topology.licence,
        "mesh": f"{len(topology.rest)} vertices, {len(topology.quads)} quads, {lone} triangles",
        "coefficients": f"{model.identity_size} identity, {len(model.slider_names)} sliders, "
        f"{model.expression_size} expressions",
        "height": f"{np.ptp(topology.rest[:, 1]) * topology.metres_per_unit:.3f} m",
        "regions": ", ".join(topology.region_names),
        "fill_percent": {name: round(share, 2) for name, share in fill(topology).items()},
        "crossings": {" in ".join(pair): n for pair, n in crossings_by_parts(topology.rest, topology).items()},
        "milliseconds": {f"vertices, batch {batch}": round(_milliseconds(model, batch), 2) for batch in BATCHES},
        "gradient": f"{gradient_error(model):.1e} from central differences, relative, in float64",
        **_round_trip(model),
        **_there_and_back(shop),
    }


def fill(topology: Topology) -> dict[str, float]:
    """Part -> percent of the UV square its triangles cover."""
    values, uvs = torch.zeros(len(topology.rest), 1), torch.from_numpy(topology.uvs)
    shares = {}
    for name in topology.part_names:
        mine = topology.part_faces(name)
        faces, uv_faces = (torch.from_numpy(table[mine]) for table in (topology.faces, topology.uv_faces))
        covered = unwrapped(values, uvs, faces, uv_faces, SQUARE)[1] if len(mine) else torch.zeros(1)
        shares[name] = 100 * float(covered.float().mean())
    return shares


def checker(size: int) -> torch.Tensor:
    """(1, 3, S, S) light and dark squares, reddish to the right and bluish to the top, so that turns show."""
    place = torch.arange(size) * CHECKS // size
    light = ((place[:, None] + place[None]) % 2).float() * 0.5 + 0.4
    ramp = torch.linspace(0, 1, size)
    tint = torch.stack([ramp[None].expand(size, -1), torch.full((size, size), 0.5), 1 - ramp[:, None].expand(-1, size)])
    return (light * (0.6 + 0.5 * tint)).clamp(0, 1)[None]


def _layout(topology: Topology, size: int) -> Image.Image:
    """The UV square's polygons, each part in a colour."""
    scale = 2 * size
    picture = Image.new("RGB", (scale, scale), (250, 250, 250))
    draw = ImageDraw.Draw(picture)
    quads = 2 * len(topology.quads)
    for corners, parts in (
        (topology.uv_quads, topology.face_parts[:quads:2]),
        (topology.lone[1], topology.face_parts[quads:]),
    ):
        places = topology.uvs[corners] * [scale, -scale] + [0, scale]
        for ring, part in zip(places.tolist(), parts.tolist(), strict=True):
            draw.polygon([tuple(point) for point in ring], COLOURS[part % len(COLOURS)], (60, 60, 60))
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def _milliseconds(model: LinearFaceModel, batch: int) -> float:
    """Of `vertices` with all that the head has, the best of some."""
    given = {
        "identity": torch.randn(batch, model.identity_size),
        "sliders": model.slider_defaults.repeat(batch, 1) if model.slider_names else None,
        "expression": torch.rand(batch, model.expression_size),
    }
    best = float("inf")
    with torch.no_grad():
        for _ in range(REPEATS):
            started = time.perf_counter()
            model.vertices(**given)
            best = min(best, time.perf_counter() - started)
    return best * 1000


def gradient_error(model: LinearFaceModel) -> float:
    """How far the slopes of `vertices` along one random direction are from central differences, as a share of them."""
    generator = torch.Generator().manual_seed(0)
    exact = model.double()
    sliders = exact.slider_defaults[None] + 0.01  # beside 0, where a local slider's two rows meet
    at = (torch.zeros(1, exact.identity_size), sliders, torch.zeros(1, exact.expression_size))
    at = tuple(part.double() for part in at)
    along = tuple(torch.randn(part.shape, generator=generator, dtype=torch.float64) for part in at)

    def moved(step: float) -> torch.Tensor:
        return exact.vertices(*(part + step * way for part, way in zip(at, along, strict=True)))

    wanted = (moved(STEP) - moved(-STEP)) / (2 * STEP)
    slope = torch.autograd.functional.jvp(exact.vertices, at, along)[1]
    assert isinstance(slope, torch.Tensor)
    return float((slope - wanted).norm() / wanted.norm())


def _there_and_back(shop: Workshop) -> dict[str, dict[str, str]]:
    """Where the face's vertices, seen from around, and texels come back from the other head, both ways."""
    giver = open_workshop(HEAD)
    if shop.model.topology.landmarks is None or shop.model.topology.head == HEAD:
        return {}
    forth = correspond(giver.model.topology, shop.model.topology, checkpoints.heads_folder())
    told = {}
    for across, albedo in ((forth, giver.albedo), (forth.inverse(), shop.albedo)):
        away, source = millimetres_back(across), across.source
        mean, most = away.mean(), np.percentile(away, 95)
        decibels = decibels_back(across, to_tensor(albedo))
        told[f"{source.head} by {across.target.head}"] = f"{mean:.3f} mm, 95 % below {most:.3f}; {decibels:.1f} dB"
    return {"there and back": told}


def millimetres_back(across: Correspondence) -> np.ndarray:
    """(N,) of the vertices of the source's face that are seen: how far from themselves they come back."""
    source, target = across.source, across.target
    face = np.flatnonzero((source.region("face") > 0.5) & seen(source))
    there = across.inverse().places(across.source_points[face], "skin").of(across.target_points, target.faces)
    back = across.places(there, "skin").of(source.rest, source.faces)
    return np.linalg.norm(back - source.rest[face], axis=1) * source.metres_per_unit * 1000


def decibels_back(across: Correspondence, albedo: torch.Tensor) -> float:
    """Peak signal to noise of the source's face's texels that went to the target's square and back."""
    source, size = across.source, albedo.shape[-1]
    there = carry(across, albedo, size, ("skin",))[0][None]
    back = carry(across.inverse(), there, size, ("skin",))[0]
    weights = torch.from_numpy(source.region("face") * seen(source))[:, None].float()
    uvs, faces, uv_faces = (torch.from_numpy(array) for array in (source.uvs, source.faces, source.uv_faces))
    inside = unwrapped(weights, uvs, faces, uv_faces, size)[0][0] > 0.99
    return float(-10 * (back - albedo[0])[:, inside].square().mean().log10())


def seen(topology: Topology) -> np.ndarray:
    """(V,) of the skin, and with a triangle that the mean head shows from AROUND: not within nostrils or the mouth."""
    head = torch.from_numpy(topology.rest)[None]
    cameras = Cameras(torch.tensor(AROUND), torch.zeros(len(AROUND)))
    shown = look(Surface.of(topology), head, cameras, display_light(), 512).hits.face.unique().numpy()
    shown = np.intersect1d(shown, topology.part_faces("skin"))
    return np.isin(np.arange(len(topology.rest)), topology.faces[shown])


def _round_trip(model: LinearFaceModel) -> dict[str, dict[str, float]]:
    """Millimetres that heads of unit deviation lose as sliders, and those sliders' heads as identity."""
    if not (model.slider_names and model.identity_size):
        return {}
    identity = torch.randn(PEOPLE, model.identity_size, generator=torch.Generator().manual_seed(0))
    sliders, there = to_sliders(model, identity)
    back = to_identity(model, sliders)[1]
    figures = {"identity to sliders": float(there.mean()), "sliders to identity": float(back.mean())}
    return {"millimetres lost": {name: round(value, 3) for name, value in figures.items()}}
