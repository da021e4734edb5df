"""An empty home with a registry of one small network, and a hub that has it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.checkpoints import Checkpoint, Terms, known
from backend.checkpoints.hub import Hub
from tests.backend.checkpoints.local_hub import REPOSITORY, LocalHub, serving, weights

FILES = {"config.json": b'{"a": 1}', "unet/model.fp16.safetensors": weights()}


def entry(**changes: object) -> dict[str, object]:
    files = [
        {"path": "config.json", "size": None, "sha256": None},
        {
            "path": "unet/model.safetensors",
            "from": ["unet/model.fp16.safetensors", "unet/model.safetensors"],
            "size": None,
            "sha256": None,
        },
    ]
    return {
        "title": "A network",
        "role": "test",
        "sources": [{"hub": REPOSITORY}],
        "files": files,
        "licences": ["Apache-2.0"],
        "gated": False,
        "attribution": "someone",
        "about_mb": 1,
        "weights_mb": 1,
        **changes,
    }


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACEWRIGHT_HOME", str(tmp_path / "home"))
    ours, theirs = ("OFFLINE", "COMMERCIAL_SAFE"), ("HUB_CACHE", "TOKEN", "TOKEN_PATH", "ENDPOINT")
    names = [f"FACEWRIGHT_{name}" for name in ours] + [f"HF_{name}" for name in theirs]
    for name in [*names, "HUGGINGFACE_HUB_CACHE", "HUGGING_FACE_HUB_TOKEN", "http_proxy", "HTTP_PROXY"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def register(home: Path):
    """Puts entries into the user's registry; returns the first."""

    def registering(**entries: dict[str, object]) -> Checkpoint:
        (home / "registry.json").write_text(json.dumps({"checkpoints": entries}), encoding="utf-8")
        return known()[next(iter(entries))]

    return registering


@pytest.fixture
def network(register) -> Checkpoint:
    return register(network=entry())


@pytest.fixture
def hub(home: Path):
    with serving(LocalHub(dict(FILES))) as serves:
        yield serves


@pytest.fixture
def terms(hub: LocalHub) -> Terms:
    """The local hub, asked without patience."""
    return Terms(hub=Hub(hub.url, "secret", timeout_s=2.0, pauses=(0.0, 0.0)))
