"""Attention followed from step to step: the weight it leaves, the loss it makes, the state that is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from backend.diffusion.attention import Recorder
from backend.render.camera import Cameras
from backend.render.picture import Surface
from backend.settings import RELEASED, EditTextureSettings
from backend.stages.consistency import WARM_UP
from backend.stages.keeping import SIZE, Keeping
from tests.toys import toy_topology

TOPOLOGY = toy_topology()
SURFACE, REST = Surface.of(TOPOLOGY), torch.from_numpy(TOPOLOGY.rest)[None]
FRONT = Cameras(torch.zeros(1), torch.zeros(1))
HELD = EditTextureSettings(consistency="recovering", drift=2.0)


def half() -> Tensor:
    """Told, empty, other: the word is looked at on the picture's right."""
    maps = torch.zeros(3, 1, 16, 16)
    maps[0, :, :, 8:] = 0.5
    return maps


def keeping(settings: EditTextureSettings, maps: Tensor) -> Keeping:
    recorder = Recorder((1,), ())
    recorder.note(16, maps)
    kept = Keeping(settings, recorder, SURFACE, REST)
    kept.state = replace(kept.state, step=WARM_UP)
    return kept


def looked(kept: Keeping, times: int) -> Keeping:
    for _ in range(times):
        kept.look(FRONT, torch.zeros(1, 4, 16, 16))
    return kept


def sides(weight: Tensor) -> tuple[float, float]:
    """Least on the texels that show at the picture's right and left, near its middle."""
    u = torch.arange(SIZE) / SIZE
    right, left = (u > 0.53) & (u < 0.6), (u > 0.4) & (u < 0.47)
    rows = slice(SIZE // 2 - 8, SIZE // 2 + 8)
    return float(weight[0, 0, rows][:, right].amin()), float(weight[0, 0, rows][:, left].amin())


@pytest.mark.parametrize("settings", [HELD, RELEASED.edit_texture])
def test_the_weight_falls_where_the_words_look_and_nowhere_else(settings):
    kept = looked(keeping(settings, half()), 10)
    right, left = sides(kept.state.consistency_weight)
    assert right < 0.3
    assert left == 1
    assert kept.noticed().max() == 1


def test_without_words_it_stays_1_and_nothing_is_remembered():
    kept = Keeping(HELD, None, SURFACE, REST)
    looked(kept, 2)
    assert (kept.state.consistency_weight == 1).all()
    assert kept.tensors() == {}
    assert kept.noticed().max() == 0


def test_the_loss_is_the_weighed_change():
    kept = looked(keeping(HELD, half()), 10)
    before = torch.full((1, 3, SIZE, SIZE), 0.5)
    right, left = before.clone(), before.clone()
    right[..., SIZE // 2 :], left[..., : SIZE // 2] = 0.6, 0.6
    assert kept.texture_loss(right, before) < kept.texture_loss(left, before) <= 2 * 0.01 / 2 + 1e-6
    moved = kept.shape_loss(REST[0] + 0.1, REST[0])
    assert 0 < moved < 2 * 0.01
    plain = keeping(replace(HELD, drift=0.0), half())
    assert (plain.texture_loss(left, before), plain.shape_loss(REST[0], REST[0])) == (0, 0)


def test_a_focused_gradient_is_cut_to_where_the_words_look():
    latents = torch.ones(1, 4, 16, 16, requires_grad=True)
    shown = latents * 1
    keeping(replace(HELD, focused=True), half()).look(FRONT, shown)
    shown.sum().backward()
    assert latents.grad is not None
    assert (latents.grad[..., 8:] == 1).all()
    assert (latents.grad[..., :8] == 0).all()


def test_what_is_kept_brings_the_state_back():
    kept = looked(keeping(HELD, half()), 2)
    other = keeping(HELD, half())
    other.restore(kept.tensors())
    for one in (looked(kept, 1), looked(other, 1)):
        assert one.state.step == WARM_UP + 3
    assert torch.equal(kept.state.consistency_weight, other.state.consistency_weight)
    assert torch.equal(kept.noticed(), other.noticed())
