"""Independent readers judge our tables: pyiceberg on the ledger file, DuckDB on the metadata."""

import datetime
import json
import pathlib

import duckdb
import pytest
from pyiceberg.catalog.sql import SqlCatalog

EXTENSIONS = pathlib.Path(__file__).resolve().parents[2] / ".deps/duckdb/extensions"

PIPELINE = """
pipeline: readings
source:
  file: {{ path: "drop/*.csv" }}
codec: csv
columns:
  id:    {{ type: {id_type} }}
  ts:    {{ type: timestamp, event_time: true }}
  name:  {{ type: string, entity: true }}
  value: {{ type: float64 }}
{more}
lake:
  table: town.readings
  partition: {partition}
"""

DAY = datetime.timedelta(days=1)
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)


def rows(first: int, last: int) -> list[tuple]:
    """Ten rows a day; every seventh has no name and no value."""
    result = []
    for i in range(first, last):
        name, value = (f"sensor-{i % 5}", i / 8) if i % 7 else ("", "")
        result.append((i, START + DAY * (i // 10) + datetime.timedelta(microseconds=i), name, value))
    return result


def drop(project, file: str, lines: list[tuple], header="id,ts,name,value") -> None:
    folder = project.folder / "drop"
    folder.mkdir(exist_ok=True)
    text = "\n".join(",".join(map(str, line)) for line in lines)
    (folder / file).write_text(f"{header}\n{text}\n", encoding="utf-8")


@pytest.fixture
def reading(project):
    """Runs a pipeline over what is dropped and gives the table as pyiceberg sees it."""

    def run(id_type="int32", partition="day(ts)", more=""):
        terms = json.dumps([term for term in partition.split("; ") if term])
        text = PIPELINE.format(id_type=id_type, partition=terms, more=more)
        project.pipeline("readings", text)
        project.run()
        catalog = SqlCatalog(
            "catchwater", uri=f"sqlite:///{project.data}/ledger.sqlite", warehouse=f"{project.data}/lake"
        )
        return catalog.load_table("town.readings")

    return run


@pytest.fixture(scope="module")
def iceberg():
    """DuckDB with its Iceberg extension."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    for name in ("avro", "httpfs", "iceberg"):
        connection.execute(f"LOAD '{EXTENSIONS / name}.duckdb_extension'")
    connection.execute("SET TimeZone = 'UTC'")
    return connection


FACTS = "count(*), sum(id), count(value), sum(value), count(DISTINCT name), epoch_us(min(ts)), epoch_us(max(ts))"


def expected(lines: list[tuple]) -> tuple:
    values = [line[3] for line in lines if line[3] != ""]
    names = {line[2] for line in lines if line[2] != ""}
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    times = [(line[1] - epoch) // datetime.timedelta(microseconds=1) for line in lines]
    ids = [line[0] for line in lines]
    return len(lines), sum(ids), len(values), sum(values), len(names), min(times), max(times)


def facts_of_duckdb(iceberg, table, where="") -> tuple:
    (row,) = iceberg.sql(
        f"SELECT {FACTS} FROM iceberg_scan('{table.metadata_location}') {where}"
    ).fetchall()
    return row


def facts_of_pyiceberg(scan) -> tuple:
    arrow = scan.to_arrow()  # noqa: F841, DuckDB finds it by name
    (row,) = duckdb.sql(f"SELECT {FACTS} FROM arrow").fetchall()
    return row


@pytest.mark.parametrize(
    "partition",
    ["day(ts)", "hour(ts)", "month(ts)", "year(ts)", "bucket(3, id)", "truncate(7, name)", "name",
     "day(ts); bucket(2, name)", "truncate(10, id)", ""],
)
def test_both_read_what_went_in_whatever_the_partitioning(project, reading, iceberg, partition):
    lines = rows(0, 200)
    drop(project, "a.csv", lines)
    table = reading(partition=partition)
    assert facts_of_pyiceberg(table.scan()) == expected(lines)
    assert facts_of_duckdb(iceberg, table) == expected(lines)
    some = [line for line in lines if line[3] != "" and line[0] >= 150]
    assert facts_of_pyiceberg(table.scan(row_filter="id >= 150 and value is not null")) == expected(some)
    assert facts_of_duckdb(iceberg, table, "WHERE id >= 150 AND value IS NOT NULL") == expected(some)
    one = [line for line in lines if line[2] == "sensor-3"]
    assert facts_of_pyiceberg(table.scan(row_filter="name == 'sensor-3'")) == expected(one)
    assert facts_of_duckdb(iceberg, table, "WHERE name = 'sensor-3'") == expected(one)


def test_both_skip_files_of_other_days(project, reading, iceberg):
    drop(project, "a.csv", rows(0, 200))
    table = reading()
    assert len(list(table.scan().plan_files())) == 20
    assert len(list(table.scan(row_filter="ts < '2026-01-03T00:00:00+00:00'").plan_files())) == 2
    # No partitioning on id: its bounds do it.
    assert len(list(table.scan(row_filter="id == 57").plan_files())) == 1
    plan = iceberg.sql(
        f"EXPLAIN ANALYZE SELECT sum(id) FROM iceberg_scan('{table.metadata_location}') "
        "WHERE ts < TIMESTAMPTZ '2026-01-03 00:00:00+00'"
    ).fetchall()[0][1]
    assert "Total Files Read: 2" in plan


def test_a_changed_table_reads_as_one(project, reading, iceberg):
    before = rows(0, 50)
    drop(project, "a.csv", before)
    old = reading(id_type="int32")
    after = rows(50, 100)
    drop(project, "b.csv", [(*line, "hall") for line in after], "id,ts,name,value,room")
    table = reading(id_type="int64", partition="bucket(2, id)", more="  room: string")
    assert str(table.schema().find_type("id")) == "long"
    assert facts_of_pyiceberg(table.scan()) == expected(before + after)
    assert facts_of_duckdb(iceberg, table) == expected(before + after)
    assert table.scan().to_arrow()["room"].null_count == 50
    # Back to before the change.
    then = old.current_snapshot().snapshot_id
    assert facts_of_pyiceberg(table.scan(snapshot_id=then)) == expected(before)
    location = table.metadata_location
    (row,) = iceberg.sql(
        f"SELECT {FACTS} FROM iceberg_scan('{location}', snapshot_from_id={then})"
    ).fetchall()
    assert row == expected(before)


def test_totals_are_exact_and_name_the_commit(project, reading):
    drop(project, "a.csv", rows(0, 30))
    table = reading()
    summary = table.current_snapshot().summary
    files = table.inspect.files().to_pylist()
    assert summary["total-records"] == str(sum(file["record_count"] for file in files)) == "30"
    assert summary["total-data-files"] == str(len(files))
    assert summary["total-files-size"] == str(sum(file["file_size_in_bytes"] for file in files))
    for file in files:
        path = pathlib.Path(file["file_path"].removeprefix("file://"))
        assert path.stat().st_size == file["file_size_in_bytes"]
    assert summary["catchwater.actor"] == "pipeline/readings"
    assert len(summary["catchwater.commit-id"]) == 36


def test_an_append_of_pyiceberg_is_a_fine_base_for_ours(project, reading, iceberg):
    first = rows(0, 30)
    drop(project, "a.csv", first)
    table = reading(partition="name")
    table.append(table.scan(row_filter="id < 10").to_arrow())
    more = rows(30, 60)
    drop(project, "b.csv", more)
    table = reading(partition="name")
    want = expected(first + rows(0, 10) + more)
    assert facts_of_pyiceberg(table.scan()) == want
    assert facts_of_duckdb(iceberg, table) == want
    assert table.current_snapshot().summary["total-records"] == "70"
