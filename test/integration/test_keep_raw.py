"""`keep_raw`: the bytes of a source as they were received, in folders by hour."""

import datetime
import gzip
import json
import os
import shutil
import subprocess
import time

import pytest
from conftest import PROGRAM

PIPELINE = """
pipeline: sensors
source:
  file: { path: "in/*" }
  keep_raw: raw/
  MORE
codec: csv
columns:
  ts: { type: timestamp, event_time: true }
  sensor_id: { type: string, entity: true }
  value: float64
steps:
  - select: value < 50
lake:
  table: sensors.readings
"""
HEADER = "ts,sensor_id,value\n"


def kept(project):
    return sorted((project.folder / "raw").glob("date=*/hour=*/*"))


def content(project) -> str:
    return "".join(file.read_text(encoding="utf-8") for file in kept(project))


@pytest.fixture
def sensors(project):
    (project.folder / "in").mkdir()
    return project.pipeline("sensors", PIPELINE.replace("  MORE\n", ""))


def rows(first: int, count: int) -> str:
    return "".join(
        f"2026-01-05 {i // 3600 % 24:02d}:{i // 60 % 60:02d}:{i % 60:02d},S{i % 5},{i % 100}\n"
        for i in range(first, first + count)
    )


def test_everything_received_is_kept_also_what_no_table_has(sensors):
    text = HEADER + rows(0, 200) + "yesterday,S1,x\n"
    (sensors.folder / "in/a.csv").write_text(text, encoding="utf-8")
    sensors.run()
    assert content(sensors) == text
    (file,) = kept(sensors)
    hour = datetime.datetime.now(datetime.timezone.utc)
    assert abs(datetime.datetime.strptime(
        f"{file.parent.parent.name} {file.parent.name}+0000", "date=%Y-%m-%d hour=%H%z"
    ) - hour) < datetime.timedelta(hours=2)
    assert os.listdir(sensors.folder / "raw/.pending") == []
    sensors.run()
    assert content(sensors) == text, "nothing new, nothing kept"


def test_a_new_file_adds_its_bytes_and_compressed_input_is_kept_as_text(sensors):
    (sensors.folder / "in/a.csv").write_text(HEADER + rows(0, 10), encoding="utf-8")
    sensors.run()
    with gzip.open(sensors.folder / "in/b.csv.gz", "wt") as file:
        file.write(HEADER + rows(10, 10))
    sensors.run()
    assert content(sensors) == HEADER + rows(0, 10) + HEADER + rows(10, 10)


def test_what_was_kept_can_be_read_as_input(sensors, project):
    for i in range(3):
        text = HEADER + rows(i * 100, 100)
        (sensors.folder / f"in/{i}.csv").write_text(text.rstrip("\n") if i < 2 else text)
    sensors.run()
    before = sensors.query("SELECT * FROM sensors.readings ORDER BY ALL")
    shutil.rmtree(sensors.folder / "in")
    shutil.rmtree(sensors.data)
    (sensors.folder / "in").mkdir()
    for file in kept(sensors):
        shutil.move(file, sensors.folder / "in" / f"{file.stem}.csv")
    sensors.run()
    assert sensors.query("SELECT * FROM sensors.readings ORDER BY ALL") == before


def test_messages_are_lines(project):
    project.pipeline(
        "sim",
        """
pipeline: sim
source:
  simulate: { sensors: 5, rows: 1000, seed: 4, broken_rate: 0.01 }
  keep_raw: raw
codec: json
columns: { sensor_id: string, ts: timestamp, temperature: float64 }
lake: { table: sim.readings }
""",
    )
    project.run()
    lines = content(project).splitlines()
    assert len(lines) == project.status("sim")["frames"]
    assert all(file.suffix == ".lines" for file in kept(project))
    whole = [line for line in lines if line.startswith("{") and line.endswith("}")]
    assert "sensor_id" in json.loads(whole[0])


def test_a_pipeline_without_a_lake_keeps_its_bytes_at_the_end(project):
    project.pipeline(
        "totals",
        """
pipeline: totals
source: { file: { path: in.csv }, keep_raw: raw }
codec: csv
columns: { ts: timestamp, sensor_id: string, value: float64 }
streams:
  totals: { key: [sensor_id], window: all, compute: { n: count() }, to: [ { console: {} } ] }
""",
    )
    (project.folder / "in.csv").write_text(HEADER + rows(0, 50), encoding="utf-8")
    project.run()
    assert content(project) == HEADER + rows(0, 50)


def test_old_hours_are_removed_and_other_files_are_not(sensors):
    sensors.pipeline("sensors", PIPELINE.replace("MORE", "keep_raw_retain: 2h"))
    (sensors.folder / "in/a.csv").write_text(HEADER + rows(0, 10), encoding="utf-8")
    old = sensors.folder / "raw/date=2020-01-01/hour=05"
    old.mkdir(parents=True)
    (old / "20200101T050000000000Z-000000ab-1-0123abcd-000000.raw").write_text("old")
    mine = sensors.folder / "raw/date=2020-01-02/hour=05/mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("not yours")
    sensors.run()
    assert not old.exists() and not old.parent.exists()
    assert mine.exists()
    assert content(sensors).endswith(HEADER + rows(0, 10))


def test_the_last_flush_is_finished_in_the_old_folder_when_the_setting_changes(sensors):
    text = HEADER + rows(0, 10)
    (sensors.folder / "in/a.csv").write_text(text, encoding="utf-8")
    # The first two commits create the tables, the third has the rows.
    sensors.run(env={"CATCHWATER_FAIL_POINT": "commit.done@3=kill"}, expect=-9)
    assert kept(sensors) == [] and len(os.listdir(sensors.folder / "raw/.pending")) == 1
    sensors.pipeline("sensors", PIPELINE.replace("keep_raw: raw/\n  MORE\n", "keep_raw: other/\n"))
    sensors.run()
    assert content(sensors) == text
    assert list((sensors.folder / "other").glob("date=*")) == []


def test_a_running_pipeline_shows_bytes_with_each_commit(sensors):
    text = PIPELINE.replace("  MORE\n", "").replace("readings\n", "readings\n  flush: { every: 100ms }\n")
    sensors.pipeline("sensors", text.replace('"in/*"', '"in/*", watch: true'))
    run = subprocess.Popen(
        [PROGRAM, "run", "."], cwd=sensors.folder, stderr=subprocess.PIPE, text=True
    )
    try:
        (sensors.folder / "in/a.csv").write_text(HEADER + rows(0, 10), encoding="utf-8")
        deadline = time.monotonic() + 30
        while not kept(sensors) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert content(sensors) == HEADER + rows(0, 10)
    finally:
        run.terminate()
        run.communicate(timeout=30)
