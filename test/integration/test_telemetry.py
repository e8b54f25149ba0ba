"""What a run tells of itself: log records on standard error, metrics through the control socket."""

import json
import os
import re
import subprocess
import time

import pytest
from conftest import ERROR_RECORD, PROGRAM

PIPELINE = """
pipeline: live
source:
  simulate: { sensors: 50, cadence: 100ms, realtime: true, seed: 3, broken_rate: 0.05 }
codec: json
columns:
  sensor_id: { type: string, entity: true }
  ts: { type: timestamp, event_time: true }
  temperature: float64
lake:
  table: live.readings
  flush: { every: 100ms }
streams:
  all: { window: all, compute: { n: count() }, to: [ { file: { path: all.json } } ] }
  seconds: { key: [sensor_id], window: { size: 1s }, compute: { n: count() }, to: [ { table: live.seconds } ] }
"""
BOUNDED = PIPELINE.replace("cadence: 100ms, realtime: true", "rows: 2000")
# name{labels} value, as the Prometheus text format has it.
SAMPLE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)$')


def samples(text: str) -> dict:
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            assert re.match(r"# (HELP|TYPE) [a-z_]+ \S", line), line
            continue
        name, labels, value = SAMPLE.match(line).groups()
        assert (name, labels) not in found, f"twice: {line}"
        found[(name, labels or "")] = float(value)
    return found


@pytest.fixture
def running(project):
    project.pipeline("live", PIPELINE)
    run = subprocess.Popen(
        [PROGRAM, "run", ".", "--log-level", "info"],
        cwd=project.folder, stderr=subprocess.PIPE, text=True,
    )
    try:
        yield project
    finally:
        run.terminate()
        _, errors = run.communicate(timeout=60)
    assert run.returncode == 0
    assert not ERROR_RECORD.search(errors), errors


def test_metrics_of_a_running_program(running):
    deadline = time.monotonic() + 60
    found = {}
    rows = ("catchwater_rows_total", 'pipeline="live",consumer="lake",bucket="lake"')
    watermark = ("catchwater_watermark_seconds", 'pipeline="live",stream="seconds"')
    while time.monotonic() < deadline and (found.get(rows, 0) < 100 or watermark not in found):
        done = running.call("status", "--metrics", expect=None)
        found = samples(done.stdout) if done.returncode == 0 else {}
        time.sleep(0.1)
    assert found[rows] >= 100
    of = 'pipeline="live",source="simulate"'
    frames = found[("catchwater_source_records_total", of)]
    dead = sum(v for (n, l), v in found.items() if n == "catchwater_records_rejected_total")
    assert frames == found[rows] + dead and dead > 0
    assert found[("catchwater_source_bytes_total", of)] > 20 * frames
    used = ("catchwater_rows_total", 'pipeline="live",consumer="all",bucket="used"')
    assert found[used] == found[rows]
    commits = found[("catchwater_commits_total", 'actor="pipeline/live",outcome="committed"')]
    assert commits == found[("catchwater_commit_duration_seconds_count", 'actor="pipeline/live"')]
    assert found[("catchwater_unaccounted_rows", 'pipeline="live"')] == 0
    assert found[("catchwater_lake_files", 'table="live.readings"')] >= 1
    assert found[("catchwater_lake_bytes", 'table="live.readings"')] > 0
    now = time.time()
    for name, labels in (
        ("catchwater_source_last_success_timestamp_seconds", of),
        ("catchwater_snapshot_timestamp_seconds", 'table="live.readings"'),
    ):
        assert now - 60 < found[(name, labels)] <= now + 1
    # Rows may come a minute late.
    assert now - 120 < found[watermark] <= now + 1
    assert any(n == "catchwater_build_info" for n, _ in found)
    live = 'pipeline="live"'
    assert found[("catchwater_decode_seconds_count", live)] > 0
    assert found[("catchwater_flush_seconds_count", live)] >= commits - 1
    for name in ("catchwater_queue_items", "catchwater_queue_bytes"):
        assert found[(name, live + ',queue="lanes"')] >= 0
    assert found[("catchwater_input_files_incomplete", live)] == 0
    assert found[("catchwater_source_lag_bytes", live)] == 0


DROPPED = """
pipeline: dropped
source:
  file: { path: "in/*.csv", watch: true, complete_after: 1h, take: { min_files: 9, max_age: 9h } }
codec: lines
columns: { text: { type: string, from: line } }
lake:
  table: dropped.lines
"""


def test_files_that_wait_are_metrics(project):
    """One is complete but waits for more; the other is still being written."""
    (project.folder / "in").mkdir()
    (project.folder / "in/a.csv").write_text("a\nb\n")
    os.utime(project.folder / "in/a.csv", (time.time() - 7200,) * 2)
    (project.folder / "in/b.csv").write_text("c")
    project.pipeline("dropped", DROPPED)
    run = subprocess.Popen([PROGRAM, "run", "."], cwd=project.folder, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 60
        found = {}
        wanted = {
            ("catchwater_source_lag_bytes", 'pipeline="dropped"'): 4,
            ("catchwater_input_files_incomplete", 'pipeline="dropped"'): 1,
            ("catchwater_input_files", 'pipeline="dropped",state="to_process"'): 1,
        }
        while time.monotonic() < deadline and not wanted.items() <= found.items():
            done = project.call("status", "--metrics", expect=None)
            found = samples(done.stdout) if done.returncode == 0 else {}
            time.sleep(0.1)
        assert wanted.items() <= found.items(), found
    finally:
        run.terminate()
        run.communicate(timeout=60)


def test_without_a_running_program_there_are_no_metrics(project):
    project.pipeline("live", BOUNDED)
    assert "No program runs" in project.call("status", "--metrics", expect=1).stderr


def test_the_log_tells_the_life_cycle_as_json(project):
    project.pipeline("live", BOUNDED)
    done = project.run("--log-level", "info", "--log-format", "json")
    records = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    events = [record["event"] for record in records]
    assert events == ["pipeline.lease_taken", "pipeline.started", "pipeline.ended"]
    assert all(record["object"] == "live" and record["level"] == "info" for record in records)


def test_a_run_that_is_well_logs_nothing_by_default(project):
    project.pipeline("live", BOUNDED)
    assert "level=" not in project.run().stderr


def test_a_failure_is_an_error_record(project):
    project.pipeline("live", BOUNDED.replace("all.json", "no/all.json"))
    (project.folder / "no").write_text("a file where a folder should be")
    done = project.run(expect=None)
    assert done.returncode != 0
    (record,) = [line for line in done.stderr.splitlines() if "level=error" in line]
    assert "event=pipeline.failed object=live" in record and ERROR_RECORD.search(done.stderr)


def test_a_refused_disk_is_a_warning_and_heals(project):
    project.pipeline("live", BOUNDED)
    done = project.run(env={**os.environ, "CATCHWATER_FAIL_POINT": "append.data_file_synced=error"})
    assert "level=warning event=pipeline.restarted object=live" in done.stderr
    assert project.verify()["violations"] == []
