"""The first contact's checks, with the starter family in the full one's place."""

import json
from pathlib import Path

from backend.evaluation.first_contact import PROMPTS, first_contact
from tests.tiny_diffusion import tiny_diffusion


def test_trained_networks_pass_what_untrained_ones_fail(tmp_path: Path, monkeypatch):
    from backend import workshop

    brief = {f"{stage}.steps": 2 for stage in ("geometry", "texture")}
    report = first_contact(tmp_path / "trained", lambda event: None, family="starter", settings=brief)
    assert json.loads((tmp_path / "trained" / "report.json").read_text()) == report
    assert (tmp_path / "trained" / "faces.png").is_file()
    networks = [check["holds"] for check in report["checks"] if "the face shows" not in check["asks"]]
    assert len(report["checks"]) == len(networks) + len(PROMPTS)
    assert all(networks), report["checks"]

    monkeypatch.setattr(workshop.Networks, "draw", tiny_diffusion())
    monkeypatch.setattr(workshop.Networks, "edit", tiny_diffusion(in_channels=8))
    untrained = first_contact(tmp_path / "untrained", lambda event: None, family="starter", settings=brief)
    assert not untrained["all hold"]
