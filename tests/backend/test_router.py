import random

import pytest

from backend import checkpoints
from backend.face import anny
from backend.language import SHAPES, draw_colour_change, draw_person, draw_shape_change
from backend.router import REGIONS, route


@pytest.mark.parametrize(
    ("instruction", "scope", "region"),
    [
        ("make his nose longer", "geometry", ("nose",)),
        ("a bit wider jaw", "geometry", ("jaw",)),
        ("Turn him OLD!", "both", ()),
        ("turn her into a man", "both", ()),
        ("make him an elf", "both", ()),
        ("make him look like a green goblin", "texture", ()),
        ("make the fat man's nose longer", "geometry", ("nose",)),
        ("give the man red lips", "texture", ("lips",)),
        ("make her lips much fuller", "geometry", ("lips",)),
        ("make the upper lip pink", "texture", ("upper_lip",)),
        ("give him a black eye mask", "texture", ("eye_mask",)),
        ("give him short black hair", "texture", ("hair",)),
        ("shave his head", "texture", ("scalp",)),
        ("remove the beard", "texture", ("beard",)),
        ("add blue eye shadow", "texture", ("eye_shadow",)),
        ("paint red stripes on her cheeks", "texture", ("stripes",)),
        ("add freckles", "texture", ("freckles",)),
        ("make her eyebrows white", "texture", ("left_brow", "right_brow")),
        ("give her wide-set eyes", "geometry", ("left_eye_area", "right_eye_area")),
        ("make his skin green", "texture", ()),
        ("give him sharp cheekbones", "geometry", ("left_cheek", "right_cheek")),
        ("hello", "texture", ()),
    ],
)
def test_an_instruction_goes_where_it_belongs(instruction, scope, region):
    found = route(instruction)
    assert (found.scope, found.region) == (scope, region)


def test_every_instruction_of_the_language_goes_to_its_scope():
    rng = random.Random(0)
    for _ in range(1500):
        change = rng.choice((draw_shape_change, draw_colour_change))(draw_person(rng), rng)
        found = route(change.instruction)
        whole = change.scope == "geometry" and not found.region and "face" not in change.instruction
        assert found.scope == ("both" if whole else change.scope), change.instruction


def test_every_noun_has_regions_that_the_head_has():
    names = anny.load(checkpoints.find("starter/anny.npz")).topology.region_names
    assert {region for regions in REGIONS.values() for region in regions} <= set(names)
    assert {axis.noun for axis in SHAPES} - {"", "face"} <= set(REGIONS)


@pytest.mark.parametrize(
    ("instruction", "noun"),
    [
        ("give him a golden crown", "crown"),
        ("add a tattoo on his temple", "tattoo"),
        ("put on sunglasses", "sunglasses"),
        ("give her a smile and a hat", "smile"),
        ("give him green skin", ""),
        ("give him a very round face", ""),
        ("paint his face green", ""),
        ("paint him green", ""),
        ("make him an elf", ""),
        ("make him older", ""),
    ],
)
def test_a_thing_without_a_region_is_named_and_what_is_all_over_the_face_is_not(instruction, noun):
    found = route(instruction)
    assert (found.region, found.noun) == ((), noun)


def test_nothing_the_networks_are_taught_adds_a_thing_without_a_region():
    rng = random.Random(0)
    for number in range(2000):
        draw = draw_colour_change if number % 2 else draw_shape_change
        found = route(draw(draw_person(rng), rng).instruction)
        assert bool(found.noun) == bool(found.region)
