"""Draws the sample pictures: what dermoscopy shows, made of noise and lines, of no patient.

    python -m streamlit_app.samples.draw

writes every scene beside this file, and index.toml that names them. A drawing shows a structure
that a reader of dermoscopy learns to name. It is no case: it has no diagnosis.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from streamlit_app.samples import scenes

FOLDER = Path(__file__).parent
QUALITY = 92


@dataclass(frozen=True)
class Scene:
    """One drawing: what it is called, what is drawn, and the seed of the picture we ship.

    pattern_of: the class in whose textbook chapter this pattern is found.
    """

    name: str
    title: str
    pattern_of: str
    description: str
    seed: int
    paint: Callable[[np.random.Generator], np.ndarray]


_ALL = (
    # First what opens as the example: a drawing that is answered plainly, in one view and in eight.
    Scene(
        "network",
        "Drawn: pigment network",
        "NV",
        "A brown honeycomb of lines, darker in the middle, that fades out at an even edge.",
        15,
        scenes.pigment_network,
    ),
    Scene(
        "globules",
        "Drawn: globules",
        "NV",
        "Many round brown clods of unlike size on a tan ground, spread evenly up to the edge.",
        3,
        scenes.brown_globules,
    ),
    Scene(
        "veil",
        "Drawn: blue-white veil, many colours, irregular border",
        "MEL",
        "A lopsided patch with a blue-white haze, a black blotch, a pale scar-like area, broken "
        "network and dots along a ragged border.",
        4,
        scenes.blue_white_veil,
    ),
    Scene(
        "lacunae",
        "Drawn: red lacunae",
        "VASC",
        "Red and dark red lakes with sharp edges, packed between pale septa in a raised lump.",
        9,
        scenes.red_lacunae,
    ),
    Scene(
        "vessels",
        "Drawn: arborizing vessels",
        "BCC",
        "Bright red vessels that branch like a tree over a pink, translucent, shining patch with "
        "blue-grey ovoid nests and a small sore.",
        13,
        scenes.branching_vessels,
    ),
    Scene(
        "cysts",
        "Drawn: milia-like cysts and comedo-like openings",
        "BKL",
        "Small white-yellow dots and dark round plugs on a waxy brown patch with a sharp edge.",
        5,
        scenes.white_cysts,
    ),
    Scene(
        "folds",
        "Drawn: cerebriform surface",
        "BKL",
        "Grey-brown ridges that wind between dark fissures as on a brain, seen through a lens "
        "whose dark rim shows in the corners.",
        10,
        scenes.winding_folds,
    ),
    Scene(
        "hair",
        "Drawn: hair over a pigment network",
        "NV",
        "Dark and fine hair lying across a brown patch with a faint network.",
        7,
        scenes.hair_on_top,
    ),
    Scene(
        "ruler",
        "Drawn: ruler at the edge",
        "NV",
        "A small brown patch with dots, above the printed scale of a contact plate.",
        14,
        scenes.ruler_at_edge,
    ),
    Scene(
        "round",
        "Drawn: round field of view",
        "NV",
        "A small brown patch with a fine network, in the bright disc of a lens on black.",
        12,
        scenes.round_view,
    ),
    Scene(
        "blue",
        "Drawn: homogeneous blue pigment",
        "NV",
        "One even steel-blue patch with no lines or clods and a soft edge.",
        6,
        scenes.even_blue,
    ),
    Scene(
        "scar",
        "Drawn: white centre with a delicate network",
        "DF",
        "A white, scar-like middle of shining crossed lines inside a ring of faint brown network.",
        11,
        scenes.white_centre,
    ),
)
SCENES = {scene.name: scene for scene in _ALL}


def draw(name: str, seed: int) -> np.ndarray:
    """The scene of that name as uint8 RGB (450, 600, 3), the same for the same seed."""
    return SCENES[name].paint(np.random.default_rng(seed))


def index() -> str:
    """The text of index.toml: what the app shows beside each picture."""
    lines = ["# Written by `python -m streamlit_app.samples.draw`: change the words there.\n"]
    for scene in SCENES.values():
        lines += [
            f"[{scene.name}]",
            f'file = "{scene.name}.jpg"',
            # A JSON string of plain words is a TOML string as well.
            f"title = {json.dumps(scene.title)}",
            f'pattern_of = "{scene.pattern_of}"',
            f"description = {json.dumps(scene.description)}\n",
        ]
    return "\n".join(lines)


def main() -> None:
    """Writes the picture of every scene, and the index, beside this file."""
    for scene in SCENES.values():
        pixels = cv2.cvtColor(draw(scene.name, scene.seed), cv2.COLOR_RGB2BGR)
        file = FOLDER / f"{scene.name}.jpg"
        cv2.imwrite(str(file), pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    (FOLDER / "index.toml").write_text(index(), encoding="utf-8")


if __name__ == "__main__":
    main()
