"""What to tell someone whose words the language does not have."""

from __future__ import annotations

import re
from difflib import get_close_matches

from .vocabulary import words

SEPARATE = {
    "hair": "curly wavy braided tied ponytail braid braids bun afro dreadlocks curls fringe bangs locks mohawk",
    "things worn": """glasses sunglasses spectacles hat cap helmet crown earring earrings piercing necklace scarf hood
        veil bandana""",
}
HAIR_SHAPES = ("long hair", "curly hair", "wavy hair", "braided hair")
YOUNG = frozenset(("child", "children", "boy", "girl", "baby", "kid", "toddler", "teenager", "teen", "infant"))
NEGATIONS = frozenset(("no", "not", "without", "never"))
EXPRESSIONS = frozenset(
    ("smile", "smiling", "laughing", "angry", "sad", "happy", "crying", "frowning", "surprised", "scared", "winking")
)


def unknown_words(text: str) -> list[str]:
    """Words of a text that the starter networks never saw, each once, in order."""
    known = set(words())
    return [word for word in dict.fromkeys(re.findall(r"\w+", text.lower())) if word not in known]


def advice(text: str) -> list[str]:
    """Sentences about what a prompt asks for that the language has no words for; none where all is well."""
    lowered = " ".join(re.findall(r"\w+", text.lower()))
    unknown = unknown_words(text)
    told: list[str] = []
    hair = set(SEPARATE["hair"].split())
    if hair & set(lowered.split()) or any(phrase in lowered for phrase in HAIR_SHAPES):
        told.append("Hair is painted on, short; longer hair is a separate object.")
    if set(SEPARATE["things worn"].split()) & set(lowered.split()):
        told.append("What is worn on the head is a separate object.")
    if YOUNG & set(unknown):
        told.append("Faces are adults'; the youngest is a young person.")
    if NEGATIONS & set(unknown):
        told.append("Say what is there: what a prompt excludes is drawn like what it names.")
    if EXPRESSIONS & set(unknown):
        told.append("A face is made at rest; expressions are shape keys of the finished head.")
    explained = hair | set(SEPARATE["things worn"].split()) | YOUNG | NEGATIONS | EXPRESSIONS
    for word in unknown:
        if word in explained:
            continue
        close = get_close_matches(word, words(), 1, 0.75)
        told.append(f"“{word}” is not known" + (f"; did you mean “{close[0]}”?" if close else "."))
    return told
