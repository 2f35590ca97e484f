"""No hostile file gets further than a sentence."""

import warnings

import numpy as np

from model_zoo.errors import BadImage
from model_zoo.images import decode_rgb
from tests.model_zoo.hostile import corpus


def test_every_file_is_a_photo_or_a_sentence():
    refused, names = 0, set()
    for name, data in corpus():
        assert name not in names
        names.add(name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow warns of what it can still read
                rgb = decode_rgb(data)
        except BadImage as fault:
            sentence = str(fault)
            assert sentence[0].isupper(), name
            assert sentence.endswith("."), name
            refused += 1
        else:
            assert rgb.dtype == np.uint8, name
            assert rgb.ndim == 3, name
            assert rgb.shape[2] == 3, name
    assert refused >= 300
