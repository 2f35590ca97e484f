"""Training in several processes, one a host: each takes its share of every batch.

The JAX backend of Keras with `keras.distribution.DataParallel`. The compiled step sees the whole
batch, so loss, normalization and random changes are those of one process. In a process that
trains alone every function here does the obvious and needs no JAX.
"""

import functools
import hashlib
from collections.abc import Callable

import keras
import numpy as np

from model_zoo.errors import BadData, ZooError
from training.place import Place

# Seconds to wait for all processes to begin, and for a sign of life of each from then on.
JOIN_SECONDS, SILENT_SECONDS = 300, 30


def join(place: Place) -> None:
    """Nothing; waits for the other processes, and all models made from now on are shared.

    Raises `ZooError` if they do not come.
    """
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        # `keras.distribution.initialize` calls this too, but a host that falls silent is then
        # noticed after 100 seconds only.
        jax.distributed.initialize(
            place.address,
            place.processes,
            place.process,
            initialization_timeout=JOIN_SECONDS,
            heartbeat_timeout_seconds=SILENT_SECONDS,
        )
        # Batches are shared by `share`: Keras itself shares those of tf.data only.
        shared = keras.distribution.DataParallel(auto_shard_dataset=False)
    except Exception as fault:  # of JAX, gRPC or Gloo, of many kinds
        problem = str(fault).strip().splitlines()[0]
        about = {"process": place.process, "address": place.address, "problem": problem}
        raise ZooError("process_not_joined", **about) from fault
    keras.utils.set_random_seed(0)  # first weights must be the same everywhere; `fit` seeds anew
    keras.distribution.set_distribution(shared)


def leave() -> None:
    """Nothing; waits until all processes have come to their end."""
    import jax

    jax.distributed.shutdown()


def first() -> bool:
    """Whether this is the process that prints and writes."""
    return _alone() or _jax().process_index() == 0


def share(batch: int) -> slice:
    """Which photos of each batch this process reads.

    Raises `BadData` if the devices cannot have equally many.
    """
    if _alone():
        return slice(0, batch)
    jax = _jax()
    if batch % jax.device_count():
        raise BadData("batch_not_shared", batch=batch, devices=jax.device_count())
    each = batch // jax.process_count()
    return slice(jax.process_index() * each, (jax.process_index() + 1) * each)


def agree(about: str) -> None:
    """Nothing, once all processes say the same of what they do. Raises `BadData` if not."""
    if _alone():
        return
    from jax.experimental import multihost_utils

    digest = np.frombuffer(hashlib.sha256(about.encode()).digest(), np.uint8)
    said = np.asarray(multihost_utils.process_allgather(digest))
    if (said != said[0]).any():
        raise BadData("processes_differ")


def predict(model: keras.Model, photos: np.ndarray, batch: int) -> np.ndarray:
    """The model's answers (N, ...) to all photos, uint8 (N, S, S, 3), in every process.

    Each process asks its own copy of the weights about its share of the photos: Keras's `predict`
    cannot gather answers that lie on other hosts.
    """
    if _alone():
        return model.predict(photos, batch_size=batch, verbose=0)
    from jax.experimental import multihost_utils

    count, processes, process = len(photos), _jax().process_count(), _jax().process_index()
    each = -(-count // processes)
    # Shares are filled up with the last photo, and so is each last batch: one compiled shape.
    mine = np.minimum(np.arange(process * each, (process + 1) * each), count - 1)
    weights = [[keras.ops.convert_to_numpy(v) for v in kind] for kind in _variables(model)]
    answers = []
    for at in range(0, each, batch):
        chosen = np.resize(mine[at : at + batch], batch)
        answers.append(np.asarray(_forward(model)(*weights, photos[chosen])))
    gathered = multihost_utils.process_allgather(np.concatenate(answers)[:each])
    return np.asarray(gathered).reshape(processes * each, *gathered.shape[2:])[:count]


@functools.lru_cache(maxsize=1)
def _forward(model: keras.Model) -> Callable:
    def forward(trainable: list, others: list, photos: np.ndarray):
        return model.stateless_call(trainable, others, photos, training=False)[0]

    return _jax().jit(forward)


def _variables(model: keras.Model) -> tuple[list, list]:
    return model.trainable_variables, model.non_trainable_variables


def _alone() -> bool:
    return keras.distribution.distribution() is None


def _jax():
    import jax

    return jax
