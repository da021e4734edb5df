"""Whether the sidebar's texts fit: as wide as Blender's own font draws them, in sidebars narrow and wide."""

import sys
from types import SimpleNamespace

import blf
import bpy
import pytest

from backend.errors import CheckpointByHand, PackageMissing

from .conftest import PACKAGE
from .test_panels import PANELS, pump  # noqa: F401 - a fixture
from .test_steps import import_face

# In pixels at interface scale 1, as they are in Blender 4.3: what surrounds a panel's content, an icon, a text's
# margins, a number; the share that the name of a property gets, with `use_property_split` and without.
FRAME, ICON, PAD, FIELD = 55, 20, 12, 30
NAMED = {True: 0.4, False: 0.26}
SIZES = [(220, 1.0), (220, 1.5), (220, 2.0), (320, 1.0), (480, 1.0)]  # widths at scale 1


class Space:
    """A layout that counts how wide what is drawn in it wants to be; texts of the user's own may be cut."""

    use_property_split = False

    def __init__(self, points, share=1):
        self.points, self.share, self.parts = points, share, []

    def wanted(self):
        widths = [part if isinstance(part, (int, float)) else part.wanted() for part in self.parts]
        if self.share == "across":  # icons take what they are, the rest is shared equally
            icons = [width for width in widths if width <= ICON * self.points / 11]
            return sum(icons) + (len(widths) - len(icons)) * max(widths, default=0)
        return max(widths, default=0) * self.share

    def _text(self, text, icon="NONE", more=0):
        blf.size(0, self.points)
        scale = self.points / 11
        wide = blf.dimensions(0, text)[0] + PAD * scale if text else 0
        self.parts.append(wide + (ICON * scale if icon != "NONE" or not text else 0) + more * scale)

    def _part(self, share=1):
        self.parts.append(Space(self.points, share))
        return self.parts[-1]

    def label(self, text="", icon="NONE", icon_value=0, translate=True):
        self._text(text, icon)

    def operator(self, name, text=None, icon="NONE", emboss=True, translate=True):
        kind = getattr(bpy.types, name.replace("facewright.", "FACEWRIGHT_OT_"), None)
        self._text(text if text is not None else getattr(kind, "bl_label", name), icon)
        return SimpleNamespace()

    def prop(self, owner, name, text=None, icon="NONE", **options):
        kind = owner.bl_rna.properties[name]
        shown = kind.name if text is None else text
        if kind.type == "BOOLEAN":
            self._text(shown, icon, 0 if options.get("toggle") else ICON)
        elif shown and (kind.type == "ENUM" or self.use_property_split):
            blf.size(0, self.points)
            self.parts.append(blf.dimensions(0, shown)[0] / NAMED[self.use_property_split])
        else:
            self._text(shown, icon, FIELD)

    def menu(self, name, text="", translate=True):
        self._text(text, more=ICON)

    def split(self, factor=0.5, align=False):
        return Split(self, factor)

    def progress(self, text="", factor=0, type=""):
        self._text(text)

    def popover(self, name, text="", icon="NONE"):
        self._text(text, icon)

    def row(self, align=False, **options):
        return self._part("across")

    def column(self, **options):
        return self._part()

    box = column

    def grid_flow(self, columns=0, even_columns=False, **options):
        return self._part(columns if even_columns and columns else 1)  # 0: as many as fit

    def panel(self, name, default_closed=False):
        return self._part("across"), self._part()

    def __getattr__(self, name):
        return lambda *words, **options: None  # separators, and the lists and pictures of Blender


class Split:
    """Parts that get their shares of the width: the first `factor`, the second the rest."""

    def __init__(self, space, factor):
        self.space, self.shares = space, iter((factor, 1 - factor))

    def __getattr__(self, name):
        return getattr(self.space._part(1 / next(self.shares)), name)


class Sidebar:
    """The context of a sidebar of that width and interface scale."""

    def __init__(self, width, scale):
        styles = bpy.context.preferences.ui_styles
        self.region = SimpleNamespace(width=int(width * scale))
        self.preferences = SimpleNamespace(system=SimpleNamespace(ui_scale=scale), ui_styles=styles)

    def __getattr__(self, name):
        return getattr(bpy.context, name)


def too_wide(width, scale):
    """The panels that want more than there is, and how much."""
    found, context = {}, Sidebar(width, scale)
    for name in PANELS:
        kind = getattr(bpy.types, f"FACEWRIGHT_PT_{name}")
        if getattr(kind, "poll", lambda context: True)(context):
            layout = Space(11 * scale)
            kind.draw(SimpleNamespace(layout=layout), context)
            if layout.wanted() > (width - FRAME) * scale:
                found[name] = layout.wanted() / scale
    return found


def states(pump, faces):  # noqa: F811
    yield "nothing"
    job = sys.modules[f"{PACKAGE}.link.desk"].Job
    for phase, total in (("starting the backend", 0), ("loading the backend", 0), ("geometry", 100)):
        pump.state.job = job("generate", "a man", phase=phase, step=99, total=total)
        yield phase
    pump.state.job = None
    for failure in (PackageMissing("torch is not there", advice="install it"), CheckpointByHand("x" * 90)):
        pump.state.failure = failure
        yield failure.title
    pump.state.failure = None
    found = import_face(faces[1])
    found.name = "Head"
    sys.modules[f"{PACKAGE}.ui.live"].mirror(found)
    yield "a face"
    sys.modules[f"{PACKAGE}.ui.live"].values().search = "not there"
    yield "a search in vain"
    sys.modules[f"{PACKAGE}.ui.live"].values().search = ""


@pytest.mark.parametrize(("width", "scale"), SIZES)
def test_no_text_of_ours_is_cut_off(pump, faces, width, scale):  # noqa: F811
    cut = {state: found for state in states(pump, faces) if (found := too_wide(width, scale))}
    assert not cut


def test_lines_break_between_words_and_within_what_is_longer_than_a_line(extension):
    broken = sys.modules[f"{PACKAGE}.ui.base"].broken
    text = "a face is made of words that the networks know"
    assert " ".join(broken(text, 100, 11.0)) == text
    assert len(broken(text, 100, 11.0)) > 2
    for long in ("/home/somebody/" + "x" * 80, "请先生成或导入面部" * 6):
        lines = broken(long, 120, 11.0)
        assert "".join(lines) == long
        blf.size(0, 11.0)
        assert all(blf.dimensions(0, line)[0] <= 120 for line in lines)
    assert broken("", 100, 11.0) == ()
