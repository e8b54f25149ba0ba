"""A table of PostgreSQL that follows another one: judged by psycopg, on a real server.

Small by default; `make drill` (DRILL) does the kills whole.
"""

import random
import sqlite3

import pytest

from conftest import Project
from postgres import Postgres, execute, rows
from test_source_kills import COUNT, Transactions, restart, through_kills

PIPELINE = """
pipeline: orders
source:
  postgres: { url: "${PG_URL}", table: orders, mode: replicate OPTIONS }
codec: json
columns:
  id:      { type: int64, entity: true }
  name:    string
  doc:     string
  amount:  { type: decimal, precision: 12, scale: 3 }
  made:    timestamp
  op:      string
  lsn:     int64
  seq:     int64
  commit_time: { type: timestamp, event_time: true }
  unchanged:   string
lake:
  table: shop.orders
  flush: { every: 50ms }
  partition: ["bucket(3, id)"]  # A commit is several files.
  compact: { min_files: 2, max_age: 1s }
sinks:
  - postgres: { url: "${PG_URL}", table: mirror, key: [id], changes: op, every: 50ms SINK }
"""
CREATE = (
    "CREATE TABLE orders (id bigint PRIMARY KEY, name text, doc text, amount numeric(12,3), "
    "made timestamptz DEFAULT '2026-01-02T03:04:05.123456Z')"
)
COLUMNS = ["id", "name", "doc", "amount", "made"]


def long_text(start: str) -> str:
    """SQL of a text that does not compress: it is stored apart, and updates of others leave it out."""
    return f"(SELECT string_agg(md5({start}::text || i), '') FROM generate_series(1, 200) i)"


@pytest.fixture(scope="module")
def server():
    server = Postgres()
    yield server
    server.close()


@pytest.fixture
def url(server, monkeypatch):
    yield from server.database_of_test(monkeypatch)


def both(url: str, table: str = "mirror") -> tuple[list, list]:
    columns = ", ".join(COLUMNS)
    return tuple(rows(url, f"SELECT {columns} FROM {name} ORDER BY id") for name in (table, "orders"))


def use(project: Project, options: str = "", sink: str = "") -> Project:
    text = PIPELINE.replace("OPTIONS", options and f", {options}").replace("SINK", sink and f", {sink}")
    return project.pipeline("orders", text)


def check(project: Project, url: str) -> None:
    project.run()
    found, wanted = both(url)
    assert found == wanted


@pytest.mark.parametrize("load", ["auto", "insert"])
def test_the_target_is_what_the_table_is(project, url, load):
    execute(url, CREATE,
            "INSERT INTO orders (id, name) SELECT n, 'n' || n FROM generate_series(1, 500) n")
    use(project, sink=f"load: {load}")
    check(project, url)
    columns = rows(url, "SELECT column_name::text FROM information_schema.columns "
                        "WHERE table_name = 'mirror' ORDER BY ordinal_position")
    assert [name for (name,) in columns] == COLUMNS
    execute(url, "INSERT INTO orders (id, name, amount) VALUES (1001, 'é \"x\" \\ \n', 1.5)",
            "INSERT INTO orders (id) VALUES (1002)",
            "UPDATE orders SET name = 'changed' WHERE id % 7 = 0",
            "DELETE FROM orders WHERE id % 5 = 0")
    check(project, url)
    assert len(both(url)[0]) == 402
    execute(url, "TRUNCATE orders")
    check(project, url)
    assert both(url)[0] == []
    execute(url, "INSERT INTO orders (id, name) VALUES (1, 'again')")
    check(project, url)
    assert project.verify()["violations"] == []


def test_with_a_prefix_and_columns_of_the_change(project, url):
    """The replicated table has a column `op`; the target has when and where a row changed last."""
    execute(url, CREATE, "ALTER TABLE orders ADD op text",
            "INSERT INTO orders (id, op) VALUES (1, 'a'), (2, 'b')")
    columns = "[id, op, change_commit_time, change_lsn, change_op]"
    text = PIPELINE.replace("OPTIONS", ", prefix: change_").replace("SINK", f", columns: {columns}")
    text = text.replace("changes: op", "changes: change_op")
    for name in ("op", "lsn", "seq", "commit_time", "unchanged"):
        text = text.replace(f"  {name}:", f"  change_{name}:")
    project.pipeline("orders", text.replace("  name:    string\n", "  op:      string\n"))
    project.run()
    execute(url, "UPDATE orders SET op = 'c' WHERE id = 2")
    project.run()
    found = rows(url, "SELECT id, op, change_op FROM mirror ORDER BY id")
    assert found == [(1, "a", "snapshot"), (2, "c", "update")]
    places = rows(url, "SELECT change_lsn, change_commit_time FROM mirror ORDER BY id")
    assert places[0][0] < places[1][0] and places[0][1] < places[1][1]


def test_many_changes_of_a_row_in_one_batch(project, url):
    execute(url, CREATE, "INSERT INTO orders (id, name) VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    use(project)
    check(project, url)
    execute(url,
            # The same key again and again, in one transaction and in several.
            "DO $$ BEGIN FOR n IN 1..100 LOOP UPDATE orders SET name = 'u' || n WHERE id = 1; "
            "END LOOP; END $$",
            "DELETE FROM orders WHERE id = 1", "INSERT INTO orders (id, name) VALUES (1, 'anew')",
            "INSERT INTO orders (id, name) VALUES (4, 'd')", "DELETE FROM orders WHERE id = 4",
            # Keys that change, one into another's place.
            "UPDATE orders SET id = 9 WHERE id = 2", "UPDATE orders SET id = 2 WHERE id = 3",
            "UPDATE orders SET id = 3, name = 'from 9' WHERE id = 9")
    check(project, url)
    assert [row[:2] for row in both(url)[0]] == [(1, "anew"), (2, "c"), (3, "from 9")]
    execute(url, "INSERT INTO orders (id, name) VALUES (5, 'e')", "TRUNCATE orders",
            "INSERT INTO orders (id, name) VALUES (5, 'f'), (6, 'g')", "DELETE FROM orders WHERE id = 6",
            "TRUNCATE orders", "INSERT INTO orders (id, name) VALUES (7, 'h')")
    check(project, url)
    assert [row[:2] for row in both(url)[0]] == [(7, "h")]


def test_long_values_that_an_update_leaves_out_are_kept(project, url):
    execute(url, CREATE, f"INSERT INTO orders (id, name, doc) SELECT n, 'a', {long_text('n')} "
                         "FROM generate_series(1, 20) n")
    use(project)
    check(project, url)
    # The row before is in the target.
    execute(url, "UPDATE orders SET name = 'b' WHERE id = 1")
    check(project, url)
    # It is in the batch: of the same key, or under a key that changes twice, into one that was there.
    execute(url, f"UPDATE orders SET doc = {long_text('100')} WHERE id = 2",
            "UPDATE orders SET name = 'c' WHERE id = 2",
            f"INSERT INTO orders (id, doc) VALUES (30, {long_text('30')})",
            "UPDATE orders SET name = 'c' WHERE id = 30",
            "UPDATE orders SET name = 'd', doc = NULL WHERE id = 3",
            "UPDATE orders SET name = 'e' WHERE id = 3",
            "DELETE FROM orders WHERE id = 4",
            f"INSERT INTO orders (id, doc) VALUES (4, {long_text('104')})",
            "UPDATE orders SET name = 'f' WHERE id = 4",
            "UPDATE orders SET id = 40 WHERE id = 5",
            "UPDATE orders SET id = 41, name = 'g' WHERE id = 40",
            "UPDATE orders SET name = 'h' WHERE id = 41",
            "DELETE FROM orders WHERE id = 6", "UPDATE orders SET id = 6 WHERE id = 7",
            "UPDATE orders SET id = id + 100 WHERE id BETWEEN 8 AND 12",
            "UPDATE orders SET name = 'i' WHERE id > 15")
    project.run()
    gaps = project.value("SELECT count(*) FROM shop.orders WHERE unchanged = '[\"doc\"]'")
    assert gaps >= 18, "the log has the values: nothing is tested"
    found, wanted = both(url)
    assert found == wanted and len(found) == 20


def test_long_values_of_columns_that_are_not_delivered_do_not_matter(project, url):
    execute(url, CREATE)
    use(project, "snapshot: false", "columns: [id, name]")
    project.run()
    execute(url, f"INSERT INTO orders (id, doc) VALUES (1, {long_text('1')})",
            "UPDATE orders SET name = 'a'")
    project.run()
    assert rows(url, "SELECT * FROM mirror") == [(1, "a")]


def test_a_row_whose_long_value_nobody_has_is_told(project, url):
    execute(url, CREATE, f"INSERT INTO orders (id, doc) VALUES (1, {long_text('1')})")
    use(project, "snapshot: false")
    project.run()
    execute(url, "UPDATE orders SET name = 'a'")
    done = project.call("run", ".", "--until-idle", expect=None)
    assert done.returncode != 0
    for word in ("`unchanged`", "REPLICA IDENTITY FULL", '["doc"]'):
        assert word in done.stderr, done.stderr
    execute(url, "INSERT INTO mirror SELECT * FROM orders")
    check(project, url)


@pytest.mark.parametrize("identity, key, options", [
    ("FULL", "id", ""), ("FULL", "name", "key: [name]"), ("USING INDEX orders_name", "name", "")])
def test_other_replica_identities(project, url, identity, key, options):
    execute(url, CREATE, "ALTER TABLE orders ALTER name SET NOT NULL",
            "CREATE UNIQUE INDEX orders_name ON orders (name)",
            f"ALTER TABLE orders REPLICA IDENTITY {identity}",
            *(["ALTER TABLE orders DROP CONSTRAINT orders_pkey"] if options else []),
            f"INSERT INTO orders (id, name, doc) SELECT n, 'n' || n, {long_text('n')} "
            "FROM generate_series(1, 9) n")
    text = (use(project, options).folder / "pipelines/orders.yaml").read_text()
    project.pipeline("orders", text.replace("key: [id]", f"key: [{key}]"))
    check(project, url)
    execute(url, "UPDATE orders SET id = id + 100 WHERE id < 4",
            "UPDATE orders SET name = name || 'x' WHERE id > 7",
            "DELETE FROM orders WHERE id IN (4, 101)",
            "UPDATE orders SET amount = 1.25 WHERE id IN (5, 102)")
    check(project, url)


def test_a_table_that_is_taken_anew_leaves_nothing_of_before(project, url):
    execute(url, CREATE, "INSERT INTO orders (id, name) VALUES (1, 'a'), (2, 'b')")
    use(project, "on_lost: resnapshot")
    check(project, url)
    execute(url, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
                 "WHERE database = current_database()",
            "DELETE FROM orders WHERE id = 1", "INSERT INTO orders (id, name) VALUES (3, 'c')")
    check(project, url)
    assert [row[0] for row in both(url)[0]] == [2, 3]


def test_a_target_that_lost_its_mark_is_made_anew(project, url):
    execute(url, CREATE, "INSERT INTO orders (id, name) VALUES (1, 'a'), (2, 'b')")
    use(project)
    check(project, url)
    execute(url, "DELETE FROM orders WHERE id = 1", f"UPDATE orders SET doc = {long_text('2')}",
            "UPDATE orders SET id = 3")
    check(project, url)
    execute(url, "DELETE FROM catchwater_delivery")
    done = project.call("run", ".", "--until-idle", expect=None)
    assert done.returncode != 0 and 'run: TRUNCATE "mirror"' in done.stderr, done.stderr
    execute(url, "TRUNCATE mirror")
    check(project, url)
    # Its mark is one of another data folder: what it has came through a sink, and goes.
    execute(url, "UPDATE catchwater_delivery SET file = 'file:///elsewhere.parquet'",
            "INSERT INTO mirror (id) VALUES (77)")
    check(project, url)


def test_a_sink_that_comes_late_gets_the_history(project, url):
    """From files that were merged, in which changes lie in no order."""
    execute(url, CREATE, f"INSERT INTO orders (id, name, doc) SELECT n, 'a', {long_text('n')} "
                         "FROM generate_series(1, 50) n")
    use(project)
    file = project.folder / "pipelines/orders.yaml"
    text = file.read_text()
    file.write_text(text[:text.index("sinks:")])
    project.run()
    chance = random.Random(5)
    for _ in range(12):
        low = chance.randrange(1, 40)
        execute(url, f"UPDATE orders SET name = 'u{low}' WHERE id BETWEEN {low} AND {low + 20}",
                f"UPDATE orders SET id = id + 1000 WHERE id = {low}",
                f"UPDATE orders SET id = {low} WHERE id = (SELECT max(id) FROM orders)",
                f"DELETE FROM orders WHERE id = {low + 3}",
                f"INSERT INTO orders (id, name) VALUES ({low + 3}, 'anew')")
        project.run()
    assert project.value("SELECT count(*) FROM shop.orders WHERE op = 'delete' AND seq % 2 = 1") >= 12
    with sqlite3.connect(f"file:{project.data}/ledger.sqlite?mode=ro", uri=True) as ledger:
        merged = ledger.execute("SELECT count(*) FROM data_file WHERE added_by = 'replace'").fetchone()
    assert merged[0] > 0
    file.write_text(text)
    check(project, url)
    execute(url, "UPDATE orders SET name = 'last' WHERE id < 9")
    check(project, url)
    assert "last" in [row[1] for row in both(url)[0]]


MISTAKES = {
    "no key": ("key: [id], changes: op", "changes: op", "`changes` needs `key`"),
    "name": ("changes: op", "changes: kind", "`changes` must name"),
    "hypertable": ("changes: op", "changes: op, hypertable: id", "`hypertable`"),
    "no such column": ("changes: op", "changes: change_op", "change_op: string"),
    "type": ("  lsn:     int64", "  lsn:     string", "must be int64"),
    "unchanged": ("  unchanged:   string\n", "", "unchanged: string"),
    "key column": ("key: [id]", "key: [number]", "`key`"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_with_their_place(project, url, mistake):
    before, after, words = MISTAKES[mistake]
    execute(url, CREATE)
    use(project)
    file = project.folder / "pipelines/orders.yaml"
    assert before in file.read_text()
    file.write_text(file.read_text().replace(before, after))
    done = project.call("validate", "--connect", ".", expect=None)
    assert done.returncode != 0 and words in done.stderr, done.stdout + done.stderr
    assert "pipelines/orders.yaml:" in done.stderr and "postgres: {" in done.stderr, done.stderr


AT = '"lsn": 1, "seq": 1, "commit_time": "2026-01-02T03:04:05Z"'


@pytest.mark.parametrize("row, words", [
    (f'{{"id": 1, "op": "upsert", {AT}}}', "upsert"),
    ('{"id": 1, "op": "insert", "seq": 1, "commit_time": "2026-01-02T03:04:05Z"}', "no place"),
    (f'{{"op": "delete", {AT}}}', "replica identity"),
])
def test_rows_that_are_no_changes_are_told(project, url, row, words):
    project.pipeline("orders", PIPELINE.replace(
        'postgres: { url: "${PG_URL}", table: orders, mode: replicate OPTIONS }',
        "file: { path: in/*.json }",
    ).replace("SINK", ""))
    (project.folder / "in").mkdir()
    (project.folder / "in/a.json").write_text(row + "\n")
    done = project.call("run", ".", "--until-idle", expect=None)
    assert done.returncode != 0 and words in done.stderr, done.stderr
    assert rows(url, "SELECT count(*) FROM mirror") == [(0,)]


# --- Kills, and a server that restarts ------------------------------------------------------------


class RandomChanges(Transactions):
    """Transactions of all kinds of changes that overlap; all in the tables of one server."""

    def __init__(self, server: Postgres, count: int) -> None:
        super().__init__(server, self.changes, count)

    def changes(self, chance: random.Random, writer: int, number: int):
        own = f"id % 3 = {writer}"
        for _ in range(chance.randrange(1, 5)):
            kind = chance.random()
            low = chance.randrange(0, 3000)
            where = f"WHERE {own} AND id % 3000 BETWEEN {low} AND {low + number}"
            if kind < 0.4:
                yield (f"INSERT INTO orders (id, name, doc) SELECT nextval('ids') * 3 + {writer}, "
                       f"'i' || n, CASE WHEN n % 5 = 0 THEN {long_text('n')} END "
                       f"FROM generate_series(1, {number}) n")
            elif kind < 0.6:
                yield f"UPDATE orders SET name = 'u{chance.randrange(10**6)}' {where}"
            elif kind < 0.7:
                yield (f"UPDATE orders SET doc = {long_text('id')}, "
                       f"amount = {chance.randrange(1000)} / 8.0 {where}")
            elif kind < 0.8:
                yield f"UPDATE orders SET id = nextval('ids') * 3 + {writer} {where}"
            elif kind < 0.99:
                yield f"DELETE FROM orders {where}"
            else:
                yield "TRUNCATE orders"


def test_the_target_is_what_the_table_is_through_kills(project, monkeypatch):
    server = Postgres(fsync=True)
    monkeypatch.setenv("PG_URL", server.url())
    try:
        execute(server.url(), CREATE, "CREATE SEQUENCE ids START 100000",
                "INSERT INTO orders (id, name) SELECT n, 's' || n "
                f"FROM generate_series(1, {COUNT // 10}) n")
        use(project, "block_bytes: 64KiB", "batch: 1MiB")
        through_kills(project, RandomChanges(server, COUNT // 2), lambda: restart(server))
        found, wanted = both(server.url())
        ((changes, kinds, gaps),) = [tuple(row.values()) for row in project.query(
            "SELECT count(*), count(DISTINCT op), count(unchanged) FROM shop.orders")]
        print(f"mirror: {changes} changes, {gaps} with values left out, {len(wanted)} rows at the end")
        assert kinds >= 4 and gaps > 0
        assert found == wanted
        assert project.verify()["violations"] == []
    finally:
        server.close()
