"""Checkpoints from a hub that breaks off, lies, refuses and redirects: whole in the end, or nothing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from backend.checkpoints import Terms, accepted, fetch, find, known, receipt, remove, shelf, state
from backend.checkpoints.hub import Hub
from backend.errors import (
    Cancelled,
    CheckpointBusy,
    CheckpointByHand,
    CheckpointGated,
    CheckpointInvalid,
    CheckpointMissing,
    DiskFull,
    HubUnreachable,
    LicenceNotAccepted,
    NotForSale,
    Offline,
)
from tests.backend.checkpoints.conftest import FILES, entry
from tests.backend.checkpoints.local_hub import REPOSITORY, LocalHub, serving, weights

WEIGHTS = "unet/model.fp16.safetensors"


def quiet(event: object) -> None:
    pass


def same(folder: Path) -> bool:
    """Whether a checkpoint is byte for byte what the hub holds, and nothing beside it."""
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return (
        there == {"config.json", "unet/model.safetensors", shelf.RECEIPT}
        and (folder / "config.json").read_bytes() == FILES["config.json"]
        and (folder / "unet/model.safetensors").read_bytes() == FILES[WEIGHTS]
    )


def nothing_half_written(home: Path) -> bool:
    """No folder of the checkpoint's name; under its growing name at most whole files and parts."""
    return not (home / "ckpts" / "network").exists()


def test_a_fetched_checkpoint_is_found_and_says_where_it_came_from(home, network, hub, terms):
    events: list[dict] = []
    held = fetch(network, terms, events.append)
    assert same(home / "ckpts" / "network")
    assert find("network/unet") == home / "ckpts" / "network" / "unet"
    assert (held["source"], held["commit"]) == (REPOSITORY, hub.commit)
    assert held["files"]["unet/model.safetensors"]["sha256"] == hashlib.sha256(FILES[WEIGHTS]).hexdigest()
    assert held["files"]["config.json"]["told"] == hub.etag("config.json")
    assert {event["phase"] for event in events} == {"asking for network", "fetching network"}
    assert not list((home / "ckpts").glob(".network.part"))
    asked = len(hub.asked)
    assert fetch(network, terms, quiet)["files"] == held["files"]
    assert len(hub.asked) == asked  # what is there is not asked for again


def test_a_connection_that_drops_at_37_percent_is_gone_on_with(home, network, hub, terms):
    hub.drop_at = [0.37, 0.8]
    fetch(network, terms, quiet)
    assert same(home / "ckpts" / "network")
    ranges = [headers.get("Range") for path, headers in hub.gets() if path.endswith(".safetensors")]
    size = len(FILES[WEIGHTS])
    assert ranges == [None, f"bytes={int(size * 0.37)}-", f"bytes={int(size * 0.8)}-"]


def test_a_fetch_that_gave_up_is_gone_on_with_by_the_next(home, network, hub, terms):
    impatient = replace(terms, hub=replace(terms.hub, pauses=()))
    hub.drop_at = [0.37, 0.37]  # the second attempt brings nothing
    with pytest.raises(HubUnreachable, match="lost after"):
        fetch(network, impatient, quiet)
    assert nothing_half_written(home)
    assert state(network) == "partial"
    before = len(hub.gets())
    fetch(network, terms, quiet)
    assert same(home / "ckpts" / "network")
    ((_, headers),) = hub.gets()[before:]  # the small file is not fetched again
    assert headers["Range"] == f"bytes={int(len(FILES[WEIGHTS]) * 0.37)}-"


@pytest.mark.parametrize("ranges", ["no", "wrong"])
def test_a_server_without_ranges_costs_a_new_beginning_only(home, network, hub, terms, ranges):
    hub.drop_at, hub.ranges = [0.37], ranges
    fetch(network, terms, quiet)
    assert same(home / "ckpts" / "network")


def test_a_part_beyond_the_end_is_begun_anew(home, network, hub, terms):
    """The hub promises more than it has: its 416 throws the part away, its shortness is told at last."""
    hub.claimed[WEIGHTS] = len(FILES[WEIGHTS]) + 1
    with pytest.raises(HubUnreachable):
        fetch(network, terms, quiet)
    assert any(headers.get("Range") == f"bytes={len(FILES[WEIGHTS])}-" for _, headers in hub.gets())
    assert nothing_half_written(home)


def test_more_than_was_promised_is_refused(home, network, hub, terms):
    hub.claimed[WEIGHTS] = 1000
    with pytest.raises(CheckpointInvalid, match="longer than the hub said"):
        fetch(network, terms, quiet)
    assert nothing_half_written(home)
    assert not list((home / "ckpts" / ".network.part").glob(".*.part"))


@pytest.mark.parametrize("path", [WEIGHTS, "config.json"])
def test_a_wrong_hash_leaves_nothing(home, network, hub, terms, path):
    hub.told[path] = "0" * len(hub.etag(path))
    with pytest.raises(CheckpointInvalid, match="another hash than the hub promised"):
        fetch(network, terms, quiet)
    assert nothing_half_written(home)
    assert not list((home / "ckpts").rglob(".*.part/.*.part"))


def test_a_rotten_part_is_fetched_anew(home, network, hub, terms):
    growing = home / "ckpts" / ".network.part"
    growing.mkdir(parents=True)
    (growing / f".{hub.etag(WEIGHTS)[:16]}.part").write_bytes(b"rotten" * 1000)
    fetch(network, terms, quiet)
    assert same(home / "ckpts" / "network")


def test_the_registrys_own_hash_is_believed_before_the_hubs(home, register, hub, terms):
    wanted = entry()
    wanted["files"][1]["sha256"] = "1" * 64
    with pytest.raises(CheckpointInvalid, match="the registry says"):
        fetch(register(network=wanted), terms, quiet)
    assert nothing_half_written(home)


def test_without_a_hash_nothing_is_resumed_and_the_size_counts(home, network, hub, terms):
    hub.no_hash, hub.drop_at = True, [0.37]
    held = fetch(network, terms, quiet)
    assert same(home / "ckpts" / "network")
    assert held["files"]["config.json"]["told"] == ""


def test_weights_that_are_none_are_refused(home, network, hub, terms):
    hub.files[WEIGHTS] = FILES[WEIGHTS][:-100]
    with pytest.raises(CheckpointInvalid, match="bytes of tensors"):
        fetch(network, terms, quiet)
    assert nothing_half_written(home)


def test_a_gated_repository_says_what_to_accept_and_the_token_is_not_told(home, network, hub, terms):
    hub.always = (403, {"X-Error-Code": "GatedRepo"})
    with pytest.raises(CheckpointGated, match="403") as caught:
        fetch(network, terms, quiet)
    assert f"{hub.url}/{REPOSITORY}" in caught.value.advice
    assert "secret" not in caught.value.message + caught.value.advice
    assert not (home / "ckpts" / ".network.part").exists()


def test_a_vanished_repository_is_had_from_the_next_source(home, register, hub, terms):
    wanted = register(network=entry(sources=[{"hub": "gone/away"}, {"hub": REPOSITORY}]))
    hub.status = [(401, {"X-Error-Code": "RepoNotFound"})]
    assert fetch(wanted, terms, quiet)["source"] == REPOSITORY
    hub.always = (404, {})
    remove(wanted)
    with pytest.raises(CheckpointMissing, match="gone/away"):
        fetch(wanted, terms, quiet)


def test_the_second_name_of_a_file_serves(home, network, hub, terms):
    hub.files["unet/model.safetensors"] = hub.files.pop(WEIGHTS)
    fetch(network, terms, quiet)
    assert same(home / "ckpts" / "network")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_is_asked_again(home, network, hub, terms, status):
    hub.status = [(status, {"Retry-After": "0"})] * 2
    fetch(network, terms, quiet)
    assert same(home / "ckpts" / "network")


def test_redirects_are_followed_without_the_token(home, network, hub, terms):
    with serving(LocalHub(dict(FILES))) as elsewhere:
        hub.redirect = elsewhere.url
        fetch(network, terms, quiet)
        assert same(home / "ckpts" / "network")
        assert {method for method, _, _ in elsewhere.asked} == {"GET"}  # what the hub tells is not asked elsewhere
        assert not [headers for _, _, headers in elsewhere.asked if "Authorization" in headers]
    assert all(headers["Authorization"] == "Bearer secret" for _, _, headers in hub.asked)


def test_a_slow_server_is_waited_for(home, network, hub, terms):
    hub.pause_s = 0.05
    fetch(network, terms, quiet)
    assert same(home / "ckpts" / "network")


def test_a_server_that_is_not_there_is_named(home, network, terms):
    with pytest.raises(HubUnreachable, match=r"127\.0\.0\.1:9 does not answer"):
        fetch(network, replace(terms, hub=Hub("http://127.0.0.1:9", pauses=())), quiet)
    assert nothing_half_written(home)


def test_offline_asks_nobody(home, network, hub, terms):
    with pytest.raises(Offline):
        fetch(network, replace(terms, offline=True), quiet)
    assert not hub.asked
    assert Terms.of({"FACEWRIGHT_OFFLINE": "1"}).offline
    assert not Terms.of({"FACEWRIGHT_OFFLINE": "0"}).offline


def test_a_proxy_is_used(home, network, hub, monkeypatch):
    monkeypatch.setenv("http_proxy", hub.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    fetch(network, Terms.of({**os.environ, "HF_ENDPOINT": "http://hub.invalid"}), quiet)
    assert same(home / "ckpts" / "network")
    assert all(path.startswith("http://hub.invalid/") for _, path, _ in hub.asked)


def test_more_than_fits_is_refused_before_its_first_byte(home, network, hub, terms):
    hub.claimed[WEIGHTS] = 1 << 60
    with pytest.raises(DiskFull, match="are to come"):
        fetch(network, terms, quiet)
    assert not hub.gets()


def test_a_stopped_fetch_goes_on_later(home, network, hub, terms):
    hub.pause_s = 0.02
    stops = iter([False] * 5)
    with pytest.raises(Cancelled):
        fetch(network, terms, quiet, lambda: next(stops, True))
    assert nothing_half_written(home)
    fetch(network, terms, quiet)
    assert same(home / "ckpts" / "network")


def test_two_do_not_fetch_the_same(home, network, terms):
    with shelf.building("network"), pytest.raises(CheckpointBusy):
        fetch(network, terms, quiet)


def test_a_licence_is_accepted_once(home, register, hub, terms):
    wanted = register(network=entry(licences=["creativeml-openrail-m"]))
    with pytest.raises(LicenceNotAccepted, match="CompVis/stable-diffusion-license") as caught:
        fetch(wanted, terms, quiet)
    assert "--accept-licence creativeml-openrail-m" in caught.value.advice
    assert not hub.asked
    held = fetch(wanted, replace(terms, accept=("creativeml-openrail-m",)), quiet)
    assert held["licences"] == accepted() == {"creativeml-openrail-m": shelf.today()}
    remove(wanted)
    fetch(wanted, terms, quiet)


def test_what_may_not_be_sold_is_refused_where_it_is_for_sale(home, register, hub, terms):
    for licence in ("other", "hifi3d-research-only"):
        with pytest.raises(NotForSale, match=licence):
            fetch(register(network=entry(licences=["MIT", licence])), replace(terms, for_sale=True), quiet)
    assert not hub.asked


def test_what_people_only_get_names_the_page(home, terms):
    with pytest.raises(CheckpointByHand) as caught:
        fetch(known()["ict"], terms, quiet)
    assert "https://github.com/ICT-VGL/ICT-FaceKit" in caught.value.advice
    assert "checkpoints import ict" in caught.value.advice


def test_a_damaged_one_is_fetched_again(home, network, hub, terms):
    fetch(network, terms, quiet)
    (home / "ckpts" / "network" / "config.json").unlink()
    assert state(network) == "damaged"
    fetch(network, terms, quiet)
    assert same(home / "ckpts" / "network")


@pytest.fixture
def cached(tmp_path: Path) -> Path:
    """The Hugging Face cache with a snapshot of the network, as huggingface_hub lays it out."""
    repository = tmp_path / "huggingface" / "hub" / f"models--{REPOSITORY.replace('/', '--')}"
    snapshot = repository / "snapshots" / ("d" * 40)
    for path, content in FILES.items():
        blob = repository / "blobs" / hashlib.sha256(content).hexdigest()
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(content)
        (snapshot / path).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / path).symlink_to(blob)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("d" * 40)
    return repository


def test_what_lies_in_the_hugging_face_cache_is_used(home, network, hub, terms, cached):
    held = fetch(network, replace(terms, offline=True), quiet)
    assert same(home / "ckpts" / "network")
    assert held["commit"] == "d" * 40
    assert not hub.asked
    shutil.rmtree(cached)
    assert same(home / "ckpts" / "network")


def test_a_damaged_cache_is_passed_over(home, network, hub, terms, cached):
    blob = cached / "blobs" / hashlib.sha256(FILES[WEIGHTS]).hexdigest()
    blob.write_bytes(weights(seed=1))
    assert fetch(network, terms, quiet)["commit"] == hub.commit
    assert same(home / "ckpts" / "network")


def test_a_receipt_that_is_none_is_no_receipt(home, network, hub, terms):
    fetch(network, terms, quiet)
    for broken in ("[", "[]", json.dumps({"files": {"a": {}}}), json.dumps({"files": []})):
        (home / "ckpts" / "network" / shelf.RECEIPT).write_text(broken)
        assert receipt("network") is None
        assert state(network) == "unrecorded"
