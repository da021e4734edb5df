import pytest
import torch
from hypothesis import given, settings, strategies as st

from backend.render import kernels, reference
from backend.render.camera import Cameras
from backend.render.kernels import visible
from backend.render.rasterise import hits, vertex_normals
from tests.toys import toy_topology

TOY = toy_topology()
FACES = torch.from_numpy(TOY.faces)


def scene(pictures: int, dtype: torch.dtype, size: tuple[int, int] = (150, 40)) -> tuple[torch.Tensor, ...]:
    """Dented heads, their clip positions and what is seen of them, tall enough for two bands of rows."""
    vertices = torch.from_numpy(TOY.rest)[None] + 0.05 * torch.randn(pictures, len(TOY.rest), 3)
    angles = torch.linspace(-40, 70, pictures)
    clip = Cameras(angles, angles / 4).clip(vertices)
    return vertices.to(dtype), clip.to(dtype), visible(clip, FACES, size)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("pictures", [1, 3])
def test_every_number_is_that_of_plain_torch(pictures, dtype):
    """Bit by bit: networks are trained on pictures, and pictures must not change."""
    vertices, clip, index = scene(pictures, dtype)
    seen = hits(clip, FACES, index)
    assert torch.equal(seen.barycentrics, reference.weights(clip, FACES, index))
    normals = vertex_normals(vertices, FACES)
    assert torch.equal(normals, reference.normals(vertices, FACES))
    for values in (normals, normals[:1], torch.randn(1, len(TOY.rest), 5, dtype=dtype)):
        found = seen.interpolate(values, FACES)
        assert torch.equal(found, reference.blend(values, seen.barycentrics, FACES, index))


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-5), (torch.float64, 1e-13)])
@pytest.mark.parametrize("shared", [True, False], ids=["one-head", "a-head-each"])
def test_gradients_are_those_of_plain_torch(shared, dtype, error):
    vertices, clip, index = scene(3, dtype)
    inputs = [clip.requires_grad_(), (vertices[:1] if shared else vertices).clone().requires_grad_()]
    seen = hits(clip, FACES, index)
    weights = torch.randn(len(seen.pixel), 3, dtype=dtype)
    ours = (seen.interpolate(vertex_normals(inputs[1], FACES), FACES) * weights).sum()
    shares = reference.weights(clip, FACES, index)
    plain = (reference.blend(reference.normals(inputs[1], FACES), shares, FACES, index) * weights).sum()
    for mine, theirs in zip(*(torch.autograd.grad(value, inputs) for value in (ours, plain)), strict=True):
        assert (mine - theirs).norm() <= error * theirs.norm()


@pytest.mark.parametrize("threads", [1, 3, 64])
def test_the_number_of_threads_changes_no_gradient(monkeypatch, threads):
    def gradients() -> tuple[torch.Tensor, ...]:
        torch.manual_seed(0)
        vertices, clip, index = scene(2, torch.float32, (260, 30))
        inputs = [clip.requires_grad_(), vertices[:1].clone().requires_grad_()]
        blended = hits(clip, FACES, index).interpolate(vertex_normals(inputs[1], FACES), FACES)
        return torch.autograd.grad((blended * torch.rand_like(blended)).sum(), inputs)

    expected = gradients()
    monkeypatch.setattr(kernels.os, "cpu_count", lambda: threads)
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(gradients(), expected, strict=True))


def test_a_triangle_seen_edge_on_has_numbers_for_weights():
    """The coverage test rounds otherwise than the weights do: what it lets through must not become NaN."""
    clip = torch.tensor([[[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0]]], requires_grad=True)
    seen = hits(clip, torch.tensor([[0, 1, 2]], dtype=torch.int32), torch.zeros(1, 2, 2, dtype=torch.int32))
    assert seen.barycentrics.tolist() == [[1.0, 0.0, 0.0]] * 4
    (gradient,) = torch.autograd.grad(seen.barycentrics.sum(), clip)
    assert (gradient == 0).all()


def test_nothing_seen_asks_for_nothing():
    vertices, clip, index = scene(2, torch.float32)
    inputs = [clip.requires_grad_(), vertices.requires_grad_()]
    seen = hits(clip, FACES, torch.full_like(index, -1))
    blended = seen.interpolate(vertices, FACES)
    assert blended.shape == (0, 3)
    assert all((gradient == 0).all() for gradient in torch.autograd.grad(blended.sum(), inputs))


@given(st.integers(0, 10_000), st.sampled_from([(24, 24), (17, 31)]))
@settings(max_examples=20)
def test_the_plain_rasteriser_sees_what_the_kernel_sees(seed, size):
    generator = torch.Generator().manual_seed(seed)
    w = 0.3 + 2 * torch.rand(2, 30, 1, generator=generator)
    clip = torch.cat([(2.4 * torch.rand(2, 30, 3, generator=generator) - 1.2) * w, w], dim=2)
    faces = torch.arange(30, dtype=torch.int32).view(10, 3)
    differ = visible(clip, faces, size) != reference.visible(clip, faces, size)
    assert differ.float().mean() < 2e-3  # where two are equally near to the last bits


def test_the_plain_rasteriser_sees_the_toy_as_the_kernel_does(monkeypatch):
    _, clip, index = scene(3, torch.float32, (90, 70))
    monkeypatch.setattr(reference, "AT_ONCE", 1000)
    differ = reference.visible(clip, FACES, (90, 70)) != index
    assert differ.sum() <= 3


@pytest.mark.gpu
def test_nvdiffrast_sees_what_the_kernel_sees():
    from backend.render import nvidia

    if not nvidia.available():
        pytest.skip("nvdiffrast is not installed")
    _, clip, _ = scene(3, torch.float32, (88, 72))
    clip, faces = clip.cuda(), FACES.cuda()
    assert (nvidia.visible(clip, faces, (88, 72)) != visible(clip, faces, (88, 72))).float().mean() < 2e-3
