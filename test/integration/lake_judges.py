"""Three programs that know nothing of ours judge our tables: pyiceberg and Spark open the ledger as
an SQL catalog, DuckDB reads the metadata file that it points to. All answer the same questions.

A time in a condition is written `@2026-01-03@`; each reader has its own way to write it.
"""

import os
import re
import sqlite3

import duckdb
import pytest
from conftest import ROOT
from pyiceberg.catalog.sql import SqlCatalog

EXTENSIONS = ROOT / ".deps/duckdb/extensions"
JARS = ROOT / ".deps/jars"

FACTS = "count(*), sum(id), count(value), sum(value), count(DISTINCT name), {}(min(ts)), {}(max(ts))"


def with_times(where: str, form: str) -> str:
    return re.sub(r"@([0-9-]+)@", lambda found: form.format(found[1]), where)


def location_of(project, table: str) -> str:
    namespace, name = table.split(".")
    with sqlite3.connect(f"file:{project.data}/ledger.sqlite?mode=ro", uri=True) as ledger:
        ((location,),) = ledger.execute(
            "SELECT metadata_location FROM iceberg_tables WHERE table_namespace = ? AND table_name = ?",
            (namespace, name),
        ).fetchall()
    return location


def catalog_of(project) -> SqlCatalog:
    return SqlCatalog(
        "catchwater",
        uri=f"sqlite:///{project.data}/ledger.sqlite",
        warehouse=f"file://{project.data}/lake",
    )


class PyIceberg:
    """pyiceberg's SqlCatalog on the ledger file."""

    def __init__(self, project) -> None:
        self.catalog = catalog_of(project)

    def tables(self) -> set[str]:
        spaces = self.catalog.list_namespaces()
        return {".".join(name) for space in spaces for name in self.catalog.list_tables(space)}

    def _scan(self, table: str, where: str = "", snapshot: int | None = None):
        condition = {"row_filter": with_times(where, "'{}T00:00:00+00:00'")} if where else {}
        return self.catalog.load_table(table).scan(snapshot_id=snapshot, **condition)

    def facts(self, table: str, where: str = "", snapshot: int | None = None) -> tuple:
        arrow = self._scan(table, where, snapshot).to_arrow()  # noqa: F841, DuckDB finds it by name
        (row,) = duckdb.sql(f"SELECT {FACTS.format('epoch_us', 'epoch_us')} FROM arrow").fetchall()
        return row

    def count(self, table: str) -> int:
        return self._scan(table).to_arrow().num_rows

    def facts_at(self, table: str, ms: int) -> tuple:
        snapshot = self.catalog.load_table(table).snapshot_as_of_timestamp(ms)
        return self.facts(table, snapshot=snapshot.snapshot_id)

    def nulls(self, table: str, column: str) -> int:
        return self._scan(table).to_arrow()[column].null_count

    def files_read(self, table: str, where: str = "") -> int:
        return len(list(self._scan(table, where).plan_files()))


class DuckDb:
    """DuckDB's iceberg extension on the metadata file that the ledger names."""

    def __init__(self, project) -> None:
        self.project = project
        self.connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
        for name in ("avro", "httpfs", "iceberg"):
            self.connection.execute(f"LOAD '{EXTENSIONS / name}.duckdb_extension'")
        self.connection.execute("SET TimeZone = 'UTC'")

    def tables(self) -> None:
        return None  # It knows no SQL catalog.

    def _ask(self, what: str, table: str, where: str = "", more: str = "") -> list[tuple]:
        condition = "WHERE " + with_times(where, "TIMESTAMPTZ '{} 00:00:00+00'") if where else ""
        source = f"iceberg_scan('{location_of(self.project, table)}'{more})"
        return self.connection.sql(f"{what} FROM {source} {condition}").fetchall()

    def facts(self, table: str, where: str = "", snapshot: int | None = None) -> tuple:
        more = f", snapshot_from_id={snapshot}" if snapshot else ""
        (row,) = self._ask("SELECT " + FACTS.format("epoch_us", "epoch_us"), table, where, more)
        return row

    def count(self, table: str) -> int:
        return self._ask("SELECT count(*)", table)[0][0]

    def facts_at(self, table: str, ms: int) -> tuple:
        more = f", snapshot_from_timestamp=make_timestamp({ms * 1000})"
        (row,) = self._ask("SELECT " + FACTS.format("epoch_us", "epoch_us"), table, "", more)
        return row

    def nulls(self, table: str, column: str) -> int:
        return self._ask(f"SELECT count(*) - count({column})", table)[0][0]

    def files_read(self, table: str, where: str = "") -> int:
        plan = self._ask("EXPLAIN ANALYZE SELECT sum(id)", table, where)[0][1]
        return int(re.search(r"Total Files Read: (\d+)", plan)[1])


class Spark:
    """Spark with Iceberg's JdbcCatalog on the ledger file; `spark` is any session of the JVM."""

    def __init__(self, project, spark) -> None:
        # Catalogs and settings are of a session, so one JVM serves every project.
        self.session = spark.newSession()
        for key, value in {
            "": "org.apache.iceberg.spark.SparkCatalog",
            ".catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog",
            ".uri": f"jdbc:sqlite:file:{project.data}/ledger.sqlite",
            ".warehouse": f"file://{project.data}/lake",
            ".cache-enabled": "false",
            # It would leave a query open, and with it a read transaction of SQLite: this session
            # would see no later commit and could make none itself.
            ".jdbc.init-catalog-tables": "false",
        }.items():
            self.session.conf.set("spark.sql.catalog.catchwater" + key, value)

    def sql(self, text: str) -> list[tuple]:
        return [tuple(row) for row in self.session.sql(text).collect()]

    def tables(self) -> set[str]:
        spaces = [row[0] for row in self.sql("SHOW NAMESPACES IN catchwater")]
        return {
            f"{row[0]}.{row[1]}"
            for space in spaces
            for row in self.sql(f"SHOW TABLES IN catchwater.{space}")
        }

    def _ask(self, what: str, table: str, where: str = "", more: str = "") -> list[tuple]:
        return self.sql(self._text(what, table, where, more))

    @staticmethod
    def _text(what: str, table: str, where: str = "", more: str = "") -> str:
        condition = "WHERE " + with_times(where, "TIMESTAMP '{} 00:00:00'") if where else ""
        return f"{what} FROM catchwater.{table} {more} {condition}"

    def facts(self, table: str, where: str = "", snapshot: int | None = None) -> tuple:
        more = f"VERSION AS OF {snapshot}" if snapshot else ""
        (row,) = self._ask("SELECT " + FACTS.format("unix_micros", "unix_micros"), table, where, more)
        return row

    def count(self, table: str) -> int:
        return self._ask("SELECT count(*)", table)[0][0]

    def facts_at(self, table: str, ms: int) -> tuple:
        more = f"TIMESTAMP AS OF timestamp_millis({ms})"
        (row,) = self._ask(
            "SELECT " + FACTS.format("unix_micros", "unix_micros"), table, "", more
        )
        return row

    def nulls(self, table: str, column: str) -> int:
        return self._ask(f"SELECT count(*) - count({column})", table)[0][0]

    def files_read(self, table: str, where: str = "") -> int:
        """The scan's own count of the data files that are left after planning."""
        frame = self.session.sql(self._text("SELECT sum(id)", table, where))
        frame.collect()
        plan = frame._jdf.queryExecution().executedPlan()
        while plan.children().size() > 0:
            plan = plan.children().head()
        return plan.metrics().get("resultDataFiles").get().value()


@pytest.fixture(scope="session")
def spark():
    """One JVM for all tests."""
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        SparkSession = None
    jars = sorted(str(jar) for jar in JARS.glob("*.jar"))
    if SparkSession is None or len(jars) < 2:
        assert "CI" not in os.environ, "CI must have Spark: tools/setup spark"
        pytest.skip("no Spark; tools/setup spark installs it")
    session = (
        SparkSession.builder.master("local[2]")
        .appName("readers")
        # JDBC drivers are found on the class path only, not among added jars.
        .config("spark.driver.extraClassPath", ":".join(jars))
        .config("spark.driver.memory", "1g")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.adaptive.enabled", "false")  # Its plans hide the scan's numbers.
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        .config(
            "spark.sql.extensions",
            "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        )
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture
def readers(project, spark):
    """Asks all three, and gives them by name. They open the catalog anew each time."""

    class Readers:
        def __init__(self):
            self.spark = spark

        def __iter__(self):
            yield "pyiceberg", PyIceberg(project)
            yield "duckdb", DuckDb(project)
            yield "spark", Spark(project, spark)

        def ask(self, question) -> dict:
            return {name: question(reader) for name, reader in self}

    return Readers()


def all_say(answer) -> dict:
    return {name: answer for name in ("pyiceberg", "duckdb", "spark")}


__all__ = ["all_say", "catalog_of", "location_of", "readers", "spark"]
