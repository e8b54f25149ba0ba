"""CSV and JSON files that are already there, as external tables: read where they lie."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from s3_server import S3Project
from test_crawl import PIPELINE, counts, crawl


@pytest.fixture
def project(project):
    return project.pipeline("idle", PIPELINE)


def write(path, text: str):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def columns_of(project, table: str) -> dict[str, str]:
    tables = json.loads(project.call("tables", "--json").stdout)
    return next(one for one in tables if one["table"] == table)["columns"]


def test_csv_in_place_with_partitions_and_other_shapes(project, tmp_path):
    exports = tmp_path / "exports"
    write(exports / "day=2026-01-01" / "a.csv", 'id,name,value\n1,a,1.5\n2,"b,c",\n')
    write(exports / "day=2026-01-02" / "b.csv", "name;ID;extra\nx;7;2026-01-05\n")
    write(exports / "day=__HIVE_DEFAULT_PARTITION__" / "c.tsv", "id\tvalue\n9\t2\n")
    with gzip.open(exports / "day=2026-01-02" / "d.csv.gz", "wt") as file:
        file.write("id,name,value\n8,z,0.5\n")
    before = {path: path.read_bytes() for path in exports.rglob("*.*")}
    report = crawl(project, exports)["crawled.exports_csv"]
    assert (counts(report), report["kind"], report["refused"]) == ((4, 0, 0), "external csv", [])
    assert columns_of(project, "crawled.exports_csv") == {
        "id": "BIGINT",
        "name": "VARCHAR",
        "value": "DOUBLE",
        "extra": "DATE",
        "day": "DATE",
    }
    rows = project.query(
        "SELECT id, name, value, extra::VARCHAR AS extra, day::VARCHAR AS day"
        " FROM crawled.exports_csv ORDER BY id"
    )
    assert [tuple(row.values()) for row in rows] == [
        (1, "a", 1.5, None, "2026-01-01"),
        (2, "b,c", None, None, "2026-01-01"),
        (7, "x", None, "2026-01-05", "2026-01-02"),
        (8, "z", 0.5, None, "2026-01-02"),
        (9, None, 2.0, None, None),
    ]
    assert "external csv, 4 files below" in project.call("tables").stdout
    # A query joins them with the lake's own tables.
    (project.folder / "in").mkdir()
    (project.folder / "in" / "rows.csv").write_text("id\n7\n")
    project.run()
    assert project.value("SELECT name FROM idle.rows JOIN crawled.exports_csv USING (id)") == "x"
    project.verify()
    assert {path: path.read_bytes() for path in before} == before


def test_json_in_place(project, tmp_path):
    exports = tmp_path / "exports"
    write(exports / "a.ndjson", '{"a":1,"o":{"k":[1,2]},"t":"2026-01-01T00:00:00Z"}\n{"a":2}\n')
    write(exports / "b.json", '[{"a":2.5,"z":"x"},{"a":3}]')
    write(exports / "c.jsonl", '{"z":5}\n')
    report = crawl(project, exports)["crawled.exports_json"]
    assert (counts(report), report["kind"]) == ((3, 0, 0), "external json")
    assert columns_of(project, "crawled.exports_json") == {
        "a": "DOUBLE",
        "o": "STRUCT(k BIGINT[])",
        "t": "TIMESTAMP",
        "z": "VARCHAR",
    }
    (row,) = project.query("SELECT sum(a) AS a, max(o.k[2]) AS k, max(z) AS z FROM crawled.exports_json")
    assert row == {"a": 8.5, "k": 2, "z": "x"}


def test_a_second_crawl_takes_what_changed(project, tmp_path):
    exports = tmp_path / "exports"
    gone = write(exports / "a.csv", "id\n1\n")
    changed = write(exports / "b.csv", "id\n2\n")
    write(exports / "c.csv", "id\n3\n")
    crawl(project, exports)
    assert counts(crawl(project, exports)["crawled.exports_csv"]) == (0, 0, 0)
    gone.unlink()
    # Until the next crawl a query says what is wrong.
    refused = project.call("query", "SELECT * FROM crawled.exports_csv", expect=None)
    assert refused.returncode != 0 and "crawl again" in refused.stderr and str(gone) in refused.stderr
    write(changed, "id,more\n20,x\n")
    write(exports / "d.csv", "id\nword\n")
    assert counts(crawl(project, exports)["crawled.exports_csv"]) == (1, 1, 1)
    rows = project.query("SELECT id, more FROM crawled.exports_csv ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [("20", "x"), ("3", None), ("word", None)]
    for path in exports.iterdir():
        path.unlink()
    assert counts(crawl(project, exports)["crawled.exports_csv"]) == (0, 0, 3)
    assert project.call("query", "SELECT * FROM crawled.exports_csv", expect=None).returncode != 0


def test_files_that_cannot_be_read_are_named(project, tmp_path):
    exports = tmp_path / "exports"
    good = write(exports / "good.json", '{"a":1}\n')
    bad = write(exports / "bad.json", "no json")
    (exports / "bytes.csv").write_bytes(bytes(range(128, 256)) * 3)
    wild = write(exports / "w*.json", '{"a":5}\n')
    done = project.call("crawl", exports, "--json", expect=1)
    reports = {report["table"]: report for report in json.loads(done.stdout)}
    assert {file["path"] for file in reports["crawled.exports_json"]["refused"]} == {str(bad), str(wild)}
    assert reports["crawled.exports_json"]["files"] == 1
    assert str(exports / "bytes.csv") in reports["crawled.exports_csv"]["refused"][0]["reason"]
    assert project.value("SELECT sum(a) FROM crawled.exports_json") == 1
    # Mended, it is taken; one that was good and is not any more is gone.
    write(bad, '{"a":2}\n')
    write(good, "torn {")
    wild.unlink()
    done = project.call("crawl", exports, "--json", expect=1)
    reports = {report["table"]: report for report in json.loads(done.stdout)}
    assert counts(reports["crawled.exports_json"]) == (1, 0, 1)
    assert project.value("SELECT sum(a) FROM crawled.exports_json") == 2


def test_parquet_beside_them_stays_a_table_of_its_own(project, tmp_path):
    exports = tmp_path / "exports"
    write(exports / "a.csv", "id\n1\n")
    pq.write_table(pa.table({"id": [5]}), exports / "a.parquet")
    assert set(crawl(project, exports)) == {"crawled.exports", "crawled.exports_csv"}
    assert project.value("SELECT sum(id) FROM crawled.exports") == 5
    assert project.value("SELECT sum(id) FROM crawled.exports_csv") == 1
    project.verify()


def test_in_a_bucket(tmp_path, s3_server):
    project = S3Project(tmp_path / "project", s3_server).pipeline("idle", PIPELINE)
    put = s3_server.client().put_object
    put(Bucket=project.bucket, Key="exports/day=2026-01-01/a.csv", Body=b"id,v\n1,0.5\n")
    put(Bucket=project.bucket, Key="exports/b.json", Body=b'{"id":2}\n')
    place = f"s3://{project.bucket}/exports"
    reports = crawl(project, place)
    assert counts(reports["crawled.exports_csv"]) == (1, 0, 0)
    assert counts(reports["crawled.exports_json"]) == (1, 0, 0)
    (row,) = project.query("SELECT id, v, day::VARCHAR AS day FROM crawled.exports_csv")
    assert row == {"id": 1, "v": 0.5, "day": "2026-01-01"}
    assert project.value("SELECT id FROM crawled.exports_json") == 2
    put(Bucket=project.bucket, Key="exports/day=2026-01-01/a.csv", Body=b"id,v\n7,0.5\n8,1\n")
    assert counts(crawl(project, place)["crawled.exports_csv"]) == (0, 1, 0)
    assert project.value("SELECT sum(id) FROM crawled.exports_csv") == 15
