"""What files say of where they come from: in every kind of file, and in marks that others read."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from io import BytesIO

import numpy as np
import pygltflib
import pytest
from PIL import Image

from backend import __version__, layering, provenance
from backend.face import saved
from backend.face.export import write_glb, write_obj
from tests.toys import toy_face, toy_layer, toy_topology

IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
NETWORKS = {"text-to-image/unet": "1" * 64, "instruct-edit/unet": "2" * 64}


@pytest.fixture
def face():
    shaped = toy_layer(seed=2, kind="geometry", mask=None, texels=None)
    layers = (toy_layer(), toy_layer(seed=1, muted=True, instruction="unheard"), shaped)
    return replace(toy_face(), layers=layers, checkpoints=NETWORKS, prompt="an old sailor – “grey” & <bearded>")


def texts(png: bytes) -> dict[str, str]:
    """The texts of a picture, as Pillow reads them."""
    with Image.open(BytesIO(png)) as picture:
        picture.load()
        return dict(picture.text)


def marks(png: bytes) -> dict[str, str]:
    """What the XMP packet says, as an XML parser reads it."""
    packet = texts(png)["XML:com.adobe.xmp"]
    (described,) = ET.fromstring(packet.split("?>", 1)[1].rsplit("<?", 1)[0]).iter(
        "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description"
    )
    return described.attrib


def test_a_picture_keeps_its_pixels_and_says_where_it_comes_from(face):
    plain = saved.png(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))
    told = provenance.of_face(saved.document_of(face))
    picture = provenance.into_png(plain, told)
    assert np.array_equal(np.asarray(Image.open(BytesIO(picture))), np.asarray(Image.open(BytesIO(plain))))
    assert provenance.from_png(picture) == json.loads(json.dumps(told))
    assert provenance.from_png(plain) is None
    assert texts(picture)["Software"] == f"Facewright {__version__}"
    assert "CC0-1.0" in texts(picture)["Copyright"]


def test_telling_anew_replaces_what_was_told():
    plain = saved.png(np.zeros((2, 2), np.uint8))
    first = provenance.into_png(plain, provenance.of_head("anny", "CC0-1.0"))
    assert provenance.into_png(first, provenance.unfinished()) == provenance.into_png(plain, provenance.unfinished())
    with pytest.raises(ValueError, match="not a PNG"):
        provenance.into_png(b"GIF89a", {})


def test_others_can_read_that_networks_made_it(face):
    said = marks(saved.albedo_png(face))
    assert said[f"{IPTC}DigitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert said[f"{IPTC}AISystemUsed"] == "Facewright, starter networks"
    assert said[f"{IPTC}AISystemVersionUsed"] == __version__
    assert said[f"{IPTC}AIPromptInformation"] == f"{face.prompt}; make his lips red"


@pytest.mark.parametrize(
    ("changes", "source"),
    [
        ({}, "trainedAlgorithmicMedia"),
        ({"layers": (toy_layer(instruction="painted by hand"),)}, "compositeWithTrainedAlgorithmicMedia"),
        ({"family": "none"}, "compositeWithTrainedAlgorithmicMedia"),
        ({"checkpoints": {}}, None),
    ],
)
def test_what_hands_and_other_programs_did_is_told_apart(face, changes, source):
    told = provenance.of_face(saved.document_of(replace(face, **changes)))
    assert told.get("digital_source_type", "/").rpartition("/")[2] == (source or "")
    assert told["synthetic"] is (changes.get("family") != "none")
    assert ("trained" in provenance.notice(told)) == (source is not None)


def test_the_texture_tells_what_shows_in_it_and_no_more(face):
    heard, shaped = face.layers[0], face.layers[2]
    without, muted = replace(face, layers=()), replace(face, layers=(replace(heard, muted=True), shaped))
    told = provenance.of_texture(saved.document_of(face))
    assert told["instructions"] == ["make his lips red"]
    assert told["checkpoints"] == NETWORKS
    assert saved.albedo_png(muted) == saved.albedo_png(without) == saved.albedo_png(replace(without, seed=5))
    assert saved.albedo_png(face) == saved.albedo_png(face) != saved.albedo_png(without)


def test_glb_and_obj_say_it_too(face, tmp_path):
    topology = toy_topology()
    asset = pygltflib.GLTF2().load(write_glb(face, topology, tmp_path / "face.glb")).asset
    assert asset.generator == f"Facewright {__version__}"
    assert asset.copyright.startswith("Made by trained networks.")
    assert asset.extras["digital_source_type"].endswith("trainedAlgorithmicMedia")
    assert (asset.extras["seed"], asset.extras["kind"]) == (0, "generate")
    assert asset.extras["checkpoints"] == NETWORKS
    write_obj(face, topology, tmp_path / "face.obj")
    head = (tmp_path / "face.obj").read_text(encoding="utf-8").splitlines()[:12]
    assert "# synthetic: true" in head
    assert provenance.from_png((tmp_path / "face.png").read_bytes())["prompt"] == face.prompt


def test_edits_bring_their_networks_and_licences_to_another_face(face, tmp_path):
    other = replace(toy_face(seed=4), checkpoints={"text-to-image/unet": "3" * 64}, licences={"other": "MIT"})
    saved.save(other, tmp_path / "other")
    both = layering.copied(face.layers, face, tmp_path / "other")
    assert both.checkpoints == {"text-to-image/unet": "3" * 64, "instruct-edit/unet": "2" * 64}
    assert both.licences == {"head": "CC0-1.0", "other": "MIT"}
