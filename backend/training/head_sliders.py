"""What Anny's sliders are called: a label each, and the group it stands in. More of a slider is more of its label."""

from __future__ import annotations

import numpy as np

# Of each phenotype: what 1 is.
PERSON = {
    "gender": "femininity",
    "age": "age",
    "muscle": "muscle",
    "weight": "weight",
    "height": "height",
    "proportions": "ideal proportions",
    "cupsize": "cup size",
    "firmness": "firmness",
    "african": "African ancestry",
    "asian": "Asian ancestry",
    "caucasian": "Caucasian ancestry",
}
# Group, then lines of MakeHuman's name (its group left out) and ours.
LABELS = {
    "cheeks": """
        cheek-trans-up           cheek height
        cheek-volume-incr        cheek fullness
        cheek-inner-incr         inner cheek fullness
        cheek-bones-incr         cheekbone prominence
    """,
    "chin": """
        chin-jaw-drop-incr       jaw drop
        chin-height-incr         chin height
        chin-prominent-incr      chin prominence
        chin-bones-incr          jaw width
        chin-width-incr          chin width
        chin-cleft-incr          chin cleft
        chin-prognathism-incr    underbite
    """,
    "ears": """
        ear-lobe-incr            earlobe size
        ear-shape-round          ear roundness
        ear-trans-forward        ear forwardness
        ear-rot-forward          ear tilt forward
        ear-trans-up             ear height
        ear-scale-vert-incr      ear length
        ear-flap-incr            ear flap
        ear-shape-triangle       ear pointedness
        ear-scale-incr           ear size
        ear-scale-depth-incr     ear depth
        ear-wing-incr            ears standing out
    """,
    "brows": """
        eyebrows-angle-up        brow slant
        eyebrows-trans-up        brow height
        eyebrows-trans-forward   brow ridge
    """,
    "eyes": """
        eye-corner1-up           inner eye corner height
        eye-corner2-up           outer eye corner height
        eye-height1-incr         inner eye opening
        eye-height2-incr         middle eye opening
        eye-height3-incr         outer eye opening
        eye-scale-incr           eye size
        eye-push1-out            inner eye width
        eye-push2-out            outer eye width
        eye-eyefold-up           eyelid fold height
        eye-eyefold-angle-up     eyelid fold slant
        eye-bag-incr             eye bag size
        eye-bag-height-incr      eye bag height
        eye-bag-out              eye bag width
        eye-trans-up             eye height
        eye-trans-out            eye distance
        eye-epicanthus-out       epicanthic fold
    """,
    "forehead": """
        forehead-temple-incr     temple fullness
        forehead-trans-forward   forehead prominence
        forehead-scale-vert-incr forehead height
        forehead-nubian-incr     forehead roundness
    """,
    "head": """
        head-angle-out           head sideways slant
        head-scale-vert-incr     head height
        head-scale-horiz-incr    head width
        head-scale-depth-incr    head depth
        head-back-scale-depth-incr back of head depth
        head-trans-forward       head forwardness
        head-trans-up            head lift
        head-trans-out           head sideways shift
        head-fat-incr            head fat
        head-age-incr            head maturity
    """,
    "mouth": """
        mouth-scale-horiz-incr   mouth width
        mouth-scale-vert-incr    mouth height
        mouth-scale-depth-incr   mouth depth
        mouth-trans-up           mouth lift
        mouth-trans-forward      mouth prominence
        mouth-trans-out          mouth sideways shift
        mouth-angles-up          mouth corner lift
        mouth-dimples-out        dimples
        mouth-laugh-lines-out    laugh lines
        mouth-cupidsbow-incr     cupid's bow depth
        mouth-cupidsbow-width-incr cupid's bow width
        mouth-philtrum-volume-incr philtrum fullness
        mouth-upperlip-height-incr upper lip height
        mouth-upperlip-width-incr upper lip width
        mouth-upperlip-volume-incr upper lip fullness
        mouth-upperlip-ext-up    upper lip side lift
        mouth-upperlip-middle-up upper lip middle lift
        mouth-lowerlip-height-incr lower lip height
        mouth-lowerlip-width-incr lower lip width
        mouth-lowerlip-volume-incr lower lip fullness
        mouth-lowerlip-ext-up    lower lip side lift
        mouth-lowerlip-middle-up lower lip middle lift
    """,
    "neck": """
        measure-neck-circ-incr   neck girth
        measure-neck-height-incr neck stretch
        neck-scale-vert-incr     neck length
        neck-scale-horiz-incr    neck width
        neck-scale-depth-incr    neck depth
        neck-back-scale-depth-incr nape depth
        neck-trans-up            neck lift
        neck-trans-forward       neck forwardness
        neck-trans-out           neck sideways shift
        neck-double-incr         double chin
    """,
    "nose": """
        nose-scale-vert-incr     nose length
        nose-scale-horiz-incr    nose width
        nose-scale-depth-incr    nose depth
        nose-volume-incr         nose size
        nose-trans-up            nose lift
        nose-trans-forward       nose forwardness
        nose-trans-out           nose sideways shift
        nose-hump-incr           nose hump
        nose-greek-incr          nose bridge height
        nose-curve-convex        nose bridge curve
        nose-compression-uncompress nose bridge length
        nose-width1-incr         upper nose bridge width
        nose-width2-incr         middle nose bridge width
        nose-width3-incr         lower nose bridge width
        nose-point-up            nose tip lift
        nose-point-width-incr    nose tip width
        nose-base-up             nose base lift
        nose-septumangle-incr    septum angle
        nose-flaring-incr        nostril flare
        nose-nostrils-width-incr nostril width
        nose-nostrils-angle-up   nostril slant
    """,
}


def slider_table(
    phenotypes: list[str], anchors: dict[str, list[float]], local_names: list[str]
) -> dict[str, np.ndarray]:
    """`slider_names`, `slider_labels`, `slider_groups` (S,) and `slider_ranges` (S, 2), phenotypes first.

    Raises:
        ValueError: a slider without a label, or a label that two sliders have.
    """
    known = {
        line.split()[0]: (" ".join(line.split()[1:]), group)
        for group, text in LABELS.items()
        for line in text.strip().splitlines()
    }
    known |= {name: (label, "person") for name, label in PERSON.items()}
    names = [*phenotypes, *local_names]
    if unnamed := [name for name in names if name not in known]:
        raise ValueError(f"sliders without a label: {', '.join(unnamed)}")
    labels = [known[name][0] for name in names]
    if len(set(labels)) < len(labels):
        raise ValueError(f"labels used twice: {', '.join({label for label in labels if labels.count(label) > 1})}")
    ends = [(anchors[name][0], anchors[name][-1]) if name in anchors else (0.0, 1.0) for name in phenotypes]
    return {
        "slider_names": np.array(names),
        "slider_labels": np.array(labels),
        "slider_groups": np.array([known[name][1] for name in names]),
        "slider_ranges": np.array(ends + [(-1.0, 1.0)] * len(local_names), np.float32),
    }
