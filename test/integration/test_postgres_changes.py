"""Changes of a table of PostgreSQL arrive once each, from its log: written by psycopg, a real server."""

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
from postgres import Postgres, execute, rows

PIPELINE = """
pipeline: orders
source:
  postgres: { url: "${PG_URL}", table: orders, mode: replicate OPTIONS }
codec: json
columns:
  id:      { type: int64, entity: true }
  name:    string
  amount:  { type: decimal, precision: 12, scale: 3 }
  ok:      bool
  made:    timestamp
  op:      string
  lsn:     int64
  seq:     int64
  commit_time: { type: timestamp, event_time: true }
  unchanged:   string
lake:
  table: shop.orders
  flush: { every: 100ms }
"""
CREATE = (
    "CREATE TABLE orders (id bigserial PRIMARY KEY, name text, amount numeric(12,3), ok bool, "
    "made timestamptz DEFAULT '2026-01-02T03:04:05.123456Z')"
)
# The last change of each key that is behind the last truncation, if it is no deletion.
NEWEST = """
SELECT id, name FROM (
  SELECT *, row_number() OVER (PARTITION BY id ORDER BY lsn DESC, seq DESC) AS n FROM shop.orders
  WHERE op <> 'truncate' AND (lsn, seq) > (
    SELECT coalesce(max((lsn, seq)), (0, 0)) FROM shop.orders WHERE op = 'truncate'))
WHERE n = 1 AND op <> 'delete' ORDER BY id
"""


@pytest.fixture(scope="module")
def server():
    server = Postgres()
    yield server
    server.close()


@pytest.fixture
def url(server, monkeypatch):
    yield from server.database_of_test(monkeypatch)


def ask(url: str, statement: str) -> list[list]:
    return [list(row) for row in rows(url, statement)]


def use(project: Project, options="") -> Project:
    return project.pipeline("orders", PIPELINE.replace("OPTIONS", options and f", {options}"))


def start(project: Project) -> subprocess.Popen:
    return subprocess.Popen([PROGRAM, "run", "."], cwd=project.folder, stderr=subprocess.DEVNULL)


def kill(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def wait_for(condition, what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def values(project: Project, sql: str) -> list[list]:
    return [list(row.values()) for row in project.query(sql)]


def test_each_change_is_a_row(project, url):
    execute(url, CREATE)
    use(project)
    project.run()
    execute(url, "INSERT INTO orders (name, amount, ok) VALUES ('é \"x\" \\ \n', 1.5, true), ('b', NULL, NULL)",
            "UPDATE orders SET name = 'B' WHERE id = 2",
            "UPDATE orders SET id = 3 WHERE id = 2",
            "DELETE FROM orders WHERE id = 1",
            "TRUNCATE orders",
            "INSERT INTO orders (id, name) VALUES (9, 'last')")
    project.run()
    found = values(project, "SELECT op, id, name, amount::VARCHAR, ok, epoch_us(made) FROM shop.orders ORDER BY lsn, seq")
    at = 1767323045123456
    assert found == [
        ["insert", 1, 'é "x" \\ \n', "1.500", True, at],
        ["insert", 2, "b", None, None, at],
        ["update", 2, "B", None, None, at],
        ["delete", 2, None, None, None, None],
        ["update", 3, "B", None, None, at],
        ["delete", 1, None, None, None, None],
        ["truncate", None, None, None, None, None],
        ["insert", 9, "last", None, None, at],
    ]
    assert values(project, NEWEST) == [[9, "last"]]
    project.run()
    assert project.value("SELECT count(*) FROM shop.orders") == 8
    assert project.verify()["violations"] == []


def test_the_server_forgets_what_is_committed_only(project, url):
    execute(url, CREATE)
    use(project)
    project.run()
    (slot, before), = ask(url, "SELECT slot_name, confirmed_flush_lsn::text FROM pg_replication_slots "
                               "WHERE database = current_database()")
    assert slot.startswith("catchwater_orders_")
    execute(url, "INSERT INTO orders (name) SELECT 'n' || n FROM generate_series(1, 1000) n")
    assert ask(url, f"SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = '{slot}'") == [[before]]
    project.run()
    moved, = ask(url, "SELECT confirmed_flush_lsn > '" + before + "'::pg_lsn FROM pg_replication_slots "
                      f"WHERE slot_name = '{slot}'")
    assert moved == [True]
    assert values(project, "SELECT count(*), count(DISTINCT id) FROM shop.orders") == [[1000, 1000]]


def write_at_random(url: str, seed: int, stop: threading.Event, failures: list) -> None:
    """Transactions that overlap, of all kinds of changes, some rolled back."""
    own = random.Random(seed)
    try:
        with psycopg.connect(url) as connection:
            while not stop.wait(own.uniform(0, 0.03)):
                for _ in range(own.randrange(1, 12)):
                    kind = own.random()
                    name = f"'w{own.randrange(10**6)}'"
                    some = f"(SELECT id FROM orders WHERE id % 3 = {seed % 3} ORDER BY random() LIMIT 1)"
                    if kind < 0.5:
                        connection.execute(f"INSERT INTO orders (id, name) VALUES (nextval('ids') * 3 + {seed % 3}, {name})")
                    elif kind < 0.8:
                        connection.execute(f"UPDATE orders SET name = {name} WHERE id = {some}")
                    else:
                        connection.execute(f"DELETE FROM orders WHERE id = {some}")
                connection.rollback() if own.random() < 0.2 else connection.commit()
    except psycopg.Error as error:
        failures.append(error)


def test_kills_in_the_middle_take_each_change_once(project, url):
    seed = int(os.environ.get("CATCHWATER_DRILL_SEEDS", "0")) or 1
    choose = random.Random(seed)
    # What PostgreSQL itself counted, by a trigger, in the same transactions.
    execute(url, CREATE, "CREATE SEQUENCE ids", "CREATE TABLE log (op text, id bigint, name text)",
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF TG_OP = 'DELETE' THEN INSERT INTO log VALUES ('delete', OLD.id); "
            "ELSE INSERT INTO log VALUES (lower(TG_OP), NEW.id, NEW.name); END IF; RETURN NULL; END $$",
            "CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON orders "
            "FOR EACH ROW EXECUTE FUNCTION note()")
    use(project, "block_bytes: 16KiB")
    project.run()
    execute(url, "INSERT INTO orders (id, name) SELECT 3000000 + n, 'n' || n FROM generate_series(1, 20000) n")
    stop, failures = threading.Event(), []
    writers = [threading.Thread(target=write_at_random, args=(url, seed * 3 + i, stop, failures)) for i in range(3)]
    for writer in writers:
        writer.start()
    for _ in range(20 if "CATCHWATER_DRILL_SEEDS" in os.environ else 5):
        process = start(project)
        time.sleep(choose.uniform(0.1, 1.2))
        kill(process)
    stop.set()
    for writer in writers:
        writer.join()
    assert failures == []
    project.run()
    wanted = ask(url, "SELECT op, id, name FROM log ORDER BY op, id, name")
    found = values(project, "SELECT op, id, name FROM shop.orders ORDER BY op, id, name")
    assert sorted(map(str, found)) == sorted(map(str, wanted)), f"seed {seed}"
    assert values(project, NEWEST) == ask(url, "SELECT id, name FROM orders ORDER BY id"), f"seed {seed}"
    assert project.verify()["violations"] == []


@pytest.mark.parametrize("kill_count", [0, 5])
def test_what_was_there_and_what_changes_meanwhile_equal_the_table(project, url, kill_count):
    seed = 7 + kill_count
    choose = random.Random(seed)
    execute(url, CREATE, "CREATE SEQUENCE ids",
            "INSERT INTO orders (id, name) SELECT n, E'n\\t\\\\' || n FROM generate_series(1000001, 1040000) n")
    use(project, "block_bytes: 64KiB")
    stop, failures = threading.Event(), []
    writers = [threading.Thread(target=write_at_random, args=(url, seed * 3 + i, stop, failures)) for i in range(3)]
    for writer in writers:
        writer.start()
    for _ in range(kill_count):
        process = start(project)
        time.sleep(choose.uniform(0.05, 0.6))
        kill(process)
    project.run()
    stop.set()
    for writer in writers:
        writer.join()
    assert failures == []
    project.run()
    assert values(project, NEWEST) == ask(url, "SELECT id, name FROM orders ORDER BY id"), f"seed {seed}"
    ((rows, keys, snapshots),) = values(
        project, "SELECT count(*), count(DISTINCT id), count(DISTINCT lsn) FROM shop.orders WHERE op = 'snapshot'"
    )
    assert rows == keys >= 39000 and snapshots == 1
    twice = "SELECT count(*) FROM (SELECT lsn, seq FROM shop.orders WHERE op <> 'snapshot' GROUP BY ALL HAVING count(*) > 1)"
    assert project.value(twice) == 0
    # A row that is inserted comes once: in the snapshot or as a change.
    assert project.value("SELECT count(*) - count(DISTINCT id) FROM shop.orders WHERE op IN ('snapshot', 'insert')") == 0
    assert list((project.data / "replication").glob("orders/*")) == [], "the snapshot's files are gone"
    assert project.verify()["violations"] == []


def test_a_slot_that_is_gone_is_told_or_the_table_taken_anew(project, url):
    execute(url, CREATE, "INSERT INTO orders (name) VALUES ('a'), ('b')")
    use(project)
    project.run()
    execute(url, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()",
            "INSERT INTO orders (name) VALUES ('c')", "DELETE FROM orders WHERE id = 1")
    refused_run = project.call("run", ".", "--until-idle", expect=None)
    assert refused_run.returncode != 0
    for part in ("lost", "it is gone", "`on_lost: resnapshot`", "catchwater_orders_"):
        assert part in refused_run.stderr, refused_run.stderr
    use(project, "on_lost: resnapshot")
    project.run()
    assert values(project, NEWEST) == [[2, "b"], [3, "c"]]
    ops = "SELECT op, count(*) FROM shop.orders GROUP BY op ORDER BY op"
    assert values(project, ops) == [["snapshot", 4], ["truncate", 1]]
    execute(url, "INSERT INTO orders (name) VALUES ('d')")
    project.run()
    assert values(project, NEWEST) == [[2, "b"], [3, "c"], [4, "d"]]


def test_log_that_the_server_removed_is_told(project, monkeypatch):
    server = Postgres(settings={"max_slot_wal_keep_size": "1MB", "min_wal_size": "32MB", "max_wal_size": "32MB"})
    try:
        monkeypatch.setenv("PG_URL", server.url())
        execute(server.url(), CREATE)
        use(project)
        project.run()
        execute(server.url(), "CREATE TABLE other AS SELECT repeat('x', 1000) FROM generate_series(1, 1000)")

        def is_lost() -> bool:
            execute(server.url(), "INSERT INTO other SELECT repeat('x', 1000) FROM generate_series(1, 10000)",
                    "SELECT pg_switch_wal()", "CHECKPOINT")
            return ask(server.url(), "SELECT wal_status FROM pg_replication_slots") == [["lost"]]

        wait_for(is_lost, "the slot is not lost")
        told = project.call("run", ".", "--until-idle", expect=None)
        assert told.returncode != 0 and "max_slot_wal_keep_size" in told.stderr, told.stderr
    finally:
        server.close()


def test_a_slot_and_a_publication_that_are_there_are_used(project, url):
    execute(url, CREATE, "INSERT INTO orders (name) VALUES ('before')", "CREATE PUBLICATION mine FOR TABLE orders",
            "SELECT pg_create_logical_replication_slot('slot_' || current_database(), 'pgoutput')",
            "INSERT INTO orders (name) VALUES ('after')")
    slot, = ask(url, "SELECT slot_name FROM pg_replication_slots WHERE database = current_database()")
    use(project, f"slot: {slot[0]}, publication: mine")
    refused_run = project.call("run", ".", "--until-idle", expect=None)
    assert refused_run.returncode != 0 and "`snapshot: false`" in refused_run.stderr
    use(project, f"slot: {slot[0]}, publication: mine, snapshot: false")
    project.run()
    assert values(project, "SELECT op, name FROM shop.orders") == [["insert", "after"]]
    # Somebody else reads it: what he took is missing here.
    execute(url, "INSERT INTO orders (name) VALUES ('taken')",
            f"SELECT pg_replication_slot_advance('{slot[0]}', pg_current_wal_lsn())")
    told = project.call("run", ".", "--until-idle", expect=None)
    assert told.returncode != 0 and "somebody else moved it" in told.stderr, told.stderr


def test_a_table_of_partitions_and_changed_columns(project, url):
    execute(url, "CREATE DOMAIN money2 AS numeric(12,3)",
            "CREATE TABLE orders (id bigint PRIMARY KEY, name text, amount money2) PARTITION BY RANGE (id)",
            "CREATE TABLE low PARTITION OF orders FOR VALUES FROM (0) TO (100)",
            "CREATE TABLE high PARTITION OF orders FOR VALUES FROM (100) TO (200)",
            "INSERT INTO orders VALUES (1, 'a', 1.5), (150, 'b', NULL)")
    use(project)
    project.run()
    execute(url, "UPDATE orders SET id = 151 WHERE id = 1", "ALTER TABLE orders ADD ok bool",
            "UPDATE orders SET ok = true WHERE id = 150", "ALTER TABLE orders DROP COLUMN name",
            "INSERT INTO orders VALUES (2, 2.5, false)")
    project.run()
    found = values(project, "SELECT op, id, name, amount::VARCHAR, ok FROM shop.orders ORDER BY lsn, seq, id")
    assert found == [
        ["snapshot", 1, "a", "1.500", None],
        ["snapshot", 150, "b", None, None],
        ["delete", 1, None, None, None],
        ["insert", 151, "a", "1.500", None],
        ["update", 150, "b", None, True],
        ["insert", 2, None, "2.500", False],
    ]


def test_changed_columns_stop_if_asked(project, url):
    execute(url, CREATE, "INSERT INTO orders (name) VALUES ('a')")
    use(project, "on_columns: fail")
    project.run()
    execute(url, "INSERT INTO orders (name) VALUES ('b')")
    project.run()
    execute(url, "INSERT INTO orders (name) VALUES ('c')", "ALTER TABLE orders ADD note text",
            "INSERT INTO orders (name) VALUES ('d')")
    told = project.call("run", ".", "--until-idle", expect=None)
    assert told.returncode != 0 and "id, name, amount, ok, made, note" in told.stderr, told.stderr
    use(project, "on_columns: follow")
    project.run()
    use(project, "on_columns: fail")
    project.run()
    assert values(project, NEWEST) == [[1, "a"], [2, "b"], [3, "c"], [4, "d"]]


def test_a_table_that_is_made_anew_is_read_anew(project, url):
    execute(url, CREATE, "INSERT INTO orders (name) VALUES ('a'), ('b')")
    use(project)
    project.run()
    execute(url, "DROP TABLE orders", CREATE, "INSERT INTO orders (name) VALUES ('c')")
    told = project.call("run", ".", "--until-idle", expect=None)
    assert told.returncode != 0 and "ALTER PUBLICATION" in told.stderr, told.stderr
    execute(url, 'ALTER PUBLICATION "catchwater_orders" ADD TABLE orders')
    project.run()
    assert values(project, NEWEST) == [[1, "c"]]
    assert ask(url, "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()") == [[1]]


def test_a_table_that_falls_silent_is_told(project, url):
    execute(url, CREATE)
    use(project)
    project.run()
    with open(project.folder / "log", "w", encoding="utf-8") as log:
        process = subprocess.Popen([PROGRAM, "run", "."], cwd=project.folder, stderr=log)
    try:
        execute(url, 'ALTER PUBLICATION "catchwater_orders" DROP TABLE orders')
        wait_for(lambda: process.poll() is not None, "nobody notices")
        assert process.returncode != 0 and "ADD TABLE" in (project.folder / "log").read_text()
    finally:
        kill(process)


def test_a_large_transaction_comes_in_pieces(project, url):
    execute(url, CREATE)
    use(project, "block_bytes: 16KiB")
    project.run()
    execute(url, "INSERT INTO orders (name) SELECT repeat('x', 100) FROM generate_series(1, 60000)")
    process = start(project)
    try:
        def count() -> int:
            done = project.call("query", "SELECT count(*) AS n FROM shop.orders", "--format", "json", expect=None)
            return json.loads(done.stdout)["n"] if done.returncode == 0 else 0

        wait_for(lambda: count() > 0, "nothing comes before the end of the transaction")
    finally:
        kill(process)
    project.run()
    assert values(project, "SELECT count(*), count(DISTINCT id) FROM shop.orders") == [[60000, 60000]]


def test_values_that_are_stored_apart_are_known_or_named(project, url):
    # Random text does not compress: it is stored apart.
    big = "(SELECT string_agg(md5(n::text), '') FROM generate_series(1, 400) n)"
    execute(url, CREATE, "ALTER TABLE orders ADD note text")
    use(project)
    project.run()
    execute(url, f"INSERT INTO orders (name) VALUES ({big})", "UPDATE orders SET note = 'x'",
            "ALTER TABLE orders REPLICA IDENTITY FULL", "UPDATE orders SET note = 'y'")
    project.run()
    found = values(project, "SELECT op, length(name), unchanged FROM shop.orders ORDER BY lsn")
    assert found == [["insert", 12800, None], ["update", None, '["name"]'], ["update", 12800, None]]


def refused(project: Project) -> str:
    done = project.call("validate", "--connect", expect=None)
    assert done.returncode != 0, done.stdout + done.stderr
    return done.stdout + done.stderr


MISTAKES = {
    "table": ("table: nothing", ["`table`", "nothing"]),
    "columns": ("columns: [id, nam]", ["`columns`", "nam,"]),
    "key": ("key: [ident]", ["`key`", "ident"]),
    "no identity": ("table: bare", ["primary key", 'run: ALTER TABLE "bare" REPLICA IDENTITY FULL']),
    "a view": ("table: seen", ["`table`", "view"]),
    "names": ("table: taken", ["`prefix`", "op"]),
    "publication": ("publication: other", ["run as its owner: ALTER PUBLICATION", "ADD TABLE"]),
    "publishes less": ("publication: less", ["ALTER PUBLICATION", "publish = 'insert"]),
    "partitions": ("table: parts, publication: leaves", ["publish_via_partition_root = true"]),
    "polling": ("column: id", ["`column`", "`mode: poll`"]),
    "slot": ("slot: My-slot", ["`slot`", "My-slot"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_before_anything_runs(project, url, mistake):
    option, said = MISTAKES[mistake]
    execute(url, CREATE, "CREATE VIEW seen AS SELECT * FROM orders", "CREATE TABLE bare (id bigint)",
            "CREATE TABLE taken (id bigint PRIMARY KEY, op text)",
            "CREATE PUBLICATION other FOR TABLE taken",
            "CREATE PUBLICATION less FOR TABLE orders WITH (publish = 'insert')",
            "CREATE TABLE parts (id bigint PRIMARY KEY) PARTITION BY RANGE (id)",
            "CREATE PUBLICATION leaves FOR TABLE parts")
    use(project, option)
    if option.startswith("table: "):
        file = project.folder / "pipelines/orders.yaml"
        file.write_text(file.read_text().replace("table: orders, mode", "mode"))
    text = refused(project)
    for part in said:
        assert part in text, text
    assert ask(url, "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()") == [[0]]


def test_rights_and_settings_are_told(project, url, server, monkeypatch):
    execute(url, CREATE, "DROP ROLE IF EXISTS follower", "CREATE ROLE follower LOGIN",
            "GRANT SELECT ON orders TO follower")
    use(project)
    monkeypatch.setenv("PG_URL", server.url("follower", database=url.rsplit("/", 1)[1].split("?")[0]))
    assert "ALTER ROLE <user> REPLICATION" in refused(project)
    execute(url, "ALTER ROLE follower REPLICATION")
    assert 'run as the owner: CREATE PUBLICATION "catchwater_orders" FOR TABLE "orders"' in refused(project)
    execute(url, 'CREATE PUBLICATION "catchwater_orders" FOR TABLE orders')
    project.call("validate", "--connect")
    project.run()
    execute(url, "INSERT INTO orders (name) VALUES ('a')")
    project.run()
    assert project.value("SELECT count(*) FROM shop.orders") == 1


def test_a_server_without_the_log_is_told(project, monkeypatch):
    server = Postgres(settings={"wal_level": "replica"})
    try:
        monkeypatch.setenv("PG_URL", server.url())
        execute(server.url(), CREATE)
        use(project)
        text = refused(project)
        assert "wal_level = logical" in text and "restart" in text and "replica" in text
    finally:
        server.close()


def test_a_server_that_restarts_is_found_again(project, url, server):
    execute(url, CREATE)
    use(project)
    project.run()
    process = start(project)
    try:
        def count() -> int:
            done = project.call("query", "SELECT count(*) AS n FROM shop.orders", "--format", "json", expect=None)
            return json.loads(done.stdout)["n"] if done.returncode == 0 else 0

        execute(url, "INSERT INTO orders (name) VALUES ('a')")
        wait_for(lambda: count() == 1, "the first row is missing")
        server.kill()
        server.start()
        execute(url, "INSERT INTO orders (name) VALUES ('b')")
        wait_for(lambda: count() == 2, "the second row is missing")
    finally:
        kill(process)
