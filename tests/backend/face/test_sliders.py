import sys

import numpy as np
import pytest
import torch

from backend.face import sliders as maps
from backend.face.anny import read_arrays
from tests.backend.conftest import ANNY
from tests.toy_head import LOCAL, toy_head


def test_ranges_hold_the_defaults():
    model = toy_head()
    low, high = maps.ranges(model).T
    assert (low <= model.slider_defaults).all()
    assert (model.slider_defaults <= high).all()
    assert low[model.slider_names.index("age")] == pytest.approx(-1 / 3)
    assert (low[-len(LOCAL) :] == -1).all()


def test_an_identity_that_sliders_can_make_is_found_again():
    """A head whose identity directions are sums of its own local rows: there and back without loss."""
    model = toy_head(torch.float64)
    mix = torch.tensor([[1.0, 0, 0, 0], [0, 0, 1.0, 0]], dtype=torch.float64)
    model.identity_basis = maps._shape(model, mix @ model.local_rows)
    sliders = model.slider_defaults.repeat(2, 1)
    sliders[:, -2:] = torch.tensor([[0.7, 0.2], [0.4, 0.9]])
    identity, residual = maps.to_identity(model, sliders)
    torch.testing.assert_close(identity, sliders[:, -2:], atol=1e-6, rtol=0)
    assert residual.max() < 1e-6
    back, residual = maps.to_sliders(model, identity)
    torch.testing.assert_close(back[:, -2:], sliders[:, -2:], atol=0.02, rtol=0)
    assert residual.max() < 0.02


def test_size_and_place_are_no_identity():
    model = toy_head(torch.float64)
    centred = (model.rest - model.rest.mean(0)).flatten()
    moved = torch.stack([centred, torch.ones_like(centred)])
    assert maps._shape(model, moved).abs().max() < 1e-12


def test_sliders_stay_in_their_ranges():
    model = toy_head()
    found, residual = maps.to_sliders(model, 5 * torch.randn(2, model.identity_size))
    low, high = maps.ranges(model).T
    assert ((found >= low) & (found <= high)).all()
    assert (residual > 0).all()


def test_a_slider_of_another_name_is_refused():
    with pytest.raises(ValueError, match="no slider 'nose'; there are gender, age"):
        maps.effect(toy_head(), "nose", 1.0)


def test_nose_length_moves_the_nose_and_leaks_nowhere(head, capsys):
    tables = {value: maps.effect(head, "nose-scale-vert-incr", value) for value in (1.0, -1.0)}
    with capsys.disabled():
        for value, table in tables.items():
            moved = ", ".join(f"{name} {mm:.2f}" for name, mm in table.items() if mm > 0.005)
            sys.stdout.write(f"\nnose length {value:+.0f}, mm: {moved}; elsewhere {table['elsewhere']:.4f}")
    for table in tables.values():
        assert table["nose"] > 3
        for region in ("chin", "scalp", "neck", "left_ear", "left_eyeball", "teeth", "elsewhere"):
            assert table[region] == 0, region


def test_there_and_back_keeps_an_adult(head, capsys):
    """Sliders of random adults to identity and back; what is lost is returned and shown."""
    from backend.training.head import random_sliders

    sliders = random_sliders(head, 4, torch.Generator().manual_seed(11), 0.2)
    identity, lost = maps.to_identity(head, sliders)
    back, missed = maps.to_sliders(head, identity)
    again, _ = maps.to_identity(head, back)
    apart = (again - identity).square().mean().sqrt()
    with capsys.disabled():
        sys.stdout.write(f"\nsliders to identity {lost.mean():.3f} mm, back {missed.mean():.3f} mm (rms a vertex)")
        sys.stdout.write(f", identity {apart:.3f} standard deviations from where it was\n")
    assert lost.max() < 0.3
    assert missed.max() < 0.6


def test_every_slider_has_a_label_a_group_and_a_range(head):
    arrays = read_arrays(ANNY)
    assert tuple(arrays["slider_names"].tolist()) == head.slider_names
    labels = dict(zip(head.slider_names, arrays["slider_labels"].tolist(), strict=True))
    assert labels["nose-scale-vert-incr"] == "nose length"
    assert len(set(labels.values())) == len(labels)
    assert {"person", "nose", "eyes", "mouth"} <= set(arrays["slider_groups"].tolist())
    np.testing.assert_allclose(arrays["slider_ranges"], maps.ranges(head).numpy(), atol=1e-6)
