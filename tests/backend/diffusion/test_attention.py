"""Recorded cross-attention: of which layers and words, without touching the answer, and onto the right texels."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from diffusers.models.attention_processor import Attention
from torch import Tensor

from backend.diffusion.attention import (
    recording,
    released_relevance,
    relevance,
    resolutions,
    stretched,
    tokens_of,
)
from backend.errors import UnknownWords
from backend.render.camera import Cameras
from backend.render.light import display_light
from backend.render.picture import Surface, look
from backend.render.projection import unproject
from backend.render.uv import unwrapped
from tests.tiny_diffusion import tiny_diffusion
from tests.toys import toy_topology

SD15 = {
    "sample_size": 64,
    "layers_per_block": 2,
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
    "mid_block_type": "UNetMidBlock2DCrossAttn",
}


class Looking(torch.nn.Module):
    """A network that is one cross-attention layer: latents of channel k look at texts of channel k."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = Attention(query_dim=4, cross_attention_dim=4, heads=1, dim_head=4, bias=False)
        self.layer.load_state_dict({f"to_{part}.weight": 8 * torch.eye(4) for part in "qk"}, strict=False)
        self.dtype = torch.float32

    def forward(self, noisy: Tensor, timestep: Tensor, encoder_hidden_states: Tensor) -> SimpleNamespace:
        hidden = noisy[:, :4].flatten(2).transpose(1, 2)
        answer = self.layer(hidden, encoder_hidden_states=encoder_hidden_states)
        return SimpleNamespace(sample=answer.transpose(1, 2).reshape(noisy[:, :4].shape))


def test_recording_changes_no_bit_of_the_answer():
    model, latents = tiny_diffusion(), torch.randn(2, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    text, step = model.encode_text(["red lips", ""]), torch.tensor([400, 100])
    plain = model.predict_noise(latents, step, text)
    with recording(model, (1, 2), (4,)) as recorder:
        listened = model.predict_noise(latents, step, text)
        again = recorder.maps(4)
        model.predict_noise(latents, step, text)
    assert (plain == listened).all()
    assert recorder.maps(4).shape == (2, 2, 4, 4)
    assert (recorder.maps(4) == again).all()  # the last call alone counts
    model.predict_noise(latents.flip(0), step, text)
    assert (recorder.maps(4) == again).all()  # nobody listens any more


def test_the_shares_of_all_tokens_sum_to_one():
    model, latents = tiny_diffusion(), torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    text = model.encode_text(["red lips"])
    with recording(model, range(text.shape[1]), (4,)) as recorder:
        model.predict_noise(latents, torch.tensor([400]), text)
    assert recorder.maps(4).sum(1) == pytest.approx(torch.ones(1, 4, 4).numpy(), abs=1e-5)
    assert recorder.count(4) == resolutions(model)[4]
    with pytest.raises(KeyError, match="no cross-attention at 16"):
        recorder.maps()


def test_stable_diffusion_has_five_layers_where_they_are_read():
    fake = replace(tiny_diffusion(), unet=SimpleNamespace(config=SD15))
    assert resolutions(fake) == {64: 5, 32: 5, 16: 5, 8: 1}
    mixed = SD15 | {"layers_per_block": [1, 2, 3, 2], "mid_block_type": None}
    assert resolutions(replace(fake, unet=SimpleNamespace(config=mixed))) == {64: 3, 32: 5, 16: 7}


def test_the_empty_prompts_map_is_taken_away_and_the_other_branch_never_counts():
    told, empty, other = torch.rand(3, 2, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    told = empty + torch.tensor([0.25, -0.5]).view(1, 2, 1, 1)
    maps = torch.stack([told, empty, other]).flatten(0, 1)
    assert relevance(maps).abs().max() == 0  # -0.25 in sum: less than nothing is nothing
    assert relevance(torch.stack([told + 0.5, empty, other]).flatten(0, 1)) == pytest.approx(
        torch.full((2, 4, 4), 0.75).numpy(), abs=1e-6
    )
    first = torch.stack([told, empty, other])[:, :, 0].mean(0)
    assert released_relevance(maps) == pytest.approx((100 * first).numpy(), rel=1e-5)
    drawn = stretched(first)
    assert (drawn.amin((1, 2)) == 0).all()
    assert drawn.amax((1, 2)) == pytest.approx(torch.ones(2).numpy())


def test_phrases_are_found_as_all_their_tokens():
    model = tiny_diffusion()
    assert tokens_of(model, "red lips", "red") == (1,)
    assert tokens_of(model, "red lips", "lips", "red") == (1, 2)
    assert tokens_of(model, "red ox lips", "ox") == (2, 3)  # spelt, letter by letter
    assert tokens_of(model, "red lips red", "red") == (1, 3)
    with pytest.raises(UnknownWords, match="'nose' is not in 'red lips'"):
        tokens_of(model, "red lips", "nose")


def test_attention_lands_on_the_texels_of_what_is_looked_at():
    topology, size, picture = toy_topology(), 64, 64
    surface, vertices = Surface.of(topology), torch.from_numpy(topology.rest)[None]
    chin = torch.from_numpy(topology.region("chin"))[:, None]
    drawn, covered = unwrapped(chin, surface.uvs, surface.faces, surface.uv_faces, size)
    cameras = Cameras(torch.tensor([0.0, 25.0]), torch.tensor([-20.0, -20.0]))
    scene = look(surface, vertices, cameras, display_light().expand(2, -1), picture)
    shown = torch.nn.functional.avg_pool2d(scene.unlit((drawn > 0.5)[None].float()), 4)
    latents = torch.cat([shown, 1 - shown, torch.zeros(2, 2, 16, 16)], dim=1)
    told, empty = torch.eye(4)[[1, 0, 1]], torch.eye(4)[[1, 2, 1]]  # token 1 means what the chin is painted with
    model = replace(tiny_diffusion(), unet=Looking())
    with recording(model, (1,)) as recorder:
        model.predict_each(latents.expand(2, -1, -1, -1, -1), torch.tensor([500, 500]), torch.stack([told, empty]))
    found = unproject(relevance(recorder.maps(), 2)[:, None], surface, vertices, cameras, size)
    values, weights = found.mean()
    seen = (weights[0, 0] > 0.3) & covered
    inside, outside = (drawn[0] > 0.8) & seen, (drawn[0] < 0.1) & seen
    assert inside.sum() > 30
    assert values[0, 0][inside].median() > 0.5  # of 2/3; 16 latents a side blur a chin
    assert values[0, 0][outside].quantile(0.9) < 0.1
    assert (values[0, 0][seen] > 1 / 3).sum() < 1.5 * (drawn[0][seen] > 0.5).sum()
