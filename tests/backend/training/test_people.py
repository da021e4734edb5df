import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from backend.evaluation.probes import displacements, without_size
from backend.language import SHAPES, Look, Person, draw_person
from backend.training.people import AZIMUTH, ELEVATION, PICTURE, TEXTURE, draw_setting, same_size, sliders_of, twice


@given(st.integers(0, 1000), st.floats(0.2, 5))
@settings(max_examples=20)
def test_heads_of_one_size_stay_so_and_size_and_place_do_not_matter(seed, scale):
    generator = torch.Generator().manual_seed(seed)
    rest = torch.randn(30, 3, generator=generator, dtype=torch.float64)
    heads = rest + 0.2 * torch.randn(2, 30, 3, generator=generator, dtype=torch.float64)
    fitted = same_size(heads, rest)
    torch.testing.assert_close(same_size(fitted, rest), fitted)
    moved = scale * heads + torch.tensor([3.0, -1.0, 0.5], dtype=torch.float64)
    torch.testing.assert_close(same_size(moved, rest), fitted)
    torch.testing.assert_close(same_size(rest[None], rest)[0], rest)


@given(st.integers(0, 1000))
@settings(max_examples=10)
def test_no_other_size_fits_better(seed):
    generator = torch.Generator().manual_seed(seed)
    rest = torch.randn(30, 3, generator=generator, dtype=torch.float64)
    fitted = same_size(rest[None] + 0.3 * torch.randn(1, 30, 3, generator=generator, dtype=torch.float64), rest)
    middle = rest.mean(0)
    misses = [((fitted - middle) * size + middle - rest).square().sum().item() for size in (1.0, 0.99, 1.01)]
    assert misses[0] == min(misses)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("axis", SHAPES, ids=lambda axis: axis.name)
def test_every_axis_moves_the_head_visibly_where_it_says(head, axis, sign):
    """From the middle at least 2 mm either way in its regions; an axis of one part, there more than elsewhere."""
    heads = [head.vertices(sliders=sliders_of(head, Person({axis.name: value}), seed=3)) for value in (0.0, sign)]
    moved = (same_size(heads[1], head.rest) - same_size(heads[0], head.rest))[0].norm(dim=1)
    where = torch.from_numpy(np.max([head.topology.region(name) for name in axis.regions], axis=0)) > 0.5
    assert moved[where].max() * head.topology.metres_per_unit > 2e-3
    assert axis.regions == ("face",) or axis.noun == "face" or moved[where].mean() > 1.2 * moved.mean()


def test_no_two_axes_are_alike(head):
    apart = displacements(head, [axis.sliders for axis in SHAPES])
    moved = torch.nn.functional.normalize(without_size(apart, head.rest), dim=1)
    likeness = (moved @ moved.T).fill_diagonal_(0).abs()
    assert likeness.max() < 0.7


@pytest.mark.parametrize("axis", SHAPES, ids=lambda axis: axis.name)
def test_the_ends_of_an_axis_are_what_its_sliders_say(head, axis):
    for value, number in ((-1.0, 1), (1.0, 2)):
        sliders = sliders_of(head, Person({axis.name: value}), seed=1)
        for slider in axis.sliders:
            assert sliders[0, head.slider_names.index(slider[0])].item() == pytest.approx(slider[number])


def test_the_seed_draws_what_no_word_names(head):
    person = Person({"gender": 1.0})
    first, again, other = (sliders_of(head, person, seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    named = {slider for axis in SHAPES for slider, _, _ in axis.sliders}
    for number, name in enumerate(head.slider_names):
        assert (first[0, number] == other[0, number]) == (name in named), name


def test_no_slider_is_bound_to_two_axes():
    bound = [slider for axis in SHAPES for slider, _, _ in axis.sliders]
    assert len(bound) == len(set(bound))


def test_pictures_show_the_person(studio):
    """Painting the lips changes few pixels, in the middle of the lower half of a picture from the front."""
    person = Person({}, Look(tone=0.2))
    vertices = studio.vertices(person, 0)
    setting = draw_setting(1, random.Random(0))
    setting[0].azimuth.zero_()
    setting[0].elevation.zero_()
    plain, red = (
        studio.photos(vertices, studio.albedo(Person({}, look)), *setting)
        for look in (person.look, Look(tone=0.2, lips="blue"))
    )
    assert plain.shape == (1, 3, PICTURE, PICTURE)
    row, column = torch.nonzero((plain - red).abs().amax((0, 1)) > 0.02).T
    assert 20 < len(row) < 0.1 * PICTURE**2
    assert row.min() > 0.5 * PICTURE
    assert (column - PICTURE / 2).abs().max() < 0.2 * PICTURE
    clay = studio.clay(vertices, *setting)
    assert (clay[:, 0] == clay[:, 2]).all()
    assert studio.albedo(person).shape[-1] == TEXTURE


def test_settings_are_drawn_within_their_ranges():
    cameras, lights = draw_setting(200, random.Random(0))
    assert cameras.azimuth.abs().max() <= AZIMUTH
    assert cameras.elevation.abs().max() <= ELEVATION
    assert lights.shape == (200, 9)
    again, _ = draw_setting(200, random.Random(0))
    assert torch.equal(cameras.azimuth, again.azimuth)


def test_twice_shows_both_alike(studio):
    vertices = studio.vertices(Person(), 1)
    setting = draw_setting(1, random.Random(2))
    both = studio.clay(vertices, *twice(*setting))
    assert torch.equal(both[0], both[1])
    assert torch.equal(both[:1], studio.clay(vertices, *setting))


def test_random_persons_stay_heads(studio):
    """No vertex of twenty random persons is further from the mean head's than a big ear or chin may be."""
    rng = random.Random(0)
    for seed in range(20):
        vertices = studio.vertices(draw_person(rng), seed)
        assert (vertices[0] - studio.model.rest).norm(dim=1).max() < 0.6
