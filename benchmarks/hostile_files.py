"""What the worst file costs the decoder: python -m benchmarks.hostile_files

Decodes the corpus of hostile files (tests/model_zoo/hostile.py), two at once as on a server, and
prints what came of each family, its slowest file, and how far the memory of the process rose.
"""

import resource
import time
import warnings
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor

from model_zoo.errors import BadImage
from model_zoo.images import decode_rgb
from tests.model_zoo.hostile import corpus


def main() -> None:
    """Nothing; prints the table."""
    warnings.simplefilter("ignore")
    files = list(corpus())
    before = _peak_megabytes()
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(_attempt, [data for _, data in files]))
    families = defaultdict(list)
    for (name, _), outcome in zip(files, outcomes, strict=True):
        families[name.split("/")[0]].append((*outcome, name))
    print("| family | files | refused | slowest, ms | which |\n|---|---:|---:|---:|---|")
    for family, entries in families.items():
        refused = sum(outcome != "photo" for _, outcome, _ in entries)
        seconds, _, name = max(entries)
        print(f"| {family} | {len(entries)} | {refused} | {seconds * 1e3:.1f} | {name} |")
    reasons = Counter(outcome for _, outcome in outcomes)
    print(f"\n{len(files)} files: {dict(reasons.most_common())}")
    print(f"Peak memory: {before} MB before, {_peak_megabytes()} MB after")


def _attempt(data: bytes) -> tuple[float, str]:
    began = time.perf_counter()
    try:
        decode_rgb(data)
        outcome = "photo"
    except BadImage as fault:
        outcome = fault.code
    return time.perf_counter() - began, outcome


def _peak_megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
