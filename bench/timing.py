"""One run of a program, timed: the whole process, from start to end."""

import dataclasses
import os
import pathlib
import subprocess
import time


@dataclasses.dataclass
class Sample:
    seconds: float
    cpu: float
    peak_kib: int
    output_bytes: int


def timed(command: list, threads: int, folder: pathlib.Path) -> tuple[float, float, int]:
    """Wall seconds, processor seconds and peak memory in KiB of one process."""
    cores = sorted(os.sched_getaffinity(0))
    used = cores[:1] if threads == 1 else cores
    started = time.monotonic()
    done = subprocess.run(
        ["/usr/bin/time", "-f", "%U %S %M", *map(str, command)],
        cwd=folder,
        env={**os.environ, "POLARS_MAX_THREADS": str(threads)},
        preexec_fn=lambda: os.sched_setaffinity(0, used),
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    if done.returncode != 0:
        raise SystemExit(f"bench: {command} failed:\n{done.stderr[-3000:]}")
    user, system, peak_kib = done.stderr.split()[-3:]
    return seconds, float(user) + float(system), int(peak_kib)
