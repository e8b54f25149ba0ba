"""A disk that is full while data files, manifests or the ledger are written: the running program
waits, goes on by itself once there is room, and each row is there once."""

import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest

from conftest import PROGRAM

PIPELINE = """
pipeline: readings
source: { file: { path: "in/*.csv", watch: true, poll: 50ms, complete_after: 1ms } }
codec: csv
columns: { id: int64, text: string }
lake: { table: t.readings, flush: { every: 100ms } }
"""
FILES = 12
ROWS_IN_FILE = 5_000


@pytest.fixture
def disk(project):
    """Makes and resizes a small disk for the data folder: mounting needs root."""
    folder = project.data
    folder.mkdir()

    def resize(kibibytes: int) -> pathlib.Path:
        how = "remount,size" if os.path.ismount(folder) else "size"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"{how}={kibibytes}k", "tmpfs", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            assert "CI" not in os.environ, f"CI must be able to mount a tmpfs: {done.stderr}"
            pytest.skip(f"no small disk to fill, mount a tmpfs as root: {done.stderr}")
        return folder

    yield resize
    if os.path.ismount(folder):
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def inputs(project):
    folder = project.folder / "in"
    folder.mkdir()
    made = random.Random(7)
    for number in range(FILES):
        first = number * ROWS_IN_FILE
        lines = (f"{i},{made.randbytes(40).hex()}\n" for i in range(first, first + ROWS_IN_FILE))
        (folder / f"{number:02}.csv").write_text("id,text\n" + "".join(lines))
    return folder


@contextlib.contextmanager
def running(project):
    process = subprocess.Popen(
        [PROGRAM, "run", "."],
        cwd=project.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_until(process, condition, seconds=90):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.2)


def status(project) -> dict:
    """Nothing while there is no ledger yet."""
    done = project.call("status", "--json", expect=None)
    return json.loads(done.stdout)[0] if done.returncode == 0 else {}


def committed(project) -> int:
    """SQL would also show rows that are in no commit yet."""
    return status(project).get("in_lake", 0)


def is_waiting(project) -> bool:
    live = status(project).get("running") or {}
    return "No space left on device" in live.get("last_error", "")


def free_bytes(folder) -> int:
    return shutil.disk_usage(folder).free


def end_in_good_order(process) -> str:
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return errors


def all_once(project) -> bool:
    counted = project.query("SELECT count(*) AS n, count(DISTINCT id) AS ids FROM t.readings")
    return counted == [{"n": FILES * ROWS_IN_FILE, "ids": FILES * ROWS_IN_FILE}]


def unknown_data_files(project) -> set[str]:
    """Files that take room though no commit names them."""
    folder = project.data / "lake/t/readings/data"
    with contextlib.closing(sqlite3.connect(project.data / "ledger.sqlite")) as ledger:
        known = {path for (path,) in ledger.execute("SELECT path FROM data_file")}
    return {f"file://{path}" for path in folder.rglob("*.parquet")} - known


def test_a_disk_that_is_too_small_from_the_first_flush_on(project, inputs, disk):
    disk(3 << 10)
    project.pipeline("readings", PIPELINE)
    with running(project) as process:
        wait_until(process, lambda: is_waiting(project))
        disk(64 << 10)
        wait_until(process, lambda: committed(project) == FILES * ROWS_IN_FILE)
        end_in_good_order(process)
    assert all_once(project)
    assert project.verify()["violations"] == []
    files = status(project)["input_files"]
    assert (files["done"], files["to_process"] + files["processing"] + files["failed"]) == (FILES, 0)
    assert unknown_data_files(project) == set()


@pytest.mark.parametrize("left_kibibytes", [0, 4, 24, 64, 200])
def test_a_disk_that_fills_up_under_a_running_program(project, inputs, disk, left_kibibytes):
    """What little is left decides what fails: ledger, manifest or data file."""
    folder = disk(64 << 10)
    project.pipeline("readings", PIPELINE)
    late = sorted(inputs.glob("*.csv"))[4:]
    for path in late:
        path.rename(path.with_suffix(".later"))
    with running(project) as process:
        wait_until(process, lambda: committed(project) == 4 * ROWS_IN_FILE)
        ballast = folder / "ballast"
        with open(ballast, "wb") as file, contextlib.suppress(OSError):
            while free_bytes(folder) > left_kibibytes << 10:
                file.write(b"\0" * min(1 << 20, free_bytes(folder) - (left_kibibytes << 10)))
                file.flush()
        for path in late:
            path.with_suffix(".later").rename(path)
        wait_until(process, lambda: is_waiting(project))
        ballast.unlink()
        wait_until(process, lambda: committed(project) == FILES * ROWS_IN_FILE)
        end_in_good_order(process)
    assert all_once(project)
    assert project.verify()["violations"] == []
    assert unknown_data_files(project) == set()


def test_until_idle_gives_up_with_the_path_and_the_next_run_goes_on(project, inputs, disk):
    folder = disk(3 << 10)
    project.pipeline("readings", PIPELINE.replace("watch: true", "watch: false"))
    refused = project.run(expect=4, timeout=300)
    assert "No space left on device" in refused.stderr and str(folder) in refused.stderr
    disk(64 << 10)
    project.run()
    assert all_once(project)
    assert project.verify()["violations"] == []
