import torch

from backend.training.canvas import Canvas


def test_a_canvas_knows_each_texels_place_and_part(studio, head):
    canvas = studio.canvas
    assert set(canvas.regions) == set(head.topology.region_names)
    claimed = sum(part.int() for part in canvas.parts.values())
    assert torch.equal(claimed > 0, canvas.covered)
    low, high = head.rest.amin(0), head.rest.amax(0)
    places = canvas.position[:, canvas.covered]
    assert (places.amin(1) >= low - 1e-4).all()
    assert (places.amax(1) <= high + 1e-4).all()
    assert canvas.position[0][canvas.parts["left_eye"]].min() > 0


def test_a_larger_canvas_has_smaller_texels(studio, head):
    large = Canvas.of(head.topology, 512)
    assert 0.4 < large.texel / studio.canvas.texel < 0.6
    assert 0.4 < large.texel_of_eyes / studio.canvas.texel_of_eyes < 0.6


def test_things_lie_on_the_skin_and_look_alike_on_both_sides(studio):
    canvas = studio.canvas
    skin, x = canvas.parts["skin"].flatten(), canvas.position[0].flatten()
    for name, place in canvas.places.items():
        if name == "lips":
            continue
        assert skin[place.at].all(), name
        if "scar" not in name:
            left, right = (place.cover.clamp(min=0)[sign * x[place.at] > 0].sum() for sign in (1, -1))
            assert abs(left - right) < 0.06 * (left + right), name
