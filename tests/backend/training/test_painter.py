import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from backend.evaluation.colours import delta_e
from backend.language.looks import HAIR, IRIS, NATURAL_SKIN, PAINT, SKIN, Look
from backend.training.canvas import Canvas
from backend.training.painter import masks, paint

PLAIN = Look(tone=0.3, seed=4)
PAINTED, GROWN = ("lips", "shadow", "mask", "stripes"), ("brows", "hair", "beard", "moustache")
TABLES = {**dict.fromkeys(PAINTED, PAINT), **dict.fromkeys(GROWN, HAIR), "eyes": IRIS}
MARKS = {"blush": True, "freckles": True, "scar": True, "stubble": True, "wrinkles": 1.0, "hair": "shaved"}
COLOURED = [(thing, name) for thing, table in TABLES.items() for name in table]
MADE_UP = Look(skin="pale", lips="red", eyes="green", shadow="blue", mask="purple", stripes="white", blush=True, seed=1)
EVERYTHING = replace(
    MADE_UP,
    brows="red",
    hair="blond",
    beard="brown",
    moustache="black",
    stubble=True,
    freckles=True,
    scar=True,
    wrinkles=0.6,
)


@pytest.fixture(scope="module")
def canvas(studio) -> Canvas:
    return studio.canvas


def apart(albedo: torch.Tensor, where: torch.Tensor, colour: tuple[int, int, int]) -> float:
    """ΔE2000 between the mean colour of an albedo over some texels and a colour."""
    return delta_e((albedo[0][:, where].mean(1) * 255).numpy(), np.array(colour, float))


def core(canvas: Canvas, look: Look, thing: str) -> torch.Tensor:
    return masks(canvas, look)[thing] > 0.9


def forehead(canvas: Canvas) -> torch.Tensor:
    return (canvas.regions["forehead"] > 0.97) & canvas.parts["skin"]


@pytest.mark.parametrize(("thing", "name"), COLOURED)
def test_a_thing_has_its_colour(canvas, thing, name):
    look = replace(PLAIN, **{thing: name})
    where = core(canvas, look, thing)
    assert where.sum() > 15, where.sum()
    assert apart(paint(canvas, look), where, TABLES[thing][name]) < 6


@pytest.mark.parametrize(
    ("thing", "value"), [*((thing, next(reversed(table))) for thing, table in TABLES.items()), *MARKS.items()]
)
def test_a_thing_changes_its_own_place_and_nothing_else(canvas, thing, value):
    look = replace(PLAIN, **{thing: value})
    plain, painted = paint(canvas, PLAIN), paint(canvas, look)
    where = masks(canvas, look)[thing]
    lashes = canvas.parts["left_lashes"] | canvas.parts["right_lashes"]  # small ones take the lids' colour
    reach = torch.nn.functional.max_pool2d(((where > 0) | lashes)[None].float(), 15, 1, 7)[0] > 0
    changed = (painted - plain).abs()[0].amax(0)
    assert not ((changed > 1e-5) & ~reach).any()
    assert (changed[where > 0.85 * where.max()] > 0.004).float().mean() > 0.9


@pytest.mark.parametrize("name", list(SKIN))
def test_named_skin_is_that_colour(canvas, name):
    look = replace(PLAIN, skin=name)
    albedo = paint(canvas, look)
    assert apart(albedo, forehead(canvas), SKIN[name]) < 3
    assert apart(albedo, core(canvas, look, "skin"), SKIN[name]) < 6


def test_unnamed_skin_lies_between_the_natural_ones(canvas):
    tones = [paint(canvas, replace(PLAIN, tone=tone)) for tone in (0.0, 0.5, 1.0)]
    for albedo, expected in ((tones[0], NATURAL_SKIN[0]), (tones[2], NATURAL_SKIN[1])):
        assert apart(albedo, forehead(canvas), expected) < 3
    light, middle, dark = (albedo[0][:, forehead(canvas)].mean(1) for albedo in tones)
    assert (light > middle).all()
    assert (middle > dark).all()


def test_marks_are_told_from_the_skin_and_wrinkles_deepen(canvas):
    plain = paint(canvas, PLAIN)
    for thing in ("blush", "freckles", "scar", "stubble", "wrinkles"):
        look = replace(PLAIN, **{thing: MARKS[thing]})
        where = masks(canvas, look)[thing] > 0.7
        below = tuple((plain[0][:, where].mean(1) * 255).tolist())
        assert apart(paint(canvas, look), where, below) > 5, thing
    depths = [(paint(canvas, replace(PLAIN, wrinkles=depth)) - plain).abs().sum() for depth in (0.0, 0.3, 1.0)]
    assert depths[0] == 0 < depths[1] < depths[2]


def test_masks_name_what_is_there(canvas):
    assert set(masks(canvas, PLAIN)) == {"skin", "lips", "brows", "eyes"}
    found = masks(canvas, EVERYTHING)
    assert set(found) == {"skin", *TABLES, *MARKS}
    for name, cover in found.items():
        assert cover.shape == (canvas.size, canvas.size), name
        assert 0 <= cover.min() <= cover.max() <= 1, name
        assert cover.max() > 0.3 or name in ("brows", "shadow")  # which the mask hides
        assert not cover[~canvas.covered].any(), name
    assert (found["lips"] > 0.5).sum() < (canvas.regions["lips"] > 0).sum()
    assert not (found["eyes"].bool() & canvas.parts["skin"]).any()


def test_a_mask_hides_what_is_below_it(canvas):
    look = replace(PLAIN, shadow="blue", mask="black")
    assert masks(canvas, look)["shadow"].sum() < 0.1 * masks(canvas, replace(PLAIN, shadow="blue"))["shadow"].sum()


def test_hair_stays_off_the_face_and_the_ears(canvas):
    for thing in ("hair", "beard", "moustache"):
        where = masks(canvas, replace(PLAIN, **{thing: "black"}))[thing]
        for region in ("left_ear", "right_ear", "nose", "left_eye_area", "lips"):
            assert where[(canvas.regions[region] > 0.9) & canvas.parts["skin"]].mean() < 0.04, (thing, region)
    hair = masks(canvas, replace(PLAIN, hair="black"))["hair"]
    top = canvas.parts["skin"] & (canvas.position[1] > 1.15)
    assert hair[top].mean() > 0.98
    assert hair[canvas.position[2] > 0.95].mean() < 0.05


def test_brows_lie_between_the_eyes_and_the_forehead_and_alike_on_both_sides(canvas):
    brows = masks(canvas, PLAIN)["brows"]
    regions = canvas.regions["left_brow"] + canvas.regions["right_brow"]
    assert brows[regions > 0].sum() > 0.9 * brows.sum()
    left, right = (brows[sign * canvas.position[0] > 0].sum() for sign in (1, -1))
    assert left.item() == pytest.approx(right.item(), rel=0.05)


def test_eyes_are_white_round_a_dark_middle(canvas):
    brightness, eyes = paint(canvas, PLAIN)[0].mean(0), canvas.parts["left_eye"]
    assert brightness[eyes & (canvas.eye_radius > 0.6)].mean() > 0.7
    assert brightness[eyes & (canvas.eye_radius < 0.1)].mean() < 0.15
    assert 0 <= canvas.eye_radius[eyes].min() < 0.1


def test_paint_keeps_the_eyes(canvas):
    eyes = canvas.parts["left_eye"] | canvas.parts["right_eye"]
    painted = paint(canvas, replace(EVERYTHING, eyes=None, seed=PLAIN.seed))
    assert torch.equal(paint(canvas, PLAIN)[0][:, eyes], painted[0][:, eyes])


@pytest.mark.parametrize("size", [256, 512])
def test_an_albedo_is_a_picture_of_one_size(head, size):
    canvas = Canvas.of(head.topology, size)
    albedo = paint(canvas, EVERYTHING)
    assert albedo.shape == (1, 3, size, size)
    assert 0 <= albedo.min() < albedo.max() <= 1


def test_sizes_agree_on_the_face(head, canvas):
    large = paint(Canvas.of(head.topology, 512), EVERYTHING)
    halved = torch.nn.functional.avg_pool2d(large, 2)
    inside = torch.nn.functional.avg_pool2d(canvas.covered[None].float(), 3, 1, 1)[0] == 1
    assert (halved - paint(canvas, EVERYTHING))[0][:, inside].abs().mean() < 0.03


def test_the_seed_says_which(canvas):
    assert torch.equal(paint(canvas, EVERYTHING), paint(canvas, EVERYTHING))
    assert not torch.equal(paint(canvas, PLAIN), paint(canvas, replace(PLAIN, seed=5)))


def test_borders_of_islands_repeat_the_nearest_colour(canvas):
    albedo = paint(canvas, PLAIN)[0].flatten(1)
    grown = torch.nn.functional.max_pool2d(canvas.covered[None].float(), 5, 1, 2)[0] > 0
    beside = torch.nonzero((grown & ~canvas.covered).flatten())[:, 0]
    assert canvas.covered.flatten()[canvas.source[beside]].all()
    assert torch.equal(albedo[:, beside], albedo[:, canvas.source[beside]])


def test_teeth_are_white_with_gums(canvas):
    albedo = paint(canvas, PLAIN)[0]
    for jaw in ("upper_teeth", "lower_teeth"):
        part = canvas.parts[jaw]
        across, up = canvas.arch[:, part]
        assert across.min() < 0.1
        assert across.max() > 0.9
        assert albedo.mean(0)[part][up > 0.5].mean() > 0.7
        red, green, _ = albedo[:, part][:, up < 0.1].mean(1)
        assert red - green > 0.1


def test_painting_is_quick(canvas):
    paint(canvas, EVERYTHING)
    began = time.process_time()
    for _ in range(5):
        paint(canvas, EVERYTHING)
    assert (time.process_time() - began) / 5 < 0.25
