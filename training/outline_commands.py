"""What `calibrate` and `evaluate` do with a network that outlines, up to their exit status."""

import argparse

from model_zoo.errors import ZooError
from training import splits
from training.held_out import (
    known_to,
    listed,
    protocol_of,
    require_unseen,
    unseen_of,
    without_known,
)


def calibrate(options: argparse.Namespace) -> int:
    """0 once the thresholds of photo quality are in the card of a network that outlines."""
    from model_zoo.segmentation import Outliner
    from training import quality_fits

    outliner = Outliner.load(options.model)
    rows, _ = listed(options.images, options.data)
    if options.unseen:
        rows = without_known(rows, outliner.card)
    needed = (splits.VALIDATION, splits.HELD_OUT)
    if not all(splits.part_of(rows, part) for part in needed):
        raise ZooError("no_parts_to_calibrate", file=options.images)
    thresholds, measures = quality_fits.fit(outliner, options.data, rows)
    quality_fits.write(outliner.card, thresholds, measures)
    print(quality_fits.summary(thresholds, measures))
    print("What the cards of classifiers measured by status is older: evaluate renews it.")
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """0 once the measures of a served network that outlines are written."""
    from model_zoo.segmentation import Outliner
    from training import outline_measures
    from training.export import write_measures
    from training.outlines import outlined_rows

    outliner = Outliner.load(options.model)
    images = options.images or splits.DEV_LIST
    rows = splits.part_of(outlined_rows(splits.read_list(images), options.data), options.part)
    if not rows:
        raise ZooError("no_rows", file=images, part=options.part)
    protocol = protocol_of(images, options.part)
    if options.write_card and protocol != protocol_of(splits.DEV_LIST, splits.HELD_OUT):
        raise ZooError("not_held_out")
    if options.unseen:
        rows, protocol = unseen_of(rows, outliner.card, protocol)
    if options.write_card:
        require_unseen(outliner.card, known_to(outliner.card, rows))
    measured = outline_measures.evaluate(outliner, options.data, rows, protocol, tta=options.tta)
    outline_measures.write(measured, options.out)
    print(outline_measures.summary(measured.result))
    if options.write_card:
        write_measures(outliner.card, measured.result)
    return 0
