"""Under which licences a face is made, and what is refused where it is to be sold."""

from __future__ import annotations

import pytest

from backend.checkpoints import filling, known, licences, refuse_unsold
from backend.errors import NotForSale

SELLING = {"FACEWRIGHT_COMMERCIAL_SAFE": "1"}


@pytest.fixture(autouse=True)
def _home(home) -> None:
    pass


def test_the_starter_family_comes_under_one_licence():
    assert licences(filling("starter", "text-to-image")) == {"starter": "Apache-2.0"}


def test_every_licence_of_a_network_passes_on():
    told = licences(filling("full", "instruct-edit"))
    assert told["instruct-pix2pix"] == "MIT AND LicenseRef-CreativeML-Open-RAIL-M"


def test_only_what_may_be_sold_is_used_where_it_is_to_be_sold():
    every = known()
    refuse_unsold([every["starter"], every["anny"], every["ict"]], SELLING)
    refuse_unsold([every["flame"]], {})
    with pytest.raises(NotForSale, match=r"flame \(flame\)") as caught:
        refuse_unsold([every["starter"], every["flame"]], SELLING)
    assert "FACEWRIGHT_COMMERCIAL_SAFE" in caught.value.advice
    with pytest.raises(NotForSale, match=r"controlnet-depth-2\.1"):
        refuse_unsold([every["controlnet-depth-2.1"]], SELLING)
