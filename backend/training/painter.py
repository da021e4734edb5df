"""Paints albedo textures in UV from a `Look`: skin, hair, brows, eyes, lips, make-up, marks. Deterministic by seed.

Each thing draws its chances from the seed and its own name, so that changing one leaves the others as they were.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..language.looks import HAIR, IRIS, NATURAL_SKIN, PAINT, SKIN, Look
from .canvas import Canvas
from .places import step

NATURAL_IRISES = ("brown", "brown", "blue", "green", "grey")
NATURAL_HAIRS = ((36, 30, 28), (70, 48, 32), (104, 74, 46))  # of brows and shadows of hair, where none is named
IRIS_RADIUS = 0.41  # of the eye's, seen from the front
PUPIL_RADIUS = 0.16
TEETH = 16  # across an arch of the base mesh, which is smooth
GUM = 0.22  # of an arch's front band, above its teeth
FRECKLES = 150
FRECKLE = 0.013  # head units, a dot's radius
BLUSH, SCAR, SCAR_RIM = (222, 84, 104), (172, 72, 68), (236, 190, 176)
WARM = (0.35, 1.0, 0.9)  # how much redness takes from each channel
SHADOW_OF_HAIR = {"shaved": 0.42, "stubble": 0.34}
LASHES_BLEND = (
    256  # texels: on a canvas as small, black lashes would be specks in its pictures, so they are as the lids
)
LASH_LIGHT = 1.5  # of the lids' colour: blades stand across the light and get half of what the lids get
REACH = 1.6  # head units from the origin that noise is known for


@dataclass(frozen=True)
class Layer:
    """One thing as it is painted: `colour` (3, N) or (3, 1) over the texels `at`, `cover` of the thing itself.

    Attributes:
        alpha: how opaque it is painted where it covers.
    """

    name: str
    at: Int[Tensor, " N"]
    cover: Float[Tensor, " N"]
    colour: Float[Tensor, "3 #N"]
    alpha: float | Float[Tensor, " N"] = 1.0


def paint(canvas: Canvas, look: Look) -> Float[Tensor, "1 3 S S"]:
    """The albedo of a look, sRGB 0..1, seams padded."""
    albedo = _skin(canvas, look)
    for layer in _layers(canvas, look, albedo):
        below = albedo[:, layer.at]
        albedo[:, layer.at] = below + (layer.colour - below) * (layer.cover * layer.alpha)
    _paint_inside(albedo, canvas, skin_colour(look))
    _paint_eyes(albedo, canvas, look)
    return albedo.clamp(0, 1)[:, canvas.source].view(1, 3, canvas.size, canvas.size)


def masks(canvas: Canvas, look: Look) -> dict[str, Float[Tensor, "S S"]]:
    """Where each thing of a look is, 0..1: fields of `Look` and lips, brows, eyes (the irises' colour) in any case.

    What lies on top takes away from what it hides; "skin" is what none of them hides.
    """
    found: dict[str, Tensor] = {}
    skin = canvas.parts["skin"].flatten().float()
    for layer in _layers(canvas, look, _skin(canvas, look)):
        cover = torch.zeros(canvas.size**2)
        cover[layer.at] = layer.cover
        if layer.name in OPAQUE:
            found = {name: under * (1 - cover) for name, under in found.items()}
        if layer.name in UNNAMED:
            continue
        found[layer.name] = torch.maximum(found[layer.name], cover) if layer.name in found else cover
        skin = skin * (1 - cover)
    eyes = canvas.parts["left_eye"] | canvas.parts["right_eye"]
    ring = eyes & (canvas.eye_radius > PUPIL_RADIUS) & (canvas.eye_radius < IRIS_RADIUS)
    found |= {"eyes": ring.flatten().float(), "skin": skin}
    return {name: (cover.view(canvas.size, canvas.size) * canvas.covered) for name, cover in found.items()}


def skin_colour(look: Look) -> Float[Tensor, "3 1"]:
    """The mean colour of a look's skin."""
    if look.skin:
        return _rgb(SKIN[look.skin])
    light, tanned = (_rgb(colour) for colour in NATURAL_SKIN)
    return light + (tanned - light) * look.tone


UNNAMED = ("lid_line", "scar_rim")  # layers that are no thing of their own
OPAQUE = ("hair", "beard", "moustache", "lid_line", "mask", "stripes", "scar")  # that hide what is below them


def _skin(canvas: Canvas, look: Look) -> Float[Tensor, "3 T"]:
    """Skin all over the square: blotches, redness where blood is near, pores."""
    colour = skin_colour(look)
    chance = _chance(look, "skin")
    coarse, red = _noise(canvas, 7, 2, chance)
    middle = _noise(canvas, 22, 1, chance)[0]
    pores = _specks(canvas.size, chance).flatten()
    bright = 1 + 0.014 * coarse + 0.010 * middle + 0.016 * pores
    flush = sum(canvas.regions[name] for name in ("left_cheek", "right_cheek", "nose", "left_ear", "right_ear"))
    flush = torch.as_tensor(flush).flatten().clamp(0, 1) * 0.055 + 0.018 * red
    if look.skin in ("green", "blue", "grey"):
        return colour * (bright - flush)
    return colour * (bright - flush * torch.tensor(WARM)[:, None])


def _layers(canvas: Canvas, look: Look, skin: Tensor) -> list[Layer]:
    """What lies on the skin, from below upwards."""
    layers = [*_marks(canvas, look, skin), _lips(canvas, look, skin), *_hairs(canvas, look, skin)]
    if look.shadow:
        layers.append(_painted(canvas, "shadow", "shadow", look.shadow, 0.95))
    lid = canvas.places["lid_line"]
    layers.append(Layer("lid_line", lid.at, lid.cover, _rgb((40, 28, 25)), 0.72))
    for name, colour in (("mask", look.mask), ("stripes", look.stripes)):
        if colour:
            layers.append(_painted(canvas, name, name, colour, 1.0))
    if look.scar:
        side = ("left", "right")[int(torch.randint(2, (1,), generator=_chance(look, "scar")))]
        rim, core = canvas.places[f"{side}_scar_rim"], canvas.places[f"{side}_scar"]
        layers.append(Layer("scar_rim", rim.at, rim.cover, 0.4 * _rgb(SCAR_RIM) + 0.6 * skin[:, rim.at] * 1.12, 0.75))
        layers.append(Layer("scar", core.at, core.cover, _rgb(SCAR), 0.85))
    return layers


def _painted(canvas: Canvas, name: str, place: str, colour: str, alpha: float) -> Layer:
    found = canvas.places[place]
    return Layer(name, found.at, found.cover, _rgb(PAINT[colour]), alpha)


def _marks(canvas: Canvas, look: Look, skin: Tensor) -> list[Layer]:
    """Blush, freckles and wrinkles: the skin's own colours, changed."""
    layers = []
    if look.blush:
        place = canvas.places["blush"]
        rosy = 0.6 * _rgb(BLUSH) * (0.25 + 0.9 * skin_colour(look).mean()) + 0.4 * skin[:, place.at] * _rgb(
            (255, 150, 160)
        )
        layers.append(Layer("blush", place.at, place.cover, rosy, 0.64))
    if look.freckles:
        place = canvas.places["freckles"]
        dots = _dots(canvas, place.at, _chance(look, "freckles")) * place.cover
        layers.append(Layer("freckles", place.at, dots, skin[:, place.at] * _rgb((168, 122, 96)), 0.85))
    if look.wrinkles > 0:
        place = canvas.places["wrinkles"]
        dark = skin[:, place.at] * _rgb((146, 108, 98))
        layers.append(Layer("wrinkles", place.at, place.cover, dark, 0.9 * look.wrinkles))
    return layers


def _lips(canvas: Canvas, look: Look, skin: Tensor) -> Layer:
    place = canvas.places["lips"]
    if look.lips:
        return Layer("lips", place.at, place.cover, _rgb(PAINT[look.lips]), 0.97)
    natural = 0.72 * skin[:, place.at] * _rgb((232, 158, 160)) + 0.28 * _rgb((176, 92, 96))
    return Layer("lips", place.at, place.cover, natural, 0.85)


def _hairs(canvas: Canvas, look: Look, skin: Tensor) -> list[Layer]:
    """All that grows: a shadow where it is shaved, hair, beard, moustache, brows."""
    layers = []
    natural = _pick(NATURAL_HAIRS, _chance(look, "brows"))
    if look.stubble:
        layers += [_shaved(canvas, look, "stubble", "beard", natural, skin)]
    if look.hair == "shaved":
        layers += [_shaved(canvas, look, "hair", "hair", natural, skin)]
    elif look.hair:
        cover = _grown(canvas, look, "hair", "hair", 0.035)
        layers.append(_strands(canvas, "hair", cover, _rgb(HAIR[look.hair]), 0.16))
    if look.beard:
        cover = _grown(canvas, look, "beard", "beard", 0.04)
        layers.append(_strands(canvas, "beard", cover, _rgb(HAIR[look.beard]), 0.15))
    if look.moustache:
        cover = canvas.places["moustache"].cover
        layers.append(_strands(canvas, "moustache", cover, _rgb(HAIR[look.moustache]), 0.15))
    darker = (0.45 * skin_colour(look).mean() / natural.mean()).clamp(max=1)  # than any skin
    colour = _rgb(HAIR[look.brows]) if look.brows else natural * darker
    brows = canvas.places["brows"].cover
    layers.append(_strands(canvas, "brows", brows, colour, 0.13))
    return layers


def _strands(canvas: Canvas, name: str, cover: Tensor, colour: Tensor, contrast: float) -> Layer:
    """Hair: its strands are lighter and darker, and end raggedly where it thins out."""
    place = canvas.places[name]
    ragged = (cover + 0.25 * place.grain * (4 * cover * (1 - cover))).clamp(0, 1)
    return Layer(name, place.at, cover, colour * (1 + contrast * place.grain), 0.97 * ragged / cover.clamp(min=0.01))


def _grown(canvas: Canvas, look: Look, name: str, place: str, soft: float) -> Float[Tensor, " N"]:
    """The cover of hair whose border is soft and wanders with the seed."""
    found = canvas.places[place]
    wander = _noise(canvas, 16, 1, _chance(look, name), found.at)[0] * 0.016
    return step(found.cover + wander, -soft, soft)


def _shaved(canvas: Canvas, look: Look, name: str, place: str, colour: Tensor, skin: Tensor) -> Layer:
    """Stubble: the skin darkened towards the hair's colour, grained with stumps."""
    found = canvas.places[place]
    strength = SHADOW_OF_HAIR["stubble" if name == "stubble" else "shaved"]
    stumps = _specks(canvas.size, _chance(look, name)).flatten()[found.at]
    dark = 0.75 * colour + 0.25 * skin[:, found.at]
    alpha = (strength * (1 + 0.45 * stumps)).clamp(0, 0.85)
    return Layer(name, found.at, _grown(canvas, look, name, place, 0.05), dark, alpha)


def _dots(canvas: Canvas, at: Int[Tensor, " N"], chance: torch.Generator) -> Float[Tensor, " N"]:
    """Freckles: dots of several sizes, their places seen from the front."""
    x, y = canvas.position.flatten(1)[:2, at]
    draws = torch.rand(4, FRECKLES, generator=chance)
    middles = torch.stack([(2 * draws[0] - 1) * 0.72, draws[1] * 0.5 - 0.38], dim=1)
    texel = canvas.texel
    radius = (FRECKLE * (0.6 + 0.8 * draws[2])).clamp(min=0.75 * texel)
    strength = (0.55 + 0.45 * draws[3]) * (FRECKLE * (0.6 + 0.8 * draws[2]) / radius).clamp(max=1).sqrt()
    away, nearest = (torch.cdist(torch.stack([x, y], dim=1), middles) / radius).min(1)
    return strength[nearest] * torch.exp(-away.square())


def _paint_inside(albedo: Tensor, canvas: Canvas, skin: Tensor) -> None:
    """Mouth, tongue and teeth, the sockets behind the lids, and the lashes."""
    flat = {name: torch.nonzero(part.flatten())[:, 0] for name, part in canvas.parts.items()}
    share = min(1.0, LASHES_BLEND / canvas.size)
    lid = albedo[:, canvas.places["shadow"].at].mean(1, keepdim=True)
    lash = LASH_LIGHT * lid * share + _rgb((30, 24, 22)) * (1 - share)
    for side in ("left", "right"):
        albedo[:, flat[f"{side}_socket"]] = skin * _rgb((200, 150, 145))
        if f"{side}_lashes" in flat:
            albedo[:, flat[f"{side}_lashes"]] = lash
    lips = canvas.regions["lips"].flatten()[flat["mouth"]]
    inside = _rgb((110, 42, 44))
    albedo[:, flat["mouth"]] = inside + (albedo[:, flat["mouth"]] - inside) * lips
    albedo[:, flat["tongue"]] = _rgb((178, 88, 90))
    for jaw in ("upper_teeth", "lower_teeth"):
        if jaw in flat:
            albedo[:, flat[jaw]] = _teeth(canvas.arch.flatten(1)[:, flat[jaw]])


def _teeth(arch: Float[Tensor, "2 N"]) -> Float[Tensor, "3 N"]:
    """Off-white, darker between two teeth, gums at their front band's far end.

    The upper arch's island has its gums at the bottom, the lower one's as well: both start where the lips are.
    """
    across, up = arch
    gap = ((across * TEETH) % 1 - 0.5).abs() * 2  # 1 between two teeth
    enamel = _rgb((226, 217, 198)) * (1 - 0.35 * ((gap - 0.8) / 0.2).clamp(0, 1))
    gum = ((GUM - up) / 0.06 + 0.5 - 0.8 * gap.square()).clamp(0, 1)
    return enamel + (_rgb((176, 96, 96)) - enamel) * gum


def _paint_eyes(albedo: Tensor, canvas: Canvas, look: Look) -> None:
    """White with a shade under the upper lid, iris with a dark rim and fibres, pupil."""
    at = torch.nonzero((canvas.parts["left_eye"] | canvas.parts["right_eye"]).flatten())[:, 0]
    radius, (x, y) = canvas.eye_radius.flatten()[at], canvas.position.flatten(1)[:2, at]
    natural = NATURAL_IRISES[int(torch.randint(len(NATURAL_IRISES), (1,), generator=_chance(look, "eyes")))]
    colour = _rgb(IRIS[look.eyes or natural])
    middle_y = (y.amax() + y.amin()) / 2
    middle_x = (x.abs().amax() + x.abs().amin()) / 2
    soft = 1.5 * canvas.texel_of_eyes
    turn = torch.atan2(y - middle_y, x.abs() - middle_x)
    fibres = torch.sin(turn * 23) * 0.06 + torch.sin(turn * 9 + 1) * 0.05
    rim = step(radius, IRIS_RADIUS - 0.09, IRIS_RADIUS - 0.01)
    glow = 0.16 * (0.5 - (radius - PUPIL_RADIUS) / (IRIS_RADIUS - PUPIL_RADIUS)).clamp(-0.5, 0.5)
    iris = colour * (1.14 + fibres - glow) * (1 - 0.5 * rim)
    white = _rgb((234, 229, 224)) * (1 - 0.10 * (radius - IRIS_RADIUS).clamp(0, 1)) * _rgb((255, 252, 251))
    eye = iris + (white - iris) * ((radius - IRIS_RADIUS) / soft + 0.5).clamp(0, 1)
    eye = eye + (_rgb((12, 11, 12)) - eye) * ((PUPIL_RADIUS - radius) / soft + 0.5).clamp(0, 1)
    albedo[:, at] = eye * (1 - 0.22 * step(y - middle_y, -0.03, 0.05))


def _rgb(colour: tuple[int, int, int]) -> Float[Tensor, "3 1"]:
    return torch.tensor(colour).view(3, 1) / 255


def _chance(look: Look, thing: str) -> torch.Generator:
    """Each thing's own chances."""
    return torch.Generator().manual_seed(zlib.crc32(f"{look.seed} {thing}".encode()))


def _pick(colours: tuple[tuple[int, int, int], ...], chance: torch.Generator) -> Float[Tensor, "3 1"]:
    return _rgb(colours[int(torch.randint(len(colours), (1,), generator=chance))])


def _noise(
    canvas: Canvas, cells: int, count: int, chance: torch.Generator, at: Int[Tensor, " N"] | None = None
) -> Float[Tensor, "C N"]:
    """Smooth noise in space, so that no seam shows, near unit deviation, with about `cells` bumps across the head."""
    grid = torch.randn(1, count, cells, cells, cells, generator=chance) * 1.7
    places = canvas.position.flatten(1) if at is None else canvas.position.flatten(1)[:, at]
    return torch.nn.functional.grid_sample(grid, places.T[None, None, None] / REACH, align_corners=True)[0, :, 0, 0]


def _specks(size: int, chance: torch.Generator) -> Float[Tensor, "S S"]:
    """Fine noise, a texel of a 512 canvas or, on smaller ones, a texel of theirs."""
    fine = torch.randn(1, 1, min(size, 512), min(size, 512), generator=chance)
    if size <= 512:
        return fine[0, 0]
    return torch.nn.functional.interpolate(fine, (size, size), mode="bilinear", align_corners=False)[0, 0] * 1.5
