"""kill -9 at the named steps with the lake on a real S3 server: nothing is lost, nothing doubled."""

import os
import signal

import pytest

from s3_server import S3Project
from test_kill import steps

# Without what stays on the local disk: raw bytes, sinks, streams.
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

# `make drill` goes through all steps; `make test` through those around what the store is asked to do.
IS_DRILL = "CATCHWATER_DRILL_SEEDS" in os.environ
FEW = ("append.data_file_synced", "append.metadata_written", "commit.done", "compact.committed",
       "unlink.file_removed", "orphan.removed")


def facts(project: S3Project) -> dict:
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


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, s3_server) -> dict:
    project = S3Project(tmp_path_factory.mktemp("undisturbed"), s3_server)
    project.pipeline("sensors", PIPELINE.replace("SEED", "1"))
    project.run()
    assert project.verify()["violations"] == []
    return facts(project)


@pytest.mark.parametrize("step", [step for step in steps() if IS_DRILL or step in FEW])
def test_a_kill_at_this_step_loses_and_doubles_nothing_in_the_bucket(
    step, tmp_path, s3_server, undisturbed
):
    for hit in (1, 2) if IS_DRILL else (1,):
        project = S3Project(tmp_path / f"hit{hit}", s3_server)
        project.pipeline("sensors", PIPELINE.replace("SEED", "1"))
        killed = project.run(env={"CATCHWATER_FAIL_POINT": f"{step}@{hit}=kill"}, expect=None)
        assert killed.returncode in (0, -signal.SIGKILL), killed.stderr
        project.run()
        assert project.verify()["violations"] == []
        assert facts(project) == undisturbed


def test_the_few_steps_of_the_small_run_exist():
    assert set(FEW) <= set(steps())
