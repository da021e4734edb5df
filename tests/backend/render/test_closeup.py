"""Close-ups of a region: when, how close, and how often."""

import torch

from backend.render.camera import AIM, HALF_HEIGHT, Cameras, sample_views
from backend.render.closeup import NEAREST, Closeup
from backend.render.light import display_light
from backend.render.picture import Surface, look
from backend.render.uv import unwrapped
from backend.render.views import released_cameras
from tests.toys import toy_topology

TOPOLOGY = toy_topology()
SURFACE, REST = Surface.of(TOPOLOGY), torch.from_numpy(TOPOLOGY.rest)
NOSE = torch.from_numpy(TOPOLOGY.region("nose"))


def test_only_a_small_region_is_looked_at_closely():
    closeup = Closeup.of(REST, NOSE)
    assert closeup is not None
    assert NEAREST <= closeup.half_height < HALF_HEIGHT
    assert (closeup.aim - REST[NOSE > 0.5].mean(0)).norm() < 0.1
    assert Closeup.of(REST, torch.ones_like(NOSE)) is None
    assert Closeup.of(REST, torch.zeros_like(NOSE)) is None
    assert Closeup.of(REST, None) is None


def test_half_of_the_views_come_close_and_the_others_stay():
    closeup, generator = Closeup.of(REST, NOSE), torch.Generator().manual_seed(0)
    assert closeup is not None
    for count in (2, 4):
        views = sample_views(count, generator, 30.0, 10.0)
        taken = closeup.taken(views, generator)
        near = (torch.as_tensor(taken.aim) == closeup.aim).all(1)
        assert near.sum() == count / 2
        assert (torch.as_tensor(taken.half_height)[~near] == torch.as_tensor(views.half_height)[~near]).all()
        assert (torch.as_tensor(taken.aim)[~near] == torch.as_tensor(views.aim)[~near]).all()
        assert (taken.azimuth == views.azimuth).all()
    single = Cameras(torch.zeros(1), torch.zeros(1))
    close = [float(torch.as_tensor(closeup.taken(single, generator).half_height)) < HALF_HEIGHT for _ in range(60)]
    assert 15 < sum(close) < 45


def test_a_close_up_shows_the_region_larger_from_any_camera():
    closeup, light = Closeup.of(REST, NOSE), display_light()
    assert closeup is not None
    drawn = unwrapped(NOSE[:, None], SURFACE.uvs, SURFACE.faces, SURFACE.uv_faces, 64)[0][None]
    angles = torch.zeros(1)
    for cameras in (Cameras(angles, angles, HALF_HEIGHT, AIM), released_cameras(angles, angles, angles + 1.5)):
        near = closeup.taken(cameras, torch.Generator().manual_seed(2))
        if not (torch.as_tensor(near.aim) == closeup.aim).all():
            near = closeup.taken(cameras, torch.Generator().manual_seed(0))
        shares = [
            float((look(SURFACE, REST[None], one, light, 64).unlit(drawn) > 0.5).float().mean())
            for one in (cameras, near)
        ]
        assert shares[1] > 1.5 * shares[0] > 0
