"""Sources that are asked, under kills: a million records come while the program is killed twenty
times and what it reads from is restarted twice. Small by default; `make drill` does it whole.

Those that are sent to are in test/fault/test_live_kill.py, Kafka is in test_kafka.py.
"""

import os
import random
import threading
import time

import botocore.exceptions
import psycopg
import pytest

from live import DRILL, run_through_kills
from ports import free_port
from postgres import Postgres
from s3_server import S3Project, S3Server
from test_http_poll import Api, COUNTS, expected
from test_notify import Forwarder

COUNT, KILLS, RESTARTS = (1_000_000, 20, 2) if DRILL else (20_000, 2, 1)
SEED = int(os.environ.get("CATCHWATER_DRILL_SEEDS", "1"))
SECONDS = 100 if DRILL else 4  # That the records take to be made, at least.


class Work(threading.Thread):
    """Makes `count` records in about SECONDS; `done` tells how many there are."""

    def __init__(self, count: int = COUNT) -> None:
        super().__init__(daemon=True)
        self.count, self.done, self.failure = count, 0, None
        self.lock = threading.Lock()

    def add(self, number: int) -> None:
        with self.lock:
            self.done += number

    def pace(self, chance: random.Random, number: int, workers: int = 1) -> None:
        """Waits as long as so many records of one worker shall take, more or less."""
        time.sleep(chance.uniform(0, 2) * workers * number * SECONDS / self.count)

    def run(self) -> None:
        try:
            self.work()
        except BaseException as error:
            self.failure = error


def through_kills(project, work, restart, seen=None) -> None:
    started = time.monotonic()
    killed = run_through_kills(
        project, work, random.Random(SEED), work.count, KILLS, RESTARTS, restart, seen=seen
    )
    assert work.failure is None, work.failure
    project.run(timeout=600)
    assert killed == KILLS
    print(f"seed {SEED}: {work.done} records, {killed} kills, {RESTARTS} restarts of the other side, "
          f"{time.monotonic() - started:.0f} s")


def restart(server) -> None:
    """After kill -9."""
    server.kill()
    server.start()


# An HTTP API.

POLL = """
pipeline: air
source:
  http_poll:
    url: "URL/v1/{station}/readings"
    every: 100ms
    for_each: { station: [oslo, bergen] }
    query: { since: "{cursor}" }
    page: { by: cursor, parameter: after, next: /next, items: /items }
    cursor: { items: /items, field: id, start: "0" }
    requests_per_second: 1000
    deadline: 5s
codec: { json: { path: "items[*]" } }
columns:
  station: { type: string, from: path.station, entity: true }
  id:      int64
  ts:      { type: timestamp, event_time: true }
  value:   float64
lake:
  table: air.readings
  flush: { every: 200ms }
"""


class Readings(Work):
    def __init__(self, api: Api) -> None:
        super().__init__()
        self.api = api

    def work(self) -> None:
        chance = random.Random(SEED)
        while self.done < self.count:
            more = min(chance.randrange(1, self.count // 500), self.count - self.done)
            self.api.rows[chance.choice(list(self.api.rows))] += more
            self.add(more)
            self.pace(chance, more)


def test_http_poll(project):
    api = Api()
    try:
        api.rows, api.page = {"oslo": 0, "bergen": 0}, 500
        project.pipeline("air", POLL.replace("URL", api.url))
        through_kills(project, Readings(api), api.restart)
        assert sum(api.rows.values()) == COUNT
        found = project.query(COUNTS)
        print(f"http_poll: {len(api.requests)} requests,",
              sum(row["n"] - row["ids"] for row in found), "extra copies")
        assert found == expected(api)
        assert project.verify()["violations"] == []
    finally:
        api.stop()


# PostgreSQL.

POLLED = """
pipeline: orders
source:
  postgres: { url: "${PG_URL}", table: orders, column: ts, every: 50ms, delay: 100ms }
codec: json
columns:
  id:   { type: int64, entity: true }
  ts:   { type: timestamp, event_time: true }
  name: string
lake:
  table: shop.orders
  flush: { every: 200ms }
"""
REPLICATED = """
pipeline: orders
source:
  postgres: { url: "${PG_URL}", table: orders, mode: replicate }
codec: json
columns:
  id:      { type: int64, entity: true }
  version: int64
  op:      string
  lsn:     int64
  seq:     int64
  commit_time: { type: timestamp, event_time: true }
lake:
  table: shop.orders
  flush: { every: 200ms }
"""
LOGGED = [
    "CREATE TABLE orders (id bigint PRIMARY KEY, version bigint NOT NULL)",
    "CREATE TABLE log (op text, id bigint, version bigint)",
    "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "IF TG_OP = 'DELETE' THEN INSERT INTO log VALUES ('delete', OLD.id); "
    "ELSE INSERT INTO log VALUES (lower(TG_OP), NEW.id, NEW.version); END IF; RETURN NULL; END $$",
]
NEWEST = """
SELECT id, version FROM (
  SELECT *, row_number() OVER (PARTITION BY id ORDER BY lsn DESC, seq DESC) AS n FROM shop.orders)
WHERE n = 1 AND op <> 'delete' ORDER BY id
"""
WRITERS = 3


@pytest.fixture
def server(monkeypatch):
    server = Postgres()
    monkeypatch.setenv("PG_URL", server.url())
    yield server
    server.close()


def execute(server: Postgres, *statements: str) -> list[tuple]:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


class Transactions(Work):
    """Transactions that overlap, commit late or not at all; the server may go away and come again."""

    def __init__(self, server: Postgres, statements, count: int = COUNT) -> None:
        """statements(chance, writer, rows): SQL of one transaction, about so many rows of it."""
        super().__init__(count)
        self.server, self.statements = server, statements

    def work(self) -> None:
        writers = [threading.Thread(target=self.write, args=(i,)) for i in range(WRITERS)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()

    def write(self, writer: int) -> None:
        chance = random.Random(SEED * 100 + writer)
        while self.done < self.count:
            try:
                with psycopg.connect(self.server.url()) as connection:
                    while self.done < self.count:
                        self.transaction(connection, chance, writer)
            except psycopg.OperationalError:  # It is away.
                time.sleep(0.05)

    def transaction(self, connection, chance: random.Random, writer: int) -> None:
        changed = 0
        rows = chance.randrange(1, self.count // 250)
        for statement in self.statements(chance, writer, rows):
            changed += max(connection.execute(statement).rowcount, 0)  # TRUNCATE does not tell.
            time.sleep(chance.uniform(0, 0.003))
        if chance.random() < 0.2:
            connection.rollback()
        else:
            connection.commit()
            self.add(changed)
        self.pace(chance, changed, WRITERS)


def test_postgres_polled(project, server):
    execute(server, "CREATE TABLE orders (id bigserial PRIMARY KEY, "
                    "ts timestamptz NOT NULL DEFAULT now(), name text)")

    def inserts(chance, writer, rows):
        half = (f"INSERT INTO orders (name) SELECT 'w{writer}-' || n "
                f"FROM generate_series(1, {rows // 2 + 1}) n")
        return [half, half]

    project.pipeline("orders", POLLED)
    through_kills(project, Transactions(server, inserts), lambda: restart(server))
    ((rows, total),) = execute(server, "SELECT count(*), sum(id)::bigint FROM orders")
    found = project.query(
        "SELECT count(*) AS n, count(DISTINCT id) AS ids, sum(id)::BIGINT AS total FROM shop.orders"
    )
    print(f"postgres, polled: {rows} rows committed, {found[0]['n'] - found[0]['ids']} extra copies")
    assert rows >= COUNT
    assert found == [{"n": rows, "ids": rows, "total": total}]
    assert project.verify()["violations"] == []


def check_changes(project, log: set) -> int:
    """Each change that PostgreSQL committed is in the snapshot or comes once; returns how many came."""
    rows = project.query("SELECT op, id, version FROM shop.orders")
    snapshot = {row["id"]: row["version"] for row in rows if row["op"] == "snapshot"}
    came = [(row["op"], row["id"], row["version"]) for row in rows if row["op"] != "snapshot"]
    assert len(came) + len(snapshot) == len(rows), "a row of the snapshot comes twice"
    assert len(set(came)) == len(came), "a change comes twice"
    assert set(came) <= log
    before = log - set(came)
    gone = {id for op, id, _ in before if op == "delete"}
    assert not gone & snapshot.keys() and not gone & {id for _, id, _ in came}
    for op, id, version in before:
        assert op == "delete" or id in gone or snapshot.get(id, -1) >= version, (op, id, version)
    for op, id, version in came:
        assert op == "delete" or snapshot.get(id, -1) < version, (op, id, version)
    return len(came)


def test_postgres_replicated(project, server):
    """Half of the rows are there, the others are changes, which begin while those are taken."""
    there = COUNT // 2
    execute(server, *LOGGED,
            f"INSERT INTO orders SELECT n, 0 FROM generate_series(1, {there}) n",
            f"CREATE SEQUENCE ids START {there // WRITERS + 1}",
            "CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON orders "
            "FOR EACH ROW EXECUTE FUNCTION note()")

    def changes(chance, writer, rows):
        own = f"id % {WRITERS} = {writer}"
        for _ in range(2):
            kind = chance.random()
            first = chance.randrange(there)
            where = f"WHERE {own} AND id BETWEEN {first} AND {first + rows * WRITERS // 2}"
            if kind < 0.45:
                yield (f"INSERT INTO orders SELECT nextval('ids') * {WRITERS} + {writer}, 0 "
                       f"FROM generate_series(1, {rows // 2 + 1})")
            elif kind < 0.9:
                yield f"UPDATE orders SET version = version + 1 {where}"
            else:
                yield f"DELETE FROM orders {where}"

    project.pipeline("orders", REPLICATED)
    work = Transactions(server, changes, COUNT - there)
    through_kills(project, work, lambda: restart(server))
    came = check_changes(project, set(execute(server, "SELECT op, id, version FROM log")))
    print(f"postgres, replicated: {there} rows were there, {came} changes came, 0 extra copies")
    newest = [tuple(row.values()) for row in project.query(NEWEST)]
    assert newest == execute(server, "SELECT id, version FROM orders ORDER BY id")
    ((snapshots, changes_there),) = (row.values() for row in project.query(
        "SELECT count(DISTINCT lsn) FILTER (op = 'snapshot') AS snapshots, "
        "count(*) FILTER (op <> 'snapshot') AS changes FROM shop.orders"))
    assert snapshots == 1 and changes_there == came > 0
    assert project.verify()["violations"] == []


# Objects of a store, with the lake in the same.

DROPPED = """
pipeline: dropped
source:
  file:
    path: "s3://{bucket}/in/**/*.csv"
    watch: true
    {look}
codec: csv
columns:
  id:   int64
  name: string
lake:
  table: t.dropped
  flush: {{ every: 200ms }}
"""
OBJECTS = 1_000 if DRILL else 40


class Objects(Work):
    """Puts objects of whole rows, again until the store says that it has them."""

    def __init__(self, project: S3Project) -> None:
        super().__init__()
        self.project = project

    def work(self) -> None:
        chance = random.Random(SEED)
        rows = COUNT // OBJECTS
        client = self.project.server.client()
        for number in range(OBJECTS):
            ids = range(number * rows, (number + 1) * rows)
            body = "id,name\n" + "".join(f"{n},name of {n}\n" for n in ids)
            while True:
                try:
                    client.put_object(Bucket=self.project.bucket, Body=body.encode(),
                                      Key=f"in/{number // 100}/{number}.csv")
                    break
                except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                    time.sleep(0.05)
            self.add(rows)
            self.pace(chance, rows)


@pytest.mark.parametrize("found_by", ["listing", "events"])
def test_objects_of_a_store(tmp_path, found_by):
    port = free_port()
    forwarder = Forwarder(f"http://127.0.0.1:{port}/")
    server = S3Server(tmp_path / "s3", "--event-webhook-url", forwarder.url)
    try:
        project = S3Project(tmp_path / "project", server)
        # With events an hour between two looks: what comes after the last start is found by its event.
        told = f"poll: 1h\n    notify: {{ http: {{ port: {port} }} }}"
        look = told if found_by == "events" else "poll: 500ms"
        project.pipeline("dropped", DROPPED.format(bucket=project.bucket, look=look))
        sums = ("SELECT count(*) AS n, count(DISTINCT id) AS ids, sum(id)::BIGINT AS total "
                "FROM t.dropped")
        wanted = [{"n": COUNT, "ids": COUNT, "total": COUNT * (COUNT - 1) // 2}]
        through_kills(
            project, Objects(project), server.restart, seen=lambda: project.query(sums) == wanted
        )
        found = project.query(sums)
        print(f"s3 by {found_by}: {OBJECTS} objects, {found[0]['n'] - found[0]['ids']} extra copies, "
              f"{forwarder.answers.count(200)} events taken")
        assert found == wanted
        inputs = project.status("dropped")["input_files"]
        assert (inputs["done"], inputs["failed"], inputs["to_process"]) == (OBJECTS, 0, 0), inputs
        assert found_by == "listing" or forwarder.answers.count(200) > 0
        assert project.verify()["violations"] == []
    finally:
        server.stop()
        forwarder.stop()
