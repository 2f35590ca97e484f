"""Scoring of an archive of photos into Parquet (see `run`); needs the extra `scale`."""

import argparse

from model_zoo.errors import ZooError

EXTRA = ("filelock", "pyarrow", "ray", "threadpoolctl")  # what `scale` brings for it


def command(options: argparse.Namespace) -> int:
    """0 once every photo of a folder has its row, be it one with an error; 1 if some have none."""
    try:
        from training.scoring.job import Job
        from training.scoring.run import score, summary
    except ImportError as fault:
        if (fault.name or "").split(".")[0] not in EXTRA:
            raise  # one of requirements.txt, without which nothing runs
        raise ZooError("no_scale", need="score", package=fault.name) from fault
    outlines = not options.no_outline
    job = Job(options.photos, options.out, options.model, options.tta, outlines, options.part)
    whole = score(job, options.engine)
    print(summary(whole, job))
    return 1 if whole["runs"][-1]["closed"] else 0
