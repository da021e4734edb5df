"""Detail by crops: networks that know a texture's detail bring it back, and no crop shows where it ends."""

from dataclasses import dataclass, replace
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings, strategies as st

from backend import checkpoints
from backend.diffusion.model import Diffusion
from backend.errors import Cancelled
from backend.settings import TextureSettings
from backend.stages.optimise import Watch
from backend.stages.refining import crops, refined, window

SIZE, SIDE = 128, 64
ASKED = TextureSettings(refine_steps=2, refine_guidance_scale=1.0)
FREE = torch.zeros(32, 32, dtype=torch.bool)
TEXT = torch.zeros(2, 4, 8)
NOBODY = Watch()


@dataclass(frozen=True)
class Finding:
    """A perfect denoiser of some pictures' latents: of those it takes the nearest, and adds its own `shift`."""

    known: torch.Tensor
    alphas_cumprod: torch.Tensor
    shift: float = 0.0
    dtype: torch.dtype = torch.float32

    @property
    def config(self) -> dict[str, object]:
        return {"sample_size": SIDE // 8}

    def __call__(self, noisy: torch.Tensor, timestep: torch.Tensor, encoder_hidden_states: torch.Tensor):
        alpha = self.alphas_cumprod[timestep].view(-1, 1, 1, 1)
        apart = (noisy / alpha.sqrt())[:, None] - self.known
        clean = self.known[apart.square().flatten(2).sum(2).argmin(1)]
        clean = clean + self.shift * clean.mean((1, 2, 3), keepdim=True).sign()
        return SimpleNamespace(sample=(noisy - alpha.sqrt() * clean) / (1 - alpha).sqrt())


@pytest.fixture(scope="module")
def networks() -> Diffusion:
    return Diffusion.load(checkpoints.components("starter", "text-to-image"))


def textures() -> tuple[torch.Tensor, torch.Tensor]:
    """Skin with freckles, and the same where these are smoothed away."""
    generator = torch.Generator().manual_seed(0)
    coarse = 0.5 + 0.15 * torch.randn(1, 3, 4, 4, generator=generator)
    base = torch.nn.functional.interpolate(coarse, (SIZE, SIZE), mode="bicubic")
    spots = torch.nn.functional.interpolate(
        (torch.rand(1, 1, SIZE // 4, SIZE // 4, generator=generator) < 0.1).float(), (SIZE, SIZE), mode="bilinear"
    )
    sharp = (base - 0.3 * spots).clamp(0, 1)
    small = torch.nn.functional.interpolate(sharp, (16, 16), mode="area")
    return sharp, torch.nn.functional.interpolate(small, (SIZE, SIZE), mode="bilinear")


def knowing(networks: Diffusion, texture: torch.Tensor, shift: float = 0.0) -> Diffusion:
    """Networks that know each crop of a texture."""
    starts = crops(SIZE, SIDE, ASKED.refine_overlap, 8)
    known = torch.cat([networks.encode(texture[..., y : y + SIDE, x : x + SIDE]) for y in starts for x in starts])
    return replace(networks, unet=Finding(known, networks.alphas_cumprod, shift))


def made(networks: Diffusion, albedo: torch.Tensor, fixed: torch.Tensor = FREE, watch: Watch = NOBODY) -> torch.Tensor:
    return refined(albedo, fixed, networks, TEXT, ASKED, 0, watch)


def steps_at_borders(change: torch.Tensor) -> tuple[float, float]:
    """How far neighbours are apart at the borders of crops, the largest of their means, and elsewhere on average."""
    starts = crops(SIZE, SIDE, ASKED.refine_overlap, 8)
    borders = sorted({place for start in starts for place in (start, start + SIDE)} - {0, SIZE})
    means = [change.diff(dim=axis).abs().mean([other for other in range(4) if other != axis]) for axis in (2, 3)]
    return max(float(mean[place - 1]) for mean in means for place in borders), float(torch.cat(means).mean())


def test_known_detail_comes_back_without_a_border(networks):
    sharp, smooth = textures()
    after = made(knowing(networks, sharp), smooth)
    before, left = ((one - sharp).square().mean() for one in (smooth, after))
    assert left < 0.6 * before  # the autoencoder loses the rest
    at_borders, anywhere = steps_at_borders(after - smooth)
    assert at_borders < 1.5 * anywhere


def test_crops_that_disagree_are_blended(networks):
    """Some are drawn lighter, some darker than they are."""
    _, smooth = textures()
    change = made(knowing(networks, smooth, shift=0.5), smooth) - smooth
    at_borders, _ = steps_at_borders(change)
    assert change.abs().mean() > 0.01
    assert at_borders < 0.2 * float(change.abs().mean())


def test_who_sees_nothing_to_add_adds_nothing_and_what_is_fixed_stays(networks):
    sharp, smooth = textures()
    torch.testing.assert_close(made(knowing(networks, smooth), smooth), smooth, atol=2e-3, rtol=0)
    fixed = FREE.clone()
    fixed[5:20, 7:11] = True
    after = made(knowing(networks, sharp), smooth, fixed)
    kept = fixed.repeat_interleave(4, 0).repeat_interleave(4, 1)
    assert torch.equal(after[..., kept], smooth[..., kept])
    assert not torch.equal(after, smooth)


def test_progress_is_told_by_crop_and_it_can_be_cancelled_between_them(networks):
    _, smooth = textures()
    told = []
    watch = Watch(progress=lambda step, total: told.append((step, total)), cancelled=lambda: len(told) == 2)
    with pytest.raises(Cancelled, match="crop 3 of 9"):
        made(knowing(networks, smooth), smooth, watch=watch)
    assert told == [(1, 9), (2, 9)]


@given(st.integers(1, 16), st.integers(1, 80), st.floats(0, 0.6))
@settings(max_examples=60)
def test_crops_cover_all_and_overlap_as_asked(side, beyond, overlap):
    side, size = 8 * side, 8 * (side + beyond)
    starts = crops(size, side, overlap, 8)
    assert starts[0] == 0
    assert starts[-1] + side == size
    assert all(start % 8 == 0 for start in starts)
    steps = [after - before for before, after in pairwise(starts)]
    assert max(steps) <= side * (1 - overlap) + 8


def test_a_window_is_full_in_the_middle_and_nearly_nothing_at_its_border():
    shape = window(64, 0.25)
    assert torch.equal(shape, shape.flip(0))
    assert torch.equal(shape, shape.T)
    assert (shape[16:48, 16:48] == 1).all()
    assert 0 < shape.min() <= shape[0].max() < 0.01
