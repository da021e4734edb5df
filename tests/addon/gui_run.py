"""What a user does in a real window, run inside Blender by `test_gui.py`; a picture of each state in OUT.

usage: blender --window-geometry 0 0 1500 1300 --enable-event-simulate --python gui_run.py -- OUT
"""

import os
import struct
import sys
import time
import traceback
import zlib
from pathlib import Path

import bpy

MODULE = "bl_ext.user_default.facewright"
OUT = Path(sys.argv[sys.argv.index("--") + 1])
PROMPT = "an old man with a hooked nose"
# Pixels below the top of the sidebar's region, at interface scale 1, of what is clicked before a head is there.
NEW_HEAD_Y, PROMPT_Y, GENERATE_Y = 73, 187, 361
SIZES = (
    (220, 1.0),
    (320, 1.5),
    (480, 2.0),
    (220, 2.0),
)  # the sidebar's width in pixels at scale 1, the interface's scale
EDGE = (0, 8, 12, 16, 4)  # pixels from the sidebar's left side, where its edge may be taken hold of
SECONDS = 1500.0  # for a face by the starter networks on a busy machine
gaps: list[float] = []


def say(*words):
    sys.stdout.write(" ".join(["[gui]", *map(str, words)]) + "\n")
    sys.stdout.flush()


def view():
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    regions = {region.type: region for region in area.regions}
    return window, area, regions["WINDOW"], regions["UI"]


def picture(name):
    """The screen of Xvfb as a PNG; Blender's own screenshots are black there."""
    content = (Path(os.environ["XVFB_FBDIR"]) / "Xvfb_screen0").read_bytes()
    head = struct.unpack(">25I", content[:100])
    start, width, height, stride = head[0] + head[19] * 12, head[4], head[5], head[12]
    rows = []
    for y in range(height):
        row = content[start + y * stride :][: width * 4]
        out = bytearray(width * 3)
        out[0::3], out[1::3], out[2::3] = row[2::4], row[1::4], row[0::4]
        rows.append(b"\0" + bytes(out))
    colours = len({row[x : x + 3] for row in rows[::5] for x in range(1, width * 3, 15)})
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"".join(rows))),
    ]
    with (OUT / name).open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, data in [*chunks, (b"IEND", b"")]:
            file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
    say(name, colours, "colours")
    assert colours > 100, "the screen is blank"


def click(below_top):
    window, _, _, sidebar = view()
    x, y = sidebar.x + sidebar.width // 3, sidebar.y + sidebar.height - below_top
    window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
    yield 0.4
    for value in ("PRESS", "RELEASE"):
        window.event_simulate(type="LEFTMOUSE", value=value, x=x, y=y)
        yield 0.3


def typed(text):
    window, _, _, sidebar = view()
    place = {"x": sidebar.x + 50, "y": sidebar.y + sidebar.height - PROMPT_Y}
    for letter in text:
        kind = "SPACE" if letter == " " else letter.upper()
        window.event_simulate(type=kind, value="PRESS", unicode=letter, **place)
        window.event_simulate(type=kind, value="RELEASE", **place)
        yield 0.02
    for value in ("PRESS", "RELEASE"):
        window.event_simulate(type="RET", value=value, **place)
    yield 0.5


def undo(redo=False):
    window, _, region, _ = view()
    place = {"x": region.x + 200, "y": region.y + 300}
    window.event_simulate(type="MOUSEMOVE", value="NOTHING", **place)
    yield 0.3
    held = [("LEFT_CTRL", {}), *([("LEFT_SHIFT", {"ctrl": True})] if redo else [])]
    for key, more in held:
        window.event_simulate(type=key, value="PRESS", **more, **place)
    window.event_simulate(type="Z", value="PRESS", ctrl=True, shift=redo, **place)
    window.event_simulate(type="Z", value="RELEASE", ctrl=True, shift=redo, **place)
    for key, _ in reversed(held):
        window.event_simulate(type=key, value="RELEASE", **place)
    yield 1.5


def until(met, seconds=SECONDS):
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "waited in vain"
        yield 0.05


def names(found):
    return [step.name for step in found.facewright.steps]


def story():
    pump = sys.modules[f"{MODULE}.ui.pump"]
    if python := os.environ.get("FACEWRIGHT_GUI_PYTHON"):
        bpy.context.preferences.addons[MODULE].preferences.python = python
    for found in list(bpy.data.objects):
        bpy.data.objects.remove(found)
    _, area, _, _ = view()
    area.spaces.active.show_region_ui = True
    yield 1.0
    _, _, _, sidebar = view()
    sidebar.active_panel_category = "Facewright"
    sidebar.tag_redraw()
    yield 3.0
    picture("1_empty.png")
    yield from click(NEW_HEAD_Y)
    yield from until(lambda: len(bpy.data.objects) == 1, 20)
    yield 1.0
    picture("2_new_head.png")
    yield from generating(pump)
    yield from editing(pump)
    yield from panels(pump)
    bpy.ops.facewright.export(filepath=str(OUT / "head.glb"), preset="glb")
    assert (OUT / "head.glb").read_bytes()[:4] == b"glTF"


def generating(pump):
    """Types a prompt, generates, cancels, generates again."""
    yield from click(PROMPT_Y)
    yield from typed(PROMPT)
    drafts = bpy.context.scene.facewright_ui
    assert drafts.prompt == PROMPT, f"typed {drafts.prompt!r}"
    yield from click(GENERATE_Y)
    yield from until(lambda: pump.state.job is not None, 10)
    yield from until(lambda: pump.state.preview_icon != 0)
    yield 2.0
    picture("3_generating.png")
    yield from click(GENERATE_Y)  # Cancel is in the same place
    yield from until(lambda: pump.state.job is None, 120)
    assert pump.state.failure.title == "Cancelled"
    (found,) = bpy.data.objects
    assert not found.facewright.steps
    yield 1.0
    picture("4_cancelled.png")
    bpy.ops.facewright.generate("INVOKE_DEFAULT", settings=os.environ.get("FACEWRIGHT_GUI_SETTINGS", ""), wait=False)
    yield from until(lambda: pump.state.job is None)
    assert pump.state.failure is None, pump.state.failure


def editing(pump):
    """Edits the head, takes that back and does it again."""
    (found,) = bpy.data.objects
    window, area, region, _ = view()
    with bpy.context.temp_override(window=window, area=area, region=region):
        found.select_set(True)
        bpy.context.view_layer.objects.active = found
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_selected()
        bpy.ops.ed.undo_push(message="chosen")
    yield 2.0
    picture("5_generated_solid.png")
    area.spaces.active.shading.color_type = "TEXTURE"
    bpy.context.scene.facewright_ui.instruction = "make his lips red"
    name = found.name
    settings = os.environ.get("FACEWRIGHT_GUI_SETTINGS", "")
    bpy.ops.facewright.edit("INVOKE_DEFAULT", settings=settings, wait=False)
    yield from until(lambda: pump.state.job is None)
    assert pump.state.failure is None, pump.state.failure
    assert names(bpy.data.objects[name]) == [PROMPT, "make his lips red"]
    yield 4.0  # the panels below make room for the layer
    picture("6_edited.png")
    yield from undo()
    assert names(bpy.data.objects[name]) == [PROMPT]
    yield from undo(redo=True)
    assert names(bpy.data.objects[name]) == [PROMPT, "make his lips red"]


def panels(pump):
    """Drags a layer, then a slider, and opens what is folded."""
    live = sys.modules[f"{MODULE}.ui.live"]
    yield from until(lambda: bool(live.values().layers), 20)
    live.values().layers[0].strength = 0.4
    yield 0.5
    picture("7_layer_dragged.png")
    found = bpy.context.object
    yield from until(lambda: len(found.facewright.steps) == 3 and pump.state.job is None, 300)
    assert found.facewright.steps[2].kind == "layers"
    yield from until(lambda: live.current(bpy.context), 20)
    live.values().sliders["nose-hump-incr"].value = 0.8
    yield from until(lambda: len(found.facewright.steps) == 4, 60)
    assert found.facewright.steps[3].kind == "sliders"
    bpy.ops.facewright.expression(name="smile")
    for name in ("create", "edit"):
        reopen(f"FACEWRIGHT_PT_{name}", "add")
    for name in ("history", "face", "expressions", "export", "help"):
        reopen(f"FACEWRIGHT_PT_{name}", "discard")
    yield 3.0
    picture("8_panels.png")
    yield from sizes()
    ordered = sorted(gaps)
    say("gap between ticks, s: median", round(ordered[len(ordered) // 2], 3), "p95", ordered[int(len(ordered) * 0.95)])


def sizes():
    """The panels in narrow and wide sidebars and at larger interfaces; whether their texts fit is counted elsewhere."""
    for width, scale in SIZES:
        bpy.context.preferences.view.ui_scale = scale
        yield 2.0
        yield from widened(int(width * scale))
        picture(f"9_width_{width}_scale_{scale}.png")
    bpy.context.preferences.view.ui_scale = 1.0
    yield 1.0


def widened(width):
    """Drags the sidebar's edge until it is as wide, as a user does."""
    for inside in EDGE:
        window, _, _, sidebar = view()
        x, y = sidebar.x + inside, sidebar.y + sidebar.height // 3
        to = x + sidebar.width - width
        for kind, value, at, pause in (
            ("MOUSEMOVE", "NOTHING", x - 60, 0.3),
            ("MOUSEMOVE", "NOTHING", x, 0.5),
            ("LEFTMOUSE", "PRESS", x, 0.3),
            *(("MOUSEMOVE", "NOTHING", int(x + share * (to - x)), 0.2) for share in (0.1, 0.4, 0.8, 1.0, 1.0)),
            ("LEFTMOUSE", "RELEASE", to, 1.0),
        ):
            window.event_simulate(type=kind, value=value, x=at, y=y)
            yield pause
        if view()[3].width != sidebar.width:
            break
    say("sidebar", view()[3].width, "pixels wide, asked", width)


def reopen(name, change):
    """Blender remembers which panel is folded by its class: a class of another name starts as its options say."""
    kind = getattr(bpy.types, name)
    bpy.utils.unregister_class(kind)
    options = set(getattr(kind, "bl_options", set()))
    getattr(options, change)("DEFAULT_CLOSED")
    twin = type(f"{name}_gui", (kind,), {"bl_options": options, "bl_idname": f"{name}_gui"})
    bpy.utils.register_class(twin)


STORY = story()


def tick():
    try:
        return next(STORY)
    except StopIteration:
        say("PASS")
        status = 0
    except Exception:  # noqa: BLE001 - the process must end, whatever happened
        traceback.print_exc()
        picture("failed.png")
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


last = [time.monotonic()]


def measure():
    now = time.monotonic()
    if sys.modules[f"{MODULE}.ui.pump"].state.job is not None:
        gaps.append(round(now - last[0] - 0.02, 3))
    last[0] = now
    return 0.02


bpy.context.preferences.view.show_splash = False
bpy.app.timers.register(tick, first_interval=1.0)
bpy.app.timers.register(measure, first_interval=1.0)
