"""What a pipeline does when the values of a column turn into another type in mid-stream."""

import json
import sqlite3

import pytest

PIPELINE = """
pipeline: readings
source: {{ file: {{ path: "in/*" }} }}
codec: {codec}
{contract}
columns:
  ts: {{ type: timestamp, event_time: true }}
  sensor: string
  value: {{ type: float64{value} }}
  count: {{ type: int64{count} }}
lake: {{ table: sensors.readings, flush: {{ every: 1s }} }}
"""


def declare(project, codec="json", contract="", value="", count=""):
    project.pipeline(
        "readings", PIPELINE.format(codec=codec, contract=contract, value=value, count=count)
    )


def readings(project, codec: str, rows) -> None:
    folder = project.folder / "in"
    folder.mkdir(exist_ok=True)
    lines = [
        {"ts": f"2026-01-02T03:04:{n:02}Z", "sensor": f"s{n}", "value": value, "count": count}
        for n, (value, count) in enumerate(rows)
    ]
    if codec == "json":
        text = "".join(json.dumps(line) + "\n" for line in lines)
    else:
        text = "ts,sensor,value,count\n" + "".join(
            ",".join(str(value) for value in line.values()) + "\n" for line in lines
        )
    (folder / "a").write_text(text, encoding="utf-8")


def drifts(project) -> list[dict]:
    with sqlite3.connect(f"file:{project.data}/ledger.sqlite?mode=ro", uri=True) as ledger:
        rows = ledger.execute("SELECT body FROM change_feed WHERE kind = 'schema_drift'").fetchall()
    return [json.loads(body) for (body,) in rows]


ROWS = [(0.5, 1), (1.5, 2), ("warm", 3), ("hot", "many"), (4.5, 5)]


@pytest.mark.parametrize("codec", ["json", "csv"])
def test_null_keeps_the_row_without_the_value(project, codec):
    declare(project, codec, value=", contract: null")
    readings(project, codec, ROWS)
    project.run()
    rows = project.query("SELECT sensor, value, count FROM sensors.readings ORDER BY sensor")
    # The fourth has another fault, for which no contract was made.
    assert [tuple(row.values()) for row in rows] == [
        ("s0", 0.5, 1),
        ("s1", 1.5, 2),
        ("s2", None, 3),
        ("s4", 4.5, 5),
    ]
    dead = project.query("SELECT field FROM sensors.readings__dead_letters")
    assert [letter["field"] for letter in dead] == ["value"]
    (drift,) = drifts(project)
    assert (drift["column"], drift["contract"], drift["rows"]) == ("value", "null", 2)
    assert "warm" in drift["example"]
    assert project.status("readings")["unaccounted"] == 0
    assert project.verify()["violations"] == []


def test_a_contract_of_the_pipeline_is_that_of_all_columns(project):
    declare(project, contract="contract: null", count=", contract: reject")
    readings(project, "json", [*ROWS, (6.5, "few")])
    project.run()
    rows = project.query("SELECT sensor, value FROM sensors.readings ORDER BY sensor")
    assert [row["sensor"] for row in rows] == ["s0", "s1", "s2", "s4"]
    found = {drift["column"]: (drift["contract"], drift["rows"]) for drift in drifts(project)}
    assert found == {"value": ("null", 2), "count": ("reject", 1)}
    # Mended by another contract, the letters come in.
    declare(project, contract="contract: null")
    project.call("dlq", "replay", "--pipeline", "readings")
    assert project.value("SELECT count(*) FROM sensors.readings") == 6
    assert project.verify()["violations"] == []


def test_stop_ends_the_pipeline_and_says_why(project):
    declare(project, value=", contract: stop")
    readings(project, "json", ROWS)
    ended = project.run(expect=None)
    assert ended.returncode != 0
    for part in ("value", "warm", "stop", "reject"):
        assert part in ended.stderr
    # Nothing is lost: with another contract it goes on.
    declare(project)
    project.run()
    assert project.value("SELECT count(*) FROM sensors.readings") == 3
    assert drifts(project) == []  # Nobody asked.
    assert project.verify()["violations"] == []
