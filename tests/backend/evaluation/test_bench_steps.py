import pytest
import torch

from backend import commandline
from backend.evaluation import bench_all, bench_steps
from backend.evaluation.bench_steps import Clock, Timed
from tests.tiny_diffusion import tiny_diffusion


def test_timing_changes_no_latents_and_no_gradient():
    networks, clock = tiny_diffusion(), Clock()
    timed = Timed.of(networks, clock)
    found = []
    for one in (networks, timed):
        pictures = torch.full((1, 3, 32, 32), 0.4, requires_grad=True)
        latents = one.encode(pictures)
        latents.square().sum().backward()
        found.append((latents.detach(), pictures.grad))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


def test_the_way_back_counts_as_the_networks_own():
    clock = Clock()
    timed = Timed.of(tiny_diffusion(), clock)
    latents = timed.encode(torch.full((1, 3, 32, 32), 0.4, requires_grad=True))
    forward = clock.networks
    assert forward > 0
    latents.sum().backward()
    both = clock.networks
    assert both > forward
    timed.predict_noise(torch.zeros(1, 4, 4, 4), torch.tensor([500]), timed.encode_text(["red lips"]))
    assert clock.networks > both


ROWS = [
    {"stage": "geometry", "seconds_per_step": 0.1, "network_share": 0.6},
    {"stage": "texture", "seconds_per_step": 0.2, "network_share": 0.8},
    {"stage": "edit_texture", "seconds_per_step": 9.0, "network_share": 0.1},
]


def test_a_faces_share_weighs_the_stages_by_their_steps():
    others = [{"stage": "texture", "seconds_per_step": 0.5}, {"stage": "texture in latents", "seconds_per_step": 0.1}]
    found = bench_steps.figures(ROWS, others)
    steps = bench_steps.RECOMMENDED
    first, second = 0.1 * steps.geometry.steps, 0.2 * steps.texture.steps
    assert found["step.non_network_share"] == pytest.approx((0.4 * first + 0.2 * second) / (first + second), abs=1e-3)
    texture = bench_steps.RELEASED.texture
    other = 0.5 * (texture.steps - texture.latent_steps) + 0.1 * texture.latent_steps
    assert found["step.released_over_recommended_seconds_per_face"] == pytest.approx(other / (first + second), abs=1e-2)
    assert len(bench_steps.table(ROWS).splitlines()) == 4


def test_without_a_kind_only_the_machine_is_told():
    found, told = bench_all.measure((), lambda event: None)
    assert set(found) == {"machine"}
    assert "cores" in told


@pytest.mark.parametrize("what", ["render", "step", "memory", "apply", None])
def test_the_command_is_known(what):
    assert commandline.parse(["bench", *([what] if what else [])]).what == what
