"""Imported, verified, removed; nothing that is pickled, damaged or incomplete comes in."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.checkpoints import Terms, bring_in, fetch, find, known, receipt, remove, state, verify
from backend.errors import CheckpointInvalid, CheckpointMissing, LicenceNotAccepted, UsageError
from tests.backend.checkpoints.conftest import FILES, entry
from tests.backend.checkpoints.local_hub import weights

TERMS = Terms()
RESEARCH = Terms(accept=("hifi3d-research-only", "flame"))


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder with all files of the network, under the names of the hub, and with another one."""
    for path, content in {**FILES, "unet/model.bin": b"pickled"}.items():
        (tmp_path / "mine" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / path).write_bytes(content)
    return tmp_path / "mine"


def test_a_folder_is_imported_without_what_does_not_belong(home, network, mine):
    held = bring_in(network, mine, TERMS)
    folder = find("network")
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == {
        "config.json",
        "unet/model.safetensors",
        "facewright.json",
    }
    assert (held["source"], state(network), verify(network)) == ("import", "installed", [])
    with pytest.raises(UsageError, match="there already"):
        bring_in(network, mine, TERMS)


def test_a_pickled_network_is_refused_by_name(home, network, mine):
    (mine / "unet/model.fp16.safetensors").unlink()
    with pytest.raises(CheckpointMissing, match=r"model\.bin is pickled"):
        bring_in(network, mine, TERMS)
    assert state(network) == "absent"


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("config.json", b"{", "no JSON"),
        ("unet/model.fp16.safetensors", b"short", "no safetensors header"),
        ("unet/model.fp16.safetensors", weights()[:-1], "bytes of tensors"),
        ("unet/model.fp16.safetensors", weights() + b"more", "bytes of tensors"),
        ("unet/model.fp16.safetensors", b"\x02" + bytes(7) + b"[]", "cannot be read"),
        ("unet/model.fp16.safetensors", b"\xff" * 100, "no safetensors header"),
    ],
)
def test_what_is_damaged_leaves_nothing(home, network, mine, path, content, said):
    (mine / path).write_bytes(content)
    with pytest.raises(CheckpointInvalid, match=said):
        bring_in(network, mine, TERMS)
    assert state(network) == "absent"
    assert not [path for path in (home / "ckpts").rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_single_file_is_no_folder(home, network, mine):
    with pytest.raises(UsageError, match="single file") as caught:
        bring_in(network, mine / "unet/model.fp16.safetensors", TERMS)
    assert "save_pretrained" in caught.value.advice
    with pytest.raises(CheckpointMissing, match="is not there"):
        bring_in(network, mine / "nowhere", TERMS)


def test_heads_are_imported_from_folder_or_file(home, tmp_path):
    place = tmp_path / "ICT-FaceKit" / "FaceXModel"
    place.mkdir(parents=True)
    for name in ("generic_neutral_mesh.obj", "vertex_indices.json", "identity000.obj", "jawOpen.obj", "notes.py"):
        (place / name).write_text("{}")
    ict = known()["ict"]
    bring_in(ict, place, TERMS)
    assert find("ict/FaceXModel/jawOpen.obj").is_file()
    assert not (find("ict") / "FaceXModel" / "notes.py").exists()
    (tmp_path / "HIFI3D++.mat").write_bytes(b"mat")
    hifi3d = known()["hifi3d"]
    with pytest.raises(LicenceNotAccepted):
        bring_in(hifi3d, tmp_path / "HIFI3D++.mat", TERMS)
    bring_in(hifi3d, tmp_path / "HIFI3D++.mat", RESEARCH)
    assert state(hifi3d) == "installed"
    with pytest.raises(CheckpointMissing, match=r"generic_model\.pkl or flame2023"):
        bring_in(known()["flame"], tmp_path, RESEARCH)


def test_a_head_put_there_by_hand_is_seen(home):
    (home / "ckpts").mkdir()
    (home / "ckpts" / "HIFI3D++.mat").touch()
    assert state(known()["hifi3d"]) == "unrecorded"
    assert state(known()["flame"]) == "absent"


def test_an_imported_head_is_where_heads_are_looked_for(home, tmp_path):
    from backend.face.heads import find_head

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "FLAME_NEUTRAL.npz").touch()
    bring_in(known()["flame"], tmp_path / "mine", RESEARCH)
    assert find_head("flame", [home / "ckpts"]) == home / "ckpts" / "flame" / "FLAME_NEUTRAL.npz"


def test_verify_names_each_fault(home, network, mine):
    bring_in(network, mine, TERMS)
    folder = find("network")
    (folder / "config.json").write_bytes(b'{"a": 2}')
    assert verify(network) == ["config.json has another hash than it came with"]
    (folder / "config.json").write_bytes(b"{}")
    (folder / "unet/model.safetensors").unlink()
    assert verify(network) == [
        "config.json has 2 bytes, expected 8",
        "unet/model.safetensors is gone",
    ]


def test_what_was_put_there_by_hand_is_looked_at_too_and_not_deleted(home, network):
    (home / "ckpts" / "network").mkdir(parents=True)
    (home / "ckpts" / "network" / "model.safetensors").write_bytes(b"")
    assert verify(network) == ["model.safetensors is damaged: no safetensors header"]
    with pytest.raises(UsageError, match="by hand"):
        remove(network)


def test_the_embedded_networks_are_whole_and_stay():
    starter = known()["starter"]
    assert verify(starter) == []
    with pytest.raises(UsageError, match="part of Facewright"):
        remove(starter)


def test_removed_is_gone_with_what_a_fetch_left(home, network, hub, terms):
    fetch(network, terms, lambda event: None)
    (home / "ckpts" / ".network.part").mkdir()
    (home / "ckpts" / ".network.part" / ".abc.part").write_bytes(b"12345")
    assert remove(network) > len(FILES["unet/model.fp16.safetensors"])
    assert (state(network), receipt("network")) == ("absent", None)
    assert [path.name for path in (home / "ckpts").iterdir()] == [".network.lock"]
    with pytest.raises(CheckpointMissing):
        remove(network)


def test_an_import_leaves_nothing_of_an_earlier_fetch(home, network, mine):
    (home / "ckpts" / ".network.part").mkdir(parents=True)
    (home / "ckpts" / ".network.part" / ".abc.part").write_bytes(b"12345")
    bring_in(network, mine, TERMS)
    assert not list(find("network").glob(".*"))


def test_a_registry_of_the_users_adds_to_ours(register):
    mine = register(network=entry(), starter=entry(title="Mine"))
    assert mine.title == "A network"
    assert known()["starter"].title == "Mine"
    assert "stable-diffusion-1.5" in known()
