"""The consistency weight: FaceG2E's update by its numbers, ours that recovers, and the drift it weighs."""

from dataclasses import replace

import pytest
import torch

from backend.render.camera import Cameras
from backend.render.picture import Surface
from backend.render.projection import unproject
from backend.settings.stages import CONSISTENCIES
from backend.stages.consistency import (
    UPDATES,
    WARM_UP,
    Attended,
    EditState,
    recovering,
    released,
    shape_drift,
    texture_drift,
)
from tests.toys import toy_topology


def texel(value: float) -> torch.Tensor:
    return torch.full((1, 1, 1, 1), value)


def after_warm_up() -> EditState:
    return replace(EditState.start(1), step=WARM_UP)


def test_the_released_update_gives_the_numbers_of_its_code():
    state = after_warm_up()
    for attention, weight in ((0.8, 0.872), (0.1, 0.872), (1.0, 0.6976)):
        state = released(state, texel(attention), texel(1.0))
        assert state.consistency_weight.item() == pytest.approx(weight, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "weights"),  # after attention of 0.8, of 0.1 and, where no view shows the texel, of nothing
    [("max2", (0.36, 0.36, 0.36)), ("avg2", (0.872, 0.8956, 0.8956)), ("avg0.5", (0.82111, 0.79364, 0.79364))],
)
def test_its_other_fusions_are_there_by_their_formulas(name: str, weights: tuple[float, ...]):
    state = after_warm_up()
    for attention, seen, weight in zip((0.8, 0.1, 0.0), (1.0, 0.5, 0.0), weights, strict=True):
        state = UPDATES[name](state, texel(attention), texel(seen))
        assert state.consistency_weight.item() == pytest.approx(weight, abs=1e-5)


def test_every_fusion_that_can_be_set_is_there():
    assert {"none", *UPDATES} == set(CONSISTENCIES)


def test_nothing_moves_before_the_warm_up_is_over():
    for update in UPDATES.values():
        state = EditState.start(1)
        for _ in range(WARM_UP):
            state = update(state, texel(1.0), texel(1.0))
        assert state.consistency_weight.item() == 1
        assert update(state, texel(1.0), texel(1.0)).consistency_weight.item() <= 0.8 + 1e-6


def test_only_the_corrected_update_recovers_from_a_wrong_map():
    weights = {}
    for update in (released, recovering):
        state = update(after_warm_up(), texel(1.0), texel(1.0))
        for _ in range(20):
            state = update(state, texel(0.0), texel(1.0))
        weights[update] = state.consistency_weight.item()
    assert weights[released] == pytest.approx(0.8)
    assert weights[recovering] > 0.99


def test_what_a_view_does_not_show_stays():
    state = recovering(after_warm_up(), texel(1.0), texel(1.0))
    hidden = recovering(state, texel(0.0), texel(0.0))
    assert (hidden.consistency_weight == state.consistency_weight).all()


def test_a_step_leaves_the_state_it_took():
    state = after_warm_up()
    recovering(state, texel(1.0), texel(1.0))
    assert state.consistency_weight.item() == 1


def test_drift_is_a_mean_whatever_the_size():
    for size in (4, 16):
        before = torch.full((1, 3, size, size), 0.5)
        drift = texture_drift(torch.ones(1, 1, size, size), before + 0.1, before)
        assert 15000 * drift.item() == pytest.approx(150, rel=1e-4)
        half = torch.ones(1, 1, size, size)
        half[..., : size // 2] = 0
        assert texture_drift(half, before + 0.1, before).item() == pytest.approx(0.005, rel=1e-4)


def test_drift_of_a_shape_is_that_of_its_positions():
    topology = toy_topology()
    surface, rest = Surface.of(topology), torch.from_numpy(topology.rest)
    weight = torch.ones(1, 1, 32, 32)
    moved = shape_drift(weight, rest + torch.tensor([0.0, 0.3, 0.0]), rest, surface)
    assert 0.8 * 0.03 < moved.item() < 0.03  # 0.3² over 3 channels, less the texels beside the layout
    assert shape_drift(weight, rest, rest, surface).item() == 0
    leaning = (rest + 0.1).requires_grad_()
    shape_drift(weight, leaning, rest, surface).backward()
    assert leaning.grad is not None
    assert leaning.grad.abs().sum() > 0


def test_views_are_stretched_between_the_extremes_of_all():
    topology = toy_topology()
    surface, rest = Surface.of(topology), torch.from_numpy(topology.rest)[None]
    dim, bright = (Cameras(torch.tensor([azimuth]), torch.zeros(1)) for azimuth in (-60.0, 60.0))
    low, high = torch.full((1, 16, 16), 0.2), torch.full((1, 16, 16), 0.6)
    once = Attended.nothing(32).with_views(unproject(low[:, None], surface, rest, dim, 32))
    assert once.stretched().max() == 0  # a flat map says nothing, it is not stretched to 1
    both = once.with_views(unproject(high[:, None], surface, rest, bright, 32))
    assert (both.low, both.high) == pytest.approx((0.2, 0.6))
    found = both.stretched()
    assert found.max() == pytest.approx(1, abs=1e-5)
    assert (found[both.weights == 0] == 0).all()
    between = (once.weights > 0.3) & (both.weights - once.weights > 0.3)
    assert ((found[between] > 0.2) & (found[between] < 0.8)).all()
