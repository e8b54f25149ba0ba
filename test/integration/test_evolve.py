"""`contract: evolve`: the table takes up new fields and wider values in mid-stream."""

import json
import signal
import sqlite3
import uuid

import pytest
from lake_judges import catalog_of
from test_kafka import Running, wait_for

COLUMNS = """
contract: evolve
columns:
  id: int64
  count: int32
"""
FILES = """
pipeline: readings
source: {{ file: {{ path: "in/*" }} }}
codec: {codec}
{columns}
lake: {{ table: t.readings, flush: {{ every: 1s }} }}
"""


def declare(project, codec="json", columns=COLUMNS):
    return project.pipeline("readings", FILES.format(codec=codec, columns=columns))


def drop(project, name: str, rows: list[dict]) -> None:
    folder = project.folder / "in"
    folder.mkdir(exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / name).write_text(text, encoding="utf-8")


def changes(project) -> list[dict]:
    return json.loads(project.call("tables", "--changes", "--json").stdout)


def told(project) -> set[tuple]:
    return {(c["column"], c["change"], c.get("from"), c["type"]) for c in changes(project)}


def seen_by_pyiceberg(project) -> list[dict]:
    rows = catalog_of(project).load_table("t.readings").scan().to_arrow().to_pylist()
    return sorted(rows, key=lambda row: row["id"])


def test_new_fields_become_columns_and_wider_values_widen(project):
    declare(project)
    drop(project, "a", [{"id": 0, "count": 1}, {"id": 1, "count": 2}])
    project.run()
    assert changes(project) == []
    drop(
        project,
        "b",
        [
            {"id": 2, "count": 3, "room": "a\u00e9\n", "level": 7, "ratio": 0.5, "on": True},
            {"id": 3, "count": 4, "tags": {"k": [1]}, "level": None},
            {"id": 4, "count": 3_000_000_000, "level": 8},
            {"id": 5, "count": 5, "level": "high"},  # Cannot be widened.
            {"id": 6, "count": "many"},
        ],
    )
    project.run()
    assert told(project) == {
        ("level", "added", None, "string"),
        ("on", "added", None, "boolean"),
        ("ratio", "added", None, "double"),
        ("room", "added", None, "string"),
        ("tags", "added", None, "string"),
        ("count", "widened", "int", "long"),
    }
    rows = seen_by_pyiceberg(project)
    assert [row["id"] for row in rows] == [0, 1, 2, 3, 4, 5]
    assert rows[0]["room"] is None and rows[2]["room"] == "a\u00e9\n"
    assert rows[2]["ratio"] == 0.5 and rows[2]["on"] is True
    assert json.loads(rows[3]["tags"]) == {"k": [1]}
    assert [row["count"] for row in rows] == [1, 2, 3, 4, 3_000_000_000, 5]
    # The first block had numbers and words: text is what all of them are.
    assert [row["level"] for row in rows[2:]] == ["7", None, "8", "high"]
    assert [d["field"] for d in project.query("SELECT field FROM t.readings__dead_letters")] == ["count"]
    assert project.status("readings")["unaccounted"] == 0
    assert project.verify()["violations"] == []


def test_a_value_that_no_type_takes_up_is_rejected_and_can_be_replayed(project):
    declare(project)
    drop(project, "a", [{"id": 0, "level": 7}])
    project.run()
    drop(project, "b", [{"id": 1, "level": 8}, {"id": 2, "level": "high"}, {"id": 3, "level": 9.5}])
    project.run()
    assert [row["level"] for row in seen_by_pyiceberg(project)] == [7, 8]
    dead = project.query("SELECT field, rule, reason FROM t.readings__dead_letters ORDER BY reason")
    assert [(d["field"], d["rule"]) for d in dead] == [("level", "column.type")] * 2
    # Declared away, the letters come in, with what else is new in them.
    declare(project, columns=COLUMNS + "  text: { type: string, from: level }\n")
    project.call("dlq", "replay", "--pipeline", "readings")
    assert [row["text"] for row in seen_by_pyiceberg(project)] == [None, None, "high", "9.5"]
    assert project.verify()["violations"] == []


def test_csv_takes_up_columns_of_its_header(project):
    declare(project, codec="csv")
    folder = project.folder / "in"
    folder.mkdir()
    (folder / "a").write_text("id,count\n0,1\n")
    (folder / "b").write_text('id,code,count,x\n1,007,2,1.5\n2,"a,b",3,\n3,,bad,2\n')
    project.run()
    rows = seen_by_pyiceberg(project)
    assert [(r["id"], r["code"], r["count"], r["x"]) for r in rows] == [
        (0, None, 1, None),
        (1, "007", 2, 1.5),
        (2, "a,b", 3, None),
    ]
    assert project.verify()["violations"] == []


def test_what_cannot_be_a_column_is_left_out_and_told(project):
    declare(project)
    fields = {f"f{n}": n for n in range(110)}
    drop(project, "a", [{"id": 0, "count": 1, "a-b": 1, "COUNT": 2, **fields}])
    project.run()
    (row,) = seen_by_pyiceberg(project)
    assert len(row) == 102  # id, count and a hundred more.
    assert "a-b" not in row and "COUNT" not in row
    with sqlite3.connect(f"file:{project.data}/ledger.sqlite?mode=ro", uri=True) as ledger:
        bodies = ledger.execute("SELECT body FROM change_feed WHERE kind = 'schema_drift'").fetchall()
    left_out = {json.loads(body)["column"] for (body,) in bodies}
    assert {"a-b", "COUNT"} <= left_out and len(left_out) == 12
    assert project.verify()["violations"] == []


def test_steps_streams_and_kept_state_see_the_declared_columns(project):
    declare(
        project,
        columns=COLUMNS
        + """
steps:
  - select: id <> 1
  - derive: { double: count * 2 }
  - deduplicate: { key: [id] }
streams:
  sums: { key: [id], window: all, compute: { total: sum(count) }, to: [{ console: {} }] }
""",
    )
    drop(project, "a", [{"id": n % 3, "count": n, "extra": f"x{n}"} for n in range(6)])
    project.run()
    rows = seen_by_pyiceberg(project)
    assert [(r["id"], r["count"], r["double"], r["extra"]) for r in rows] == [
        (0, 0, 0, "x0"),
        (2, 2, 4, "x2"),
    ]
    assert project.verify()["violations"] == []


@pytest.mark.parametrize(
    "step",
    ["append.metadata_written", "commit.pointers_swapped", "commit.done", "append.data_file_synced"],
)
def test_a_kill_around_the_change_loses_nothing(project, step):
    declare(project)
    drop(project, "a", [{"id": n, "count": n} for n in range(50)])
    project.run()
    rows = [{"id": n, "count": n, **({"room": f"r{n}"} if n % 2 else {})} for n in range(50, 100)]
    drop(project, "b", rows)
    killed = project.run(env={"CATCHWATER_FAIL_POINT": f"{step}=kill"}, expect=None)
    assert killed.returncode == -signal.SIGKILL
    project.run()
    found = seen_by_pyiceberg(project)
    assert [row["id"] for row in found] == list(range(100))
    assert [row["room"] for row in found] == [
        f"r{n}" if n >= 50 and n % 2 else None for n in range(100)
    ]
    assert told(project) == {("room", "added", None, "string")}
    assert len(changes(project)) == 1
    assert project.verify()["violations"] == []


def test_kafka_goes_on_through_a_drift_and_a_kill(project, broker):
    topic = f"evolve-{uuid.uuid4().hex[:8]}"
    broker.create(topic, 2)
    project.pipeline(
        "readings",
        f"""
pipeline: readings
source: {{ kafka: {{ brokers: "{broker.address}", topics: [{topic}] }} }}
codec: json
{COLUMNS}
lake: {{ table: t.readings, flush: {{ every: 200ms }} }}
""",
    )

    def produce(first: int, behind: int, **more) -> None:
        broker.produce(
            topic, [json.dumps({"id": n, "count": n, **more}).encode() for n in range(first, behind)]
        )

    def count() -> int:
        return project.value("SELECT count(*) FROM t.readings")

    produce(0, 100)
    running = Running(project)
    wait_for(lambda: "t.readings" in project.call("tables", expect=None).stdout and count() == 100)
    produce(100, 200, room="a")
    wait_for(lambda: count() == 200)
    # A running program shows rows that are in no commit yet, old and new ones together.
    assert project.value("SELECT count(room) FROM t.readings") == 100
    produce(200, 300, room="b", level=1.5)
    running.end(signal.SIGKILL)
    project.run()
    rows = seen_by_pyiceberg(project)
    assert [row["id"] for row in rows] == list(range(300))
    assert [row["room"] for row in rows] == [None] * 100 + ["a"] * 100 + ["b"] * 100
    assert {row["level"] for row in rows[200:]} == {1.5}
    assert told(project) == {("room", "added", None, "string"), ("level", "added", None, "double")}
    assert project.verify()["violations"] == []


def test_without_a_table_or_names_it_is_refused(project):
    project.pipeline(
        "readings",
        "pipeline: readings\nsource: { file: { path: in } }\ncodec: json\ncontract: evolve\n"
        "columns: { id: int64 }\nsinks: [{ console: {} }]\n",
    )
    refused = project.call("validate", ".", expect=None)
    assert refused.returncode != 0 and "evolve" in refused.stdout + refused.stderr
    declare(project, codec="lines", columns="contract: evolve\ncolumns: { line: string }\n")
    refused = project.call("validate", ".", expect=None)
    assert refused.returncode != 0 and "json" in refused.stdout + refused.stderr
