"""`checkpoints list|fetch|import|verify|remove` as a user types them."""

from __future__ import annotations

import json

import pytest

from tests.backend.checkpoints.conftest import FILES
from tests.backend.test_main import run


@pytest.fixture
def typed(home, network, hub):
    def typing(*words: str, **settings: str):
        settings = {"FACEWRIGHT_HOME": str(home), "HF_ENDPOINT": hub.url, **settings}
        return run("checkpoints", *words, **settings)

    return typing


def test_from_the_hub_to_the_bin(typed, hub):
    fetched = json.loads(typed("fetch", "network", "--json").stdout)["fetched"]["network"]
    assert fetched == {"bytes": sum(map(len, FILES.values())), "source": "someone/network", "commit": hub.commit}
    listed = {row["name"]: row for row in json.loads(typed("list", "--json").stdout)["checkpoints"]}
    assert (listed["network"]["state"], listed["network"]["commit"]) == ("installed", hub.commit)
    assert json.loads(typed("verify", "--json").stdout)["whole"] == ["starter", "network", "anny"]
    assert typed("remove", "network").returncode == 0
    assert json.loads(typed("remove", "network", "--json").stdout)["error"]["code"] == 201


def test_people_are_told_state_size_and_licence(typed):
    told = typed("list", "--commercial-safe").stdout
    assert "stable-diffusion-1.5" in told
    assert "creativeml-openrail-m (may be sold)" in told
    assert "flame" not in told


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("fetch", "dall-e"), 2, "no checkpoint 'dall-e'"),
        (("fetch", "full"), 2, "--accept-licence creativeml-openrail-m"),
        (("fetch", "flame", "--commercial-safe"), 2, "forbids selling"),
        (("fetch", "ict"), 3, "checkpoints import ict"),
        (("fetch", "network", "--offline"), 3, "network is switched off"),
        (("verify", "network"), 3, "it is not there"),
        (("import", "network", "nowhere"), 3, "nowhere is not there"),
        (("fetch",), 2, "required: NAME"),
        ((), 2, "required: ACTION"),
    ],
)
def test_what_cannot_be_is_refused_with_a_status(typed, words, status, said):
    asked = typed(*words)
    assert (asked.returncode, asked.stdout) == (status, "")
    assert said in asked.stderr
    assert "Traceback" not in asked.stderr


def test_damage_is_told_with_the_file(typed, home):
    typed("fetch", "network")
    (home / "ckpts" / "network" / "config.json").write_bytes(b"{}")
    asked = typed("verify")
    assert asked.returncode == 3
    assert "network: config.json has 2 bytes, expected 8" in asked.stderr
