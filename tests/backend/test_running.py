"""Runs of jobs: with other settings, broken off and gone on with, and ended by what is no number."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from backend import errors, jobs
from backend.diffusion.model import Diffusion
from backend.face import saved
from backend.settings import RECOMMENDED
from backend.stages import journal
from backend.stages.geometry import within

BRIEF = {"geometry.steps": 4, "texture.steps": 4, "edit_texture.steps": 3, "edit_geometry.steps": 3}
QUIET = {"emit": lambda event: None, "cancelled": lambda: False}
PROMPT = "an old man with a long nose"


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("faces") / "one"
    jobs.generate(prompt=PROMPT, out=out, seed=3, settings=BRIEF, **QUIET)
    return out


def same(a: Path, b: Path) -> bool:
    return all((a / name).read_bytes() == (b / name).read_bytes() for name in ("mesh.npz", "albedo.png"))


def test_a_run_leaves_the_face_alone_behind(face: Path):
    assert [path.name for path in face.parent.iterdir()] == ["one"]


def test_a_faces_settings_repeat_it(face: Path, tmp_path: Path):
    jobs.generate(prompt=PROMPT, out=tmp_path / "two", seed=3, repeat=face / "face.json", **QUIET)
    assert same(face, tmp_path / "two")


@pytest.mark.parametrize("name", ["released", "paper"])
def test_faceg2es_presets_make_and_edit_faces(name: str, tmp_path: Path):
    made = {"preset": name, "settings": {**BRIEF, "texture.latent_steps": 2}}
    jobs.generate(prompt=PROMPT, out=tmp_path / "a", **made, **QUIET)
    loaded = saved.load(tmp_path / "a")
    assert (loaded.preset, loaded.settings["geometry"]["guidance_scale"]) == (name, 101.0)
    jobs.edit(face=tmp_path / "a", instruction="give him a longer nose", out=tmp_path / "b", **made, **QUIET)
    assert json.loads((tmp_path / "b" / "face.json").read_text())["settings"]["name"] == name


@pytest.mark.parametrize("at", ["shape", "texture"])
def test_a_killed_run_goes_on_and_makes_the_same_face(face: Path, tmp_path: Path, monkeypatch, at: str):
    monkeypatch.setattr(journal, "INTERVAL_S", 0.0)
    out = tmp_path / "face"

    def killing(event: dict) -> None:
        if event["type"] == "progress" and (event["phase"], event["step"]) == (at, 3):
            raise KeyboardInterrupt

    asked = {"prompt": PROMPT, "out": out, "seed": 3, "settings": BRIEF}
    with pytest.raises(KeyboardInterrupt):
        jobs.generate(**asked, emit=killing, cancelled=lambda: False)
    steps: list[tuple[str, int]] = []

    def noting(event: dict) -> None:
        steps.append((event["phase"], event["step"]))

    with pytest.raises(errors.UsageError, match="something else"):
        jobs.generate(**{**asked, "prompt": "an old woman"}, resume=True, **QUIET)
    jobs.generate(**asked, resume=True, emit=noting, cancelled=lambda: False)
    assert (at, 1) not in steps
    assert same(face, out)
    assert [path.name for path in tmp_path.iterdir()] == ["face"]


def test_there_must_be_something_to_resume(tmp_path: Path):
    with pytest.raises(errors.UsageError, match=r"no run of .* was broken off"):
        jobs.generate(prompt=PROMPT, out=tmp_path / "face", settings=BRIEF, resume=True, **QUIET)
    assert not list(tmp_path.iterdir())


def test_a_network_that_leaves_the_numbers_ends_with_the_last_good_face(tmp_path: Path, monkeypatch):
    calls, whole = [], Diffusion.predict_noise

    def failing(self: Diffusion, *given: object, **named: object) -> torch.Tensor:
        calls.append(1)
        return whole(self, *given, **named) * (float("nan") if len(calls) > 8 else 1.0)

    monkeypatch.setattr(Diffusion, "predict_noise", failing)
    result = jobs.generate(
        prompt=PROMPT, out=tmp_path / "face", stage="geometry", settings={"geometry.steps": 9}, **QUIET
    )
    assert "shape: the loss became nan at step" in result["ended_early"][0]
    loaded = saved.load(tmp_path / "face")
    assert np.isfinite(loaded.base_vertices).all()
    assert (loaded.identity != 0).any()
    assert loaded.metrics["ended_early"] == result["ended_early"]


def test_states_and_pictures_are_kept_beside_the_face(tmp_path: Path):
    every = {"geometry.save_every": 2, "texture.save_every": 3}
    shown: list[Path] = []

    def emit(event: dict) -> None:
        if event["type"] == "preview":
            shown.append(Path(event["file"]))
            assert shown[-1].is_file()

    jobs.generate(
        prompt=PROMPT, out=tmp_path / "a", settings=BRIEF | every, previews=True, emit=emit, cancelled=lambda: False
    )
    kept = sorted(path.name for path in (tmp_path / "a.steps").iterdir())
    names = ["shape-0002", "shape-0004", "texture-0003", "texture-0004"]
    assert kept == sorted(f"{name}.{kind}" for name in names for kind in ("npz", "png"))
    assert shown
    with np.load(tmp_path / "a.steps" / "shape-0004.npz") as state:
        found = within(torch.from_numpy(state["parameter0"]), RECOMMENDED.geometry.reach)
    assert np.array_equal(found[0].numpy(), saved.load(tmp_path / "a").identity)


@pytest.mark.parametrize("size", [512, 2048])
def test_a_texture_is_made_as_large_as_asked_and_leaves_every_vertex_alone(face: Path, tmp_path: Path, size: int):
    asked = {"stage": "texture", "parent": face, "settings": {"texture.steps": 2, "texture.size": size}}
    jobs.generate(prompt="green skin", out=tmp_path / "two", **asked, **QUIET)
    made, old = saved.load(tmp_path / "two"), saved.load(face)
    assert made.base_albedo.shape == (size, size, 3)
    assert np.array_equal(made.base_vertices, old.base_vertices)
