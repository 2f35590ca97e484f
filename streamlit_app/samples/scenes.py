"""How each scene is painted: skin first, then layer on layer, the camera last.

Every function takes the random numbers and returns the picture, uint8 RGB (450, 600, 3).
"""

import numpy as np

from streamlit_app.samples.brushes import (
    cloud,
    outline,
    ramp,
    relief,
    soften,
)
from streamlit_app.samples.layers import (
    BLOOD,
    DARK_BLOOD,
    DEEP_MELANIN,
    KERATIN,
    MELANIN,
    convolutions,
    cysts,
    field_of_view,
    glints,
    globules,
    hair,
    lacunae,
    lit,
    network,
    photo,
    ruler,
    skin,
    stain,
    strands,
    veil,
    vessels,
)

PINK = (0.98, 0.80, 0.77)
CREAM = (0.97, 0.88, 0.80)
LILAC = (0.88, 0.83, 0.92)
PALE = (0.96, 0.91, 0.92)


def body(rng: np.random.Generator, depth: np.ndarray, soft: float = 0.12) -> np.ndarray:
    """The lesion as a mask: its edge crisp on one side, fading on another."""
    fade = soft * np.clip(1 + 0.7 * cloud(rng, 160), 0.3, 2.2)
    return soften(ramp(depth, -fade, fade), 1.2)


def pigment_network(rng: np.random.Generator) -> np.ndarray:
    picture = skin(rng, PINK, mottled=1.4, sun=0.15)
    depth = outline(rng, (305, 222), (175, 112), angle=0.35, wobble=0.06)
    lesion = body(rng, depth, 0.2)
    lines = network(rng, 13, stretch=1.3, angle=0.5) * ramp(depth, -0.16, 0.08)
    shade = 0.38 + 0.08 * cloud(rng, 60) + 0.7 * ramp(depth, 0.3, 0.95)
    picture = stain(picture, lesion * shade, MELANIN)
    picture = stain(picture, 0.18 * lesion, BLOOD)
    picture = stain(picture, (0.5 - 0.2 * ramp(depth, 0.5, 1)) * lines, MELANIN)
    return photo(rng, picture)


def brown_globules(rng: np.random.Generator) -> np.ndarray:
    picture = skin(rng, CREAM, sun=0.15)
    depth = outline(rng, (295, 230), (150, 122), angle=-0.4, wobble=0.05, ragged=0.025)
    lesion = body(rng, depth, 0.12)
    clods = soften(globules(rng, 15, fill=0.85, size=(0.24, 0.5)), 0.9)
    shade = 0.42 + 0.08 * cloud(rng, 50) + 0.35 * ramp(depth, 0.1, 0.9)
    picture = stain(picture, lesion * shade, MELANIN)
    picture = stain(picture, 0.2 * ramp(depth, 0, 0.8), DEEP_MELANIN)
    picture = stain(picture, 0.85 * clods * ramp(depth, -0.04, 0.14), MELANIN)
    return photo(rng, picture)


def blue_white_veil(rng: np.random.Generator) -> np.ndarray:
    picture = skin(rng, PINK, mottled=1.7, sun=0.25)
    depth = outline(rng, (300, 228), (190, 135), angle=-0.25, wobble=0.12, ragged=0.06)
    lesion = body(rng, depth, 0.14)
    lines = network(rng, 15, thick=0.34, irregular=0.45) * ramp(depth, -0.08, 0.08)
    lines *= ramp(cloud(rng, 110), -0.5, 0.5)
    shade = np.clip(0.38 + 0.18 * cloud(rng, 90), 0.1, 1.0)
    picture = stain(picture, lesion * shade, MELANIN)
    picture = stain(picture, 0.3 * lesion * ramp(cloud(rng, 110), -0.5, 1.5), BLOOD)
    picture = stain(picture, 0.5 * lines, MELANIN)
    blotch = outline(rng, (385, 195), (80, 62), wobble=0.14, ragged=0.12)
    picture = stain(picture, 0.8 * soften(ramp(blotch, -0.25, 0.5), 3) * lesion, (0.85, 1.1, 1.2))
    dots = globules(rng, 13, fill=0.14, size=(0.15, 0.36)) * ramp(depth, -0.2, 0.0)
    picture = stain(picture, 0.7 * soften(dots, 0.8) * ramp(-depth, -0.4, 0.0), MELANIN)
    scar = outline(rng, (205, 262), (55, 40), wobble=0.2, ragged=0.2)
    picture = veil(picture, 0.5 * soften(ramp(scar, -0.4, 0.6), 3), (0.90, 0.82, 0.82))
    haze = outline(rng, (310, 245), (105, 62), angle=0.5, wobble=0.15, ragged=0.16)
    haze = soften(ramp(haze, -0.3, 0.8), 5) * (0.58 + 0.08 * cloud(rng, 30))
    picture = veil(picture, haze * lesion, (0.46, 0.47, 0.54))
    return photo(rng, glints(rng, picture, 0.6 * lesion))


def red_lacunae(rng: np.random.Generator) -> np.ndarray:
    picture = skin(rng, PINK, mottled=0.8)
    depth = outline(rng, (305, 225), (122, 98), angle=0.2, wobble=0.045, ragged=0.02)
    lesion = body(rng, depth, 0.05)
    swelling = soften(np.sqrt(np.clip(depth, 0, 1)), 5)
    picture = stain(picture, 0.28 * soften(ramp(depth, -0.35, 0.1), 9), BLOOD)
    picture = stain(picture, lesion * (0.45 + 0.1 * cloud(rng, 40)), DARK_BLOOD)
    picture = veil(picture, 0.35 * lesion * ramp(cloud(rng, 50), 0, 1.6), (0.86, 0.70, 0.80))
    lakes, dark = lacunae(rng, 33)
    lakes = soften(lakes, 1.3) * ramp(depth, 0.0, 0.12)
    picture = stain(picture, 0.7 * lakes, BLOOD)
    picture = stain(picture, lakes * (0.1 + 0.8 * dark), DARK_BLOOD)
    picture = lit(picture, 0.10 * relief(swelling) * lesion)
    return photo(rng, glints(rng, picture, 0.55 * lesion))


def branching_vessels(rng: np.random.Generator) -> np.ndarray:
    picture = skin(rng, CREAM, mottled=1.5, sun=0.3)
    depth = outline(rng, (300, 225), (170, 128), wobble=0.05, ragged=0.03)
    lesion = body(rng, depth, 0.16)
    picture = veil(picture, 0.30 * lesion, (0.99, 0.84, 0.83))
    picture = stain(picture, lesion * (0.18 + 0.08 * cloud(rng, 80)), BLOOD)
    picture = veil(picture, 0.3 * lesion * ramp(cloud(rng, 60), -0.5, 2), (0.97, 0.92, 0.93))
    nests = soften(globules(rng, 38, fill=0.12, size=(0.2, 0.4), soft=0.1), 2.8)
    picture = stain(picture, 0.45 * nests * ramp(depth, 0, 0.2), DEEP_MELANIN)
    turns = (0.4, 2.2, 3.6, 5.1)
    stems = [
        (300 - 165 * np.cos(t), 225 - 120 * np.sin(t), t + rng.normal(0, 0.3), 85) for t in turns
    ]
    seen = ramp(depth, -0.12, 0.2) * np.clip(0.9 + 0.3 * cloud(rng, 60), 0.2, 1.2)
    below = soften(vessels(rng, stems[1::2], width=2.5), 2.2)
    picture = stain(picture, 0.55 * seen * below, DARK_BLOOD)
    branches = vessels(rng, stems, width=4)
    branches = 0.75 * soften(branches, 0.7) + 0.35 * soften(branches, 2)
    picture = stain(picture, 0.8 * seen * branches, BLOOD)
    sore = ramp(outline(rng, (345, 250), (22, 16), wobble=0.1, ragged=0.1), -0.2, 0.3)
    picture = stain(picture, 0.6 * soften(sore, 1.5), (0.35, 1.1, 1.2))
    picture = lit(picture, 0.05 * relief(soften(cloud(rng, 40), 4)) * lesion)
    return photo(rng, glints(rng, picture, 0.8 * lesion))


def white_cysts(rng: np.random.Generator) -> np.ndarray:
    picture = skin(rng, PALE, mottled=1.5, sun=0.3)
    depth = outline(rng, (300, 225), (172, 128), angle=-0.2, wobble=0.07, ragged=0.04)
    lesion = soften(ramp(depth, -0.03, 0.07), 1)
    picture = lit(picture, -0.06 * soften(ramp(depth, -0.12, 0.0), 5))
    shade = 0.35 + 0.1 * cloud(rng, 60) + 0.03 * cloud(rng, 12)
    picture = stain(picture, lesion * shade, MELANIN)
    picture = stain(picture, 0.15 * lesion * ramp(cloud(rng, 80), -1, 1), DEEP_MELANIN)
    picture = stain(picture, 0.1 * lesion, KERATIN)
    plugs = globules(rng, 38, fill=0.28, size=(0.08, 0.2), soft=0.05) * ramp(depth, 0.06, 0.2)
    picture = stain(picture, 0.75 * soften(plugs, 1.2), (0.7, 1.1, 1.25))
    pearls = cysts(rng, 40, fill=0.35) * ramp(depth, 0.06, 0.2)
    picture = veil(picture, 0.5 * pearls, (0.97, 0.93, 0.82))
    height, fissures = convolutions(rng, 16)
    picture = stain(picture, 0.22 * soften(fissures, 1.5) * lesion, MELANIN)
    picture = lit(picture, 0.04 * relief(soften(height, 2)) * lesion)
    return photo(rng, glints(rng, picture, 0.3 * lesion))


def winding_folds(rng: np.random.Generator) -> np.ndarray:
    picture = skin(rng, PALE, mottled=1.5, sun=0.3)
    depth = outline(rng, (298, 228), (185, 120), angle=0.3, wobble=0.06, ragged=0.03)
    lesion = soften(ramp(depth, -0.03, 0.07), 1)
    height, fissures = convolutions(rng, 30)
    picture = stain(picture, lesion * (0.3 + 0.10 * cloud(rng, 90)), MELANIN)
    shade = 0.12 + 0.22 * ramp(cloud(rng, 90, rough=4), -0.5, 1.5)
    picture = stain(picture, lesion * shade, DEEP_MELANIN)
    picture = stain(picture, 0.5 * soften(fissures, 1.8) * lesion, MELANIN)
    picture = lit(picture, 0.06 * relief(soften(height, 2)) * lesion)
    pearls = cysts(rng, 48, fill=0.4) * ramp(depth, 0.06, 0.2)
    picture = veil(picture, 0.7 * pearls, (0.96, 0.93, 0.84))
    return photo(rng, glints(rng, field_of_view(picture, (302, 222), 345), 0.4 * lesion))


def hair_on_top(rng: np.random.Generator) -> np.ndarray:
    picture = skin(rng, CREAM, mottled=1.1)
    depth = outline(rng, (310, 232), (138, 104), angle=0.7, wobble=0.07, ragged=0.05)
    lesion = body(rng, depth, 0.2)
    lines = network(rng, 10, thick=0.24, irregular=0.45) * ramp(depth, -0.1, 0.12)
    patch = np.clip(0.55 + 0.2 * cloud(rng, 60), 0.1, 1.2) + 0.3 * ramp(depth, 0.3, 0.9)
    picture = stain(picture, lesion * patch, MELANIN)
    picture = stain(picture, 0.45 * soften(lines, 0.6), MELANIN)
    picture = hair(rng, picture, 10, angle=0.5, width=1.1, colour=(0.42, 0.28, 0.18))
    picture = hair(rng, picture, 14, angle=-0.6, width=2.8)
    return photo(rng, picture)


def ruler_at_edge(rng: np.random.Generator) -> np.ndarray:
    picture = skin(rng, LILAC)
    depth = outline(rng, (285, 200), (88, 70), angle=0.4, wobble=0.08, ragged=0.04)
    lesion = body(rng, depth, 0.12)
    clods = soften(globules(rng, 10, fill=0.5, size=(0.2, 0.4)), 0.6) * ramp(depth, -0.1, 0.1)
    picture = stain(picture, lesion * (0.7 + 0.15 * cloud(rng, 40)), MELANIN)
    picture = stain(picture, 0.2 * lesion, KERATIN)
    picture = stain(picture, 0.55 * clods, MELANIN)
    picture = ruler(rng, picture, (28, 428), -0.035, 13.5)
    return photo(rng, picture)


def round_view(rng: np.random.Generator) -> np.ndarray:
    picture = skin(rng, PALE, mottled=0.9, sun=0.12)
    depth = outline(rng, (292, 214), (96, 74), angle=-0.5, wobble=0.05, ragged=0.05)
    lesion = body(rng, depth, 0.28)
    lines = network(rng, 7.5, thick=0.26) * ramp(depth, -0.2, 0.15) * ramp(-depth, -0.9, -0.2)
    picture = stain(picture, lesion * (0.45 + 0.12 * cloud(rng, 35)), MELANIN)
    picture = stain(picture, 0.2 * lesion, BLOOD)
    picture = stain(picture, 0.5 * lines, MELANIN)
    picture = stain(picture, 0.35 * ramp(depth, 0.4, 0.9), DEEP_MELANIN)
    picture = field_of_view(picture, (300, 225), 212)
    return photo(rng, picture)


def even_blue(rng: np.random.Generator) -> np.ndarray:
    picture = skin(rng, PALE)
    depth = outline(rng, (300, 228), (132, 104), angle=0.3, wobble=0.035, ragged=0.015)
    lesion = soften(body(rng, depth, 0.16), 1.5)
    picture = stain(picture, 0.15 * soften(ramp(depth, -0.5, 0), 12), MELANIN)
    picture = stain(picture, lesion * (0.9 + 0.1 * cloud(rng, 90)), DEEP_MELANIN)
    haze = soften(ramp(cloud(rng, 110, rough=4), -1.5, 2), 4)
    picture = veil(picture, 0.4 * lesion * haze, (0.60, 0.66, 0.82))
    return photo(rng, picture)


def white_centre(rng: np.random.Generator) -> np.ndarray:
    picture = skin(rng, PINK)
    depth = outline(rng, (300, 225), (150, 118), wobble=0.04, ragged=0.035)
    lesion = body(rng, depth, 0.3)
    lines = network(rng, 8.5, irregular=0.45) * ramp(depth, -0.15, 0.15)
    picture = stain(picture, lesion * (0.42 + 0.08 * cloud(rng, 60)), MELANIN)
    picture = stain(picture, 0.05 * lesion, (1, 0.6, 0.4))
    picture = stain(picture, 0.32 * soften(lines, 0.6), MELANIN)
    middle = soften(ramp(depth + 0.06 * cloud(rng, 60), 0.25, 0.9), 4)
    picture = veil(picture, middle * (0.5 + 0.2 * strands(rng)), (0.99, 0.89, 0.89))
    return photo(rng, glints(rng, picture, 0.6 * middle))
