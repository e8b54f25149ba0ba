"""Files that are no records, registered in a table: `catchwater crawl --objects`."""

import hashlib
import json
import os
import struct
import zlib

import pytest
from lake_judges import catalog_of
from s3_server import S3Project
from test_crawl import PIPELINE, counts, crawl


@pytest.fixture
def project(project):
    return project.pipeline("idle", PIPELINE)


def png() -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


FILES = {
    "plan.pdf": (b"%PDF-1.4\n1 0 obj << >> endobj\ntrailer << >>\n%%EOF\n", "application/pdf"),
    "day=2026-01-01/photo.bin": (png(), "image/png"),  # What it holds counts, not its name.
    "notes/read me.txt": ("Grüße\n".encode(), "text/plain"),
    "big.dat": (bytes(3 << 20), "application/octet-stream"),
}


def lay_out(root) -> None:
    for name, (body, _) in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def objects(project, root, table="crawled.files_objects") -> dict[str, dict]:
    rows = project.query(
        f"SELECT path, size, sha256, media_type, epoch_us(modified_at) AS modified_us,"
        f" registered_at >= modified_at AS is_later, revision FROM {table}"
    )
    return {row["path"].removeprefix(f"{root}/"): row for row in rows}


def test_each_file_is_a_row(project, tmp_path):
    root = tmp_path / "files"
    lay_out(root)
    (root / "rows.csv").write_text("id\n1\n")  # Records are of the other crawl.
    (root / ".hidden.png").write_bytes(png())
    report = crawl(project, root, "--objects")["crawled.files_objects"]
    assert counts(report) == (len(FILES), 0, 0)
    found = objects(project, root)
    assert set(found) == set(FILES)
    for name, (body, media_type) in FILES.items():
        row = found[name]
        assert (row["size"], row["media_type"]) == (len(body), media_type)
        assert row["sha256"] == hashlib.sha256(body).hexdigest()
        assert row["modified_us"] == (root / name).stat().st_mtime_ns // 1000
        assert row["revision"] == 1
    rows = catalog_of(project).load_table("crawled.files_objects").scan().to_arrow().to_pylist()
    assert {row["path"] for row in rows} == {str(root / name) for name in FILES}
    assert project.verify()["violations"] == []


def test_again_only_what_is_new_changed_or_gone(project, tmp_path):
    root = tmp_path / "files"
    lay_out(root)
    crawl(project, root, "--objects")
    table = catalog_of(project)
    snapshots = len(table.load_table("crawled.files_objects").snapshots())
    assert counts(crawl(project, root, "--objects")["crawled.files_objects"]) == (0, 0, 0)
    assert len(table.load_table("crawled.files_objects").snapshots()) == snapshots

    (root / "plan.pdf").write_bytes(b"just words\n")
    os.utime(root / "plan.pdf", (1_800_000_000, 1_800_000_000))
    (root / "big.dat").unlink()
    (root / "new.png").write_bytes(png())
    assert counts(crawl(project, root, "--objects")["crawled.files_objects"]) == (1, 1, 1)
    found = objects(project, root)
    assert "big.dat" not in found and found["new.png"]["media_type"] == "image/png"
    assert (found["plan.pdf"]["media_type"], found["plan.pdf"]["revision"]) == ("text/plain", 2)
    gone = project.query(
        "SELECT path, retracted FROM crawled.files_objects__revisions WHERE revision = 2 ORDER BY path"
    )
    assert [row["retracted"] for row in gone] == [True, False]

    (root / "big.dat").write_bytes(b"back")
    assert counts(crawl(project, root, "--objects")["crawled.files_objects"]) == (1, 0, 0)
    assert objects(project, root)["big.dat"]["revision"] == 3
    assert project.verify()["violations"] == []


@pytest.mark.parametrize("step", ["append.data_file_synced", "commit.before_end", "commit.done"])
def test_a_kill_registers_nothing_twice(project, tmp_path, step):
    root = tmp_path / "files"
    lay_out(root)
    killed = project.call(
        "crawl", root, "--objects", env={"CATCHWATER_FAIL_POINT": f"{step}=kill"}, expect=None
    )
    assert killed.returncode == -9
    # The lease of the killed one ends by itself.
    again = {"CATCHWATER_CLOCK_AHEAD": "1h"}
    done = project.call("crawl", root, "--objects", "--json", env=again)
    assert json.loads(done.stdout)[0]["files"] == len(FILES)
    revisions = project.query("SELECT path, revision FROM crawled.files_objects__revisions")
    assert len(revisions) == len(FILES) and {row["revision"] for row in revisions} == {1}
    assert project.verify()["violations"] == []


def test_a_table_of_something_else_is_refused(project, tmp_path):
    root = tmp_path / "files"
    lay_out(root)
    crawl(project, root, "--objects")
    lay_out(tmp_path / "other" / "files")
    refused = project.call("crawl", tmp_path / "other" / "files", "--objects", expect=78)
    assert "--namespace" in refused.stderr
    assert counts(
        crawl(project, tmp_path / "other" / "files", "--objects", "--namespace", "b")["b.files_objects"]
    ) == (len(FILES), 0, 0)


def test_in_a_bucket(tmp_path, s3_server):
    project = S3Project(tmp_path / "project", s3_server).pipeline("idle", PIPELINE)
    for name, (body, _) in FILES.items():
        s3_server.client().put_object(Bucket=project.bucket, Key=f"files/{name}", Body=body)
    place = f"s3://{project.bucket}/files"
    assert counts(crawl(project, place, "--objects")["crawled.files_objects"]) == (len(FILES), 0, 0)
    assert counts(crawl(project, place, "--objects")["crawled.files_objects"]) == (0, 0, 0)
    found = objects(project, place)
    for name, (body, media_type) in FILES.items():
        assert (found[name]["sha256"], found[name]["media_type"]) == (
            hashlib.sha256(body).hexdigest(),
            media_type,
        )
    s3_server.client().delete_object(Bucket=project.bucket, Key="files/plan.pdf")
    assert counts(crawl(project, place, "--objects")["crawled.files_objects"]) == (0, 0, 1)
