"""Pipeline files that change while `run` goes on: by `--watch` and by SIGHUP."""

import signal
import subprocess
import time

import pytest
from conftest import PROGRAM, Project

DROP = """
pipeline: NAME
source:
  file: { path: "NAME/*.csv", watch: true, poll: 50ms, complete_after: 100ms }
codec: csv
columns:
  id: int64
  value: float64
steps:
  - select: value < LIMIT
lake:
  table: t.NAME
  flush: { every: 100ms }
"""

LIVE = """
pipeline: live
source:
  simulate: { sensors: 20, cadence: 20ms, realtime: true, seed: 3 }
codec: json
columns:
  sensor_id: { type: string, entity: true }
  ts: { type: timestamp, event_time: true }
  temperature: float64
lake:
  table: live.readings
  flush: { every: EVERY }
sinks:
  - file: { path: out/, codec: csv, time: ts, every: 20ms }
streams:
  totals:
    key: [sensor_id]
    window: all
    compute: { n: count() }
    to: [ { table: live.totals } ]
"""


class Running:
    """`catchwater run` with its log records."""

    def __init__(self, project: Project, *options: str) -> None:
        self.project = project
        self.errors = project.folder / "stderr"
        self.process = subprocess.Popen(
            [PROGRAM, "run", ".", "--log-level", "info", *options],
            cwd=project.folder,
            stdin=subprocess.DEVNULL,
            stderr=open(self.errors, "w", encoding="utf-8"),
        )

    def said(self, text: str) -> int:
        return self.errors.read_text(encoding="utf-8").count(text)

    def says(self, text: str, times: int = 1) -> None:
        until(lambda: self.said(text) >= times, f"{text} x{times}: {self.errors.read_text()}")

    def has(self, sql: str, wanted: object) -> None:
        until(lambda: self.rows(sql) == wanted, f"{sql} = {wanted}, not {self.rows(sql)}")

    def rows(self, sql: str) -> object:
        done = self.project.call("query", sql, "--format", "csv", expect=None)
        return done.stdout.splitlines()[-1] if done.returncode == 0 else done.stderr

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self.errors.read_text()
        assert "level=error" not in self.errors.read_text()


def until(holds, what: str, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.fixture
def start(project):
    started = []

    def begin(*options: str) -> Running:
        started.append(Running(project, *options))
        return started[-1]

    yield begin
    for run in started:
        if run.process.poll() is None:
            run.process.kill()
            run.process.wait()


def drop(project: Project, name: str, limit: int = 100) -> None:
    (project.folder / name).mkdir(exist_ok=True)
    project.pipeline(name, DROP.replace("NAME", name).replace("LIMIT", str(limit)))


def put(project: Project, path: str, *values: int) -> None:
    text = "id,value\n" + "".join(f"{i},{value}\n" for i, value in enumerate(values))
    (project.folder / path).write_text(text, encoding="utf-8")


COUNT = "SELECT count(*) AS n FROM t."


def test_watched_files_change_come_and_go(project, start):
    drop(project, "a")
    drop(project, "b")
    run = start("--watch")
    put(project, "a/1.csv", 1, 200)
    put(project, "b/1.csv", 1, 2)
    run.has(COUNT + "a", "1")
    run.has(COUNT + "b", "2")

    drop(project, "a", limit=1000)  # Only this one restarts.
    run.says("reloaded: restarted a\n")
    put(project, "a/2.csv", 3, 300)
    run.has(COUNT + "a", "3")

    drop(project, "c")
    run.says("reloaded: started c\n")
    put(project, "c/1.csv", 7)
    run.has(COUNT + "c", "1")

    # A bad file changes nothing, and is said with its place.
    file = project.folder / "pipelines/b.yaml"
    good = file.read_text(encoding="utf-8")
    file.write_text(good.replace("lake:", "lak:"), encoding="utf-8")
    run.says("not reloaded, everything runs on as it was")
    assert run.said("did you mean `lake`") == 1
    put(project, "b/2.csv", 5)
    data = project.data / "lake/t/b/data"  # Verbs would read the bad file.
    until(lambda: len(list(data.rglob("*.parquet"))) == 2, "it runs on")
    # Mended, it is what it was: nothing restarts. Nor for a comment.
    file.write_text("# Mended.\n" + good, encoding="utf-8")
    run.says("reloaded: nothing changed\n")
    run.has(COUNT + "b", "3")

    (project.folder / "pipelines/c.yaml").unlink()
    run.says("reloaded: ended c\n")
    put(project, "c/2.csv", 8)
    run.end()
    for name, starts in (("a", 2), ("b", 1), ("c", 1)):
        assert run.said(f"event=pipeline.started object={name}") == starts, name
    assert project.value(COUNT + "c") == 1
    assert project.verify()["violations"] == []


def test_sighup_reloads_and_does_not_end(project, start):
    drop(project, "a")
    run = start()
    put(project, "a/1.csv", 1, 200)
    run.has(COUNT + "a", "1")
    drop(project, "a", limit=1000)
    (project.folder / "catchwater.yaml").write_text("name: other\n", encoding="utf-8")
    time.sleep(1)
    assert run.said("reloaded") == 0, "it was not asked to"
    run.process.send_signal(signal.SIGHUP)
    run.says("reloaded: restarted a\n")
    assert run.said("catchwater.yaml: its changes come with the next start") == 1
    put(project, "a/2.csv", 300)
    run.has(COUNT + "a", "2")
    run.end()


def test_a_pipeline_that_failed_is_tried_again(project, start):
    drop(project, "a")
    (project.folder / "gone").write_text("a file where a folder should be")
    text = LIVE.replace("EVERY", "100ms").replace("pipeline: live", "pipeline: b")
    project.pipeline("b", text.replace("\ncodec", "\n  keep_raw: gone/raw\ncodec", 1))
    run = start("--watch")
    run.says("event=pipeline.failed object=b")
    put(project, "a/1.csv", 1)
    run.has(COUNT + "a", "1")
    (project.folder / "gone").unlink()
    (project.folder / "gone").mkdir()
    run.process.send_signal(signal.SIGHUP)
    run.says("reloaded: restarted b\n")
    run.has("SELECT count(*) > 0 AS n FROM live.readings", "true")
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(60) == 0


def test_nothing_is_lost_or_doubled_over_reloads(project, start):
    project.pipeline("live", LIVE.replace("EVERY", "100ms"))
    run = start("--watch")
    run.has("SELECT count(*) > 500 AS n FROM live.readings", "true")
    for i in range(1, 7):
        project.pipeline("live", LIVE.replace("EVERY", f"{100 + i}ms"))
        run.says("reloaded: restarted live\n", times=i)
        if i % 2:
            run.has(f"SELECT count(*) > {500 + 200 * i} AS n FROM live.readings", "true")
    run.end()
    (facts,) = project.query(
        "SELECT count(*) AS n, count(DISTINCT (sensor_id, ts)) AS keys, count(DISTINCT sensor_id) AS "
        "sensors, max(epoch_ms(ts)) - min(epoch_ms(ts)) AS span FROM live.readings"
    )
    assert facts["n"] == facts["keys"]
    # Every sensor every 20 ms, without a gap; the last round may not be complete.
    rounds = facts["span"] // 20 + 1
    assert (rounds - 1) * facts["sensors"] < facts["n"] <= rounds * facts["sensors"]
    assert project.verify()["violations"] == []
    totals = project.query("SELECT sensor_id, n FROM live.totals ORDER BY ALL")
    assert totals == project.query(
        "SELECT sensor_id, count(*) AS n FROM live.readings GROUP BY ALL ORDER BY ALL"
    )
    # The sink gets the rest in the next run, each row once.
    project.call("run", "--for", "2s")
    delivered = sorted(
        line
        for path in (project.folder / "out").glob("date=*/hour=*/*.csv")
        for line in path.read_text(encoding="utf-8").splitlines()[1:]
    )
    assert len(delivered) == len(set(delivered)) >= facts["n"]


def test_watch_and_until_idle_exclude_each_other(project):
    drop(project, "a")
    assert "leave out `--until-idle`" in project.call("run", "--watch", "--until-idle", expect=78).stderr
