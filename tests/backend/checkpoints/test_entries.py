"""The registry as it is shipped: complete, honest about what nobody checked, and the same as its page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.checkpoints import components, expand, family_state, filling, known, offers, registry, rows
from backend.checkpoints.entries import FILE, SAFE
from backend.checkpoints.table import markdown
from backend.errors import CheckpointInvalid, CheckpointMissing, CheckpointUnknown
from tests.backend.checkpoints.conftest import entry

PAGE = Path(__file__).parents[3] / "docs" / "checkpoints.md"


@pytest.fixture(autouse=True)
def _home(home: Path) -> None:
    pass


def test_every_entry_says_where_from_under_which_licence_and_whom_to_thank():
    for one in known().values():
        assert one.licences, one.name
        assert one.attribution, one.name
        assert one.kind == "embedded" or one.sources, one.name
        assert one.by_hand or one.kind == "embedded" or one.files, one.name
        assert one.kind != "head" or one.takes, one.name


def test_a_family_does_without_its_extras_but_offers_them_where_they_are(tmp_path):
    assert family_state("starter") == "installed"
    folders = registry()["families"]["full"]["extras"]["depth-control"].values()
    assert not offers("full", "depth-control", tmp_path)
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    assert offers("full", "depth-control", tmp_path)
    assert family_state("full", tmp_path) == "absent"  # it has no network that edits
    assert [one.name for one in filling("full", "depth-control")] == ["stable-diffusion-1.5", "controlnet-depth-1.5"]
    assert not offers("full", "no-such-role", tmp_path)


def test_what_nobody_checked_is_null_and_says_so():
    files = [file for one in registry()["checkpoints"].values() for file in one["files"]]
    assert files
    for file in files:
        whole = isinstance(file["size"], int) and len(file["sha256"] or "") == 64
        assert file["checked"] == whole
        assert whole or (file["size"], file["sha256"]) == (None, None)


def test_networks_consist_of_nothing_that_can_run_code():
    assert {Path(file.path).suffix for one in known().values() for file in one.files} <= set(SAFE)


def test_the_page_of_checkpoints_is_made_from_the_registry():
    page = PAGE.read_text(encoding="utf-8")
    assert markdown() in page, "python3 -m backend checkpoints list --markdown"


def test_what_is_known_covers_what_the_method_needs():
    roles = {one.role.split(":")[0] for one in known().values()}
    assert {"text-to-image", "depth-control", "instruct-edit", "texture-prior", "picture-prompt", "head"} <= roles


def test_selling_is_allowed_only_where_every_licence_says_so(register):
    register(
        both=entry(licences=["MIT", "Apache-2.0"]),
        unsaid=entry(licences=["MIT", "other"]),
        no=entry(licences=["other", "flame"]),
    )
    assert [known()[name].commercial for name in ("both", "unsaid", "no")] == [True, None, False]
    shown = {row["name"] for row in rows(for_sale=True)}
    assert "both" in shown
    assert not shown & {"unsaid", "no", "flame", "hifi3d", "faceg2e-texture-rgb"}


def test_a_family_stands_for_its_checkpoints():
    assert [one.name for one in expand(["full", "ict"])] == ["stable-diffusion-1.5", "instruct-pix2pix", "ict"]
    with pytest.raises(CheckpointUnknown, match="'dall-e'"):
        expand(["dall-e"])
    assert (family_state("starter"), family_state("full")) == ("installed", "absent")
    with pytest.raises(CheckpointMissing) as caught:
        components("full", "text-to-image")
    assert "checkpoints fetch stable-diffusion-1.5" in caught.value.advice


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"files": [{"path": "../a.json", "size": None, "sha256": None}]}, "leads out"),
        ({"files": [{"path": "/a.json", "size": None, "sha256": None}]}, "leads out"),
        ({"files": [{"path": "C:a.json", "size": None, "sha256": None}]}, "leads out"),
        ({"files": [{"path": "a.bin", "size": None, "sha256": None}]}, "none of .safetensors"),
        ({"files": [{"path": "a.json"}]}, "size"),
        ({"licences": ["mine"]}, "mine"),
    ],
)
def test_an_entry_that_cannot_be_used_is_refused_by_name(register, changes, said):
    with pytest.raises(CheckpointInvalid, match=said):
        register(network=entry(**changes))


@pytest.mark.parametrize("text", ["{", "[]", '"a"'])
def test_a_registry_that_is_none_is_refused_by_name(home, text):
    (home / "registry.json").write_text(text)
    with pytest.raises(CheckpointInvalid, match="is no registry"):
        known()


def test_the_registry_is_written_in_one_way():
    assert json.loads(FILE.read_text(encoding="utf-8"))["schema"] == 2
