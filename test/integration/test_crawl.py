"""Files that are already there, as tables: registered in place, read by independent programs."""

import json
import sqlite3

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from lake_judges import EXTENSIONS, catalog_of, location_of
from s3_server import S3Project

READINGS = pa.table(
    {
        "id": pa.array([1, 2, 3], pa.int64()),
        "name": ["a", "b", None],
        "ts": pa.array([0, 1_000, 2_000], pa.timestamp("ms", "UTC")),
        "value": [0.5, 1.5, 2.5],
    }
)


PIPELINE = """
pipeline: idle
source:
  file: { path: "in/*.csv" }
codec: csv
columns:
  id: int64
lake:
  table: idle.rows
"""


@pytest.fixture
def project(project):
    return project.pipeline("idle", PIPELINE)


def write(folder, day: str, table=READINGS, name="part.parquet"):
    path = folder / f"day={day}" / "site=x%20y" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return path


def crawl(project, *arguments) -> dict[str, dict]:
    done = project.call("crawl", *arguments, "--json")
    return {report["table"]: report for report in json.loads(done.stdout)}


def counts(report) -> tuple[int, int, int]:
    return report["added"], report["changed"], report["gone"]


def by_duckdb(project, table: str, sql: str) -> list[tuple]:
    with duckdb.connect(config={"allow_unsigned_extensions": True}) as connection:
        for name in ("avro", "httpfs", "iceberg"):
            connection.execute(f"LOAD '{EXTENSIONS}/{name}.duckdb_extension'")
        return connection.execute(
            sql.format(f"iceberg_scan('{location_of(project, table)}')")
        ).fetchall()


def test_parquet_in_place(project, tmp_path):
    exports = tmp_path / "exports"
    for day in ("2026-01-01", "2026-01-02"):
        write(exports, day)
    before = {path: path.read_bytes() for path in exports.rglob("*.parquet")}
    report = crawl(project, exports)["crawled.exports"]
    assert counts(report) == (2, 0, 0)

    assert project.query("SELECT DISTINCT site FROM crawled.exports") == [{"site": "x y"}]
    where = "day = DATE '2026-01-02' AND ts >= TIMESTAMPTZ '1970-01-01 00:00:01Z'"
    assert project.value(f"SELECT sum(id) FROM crawled.exports WHERE {where}") == 5
    assert by_duckdb(
        project, "crawled.exports", f"SELECT sum(id), min(site) FROM {{}} WHERE {where}"
    ) == [(5, "x y")]
    table = catalog_of(project).load_table("crawled.exports")
    assert [field.name for field in table.spec().fields] == ["day", "site"]
    rows = table.scan(row_filter="day == '2026-01-02' and id > 1").to_arrow()
    assert pc.sum(rows["id"]).as_py() == 5
    assert set(rows["site"].to_pylist()) == {"x y"}
    assert {task.file.file_path for task in table.scan().plan_files()} == {
        f"file://{path}" for path in before
    }
    project.verify()
    assert {path: path.read_bytes() for path in before} == before


def test_a_second_crawl_takes_what_changed(project, tmp_path):
    exports = tmp_path / "exports"
    gone, changed = write(exports, "2026-01-01"), write(exports, "2026-01-02")
    write(exports, "2026-01-03")
    crawl(project, exports)
    location = location_of(project, "crawled.exports")
    assert counts(crawl(project, exports)["crawled.exports"]) == (0, 0, 0)
    assert location_of(project, "crawled.exports") == location, "nothing is committed"

    gone.unlink()
    pq.write_table(READINGS.slice(0, 1), changed)
    wider = READINGS.append_column("extra", pa.array([7, 8, 9], pa.int32()))
    write(exports, "2026-01-04", wider)
    assert counts(crawl(project, exports)["crawled.exports"]) == (1, 1, 1)
    facts = "SELECT count(*), sum(id), sum(extra) FROM "
    assert by_duckdb(project, "crawled.exports", facts + "{}") == [(7, 13, 24)]
    (row,) = project.query(facts + "crawled.exports")
    assert list(row.values()) == [7, 13, 24]
    assert catalog_of(project).load_table("crawled.exports").scan().to_arrow().num_rows == 7
    project.verify()

    for path in exports.rglob("*.parquet"):
        path.unlink()
    assert counts(crawl(project, exports)["crawled.exports"]) == (0, 0, 3)
    assert project.value("SELECT count(*) FROM crawled.exports") == 0


def test_what_does_not_go_with_the_table_is_refused(project, tmp_path):
    exports = tmp_path / "exports"
    write(exports, "2026-01-01")
    crawl(project, exports, "--namespace", "town")
    location = location_of(project, "town.exports")
    text = READINGS.set_column(0, "id", pa.array(["x", "y", "z"]))
    bad = write(exports, "2026-01-02", text)
    refused = project.call("crawl", exports, "--namespace", "town", expect=78)
    assert str(bad) in refused.stderr and "id" in refused.stderr
    assert location_of(project, "town.exports") == location
    assert project.call("crawl", tmp_path / "missing", expect=None).returncode != 0
    other = tmp_path / "other" / "exports"
    write(other, "2026-01-01")
    assert "--namespace" in project.call("crawl", other, "--namespace", "town", expect=78).stderr


def test_what_is_wrong_with_one_file_or_table_does_not_stop_the_others(project, tmp_path):
    exports = tmp_path / "exports"
    for table in ("good", "mixed", "torn"):
        write(exports / table, "2026-01-01")
    bad = exports / "torn" / "day=2026-01-01" / "site=x%20y" / "bad.parquet"
    bad.write_bytes(b"PAR1 this is none")
    pq.write_table(pa.table({"id": [[1, 2]]}), bad.with_name("lists.parquet"))
    write(exports / "mixed", "2026-01-02", READINGS.set_column(0, "id", pa.array(["x", "y", "z"])))
    done = project.call("crawl", exports, "--json", expect=78)
    reports = {report["table"]: report for report in json.loads(done.stdout)}
    assert counts(reports["crawled.good"]) == (1, 0, 0)
    assert "id" in reports["crawled.mixed"]["failure"]
    torn = reports["crawled.torn"]
    assert (counts(torn), torn["files"]) == ((1, 0, 0), 1)
    assert [file["path"] for file in torn["refused"]] == [str(bad), str(bad.with_name("lists.parquet"))]
    assert project.value("SELECT count(*) FROM crawled.torn") == 3
    assert "crawled.mixed" not in project.call("tables").stdout
    # Mended, they are taken.
    pq.write_table(READINGS, bad)
    bad.with_name("lists.parquet").unlink()
    (exports / "mixed" / "day=2026-01-02" / "site=x%20y" / "part.parquet").unlink()
    assert counts(crawl(project, exports)["crawled.torn"]) == (1, 0, 0)
    assert counts(crawl(project, exports)["crawled.mixed"]) == (0, 0, 0)
    project.verify()


def test_a_file_is_in_one_table_only(project, tmp_path):
    exports = tmp_path / "exports"
    write(exports / "a", "2026-01-01")
    crawl(project, exports)
    for folder in (exports / "a", tmp_path):
        refused = project.call("crawl", folder, "--namespace", "again", expect=78)
        assert "crawled.a" in refused.stderr and "UNIQUE" not in refused.stderr
    assert "again" not in project.call("tables").stdout
    write(exports / "b" / "c", "2026-01-01")
    write(exports / "b_c", "2026-01-01")
    refused = project.call("crawl", exports, expect=78)
    assert "b/c" in refused.stderr and "b_c" in refused.stderr


def test_a_file_that_was_overwritten_with_garbage_is_gone(project, tmp_path):
    exports = tmp_path / "exports"
    path = write(exports, "2026-01-01")
    crawl(project, exports)
    path.write_bytes(b"PAR1 this is none")
    done = project.call("crawl", exports, "--json", expect=1)
    (report,) = json.loads(done.stdout)
    assert counts(report) == (0, 0, 1) and len(report["refused"]) == 1
    assert project.value("SELECT count(*) FROM crawled.exports") == 0


def test_a_file_that_was_gone_comes_back(project, tmp_path):
    exports = tmp_path / "exports"
    path = write(exports, "2026-01-01")
    crawl(project, exports)
    kept = path.rename(tmp_path / "kept.parquet")
    assert counts(crawl(project, exports)["crawled.exports"]) == (0, 0, 1)
    kept.rename(path)
    assert counts(crawl(project, exports)["crawled.exports"]) == (1, 0, 0)
    assert project.value("SELECT sum(id) FROM crawled.exports") == 6
    project.verify()


def test_in_a_bucket(tmp_path, s3_server):
    project = S3Project(tmp_path / "project", s3_server).pipeline("idle", PIPELINE)
    local = write(tmp_path / "exports", "2026-01-01")
    key = f"exports/{local.relative_to(tmp_path / 'exports')}"
    s3_server.client().put_object(Bucket=project.bucket, Key=key, Body=local.read_bytes())
    place = f"s3://{project.bucket}/exports"
    assert counts(crawl(project, place)["crawled.exports"]) == (1, 0, 0)
    assert counts(crawl(project, place)["crawled.exports"]) == (0, 0, 0)
    assert project.value("SELECT sum(id) FROM crawled.exports") == 6
    project.verify()


def test_what_others_own_is_never_merged_or_removed(project, tmp_path):
    rows = tmp_path / "exports" / "rows"
    rows.mkdir(parents=True)
    for number in range(6):  # As many as are merged when they are our own.
        pq.write_table(pa.table({"id": [number]}), rows / f"{number}.parquet")
    crawl(project, tmp_path / "exports", "--namespace", "idle")
    (project.folder / "in").mkdir()
    for number in range(6):  # The pipeline writes into the same table.
        (project.folder / "in" / f"{number}.csv").write_text(f"id\n{100 + number}\n")
        project.run()
    pq.write_table(pa.table({"id": [1000]}), rows / "0.parquet")
    crawl(project, tmp_path / "exports", "--namespace", "idle")
    before = {path: path.read_bytes() for path in rows.iterdir()}
    project.run()
    assert project.value("SELECT sum(id) FROM idle.rows") == 1000 + 15 + 615
    ledger = sqlite3.connect(f"file:{project.data}/ledger.sqlite?mode=ro", uri=True)
    merged = "SELECT count(*) FROM data_file WHERE removed_seq IS NOT NULL AND path LIKE ?"
    ours, theirs = f"file://{project.data}/%", f"file://{rows}/%"
    assert ledger.execute(merged, (ours,)).fetchone()[0] >= 5, "what we own was merged"
    assert ledger.execute(merged, (theirs,)).fetchone()[0] == 0
    assert ledger.execute("SELECT path FROM unlink_queue WHERE path LIKE ?", (f"{rows}/%",)).fetchall() == []
    assert {path: path.read_bytes() for path in rows.iterdir()} == before
    project.verify()
