"""What is told of meshes, albedos and masks that are broken on purpose."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from backend.evaluation.appearance import Chart
from backend.evaluation.edits import balanced, border_step, mask_facts
from backend.evaluation.items import Expected
from backend.evaluation.shape_quality import identity_change, mesh_quality
from backend.evaluation.texture_quality import seam_energy, texture_quality
from backend.training.canvas import Canvas
from backend.workshop import open_workshop

SIZE = 256


@pytest.fixture(scope="module")
def shop():
    return open_workshop()


@pytest.fixture(scope="module")
def chart(shop):
    return Chart.of(shop.model.topology, shop.surface, SIZE, Canvas.of(shop.model.topology, SIZE))


@pytest.fixture(scope="module")
def plain():
    return np.full((SIZE, SIZE, 3), (200, 160, 140), np.uint8)


def expressions(shop):
    return shop.model.expression_basis.view(shop.model.expression_size, -1, 3).numpy()


def test_the_mean_head_has_no_fault(shop):
    found = mesh_quality(shop.model.topology, shop.model.rest.numpy(), expressions(shop))
    assert found == {"flipped": 0, "crossing": 0, "lid_gap_mm": 0.0, "lip_gap_mm": 0.0}


def test_a_nose_pushed_through_the_face_is_told(shop):
    head = shop.model.rest.numpy().copy()
    head[shop.model.topology.region("nose") > 0.8, 2] -= 1.2
    found = mesh_quality(shop.model.topology, head, expressions(shop))
    assert found["flipped"] > 20
    assert found["crossing"] > 0


def test_lips_drawn_apart_do_not_close(shop):
    head = shop.model.rest.numpy().copy()
    head[shop.model.topology.region("upper_lip") > 0.5, 1] += 0.05
    assert mesh_quality(shop.model.topology, head, expressions(shop))["lip_gap_mm"] > 2


def test_moving_turning_and_scaling_changes_no_identity(shop):
    head = shop.model.rest.numpy()
    turn = torch.linalg.matrix_exp(torch.tensor([[0, 0.3, 0], [-0.3, 0, 0.1], [0, -0.1, 0]])).numpy()
    assert identity_change(head, 1.2 * head @ turn + 0.4, 88.0) == pytest.approx(0, abs=1e-3)
    other = shop.model.vertices(identity=0.5 * torch.ones(1, shop.model.identity_size))[0].numpy()
    assert identity_change(head, other, 88.0) > 0.3


def test_an_even_skin_has_no_fault(shop, chart, plain):
    found = texture_quality(shop.model.topology, chart, plain, plain)
    assert found["seam_energy"] == pytest.approx(0, abs=1e-3)
    assert found["black"] == found["uncovered"] == found["loud"] == found["back_strokes"] == 0
    assert found["residual_shading"] == pytest.approx(0, abs=1e-6)
    assert sum(found["saturation"]) == pytest.approx(1, abs=1e-3)


def test_painted_light_black_skin_and_strokes_behind_are_told(shop, chart, plain):
    lit = (plain * (0.7 + 0.3 * chart.normal[1])[..., None]).clip(0, 255).astype(np.uint8)
    assert texture_quality(shop.model.topology, chart, lit, plain)["residual_shading"] > 5
    black = np.where(chart.things["hair"][..., None], np.uint8(0), plain)
    assert texture_quality(shop.model.topology, chart, black, plain)["black"] > 0.05
    strokes = plain.copy()
    strokes[:, ::8] = (20, 20, 20)
    assert texture_quality(shop.model.topology, chart, strokes, plain)["back_strokes"] > 1
    loud = np.full_like(plain, (255, 0, 0))
    assert texture_quality(shop.model.topology, chart, loud, plain)["loud"] == 1


def test_a_texture_that_breaks_at_its_seams_is_told(shop, plain):
    split = plain.copy()
    split[:, : SIZE // 2] = (60, 60, 200)
    assert seam_energy(shop.model.topology, split) > 1


def test_the_places_of_things_are_where_they_are_seen(chart):
    assert {"skin", "lips", "mask", "beard", "hair", "brows", "freckles", "scar", "stripes"} <= chart.things.keys()
    heights = {name: chart.position[1][where].mean() for name, where in chart.things.items()}
    assert heights["lips"] < heights["beard"] < heights["mask"] < heights["brows"] < heights["hair"]
    assert not (chart.things["skin"] & chart.things["lips"]).any()


def test_a_head_that_the_painter_does_not_know_has_its_regions(shop, chart):
    plain = Chart.of(shop.model.topology, shop.surface, SIZE)
    assert plain.things.keys() == chart.things.keys()
    both = (plain.things["lips"] & chart.things["lips"]).sum()
    assert both > 0.6 * chart.things["lips"].sum()


def test_a_mask_that_is_the_lips_fits_them(chart, plain):
    mask = chart.things["lips"].astype(np.uint8) * 255
    after = np.where(mask[..., None] > 0, np.uint8(20), plain)
    found = mask_facts(chart, mask, plain, after, [Expected("lips", 0.0, "red")])
    assert found["iou"] == found["area_over_region"] == found["changed_inside"] == 1
    assert found["border_step"] > 20
    everything = mask_facts(chart, np.full_like(mask, 255), plain, plain, [Expected("lips", 0.0, "red")])
    assert everything["iou"] < 0.1
    assert everything["area_over_region"] > 10
    assert everything["unmasked_share_of_face"] == everything["changed_inside"] == 0


def test_a_change_that_fades_out_leaves_no_step(chart, plain):
    ramp = np.clip(np.arange(SIZE) - 60, 0, 100)[None].repeat(SIZE, 0).astype(np.uint8)
    after = (plain - ramp[..., None] * 0.5).astype(np.uint8)
    assert border_step(ramp, plain, after, np.ones_like(ramp, bool)) < 1
    assert mask_facts(chart, ramp, plain, after, [Expected("skin", 0.0, "red")])["iou"] is None


@pytest.mark.parametrize("count", [2, 4, 10])
def test_a_balanced_square_has_each_once_everywhere(count: int):
    rows = [balanced(count, row) for row in range(count)]
    for line in (*rows, *zip(*rows, strict=True)):
        assert sorted(line) == list(range(count))
    assert len({pair for row in rows for pair in pairwise(row)}) == count * (count - 1)
