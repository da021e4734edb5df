from dataclasses import replace

import pytest
import torch

from backend.language import HAIR, NATURAL_SKIN, PAINT, SKIN, Look
from backend.training.painter import Canvas, natural_brows, paint

PLAIN = Look(tone=0.3, seed=4)


@pytest.fixture(scope="module")
def canvas(studio) -> Canvas:
    return studio.canvas


def colour_in(albedo: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """The mean colour of an albedo over some texels."""
    return albedo[0][:, where].mean(1)


def rgb(colour: tuple[int, int, int]) -> torch.Tensor:
    return torch.tensor(colour) / 255


def inside(canvas: Canvas, region: str) -> torch.Tensor:
    return (canvas.regions[region] > 0.97) & canvas.parts["skin"]


@pytest.mark.parametrize(
    ("part", "region", "table"), [("lips", "lips", PAINT), ("mask", "eye_mask", PAINT), ("beard", "beard", HAIR)]
)
def test_what_is_named_gets_its_colour_and_nothing_else_changes(canvas, part, region, table):
    plain = paint(canvas, PLAIN)
    for name, colour in table.items():
        painted = paint(canvas, replace(PLAIN, **{part: name}))
        found = colour_in(painted, inside(canvas, region))
        assert (found - rgb(colour)).abs().max() < 0.13, name
        nearest = min(table, key=lambda other: (found - rgb(table[other])).norm().item())
        assert nearest == name
        reach = torch.nn.functional.max_pool2d((canvas.regions[region] > 0)[None].float(), 15, 1, 7)[0] > 0
        changed = (painted != plain)[0].any(0)
        assert not (changed & ~reach).any()
        assert changed[inside(canvas, region)].float().mean() > 0.95


@pytest.mark.parametrize("name", list(SKIN))
def test_named_skin_is_that_colour_where_nothing_is_painted(canvas, name):
    found = colour_in(paint(canvas, replace(PLAIN, skin=name)), inside(canvas, "forehead"))
    assert (found - rgb(SKIN[name])).abs().max() < 0.06


def test_unnamed_skin_lies_between_the_natural_ones(canvas):
    tones = [
        colour_in(paint(canvas, replace(PLAIN, tone=tone)), inside(canvas, "forehead")) for tone in (0.0, 0.5, 1.0)
    ]
    for found, expected in zip(tones, (NATURAL_SKIN[0], None, NATURAL_SKIN[1]), strict=True):
        if expected:
            assert (found - rgb(expected)).abs().max() < 0.06
    assert (tones[0] > tones[1]).all()
    assert (tones[1] > tones[2]).all()


def test_paint_keeps_the_eyes_and_a_mask_leaves_the_lips(canvas):
    plain, masked = paint(canvas, PLAIN), paint(canvas, replace(PLAIN, mask="black", beard="white", skin="green"))
    eyes = canvas.parts["left_eye"] | canvas.parts["right_eye"]
    assert torch.equal(plain[0][:, eyes], masked[0][:, eyes])
    masked = paint(canvas, replace(PLAIN, mask="black"))
    assert torch.equal(plain[0][:, inside(canvas, "lips")], masked[0][:, inside(canvas, "lips")])


def test_eyes_are_white_round_a_dark_middle(canvas):
    albedo, eyes = paint(canvas, PLAIN), canvas.parts["left_eye"]
    brightness = albedo[0].mean(0)
    assert brightness[eyes & (canvas.eye_radius > 0.6)].mean() > 0.75
    assert brightness[eyes & (canvas.eye_radius < 0.1)].mean() < 0.15
    assert 0 <= canvas.eye_radius[eyes].min() < 0.05


def test_an_albedo_is_a_picture_of_one_size(canvas):
    albedo = paint(canvas, Look(skin="pale", lips="red", mask="blue", beard="brown", seed=1))
    assert albedo.shape == (1, 3, canvas.size, canvas.size)
    assert 0 <= albedo.min() < albedo.max() <= 1


def test_the_seed_says_which(canvas):
    assert torch.equal(paint(canvas, PLAIN), paint(canvas, PLAIN))
    assert not torch.equal(paint(canvas, PLAIN), paint(canvas, replace(PLAIN, seed=5)))


def test_a_canvas_knows_each_texels_place_and_part(canvas, head):
    assert set(canvas.regions) == set(head.topology.region_names)
    claimed = sum(part.int() for part in canvas.parts.values())
    assert torch.equal(claimed > 0, canvas.covered)
    low, high = head.rest.amin(0), head.rest.amax(0)
    places = canvas.position[:, canvas.covered]
    assert (places.amin(1) >= low - 1e-4).all()
    assert (places.amax(1) <= high + 1e-4).all()
    left = canvas.position[0][canvas.parts["left_eye"]]
    assert left.min() > 0


def test_teeth_are_white_with_gums_and_lashes_dark(canvas):
    brightness = paint(canvas, PLAIN)[0].mean(0)
    for jaw in ("upper_teeth", "lower_teeth"):
        part = canvas.parts[jaw]
        across, up = canvas.arch[:, part]
        assert across.min() < 0.1
        assert across.max() > 0.9
        assert brightness[part][up > 0.5].mean() > 0.7
        red, green, _ = paint(canvas, PLAIN)[0][:, part][:, up < 0.1].mean(1)
        assert red - green > 0.1
    for side in ("left_lashes", "right_lashes"):
        assert brightness[canvas.parts[side]].max() < 0.15


def test_natural_brows_are_thinner_than_the_regions_and_alike_on_both_sides(canvas):
    brows = natural_brows(canvas)
    everywhere = canvas.regions["left_brow"] + canvas.regions["right_brow"]
    assert 0.1 * (everywhere > 0.1).sum() < (brows > 0.1).sum() < 0.7 * (everywhere > 0.1).sum()
    left, right = (brows[sign * canvas.position[0] > 0].sum() for sign in (1, -1))
    assert left.item() == pytest.approx(right.item(), rel=0.05)
    plain, painted = paint(canvas, PLAIN), paint(canvas, PLAIN, brows)
    away = everywhere + brows == 0
    grown = torch.nn.functional.max_pool2d((~away)[None].float(), 15, 1, 7)[0] > 0
    assert torch.equal(plain[0][:, ~grown], painted[0][:, ~grown])
