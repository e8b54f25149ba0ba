"""kill -9 at every named step: nothing is lost, nothing doubled, and the account adds up.

The program lists its steps (`catchwater version --steps`); STORIES says for each group what must
have happened before so that the armed run comes by. A step without a story, or one that its story
does not come by, fails: a new step cannot be forgotten.
"""

import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest
from conftest import PROGRAM, Project

SENSORS = """
pipeline: sensors
source:
  simulate:
    { sensors: 20, rows: 20000, seed: SEED, duplicate_rate: 0.01, broken_rate: 0.005, block_bytes: 8KiB }
  keep_raw: raw/
  keep_raw_retain: 10d
codec: json
columns:
  sensor_id:   { type: string, entity: true }
  ts:          { type: timestamp, event_time: true }
  temperature: float64
steps:
  - validate: { temperature: { range: [-40, 85] }, on_fail: dead_letter }
  - deduplicate: { key: [sensor_id, ts], within: 2h }
lake:
  table: sensors.readings
  partition: [day(ts)]
  flush: { every: 100ms, bytes: 64KiB }
  compact: { min_files: 2, max_age: 1s }
sinks:
  - file: { path: out/, codec: csv, time: ts, every: 20ms, batch: 64KiB }
streams:
  totals:
    key: [sensor_id]
    window: all
    compute: { n: count(), lo: min(temperature), hi: max(temperature), last_ts: max(ts) }
    to: [ { file: { path: totals.csv } }, { table: sensors.totals } ]
"""

DROPPED = """
pipeline: dropped
source:
  file: { path: "drop/*.csv" }
codec: csv
columns:
  sensor_id: { type: string, from: path.stem, entity: true }
  ts:        { type: timestamp, event_time: true }
  value:     float64
lake:
  table: dropped.readings
  flush: { every: 100ms, bytes: 64KiB }
  compact: { min_files: 2, max_age: 1s }
"""

DROPPED_FILES = 4
DROPPED_ROWS = 400

# What happens before the armed run, by a step's name or its first part: runs as (hours that the
# clock is ahead, a step at which this run is killed). Then the hours of the armed run itself.
STORIES: dict[str, tuple[list[tuple[int, str]], int]] = {
    "recovery": ([], 0),
    "input": ([], 0),
    "append": ([], 0),
    "commit": ([], 0),
    "compact": ([], 0),
    "deliver": ([], 0),
    # Days later the snapshots of the first run are no longer kept.
    "expire": ([(0, "")], 24 * 8),
    # And an hour after that their files go.
    "unlink": ([(0, ""), (24 * 8, "")], 24 * 8 + 1),
    # What a killed writer left behind is swept by the next run.
    "orphan": ([(0, "append.data_file_synced@4=kill")], 0),
    "raw": ([], 0),
    "raw.removed": ([(0, "raw.synced=kill")], 0),
    "raw.expired": ([(0, "")], 24 * 11),
    "stream": ([], 0),
    # The state is lost meanwhile (below).
    "stream.rebuilt": ([(0, "append.metadata_written@6=kill")], 0),
    "stream.state_removed": ([(0, "stream.state_written@2=kill")], 0),
}

# `make drill` asks for more; the seed stands in the name of a test that fails.
SEEDS = range(1, 1 + int(os.environ.get("CATCHWATER_DRILL_SEEDS", "1")))
HITS = (1, 3) if "CATCHWATER_DRILL_SEEDS" in os.environ else (1,)


def steps() -> list[str]:
    done = subprocess.run([PROGRAM, "version", "--steps"], capture_output=True, text=True, check=True)
    # The spool has no part in this project; spool_kill_test.cc walks its steps.
    return [step for step in done.stdout.split() if not step.startswith("spool.")]


def make(folder: pathlib.Path, seed: int) -> Project:
    project = Project(folder)
    project.pipeline("sensors", SENSORS.replace("SEED", str(seed)))
    project.pipeline("dropped", DROPPED)
    (folder / "drop").mkdir()
    for i in range(DROPPED_FILES):
        lines = [
            f"2026-01-0{i + 1} {j // 60:02}:{j % 60:02}:00,{seed * 1000 + j / 8}"
            for j in range(DROPPED_ROWS)
        ]
        broken = ["yesterday,1"] * (i + 1)
        text = "\n".join(["ts,value", *lines, *broken])
        (folder / f"drop/s{i}.csv").write_text(text + "\n", encoding="utf-8")
    return project


def raw(project: Project) -> tuple:
    """What the folder of raw bytes holds: lines, their content in any order, files in between."""
    folder = project.folder / "raw"
    lines = sorted(b"".join(f.read_bytes() for f in folder.glob("date=*/hour=*/*")).splitlines())
    return len(lines), hashlib.sha256(b"\n".join(lines)).hexdigest(), os.listdir(folder / ".pending")


TOTALS = "SELECT sensor_id, n, lo, hi, last_ts FROM sensors.totals ORDER BY ALL"
TOTALS_BY_SQL = (
    "SELECT sensor_id, count(*) AS n, min(temperature) AS lo, max(temperature) AS hi, "
    "max(ts) AS last_ts FROM sensors.readings GROUP BY ALL ORDER BY ALL"
)


def facts(project: Project) -> dict:
    """What must be the same with and without kills."""
    reports = project.verify()
    assert reports["violations"] == []
    # Whatever was killed, the results of the stream are those of SQL over the table.
    assert project.query(TOTALS) == project.query(TOTALS_BY_SQL)
    # A stream that was built anew has read the table's rows once more.
    for pipeline in reports["pipelines"].values():
        del pipeline["streams"]
    return {
        "totals": (project.folder / "totals.csv").read_text(encoding="utf-8"),
        "sensors": project.query(
            "SELECT count(*) AS n, count(DISTINCT (sensor_id, ts)) AS keys, "
            "sum(hash(sensor_id, ts, temperature)) AS content FROM sensors.readings"
        ),
        "dropped": project.query(
            "SELECT count(*) AS n, count(DISTINCT (sensor_id, ts)) AS keys, "
            "sum(hash(sensor_id, ts, value)) AS content FROM dropped.readings"
        ),
        "letters": project.query(
            "SELECT count(*) AS n, count(DISTINCT dead_letter_id) AS ids "
            "FROM sensors.readings__dead_letters"
        ),
        # A sink has each row once, as it was in the lake.
        "delivered": sorted(
            line
            for path in (project.folder / "out").glob("date=*/hour=*/*.csv")
            for line in path.read_text(encoding="utf-8").splitlines()[1:]
        ),
        "account": reports["pipelines"],
        "inputs": project.status("dropped")["input_files"],
    }


@pytest.fixture(scope="module", params=SEEDS, ids=lambda seed: f"seed{seed}")
def undisturbed(tmp_path_factory, request) -> tuple[int, dict, tuple]:
    project = make(tmp_path_factory.mktemp("undisturbed"), request.param)
    project.run()
    found = facts(project)
    assert found["sensors"][0]["n"] > 19_000
    assert found["dropped"][0]["n"] == DROPPED_FILES * DROPPED_ROWS
    kept = raw(project)
    assert kept[0] > 19_000 and kept[2] == []
    return request.param, found, kept


def run(project: Project, hours: int, fail_point: str = "", **more):
    clock = f"{hours}h" if hours else ""
    return project.run(
        env={"CATCHWATER_CLOCK_AHEAD": clock, "CATCHWATER_FAIL_POINT": fail_point}, **more
    )


def leaves_nothing_behind(project: Project) -> None:
    """Days later only live data files are on disk: orphans and what was merged away are gone.

    Twice: a merge whose worker was killed is made in the first of these runs.
    """
    for hours in (24 * 20, 24 * 20 + 1, 24 * 40, 24 * 40 + 1):
        run(project, hours)
    for table in ("sensors/readings", "dropped/readings"):
        name = table.replace("/", ".")
        data_files = project.verify()["tables"][name]["data_files"]
        on_disk = list((project.data / "lake" / table / "data").rglob("*"))
        assert sum(path.is_file() for path in on_disk) == data_files
        metadata = [path.name for path in (project.data / "lake" / table / "metadata").iterdir()]
        assert len([name for name in metadata if name.startswith("snap-")]) <= 3, metadata


@pytest.mark.parametrize("step", steps())
def test_a_kill_at_this_step_loses_and_doubles_nothing(step, tmp_path, undisturbed):
    seed, wanted, kept = undisturbed
    before, hours = STORIES[step if step in STORIES else step.split(".")[0]]
    for hit in HITS:
        project = make(tmp_path / f"hit{hit}", seed)
        for hours_before, killed_at in before:
            run(project, hours_before, killed_at, expect=-signal.SIGKILL if killed_at else 0)
        if step == "stream.rebuilt":
            shutil.rmtree(project.data / "streams")
        killed = run(project, hours, f"{step}@{hit}=kill", expect=None)
        # A run may come by once only, but not never.
        allowed = (-signal.SIGKILL,) if hit == 1 else (-signal.SIGKILL, 0)
        assert killed.returncode in allowed, (step, hit, killed.stderr)
        run(project, hours)
        assert facts(project) == wanted
        # After the retention nothing is kept but what was received since.
        assert (raw(project) == kept) == (hours < 24 * 10) and raw(project)[2] == []
        leaves_nothing_behind(project)
        assert facts(project) == wanted


def test_a_writer_that_was_stopped_and_overtaken_is_refused(tmp_path, undisturbed):
    seed, wanted, kept = undisturbed
    project = make(tmp_path / "project", seed)
    with stopped_at(project, "append.metadata_written@2=stop") as stopped:
        # Its lease runs out after 15 s; then this one takes over and finishes.
        run(project, 0)
        goes_on(stopped)
    assert facts(project) == wanted
    assert raw(project)[:2] == kept[:2]


def data_files(project: Project, *options: str) -> set[str]:
    """Those that tables hold."""
    listed = json.loads(project.call("ledger", "list", "--data-files", "--json", *options).stdout)
    return {file["path"] for file in listed}


def test_a_merge_whose_worker_hangs_is_taken_over_after_its_lease(tmp_path, undisturbed):
    seed, wanted, kept = undisturbed
    project = make(tmp_path / "project", seed)
    project.run("--no-maintenance")
    with stopped_at(project, "compact.file_written@1=stop") as stopped:
        # Beside a worker that may be alive nobody touches its files.
        held = data_files(project, "--state", "processing")
        run(project, 0)
        assert held and data_files(project, "--state", "processing") == held
        # An hour later its lease is over: its files are given back, and merged after the back-off.
        run(project, 1)
        run(project, 2)
        assert project.verify()["violations"] == []
        assert not held & data_files(project)
        goes_on(stopped)
    assert facts(project) == wanted
    leaves_nothing_behind(project)
    assert facts(project) == wanted


class stopped_at:
    """A run that was stopped at a step; it is continued or killed at the end."""

    def __init__(self, project: Project, fail_point: str) -> None:
        self.process = subprocess.Popen(
            [PROGRAM, "run", ".", "--until-idle"],
            cwd=project.folder,
            env={**os.environ, "CATCHWATER_FAIL_POINT": fail_point},
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> subprocess.Popen:
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        assert self.process.poll() is None, self.process.communicate()
        return self.process

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGCONT)
            self.process.kill()
            self.process.communicate()


def goes_on(stopped: subprocess.Popen) -> None:
    os.kill(stopped.pid, signal.SIGCONT)
    stopped.communicate(timeout=120)


def test_a_second_run_beside_the_first_takes_each_row_once(tmp_path, undisturbed):
    seed, wanted, kept = undisturbed
    project = make(tmp_path / "project", seed)
    command = [PROGRAM, "run", ".", "--until-idle"]
    both = [
        subprocess.Popen(command, cwd=project.folder, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in both:
        _, errors = process.communicate(timeout=180)
        assert process.returncode == 0, errors
    assert facts(project) == wanted
    assert raw(project) == kept
