# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions as mixtures of the 52 ARKit keys: visemes and moods. Plain data.

The 15 visemes are those that Oculus and VRChat name; their mixtures are ours, set after the mouth shapes that the
names stand for.
"""

_VISEMES = {  # a star stands for Left and Right
    "sil": "",
    "PP": "mouthPress* 0.5, mouthRollLower 0.3, mouthRollUpper 0.3",
    "FF": "mouthRollLower 0.6, mouthUpperUp* 0.25, jawOpen 0.05",
    "TH": "jawOpen 0.15, tongueOut 0.35, mouthLowerDown* 0.15",
    "DD": "jawOpen 0.15, mouthLowerDown* 0.2, mouthUpperUp* 0.1",
    "kk": "jawOpen 0.2, mouthStretch* 0.15",
    "CH": "jawOpen 0.08, mouthFunnel 0.45, mouthLowerDown* 0.15",
    "SS": "jawOpen 0.04, mouthStretch* 0.3, mouthLowerDown* 0.2",
    "nn": "jawOpen 0.12, mouthLowerDown* 0.12",
    "RR": "jawOpen 0.1, mouthFunnel 0.3, mouthPucker 0.2",
    "aa": "jawOpen 0.6, mouthLowerDown* 0.15",
    "E": "jawOpen 0.3, mouthStretch* 0.3, mouthSmile* 0.15",
    "ih": "jawOpen 0.2, mouthSmile* 0.3, mouthLowerDown* 0.1",
    "oh": "jawOpen 0.35, mouthFunnel 0.6",
    "ou": "jawOpen 0.12, mouthPucker 0.8, mouthFunnel 0.2",
}
_MOODS = {
    "smile": "mouthSmile* 0.8, cheekSquint* 0.4",
    "sad": "mouthFrown* 0.7, browInnerUp 0.7, eyeSquint* 0.2",
    "angry": "browDown* 0.9, noseSneer* 0.5, mouthPress* 0.5",
    "surprised": "jawOpen 0.4, browInnerUp 0.8, browOuterUp* 0.8, eyeWide* 0.7",
    "blink": "eyeBlink* 1.0",
}
# The groups in which the sidebar shows the keys, in order: a key belongs to its first word's.
GROUPS = {
    "brow": "Brows",
    "eye": "Eyes",
    "cheek": "Cheeks",
    "nose": "Nose",
    "jaw": "Jaw",
    "mouth": "Mouth",
    "tongue": "Tongue",
}


def _mixture(text: str) -> dict[str, float]:
    """Key to value, of "jawOpen 0.1, mouthSmile* 0.3"."""
    found: dict[str, float] = {}
    for part in filter(None, text.split(", ")):
        name, value = part.split()
        names = [name.replace("*", side) for side in ("Left", "Right")] if "*" in name else [name]
        found |= dict.fromkeys(names, float(value))
    return found


VISEMES = {name: _mixture(text) for name, text in _VISEMES.items()}
MOODS = {name: _mixture(text) for name, text in _MOODS.items()}
NAMED = {**{f"viseme {name}": mixture for name, mixture in VISEMES.items()}, **MOODS}


def share_of(mixture: dict[str, float], key: str) -> float:
    """How much of a head's key a mixture has; a head may have left and right of what ARKit has once."""
    return mixture.get(key, mixture.get(key.removesuffix("Left").removesuffix("Right"), 0.0))


def group_of(key: str) -> str:
    """The group of a key's name, such as "Eyes" of "eyeBlinkLeft"; "Other" for a key that is none of ours."""
    return next((group for start, group in GROUPS.items() if key.startswith(start)), "Other")
