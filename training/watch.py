"""The end of one process of several, put into words.

When another process is gone, JAX ends this one from its own threads, where no Python runs. So the
command is run in a child, and the parent says what happened to it.
"""

import os
import re
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from model_zoo.errors import ZooError
from training.place import Place

CHILD = "LESIONLENS_WATCHED"
LOST = 75  # exit status of a child that cannot reach the others any more
# What JAX says on its way out, which goes to a file.
LAST_WORDS = re.compile(r"[EF]\d{4} .*(coordination_service|preemption_sync|client\.h)")
# What comes after it: further lines of its log, the rest of a status of gRPC, a stack in C++.
AFTERMATH = re.compile(
    r"[EFIW]\d{4} |\*\*\* |\s+@ |PC: @|Fatal Python error|RPC: |Additional GRPC|:\{|\s*$"
    r"|.*(RegisterTask|CoordinationService|UNAVAILABLE|DEADLINE_EXCEEDED|/job:)"
)
# Gloo's and NCCL's errors, and those of JAX's own service, come as exceptions of many kinds.
UNREACHABLE = re.compile(
    r"gloo|nccl|coordination.?service|distributed service|connection (reset|closed|refused)"
    r"|heartbeat|barrier|socket closed",
    re.IGNORECASE,
)


def run(place: Place, folder: Path, work: Callable[[], object]) -> int:
    """0 once `work` is done in all processes. folder: of the run, for what JAX says when it ends.

    The calling program is begun again as a child, which gets here as well and does the work.
    Raises `ZooError` where another process is gone.
    """
    log = folder / f"process_{place.process}.log"
    if CHILD in os.environ:
        _work(place, log, work)
    environment = {**os.environ, CHILD: "1"}
    command = [sys.executable, *sys.orig_argv[1:]]
    child = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    last_words = _forward(child.stderr, log)
    status = child.wait()
    if status and "RegisterTask" in last_words:
        problem = f"they did not all come; {log} has what JAX says"
        about = {"process": place.process, "address": place.address, "problem": problem}
        raise ZooError("process_not_joined", **about)
    if status == LOST or (status and last_words):
        raise ZooError("process_lost", process=place.process)
    if status < 0:
        raise ZooError("process_killed", process=place.process, signal=-status)
    return status


def _forward(stream, log: Path) -> str:
    """JAX's last words, if any, which go to a file; all else of standard error is passed on.

    Line by line: what follows a line of JAX's may be a traceback of ours.
    """
    words = []
    for line in stream:
        text = line.decode(errors="replace")
        if LAST_WORDS.match(text) or (words and AFTERMATH.match(text)):
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("a" if words else "w", encoding="utf-8") as file:
                file.write(text)
            words.append(text)
        else:
            sys.stderr.write(text)
            sys.stderr.flush()
    return "".join(words)


def _work(place: Place, log: Path, work: Callable[[], object]) -> NoReturn:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from training.hosts import join, leave

    try:
        join(place)
        work()
        leave()
        status = 0
    except ZooError as fault:
        print(fault, file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        status = 130
    except Exception as fault:
        status = LOST if UNREACHABLE.search(str(fault)) else 1
        if status == LOST:
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(traceback.format_exc(), encoding="utf-8")
        else:
            traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # an orderly exit would wait for the others, who may never come


def _end_with_parent() -> NoReturn:
    os.read(0, 1)  # nothing is ever written: it returns when the parent is gone, however it went
    os._exit(1)
