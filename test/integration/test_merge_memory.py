"""Merging sorts in as much memory as the project's settings give it, the rest on disk."""

import signal

import pytest

PIPELINE = """
pipeline: readings
source: { file: { path: "in/*.csv" } }
codec: csv
columns:
  sensor: { type: string, entity: true }
  ts:     { type: timestamp, event_time: true, format: epoch_ms }
  value:  float64
lake:
  table: town.readings
  sort: [sensor, ts]
  compact: { min_files: 2, max_age: 1s }
"""
ROWS = 600_000  # About 30 MiB of columns: more than 16 MiB, less than 96.
PARTS = 4


@pytest.mark.parametrize(("settings", "is_on_disk"), [("", False), ("memory: { writer: 8MiB }\n", True)])
def test_a_merge_sorts_in_the_memory_that_is_given(project, settings, is_on_disk):
    (project.folder / "catchwater.yaml").write_text(settings)
    project.pipeline("readings", PIPELINE)
    (project.folder / "in").mkdir()
    for part in range(PARTS):
        rows = "".join(f"sensor-{n * 7919 % 1000:04},{1_767_225_600_000 + n},{n / 8}\n"
                       for n in range(part, ROWS, PARTS))
        (project.folder / f"in/{part}.csv").write_text("sensor,ts,value\n" + rows)
        project.run("--no-maintenance")
    # Ended when the merged file is written: what was sorted on disk is still there.
    project.run(env={"CATCHWATER_FAIL_POINT": "compact.file_written=kill"}, expect=-signal.SIGKILL)
    assert bool(list((project.data / "tmp").glob("run-*.arrow"))) == is_on_disk
    project.run()
    assert project.query("SELECT count(*) AS n, sum(value) AS total FROM town.readings") == [
        {"n": ROWS, "total": ROWS * (ROWS - 1) / 16}]
    assert project.verify()["violations"] == []
