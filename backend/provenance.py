"""What a file says of how it came about: by what, from which words and networks, under which licences.

Said in two ways: for people and for our own reading as JSON, and as the marks that other programs look for, which
call what networks have made machine-made. Never a path, a date or a user. Standard library only, shared with the
add-on.

Sources: the PNG standard, third edition, 11.3.3 (tEXt, iTXt and their keywords); XMP in PNG, ISO 16684-1; IPTC Photo
Metadata 2025.1 (AI System Used, AI Prompt Information) and its NewsCodes, Digital Source Type.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from . import __version__

GENERATOR = f"Facewright {__version__}"
OUR_KEYWORD, XMP_KEYWORD = "Facewright", "XML:com.adobe.xmp"
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
BY_NETWORKS, WITH_NETWORKS = "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"
BY_HAND = ("sculpted by hand", "painted by hand")  # the add-on's names of layers that hands have made
BROUGHT = "none"  # the family of faces that were imported: of what they show we know nothing
EDITING = "instruct-edit/"  # how the names of the networks begin that edits are made with
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SPACES = {
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}


def of_face(document: Mapping[str, Any]) -> dict[str, Any]:
    """How the face of a `face.json` came about, as GLB, OBJ and .blend tell it."""
    kept = ("kind", "seed", "preset")
    return _told(document, document.get("layers", ())) | {name: document[name] for name in kept if name in document}


def of_texture(document: Mapping[str, Any]) -> dict[str, Any]:
    """The part of it that the albedo tells: what does not show in it (shape, muted edits) leaves its bytes alone."""
    told = _told(document, [layer for layer in document.get("layers", ()) if layer["kind"] != "geometry"])
    if not told["instructions"]:
        drawn = {name: sha for name, sha in told["checkpoints"].items() if not name.startswith(EDITING)}
        told["checkpoints"] = drawn
    return told


def unfinished() -> dict[str, Any]:
    """Of a picture of a face while networks work on it."""
    return {"generator": GENERATOR, "synthetic": True, "digital_source_type": SOURCE_TYPES + BY_NETWORKS}


def of_head(name: str, licence: str) -> dict[str, Any]:
    """Of a picture of a head model that no network has changed."""
    return {"generator": GENERATOR, "head": name, "licences": {name: licence}, "synthetic": True}


def notice(told: Mapping[str, Any]) -> str:
    """One line for fields that hold a copyright notice."""
    made = "Made by trained networks. " if "digital_source_type" in told else ""
    licences = "; ".join(f"{name} {licence}" for name, licence in told.get("licences", {}).items())
    return f"{made}Licences of what it was made with: {licences or 'unknown'}"


def into_png(picture: bytes, told: Mapping[str, Any]) -> bytes:
    """The same picture, saying what is told of it in place of what it said of us before.

    Raises:
        ValueError: it is no PNG.
    """
    if picture[:8] != _SIGNATURE:
        raise ValueError("the picture is not a PNG")
    header, *others = [chunk for chunk in _chunks(picture) if not _is_ours(chunk)]
    texts = [
        _chunk(b"tEXt", b"Software\0" + GENERATOR.encode("latin-1")),
        _international("Copyright", notice(told)),
        _international(OUR_KEYWORD, json.dumps(told, ensure_ascii=False)),
        _international(XMP_KEYWORD, _xmp(told)),
    ]
    return b"".join([_SIGNATURE, header, *texts, *others])


def from_png(picture: bytes) -> dict[str, Any] | None:
    """What `into_png` has told, None of a picture that says nothing."""
    for chunk in _chunks(picture):
        if chunk[4:8] == b"iTXt" and _keyword(chunk) == OUR_KEYWORD:
            return json.loads(chunk[8:-4].split(b"\0", 5)[-1])
    return None


def _told(document: Mapping[str, Any], layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    told: dict[str, Any] = {"generator": GENERATOR}
    told |= {name: document.get(name) or "" for name in ("prompt", "head", "family")}
    told["instructions"] = [layer["instruction"] for layer in layers if layer["strength"] and not layer["muted"]]
    told |= {name: dict(document.get(name) or {}) for name in ("checkpoints", "licences")}
    told["synthetic"] = told["family"] != BROUGHT  # the head is a model's, no scan and no photograph of somebody
    if told["checkpoints"]:
        mixed = told["family"] == BROUGHT or not set(BY_HAND).isdisjoint(told["instructions"])
        told["digital_source_type"] = SOURCE_TYPES + (WITH_NETWORKS if mixed else BY_NETWORKS)
    return told


def _chunks(picture: bytes) -> Iterator[bytes]:
    """The chunks after the signature, each whole: length, type, content, sum."""
    at = len(_SIGNATURE)
    while at + 12 <= len(picture):
        (length,) = struct.unpack_from(">I", picture, at)
        yield picture[at : at + 12 + length]
        at += 12 + length


def _keyword(chunk: bytes) -> str:
    return chunk[8:-4].split(b"\0", 1)[0].decode("latin-1")


def _is_ours(chunk: bytes) -> bool:
    said = (b"tEXt", "Software"), (b"iTXt", "Copyright"), (b"iTXt", OUR_KEYWORD), (b"iTXt", XMP_KEYWORD)
    return (chunk[4:8], _keyword(chunk)) in said


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _international(keyword: str, text: str) -> bytes:
    """An uncompressed iTXt chunk: XMP is searched for in files as it is."""
    return _chunk(b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode())


def _xmp(told: Mapping[str, Any]) -> str:
    marks = {"xmp:CreatorTool": GENERATOR}
    if source := told.get("digital_source_type"):
        marks["Iptc4xmpExt:DigitalSourceType"] = source
        marks["Iptc4xmpExt:AISystemUsed"] = f"Facewright, {told.get('family') or 'unnamed'} networks"
        marks["Iptc4xmpExt:AISystemVersionUsed"] = __version__
        if words := [word for word in (told.get("prompt"), *told.get("instructions", ())) if word]:
            marks["Iptc4xmpExt:AIPromptInformation"] = "; ".join(words)
    spaces = " ".join(f'xmlns:{name}="{place}"' for name, place in _SPACES.items())
    said = " ".join(f"{name}={quoteattr(value)}" for name, value in marks.items())
    rights = f'<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">{escape(notice(told))}</rdf:li></rdf:Alt></dc:rights>'
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {spaces} {said}>{rights}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    )
