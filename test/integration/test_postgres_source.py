"""Rows of a table of PostgreSQL arrive once each: written by psycopg, into a real server."""

import json
import os
import random
import signal
import subprocess
import threading
import time

import psycopg
import pytest

from conftest import PROGRAM, Project
from postgres import Postgres, execute

PIPELINE = """
pipeline: orders
source:
  postgres: { url: "${PG_URL}", table: TABLE, column: COLUMN, every: 50ms, delay: 100ms OPTIONS }
codec: json
columns:
  id:      { type: int64, entity: true }
  ts:      { type: timestamp, event_time: true }
  name:    string
  amount:  { type: decimal, precision: 12, scale: 3 }
  level:   float64
  ok:      bool
lake:
  table: shop.orders
  flush: { every: 100ms }
"""
CREATE = (
    "CREATE TABLE orders (id bigserial PRIMARY KEY, ts timestamptz NOT NULL DEFAULT now(), name text, "
    "amount numeric(12,3), level float8, ok bool)"
)


@pytest.fixture(scope="module")
def server():
    server = Postgres(settings={"max_prepared_transactions": 5})
    yield server
    server.close()


@pytest.fixture
def url(server, monkeypatch):
    yield from server.database_of_test(monkeypatch)


def use(project: Project, column="id", table="orders", options="") -> Project:
    text = PIPELINE.replace("COLUMN", column).replace("TABLE", table)
    return project.pipeline("orders", text.replace("OPTIONS", options and f", {options}"))


def start(project: Project) -> subprocess.Popen:
    return subprocess.Popen([PROGRAM, "run", "."], cwd=project.folder, stderr=subprocess.DEVNULL)


def wait_for(condition, what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def count(project: Project) -> int:
    """0 while there is no table yet."""
    done = project.call("query", "SELECT count(*) AS n FROM shop.orders", "--format", "json", expect=None)
    return json.loads(done.stdout)["n"] if done.returncode == 0 else 0


def test_every_value_arrives_and_new_rows_follow(project, url):
    execute(url, CREATE, "INSERT INTO orders (ts, name, amount, level, ok) VALUES "
            "('2026-01-02T00:00:00.123456Z', 'é \"x\" \\ \n', 123456789.001, 0.1, true), "
            "('1969-12-31T23:59:59.999999Z', NULL, NULL, 1e300, false)")
    use(project)
    project.run()
    rows = "SELECT id, epoch_us(ts) AS us, name, amount::VARCHAR AS amount, level, ok FROM shop.orders ORDER BY id"
    found = project.query(rows)
    assert [list(row.values()) for row in found] == [
        [1, 1767312000123456, 'é "x" \\ \n', "123456789.001", 0.1, True],
        [2, -1, None, None, 1e300, False],
    ]
    execute(url, "INSERT INTO orders (name) SELECT 'n' || n FROM generate_series(1, 5000) n")
    project.run()
    project.run()
    assert count(project) == 5002
    assert project.verify()["violations"] == []


def test_a_changed_row_comes_again(project, url):
    execute(url, CREATE, "INSERT INTO orders (name) VALUES ('a'), ('b'), ('c')")
    use(project, column="ts", options="key: [id], columns: [id, ts, name]")
    project.run()
    execute(url, "UPDATE orders SET name = 'B', ts = now() WHERE id = 2", "DELETE FROM orders WHERE id = 1")
    project.run()
    newest = "SELECT id, arg_max(name, ts) AS name, count(*) AS n FROM shop.orders GROUP BY id ORDER BY id"
    assert [list(row.values()) for row in project.query(newest)] == [
        [1, "a", 1], [2, "B", 2], [3, "c", 1],
    ]


@pytest.mark.parametrize("is_prepared", [False, True])
def test_a_row_that_is_committed_late_is_not_lost(project, url, is_prepared):
    execute(url, CREATE)
    use(project)
    with psycopg.connect(url) as late:
        late.execute("INSERT INTO orders (name) VALUES ('late')")  # Has drawn 1.
        if is_prepared:
            late.execute("PREPARE TRANSACTION 'late'")
        execute(url, "INSERT INTO orders (name) VALUES ('early')")
        process = start(project)
        try:
            with psycopg.connect(url, autocommit=True) as watch:
                def is_settling() -> bool:
                    return watch.execute(
                        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                        "AND application_name = 'catchwater' AND query LIKE '%pg_prepared_xacts%'"
                    ).fetchone()[0] > 0

                wait_for(is_settling, "it does not look at transactions")
                assert count(project) == 0
            if is_prepared:
                execute(url, "COMMIT PREPARED 'late'")
            else:
                late.commit()
            execute(url, "INSERT INTO orders (name) VALUES ('more')")
            wait_for(lambda: count(project) == 3, "rows are missing")
            assert project.query("SELECT count(DISTINCT id) AS n FROM shop.orders") == [{"n": 3}]
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


def test_kills_in_the_middle_take_each_row_once(project, url):
    seed = int(os.environ.get("CATCHWATER_DRILL_SEEDS", "0")) or 1
    choose = random.Random(seed)
    execute(url, CREATE, "INSERT INTO orders (name) SELECT 'n' || n FROM generate_series(1, 20000) n")
    use(project, column="ts", options="block_bytes: 16KiB")
    stop = threading.Event()
    failures = []

    def write(writer: int) -> None:
        """Transactions that overlap, commit late or not at all."""
        own = random.Random(seed * 100 + writer)
        try:
            with psycopg.connect(url) as connection:
                while not stop.wait(own.uniform(0, 0.03)):
                    for _ in range(own.randrange(1, 20)):
                        connection.execute("INSERT INTO orders (name) VALUES ('w')")
                        stop.wait(own.uniform(0, 0.003))
                    connection.rollback() if own.random() < 0.2 else connection.commit()
        except psycopg.Error as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(i,)) for i in range(3)]
    for writer in writers:
        writer.start()
    for _ in range(20 if "CATCHWATER_DRILL_SEEDS" in os.environ else 5):
        process = start(project)
        time.sleep(choose.uniform(0.1, 1.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
    stop.set()
    for writer in writers:
        writer.join()
    assert failures == []
    project.run()
    with psycopg.connect(url) as connection:
        wanted = connection.execute("SELECT count(*), sum(id) FROM orders").fetchone()
    found = project.query(
        "SELECT count(*) AS rows, count(DISTINCT id) AS ids, sum(id)::BIGINT AS total FROM shop.orders"
    )
    n, total = int(wanted[0]), int(wanted[1])
    assert found == [{"rows": n, "ids": n, "total": total}], f"seed {seed}"
    assert project.verify()["violations"] == []


def test_once_ends_and_a_table_made_anew_is_read_anew(project, url):
    fill = "INSERT INTO orders (name) SELECT 'n' || n FROM generate_series(1, 100) n"
    execute(url, CREATE, fill)
    use(project, column="ts", options="once: true")
    project.run()
    execute(url, fill)
    project.run()
    assert count(project) == 100, "once is once"
    execute(url, "DROP TABLE orders", CREATE, fill)
    project.run()
    assert count(project) == 200


def test_a_server_that_restarts_is_found_again(project, url, server):
    execute(url, CREATE, "INSERT INTO orders (name) VALUES ('a')")
    use(project)
    process = start(project)
    try:
        wait_for(lambda: count(project) == 1, "the first row is missing")
        server.kill()
        server.start()
        execute(url, "INSERT INTO orders (name) VALUES ('b')")
        wait_for(lambda: count(project) == 2, "the second row is missing")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


MISTAKES = {
    "table": ({"table": "shop.nothing"}, ["`table`", "shop.nothing"]),
    "column": ({"column": "updated_at"}, ["`column`", "updated_at", "id, ts, name"]),
    "key": ({"options": "key: [ident]"}, ["`key`", "ident"]),
    "columns": ({"options": "columns: [id, nam]"}, ["`columns`", "nam,"]),
    "no order": ({"column": "name"}, ["`column`", "sequence", "name text"]),
    "null": ({"column": "amount"}, ["run: ALTER TABLE", '"amount" SET NOT NULL']),
    "not unique": (
        {"column": "ts", "options": "key: [day]"},
        ["run: CREATE UNIQUE INDEX ON", '("ts", "day")'],
    ),
    "a view": ({"table": "seen"}, ["`table`", "view"]),
    "no key": ({"table": "bare"}, ["`key`", "bare"]),
    "cached": ({"table": "cached"}, ["`column`", "run: ALTER SEQUENCE", "CACHE 1"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_before_anything_runs(project, url, mistake):
    settings, said = MISTAKES[mistake]
    execute(url, CREATE, "ALTER TABLE orders ADD day date NOT NULL DEFAULT now()",
            "CREATE VIEW seen AS SELECT * FROM orders", "CREATE TABLE bare (id bigint NOT NULL)",
            "CREATE TABLE cached (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 32) PRIMARY KEY)")
    use(project, **settings)
    refused = project.call("validate", "--connect", expect=None)
    text = refused.stdout + refused.stderr
    assert refused.returncode != 0, text
    for part in said:
        assert part in text, text


def test_a_number_that_is_greater_than_all_others_is_told(project, url):
    execute(url, CREATE, "ALTER TABLE orders ALTER COLUMN id TYPE numeric",
            "INSERT INTO orders (id, name) VALUES (1, 'a'), ('NaN', 'b')")
    use(project)
    refused = project.call("run", ".", "--until-idle", expect=None)
    assert refused.returncode != 0 and "`column`" in refused.stderr and "NaN" in refused.stderr
    execute(url, "DELETE FROM orders WHERE name = 'b'", "INSERT INTO orders (id, name) VALUES (2, 'c')")
    project.run()
    assert count(project) == 2


def test_rights_and_reachability_are_told_without_the_password(project, url, server, monkeypatch):
    execute(url, CREATE, "DROP ROLE IF EXISTS reader", "CREATE ROLE reader LOGIN PASSWORD 'canary-secret'")
    use(project)
    database = url.rsplit("/", 1)[1].split("?")[0]

    def refused(target: str) -> str:
        monkeypatch.setenv("PG_URL", target)
        done = project.call("validate", "--connect", expect=None)
        assert done.returncode != 0
        assert "canary-secret" not in done.stdout + done.stderr
        return done.stdout + done.stderr

    reader = server.url("reader", "canary-secret", database)
    assert 'run: GRANT SELECT ON "orders" TO "reader"' in refused(reader)
    assert "`url`" in refused(server.url("reader", "canary-secret", "nowhere"))
    assert "`url`" in refused(reader.replace(f":{server.port}/", ":1/"))
    with server.asks_password_of("reader"):
        assert "user or password" in refused(reader.replace("canary-secret", "canary-secret-wrong"))
    execute(url, "GRANT SELECT ON orders TO reader")
    monkeypatch.setenv("PG_URL", reader)
    project.call("validate", "--connect")
    project.run()
    assert "canary-secret" not in json.dumps(project.status("orders"))
