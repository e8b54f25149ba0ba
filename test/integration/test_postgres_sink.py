"""The table in PostgreSQL equals the lake's: judged by psycopg, against a real server."""

import json
import os
import random
import signal
import subprocess
import time

import psycopg
import pytest

from conftest import PROGRAM, ROOT, Project
from ports import free_port
from postgres import Postgres, rows

PIPELINE = """
pipeline: sensors
source:
  file: { path: in/*.csv }
codec: csv
columns:
  sensor_id:   { type: string, entity: true }
  ts:          { type: timestamp, event_time: true }
  temperature: float64
  level:       int32
  price:       { type: decimal, precision: 12, scale: 3 }
  ok:          bool
  day:         date
MORE_COLUMNS
lake:
  table: sensors.readings
  partition: [day(ts)]
  flush: { every: 100ms }
  compact: { min_files: 2, max_age: 1s }
sinks:
  - postgres: { url: "${PG_URL}", table: readings, key: [sensor_id, ts], every: 50ms OPTIONS }
"""
HEADER = "sensor_id,ts,temperature,level,price,ok,day\n"


@pytest.fixture(scope="module")
def server():
    server = Postgres()
    yield server
    server.close()


@pytest.fixture
def database(server, monkeypatch):
    yield from server.database_of_test(monkeypatch)


def pipeline(project: Project, options: str = "", more_columns: str = "", source: str = "") -> Project:
    text = PIPELINE.replace("OPTIONS", options and f", {options}")
    text = text.replace("path: in/*.csv", f"path: in/*.csv{source}")
    (project.folder / "in").mkdir(exist_ok=True)
    return project.pipeline("sensors", text.replace("MORE_COLUMNS", more_columns))


def write(project: Project, name: str, lines: list[str], header: str = HEADER) -> None:
    (project.folder / "in" / name).write_text(header + "".join(f"{line}\n" for line in lines))


def reading(sensor: int, minute: int, temperature="1.5", rest="7,12345.678,true,2026-01-02") -> str:
    return f"s{sensor},2026-01-02T{minute // 60 % 24:02}:{minute % 60:02}:00Z,{temperature},{rest}"


def sink(project: Project, name: str = "postgres") -> dict:
    return next(s for s in project.status("sensors")["sinks"] if s["sink"] == name)


def test_every_type_arrives_as_it_is(project, database):
    pipeline(project)
    write(project, "a.csv", [
        "s1,2026-01-02T00:00:00.123456Z,1.5,7,12345.678,true,2026-01-02",
        "s2,1969-12-31T23:59:59.999999Z,-0.1,-2147483648,-0.001,false,1900-02-28",
        '"é,""x""",2026-01-02T00:00:00Z,,,,,',
        "s3,2026-01-02T00:00:00Z,1e300,0,100000000.000,true,2000-02-29",
    ])
    project.run()
    found = rows(database, "SELECT sensor_id, extract(epoch FROM ts)::text, temperature, level, "
                           "price::text, ok, day::text FROM readings ORDER BY 1")
    assert found == [
        ("s1", "1767312000.123456", 1.5, 7, "12345.678", True, "2026-01-02"),
        ("s2", "-0.000001", -0.1, -2147483648, "-0.001", False, "1900-02-28"),
        ("s3", "1767312000.000000", 1e300, 0, "100000000.000", True, "2000-02-29"),
        ('é,"x"', "1767312000.000000", None, None, None, None, None),
    ]
    assert sink(project)["state"] == "following"


def test_a_correction_takes_the_place_of_the_row(project, database):
    pipeline(project)
    write(project, "a.csv", [reading(1, m) for m in range(10)])
    project.run()
    # Twice in one file: the last one counts; an old one late: it counts as well.
    write(project, "b.csv", [reading(1, 3, "2.5"), reading(1, 3, "3.5"), reading(1, 20)])
    project.run()
    assert rows(database, "SELECT count(*), sum(temperature) FROM readings") == [(11, 10 * 1.5 + 3.5)]
    assert project.value("SELECT count(*) FROM sensors.readings") == 13


def test_a_sink_that_was_down_catches_up_by_itself(project, database, server):
    pipeline(project, source=", watch: true")
    write(project, "a.csv", [reading(1, m) for m in range(5)])
    project.run()  # Watches, but ends when it is idle.
    running = subprocess.Popen(
        [PROGRAM, "run", "."], cwd=project.folder, stderr=subprocess.PIPE, text=True,
    )
    try:
        server.kill()
        for i in range(20):
            write(project, f"late{i}.csv", [reading(2, m) for m in range(i * 5, i * 5 + 5)])
        wait_for(lambda: project.value("SELECT count(*) FROM sensors.readings") == 105)
        wait_for(lambda: sink(project)["state"] == "down")
        assert "PostgreSQL" in sink(project)["last_error"]
        server.start()
        wait_for(lambda: rows(database, "SELECT count(*) FROM readings") == [(105,)])
        wait_for(lambda: sink(project)["state"] == "following")
        # Continuous: a new row is there within seconds.
        begun = time.monotonic()
        write(project, "new.csv", [reading(3, 0)])
        wait_for(lambda: rows(database, "SELECT count(*) FROM readings") == [(106,)])
        assert time.monotonic() - begun < 15
    finally:
        if not (server.data / "postmaster.pid").exists():
            server.start()
        stop(running)


def test_a_new_column_is_added_and_a_changed_one_blocks_with_the_statement(project, database):
    pipeline(project)
    write(project, "a.csv", [reading(1, 0)])
    project.run()
    pipeline(project, more_columns="  room: string")
    write(project, "b.csv", [reading(1, 1) + ",kitchen"], HEADER.strip() + ",room\n")
    project.run()
    assert rows(database, "SELECT room FROM readings ORDER BY ts") == [(None,), ("kitchen",)]

    with psycopg.connect(database) as connection:
        connection.execute("ALTER TABLE readings ALTER COLUMN level TYPE smallint")
    write(project, "c.csv", [reading(1, 2) + ",hall"], HEADER.strip() + ",room\n")
    done = project.run(expect=None)
    assert done.returncode != 0
    statement = 'ALTER TABLE "readings" ALTER COLUMN "level" TYPE integer USING "level"::integer;'
    assert statement in done.stderr
    assert sink(project)["state"] == "blocked"
    assert statement in sink(project)["last_error"]
    # The lake went on; and so does the sink when a person did what it says.
    assert project.value("SELECT count(*) FROM sensors.readings") == 3
    with psycopg.connect(database) as connection:
        connection.execute(statement)
    project.run()
    assert rows(database, "SELECT count(*) FROM readings") == [(3,)]
    assert sink(project)["state"] == "following"


def test_a_table_that_evolves_is_followed_as_far_as_it_can_be(project, database):
    pipeline(project)
    text = (project.folder / "pipelines" / "sensors.yaml").read_text()
    project.pipeline("sensors", text + "contract: evolve\n")
    write(project, "a.csv", [reading(1, 0)])
    project.run()
    header = HEADER.strip() + ",room\n"
    write(project, "b.csv", [reading(1, 1) + ",kitchen"], header)
    project.run()
    assert rows(database, "SELECT room FROM readings ORDER BY ts") == [(None,), ("kitchen",)]
    fields = reading(1, 2).split(",")
    fields[3] = "3000000000"
    write(project, "c.csv", [",".join(fields) + ",hall"], header)
    done = project.run(expect=None)
    statement = 'ALTER TABLE "readings" ALTER COLUMN "level" TYPE bigint USING "level"::bigint;'
    assert done.returncode != 0 and statement in done.stderr
    assert project.value("SELECT max(level) FROM sensors.readings") == 3_000_000_000
    with psycopg.connect(database) as connection:
        connection.execute(statement)
    project.run()
    assert rows(database, "SELECT max(level), count(room) FROM readings") == [(3_000_000_000, 2)]
    assert sink(project)["state"] == "following"


def test_one_blocked_sink_does_not_stop_the_other(project, database):
    pipeline(project)
    text = (project.folder / "pipelines" / "sensors.yaml").read_text()
    text += '  - postgres: { name: second, url: "${PG_URL}", table: other, key: [sensor_id, ts] }\n'
    project.pipeline("sensors", text)
    with psycopg.connect(database) as connection:
        connection.execute("CREATE TABLE readings (sensor_id text, ts timestamptz)")
    write(project, "a.csv", [reading(1, m) for m in range(7)])
    done = project.run(expect=None)
    assert "CREATE UNIQUE INDEX" in done.stderr
    assert rows(database, "SELECT count(*) FROM other") == [(7,)]
    assert sink(project)["state"] == "blocked"
    assert sink(project, "second")["state"] == "following"


def test_a_new_sink_on_an_old_table_gets_all_of_it(project, database):
    pipeline(project)
    text = (project.folder / "pipelines" / "sensors.yaml").read_text()
    project.pipeline("sensors", text[: text.index("sinks:")])
    for i in range(6):
        write(project, f"{i}.csv", [reading(i, m) for m in range(10)])
        project.run()
    project.pipeline("sensors", text)
    project.run()
    assert rows(database, "SELECT count(*) FROM readings") == [(60,)]
    # And a target that lost everything gets it again.
    with psycopg.connect(database) as connection:
        connection.execute("DROP TABLE readings, catchwater_delivery")
    project.run()
    assert rows(database, "SELECT count(*) FROM readings") == [(60,)]


def test_a_sink_that_lags_too_long_gets_the_whole_table(project, database, server):
    pipeline(project)
    write(project, "a.csv", [reading(1, m) for m in range(5)])
    project.run()
    server.kill()
    try:
        write(project, "b.csv", [reading(1, 2, "9.5"), *(reading(2, m) for m in range(5))])
        assert project.run(expect=None).returncode != 0
        assert sink(project)["rows_behind"] == 6
        # hold_max is a week.
        project.run(env={"CATCHWATER_CLOCK_AHEAD": "200h"}, expect=None)
        assert sink(project)["state"] == "resync"
    finally:
        server.start()
    project.run()
    assert sink(project)["state"] == "following"
    assert rows(database, "SELECT count(*), sum(temperature) FROM readings") == [(10, 9 * 1.5 + 9.5)]


def test_native_partitions_are_made_and_dropped(project, database):
    pipeline(project, "hypertable: ts, chunk: 1d, retain: 3650d, "
                      "aggregates: {hourly: {bucket: 1h, key: [sensor_id], "
                      "compute: {mean: avg(temperature), n: count(*)}}}")
    write(project, "a.csv", [reading(1, m) for m in range(0, 1400, 100)]
          + ["s1,2001-01-02T00:00:00Z,1,1,1.000,true,2001-01-02",
             "s1,2026-03-05T00:00:00Z,1,1,1.000,true,2026-03-05"])
    project.run()
    found = rows(database, "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' "
                           "ORDER BY 1")
    assert found == [("readings_p202601020000",), ("readings_p202603050000",)]
    assert rows(database, "SELECT count(*) FROM readings") == [(15,)]
    assert rows(database, "SELECT n, mean FROM hourly ORDER BY bucket LIMIT 1") == [(1, 1.5)]


def test_a_password_is_never_shown(project, server, database):
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS lea")
        admin.execute("CREATE ROLE lea LOGIN PASSWORD 'right'")
    with server.asks_password_of("lea"):
        pipeline(project)
        write(project, "a.csv", [reading(1, 0)])
        url = database.replace("postgres@", "lea:s3cr3t-wrong@")
        done = project.run(env={"PG_URL": url}, expect=None)
        assert done.returncode != 0
        assert "refuses user or password" in done.stderr
        said = done.stdout + done.stderr + json.dumps(project.status("sensors"))
        assert "s3cr3t" not in said
        assert sink(project)["state"] == "blocked"


def test_the_sink_conforms(database):
    programs = list(ROOT.glob("build/release/**/sink_postgres_test"))
    if not programs:
        assert "CI" not in os.environ, "the unit tests are not built"
        pytest.skip("build sink_postgres_test first")
    done = subprocess.run([programs[0], "--gtest_filter=*PostgresSinkTest*"], cwd=ROOT, text=True,
                          env={**os.environ, "CATCHWATER_TEST_POSTGRES_URL": database},
                          capture_output=True, check=False)
    assert done.returncode == 0 and "SKIPPED" not in done.stdout, done.stdout


def connect_cases(server, database: str) -> dict[str, tuple[str, str, str]]:
    """Name -> URL, error code, part of what is said."""
    name = database.rsplit("/", 1)[1].split("?")[0]
    return {
        "nobody listens": (f"postgres://x:hush@127.0.0.1:{free_port()}/x", "E2020", "does not answer"),
        "unknown host": ("postgres://x:hush@no-such-host.invalid/x", "E2020", "is not known"),
        "no such database": (server.url(database="nothing"), "E2022", "database or role"),
        "no such role": (server.url("nobody", "hush", name), "E2022", "database or role"),
        "TLS on one side": (database.replace("=disable", "=require"), "E2023", "has no TLS"),
    }


def test_connect_names_each_wrong_setting_and_no_secret(project, server, database):
    pipeline(project)
    write(project, "a.csv", [reading(1, 0)])  # A path that matches no file is an error of its own.
    assert "everything answers" in project.call("validate", "--connect", ".").stderr
    for name, (url, code, words) in connect_cases(server, database).items():
        done = project.call("validate", "--connect", ".", env={"PG_URL": url}, expect=4)
        assert f"error[{code}]: sink `postgres`: " in done.stderr, name
        assert words in done.stderr, name
        assert "pipelines/sensors.yaml:" in done.stderr and "url: " in done.stderr, name
        assert "hush" not in done.stdout + done.stderr, name
    # What is no URL is refused before anybody is asked.
    done = project.call("validate", ".", env={"PG_URL": "hush"}, expect=78)
    assert "must begin with" in done.stderr and "hush" not in done.stderr
    assert rows(database, "SELECT count(*) FROM pg_tables WHERE tablename = 'readings'") == [(0,)]


# --- Kills: few here, twenty in the drill --------------------------------------------------------

DRILL = "CATCHWATER_DRILL_SEEDS" in os.environ


def steps() -> list[str]:
    done = subprocess.run([PROGRAM, "version", "--steps"], capture_output=True, text=True, check=True)
    return [step for step in done.stdout.split() if step.startswith("deliver.")]


SIMULATED = """
pipeline: sensors
source:
  simulate: { sensors: 50, rows: ROWS, seed: SEED }
codec: json
columns:
  sensor_id:   { type: string, entity: true }
  ts:          { type: timestamp, event_time: true }
  temperature: float64
steps:
  - deduplicate: { key: [sensor_id, ts], within: 400d }
lake:
  table: sensors.readings
  partition: [day(ts)]
  flush: { every: 100ms, bytes: BYTES }
  compact: { min_files: 3, max_age: 1s }
sinks:
  - postgres: { url: "${PG_URL}", table: readings, key: [sensor_id, ts], every: 20ms, batch: 64KiB }
"""


def simulated(project: Project, row_count: int, seed: int, flush: str = "64KiB") -> None:
    text = SIMULATED.replace("ROWS", str(row_count)).replace("SEED", str(seed))
    project.pipeline("sensors", text.replace("BYTES", flush))


def assert_equal(project: Project, url: str) -> int:
    """The same rows in the lake and in the sink, compared one by one."""
    lake = project.query("SELECT sensor_id, epoch_us(ts) AS us, temperature AS t FROM "
                         "sensors.readings ORDER BY 1, 2")
    have = rows(url, "SELECT sensor_id, (extract(epoch FROM ts) * 1000000)::bigint, temperature "
                     "FROM readings ORDER BY sensor_id COLLATE \"C\", ts")
    assert len(have) == len(lake)
    assert have == [(r["sensor_id"], r["us"], r["t"]) for r in lake]
    return len(have)


@pytest.mark.parametrize("step", steps())
def test_a_kill_at_a_step_of_delivery_loses_and_doubles_nothing(step, project, database):
    simulated(project, 4_000, 1)
    for hit in (1, 2, 5) if DRILL else (1, 2):
        killed = project.run(env={"CATCHWATER_FAIL_POINT": f"{step}@{hit}=kill"}, expect=None)
        assert killed.returncode in (0, -signal.SIGKILL), killed.stderr
    project.run()
    assert assert_equal(project, database) > 3_000
    assert project.verify()["violations"] == []


def test_kills_at_random_and_a_restarted_server_lose_and_double_nothing(project, database, server):
    kills, row_count = (20, 1_000_000) if DRILL else (2, 20_000)
    seed = int(os.environ.get("CATCHWATER_TEST_SEED", "7"))
    print(f"seed {seed}")
    choose = random.Random(seed)
    simulated(project, row_count, seed, "64KiB" if row_count < 100_000 else "1MiB")
    done = 0
    while done < kills:
        running = subprocess.Popen([PROGRAM, "run", ".", "--until-idle"], cwd=project.folder,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            running.wait(choose.uniform(0.2, 1.0) if not DRILL else choose.uniform(0.3, 4.0))
            if running.returncode == 0:
                break  # All is there before the last kill.
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
            done += 1
        if done in (kills // 3, 2 * kills // 3 + 1):
            server.kill()
            server.start()
    print(f"killed {done} times")
    project.run(timeout=600)
    assert assert_equal(project, database) > row_count * 0.9
    assert project.verify()["violations"] == []


def wait_for(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except (psycopg.Error, AssertionError):
            pass
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)


def stop(running: subprocess.Popen) -> None:
    running.terminate()
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 0, errors
