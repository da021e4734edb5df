"""Where the environment lies."""

import sys
from pathlib import Path

from backend.environment import home_near, places


def test_a_home_is_moved_only_where_windows_could_not_open_what_comes_into_it(monkeypatch):
    deep = Path("/users/me/AppData/Roaming/Blender Foundation/Blender/5.0/extensions/.user/user_default/facewright")
    assert home_near(deep, {}) == deep
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(places, "long_paths_allowed", lambda: False)
    assert home_near(deep, {"LOCALAPPDATA": "/local"}) == Path("/local/Facewright")
    assert home_near(Path("/short"), {}) == Path("/short")
    monkeypatch.setattr(places, "long_paths_allowed", lambda: True)
    assert home_near(deep, {}) == deep
