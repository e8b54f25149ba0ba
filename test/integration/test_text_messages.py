"""Text formats line by line: CSV lines and points as messages of a broker, logs as files."""

import time

from live import Running, wait_for
from mosquitto import Broker, broker  # noqa: F401  the fixture

MQTT = """
pipeline: sensors
source:
  mqtt: {{ url: "{url}", topics: ["sensors/+/measure"] }}
codec:
  {codec}
columns:
  sensor_id: {{ type: string, from: "topic[1]", entity: true }}
{columns}
lake:
  table: demo.sensors
  flush: {{ every: 200ms }}
"""


def count(project) -> int:
    try:
        return project.value("SELECT count(*) FROM demo.sensors")
    except AssertionError:
        return -1  # Not made yet.


def take(project, broker, messages, rows) -> None:
    """Lets the pipeline run until it has the rows of the messages."""
    with Running(project) as running:
        wait_for(lambda: count(project) >= 0 or running.process.poll() is not None)
        time.sleep(0.5)
        broker.publish([(f"sensors/{sensor}/measure", text) for sensor, text in messages])
        wait_for(lambda: count(project) == rows)
        assert running.stop() == 130


def letters(project) -> list[dict]:
    return project.query(
        "SELECT rule, field, reason, decode(raw) AS raw FROM demo.sensors__dead_letters ORDER BY raw"
    )


def test_a_csv_line_is_a_message(project, broker):
    columns = (
        "  ts: { type: timestamp, event_time: true }\n  value: float64\n  note: string"
    )
    codec = 'csv: { header: false, delimiter: ";" }'
    project.pipeline("sensors", MQTT.format(url=broker.url, codec=codec, columns=columns))
    messages = [
        ("a", "2026-01-02 03:04:05;1.5;plain"),
        ("b", '2026-01-02 03:04:06;2.5;"with ; and ""quotes"""\r\n'),
        ("a", "2026-01-02 03:04:07;3.5;one\n2026-01-02 03:04:08;4.5;two\n"),
        ("a", "2026-01-02 03:04:09;5.5"),
        ("a", "soon;6.5;x"),
        ("a", ""),
    ]
    take(project, broker, messages, rows=4)
    rows = project.query("SELECT sensor_id, value, note FROM demo.sensors ORDER BY value")
    assert [tuple(row.values()) for row in rows] == [
        ("a", 1.5, "plain"),
        ("b", 2.5, 'with ; and "quotes"'),
        ("a", 3.5, "one"),
        ("a", 4.5, "two"),
    ]
    assert [(letter["rule"], letter["field"]) for letter in letters(project)] == [
        ("csv.field_count", None),
        ("column.type", "ts"),
    ]
    assert project.verify()["violations"] == []


def test_points_are_messages(project, broker):
    columns = """\
  ts: { type: timestamp, from: time, event_time: true }
  site: { type: string, from: tag.site }
  load: { type: float64, from: field.load }
  count: int64"""
    project.pipeline(
        "sensors", MQTT.format(url=broker.url, codec="influx_line: {}", columns=columns)
    )
    messages = [
        ("a", "m,site=x\\ y load=0.5,count=3i 1767323045000000000"),
        ("b", "m,site=z load=1\nhm\nm,site=z load=2,count=7u 1767323046000000000\n"),
        ("b", "m load=x 1"),
    ]
    take(project, broker, messages, rows=3)
    rows = project.query("SELECT sensor_id, site, load, count, ts FROM demo.sensors ORDER BY load")
    assert [tuple(row.values())[:4] for row in rows] == [
        ("a", "x y", 0.5, 3),
        ("b", "z", 1.0, None),
        ("b", "z", 2.0, 7),
    ]
    assert rows[0]["ts"].startswith("2026-01-02") and rows[1]["ts"] is None
    assert [letter["raw"] for letter in letters(project)] == ["hm", "m load=x 1"]
    assert all("byte of the record" in letter["reason"] for letter in letters(project))
    assert project.verify()["violations"] == []


LOGS = """
pipeline: web
source: { file: { path: "logs/*.log" } }
codec: access_log
columns:
  time: { type: timestamp, event_time: true }
  method: string
  path: string
  status: int32
  bytes: int64
  user_agent: string
lake: { table: web.requests, partition: [day(time)] }
"""


def test_an_access_log_becomes_a_table(project):
    folder = project.folder / "logs"
    folder.mkdir()
    at = "10/Oct/2025:13:55:3{} -0700"
    (folder / "a.log").write_text(
        "".join(
            f'10.0.0.{n} - - [{at.format(n)}] "GET /p{n}?q=1 HTTP/1.1" {200 + n} {n or "-"} "-" "x/{n}"\n'
            for n in range(5)
        )
        + "not a line of a log\n"
        + f'10.0.0.9 - - [{at.format(9)}] "GET /p9 HTTP/1.1" many 1 "-" "x"\n'
    )
    project.pipeline("web", LOGS)
    project.run()
    rows = project.query("SELECT * FROM web.requests ORDER BY status")
    assert [row["path"] for row in rows] == [f"/p{n}?q=1" for n in range(5)]
    assert rows[0]["bytes"] is None and rows[4]["bytes"] == 4
    assert rows[0]["time"].startswith("2025-10-10T20:55:30")
    dead = project.query("SELECT line, rule, field FROM web.requests__dead_letters ORDER BY line")
    assert [tuple(letter.values()) for letter in dead] == [
        (6, "access_log.match", None),
        (7, "column.type", "status"),
    ]
    refused = project.call(
        "run", ".", "--until-idle", "--set", 'codec={access_log: "%h %h"}', expect=78
    )
    assert "twice" in refused.stderr and "remote_host" in refused.stderr
    assert project.verify()["violations"] == []


def test_a_pattern_cuts_lines(project):
    (project.folder / "a.log").write_text("w 1 a=5\n\nw 2 b\nx\nw 3 a=7 more\n")
    project.pipeline(
        "log",
        """
pipeline: log
source: { file: { path: a.log } }
codec: { regex: { pattern: 'w (?P<n>\\d+)(?: a=(?P<a>\\d+))?', search: true, skip_empty: true } }
columns: { n: int64, a: int32, text: { type: string, from: line } }
lake: { table: log.lines }
""",
    )
    project.run()
    rows = project.query("SELECT n, a, text FROM log.lines ORDER BY n")
    assert [tuple(row.values()) for row in rows] == [
        (1, 5, "w 1 a=5"),
        (2, None, "w 2 b"),
        (3, 7, "w 3 a=7 more"),
    ]
    status = project.status("log")
    assert (status["frames"], status["in_lake"], status["unaccounted"]) == (4, 3, 0)
