"""Independent readers judge our tables: pyiceberg and Spark on the ledger file, DuckDB on the
metadata. The life of a table is told once: loaded, changed, merged, retired, expired, then written
to by others; at each stage all three answer the same questions.
"""

import datetime
import json
import pathlib

import pytest
from lake_judges import PyIceberg, Spark, all_say, catalog_of, readers, spark  # noqa: F401

PIPELINE = """
pipeline: readings
source:
  file: {{ path: "drop/*.csv" }}
codec: csv
columns:
  id:    {{ type: {id_type} }}
  ts:    {{ type: timestamp, event_time: true }}
  name:  {{ type: string, entity: true }}
  value: {{ type: float64 }}
{more}
lake:
  table: town.readings
  partition: {partition}
  compact: {compact}
  {retain}
"""

TABLE = "town.readings"
DAY = datetime.timedelta(days=1)
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def rows(first: int, last: int) -> list[tuple]:
    """Ten rows a day; every seventh has no name and no value."""
    result = []
    for i in range(first, last):
        name, value = (f"sensor-{i % 5}", i / 8) if i % 7 else ("", "")
        result.append((i, START + DAY * (i // 10) + datetime.timedelta(microseconds=i), name, value))
    return result


def drop(project, file: str, lines: list[tuple], header="id,ts,name,value") -> None:
    folder = project.folder / "drop"
    folder.mkdir(exist_ok=True)
    text = "\n".join(",".join(map(str, line)) for line in lines)
    (folder / file).write_text(f"{header}\n{text}\n", encoding="utf-8")


def expected(lines: list[tuple]) -> tuple:
    values = [line[3] for line in lines if line[3] != ""]
    names = {line[2] for line in lines if line[2] != ""}
    times = [(line[1] - EPOCH) // datetime.timedelta(microseconds=1) for line in lines]
    ids = [line[0] for line in lines]
    return len(lines), sum(ids), len(values), sum(values), len(names), min(times), max(times)


@pytest.fixture
def take(project):
    """Runs the pipeline over what is dropped and gives the table's snapshot."""

    def run(id_type="int32", partition="day(ts)", more="", merges=False, retain="", ahead=""):
        terms = json.dumps([term for term in partition.split("; ") if term])
        project.pipeline(
            "readings",
            PIPELINE.format(
                id_type=id_type,
                partition=terms,
                more=more,
                compact="{ min_files: 2 }" if merges else "{ enabled: false }",
                retain=f"retain: {retain}" if retain else "",
            ),
        )
        project.run(env={"CATCHWATER_CLOCK_AHEAD": ahead})
        return catalog_of(project).load_table(TABLE).current_snapshot()

    return run


@pytest.mark.parametrize(
    "partition",
    ["day(ts)", "hour(ts)", "month(ts)", "year(ts)", "bucket(3, id)", "truncate(7, name)", "name",
     "day(ts); bucket(2, name)", "truncate(10, id)", ""],
)
def test_all_read_what_went_in_whatever_the_partitioning(project, take, readers, partition):
    lines = rows(0, 200)
    drop(project, "a.csv", lines)
    take(partition=partition)
    assert readers.ask(lambda reader: reader.facts(TABLE)) == all_say(expected(lines))
    some = [line for line in lines if line[3] != "" and line[0] >= 150]
    where = "id >= 150 AND value IS NOT NULL"
    assert readers.ask(lambda reader: reader.facts(TABLE, where)) == all_say(expected(some))
    one = [line for line in lines if line[2] == "sensor-3"]
    where = "name = 'sensor-3'"
    assert readers.ask(lambda reader: reader.facts(TABLE, where)) == all_say(expected(one))
    late = [line for line in lines if line[1] >= START + 15 * DAY]
    where = "ts >= @2026-01-16@"
    assert readers.ask(lambda reader: reader.facts(TABLE, where)) == all_say(expected(late))


class Life:
    """A table as it grows old, and what must be in it."""

    def __init__(self, project, take, readers) -> None:
        self.project, self.take, self.readers = project, take, readers
        self.more = {}
        self.lines: list[tuple] = []
        self.snapshots: list[tuple] = []  # (snapshot, its rows)

    def step(self, lines=(), header="id,ts,name,value", keep=lambda line: True, **how):
        if lines:
            name = f"{len(self.snapshots)}.csv"
            with_room = [(*line, "hall") for line in lines] if "room" in header else lines
            drop(self.project, name, with_room, header)
        self.more.update(how)
        snapshot = self.take(**self.more)
        self.lines = [line for line in [*self.lines, *lines] if keep(line)]
        self.snapshots.append((snapshot, self.lines))
        assert self.project.verify()["violations"] == []
        assert self.ask(lambda reader: reader.facts(TABLE)) == all_say(expected(self.lines))
        return snapshot

    def ask(self, question):
        return self.readers.ask(question)

    def looks_back(self, stages) -> None:
        """Time travel by snapshot and by time, in each reader and in ours."""
        for snapshot, lines in stages:
            want = expected(lines)
            told = self.ask(lambda reader: reader.facts(TABLE, snapshot=snapshot.snapshot_id))
            assert told == all_say(want)
            told = self.ask(lambda reader: reader.facts_at(TABLE, snapshot.timestamp_ms))
            assert told == all_say(want)
            at = (EPOCH + datetime.timedelta(milliseconds=snapshot.timestamp_ms)).isoformat()
            (ours,) = self.project.query(
                f"SELECT count(*) AS n, sum(id) AS s FROM {TABLE}", "--at", at
            )
            assert (ours["n"], ours["s"]) == want[:2]

    def reads_files(self, where: str, files: int) -> None:
        assert self.ask(lambda reader: reader.files_read(TABLE, where)) == all_say(files)


def test_the_life_of_a_table(project, take, readers):
    life = Life(project, take, readers)

    # Loaded: 20 days, a file each. A reader opens the days and ids that it is asked for.
    drop(project, "bad.csv", [("x", "never", "nobody", "0")] * 3)
    life.step(rows(0, 200))
    life.reads_files("", 20)
    life.reads_files("ts < @2026-01-03@", 2)
    life.reads_files("ts >= @2026-01-05@ AND ts < @2026-01-06@", 1)
    life.reads_files("id = 57", 1)  # Not partitioned by it: by the files' bounds.
    life.reads_files("id >= 1000", 0)

    # Every table: rows are as many as we say, in each reader.
    ours = {t["table"]: t["rows"] for t in json.loads(project.call("tables", "--json").stdout)}
    assert ours == {TABLE: 200, TABLE + "__dead_letters": 3}
    assert PyIceberg(project).tables() == set(ours)
    assert Spark(project, readers.spark).tables() == set(ours)
    for table, count in ours.items():
        assert readers.ask(lambda reader: reader.count(table)) == all_say(count)

    # Changed: a column more, a wider one, other partitions for what comes.
    changed = {"id_type": "int64", "partition": "day(ts); bucket(2, name)", "more": "  room: string"}
    life.step(rows(100, 200), "id,ts,name,value,room", **changed)
    life.step(rows(150, 300), "id,ts,name,value,room")
    life.step(rows(150, 250), "id,ts,name,value,room")
    assert readers.ask(lambda reader: reader.nulls(TABLE, "room")) == all_say(200)
    assert str(catalog_of(project).load_table(TABLE).schema().find_type("id")) == "long"
    life.reads_files("ts >= @2026-01-03@ AND ts < @2026-01-04@", 1)
    life.looks_back(life.snapshots)

    # Merged.
    before = int(life.snapshots[-1][0].summary["total-data-files"])
    snapshot = life.step(merges=True)
    assert snapshot.summary.operation.value == "replace"
    assert int(snapshot.summary["total-data-files"]) < before
    assert readers.ask(lambda reader: reader.nulls(TABLE, "room")) == all_say(200)
    life.reads_files("ts >= @2026-01-03@ AND ts < @2026-01-04@", 1)
    life.looks_back(life.snapshots)

    # Retired: days before the eleventh are older than what is kept.
    now = datetime.datetime.now(datetime.timezone.utc)
    kept = now - (START + 10 * DAY - DAY / 2)
    snapshot = life.step(
        keep=lambda line: line[1] >= START + 10 * DAY, retain=f"{int(kept.total_seconds())}s"
    )
    assert snapshot.summary.operation.value == "delete"
    life.reads_files("ts < @2026-01-11@", 0)
    life.looks_back(life.snapshots)

    # Expired: after hours most snapshots are gone, after the readers' grace their files too.
    manifest_lists = [snapshot.manifest_list for snapshot, _ in life.snapshots]
    life.step(ahead="3h")
    life.step(ahead="4h")
    table = catalog_of(project).load_table(TABLE)
    left = {snapshot.snapshot_id for snapshot in table.snapshots()}
    assert len(left) < len(life.snapshots)
    gone = [path for path in manifest_lists if not pathlib.Path(path.removeprefix("file://")).exists()]
    assert len(gone) >= 2
    on_disk = set((project.data / "lake/town/readings/data").rglob("*.parquet"))
    assert len(on_disk) < before + 20, "what was merged away is unlinked"
    life.looks_back(
        [stage for stage in life.snapshots if stage[0].snapshot_id == table.current_snapshot().snapshot_id][:1]
    )

    # It goes on: what comes later is seen beside what was kept.
    life.step(rows(300, 350), "id,ts,name,value,room", ahead="5h")
    life.reads_files("id >= 300 AND id < 310", 3)  # A day: two buckets of names, and no name.


def test_an_empty_table_reads_as_empty(project, take, readers):
    drop(project, "a.csv", [("x", "never", "nobody", "0")])
    project.pipeline(
        "readings",
        PIPELINE.format(id_type="int64", partition="[]", more="", compact="{}", retain=""),
    ).run()
    assert readers.ask(lambda reader: reader.count(TABLE)) == all_say(0)


def test_totals_are_exact_and_name_the_commit(project, take):
    drop(project, "a.csv", rows(0, 30))
    take()
    table = catalog_of(project).load_table(TABLE)
    summary = table.current_snapshot().summary
    files = table.inspect.files().to_pylist()
    assert summary["total-records"] == str(sum(file["record_count"] for file in files)) == "30"
    assert summary["total-data-files"] == str(len(files))
    assert summary["total-files-size"] == str(sum(file["file_size_in_bytes"] for file in files))
    for file in files:
        path = pathlib.Path(file["file_path"].removeprefix("file://"))
        assert path.stat().st_size == file["file_size_in_bytes"]
    assert summary["catchwater.actor"] == "pipeline/readings"
    assert len(summary["catchwater.commit-id"]) == 36


# --- others write -----------------------------------------------------------------------------


def test_appends_of_others_are_adopted_and_reported_as_foreign(project, take, readers):
    lines = rows(0, 30)
    drop(project, "a.csv", lines)
    take(partition="name")
    table = catalog_of(project).load_table(TABLE)
    table.append(table.scan(row_filter="id < 10").to_arrow())
    Spark(project, readers.spark).sql(
        f"INSERT INTO catchwater.{TABLE} "
        f"SELECT id + 1000, ts, name, value FROM catchwater.{TABLE} WHERE id >= 10"
    )
    shifted = [(line[0] + 1000, *line[1:]) for line in rows(10, 30)]
    lines = lines + rows(0, 10) + shifted
    assert readers.ask(lambda reader: reader.facts(TABLE)) == all_say(expected(lines))
    # We see them at once, and say whose they are.
    assert project.value(f"SELECT count(*) FROM {TABLE}") == 60
    report = project.verify()
    assert report["violations"] == []
    assert report["tables"][TABLE]["foreign_rows"] == 30
    assert report["tables"][TABLE]["foreign_commits"] == 2
    assert report["pipelines"]["readings"]["unaccounted"] == 0
    assert "30 rows in 2 commits by other programs" in project.call("verify").stdout
    # Our next commit builds on theirs, and their files are merged with ours.
    drop(project, "b.csv", rows(30, 60))
    snapshot = take(partition="name", merges=True)
    assert snapshot.summary.operation.value == "replace"
    lines += rows(30, 60)
    assert readers.ask(lambda reader: reader.facts(TABLE)) == all_say(expected(lines))
    assert project.verify()["violations"] == []


def test_spark_maintains_and_changes_our_table(project, take, readers):
    drop(project, "a.csv", rows(0, 100))
    take()
    drop(project, "b.csv", rows(100, 200))
    take(partition="month(ts)")
    judge = Spark(project, readers.spark)
    name = f"catchwater.{TABLE}"
    judge.sql(
        f"CALL catchwater.system.rewrite_data_files(table => '{TABLE}', "
        "options => map('rewrite-all', 'true'))"
    )
    lines = rows(0, 200)
    assert readers.ask(lambda reader: reader.facts(TABLE)) == all_say(expected(lines))
    judge.sql(f"DELETE FROM {name} WHERE id >= 190")
    judge.sql(f"ALTER TABLE {name} ADD COLUMN quality int")
    lines = rows(0, 190)
    assert readers.ask(lambda reader: reader.facts(TABLE)) == all_say(expected(lines))
    drop(project, "c.csv", rows(300, 330))
    take(partition="month(ts)")
    lines += rows(300, 330)
    assert readers.ask(lambda reader: reader.facts(TABLE)) == all_say(expected(lines))
    assert readers.ask(lambda reader: reader.nulls(TABLE, "quality")) == all_say(220)
    report = project.verify()
    assert report["violations"] == []
    assert report["tables"][TABLE]["foreign_rows"] == -10


def test_a_table_that_spark_makes_is_one_of_ours_to_query(project, take, readers):
    drop(project, "a.csv", rows(0, 30))
    take()
    judge = Spark(project, readers.spark)
    judge.sql("CREATE NAMESPACE IF NOT EXISTS catchwater.theirs")
    judge.sql("CREATE TABLE catchwater.theirs.notes (id bigint, note string) USING iceberg")
    judge.sql("INSERT INTO catchwater.theirs.notes VALUES (1, 'a'), (2, NULL)")
    joined = project.query(
        f"SELECT r.id, note FROM {TABLE} r JOIN theirs.notes n ON r.id = n.id ORDER BY 1"
    )
    assert joined == [{"id": 1, "note": "a"}, {"id": 2, "note": None}]
    assert project.verify()["violations"] == []
    # What a pipeline writes to cannot be dropped from outside; what is theirs can.
    judge.sql("DROP TABLE catchwater.theirs.notes")
    with pytest.raises(Exception, match="cannot be dropped"):
        judge.sql(f"DROP TABLE catchwater.{TABLE}")
    take()
    assert project.value(f"SELECT count(*) FROM {TABLE}") == 30
    assert project.verify()["violations"] == []
