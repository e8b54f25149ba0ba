"""Totals over generated rows equal DuckDB's: small in `make test`, 20 million in `make drill`."""

import csv
import os
import shutil

from conftest import ROOT

IS_DRILL = "CATCHWATER_DRILL_SEEDS" in os.environ
ROWS = 20_000_000 if IS_DRILL else 200_000

PASSENGERS = """
SELECT strftime(TIMESTAMP '2026-01-01' + to_seconds(i // 58), '%Y-%m-%d %H:%M:%S') AS timestamp,
       printf('S%03d', (1 + hash(i) % 58)::INT) AS sensor_id,
       CASE WHEN hash(i + 5) % 1000 = 0 THEN NULL
            ELSE (hash(i + 7) % 2000000000)::BIGINT - 900000000 END AS passengers
FROM range({rows}) AS r(i)
"""


def test_generated_passengers_equal_duckdb(project, sql):
    pipeline = ROOT / "examples/passengers/pipelines/passengers.yaml"
    shutil.copy(pipeline, project.folder / "pipelines")
    source = project.folder / "passengers.csv"
    sql(f"COPY ({PASSENGERS.format(rows=ROWS)}) TO '{source}' (FORMAT csv, HEADER true)")
    project.call("run", ".", timeout=600)
    theirs = sql(
        "SELECT sensor_id, sum(passengers)::VARCHAR, avg(passengers) "
        f"FROM read_csv('{source}') GROUP BY 1 ORDER BY 1"
    )
    assert len(theirs) == 58
    with open(project.folder / "total_passagers.csv", encoding="utf-8") as file:
        totals = list(csv.reader(file))
    with open(project.folder / "moyenne_passagers.csv", encoding="utf-8") as file:
        means = list(csv.reader(file))
    assert totals == [["sensor_id", "total_passengers"], *([name, total] for name, total, _ in theirs)]
    assert [name for name, _ in means[1:]] == [name for name, _, _ in theirs]
    for (_, ours), (_, _, mean) in zip(means[1:], theirs):
        assert abs(float(ours) - mean) <= 1e-9 * abs(mean)
