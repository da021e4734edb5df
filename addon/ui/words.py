# SPDX-License-Identifier: GPL-3.0-or-later
"""Words before they become a job: which the networks know, how they are read, and some to choose from."""

from functools import cache, lru_cache

import bpy
from bpy.props import StringProperty

from ..link.bundle import language, router
from .base import SidebarPanel, wrapped

CHIPS_A_ROW = 3
NOTES = 3  # sentences shown of what there is to know


@lru_cache(maxsize=64)
def heard(text: str, *, closed: bool, keys: bool) -> language.Heard:
    """`language.hear`, remembered: drawing asks it again and again."""
    return language.hear(text, closed, keys)


@lru_cache(maxsize=64)
def understood(instruction: str) -> router.Route:
    """What an instruction would change, and where."""
    return router.route(language.hear(instruction, True, False).text or instruction)


@cache
def phrases() -> dict[str, list[str]]:
    """Words to choose from, by what they describe."""
    found: dict[str, list[str]] = {}
    for axis in language.SHAPES:
        group = found.setdefault("Shape" if axis.noun else "Person", [])
        group += [axis.phrase(0.6), axis.phrase(-0.6)]
    for thing in language.THINGS:
        named = [phrase.replace("{}", colour) for phrase in thing.named[:1] for colour in list(thing.colours)[:3]]
        found.setdefault("Skin and paint", []).extend(named or list(thing.plain[:1]))
    return found


def draw_heard(layout: bpy.types.UILayout, context: bpy.types.Context, text: str, *, keys: bool) -> None:
    """The words as chips, unknown ones marked, and what there is to know about them."""
    if not text.strip():
        return
    known = heard(text, closed=context.scene.facewright_ui.family != "full", keys=keys)
    if known.unknown:
        grid = layout.grid_flow(row_major=True, columns=CHIPS_A_ROW, align=True)
        for word in known.unknown:
            chip = grid.row(align=True)
            chip.alert = True
            button = chip.operator(FACEWRIGHT_OT_drop_word.bl_idname, text=word, icon="ERROR", translate=False)
            button.word = word
    for note in known.notes[:NOTES]:
        wrapped(layout, context, note, icon="INFO")


class FACEWRIGHT_OT_add_words(bpy.types.Operator):
    bl_idname = "facewright.add_words"
    bl_label = "Add Words"
    bl_description = "Put these words at the end of the prompt"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    words: StringProperty(options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        drafts = context.scene.facewright_ui
        drafts.prompt = f"{drafts.prompt.strip()}, {self.words}" if drafts.prompt.strip() else self.words
        return {"FINISHED"}


class FACEWRIGHT_OT_drop_word(bpy.types.Operator):
    bl_idname = "facewright.drop_word"
    bl_label = "Drop Word"
    bl_description = "The networks do not know this word; press to take it out of the prompt and the instruction"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    word: StringProperty(options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        drafts = context.scene.facewright_ui
        for name in ("prompt", "instruction"):
            kept = [one for one in getattr(drafts, name).split() if one.strip(",.;!?").lower() != self.word]
            setattr(drafts, name, " ".join(kept))
        return {"FINISHED"}


class FACEWRIGHT_PT_words(SidebarPanel, bpy.types.Panel):
    """Opens from the prompt's button; `INSTANCED` keeps it out of the sidebar itself."""

    bl_label = "Words"
    bl_options = {"INSTANCED"}
    bl_ui_units_x = 18

    def draw(self, _context: bpy.types.Context) -> None:
        for title, members in phrases().items():
            self.layout.label(text=title)
            grid = self.layout.grid_flow(row_major=True, columns=CHIPS_A_ROW, even_columns=True, align=True)
            for words in members:
                grid.operator(FACEWRIGHT_OT_add_words.bl_idname, text=words, translate=False).words = words


CLASSES = (FACEWRIGHT_OT_add_words, FACEWRIGHT_OT_drop_word, FACEWRIGHT_PT_words)
