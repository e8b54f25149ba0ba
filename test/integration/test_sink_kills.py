"""Sinks under kills: a million rows come into a table while the program is killed twenty times and
what the sink writes to is ended with kill -9 and started again twice. Afterwards the target has what
the table has. Small by default; `make drill` does it whole.

PostgreSQL at each step of a delivery is in test_postgres_sink.py.
"""

import collections
import datetime
import json
import pathlib
import random
import re
import subprocess
import sys

import duckdb
import paho.mqtt.client as paho
import psycopg
import pymongo
import pytest

import mosquitto
from conftest import PROGRAM
from influx import Influx
from kafka_broker import Broker
from live import DRILL, answers, wait_for
from ports import free_port
from postgres import Postgres
from test_mongo_sink import Mongo
from test_source_kills import COUNT, SEED, Work, restart, through_kills

PIPELINE = """
pipeline: rooms
source: { file: { path: in/*.csv, watch: true } }
codec: csv
columns:
  id:    int64
  room:  string
  ts:    { type: timestamp, event_time: true, format: epoch_ms }
  value: float64
lake: { table: demo.rooms, flush: { every: 200ms } }
sinks:
  - SINK
"""
ROOMS = 10


class Files(Work):
    """Drops files of rows whose ids go up."""

    def __init__(self, project, count: int = COUNT) -> None:
        super().__init__(count)
        self.folder = project.folder / "in"
        self.folder.mkdir()

    def work(self) -> None:
        chance = random.Random(SEED)
        while self.done < self.count:
            more = min(chance.randrange(1, self.count // 250), self.count - self.done)
            text = "id,room,ts,value\n" + "".join(
                f"{n},r{n % ROOMS},{1_767_225_600_000 + n},{n / 8}\n" for n in range(self.done, self.done + more)
            )
            (self.folder / "next.partial").write_text(text)
            (self.folder / "next.partial").rename(self.folder / f"{self.done:08}.csv")
            self.add(more)
            self.pace(chance, more)


def feed(project, sink: str, restart_it, count: int = COUNT) -> None:
    """All rows are in the table, and the program says that the sink has them."""
    project.pipeline("rooms", PIPELINE.replace("SINK", sink))
    through_kills(project, Files(project, count), restart_it)
    totals = "SELECT count(*) AS n, count(DISTINCT id) AS ids, min(id) AS lo, max(id) AS hi FROM demo.rooms"
    assert project.query(totals) == [{"n": count, "ids": count, "lo": 0, "hi": count - 1}]
    assert project.verify()["violations"] == []


def check_messages(messages, count: int = COUNT) -> None:
    """Of (id, row): each row of the table is there, and a row that came again is the same row."""
    by_id = {}
    number = 0
    for key, row in messages:
        number += 1
        assert by_id.setdefault(key, row) == row
    print(f"messages: {number}, extra copies: {number - len(by_id)}")
    ids = sorted(row["id"] for row in by_id.values())
    assert ids == list(range(count)), f"{len(ids)} rows, {len(set(ids))} of them different"
    assert all(row["value"] == row["id"] / 8 for row in by_id.values())


def test_kafka(project, tmp_path):
    broker = Broker(tmp_path / "broker").start()
    try:
        feed(project, f"kafka: {{ brokers: '{broker.address}', topic: rooms, key: [room], partitions: 3, "
                      "create: true, every: 50ms, batch: 1MiB }", lambda: restart(broker))
        messages = broker.read_all("rooms")
        check_messages((dict(one.headers())["catchwater-id"], json.loads(one.value())) for one in messages)
        assert all(one.key().decode() == json.loads(one.value())["room"] for one in messages)
        places = {(one.key(), one.partition()) for one in messages}
        assert len(places) == ROOMS, "rows of a key are in one partition"
    finally:
        broker.stop()


def test_amqp(project, own_rabbitmq):
    feed(project, f'amqp: {{ url: "{own_rabbitmq.url}", routing_key: rooms, create: true, every: 50ms, '
                  "batch: 1MiB }", lambda: restart(own_rabbitmq))
    messages = own_rabbitmq.take_all("rooms")
    assert all(one.content_type == "application/json" and one.delivery_mode == 2 for _, one, _ in messages)
    check_messages((properties.message_id, json.loads(body)) for _, properties, body in messages)


def test_mqtt(project, tmp_path):
    """Restarted as an operator does: Mosquitto writes what it has taken down when it ends, not before."""
    count = 200_000 if DRILL else 10_000
    broker = mosquitto.Broker(tmp_path / "broker", mosquitto.RARELY_SAVED)
    messages = []
    client = broker.client(client_id="reader", clean_session=False)
    client.on_message = lambda _client, _data, message: messages.append(json.loads(message.payload))
    client.on_connect = lambda *_: client.subscribe("rooms/#", qos=1)
    try:
        client.subscribe("rooms/#", qos=1)
        feed(project, f'mqtt: {{ url: "{broker.url}", topic: "rooms/{{room}}", protocol: "3.1.1", every: 50ms, '
                      "batch: 256KiB }", broker.restart, count)
        wait_for(lambda: len({row["catchwater_id"] for row in messages}) >= count, 120, 0.5)
        client.disconnect()
        check_messages(((row["catchwater_id"], row) for row in messages), count)
    finally:
        client.loop_stop()
        broker.stop()


def test_influx(project, tmp_path):
    influx = Influx(tmp_path)
    try:
        influx.ask("CREATE DATABASE demo")
        feed(project, f'influx: {{ url: "{influx.url}", api: v1, database: demo, measurement: rooms, time: ts, '
                      "tags: [room], every: 50ms, batch: 1MiB }", influx.restart)
        have = {one["tags"]["room"]: one["values"][0][1:] for one in influx.ask(
            "SELECT count(value), sum(id), sum(value) FROM rooms GROUP BY room", db="demo")}
        assert have == {
            f"r{room}": [len(ids), sum(ids), sum(ids) / 8]
            for room in range(ROOMS) for ids in [range(room, COUNT, ROOMS)]
        }
    finally:
        influx.stop()


@pytest.mark.parametrize("key", ["key: [id], ", ""])
def test_postgres(project, key):
    """With a key rows replace others, without one each is added: a row too many would show."""
    server = Postgres(fsync=True)
    try:
        feed(project, f'postgres: {{ url: "{server.url()}", table: rooms, {key}every: 50ms, batch: 1MiB }}',
             lambda: restart(server))
        with psycopg.connect(server.url()) as connection:
            have = connection.execute(
                "SELECT count(*), count(DISTINCT id), sum(id), sum(value) FROM rooms").fetchone()
        assert have == (COUNT, COUNT, sum(range(COUNT)), sum(range(COUNT)) / 8)
    finally:
        server.close()


def test_mongo(project, tmp_path):
    """The server stands in for MongoDB: see test_mongo_sink.py."""
    server = Mongo(tmp_path)
    try:
        feed(project, f'mongo: {{ url: "{server.url}", database: demo, collection: rooms, key: [id], '
                      "every: 50ms, batch: 1MiB }", server.restart)
        with pymongo.MongoClient(server.url) as client:
            rooms = client["demo"]["rooms"]
            assert rooms.estimated_document_count() == COUNT
            step = COUNT // 10  # The server holds what it answers in memory.
            for low in range(0, COUNT, step):
                found = rooms.find({"_id": {"$gte": low, "$lt": low + step}}, {"ts": False})
                assert {one.pop("_id"): one for one in found} == {
                    n: {"id": n, "room": f"r{n % ROOMS}", "value": n / 8} for n in range(low, low + step)
                }
    finally:
        server.stop()


RECEIVER = """
import http.server, json, os, sys
log = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        line = json.dumps([self.headers["Idempotency-Key"], body]).encode()
        os.write(log, b"\\n" + line + b"\\n")
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


class Receiver:
    """A client's service in a process of its own: it answers when it has written down what came."""

    def __init__(self, log: pathlib.Path) -> None:
        self.port, self.log = free_port(), log
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", RECEIVER, str(self.port), str(self.log)])
        wait_for(lambda: answers(self.port))

    def restart(self) -> None:
        self.stop()
        self.start()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def requests(self):
        for line in self.log.read_text().splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:  # Was being written when it was killed: not answered.
                assert line == "" or not line.endswith("]"), line


def test_webhook(project, tmp_path):
    receiver = Receiver(tmp_path / "received")
    try:
        feed(project, f'webhook: {{ url: "{receiver.url}/in", batch_rows: 1000, every: 50ms, batch: 1MiB }}',
             receiver.restart)
        check_messages(
            (f"{key} {number}", json.loads(row))
            for key, body in receiver.requests() for number, row in enumerate(body.splitlines())
        )
    finally:
        receiver.stop()


@pytest.mark.parametrize("codec", ["parquet", "csv", "json"])
def test_a_folder_of_files(project, codec):
    """Nothing to restart: the folder is on the disk. Each row is there exactly once."""
    feed(project, f"file: {{ path: export/, codec: {codec}, time: ts, every: 50ms, batch: 1MiB }}", lambda: None)
    files = f"{project.folder}/export/date=*/hour=*/*.{codec}"
    rows = duckdb.execute(
        f"SELECT count(*), count(DISTINCT id), sum(id), sum(value) FROM '{files}'").fetchone()
    assert rows == (COUNT, COUNT, sum(range(COUNT)), sum(range(COUNT)) / 8)


class Printing:
    """A project whose runs append what they print to one file, as `catchwater run >> FILE` does."""

    def __init__(self, project) -> None:
        self.project, self.printed = project, project.folder / "run.log"

    def __getattr__(self, name):
        return getattr(self.project, name)

    def run(self, **options) -> "Printing":
        with open(self.printed, "a", encoding="utf-8") as printed:
            printed.write(self.project.run(**options).stdout)
        return self

    def rows(self):
        """Of the tables that were printed. What a kill has cut has no end: `│` and a new line."""
        cell = r"│ +(\d+) │ (\w+) +│ (\S+) +│ +(\S+) │"
        for line in self.printed.read_text(encoding="utf-8", errors="replace").splitlines():
            if match := re.fullmatch(cell, line):
                number, room, at, value = match.groups()
                yield int(number), room, at, float(value)


def test_console(project):
    """Nothing to restart: the output is a file. What a kill has cut is printed again, whole."""
    printing = Printing(project)
    feed(printing, "console: { rows_max: 1000000, every: 50ms, batch: 1MiB }", lambda: None)
    rows = collections.Counter(printing.rows())
    print(f"rows: {rows.total()}, extra copies: {rows.total() - len(rows)}")
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    for number, room, at, value in rows:
        since = datetime.datetime.fromisoformat(at) - start
        assert since == datetime.timedelta(milliseconds=number)
        assert (room, value) == (f"r{number % ROOMS}", number / 8)
    assert sorted(number for number, *_ in rows) == list(range(COUNT))


def test_output_that_is_full_is_told_and_loses_nothing(project):
    project.pipeline("rooms", PIPELINE.replace("SINK", "console: {}"))
    (project.folder / "in").mkdir()
    (project.folder / "in/a.csv").write_text("id,room,ts,value\n1,r1,1,2.5\n")
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [PROGRAM, "run", ".", "--until-idle"], cwd=project.folder, stdin=subprocess.DEVNULL,
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False,
        )
    assert done.returncode != 0 and "Standard output takes no more" in done.stderr, done.stderr
    assert [row[:2] for row in Printing(project).run().rows()] == [(1, "r1")]
