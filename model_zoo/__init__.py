"""Labels, cards, pixels, networks and inference that the app and the training package share.

Shape letters used throughout: N batch, H W height and width of the original photo, S side of
the square that a network reads, h w grid of its feature map, C channels, K classes.
"""

NOTICE = (
    "Research and teaching only. Not a medical device. Never a diagnosis. "
    "Do not use photos that can identify a patient."
)
