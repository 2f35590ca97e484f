"""From a photo to its answer: this project beside what the usual demo does, on the same model.

    python benchmarks/photo_to_answer.py [--photo FILE] [--model NAME]

Ours: JPEG bytes to probabilities and the heatmaps of all eight classes, LiteRT. The usual demo:
JPEG bytes, Keras `model.predict`, then an eager `GradientTape` Grad-CAM of one class. Each row is a
process of its own; all run in turn on the same photo. Medians; run it when nothing else runs.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from model_zoo.cores import usable_cores

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "streamlit_app" / "samples" / "veil.jpg"
WARM_UP, STARTS = 2, 5


def ours(photo: bytes, model: str) -> Callable[[], None]:
    """The work of one analysis."""
    from model_zoo.classifier import Classifier

    classifier = Classifier.load(model)
    return lambda: classifier.analyse(photo)


def usual(photo: bytes, model: str) -> Callable[[], None]:
    """The work of one prediction and one Grad-CAM, as tutorials write them."""
    import io

    import keras
    import numpy as np
    import tensorflow as tf
    from PIL import Image

    from model_zoo import registry

    card = registry.find(model)
    network = keras.saving.load_model(card.file("keras"), compile=False)
    outputs = [network.get_layer("features").output, network.output]
    explained = keras.Model(network.input, outputs)

    def answer() -> None:
        picture = Image.open(io.BytesIO(photo)).convert("RGB").resize((card.side, card.side))
        pixels = np.asarray(picture, dtype=np.float32)[None]
        leading = int(network.predict(pixels, verbose=0)[0].argmax())
        with tf.GradientTape() as tape:
            features, probabilities = explained(pixels)
            score = probabilities[:, leading]
        weights = tf.reduce_mean(tape.gradient(score, features), axis=(1, 2))
        tf.nn.relu(tf.einsum("bhwc,bc->bhw", features, weights)).numpy()

    return answer


# Work and how often it is timed. Once: a single call, as a command line makes it.
ROLES = {"ours": (ours, 100), "usual": (usual, 15), "usual_once": (usual, 1)}


def timed(work: Callable[[], None], times: int) -> list[float]:
    """Seconds of each of `times` calls, after two that do not count; a single call is the first."""
    seconds = []
    for _ in range(times + WARM_UP if times > 1 else 1):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return seconds[-times:]


def child(role: str, photo: Path, model: str) -> dict:
    """What a fresh process of this file measured: median seconds and peak memory in MB."""
    command = [sys.executable, __file__, "--role", role, "--photo", str(photo), "--model", model]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def start_to_answer(command: list[str]) -> float:
    """Median seconds of whole processes."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}

    def run() -> None:
        subprocess.run(command, capture_output=True, check=True, cwd=ROOT, env=environment)

    return statistics.median(timed(run, STARTS))


def main() -> None:
    """Nothing; prints the table, or, as a child, one line of JSON."""
    from model_zoo import registry

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photo", type=Path, default=SAMPLE)
    parser.add_argument("--model", default=None)
    parser.add_argument("--role", choices=tuple(ROLES))
    options = parser.parse_args()
    model = options.model or registry.default_card().name
    if options.role:
        work, times = ROLES[options.role]
        seconds = timed(work(options.photo.read_bytes(), model), times)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": statistics.median(seconds), "megabytes": peak}))
        return
    first, second = child("ours", options.photo, model), child("usual", options.photo, model)
    predict = [sys.executable, "-m", "model_zoo", "predict", str(options.photo), "--json"]
    slow = [sys.executable, __file__, "--role", "usual_once", "--photo", str(options.photo)]
    slow += ["--model", model]
    start, slow_start = start_to_answer([*predict, "--model", model]), start_to_answer(slow)
    rows = (
        ("photo to answer, ms", first["seconds"] * 1e3, second["seconds"] * 1e3),
        ("process start to answer, ms", start * 1e3, slow_start * 1e3),
        ("peak memory, MB", first["megabytes"], second["megabytes"]),
    )
    print(f"{model}, {options.photo.name}, {usable_cores()} cores\n")
    print("| | LesionLens | usual demo | ratio |\n|---|---:|---:|---:|")
    for name, mine, theirs in rows:
        print(f"| {name} | {mine:.1f} | {theirs:.1f} | {theirs / mine:.1f} |")


if __name__ == "__main__":
    main()
