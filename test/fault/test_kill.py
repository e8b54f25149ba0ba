"""kill -9 at every named step: nothing is lost, nothing doubled, and the account adds up."""

import os
import signal
import subprocess

import pytest

from conftest import PROGRAM, Project

PIPELINE = """
pipeline: sensors
source:
  simulate: { sensors: 20, rows: 20000, seed: SEED, duplicate_rate: 0.01, broken_rate: 0.005 }
codec: json
columns:
  sensor_id:   { type: string, entity: true }
  ts:          { type: timestamp, event_time: true }
  temperature: float64
steps:
  - validate: { temperature: { range: [-40, 85] }, on_fail: dead_letter }
  - deduplicate: { key: [sensor_id, ts], within: 2h }
lake:
  table: sensors.readings
  partition: [hour(ts)]
  flush: { every: 100ms, bytes: 64KiB }
  compact: { min_files: 2, max_age: 1s }
"""


def steps() -> list[str]:
    done = subprocess.run([PROGRAM, "version", "--steps"], capture_output=True, text=True, check=True)
    return done.stdout.split()


def facts(project: Project) -> dict:
    """What must be the same with and without kills."""
    return {
        "table": project.query(
            "SELECT count(*) AS n, count(DISTINCT (sensor_id, ts)) AS keys, "
            "sum(hash(sensor_id, ts, temperature)) AS content FROM sensors.readings"
        ),
        "letters": project.query(
            "SELECT count(*) AS n, count(DISTINCT dead_letter_id) AS ids "
            "FROM sensors.readings__dead_letters"
        ),
    }


# `make drill` asks for more; the seed stands in the name of a test that fails.
SEEDS = range(1, 1 + int(os.environ.get("CATCHWATER_DRILL_SEEDS", "1")))


@pytest.fixture(scope="module", params=SEEDS, ids=lambda seed: f"seed{seed}")
def undisturbed(tmp_path_factory, request) -> dict:
    project = Project(tmp_path_factory.mktemp("undisturbed"))
    project.pipeline("sensors", PIPELINE.replace("SEED", str(request.param)))
    project.run()
    assert project.verify()["violations"] == []
    return {**facts(project), "seed": str(request.param)}


def with_seed(undisturbed: dict) -> str:
    return PIPELINE.replace("SEED", undisturbed["seed"])


def same(project: Project, undisturbed: dict) -> bool:
    return {**facts(project), "seed": undisturbed["seed"]} == undisturbed


@pytest.mark.parametrize("step", steps())
def test_a_kill_at_this_step_loses_and_doubles_nothing(step, tmp_path, undisturbed):
    for hit in (1, 2):
        project = Project(tmp_path / f"hit{hit}")
        project.pipeline("sensors", with_seed(undisturbed))
        killed = project.run(env={"CATCHWATER_FAIL_POINT": f"{step}@{hit}=kill"}, expect=None)
        # A step that this run does not come to must not disturb it either.
        assert killed.returncode in (0, -signal.SIGKILL), killed.stderr
        project.run()
        assert project.verify()["violations"] == []
        assert same(project, undisturbed)


def test_a_writer_that_was_stopped_and_overtaken_is_refused(tmp_path, undisturbed):
    project = Project(tmp_path)
    project.pipeline("sensors", with_seed(undisturbed))
    stopped = subprocess.Popen(
        [PROGRAM, "run", ".", "--until-idle"],
        cwd=project.folder,
        env={**os.environ, "CATCHWATER_FAIL_POINT": "append.metadata_written@2=stop"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        os.waitid(os.P_PID, stopped.pid, os.WSTOPPED | os.WNOWAIT)
        # Its lease runs out after 15 s; then this one takes over and finishes.
        project.run(timeout=120)
        os.kill(stopped.pid, signal.SIGCONT)
        stopped.communicate(timeout=60)
    finally:
        if stopped.poll() is None:
            os.kill(stopped.pid, signal.SIGCONT)
            stopped.kill()
            stopped.wait()
    assert project.verify()["violations"] == []
    assert same(project, undisturbed)


def test_a_second_run_beside_the_first_takes_each_row_once(tmp_path, undisturbed):
    project = Project(tmp_path)
    project.pipeline("sensors", with_seed(undisturbed))
    command = [PROGRAM, "run", ".", "--until-idle"]
    both = [
        subprocess.Popen(command, cwd=project.folder, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in both:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert project.verify()["violations"] == []
    assert same(project, undisturbed)
