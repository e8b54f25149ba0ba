"""The collection equals the lake's table: judged by pymongo, against a server that speaks as MongoDB
and keeps its data over a kill (mongo-java-server; no package carries a mongod)."""

import pathlib
import random
import shutil
import signal
import subprocess

import pymongo
import pytest

from conftest import PROGRAM, ROOT, Project
from live import DRILL
from ports import free_port

JARS = ROOT / ".deps" / "mongo"
HERE = pathlib.Path(__file__).resolve().parent
SMALL = ["-Xmx192m", "-XX:TieredStopAtLevel=1"]  # Starts sooner, but is half as fast.
LARGE = ["-Xmx1g"]


class Mongo:
    def __init__(self, folder: pathlib.Path) -> None:
        assert JARS.is_dir(), "the server's jars are missing: tools/setup test"
        self.folder = folder
        self.port = free_port()
        self.start()

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}"

    def start(self) -> None:
        java = shutil.which("java")
        assert java, "Java is missing: tools/setup test"
        self.process = subprocess.Popen(
            [java, *(LARGE if DRILL else SMALL), "-XX:+UseSerialGC", "-cp", f"{JARS}/*",
             HERE / "MongoMain.java", str(self.port), self.folder / "data.h2"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        assert self.process.stdout.readline().strip() == "ready"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=30)

    def restart(self) -> None:
        """As an operator does: this server writes down what it has taken when it ends, not before."""
        self.stop()
        self.start()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Mongo(tmp_path_factory.mktemp("mongo"))
    yield server
    server.stop()


@pytest.fixture
def database(server, monkeypatch):
    monkeypatch.setenv("MONGO_URL", server.url)
    with pymongo.MongoClient(server.url) as client:
        yield client[f"db{random.randrange(10**9)}"]


PIPELINE = """
pipeline: sensors
source: { file: { path: in/*.csv } }
codec: csv
columns:
  sensor_id:   { type: string, entity: true }
  ts:          { type: timestamp, event_time: true }
  temperature: float64
  price:       { type: decimal, precision: 12, scale: 3 }
  level:       int64
lake: { table: sensors.readings, partition: [day(ts)], flush: { every: 100ms } }
sinks:
  - mongo:
      url: "${MONGO_URL}"
      database: DATABASE
      collection: readings
      key: [sensor_id, ts]
      indexes: [ { key: [sensor_id, -ts] }, { key: [level] } ]
      every: 50ms
"""


def write(project: Project, name: str, lines: list[str]) -> None:
    (project.folder / "in").mkdir(exist_ok=True)
    (project.folder / "in" / name).write_text(
        "sensor_id,ts,temperature,price,level\n" + "".join(f"{line}\n" for line in lines))


def test_rows_become_documents_and_corrections_replace_them(project, server, database):
    project.pipeline("sensors", PIPELINE.replace("DATABASE", database.name))
    write(project, "a.csv", [f"s1,2026-01-02T00:{m:02}:00Z,{m}.5,1.250,{m}" for m in range(30)]
          + ["s2,2026-01-02T00:00:00.000001Z,,,"])
    project.run()
    readings = database["readings"]
    assert readings.count_documents({}) == 31
    one = readings.find_one({"sensor_id": "s1", "level": 7})
    assert one["temperature"] == 7.5
    assert str(one["price"]) == "1.250"
    assert one["ts"].isoformat() == "2026-01-02T00:07:00"
    assert one["_id"] == {"sensor_id": "s1", "ts": one["ts"]}
    assert readings.find_one({"sensor_id": "s2"})["_id"]["ts"] == 1767312000000001
    # The last row of a key wins, within a file and over files.
    write(project, "b.csv", ["s1,2026-01-02T00:07:00Z,1,1,1", "s1,2026-01-02T00:07:00Z,2,2,2"])
    project.run()
    assert readings.count_documents({}) == 31
    assert readings.find_one({"_id": one["_id"]})["temperature"] == 2
    assert {"sensor_id_1_ts_-1", "level_1"} <= set(readings.index_information())


def test_kills_and_a_restarted_server_lose_and_double_nothing(project, server, database):
    kills, row_count = (20, 100_000) if DRILL else (2, 5_000)
    choose = random.Random(3)
    project.pipeline("sensors", f"""
pipeline: sensors
source: {{ simulate: {{ sensors: 50, rows: {row_count}, seed: 3 }} }}
codec: json
columns:
  sensor_id:   {{ type: string, entity: true }}
  ts:          {{ type: timestamp, event_time: true }}
  temperature: float64
steps:
  - deduplicate: {{ key: [sensor_id, ts], within: 400d }}
lake: {{ table: sensors.readings, flush: {{ every: 100ms, bytes: 64KiB }} }}
sinks:
  - mongo: {{ url: "${{MONGO_URL}}", database: {database.name}, collection: readings,
             key: [sensor_id, ts], every: 20ms, batch: 64KiB }}
""")
    done = 0
    while done < kills:
        running = subprocess.Popen([PROGRAM, "run", ".", "--until-idle"], cwd=project.folder,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            running.wait(choose.uniform(0.3, 1.5))
            if running.returncode == 0:
                break
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
            done += 1
        if done in (kills // 3, 2 * kills // 3 + 1):
            server.restart()
    project.run(timeout=600)
    lake = project.query("SELECT sensor_id, epoch_us(ts) AS us, temperature AS t "
                         "FROM sensors.readings ORDER BY 1, 2")
    have = sorted((d["sensor_id"], d["ts"], d.get("temperature"))
                  for d in database["readings"].find())
    assert len(have) == len(lake)
    assert [(s, t) for s, _, t in have] == [(r["sensor_id"], r["t"]) for r in lake]
    assert project.verify()["violations"] == []


def test_of_a_key_in_one_bulk_the_last_row_counts(project, server, database):
    """Whatever is there: rows are inserted, those of a key that is there replaced."""
    project.pipeline("sensors", PIPELINE.replace("DATABASE", database.name))
    wanted = {}
    for turn, share in enumerate((0, 1, 60, 100, 5)):  # Per cent of the rows whose key is there.
        sensors = [0 if row % 100 < share else turn for row in range(2000)]
        rows = [*enumerate(sensors), *list(enumerate(sensors))[:50]]
        lines = []
        for value, (row, sensor) in enumerate(rows):
            key = f"s{sensor}", f"2026-01-02T00:{row // 60:02}:{row % 60:02}"
            wanted[key] = turn * 10_000 + value
            lines.append(f"{key[0]},{key[1]}Z,{wanted[key]},1,1")
        write(project, f"{turn}.csv", lines)
        project.run()
    have = {(one["sensor_id"], one["ts"].isoformat()): one["temperature"]
            for one in database["readings"].find()}
    assert have == wanted and len(have) > 6000


def test_a_unique_index_that_a_row_breaks_is_told(project, server, database):
    text = PIPELINE.replace("DATABASE", database.name)
    project.pipeline("sensors", text.replace("{ key: [level] }", "{ key: [level], unique: true }"))
    write(project, "a.csv", ["s1,2026-01-02T00:00:00Z,1,1,1", "s2,2026-01-02T00:00:00Z,1,1,1"])
    done = project.call("run", ".", "--until-idle", expect=None)
    assert done.returncode != 0 and "unique index that a row breaks" in done.stderr, done.stderr


def test_a_server_that_is_not_there_is_named(project):
    url = f"mongodb://127.0.0.1:{free_port()}/?serverSelectionTimeoutMS=500"
    project.pipeline("sensors", PIPELINE.replace("DATABASE", "x"))
    write(project, "a.csv", ["s1,2026-01-02T00:00:00Z,1,1,1"])
    done = project.call("validate", "--connect", ".", env={"MONGO_URL": url}, expect=4)
    assert "error[E2020]" in done.stderr
    assert "MongoDB does not answer" in done.stderr
