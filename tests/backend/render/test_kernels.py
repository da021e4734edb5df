import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from backend.render import kernels
from backend.render.kernels import visible

ONE = torch.tensor([[0, 1, 2]], dtype=torch.int32)
FULL = torch.tensor([[-1.0, -1.0, 0.0, 1.0], [3.0, -1.0, 0.0, 1.0], [-1.0, 3.0, 0.0, 1.0]])  # covers the picture


def soup(seed: int, triangles: int, lowest_w: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Triangles that share corners at random; below 0, `lowest_w` puts corners behind the eye."""
    generator = torch.Generator().manual_seed(seed)
    corners = triangles + 2
    w = lowest_w + (3 - lowest_w) * torch.rand(corners, 1, generator=generator)
    place = 2.4 * torch.rand(corners, 3, generator=generator) - 1.2
    faces = torch.stack([torch.randperm(corners, generator=generator)[:3] for _ in range(triangles)])
    return torch.cat([place * w.abs(), w], dim=1), faces.int()


def brute_force(clip: torch.Tensor, faces: torch.Tensor, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """In float64, pixel by pixel and triangle by triangle: what is seen, and where that is no close call.

    A pixel's ray meets a triangle in the point Σ λ_i corner_i whose (x, y, w) is (ray_x, ray_y, 1) w, λ ≥ 0.
    """
    height, width = size
    y, x = np.mgrid[0:height, 0:width]
    rays = np.stack([(x + 0.5) * 2 / width - 1, 1 - (y + 0.5) * 2 / height, np.ones(size)], axis=-1)
    nearest, seen, clear = np.full(size, 2.0), np.full(size, -1), np.ones(size, bool)
    for number, face in enumerate(faces.numpy()):
        corners = clip.numpy().astype(np.float64)[face]
        projected = corners[:, [0, 1, 3]].T
        slack = 1e-6 * np.linalg.cond(projected)
        amount = np.einsum("ij,hwj->hwi", np.linalg.inv(projected), rays)
        share = amount / np.abs(amount).sum(axis=-1, keepdims=True)
        depth = amount @ corners[:, 2]
        inside = (share >= 0).all(axis=-1) & (np.abs(depth) <= 1)
        close = (share > -slack).all(axis=-1) & (np.abs(depth) < 1 + slack) & (depth < nearest + slack)
        doubtful = (share < slack).any(axis=-1) | (np.abs(np.abs(depth) - 1) < slack)
        clear &= ~(close & (doubtful | (np.abs(depth - nearest) < slack)))
        seen = np.where(inside & (depth < nearest), number, seen)
        nearest = np.where(inside, np.minimum(depth, nearest), nearest)
    return seen, clear


@given(st.integers(0, 10_000), st.sampled_from([0.3, 0.02, -1.5]), st.sampled_from([(24, 24), (17, 31)]))
@settings(max_examples=60)
def test_triangle_soups_look_as_by_brute_force(seed, lowest_w, size):
    clip, faces = soup(seed, 12, lowest_w)
    expected, clear = brute_force(clip, faces, size)
    found = visible(clip[None], faces, size)[0].numpy()
    assert clear.mean() > 0.6
    assert np.array_equal(found[clear], expected[clear])


def test_of_a_hundred_thousand_pixels_none_differs_from_brute_force():
    """Large, small and thin triangles, before, behind and through the plane of the eye."""
    pixels, wrong = 0, 0
    for seed, lowest_w in itertools.product(range(4), (0.5, 0.02, -1.5)):
        clip, faces = soup(seed, 40, lowest_w)
        middle = clip[faces[::2].long()].mean(1, keepdim=True)
        small = middle + (clip[faces[::2].long()] - middle) * torch.tensor([0.1, 0.02 + 0.08 * (seed % 2), 0.1, 0.1])
        clip = torch.cat([clip, small.flatten(0, 1)])
        faces = torch.cat([faces[1::2], 42 + torch.arange(60).view(20, 3).int()])
        expected, clear = brute_force(clip, faces, (120, 100))
        found = visible(clip[None], faces, (120, 100))[0].numpy()
        pixels, wrong = pixels + clear.sum(), wrong + (found[clear] != expected[clear]).sum()
    assert pixels > 100_000
    assert wrong == 0


def test_a_triangle_through_the_eye_plane_is_cut_there():
    """A floor under the eye that reaches behind it: seen below the horizon, nowhere else."""
    corners = [(-50.0, 20.0), (50.0, 20.0), (0.0, -20.0)]  # x and distance, at one unit below the eye
    clip = torch.tensor([[[x, -1.0, 0.9 * far, far] for x, far in corners]])
    seen = visible(clip, ONE, (16, 16))[0]
    assert (seen[:8] == -1).all()
    assert (seen[10:] == 0).all()


def jittered_grid(cells: int, step: float, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Triangles that tile beyond the picture without overlap; corners jump in steps of `step`, diagonals at random."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : cells + 2, -1 : cells + 2].astype(np.float64)
    jitter = generator.uniform(-0.15, 0.15, (2, *x.shape)) * 2 / cells
    places = np.stack([x * 2 / cells - 1, y * 2 / cells - 1]) + jitter
    places = (np.round(places / step) * step).reshape(2, -1).T
    number = generator.permutation(len(places))
    corners = np.zeros((len(places), 4), np.float32)
    corners[number] = np.c_[places, np.zeros(len(places)), np.ones(len(places))]
    grid = number.reshape(cells + 3, cells + 3)
    faces = []
    for row, column in itertools.product(range(cells + 2), repeat=2):
        a, b, c, d = grid[row, column], grid[row, column + 1], grid[row + 1, column + 1], grid[row + 1, column]
        faces += [(a, b, c), (a, c, d)] if generator.random() < 0.5 else [(a, b, d), (b, c, d)]
    return torch.from_numpy(corners), torch.tensor(np.array(faces), dtype=torch.int32)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("step", [1e-6, 1 / 16], ids=["anywhere", "through-pixel-centres"])
def test_every_pixel_belongs_to_exactly_one_triangle_of_a_tiling(step, seed):
    clip, faces = jittered_grid(5, step, seed)
    takers = sum((visible(clip[None], face[None], (16, 16)) == 0).int() for face in faces)
    assert (takers == 1).all()


@pytest.mark.parametrize("seed", range(4))
def test_a_fine_tiling_has_no_holes(seed):
    clip, faces = jittered_grid(40, 1e-6, seed)
    w = 0.5 + torch.rand(len(clip), 1, generator=torch.Generator().manual_seed(seed))
    assert (visible((clip * w)[None], faces, (96, 96)) >= 0).all()


@given(st.permutations([0, 1, 2]))
def test_both_sides_of_a_triangle_are_seen(order):
    faces = torch.tensor([order], dtype=torch.int32)
    clip, _ = soup(3, 1, 0.5)
    assert torch.equal(visible(clip[None], faces, (16, 16)), visible(clip[None], ONE, (16, 16)))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("axis", range(4))
def test_a_triangle_that_is_no_number_is_left_out(value, axis):
    clip, faces = soup(1, 8, 0.5)
    without = visible(clip[None], faces[1:], (24, 24))
    spoilt = torch.cat([clip, clip[faces[0].long()]])
    spoilt[-1, axis] = value
    broken = torch.cat([torch.arange(3)[None].int() + len(clip), faces[1:]])
    found = visible(spoilt[None], broken, (24, 24))
    assert torch.equal(found, torch.where(without >= 0, without + 1, without))


@pytest.mark.parametrize("corners", [[0, 0, 1], [2, 2, 2], [0, 1, 3]], ids=["edge", "point", "line"])
def test_a_triangle_without_area_is_not_seen(corners):
    clip = torch.cat([FULL, (FULL[:1] + FULL[1:2]) / 2])
    assert (visible(clip[None], torch.tensor([corners], dtype=torch.int32), (16, 16)) == -1).all()


@pytest.mark.parametrize("w", [-1.0, 0.0])
def test_what_is_behind_the_camera_is_not_seen(w):
    clip = FULL.clone()
    clip[:, 3] = w
    assert (visible(clip[None], ONE, (8, 8)) == -1).all()


@pytest.mark.parametrize(("z", "expected"), [(-1.01, -1), (-1.0, 0), (0.3, 0), (1.0, 0), (1.01, -1)])
def test_depth_is_seen_from_the_near_plane_to_the_far_plane(z, expected):
    clip = FULL.clone()
    clip[:, 2] = z
    assert (visible(clip[None], ONE, (8, 8)) == expected).all()


def test_the_nearer_triangle_hides_the_farther_and_a_tie_goes_to_the_lower_index():
    clip = torch.cat([FULL, FULL, FULL])
    clip[3:6, 2] = -0.5
    faces = torch.arange(9, dtype=torch.int32).view(3, 3)
    assert (visible(clip[None], faces, (8, 8)) == 1).all()
    assert (visible(clip[None], faces[[0, 2]], (8, 8)) == 0).all()


def test_row_0_is_on_top_and_column_0_at_the_left():
    left_top = torch.tensor([[-1.0, 1.0, 0.0, 1.0], [-0.4, 1.0, 0.0, 1.0], [-1.0, 0.4, 0.0, 1.0]])
    seen = visible(left_top[None], ONE, (8, 8))[0] == 0
    assert seen[0, 0]
    assert not seen[3:].any()
    assert not seen[:, 3:].any()


@pytest.mark.parametrize("threads", [1, 2, 5, 64])
def test_the_number_of_threads_changes_nothing(monkeypatch, threads):
    clip, faces = soup(5, 60, -0.5)
    clips = torch.stack([clip, clip.flip(0), clip * 0.9])
    expected = visible(clips, faces, (13, 29))
    monkeypatch.setattr(kernels.os, "cpu_count", lambda: threads)
    assert torch.equal(visible(clips, faces, (13, 29)), expected)


@given(st.integers(0, 1000), st.integers(1, 4))
@settings(max_examples=20)
def test_a_batch_equals_its_pictures_one_by_one(seed, count):
    clips = torch.stack([soup(seed + number, 15, -0.5)[0] for number in range(count)])
    faces = soup(seed, 15, -0.5)[1]
    singles = torch.cat([visible(clip[None], faces, (12, 20)) for clip in clips])
    assert torch.equal(visible(clips, faces, (12, 20)), singles)


def test_no_triangle_and_no_picture_are_fine():
    assert (visible(FULL[None], ONE[:0], (4, 4)) == -1).all()
    assert visible(FULL[None][:0], ONE, (4, 4)).shape == (0, 4, 4)
