"""Streams beside a lake: results equal SQL over the table, whatever happens in between."""

import csv
import json
import signal
import subprocess
import time

import pytest
from conftest import PROGRAM

PIPELINE = """
pipeline: sensors
source:
  file: { path: "in/*.csv" }
codec: csv
columns:
  ts: { type: timestamp, event_time: true }
  sensor_id: { type: string, entity: true }
  value: float64
steps:
  - select: value < 90
lake:
  table: sensors.readings
  flush: { every: 100ms }
streams:
  totals:
    key: [sensor_id]
    window: all
    compute: { n: count(), total: sum(value), lo: min(value), hi: max(value), newest: last(value) }
    to: [ { file: { path: totals.csv } }, { table: sensors.totals } ]
  overall:
    window: all
    compute: { n: count(), mid: median(value) }
    to: [ { file: { path: overall.json } } ]
"""
SQL = (
    "SELECT sensor_id, count(*) AS n, sum(value) AS total, min(value) AS lo, max(value) AS hi, "
    "arg_max(value, ts) AS newest FROM sensors.readings GROUP BY ALL ORDER BY ALL"
)
RESULTS = "SELECT sensor_id, n, total, lo, hi, newest FROM sensors.totals ORDER BY ALL"


def rows(first: int, count: int, sensors: int = 5) -> str:
    return "ts,sensor_id,value\n" + "".join(
        f"2026-01-{1 + i // 86400:02d} {i // 3600 % 24:02d}:{i // 60 % 60:02d}:{i % 60:02d},"
        f"S{i % sensors},{i * 7 % 100}\n"
        for i in range(first, first + count)
    )


@pytest.fixture
def sensors(project):
    (project.folder / "in").mkdir()
    return project.pipeline("sensors", PIPELINE)


def drop(project, name, text):
    (project.folder / "in" / f"{name}.csv").write_text(text, encoding="utf-8")


def results_are_right(project):
    expected = project.query(SQL)
    assert project.query(RESULTS) == expected
    with open(project.folder / "totals.csv", encoding="utf-8") as file:
        read = [
            {"sensor_id": row.pop("sensor_id"), **{k: float(v) for k, v in row.items()}}
            for row in csv.DictReader(file)
        ]
    assert read == expected
    (overall,) = (project.folder / "overall.json").read_text().splitlines()
    n = project.value("SELECT count(*) FROM sensors.readings")
    assert json.loads(overall)["n"] == n
    verdict = project.verify()
    assert verdict["violations"] == []
    return verdict["pipelines"]["sensors"]["streams"]


def test_results_equal_sql_and_a_second_run_does_not_count_again(sensors):
    drop(sensors, "a", rows(0, 5000))
    sensors.run()
    streams = results_are_right(sensors)
    assert streams["totals"]["in"] == streams["totals"]["used"] == 4500
    sensors.run()
    assert results_are_right(sensors) == streams
    drop(sensors, "b", rows(5000, 1000))
    sensors.run()
    assert results_are_right(sensors)["overall"]["used"] == 5400
    # The state was loaded, not built from the table: then the source `lake` would be in the account.
    assert sensors.value("SELECT max(revision) FROM sensors.totals__revisions") >= 2


def test_only_changed_keys_get_a_new_revision(sensors):
    drop(sensors, "a", rows(0, 100))
    sensors.run()
    drop(sensors, "b", "ts,sensor_id,value\n2026-02-01 00:00:00,S3,50\n")
    sensors.run()
    count = sensors.query(
        "SELECT sensor_id, count(*) AS n FROM sensors.totals__revisions GROUP BY ALL ORDER BY ALL"
    )
    changed = {row["sensor_id"]: row["n"] for row in count}
    assert changed["S3"] == changed["S1"] + 1
    assert sensors.value("SELECT count(*) FROM sensors.totals") == 5
    results_are_right(sensors)


def test_a_stream_that_is_added_later_begins_with_what_the_table_holds(project):
    (project.folder / "in").mkdir()
    project.pipeline("sensors", PIPELINE[: PIPELINE.index("streams:")])
    drop(project, "a", rows(0, 2000))
    project.run()
    project.pipeline("sensors", PIPELINE)
    project.run()
    results_are_right(project)
    drop(project, "b", rows(2000, 500))
    project.run()
    assert results_are_right(project)["totals"]["in"] == 2250


def test_an_edited_stream_is_built_anew_and_what_does_not_hold_is_retracted(sensors):
    drop(sensors, "a", rows(0, 1000))
    sensors.run()
    text = PIPELINE.replace("key: [sensor_id]", "key: [sensor_id]").replace(
        "n: count(), total", "n: count(), mean: mean(value), total"
    )
    sensors.pipeline("sensors", text)
    sensors.run()
    assert sensors.query(RESULTS) == sensors.query(SQL)
    assert sensors.value("SELECT count(mean) FROM sensors.totals") == 5
    retracted = sensors.value("SELECT count(*) FROM sensors.totals__revisions WHERE retracted")
    assert retracted == 5
    assert sensors.verify()["violations"] == []


def test_replayed_dead_letters_are_counted_at_the_next_start(sensors):
    drop(sensors, "a", rows(0, 100) + "yesterday,S1,5\n")
    sensors.run()
    # The rule is mended: the text of the time is taken as it is, and another column is the time.
    mended = PIPELINE.replace(
        "ts: { type: timestamp, event_time: true }",
        "ts: { type: timestamp, event_time: true, null_tokens: [yesterday] }",
    )
    sensors.pipeline("sensors", mended)
    (done,) = json.loads(sensors.call("dlq", "replay", "--json").stdout)
    assert done["rows"] == 1
    sensors.run()
    results_are_right(sensors)


@pytest.mark.parametrize("damage", ["gone", "damaged"])
def test_lost_state_is_built_from_the_table(sensors, damage):
    drop(sensors, "a", rows(0, 3000))
    sensors.run()
    files = list((sensors.data / "streams/sensors/totals").iterdir())
    assert files
    for file in files:
        if damage == "gone":
            file.unlink()
        else:
            file.write_bytes(file.read_bytes()[:-20] + b"x" * 20)
    drop(sensors, "b", rows(3000, 100))
    sensors.run()
    results_are_right(sensors)


def test_results_follow_the_commits_of_a_source_that_goes_on(sensors):
    sensors.pipeline("sensors", PIPELINE.replace('"in/*.csv"', '"in/*.csv", watch: true'))
    run = subprocess.Popen(
        [PROGRAM, "run", "."], cwd=sensors.folder, stderr=subprocess.PIPE, text=True
    )
    try:
        for number, count in enumerate((10, 20, 40)):
            drop(sensors, f"f{number}", rows(1000 * number, count))
            deadline = time.monotonic() + 30
            wanted = sum(int(i * 7 % 100 < 90) for n, c in enumerate((10, 20, 40)[: number + 1])
                         for i in range(1000 * n, 1000 * n + c))
            while time.monotonic() < deadline:
                path = sensors.folder / "overall.json"
                if path.exists() and json.loads(path.read_text())["n"] == wanted:
                    break
                time.sleep(0.05)
            assert json.loads((sensors.folder / "overall.json").read_text())["n"] == wanted
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=60)
        assert run.returncode == 0
    finally:
        if run.poll() is None:
            run.kill()
            run.communicate()
    results_are_right(sensors)


def test_kills_under_load_do_not_change_results(sensors):
    small = PIPELINE.replace("every: 100ms", "every: 100ms, bytes: 64KiB")
    sensors.pipeline("sensors", small)
    drop(sensors, "a", rows(0, 60000, sensors=200))
    for hit in range(1, 6):
        killed = sensors.run(
            "--set", "source.file.block_bytes=64KiB",
            env={"CATCHWATER_FAIL_POINT": f"stream.state_written@{hit}=kill"}, expect=None,
        )
        if killed.returncode == 2 or killed.returncode == 78:
            pytest.fail(killed.stderr)
        if killed.returncode == 0:
            break
        assert killed.returncode == -signal.SIGKILL
    sensors.run()
    results_are_right(sensors)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ("table: sensors.readings }", "has two writers"),
        ("table: sensors.readings__dead_letters }", "belongs to one stream alone"),
        ("table: sensors.totals }, { table: sensors.totals }", "has two writers"),
    ],
)
def test_result_tables_are_checked_before_anything_starts(sensors, wrong, message):
    sensors.pipeline("sensors", PIPELINE.replace("table: sensors.totals }", wrong))
    drop(sensors, "a", rows(0, 10))
    assert message in sensors.run(expect=78).stderr
    assert not (sensors.data / "ledger.sqlite").exists()


def test_names_that_the_ledger_uses_are_refused(sensors):
    sensors.pipeline("sensors", PIPELINE.replace("  totals:\n", "  lake:\n"))
    assert "cannot have this name" in sensors.run(expect=78).stderr
