"""What the postgres sink says to TimescaleDB: to a real server that CATCHWATER_TEST_TIMESCALE_URL
names, and, in the drill, to PGlite with TimescaleDB in it, which takes statements but no COPY."""

import os
import random
import shutil
import subprocess

import psycopg
import pytest

from conftest import ROOT, Project
from ports import free_port

URL = os.environ.get("CATCHWATER_TEST_TIMESCALE_URL")
DRILL = "CATCHWATER_DRILL_SEEDS" in os.environ
MODULES = ROOT / ".deps" / "timescale"

PIPELINE = """
pipeline: sensors
source: { file: { path: in/*.csv } }
codec: csv
columns:
  sensor_id:   { type: string, entity: true }
  ts:          { type: timestamp, event_time: true }
  temperature: float64
lake: { table: sensors.readings, partition: [day(ts)], flush: { every: 100ms } }
sinks:
  - postgres:
      url: "${PG_URL}"
      table: TABLE
      key: [sensor_id, ts]
      hypertable: ts
      chunk: 1d
      compress_after: 3650d
      retain: 36500d
      load: LOAD
      aggregates:
        TABLE_hourly: { bucket: 1h, key: [sensor_id], compute: { mean: avg(temperature) } }
"""


@pytest.fixture(scope="module")
def pglite():
    if not DRILL:
        pytest.skip("TimescaleDB in PGlite runs in `make drill`")
    assert (MODULES / "node_modules").is_dir(), "run tools/setup drill"
    node = shutil.which("node")
    assert node, "Node is missing: tools/setup drill"
    port = free_port()
    server = subprocess.Popen(
        [node, ROOT / "test/integration/timescale/server.mjs", str(port), MODULES],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert server.stdout.readline().strip() == "ready"
    yield f"postgres://postgres:any@127.0.0.1:{port}/postgres?sslmode=disable"
    server.terminate()
    server.communicate(timeout=30)


def deliver_and_judge(project: Project, url: str, load: str, monkeypatch) -> None:
    monkeypatch.setenv("PG_URL", url)
    table = f"readings{random.randrange(10**9)}"
    text = PIPELINE.replace("TABLE", table).replace("LOAD", load)
    project.pipeline("sensors", text)
    (project.folder / "in").mkdir(exist_ok=True)

    def run(name: str, lines: list[str]) -> None:
        (project.folder / "in" / name).write_text(
            "sensor_id,ts,temperature\n" + "".join(f"{line}\n" for line in lines))
        project.run()

    def rows(sql: str) -> list[tuple]:
        with psycopg.connect(url) as connection:
            return connection.execute(sql).fetchall()

    run("a.csv", [f"s1,2026-01-{d:02}T{h:02}:00:00Z,{h}" for d in (1, 2) for h in range(24)])
    assert rows(f"SELECT count(*), sum(temperature) FROM {table}") == [(48, 552)]
    # A correction, and a row that is late.
    run("b.csv", ["s1,2026-01-01T05:00:00Z,100", "s1,2025-12-01T00:00:00Z,7"])
    assert rows(f"SELECT count(*), sum(temperature) FROM {table}") == [(49, 552 + 95 + 7)]
    assert rows("SELECT num_chunks FROM timescaledb_information.hypertables "
                f"WHERE hypertable_name = '{table}'") == [(3,)]
    assert rows(f"SELECT mean FROM {table}_hourly WHERE bucket = '2026-01-01 05:00+00'") == [(100,)]
    jobs = rows("SELECT proc_name FROM timescaledb_information.jobs ORDER BY 1")
    assert {("policy_compression",), ("policy_retention",)} <= set(jobs)


def test_statements_work_in_pglite(project, pglite, monkeypatch):
    deliver_and_judge(project, pglite, "insert", monkeypatch)


@pytest.mark.parametrize("load", ["auto", "staging"])
def test_a_real_timescaledb_follows(project, load, monkeypatch):
    if not URL:
        pytest.skip("CATCHWATER_TEST_TIMESCALE_URL names no TimescaleDB server")
    deliver_and_judge(project, URL, load, monkeypatch)
