"""The eight ways in which a square can be turned and mirrored: a lesion has no upside."""

import numpy as np


def eight_views(pixels: np.ndarray) -> np.ndarray:
    """The flips and quarter turns of squares (N, S, S, C), as one batch (8 N, S, S, C).

    All N as they are come first, then all N in the second view, and so on.
    """
    turned = [np.rot90(pixels, turns, axes=(1, 2)) for turns in range(4)]
    return np.concatenate([*turned, *(view[:, :, ::-1] for view in turned)])


def turned_back(answers: np.ndarray) -> np.ndarray:
    """Answers to a batch of `eight_views`, (8 N, S, S, C), as (8, N, S, S, C), each as it lay."""
    views = answers.reshape(8, -1, *answers.shape[1:])
    unflipped = [*views[:4], *(view[:, :, ::-1] for view in views[4:])]
    return np.stack([np.rot90(view, -at % 4, axes=(1, 2)) for at, view in enumerate(unflipped)])
