"""Cheap first results: how they are judged and chosen, and what a job tells of them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from backend import candidates, jobs
from backend.errors import UsageError
from backend.prompts import Prompt
from backend.settings import RECOMMENDED
from tests.tiny_diffusion import Knowing, tiny_diffusion

BRIEF = {f"{stage}.{name}": 2 for stage in ("geometry", "texture") for name in ("steps",)}


def test_pictures_that_show_the_words_score_higher():
    model = tiny_diffusion()
    shown, other = torch.rand(2, 1, 3, 32, 32).unbind(0)
    told = model.encode_text(["red lips"])[0]
    knows = Knowing(model.encode(shown).detach(), model.alphas_cumprod, told, spread=1.0)
    knowing = replace(model, unet=knows)
    prompt = Prompt("red lips")
    best = candidates.score(knowing, shown, prompt)
    assert best == pytest.approx(100, abs=1e-3)
    assert best > candidates.score(knowing, other, prompt) + 0.1


def test_first_results_take_fewer_and_longer_steps():
    short = candidates.hasty(RECOMMENDED)
    for stage in ("geometry", "texture"):
        before, after = getattr(RECOMMENDED, stage), getattr(short, stage)
        assert candidates.LEAST <= after.steps <= before.steps // 2
        assert after.learning_rate > before.learning_rate


@pytest.mark.parametrize("choose", ["0", "4", "worst", "-1", ""])
def test_a_candidate_that_is_not_there_is_refused(choose: str):
    with pytest.raises(UsageError, match="no candidate"):
        candidates.number_of(choose, 3)


def test_the_chosen_one_is_finished_as_its_seed_would_be(tmp_path: Path):
    quiet = {"emit": lambda event: None, "cancelled": lambda: False, "settings": BRIEF}
    words = {"prompt": "an old man", "stage": "geometry"}
    out = tmp_path / "face"
    made = jobs.generate(out=out, seed=5, candidates=2, choose="2", **words, **quiet)
    assert (made["seed"], made["finished"]) == (6, 2)
    assert [one["seed"] for one in made["candidates"]] == [5, 6]
    with Image.open(made["sheet"]) as sheet:
        assert sheet.height > 2 * candidates.SHOWN
    jobs.generate(out=tmp_path / "again", seed=6, **words, **quiet)
    assert (out / "mesh.npz").read_bytes() == (tmp_path / "again" / "mesh.npz").read_bytes()
