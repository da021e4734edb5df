"""What several test files load once: the embedded head, and all that pictures of it need.

The imports are inside, because the door's and the add-on's tests run where torch is not wanted.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from backend.face.model import LinearFaceModel
    from backend.training.people import Studio

ANNY = Path(__file__).parents[2] / "ckpts" / "starter" / "anny.npz"


@pytest.fixture(scope="session")
def head() -> LinearFaceModel:
    from backend.face import anny

    return anny.load(ANNY)


@pytest.fixture(scope="session")
def studio(head) -> Studio:
    from backend.training.people import Studio

    return Studio.of(head)
