"""Files of readings become an exactly-once table."""

import shutil

PIPELINE = """
pipeline: sensors
source:
  file: {{ path: "{path}", follow: {follow} }}
codec: csv
columns:
  sensor_id: {{ type: string, from: path.stem, entity: true }}
  timestamp: {{ type: timestamp, event_time: true }}
  value: float64
lake:
  table: sensors.readings
  partition: [month(timestamp)]
"""


def test_recorded_series_equal_what_duckdb_computes(project, recorded, sql):
    files = f"{recorded}/nab/data/**/*.csv"
    project.pipeline("sensors", PIPELINE.format(path=files, follow="false"))
    project.run()
    assert project.status("sensors")["in_lake"] == 181_653
    ours = {
        row["sensor_id"]: row
        for row in project.query(
            "SELECT sensor_id, count(*) AS n, min(value) AS lo, max(value) AS hi, "
            "avg(value) AS mean FROM sensors.readings GROUP BY sensor_id"
        )
    }
    # File by file: two of them end their lines in CR LF, which DuckDB settles once for all files.
    theirs = [
        (path.stem, *row)
        for path in sorted((recorded / "nab/data").glob("**/*.csv"))
        for row in sql(f"SELECT count(*), min(value), max(value), avg(value) FROM read_csv('{path}')")
    ]
    assert len(ours) == len(theirs) == 35
    for sensor, n, lo, hi, mean in theirs:
        row = ours[sensor]
        assert (row["n"], row["lo"], row["hi"]) == (n, lo, hi)
        assert abs(row["mean"] - mean) <= 1e-9 * max(abs(mean), 1e-300)
    assert project.verify()["violations"] == []


def test_a_second_run_a_touch_and_a_copy_add_nothing(project, recorded):
    drop = project.folder / "drop"
    drop.mkdir()
    source = recorded / "nab/data/realKnownCause/nyc_taxi.csv"
    shutil.copy(source, drop / "nyc_taxi.csv")
    project.pipeline("sensors", PIPELINE.format(path="drop/*.csv", follow="false"))
    project.run()
    assert project.status("sensors")["in_lake"] == 10_320
    project.run()
    (drop / "nyc_taxi.csv").touch()
    project.run()
    assert project.status("sensors")["in_lake"] == 10_320
    # The name is part of the identity here: it means another sensor.
    shutil.copy(source, drop / "other_sensor.csv")
    project.run()
    assert project.status("sensors")["in_lake"] == 20_640
    assert project.status("sensors")["input_files"]["done"] == 2
    assert project.verify()["violations"] == []


def test_a_mere_copy_is_not_taken_twice(project, recorded):
    drop = project.folder / "drop"
    drop.mkdir()
    source = recorded / "nab/data/realKnownCause/nyc_taxi.csv"
    shutil.copy(source, drop / "a.csv")
    shutil.copy(source, drop / "b.csv")
    text = PIPELINE.format(path="drop/*.csv", follow="false")
    project.pipeline("sensors", text.replace("from: path.stem, ", "from: value, "))
    project.run()
    assert project.status("sensors")["in_lake"] == 10_320


def test_a_growing_file_adds_exactly_what_was_appended(project):
    log = project.folder / "grow.csv"
    lines = [f"2026-01-01 00:00:{second:02d},{second}.5\n" for second in range(30)]
    log.write_text("timestamp,value\n" + "".join(lines[:20]))
    project.pipeline("sensors", PIPELINE.format(path="grow.csv", follow="true"))
    project.run()
    assert project.value("SELECT count(*) AS n FROM sensors.readings") == 20
    with open(log, "a", encoding="utf-8") as file:
        file.write("".join(lines[20:]))
        file.write("2026-01-01 00:01:00,7")  # Unfinished: not ours yet.
    project.run()
    assert project.value("SELECT count(*) AS n FROM sensors.readings") == 30
    with open(log, "a", encoding="utf-8") as file:
        file.write("7.5\n")
    project.run()
    assert project.value("SELECT max(value) AS n FROM sensors.readings") == 77.5
    assert project.verify()["violations"] == []


def test_what_cannot_be_decoded_is_a_dead_letter_with_its_place(project):
    (project.folder / "in.csv").write_text(
        "timestamp,value\n2026-01-01 00:00:00,1\nyesterday,2\n2026-01-01 00:00:02,x\n", "utf-8"
    )
    project.pipeline("sensors", PIPELINE.format(path="in.csv", follow="false"))
    project.run()
    status = project.status("sensors")
    assert (status["frames"], status["in_lake"], status["unaccounted"]) == (3, 1, 0)
    letters = project.query(
        "SELECT line, field, reason, decode(raw) AS raw FROM sensors.readings__dead_letters "
        "ORDER BY line"
    )
    assert [(letter["line"], letter["field"]) for letter in letters] == [
        (3, "timestamp"),
        (4, "value"),
    ]
    assert letters[0]["raw"] == "yesterday,2"
    assert project.verify()["violations"] == []


def test_a_path_that_matches_nothing_is_told(project):
    project.pipeline("sensors", PIPELINE.format(path="data/*.csv", follow="false"))
    asked = project.call("validate", ".", "--connect", expect=4)
    assert "No file matches `path`: data/*.csv; this does not exist: data" in asked.stderr
    assert "pipelines/sensors.yaml:4:17" in asked.stderr
    assert "this does not exist: data" in project.call("run", ".", "--until-idle", expect=1).stderr
    # A folder may be empty today: told, but no failure.
    (project.folder / "data").mkdir()
    assert "No file matches" in project.call("validate", ".", "--connect", expect=4).stderr
    ran = project.call("run", ".", "--until-idle")
    assert "source.nothing_found" in ran.stderr and "data/*.csv" in ran.stderr
    (project.folder / "data" / "a.csv").write_text("timestamp,value\n2026-01-05T00:00:00Z,1\n")
    assert "nothing_found" not in project.call("run", ".", "--until-idle").stderr
    project.call("validate", ".", "--connect")
