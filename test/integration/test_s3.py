"""The lake on a real S3 server: written, merged, cleaned, rebuilt, and read by independent clients."""

import datetime
import json
import os
import random
import signal
import subprocess

import pytest
from pyiceberg.catalog.sql import SqlCatalog

from conftest import PROGRAM
from s3_server import KEY, SECRET, BreakingProxy, S3Project

PIPELINE = """
pipeline: readings
source:
  file: {{ path: "{path}" }}
codec: csv
columns:
  id:    {{ type: int64 }}
  ts:    {{ type: timestamp, event_time: true }}
  name:  {{ type: string, entity: true }}
  value: {{ type: float64 }}
lake:
  table: town.readings
  partition: [day(ts)]
  flush: {{ every: 100ms, bytes: 64KiB }}
  compact: {{ min_files: 2, max_age: 1s }}
"""

SIMULATED = """
pipeline: sensors
source:
  simulate: { sensors: 20, rows: ROWS, seed: 7, duplicate_rate: 0.01, broken_rate: 0.005 }
codec: json
columns:
  sensor_id:   { type: string, entity: true }
  ts:          { type: timestamp, event_time: true }
  temperature: float64
steps:
  - validate: { temperature: { range: [-40, 85] }, on_fail: dead_letter }
  - deduplicate: { key: [sensor_id, ts], within: 2h }
lake:
  table: sensors.readings
  partition: [hour(ts)]
  flush: { every: 100ms, bytes: 64KiB }
  compact: { min_files: 2, max_age: 1s }
"""

FACTS = (
    "SELECT count(*) AS n, count(DISTINCT (sensor_id, ts)) AS keys, "
    "sum(hash(sensor_id, ts, temperature)) AS content FROM sensors.readings"
)


def csv(first: int, last: int) -> str:
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    lines = [
        f"{i},{(start + datetime.timedelta(hours=i)).isoformat()},sensor-{i % 5},{i / 8}"
        for i in range(first, last)
    ]
    return "id,ts,name,value\n" + "\n".join(lines) + "\n"


@pytest.fixture
def lake(tmp_path, s3_server) -> S3Project:
    return S3Project(tmp_path / "project", s3_server)


def catalog(project: S3Project, endpoint: str = "") -> SqlCatalog:
    return SqlCatalog(
        "catchwater",
        uri=f"sqlite:///{project.data}/ledger.sqlite",
        warehouse=f"s3://{project.bucket}/lake",
        **{
            "s3.endpoint": endpoint or project.server.endpoint,
            "s3.access-key-id": KEY,
            "s3.secret-access-key": SECRET,
            "s3.region": "us-east-1",
        },
    )


def test_the_whole_lake_lies_in_the_bucket_and_others_read_it(lake):
    drop = lake.folder / "drop"
    drop.mkdir()
    lake.pipeline("readings", PIPELINE.format(path="drop/*.csv"))
    for part in range(4):
        (drop / f"{part}.csv").write_text(csv(part * 100, part * 100 + 100), encoding="utf-8")
        lake.run()
    assert lake.value("SELECT sum(id) FROM town.readings") == sum(range(400))
    assert lake.query("SELECT id FROM town.readings WHERE ts < '2026-01-01T03:00:00Z' ORDER BY id") == [
        {"id": 0},
        {"id": 1},
        {"id": 2},
    ]
    verdict = lake.verify()
    assert verdict["violations"] == []
    assert not (lake.data / "lake").exists()

    table = catalog(lake).load_table("town.readings")
    assert table.location() == f"s3://{lake.bucket}/lake/town/readings"
    rows = table.scan().to_arrow()
    assert sorted(rows["id"].to_pylist()) == list(range(400))
    few = table.scan(row_filter="ts < '2026-01-01T03:00:00+00:00'").to_arrow()
    assert sorted(few["id"].to_pylist()) == [0, 1, 2]
    # boto3 sees what the table names, whole.
    keys = lake.keys()
    for task in table.scan().plan_files():
        key = task.file.file_path.removeprefix(f"s3://{lake.bucket}/")
        assert keys[key] == task.file.file_size_in_bytes


def test_a_lost_ledger_is_rebuilt_from_the_copy_in_the_bucket(lake):
    lake.pipeline("sensors", SIMULATED.replace("ROWS", "5000"))
    lake.run()
    before = lake.query(FACTS)
    assert any(key.startswith("lake/.ledger/ledger-") for key in lake.keys())
    for file in lake.data.glob("ledger.sqlite*"):
        file.unlink()
    report = json.loads(lake.call("ledger", "rebuild", "--json").stdout)
    assert report["copy"].startswith(f"s3://{lake.bucket}/lake/.ledger/")
    assert lake.query(FACTS) == before
    assert lake.verify()["violations"] == []
    lake.run()  # Nothing is read twice.
    assert lake.query(FACTS) == before


def test_raw_bytes_are_kept_in_a_bucket_and_go_when_they_are_old(lake):
    (lake.folder / "in").mkdir()
    text = csv(0, 300)
    (lake.folder / "in/a.csv").write_text(text, encoding="utf-8")
    kept = f"keep_raw: s3://{lake.bucket}/raw/\n  keep_raw_retain: 10d"
    lake.pipeline("readings", PIPELINE.format(path="in/*.csv").replace("\ncodec", f"\n  {kept}\ncodec", 1))
    # Killed between the commit and the move; the next run moves what is committed.
    lake.run(env={"CATCHWATER_FAIL_POINT": "raw.moved=kill"}, expect=-signal.SIGKILL)
    lake.run()
    client = lake.server.client()
    (key,) = lake.keys("raw/")
    assert key.startswith("raw/date=")
    body = client.get_object(Bucket=lake.bucket, Key=key)["Body"].read()
    assert body.decode() == text
    assert not (lake.folder / "s3:").exists()
    assert lake.value("SELECT count(*) FROM town.readings") == 300
    # As if it had been received long ago.
    old = "raw/date=2020-01-05/hour=08/" + key.rsplit("/", 1)[1]
    client.copy_object(Bucket=lake.bucket, Key=old, CopySource={"Bucket": lake.bucket, "Key": key})
    lake.run()
    assert list(lake.keys("raw/")) == [key]


def test_objects_that_are_dropped_are_work_files(lake):
    client = lake.server.client()
    put = lambda key, text: client.put_object(Bucket=lake.bucket, Key=key, Body=text.encode())
    put("in/a.csv", csv(0, 10))
    put("in/deep/down/b.csv", csv(10, 20))
    put("in/c.txt", "not asked for")
    lake.pipeline("readings", PIPELINE.format(path=f"s3://{lake.bucket}/in/**/*.csv"))
    lake.run()
    assert lake.value("SELECT sum(id) FROM town.readings") == sum(range(20))
    put("in/copy of a.csv", csv(0, 10))  # The same content again is no new work.
    put("in/z+&.csv", csv(20, 25))
    lake.run()
    assert lake.value("SELECT sum(id) FROM town.readings") == sum(range(25))
    put("in/a.csv", csv(30, 40))  # Replaced by other content of the same length: other work.
    lake.run()
    assert lake.value("SELECT sum(id) FROM town.readings") == sum(range(25)) + sum(range(30, 40))
    listed = json.loads(lake.call("ledger", "list", "--inputs", "--json").stdout)
    assert "failed" not in json.dumps(listed)
    assert lake.verify()["violations"] == []


def test_a_large_object_goes_in_parts_and_leaves_none_behind(lake):
    # Text that does not compress, in one file.
    drop = lake.folder / "drop"
    drop.mkdir()
    lines = [f"{i},2026-01-01T00:00:00Z,{random.randbytes(60).hex()},{i}" for i in range(250_000)]
    (drop / "large.csv").write_text("id,ts,name,value\n" + "\n".join(lines) + "\n", encoding="utf-8")
    text = PIPELINE.format(path="drop/*.csv").replace("every: 100ms, bytes: 64KiB", "every: 10m, bytes: 1GiB")
    lake.pipeline("readings", text)
    lake.run("--lanes", "1", timeout=300)
    client = lake.server.client()
    data = {key: size for key, size in lake.keys().items() if key.endswith(".parquet")}
    largest = max(data, key=data.get)
    assert data[largest] > 8 << 20
    head = client.head_object(Bucket=lake.bucket, Key=largest)
    assert "-" in head["ETag"], "was put at once"
    assert client.list_multipart_uploads(Bucket=lake.bucket).get("Uploads", []) == []
    assert lake.verify()["violations"] == []


def test_two_processes_commit_to_one_table_in_one_order(lake):
    lake.pipeline("sensors", SIMULATED.replace("ROWS", "30000"))
    command = [PROGRAM, "run", ".", "--until-idle"]
    both = [
        subprocess.Popen(command, cwd=lake.folder, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in both:
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors
    assert lake.verify()["violations"] == []
    facts = lake.query(FACTS)[0]
    assert facts["n"] == facts["keys"] > 25_000
    # Each snapshot follows the one before: nobody's commit was lost.
    table = catalog(lake).load_table("sensors.readings")
    snapshots = sorted(table.metadata.snapshots, key=lambda snapshot: snapshot.sequence_number)
    for before, after in zip(snapshots, snapshots[1:]):
        if after.sequence_number == before.sequence_number + 1:
            assert after.parent_snapshot_id == before.snapshot_id
    assert len({snapshot.sequence_number for snapshot in snapshots}) == len(snapshots)


ROWS = "60000" if "CATCHWATER_DRILL_SEEDS" in os.environ else "20000"
FAULTS = {
    "busy": lambda method, path, count: "503" if count % 5 == 0 else None,
    "lost": lambda method, path, count: "lost" if count % 6 == 0 else None,
    "lost_writes": lambda method, path, count: "lost" if method == "PUT" and count % 3 == 0 else None,
    "cut": lambda method, path, count: "cut" if method == "GET" and count % 3 == 0 else None,
    "mixed": lambda method, path, count: {7: "503", 11: "lost", 13: "cut"}.get(count % 14),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_fails_loses_and_doubles_nothing(fault, lake):
    proxy = BreakingProxy(lake.server, FAULTS[fault])
    try:
        lake.use(proxy.endpoint)
        lake.pipeline("sensors", SIMULATED.replace("ROWS", ROWS))
        lake.run()
        assert lake.verify()["violations"] == []  # It reads all there is.
        assert sum(proxy.injected.values()) >= 5, (proxy.count, proxy.injected)
    finally:
        proxy.stop()
    lake.use(lake.server.endpoint)
    assert lake.verify()["violations"] == []
    calm = S3Project(lake.folder.parent / "calm", lake.server)
    calm.pipeline("sensors", SIMULATED.replace("ROWS", ROWS))
    calm.run()
    assert lake.query(FACTS) == calm.query(FACTS)
    print("fault", fault, "requests", proxy.count, "injected", proxy.injected, "violations 0")


def test_a_run_goes_on_where_a_server_that_was_down_left_it(lake):
    lake.pipeline("sensors", SIMULATED.replace("ROWS", "5000"))
    down_after = 60
    proxy = BreakingProxy(lake.server, lambda method, path, count: "503" if count > down_after else None)
    settings = (lake.folder / "catchwater.yaml").read_text()
    try:
        text = settings.replace(lake.server.endpoint, proxy.endpoint).replace("20s", "1s")
        (lake.folder / "catchwater.yaml").write_text(text)
        lake.run(expect=None)
    finally:
        proxy.stop()
    (lake.folder / "catchwater.yaml").write_text(settings)
    lake.run()
    assert lake.verify()["violations"] == []
    calm = S3Project(lake.folder.parent / "calm", lake.server)
    calm.pipeline("sensors", SIMULATED.replace("ROWS", "5000"))
    calm.run()
    assert lake.query(FACTS) == calm.query(FACTS)


WRONG = {
    "secret": ("DRILL_S3_SECRET", "not-the-canary-secret", "s3.secret_access_key"),
    "key": ("DRILL_S3_KEY", "nobody", "s3.access_key_id"),
    "bucket": ("/lake", "-gone/lake", "s3.create_buckets"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_setting_is_named_and_no_secret_is_shown(what, lake):
    before, after, said = WRONG[what]
    environment = {before: after} if before.startswith("DRILL") else {}
    settings = (lake.folder / "catchwater.yaml").read_text()
    (lake.folder / "catchwater.yaml").write_text(settings.replace("/lake", after) if not environment else settings)
    lake.pipeline("sensors", SIMULATED.replace("ROWS", "10"))
    done = lake.run(expect=78, env=environment)
    assert said in done.stderr
    assert "canary" not in done.stdout + done.stderr


def test_a_bucket_is_created_when_that_is_asked_for(lake):
    settings = (lake.folder / "catchwater.yaml").read_text()
    text = settings.replace("/lake\n", "-new/lake\n").replace("s3:\n", "s3:\n  create_buckets: true\n")
    (lake.folder / "catchwater.yaml").write_text(text)
    lake.pipeline("sensors", SIMULATED.replace("ROWS", "10"))
    lake.run()
    assert lake.server.keys(lake.bucket + "-new", "lake/sensors/")


def test_credentials_come_from_the_environment_or_the_usual_file(lake, tmp_path):
    lines = (lake.folder / "catchwater.yaml").read_text().splitlines()
    bare = "\n".join(line for line in lines if "key" not in line) + "\n"
    (lake.folder / "catchwater.yaml").write_text(bare)
    lake.pipeline("sensors", SIMULATED.replace("ROWS", "10"))
    nothing = {"HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": "", "AWS_PROFILE": ""}
    assert "AWS_ACCESS_KEY_ID" in lake.run(expect=78, env=nothing).stderr
    lake.run(env={**nothing, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET})
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text(
        f"[other]\naws_access_key_id = x\n\n[drill]\naws_access_key_id = {KEY}\n"
        f"aws_secret_access_key = {SECRET}\n"
    )
    lake.call("verify", env={**nothing, "AWS_PROFILE": "drill"})
