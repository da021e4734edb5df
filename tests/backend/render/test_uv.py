import pytest
import torch
from hypothesis import given, settings, strategies as st

from backend.render.picture import Surface
from backend.render.uv import pad_seams, sample, unwrapped
from tests.toys import toy_topology


@pytest.fixture(scope="module")
def surface() -> Surface:
    return Surface.of(toy_topology())


def texel_centres(size: int) -> torch.Tensor:
    """(S*S, 2) uv of texel centres, row by row from the top."""
    step = (torch.arange(size) + 0.5) / size
    row, column = torch.meshgrid(1 - step, step, indexing="ij")
    return torch.stack([column, row], dim=2).view(-1, 2)


def unfold(surface: Surface, values: torch.Tensor, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    return unwrapped(values, surface.uvs, surface.faces, surface.uv_faces, size)


@given(st.integers(1, 9), st.integers(0, 100))
@settings(max_examples=20)
def test_a_look_up_at_a_texels_centre_gives_the_texel(size, seed):
    texture = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(seed))
    found = sample(texture, texel_centres(size), torch.zeros(size * size, dtype=torch.int64))
    torch.testing.assert_close(found.T.view(3, size, size), texture[0])


def test_uv_starts_at_the_bottom_left_and_ends_at_the_border():
    texture = torch.tensor([[1.0, 2.0], [3.0, 4.0]])[None, None]
    uv = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.5, 0.5], [-3.0, 7.0]])
    found = sample(texture, uv, torch.zeros(len(uv), dtype=torch.int64))
    assert found[:, 0].tolist() == pytest.approx([3, 4, 1, 2, 2.5, 1])


def test_each_picture_looks_into_its_own_texture():
    textures, uv = torch.rand(3, 2, 8, 8), torch.rand(50, 2)
    picture = torch.randint(3, (50,))
    found = sample(textures, uv, picture)
    for number in range(3):
        mine = picture == number
        torch.testing.assert_close(found[mine], sample(textures[number : number + 1], uv[mine], picture[mine]))


@pytest.mark.parametrize("count", [1, 2])
def test_look_ups_have_the_gradient_of_finite_differences(count):
    texture = torch.rand(count, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    uv = torch.rand(6, 2, dtype=torch.float64, requires_grad=True)
    picture = torch.tensor([0, 1, 0, 1, 1, 0]) % count
    assert torch.autograd.gradcheck(lambda *given: sample(*given, picture), (texture, uv))


def test_what_is_linear_in_uv_is_unwrapped_exactly(surface):
    """Corner by corner, so that a value may differ on the two sides of the seam."""
    size, flat = 64, surface.uvs * torch.tensor([2.0, -3.0]) + 0.5
    drawn, covered = unwrapped(flat, surface.uvs, surface.uv_faces, surface.uv_faces, size)
    expected = (texel_centres(size) * torch.tensor([2.0, -3.0]) + 0.5).T.view(2, size, size)
    torch.testing.assert_close(drawn[:, covered], expected[:, covered], atol=1e-4, rtol=0)
    assert (drawn[:, ~covered] == 0).all()
    assert covered.float().mean().item() == pytest.approx(0.9, abs=0.02)


def test_look_ups_invert_unwrapping(surface):
    rest = torch.from_numpy(toy_topology().rest)
    drawn, covered = unfold(surface, rest, 512)
    texture = pad_seams(drawn, covered, 3)[None]
    corners = surface.uv_faces.long()
    middle = surface.uvs[corners].mean(1)
    found = sample(texture, middle, torch.zeros(len(middle), dtype=torch.int64))
    torch.testing.assert_close(found, rest[surface.faces.long()].mean(1), atol=4e-3, rtol=0)


def test_padding_leaves_covered_texels_and_grows_by_one_texel_a_round():
    texture, covered = torch.rand(3, 15, 15), torch.zeros(15, 15, dtype=torch.bool)
    covered[7, 7] = True
    for rounds in range(4):
        padded = pad_seams(texture, covered, rounds)
        reach = slice(7 - rounds, 8 + rounds)
        assert torch.equal(padded[:, 7, 7], texture[:, 7, 7])
        inside = torch.zeros_like(covered)
        inside[reach, reach] = True
        expected = texture[:, 7, 7, None].expand(3, int(inside.sum()))
        torch.testing.assert_close(padded[:, inside], expected)
        assert torch.equal(padded[:, ~inside], texture[:, ~inside])


@given(st.integers(0, 1000), st.integers(0, 6))
@settings(max_examples=20)
def test_padding_changes_no_covered_texel_and_stays_between_their_values(seed, rounds):
    generator = torch.Generator().manual_seed(seed)
    texture = torch.rand(2, 12, 12, generator=generator)
    covered = torch.rand(12, 12, generator=generator) < 0.2
    covered[0, 0] = True
    padded = pad_seams(texture, covered, rounds)
    assert torch.equal(padded[:, covered], texture[:, covered])
    grown = torch.nn.functional.max_pool2d(covered[None].float(), 2 * rounds + 1, 1, rounds)[0] > 0
    for channel, known in zip(padded, texture, strict=True):
        assert channel[grown].min() >= known[covered].min() - 1e-5
        assert channel[grown].max() <= known[covered].max() + 1e-5
