"""What to tell someone whose words the language does not have."""

from __future__ import annotations

from difflib import get_close_matches

from .lists import said, taught

SEPARATE = {
    "hair": "curly wavy braided tied ponytail braid braids bun afro dreadlocks curls fringe bangs locks mohawk",
    "things worn": """glasses sunglasses spectacles hat cap helmet crown earring earrings piercing necklace scarf hood
        veil bandana""",
}
HAIR_SHAPES = ("long hair", "curly hair", "wavy hair", "braided hair")
YOUNG = frozenset(("child", "children", "boy", "girl", "baby", "kid", "toddler", "teenager", "teen", "infant"))
NEGATIONS = frozenset(("no", "not", "without", "never"))
EXPRESSIONS = frozenset(("smile", "laugh", "frown", "wink", "blink", "expression", "emotion"))
HAIR = "Hair is not part of the mesh: it is painted on, short; longer hair is a separate object."
WORN = "What is worn on the head is not part of the mesh: it is a separate object."
KNOWN = "old, fat, long nose, full lips, big ears, red lips, grey beard, pale skin, freckles"
LACKING = (HAIR, WORN)  # true of every family


def unknown_words(text: str) -> list[str]:
    """Words of a text that the starter networks never saw, each once, in order."""
    parts = dict.fromkeys(part for word in said(text) for part in word.replace("'", "-").split("-"))
    return [word for word in parts if word not in taught()]


def advice(text: str) -> list[str]:
    """Sentences about what a prompt asks for that the language has no words for; none where all is well."""
    words = said(text)
    lowered, unknown = " ".join(words), unknown_words(text)
    told: list[str] = []
    hair, worn = set(SEPARATE["hair"].split()), set(SEPARATE["things worn"].split())
    if hair & set(words) or any(phrase in lowered for phrase in HAIR_SHAPES):
        told.append(HAIR)
    if worn & set(words):
        told.append(WORN)
    if YOUNG & set(unknown):
        told.append("Faces are adults'; the youngest is a young person.")
    if NEGATIONS & set(unknown):
        told.append("Say what is there: what a prompt excludes is drawn like what it names.")
    if EXPRESSIONS & set(unknown):
        told.append("A face is made at rest; expressions are shape keys of the finished head.")
    explained = hair | worn | YOUNG | NEGATIONS | EXPRESSIONS
    rest = [word for word in unknown if word not in explained]
    for word in rest:
        close = get_close_matches(word, sorted(taught()), 1, 0.75)
        told.append(f"“{word}” is not known" + (f"; did you mean “{close[0]}”?" if close else "."))
    if rest:
        told.append(f"The {len(taught())} words that are known are listed in docs/language.md, such as {KNOWN}.")
    return told
