"""Detail along normals: what it may be, and that networks which see wrinkles lead to them."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings, strategies as st

from backend import checkpoints
from backend.diffusion.guidance import Condition, ScoreDistillation
from backend.diffusion.model import Diffusion
from backend.render.light import display_light
from backend.render.picture import Surface, look
from backend.render.rasterise import vertex_normals
from backend.settings import GeometrySettings
from backend.stages.displacement import Displacement
from backend.stages.geometry import Shape, generate
from backend.stages.optimise import Watch
from tests.backend.stages.test_perfect import Seeing
from tests.tiny_diffusion import tiny_diffusion
from tests.toy_head import toy_head

BOUND = 0.05  # head units
MODEL = toy_head()
SURFACE = Surface.of(MODEL.topology)


def standing(heights: torch.Tensor, bound: float = BOUND) -> torch.Tensor:
    """(V, 3) offsets of the mean head."""
    detail = replace(Displacement.none(MODEL.topology, bound), heights=heights)
    return detail.offsets(MODEL.vertices(), SURFACE.faces)[0]


@given(st.integers(0, 1000), st.floats(0.1, 1e4), st.sampled_from([0.001, 0.05, 1.0]))
@settings(max_examples=25)
def test_no_vertex_passes_the_bound_and_none_but_of_the_skin_moves(seed, size, bound):
    heights = size * torch.randn(len(MODEL.topology.rest), generator=torch.Generator().manual_seed(seed))
    offsets = standing(heights, bound)
    assert float(offsets.norm(dim=1).max()) <= bound * (1 + 1e-6)
    skin = torch.zeros(len(offsets), dtype=torch.bool)
    skin[torch.from_numpy(MODEL.topology.faces[MODEL.topology.part_faces("skin")]).flatten().long()] = True
    assert (offsets[~skin] == 0).all()
    normals = vertex_normals(MODEL.vertices(), SURFACE.faces)[0]
    torch.testing.assert_close(torch.linalg.cross(offsets, normals), torch.zeros_like(offsets), atol=1e-5, rtol=0)


def test_only_detail_that_differs_from_its_neighbours_is_rough():
    none = Displacement.none(MODEL.topology, BOUND)
    up = MODEL.rest[:, 1]

    def roughness(heights: torch.Tensor) -> float:
        return float(replace(none, heights=heights).roughness())

    assert roughness(torch.zeros_like(up)) == 0
    assert roughness(torch.ones_like(up)) < 1e-12
    slow, fast = (torch.cos(torch.pi * waves * up) for waves in (0.5, 2))
    assert 0 < 10 * roughness(slow) < roughness(fast)


@pytest.fixture(scope="module")
def networks() -> Diffusion:
    return Diffusion.load(checkpoints.components("starter", "text-to-image"))


def wrinkled() -> torch.Tensor:
    """(1, V, 3) the mean head with ridges across its front, which no identity has."""
    head = MODEL.vertices()
    ridges = 0.8 * BOUND * torch.cos(2 * torch.pi * MODEL.rest[:, 1]) * (MODEL.rest[:, 2] > 0.2)
    return head + ridges[:, None] * vertex_normals(head, SURFACE.faces)


def found_by_perfect_networks(networks: Diffusion, hidden: torch.Tensor, **changes: float) -> Shape:
    """What is made of networks whose clean picture is the hidden head from the same camera in the same light."""
    text = torch.randn(2, 4, 8, generator=torch.Generator().manual_seed(1))
    knows = Seeing(torch.zeros(()), networks.alphas_cumprod, text[0], config={"sample_size": 8})
    perfect = replace(networks, unet=knows)
    asked = {"steps": 30, "lights": "still", "anchored": False, "guidance_scale": 1.0, "prior_weight": 0.0}
    settings = GeometrySettings(**asked, first_timestep=400, last_timestep=100, **changes)

    def wanted(cameras):
        with torch.no_grad():
            shown = look(SURFACE, hidden, cameras, display_light(), perfect.picture_size, antialias=True)
            object.__setattr__(knows, "clean", perfect.encode(shown.textureless()))
        return Condition(text)

    guidance = ScoreDistillation(perfect, 1.0)
    return generate(MODEL, SURFACE, guidance, wanted, settings, 0, Watch())


def test_wrinkles_that_no_identity_has_are_found_within_the_bound(networks):
    hidden = wrinkled()
    front = MODEL.rest[:, 2] > 0.3

    def missed(found: Shape) -> float:
        return float((found.vertices - hidden)[0, front].square().sum(1).mean().sqrt())

    plain, fine = (found_by_perfect_networks(networks, hidden, displacement=bound) for bound in (0.0, BOUND))
    assert missed(fine) < 0.75 * missed(plain)
    assert float(fine.offsets.norm(dim=2).max()) <= BOUND * (1 + 1e-6)
    head = MODEL.vertices(identity=fine.identity)
    torch.testing.assert_close(fine.vertices, head + fine.offsets)
    along, ridges = (
        (one * vertex_normals(head, SURFACE.faces)).sum(2)[0, front]
        for one in (fine.offsets, hidden - MODEL.vertices())
    )
    assert float(torch.corrcoef(torch.stack([along, ridges]))[0, 1]) > 0.7


def made(**changes: float) -> Shape:
    settings = GeometrySettings(steps=4, **changes)
    guidance = ScoreDistillation(tiny_diffusion(), 10.0)
    text = torch.randn(2, 12, 8, generator=torch.Generator().manual_seed(1))
    return generate(MODEL, SURFACE, guidance, lambda cameras: Condition(text), settings, 3, Watch())


def test_without_a_bound_a_head_is_its_identity_and_has_it_alone_at_first():
    plain, late = made(), made(displacement=BOUND, displacement_from=1.0)
    assert plain.offsets is None
    assert torch.equal(plain.vertices, MODEL.vertices(identity=plain.identity))
    assert torch.equal(late.identity, plain.identity)
    assert (late.offsets == 0).all()
    early = made(displacement=BOUND, displacement_from=0.5)
    assert early.offsets.abs().max() > 0
