"""The two engines: a plain loop in this process, and workers of Ray on one machine or many."""

import collections
import logging
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from model_zoo.cores import usable_cores
from model_zoo.errors import ZooError
from training.scoring.job import Job
from training.scoring.scorer import Scorer

LOCAL, RAY = "local", "ray"


def run_local(
    job: Job, answers: dict, waiting: Iterator[list[str]], scorer: type[Scorer] = Scorer
) -> Iterator[tuple[int, int]]:
    """Photos and errors of each part, as it is written. answers: see `answers.describe`.

    Two parts are under way at a time, so that no core waits for the last photos of one.
    """
    worker = scorer(job, answers, cores=usable_cores())
    under_way: collections.deque[Future] = collections.deque()
    with ThreadPoolExecutor(2) as callers:
        for names in waiting:
            under_way.append(callers.submit(worker, {"names": [_joined(names)]}))
            if len(under_way) == 2:
                yield from _counts(under_way.popleft().result())
        for last in under_way:
            yield from _counts(last.result())


def run_ray(
    job: Job, answers: dict, waiting: Iterator[list[str]], scorer: type[Scorer] = Scorer
) -> Iterator[tuple[int, int]]:
    """Photos and errors of each part, as it is written by one of Ray's workers, one a core.

    Joins the cluster that `RAY_ADDRESS` names or that runs on this machine, or else begins one. A
    worker that dies is replaced and its part done again, carefully (see `apart`), but not for ever.
    Raises `ZooError`.
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
            fn_constructor_args=(job, answers),
            batch_size=1,
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(size=min(cores, len(listed))),
        )
        for batch in scored.iter_batches(batch_size=None):
            yield from _counts(batch)
    except ray.exceptions.RayError as fault:
        raise ZooError("score_worker_failed", problem=_said(fault)) from fault
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


def _said(fault: Exception) -> str:
    """What a worker had to say, out of all that Ray says of where it was raised."""
    own = re.findall(r"(?m)^\S*model_zoo\.errors\.\w+: (.+)$", str(fault))
    return (own or str(fault).strip().splitlines())[-1]


def _joined(names: list[str]) -> bytes:
    return b"\0".join(os.fsencode(name) for name in names)


def _counts(batch: dict) -> Iterator[tuple[int, int]]:
    for photos, errors in zip(batch["photos"], batch["errors"], strict=True):
        yield int(photos), int(errors)
