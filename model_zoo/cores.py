"""How many cores this process may use: what threads and workers are counted by."""

import functools
import math
import os
from pathlib import Path

# Where Linux tells of control groups (man 7 cgroups), by which containers are held to a share.
MEMBERSHIP, GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


@functools.cache
def usable_cores() -> int:
    """The cores that this process may run on, no more than its container's share of time; >= 1.

    `os.cpu_count` counts those of the whole machine, however few of them a container may use. A
    share such as 1.5 cores counts as 2.
    """
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        allowed = os.cpu_count() or 1
    return max(1, math.ceil(min(allowed, _container_share())))


def reading_threads() -> int:
    """How many threads read and decode photos: one a core, and a few that wait for a disk."""
    return usable_cores() + 4


def _container_share() -> float:
    """The least quota of the control groups that this process is in, in cores; inf without one."""
    try:
        lines = MEMBERSHIP.read_text(encoding="utf-8").splitlines()
    except OSError:
        return math.inf
    shares = [math.inf]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "" or "cpu" in controllers.split(","):
            inner = Path(path.lstrip("/"))
            # A container sees its own group as the root, or, in older ones, under the host's path.
            for group in (inner, *inner.parents):
                shares.append(_quota(GROUPS / group))
                shares.append(_quota(GROUPS / controllers / group))
    return min(shares)


def _quota(group: Path) -> float:
    try:
        if (group / "cpu.max").is_file():  # cgroup v2
            quota, period = (group / "cpu.max").read_text(encoding="ascii").split()
        else:
            quota = (group / "cpu.cfs_quota_us").read_text(encoding="ascii")
            period = (group / "cpu.cfs_period_us").read_text(encoding="ascii")
        cores = float(quota) / float(period)
    except (OSError, ValueError, ZeroDivisionError):  # "max": no quota
        return math.inf
    return cores if cores > 0 else math.inf  # -1: no quota
