"""Families as data: which one a run takes, and that nobody else knows their names."""

import ast
from pathlib import Path

import pytest

from backend.checkpoints import PROFILES, choose, family_state, registry
from backend.errors import CheckpointMissing, CheckpointUnknown
from backend.prompts import VIEWS
from backend.settings import RECOMMENDED, changed

BACKEND = Path(__file__).parents[3] / "backend"
ROOMS_THAT_KNOW = ("checkpoints", "settings", "language", "training")  # training makes the starter family
OTHERS = {"commandline.py", "evaluation/items.py", "evaluation/evaluating.py"}  # sets of items have names of families
OTHERS |= {"evaluation/presets.py"}  # the full method, beside ablations


def install(base: Path, *checkpoints: str) -> None:
    """Empty folders where the parts of whole checkpoints would lie."""
    for checkpoint in checkpoints:
        for part in ("tokenizer", "text_encoder", "vae", "unet", "scheduler"):
            (base / checkpoint / part).mkdir(parents=True)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_a_profile_is_complete_and_changes_only_what_there_is(profile):
    assert set(profile.styles) == {"geometry", "texture"}
    assert set(profile.views) | set(profile.negatives) <= set(VIEWS)
    assert profile.name in registry()["families"]
    changed(RECOMMENDED, profile.settings)


def test_auto_takes_the_full_family_where_it_is_and_fits(tmp_path):
    assert choose("auto", 80_000.0, tmp_path)[0].name == "starter"
    install(tmp_path, "stable-diffusion-1.5", "instruct-pix2pix")
    assert family_state("full", tmp_path) == "installed"
    assert choose("auto", 80_000.0, tmp_path)[0].name == "full"
    for free, why in ((None, "needs a graphics card"), (2_000.0, "2000 MB free")):
        profile, said = choose("auto", free, tmp_path)
        assert profile.name == "starter"
        assert why in said


def test_a_named_family_must_be_there(tmp_path):
    assert choose("starter", None, tmp_path)[0].name == "starter"
    with pytest.raises(CheckpointMissing, match="stable-diffusion") as caught:
        choose("full", 80_000.0, tmp_path)
    assert "checkpoints fetch stable-diffusion-1.5" in caught.value.advice
    install(tmp_path, "stable-diffusion-1.5")
    with pytest.raises(CheckpointMissing, match="instruct-pix2pix"):
        choose("full", 80_000.0, tmp_path)
    with pytest.raises(CheckpointUnknown, match="'medium'"):
        choose("medium", None, tmp_path)


def test_another_stable_diffusion_stands_in_where_it_lies(tmp_path):
    install(tmp_path, "stable-diffusion-2.1-base", "instruct-pix2pix")
    assert choose("full", None, tmp_path)[0].name == "full"


def test_nobody_else_knows_a_familys_name():
    for path in sorted(BACKEND.rglob("*.py")):
        relative = path.relative_to(BACKEND).as_posix()
        if relative.startswith(ROOMS_THAT_KNOW) or relative in OTHERS:
            continue
        constants = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant)]
        named = [f"{relative}:{node.lineno}" for node in constants if node.value in PROFILES]
        assert not named
