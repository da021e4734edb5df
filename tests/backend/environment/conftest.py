"""A folder of toy wheels with a lock over them, made once."""

import os

import pytest

from tests.backend.environment.toys import TOYS, write_recipe, write_wheel


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A folder with the toys' wheels in `wheels` and the recipe in `requirements`."""
    place = tmp_path_factory.mktemp("place with é")
    (place / "wheels").mkdir()
    for name in [*TOYS, "torch", "toy-extra"]:
        write_wheel(place / "wheels", name)
    write_wheel(place / "wheels", "toy-broken", "import a_package_that_is_not_there\n")
    write_recipe(place / "requirements", place / "wheels")
    return place


@pytest.fixture
def environ(place):
    """As a user has it who told pip to look in a folder only."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FACEWRIGHT")}
    return {**kept, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": (place / "wheels").as_uri(), "PIP_USER": "1"}
