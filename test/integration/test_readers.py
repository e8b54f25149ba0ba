"""Other programs read our tables, and what they append is adopted."""

import datetime

import duckdb
import pyarrow as pa
import pyarrow.compute
from conftest import ROOT
from pyiceberg.catalog.sql import SqlCatalog

PIPELINE = """
pipeline: sensors
source:
  simulate: { sensors: 10, rows: 20000, seed: 3 }
codec: json
columns:
  sensor_id:   { type: string, entity: true }
  ts:          { type: timestamp, event_time: true }
  temperature: float64
lake:
  table: sensors.readings
  partition: [day(ts)]
  flush: { every: 100ms, bytes: 64KiB }
"""


def catalog_of(project) -> SqlCatalog:
    return SqlCatalog(
        "catchwater",
        uri=f"sqlite:///{project.data}/ledger.sqlite",
        warehouse=f"file://{project.data}/lake",
    )


def duckdb_with_iceberg() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name in ("avro", "httpfs", "iceberg"):
        connection.execute(f"LOAD '{ROOT}/.deps/duckdb/extensions/{name}.duckdb_extension'")
    return connection


def test_pyiceberg_and_duckdb_read_what_we_wrote(project):
    project.pipeline("sensors", PIPELINE)
    project.run()
    ours = project.query(
        "SELECT count(*) AS n, sum(temperature) AS s, count(temperature) AS f FROM sensors.readings"
    )[0]
    table = catalog_of(project).load_table("sensors.readings")
    rows = table.scan().to_arrow()
    assert rows.num_rows == ours["n"] == 20_000
    total = pa.compute.sum(rows["temperature"]).as_py()
    assert abs(total - ours["s"]) < 1e-6 * abs(total)
    day = datetime.date(2026, 1, 1)
    planned = list(
        table.scan(row_filter=f"ts < '{day + datetime.timedelta(days=1)}T00:00:00+00:00'").plan_files()
    )
    assert 0 < len(planned) < len(list(table.scan().plan_files()))
    with duckdb_with_iceberg() as connection:
        (theirs,) = connection.execute(
            "SELECT count(*), count(temperature) "
            f"FROM iceberg_scan('{table.metadata_location.removeprefix('file://')}')"
        ).fetchall()
    assert theirs == (ours["n"], ours["f"])


def test_an_append_of_pyiceberg_is_adopted(project):
    # Not partitioned: for partitions pyiceberg wants a further package.
    unpartitioned = PIPELINE.replace("  partition: [day(ts)]\n", "")
    project.pipeline("sensors", unpartitioned)
    project.run()
    table = catalog_of(project).load_table("sensors.readings")
    rows = pa.table(
        {
            "sensor_id": ["foreign"],
            "ts": pa.array([datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)]).cast(
                pa.timestamp("us", "UTC")
            ),
            "temperature": [1.5],
        },
        schema=table.schema().as_arrow(),
    )
    table.append(rows)
    assert project.value("SELECT count(*) AS n FROM sensors.readings") == 20_001
    # Our next commits build on it, and the account says what was foreign.
    project.pipeline("sensors", unpartitioned.replace("seed: 3", "seed: 4"))
    project.run()
    assert project.value("SELECT count(*) AS n FROM sensors.readings") == 40_001
    assert project.verify()["violations"] == []
