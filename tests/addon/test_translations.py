"""German and Chinese texts of the sidebar."""

import re
import sys

import bpy
import pytest

from .conftest import PACKAGE, ROOT


@pytest.fixture
def texts(extension):
    return sys.modules[f"{PACKAGE}.ui.translations"].TEXTS


def test_blender_shows_the_sidebar_in_german_and_chinese(texts):
    view = bpy.context.preferences.view
    kept = view.language, view.use_translate_interface
    try:
        for index, locale in enumerate(("de_DE", "zh_HANS")):
            if locale not in [one.identifier for one in view.bl_rna.properties["language"].enum_items]:
                pytest.skip("this Blender was built without languages")
            view.language, view.use_translate_interface = locale, True
            assert bpy.app.translations.pgettext_iface("Untextured view") == texts["Untextured view"][index]
            assert bpy.app.translations.pgettext_iface("Generate", "Operator") == texts["Generate"][index]
    finally:
        view.language, view.use_translate_interface = kept


def test_every_text_is_translated_twice_and_said_somewhere(texts):
    source = "".join(
        path.read_text("utf-8") for path in (ROOT / "addon").rglob("*.py") if "translations" not in path.name
    )
    for text, (german, chinese) in texts.items():
        assert german
        assert re.search("[\u4e00-\u9fff]", chinese)
        assert text in source or text in ("Shape", "Person"), text


def test_every_panel_and_operator_label_is_translated(texts):
    missing = set()
    for name in dir(bpy.types):
        if name.startswith(("FACEWRIGHT_PT_", "FACEWRIGHT_OT_")):
            kind = getattr(bpy.types, name)
            if "INTERNAL" not in getattr(kind, "bl_options", ()):
                missing |= {kind.bl_label} - set(texts)
    assert missing <= {"Facewright", "Set Layer", "Set Sliders"}  # the name, and what only scripts call
