"""The two engines: a plain loop in this process, and workers of Ray on one machine or many."""

import logging
import os
from collections.abc import Callable, Iterator

from model_zoo.errors import ZooError
from training.scoring.job import Job
from training.scoring.scorer import Scorer

LOCAL, RAY = "local", "ray"


def run_local(
    job: Job, digest: str, waiting: Iterator[list[str]], scorer: type[Scorer] = Scorer
) -> Iterator[tuple[int, int]]:
    """Photos and errors of each part, as it is written. digest: of the model."""
    worker = scorer(job, digest, threads=os.cpu_count() or 1)
    for names in waiting:
        yield from _counts(worker({"names": [_joined(names)]}))


def run_ray(
    job: Job, digest: str, waiting: Iterator[list[str]], scorer: type[Scorer] = Scorer
) -> Iterator[tuple[int, int]]:
    """Photos and errors of each part, as it is written by one of Ray's workers, one a core.

    Joins the cluster that `RAY_ADDRESS` names or that runs on this machine, or else begins one. A
    worker that dies is replaced and its part done again. Raises `ZooError`.
    """
    try:
        import ray.data
    except ImportError as fault:
        raise ZooError("no_scale", need="The engine ray", package="ray[data]") from fault
    began = not ray.is_initialized()
    if began:
        _join_or_begin_ray()
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        listed = [{"names": _joined(names)} for names in waiting]
        cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
        scored = ray.data.from_items(listed, override_num_blocks=len(listed)).map_batches(
            scorer,
            fn_constructor_args=(job, digest),
            batch_size=1,
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(size=min(cores, len(listed))),
        )
        for batch in scored.iter_batches(batch_size=None):
            yield from _counts(batch)
    except ray.exceptions.RayError as fault:
        problem = str(fault).strip().splitlines()[-1]
        raise ZooError("score_worker_failed", problem=problem) from fault
    finally:
        if began:
            ray.shutdown()


ENGINES: dict[str, Callable[..., Iterator[tuple[int, int]]]] = {LOCAL: run_local, RAY: run_ray}


def _join_or_begin_ray() -> None:
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray.init(include_dashboard=False, logging_level=logging.ERROR)
    except (ray.exceptions.RayError, OSError, RuntimeError, ValueError) as fault:
        problem = str(fault).strip().splitlines()[0]
        raise ZooError("score_no_cluster", problem=problem) from fault


def _joined(names: list[str]) -> bytes:
    return b"\0".join(os.fsencode(name) for name in names)


def _counts(batch: dict) -> Iterator[tuple[int, int]]:
    for photos, errors in zip(batch["photos"], batch["errors"], strict=True):
        yield int(photos), int(errors)
