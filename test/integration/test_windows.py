"""Windows of event time: results equal batch SQL over the table, whatever happens in between."""

import csv
import datetime
import json
import random
import re
import signal

import pytest

# What all pipelines here have before their streams.
SENSORS = """
pipeline: sensors
source:
  file: { path: "in/*.csv" }
codec: csv
columns:
  ts: { type: timestamp, event_time: true }
  sensor_id: { type: string, entity: true }
  value: float64
lake:
  table: sensors.readings
  flush: { every: 100ms, bytes: 64KiB }
streams:
"""
PIPELINE = (
    SENSORS
    + """  minutes:
    key: [sensor_id]
    window: { size: 1m }
    compute: { total: sum(value), lo: min(value), hi: max(value), mean: mean(value) }
    late: { allow: 2m }
    to: [ { table: sensors.minutes } ]
  sliding:
    key: [sensor_id]
    window: { size: 10m, every: 1m }
    compute: { total: sum(value), lo: min(value), hi: max(value), mean: mean(value) }
    late: { allow: 2m }
    to: [ { table: sensors.sliding } ]
  sessions:
    key: [sensor_id]
    window: { session: 30s }
    compute: { total: sum(value) }
    late: { allow: 2m }
    to: [ { table: sensors.sessions } ]
  totals:
    window: all
    compute: { n: count() }
    to: [ { table: sensors.totals } ]
"""
)
VALUES = "count(*) AS n, sum(value) AS total, min(value) AS lo, max(value) AS hi, avg(value) AS mean"


def batch_sql(size_minutes: int) -> str:
    return (
        f"SELECT sensor_id, (epoch_us(ts) // 60000000 - k) * 60000000 AS w, {VALUES} "
        f"FROM sensors.readings, unnest(range({size_minutes})) AS t(k) GROUP BY ALL ORDER BY ALL"
    )


def results_sql(table: str, values: str = "n, total, lo, hi, mean") -> str:
    return (
        f"SELECT sensor_id, epoch_us(window_start) AS w, {values} "
        f"FROM sensors.{table} ORDER BY sensor_id, w"
    )


SESSIONS = """
WITH gaps AS (
  SELECT *, coalesce(epoch_us(ts) - epoch_us(lag(ts) OVER s) >= 30000000, true) AS begins
  FROM sensors.readings WINDOW s AS (PARTITION BY sensor_id ORDER BY ts)),
numbered AS (
  SELECT *, sum(begins::int) OVER (PARTITION BY sensor_id ORDER BY ts) AS session FROM gaps)
SELECT sensor_id, epoch_us(min(ts)) AS w, count(*) AS n, sum(value) AS total
FROM numbered GROUP BY sensor_id, session ORDER BY sensor_id, w
"""


def readings(seed: int, count: int, disorder_s: int, begin_s: int = 0) -> str:
    """Rows of a few sensors, a second or so apart, each up to disorder_s behind."""
    chance = random.Random(seed)
    begin = datetime.datetime(2026, 1, 1) + datetime.timedelta(seconds=begin_s)
    lines, seconds = ["ts,sensor_id,value"], 0.0
    for _ in range(count):
        seconds += chance.random() * (2 if chance.random() < 0.98 else 90)
        ts = begin + datetime.timedelta(seconds=seconds - chance.random() * disorder_s)
        lines.append(f"{ts.isoformat()},S{chance.randrange(7)},{chance.random() * 100:.3f}")
    return "\n".join(lines) + "\n"


def close_enough(got: list[dict], expected: list[dict]):
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        for name, value in other.items():
            if name in ("total", "mean"):
                assert one[name] == pytest.approx(value, rel=1e-9)
            else:
                assert one[name] == value, (one, other)


def windows_are_right(project) -> dict:
    close_enough(project.query(results_sql("minutes")), project.query(batch_sql(1)))
    close_enough(project.query(results_sql("sliding")), project.query(batch_sql(10)))
    close_enough(project.query(results_sql("sessions", "n, total")), project.query(SESSIONS))
    verdict = project.verify()
    assert verdict["violations"] == []
    return verdict["pipelines"]["sensors"]["streams"]


@pytest.fixture
def sensors(project):
    (project.folder / "in").mkdir()
    return project.pipeline("sensors", PIPELINE)


def drop(project, name, text):
    (project.folder / "in" / f"{name}.csv").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_windows_equal_batch_sql_for_disorder_within_lateness(sensors, seed):
    drop(sensors, "a", readings(seed, 8000, disorder_s=119))
    sensors.run("--lanes", str(seed), "--set", "source.file.block_bytes=64KiB")
    streams = windows_are_right(sensors)
    assert streams["minutes"]["in"] == streams["minutes"]["used"] == 8000
    assert sensors.value("SELECT count(*) FROM sensors.minutes__revisions WHERE retracted") == 0
    sensors.run()  # Nothing new: nothing is put out again.
    assert windows_are_right(sensors) == streams
    assert sensors.value("SELECT max(revision) FROM sensors.minutes__revisions") == 1


def test_a_later_run_revises_the_windows_that_were_open(sensors):
    drop(sensors, "a", readings(1, 500, disorder_s=60))
    sensors.run()
    windows_are_right(sensors)
    last_s = sensors.value("SELECT max(epoch_us(ts)) // 1000000 - 1767225600 FROM sensors.readings")
    drop(sensors, "b", readings(2, 500, disorder_s=30, begin_s=last_s - 20))
    sensors.run()
    windows_are_right(sensors)
    retracted = sensors.value("SELECT count(*) FROM sensors.sliding__revisions WHERE retracted")
    assert retracted > 0


def test_kills_do_not_change_windows(sensors):
    drop(sensors, "a", readings(5, 30000, disorder_s=100))
    killed = 0
    for point in ("stream.state_written@2", "stream.state_written@9", "append.acknowledged@3"):
        run = sensors.run(
            "--set", "source.file.block_bytes=64KiB",
            env={"CATCHWATER_FAIL_POINT": f"{point}=kill"}, expect=None,
        )
        assert run.returncode in (0, -signal.SIGKILL), run.stderr
        killed += run.returncode != 0
    assert killed >= 2
    sensors.run()
    streams = windows_are_right(sensors)
    assert streams["sliding"]["used"] == 30000


def late_rows(minutes_late: list[int]) -> str:
    """A row a minute; after an hour rows that are so many minutes behind the newest."""
    lines = ["ts,sensor_id,value"]
    lines += [f"2026-01-01T{m // 60:02d}:{m % 60:02d}:00,S1,1" for m in range(121)]
    newest = datetime.datetime(2026, 1, 1, 2)
    for late in minutes_late:
        ts = newest - datetime.timedelta(minutes=late)
        lines.append(f"{ts.isoformat()},S1,1000")
    return "\n".join(lines) + "\n"


def test_late_rows_are_counted_by_how_late_they_are(sensors):
    drop(sensors, "a", late_rows([1, 2, 3, 4, 30, 90]))
    sensors.run()
    streams = sensors.verify()["pipelines"]["sensors"]["streams"]
    assert streams["minutes"]["late"] == 4  # 2 minutes are allowed.
    assert streams["minutes"]["used"] == 123
    assert streams["minutes"]["by_reason"] == {"1m": 1, "10m": 1, "1h": 1, "1d": 1}
    assert streams["totals"]["used"] == 127
    text = sensors.call("verify").stdout
    assert "late" in text


def test_late_rows_go_to_a_side_table(sensors):
    sensors.pipeline(
        "sensors",
        PIPELINE.replace("late: { allow: 2m }", "late: { allow: 2m, then: side_table }", 1),
    )
    drop(sensors, "a", late_rows([1, 2, 3, 90]))
    sensors.run()
    late = sensors.query("SELECT late_by_ms, value FROM sensors.readings__minutes_late ORDER BY late_by_ms")
    assert late == [{"late_by_ms": 60_000, "value": 1000}, {"late_by_ms": 88 * 60_000, "value": 1000}]
    assert sensors.verify()["violations"] == []


def test_late_rows_correct_what_was_put_out(sensors):
    sensors.pipeline(
        "sensors",
        PIPELINE.replace("late: { allow: 2m }",
                         "late: { allow: 2m, then: correct, correct_for: 1d }", 2),
    )
    whole = late_rows([1, 2, 3, 4, 30, 90]).splitlines(keepends=True)
    drop(sensors, "a", "".join(whole[:122]))
    sensors.run()
    drop(sensors, "b", "".join([whole[0], *whole[122:]]))
    sensors.run()
    close_enough(sensors.query(results_sql("minutes")), sensors.query(batch_sql(1)))
    close_enough(sensors.query(results_sql("sliding")), sensors.query(batch_sql(10)))
    revisions = sensors.query(
        "SELECT revision, retracted, total FROM sensors.minutes__revisions "
        "WHERE window_start = '2026-01-01 00:30:00+00' ORDER BY revision, retracted"
    )
    assert revisions == [
        {"revision": 1, "retracted": False, "total": 1},
        {"revision": 1, "retracted": True, "total": 1},
        {"revision": 2, "retracted": False, "total": 1001},
    ]


def test_an_edited_window_is_built_anew_from_the_table(sensors):
    drop(sensors, "a", readings(7, 3000, disorder_s=60))
    sensors.run()
    sensors.pipeline("sensors", PIPELINE.replace("hi: max(value), mean", "hi: max(value), m2: "
                                                 "median(value), mean"))
    sensors.run()
    windows_are_right(sensors)
    assert sensors.value("SELECT count(*) FROM sensors.minutes WHERE m2 IS NULL") == 0
    drop(sensors, "b", readings(8, 100, disorder_s=10, begin_s=90000))
    sensors.run()
    windows_are_right(sensors)


def test_a_stream_is_filled_from_a_day_on(sensors):
    drop(sensors, "a", readings(7, 3000, disorder_s=60))
    sensors.run()
    half = sensors.value("SELECT date_trunc('minute', quantile_disc(ts, 0.5)) FROM sensors.readings")
    before = sensors.value(f"SELECT count(*) FROM sensors.readings WHERE ts < '{half}'")
    assert 1000 < before < 2000
    sensors.pipeline("sensors", PIPELINE.replace("window: { size: 1m }",
                                                 f'window: {{ size: 1m }}\n    from: "{half}"'))
    drop(sensors, "b", readings(8, 500, disorder_s=10, begin_s=90000) )
    sensors.run()
    # Filled from the table and gone on with what came, as if it had been there with the first row.
    where = f"WHERE window_start >= '{half}'"
    assert sensors.value(f"SELECT sum(n) FROM sensors.minutes {where}") == 3500 - before
    assert sensors.value("SELECT sum(n) FROM sensors.minutes") == 3500 - before
    status = json.loads(sensors.call("app", "status", "minutes", "--json").stdout)[0]
    assert status["rows"]["by_reason"]["before_from"] == before
    sensors.verify()


def test_of_each_window_only_the_greatest(sensors):
    sensors.pipeline("sensors", PIPELINE.replace("window: { size: 1m }", "window: { size: 1m, greatest: n }"))
    expected = (
        f"SELECT * FROM ({batch_sql(1)}) QUALIFY n = max(n) OVER (PARTITION BY w) "
        "ORDER BY sensor_id, w"
    )
    drop(sensors, "a", readings(3, 3000, disorder_s=100))
    sensors.run()
    close_enough(sensors.query(results_sql("minutes")), sensors.query(expected))
    # More rows of the windows that were open: others may be the greatest now.
    last_s = sensors.value("SELECT max(epoch_us(ts)) // 1000000 - 1767225600 FROM sensors.readings")
    drop(sensors, "b", readings(4, 300, disorder_s=30, begin_s=last_s - 20))
    sensors.run()
    close_enough(sensors.query(results_sql("minutes")), sensors.query(expected))
    assert sensors.value("SELECT count(*) FROM sensors.minutes__revisions WHERE retracted") > 0
    assert sensors.verify()["violations"] == []


def test_rows_over_the_rate_of_an_app_are_refused_and_counted(sensors):
    sensors.pipeline("sensors", PIPELINE.replace("window: { size: 1m }",
                                                 "window: { size: 1m }\n    rows_per_second_max: 1"))
    drop(sensors, "a", readings(7, 3000, disorder_s=60))
    sensors.run()
    status = {app["app"]: app["rows"] for app in
              json.loads(sensors.call("app", "status", "--json").stdout)}
    refused = status["minutes"]["by_reason"]["over_rows_per_second"]
    assert refused > 2900 and refused + status["minutes"]["used"] == 3000
    # Others are not touched.
    assert status["sliding"]["used"] == 3000
    sensors.verify()


def test_without_a_lake_results_go_to_a_file(project, sql):
    (project.folder / "in").mkdir()
    text = PIPELINE[: PIPELINE.index("lake:")] + PIPELINE[PIPELINE.index("streams:") :]
    for table in ("minutes", "sliding", "sessions", "totals"):
        text = text.replace(f"{{ table: sensors.{table} }}", f"{{ file: {{ path: {table}.csv }} }}")
    project.pipeline("sensors", text.replace("    late: { allow: 2m }\n", ""))
    for name, begin_s in (("b", 0), ("a", 3000)):  # Not in the order of their times.
        drop(project, name, readings(begin_s, 2000, disorder_s=600, begin_s=begin_s))
    project.run()
    with open(project.folder / "minutes.csv", encoding="utf-8") as file:
        got = {(row["sensor_id"], row["window_start"][:16]): row for row in csv.DictReader(file)}
    expected = sql(
        "SELECT sensor_id, strftime(time_bucket(INTERVAL 1 minute, ts), '%Y-%m-%dT%H:%M') AS w, "
        f"{VALUES} FROM read_csv('{project.folder}/in/*.csv') GROUP BY ALL"
    )
    assert len(got) == len(expected)
    for sensor_id, w, n, total, lo, hi, mean in expected:
        row = got.get((sensor_id, w)) or got[(sensor_id, w.replace("T", " "))]
        assert int(row["n"]) == n
        assert [float(row["lo"]), float(row["hi"])] == [lo, hi]
        assert float(row["total"]) == pytest.approx(total, rel=1e-9)
        assert float(row["mean"]) == pytest.approx(mean, rel=1e-9)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ("window: { size: 1m, every: 2m }", "longer than `size`"),
        ("window: { size: 1m, session: 1m }", "one of `size`"),
        ("window: { every: 1m }", "one of `size`"),
        ("window: { size: 1m, cadence: 0s }", "cadence"),
        ("window: { size: 1m }\n    from: yesterday", "`yesterday` is no time"),
        ("window: all\n    from: 2026-01-01", "`window: all`"),
        ("window: all\n    rows_per_second_max: 5", "`window: all`"),
    ],
)
def test_windows_that_make_no_sense_are_refused_with_their_place(sensors, wrong, message):
    sensors.pipeline("sensors", PIPELINE.replace("window: { size: 1m }", wrong))
    drop(sensors, "a", late_rows([]))
    stderr = sensors.run(expect=78).stderr
    assert message in stderr
    assert "sensors.yaml:" in stderr


def test_files_are_not_for_windows_beside_a_lake(sensors):
    sensors.pipeline(
        "sensors", PIPELINE.replace("{ table: sensors.minutes }", "{ file: { path: m.csv } }"))
    drop(sensors, "a", late_rows([]))
    assert "catchwater query" in sensors.run(expect=78).stderr


def test_the_console_shows_results_once(sensors):
    sensors.pipeline(
        "sensors", PIPELINE.replace("{ table: sensors.minutes }", "console: {}").replace(
            "to: [ console: {} ]", "to: [ { console: { rows_max: 1000 } } ]"))
    drop(sensors, "a", late_rows([]))
    # In one table or more: by how many commits the rows came in.
    rows = [line for line in sensors.run().stdout.splitlines() if re.search(r"│.*\d\d:\d\d", line)]
    assert len(rows) == len(set(rows)) == 121


def test_account_in_json_has_streams(sensors):
    drop(sensors, "a", late_rows([5]))
    sensors.run()
    done = json.loads(sensors.call("verify", "--json").stdout)
    assert done["pipelines"]["sensors"]["streams"]["minutes"]["late"] == 1
