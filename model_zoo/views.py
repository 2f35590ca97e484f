"""The eight ways in which a square can be turned and mirrored: a lesion has no upside."""

import numpy as np


def eight_views(pixels: np.ndarray) -> np.ndarray:
    """The flips and quarter turns, (8, N, S, S, C), of squares (N, S, S, C), themselves first."""
    turned = [np.rot90(pixels, turns, axes=(1, 2)) for turns in range(4)]
    return np.stack([*turned, *(view[:, :, ::-1] for view in turned)])


def turned_back(views: np.ndarray) -> np.ndarray:
    """What was said of `eight_views`, (8, N, S, S, C), each as the square itself lies."""
    unflipped = [*views[:4], *(view[:, :, ::-1] for view in views[4:])]
    return np.stack([np.rot90(view, -at % 4, axes=(1, 2)) for at, view in enumerate(unflipped)])
