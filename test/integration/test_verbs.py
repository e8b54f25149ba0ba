"""Each verb as a user runs it: what it prints, what it writes, how it ends."""

import json
import os
import pathlib
import pty
import shlex
import signal
import socket
import subprocess
import time

import duckdb
import pytest
from conftest import PROGRAM, ROOT

READINGS = """
pipeline: readings
source:
  file: { path: "in/*.csv" }
codec: csv
columns:
  ts: { type: timestamp, event_time: true }
  sensor_id: { type: string, entity: true }
  value: float64
steps:
  - validate: { value: { range: [-40, 85] } }
lake:
  table: sensors.readings
  partition: [day(ts)]
"""

LIVE = """
pipeline: live
source:
  simulate: { sensors: 50, cadence: 100ms, realtime: true, seed: 3 }
codec: json
columns:
  sensor_id: { type: string, entity: true }
  ts: { type: timestamp, event_time: true }
  temperature: float64
lake:
  table: live.readings
  flush: { every: 1h }
"""

ROWS = [
    "2026-01-05 08:00:00,S1,1.5",
    "2026-01-05 08:01:00,S2,999.9",
    "2026-01-06 08:02:00,S1,100",
    "2026-01-06 08:03:00,S2,4.5",
    "yesterday,S2,4.5",
]


@pytest.fixture
def readings(project):
    (project.folder / "in").mkdir()
    (project.folder / "in/a.csv").write_text("ts,sensor_id,value\n" + "\n".join(ROWS) + "\n")
    return project.pipeline("readings", READINGS)


class Running:
    """A program that runs beside the test."""

    def __init__(self, project, *arguments):
        self.project = project
        self.process = subprocess.Popen(
            [PROGRAM, "run", ".", *arguments],
            cwd=project.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def wait_until(self, condition, seconds=20):
        end = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < end
            time.sleep(0.1)

    def is_listening(self):
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.project.data / "control.sock")) == 0

    def end(self, number):
        self.process.send_signal(number)
        _, stderr = self.process.communicate(timeout=30)
        return self.process.returncode, stderr


# --- init -------------------------------------------------------------------------------------


def test_init_lists_the_templates(project):
    done = project.call("init")
    assert all(name in done.stdout for name in ("files", "sensors", "passengers"))


@pytest.mark.parametrize("template", ["files", "sensors", "passengers"])
def test_init_writes_the_example_and_never_overwrites(project, template):
    done = project.call("init", template, "made")
    assert "catchwater run made --until-idle" in done.stdout
    example = ROOT / "examples" / template
    written = {
        path.relative_to(project.folder / "made")
        for path in (project.folder / "made").rglob("*")
        if path.is_file()
    }
    assert pathlib.Path("catchwater.yaml") in written
    for path in written:
        assert (project.folder / "made" / path).read_bytes() == (example / path).read_bytes()
    kept = project.folder / "made/catchwater.yaml"
    kept.write_text("version: 1\nname: mine\n")
    refused = project.call("init", template, "made", expect=1)
    assert "E2012" in refused.stderr
    assert "mine" in kept.read_text()


def test_init_says_what_was_probably_meant(project):
    refused = project.call("init", "file", "made", expect=2)
    assert "did you mean `files`" in refused.stderr
    assert not (project.folder / "made").exists()


def test_the_commands_of_the_readme_work_as_printed(project):
    project.call("init", "files", "my-project")
    project.call("run", "my-project", "--until-idle")
    counted = project.call(
        "query", "--project", "my-project", "SELECT count(*) FROM files.readings"
    )
    assert "94" in counted.stdout
    done = project.call("verify", "my-project")
    assert "everything adds up" in done.stdout


# --- validate, schema, doc, version, completion, help -----------------------------------------


def test_validate_ends_with_78_and_says_where(readings):
    readings.call("validate")
    text = READINGS.replace("partition:", "partitoin:")
    refused = readings.pipeline("readings", text).call("validate", expect=78)
    assert "readings.yaml:14" in refused.stderr
    assert "did you mean `partition`" in refused.stderr


def test_every_example_passes_the_schema(project):
    checker = pytest.importorskip("check_jsonschema.cli")
    schema = project.folder / "schema.json"
    schema.write_text(project.call("schema").stdout)
    project_schema = project.folder / "project.json"
    project_schema.write_text(project.call("schema", "--project-file").stdout)
    examples = sorted((ROOT / "examples").glob("*/pipelines/*.yaml"))
    assert examples
    for files, against in (
        (examples, schema),
        (sorted((ROOT / "examples").glob("*/catchwater.yaml")), project_schema),
    ):
        with pytest.raises(SystemExit) as ended:
            checker.main(["--schemafile", str(against), *map(str, files)])
        assert ended.value.code in (0, None)


def test_doc_explains_every_code_that_is_printed(project):
    for code in ("E1203", "E2001", "E2002", "E2004", "E2006"):
        page = project.call("doc", code).stdout
        assert code in page and "What to do" in page
    assert "E2001" in project.call("doc", "errors").stdout
    assert project.call("doc", "E9999", expect=1).stderr.startswith("error[E2011]")


def test_version_is_one_line(project):
    assert project.call("version").stdout.startswith("catchwater ")
    assert json.loads(project.call("version", "--json").stdout)["version"]


def test_a_killed_program_leaves_nothing_in_shared_memory(project):
    with Running(project.pipeline("live", LIVE)) as running:
        running.wait_until(running.is_listening)
        assert "/dev/shm/" not in pathlib.Path(f"/proc/{running.process.pid}/maps").read_text()
        running.process.kill()
    assert not list(pathlib.Path("/dev/shm").glob(f"*-{running.process.pid}"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_verb(project, shell):
    script = project.call("completion", shell).stdout
    for word in ("init", "ledger", "replay", "until-idle"):
        assert word in script


def test_bash_completes_verbs_and_options(project):
    (project.folder / "c.sh").write_text(project.call("completion", "bash").stdout)
    for words, wanted in (("catchwater st", "status"), ("catchwater ledger list --sta", "--state")):
        parts = words.split(" ")
        quoted = " ".join(f"'{part}'" for part in parts)
        done = subprocess.run(
            [
                "bash",
                "-c",
                f"source ./c.sh; COMP_WORDS=({quoted}); COMP_CWORD={len(parts) - 1}; "
                '_catchwater; printf "%s\\n" "${COMPREPLY[@]}"',
            ],
            cwd=project.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        assert wanted in done.stdout.split(), done


VERBS = (
    "init validate run status query tables crawl ledger app dlq verify simulate schema doc completion"
)


@pytest.mark.parametrize("verb", VERBS.split())
def test_help_begins_with_examples(project, verb):
    assert project.call(verb, "--help").stdout.startswith("Examples:\n  catchwater " + verb)


@pytest.mark.parametrize(
    "arguments",
    [["rnu"], ["run", "--untl-idle"], ["query"], ["ledger"], ["query", "x", "--format", "xml"]],
    ids=" ".join,
)
def test_a_wrong_command_line_ends_with_2(project, arguments):
    done = project.call(*arguments, expect=2)
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")


def test_an_unknown_verb_gets_a_suggestion(project):
    assert "did you mean `status`" in project.call("sttaus", expect=2).stderr


# --- query, tables ----------------------------------------------------------------------------


def test_query_writes_every_format(readings):
    readings.run()
    sql = "SELECT sensor_id, value FROM sensors.readings ORDER BY value;"
    assert "│" in readings.call("query", sql).stdout
    assert readings.call("query", sql, "--format", "csv").stdout.splitlines()[1] == "S1,1.5"
    assert readings.query(sql)[1] == {"sensor_id": "S2", "value": 4.5}
    out = readings.folder / "out.parquet"
    readings.call("query", sql, "--format", "parquet", "--output", out)
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT value FROM '{out}'").fetchall() == [(1.5,), (4.5,)]
    readings.call("query", sql, "--format", "csv", "-o", "out.csv")
    assert (readings.folder / "out.csv").read_text().count("\n") == 3
    assert not list(readings.folder.glob("*.partial"))
    readings.call("query", sql, "--format", "parquet", expect=2)


def test_query_shows_as_many_rows_as_asked_for(readings):
    readings.run()
    done = readings.call("query", "SELECT * FROM sensors.readings ORDER BY ts", "--rows", "1")
    assert "S1" in done.stdout and "S2" not in done.stdout
    assert "1 more rows" in done.stderr


def test_query_names_the_tables_when_one_is_unknown(readings):
    readings.run()
    done = readings.call("query", "SELECT * FROM sensors.reading", expect=1)
    assert done.stderr.startswith("error")
    assert "sensors.readings" in done.stderr


def test_query_without_data_says_what_to_do(readings):
    done = readings.call("query", "SELECT 1", expect=1)
    assert "E2006" in done.stderr and "catchwater run" in done.stderr


def test_query_goes_back_in_time(readings):
    readings.run()
    time.sleep(0.01)
    (readings.folder / "in/b.csv").write_text("ts,sensor_id,value\n2026-01-07 00:00:00,S3,7\n")
    readings.run()
    snapshots = json.loads(readings.call("tables", "--snapshots", "--json").stdout)
    ours = [s for s in snapshots if s["table"] == "sensors.readings"]
    assert len(ours) >= 2
    count = "SELECT count(*) AS n FROM sensors.readings"
    assert readings.query(count, "--at", ours[0]["at"]) == [{"n": 2}]
    assert readings.query(count) == [{"n": 3}]
    assert ours[0]["at"] in readings.call("tables", "--snapshots").stdout
    assert readings.call("query", count, "--at", "lately", expect=1).stderr.startswith("error")


def test_a_query_beside_a_run_sees_rows_that_are_in_no_commit(project):
    project.pipeline("live", LIVE)
    with Running(project) as run:
        run.wait_until(run.is_listening)
        count = "SELECT count(*) AS n FROM live.readings"
        run.wait_until(lambda: project.value(count) > 0)
        first = project.value(count)
        run.wait_until(lambda: project.value(count) > first)
        report = project.status("live")
        assert report["running"]["state"] == "running"
        assert report["in_lake"] == 0
        code, _ = run.end(signal.SIGTERM)
    assert code == 0
    assert project.status("live")["in_lake"] >= first
    assert project.verify()["violations"] == []


# --- run --------------------------------------------------------------------------------------


def test_ctrl_c_commits_and_ends_with_130(project):
    project.pipeline("live", LIVE)
    with Running(project) as run:
        run.wait_until(run.is_listening)
        run.wait_until(lambda: project.value("SELECT count(*) FROM live.readings") > 0)
        code, stderr = run.end(signal.SIGINT)
    assert code == 130
    assert "committed" in stderr
    assert project.status("live")["in_lake"] > 0
    assert project.verify()["violations"] == []


def test_run_ends_after_a_time(project):
    project.pipeline("live", LIVE)
    started = time.monotonic()
    project.call("run", ".", "--for", "1s")
    assert 1 <= time.monotonic() - started < 15


def test_preview_shows_rows_and_rejects_and_writes_nothing(readings):
    done = readings.call("run", ".", "--preview", "1")
    assert "S1" in done.stdout and "S2" not in done.stdout.split("would go")[0]
    assert "would go to table sensors.readings" in done.stdout
    assert "a.csv:6: " in done.stdout and "validate.range" in done.stdout
    assert not readings.data.exists()


def test_run_prints_a_summary_for_programs(readings):
    summary = json.loads(readings.run("--json").stdout)
    (pipeline,) = summary["pipelines"]
    assert (pipeline["rows_committed"], pipeline["dead_letters"]) == (2, 3)


def test_a_pipeline_without_a_lake_says_what_it_did(project):
    project.call("init", "passengers", ".")
    with open(project.folder / "passengers.csv", "a", encoding="utf-8") as file:
        file.write("2026-01-05 08:00:00,gare_nord,many\n")
    done = project.run("--json")
    (pipeline,) = json.loads(done.stdout[done.stdout.index('{\n  "pipelines"') :])["pipelines"]
    rows = (ROOT / "examples/passengers/passengers.csv").read_text().count("\n") - 1
    assert (pipeline["rows_committed"], pipeline["dead_letters"]) == (rows, 1)
    assert "passengers.csv:" in pipeline["dead_letter_samples"][0]


def test_progress_is_drawn_on_a_terminal_only(project):
    project.pipeline("live", LIVE)
    assert "\r" not in project.call("run", ".", "--for", "1s").stderr
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [PROGRAM, "run", ".", "--for", "2s"], cwd=project.folder, stderr=theirs
    ) as process:
        os.close(theirs)
        seen = b""
        try:
            while chunk := os.read(ours, 4096):
                seen += chunk
        except OSError:  # The terminal ends with the program.
            pass
        assert process.wait() == 0
    os.close(ours)
    assert b"rows committed" in seen and b"\r\x1b[K" in seen


def test_no_colour_but_on_a_terminal_that_wants_it(readings):
    readings.pipeline("readings", READINGS.replace("columns:", "colums:"))
    for env, has_colour in (({"NO_COLOR": "1"}, False), ({"NO_COLOR": "", "TERM": "xterm"}, True)):
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [PROGRAM, "validate"], cwd=readings.folder, stderr=theirs, env={**os.environ, **env}
        ) as process:
            os.close(theirs)
            seen = b""
            try:
                while chunk := os.read(ours, 4096):
                    seen += chunk
            except OSError:
                pass
            assert process.wait() == 78
        os.close(ours)
        assert (b"\x1b[" in seen) == has_colour


# --- status, ledger, verify -------------------------------------------------------------------


def test_status_counts_files_and_rows(readings):
    readings.run()
    report = readings.status("readings")
    assert (report["frames"], report["in_lake"], report["unaccounted"]) == (5, 2, 0)
    assert report["input_files"]["done"] == 1
    assert report["running"] is None
    assert "To Process" in readings.call("status").stdout


def test_ledger_list_shows_states_and_filters(readings):
    (readings.folder / "in/b.csv").write_text("wrong,header\n1,2\n")
    readings.run(expect=1)
    files = json.loads(readings.call("ledger", "list", "--inputs", "--json").stdout)
    by_name = {pathlib.Path(file["path"]).name: file for file in files}
    assert by_name["a.csv"]["state"] == "Done"
    assert by_name["a.csv"]["entities"] == ["S1", "S2"]
    assert by_name["a.csv"]["event_min"].startswith("2026-01-05T08:00")
    assert by_name["b.csv"]["state"] in ("Failed", "To Process")
    assert by_name["b.csv"]["reason"]
    data = json.loads(readings.call("ledger", "list", "--data-files", "--json").stdout)
    assert data and all("rows" in file for file in data)
    assert readings.call("ledger", "list", "--state", "done", "--path", "b.csv").stdout == ""
    table = readings.call("ledger", "list", "--table", "sensors.readings").stdout
    assert "ts_day=2026-01-05" in table and "a.csv" not in table


def test_ledger_retry_takes_a_mended_file(readings):
    bad = readings.folder / "in/b.csv"
    bad.write_text("wrong,header\n1,2\n")
    for _ in range(4):
        readings.run(expect=1)
    states = json.loads(
        readings.call("ledger", "list", "--state", "failed", "--json").stdout
    )
    assert [pathlib.Path(file["path"]).name for file in states] == ["b.csv"]
    done = readings.call("ledger", "retry", "--json")
    assert json.loads(done.stdout) == {"retried": 1}
    assert json.loads(readings.call("ledger", "retry", "--json").stdout) == {"retried": 0}


def test_a_run_to_the_end_with_failed_files_ends_with_1_and_names_them(readings):
    (readings.folder / "in/b.csv").write_text("wrong,header\n1,2\n")
    done = readings.run(expect=1)
    assert "in/b.csv: " in done.stderr and "a.csv" not in done.stderr
    assert "error[E2013]" in done.stderr and "ledger retry" in done.stderr
    assert readings.value("SELECT count(*) FROM sensors.readings") == 2
    # It stays so until somebody did something about it; a run that goes on is not ended by it.
    readings.run(expect=1)
    assert "in/b.csv" in readings.call("run", ".", "--for", "1s").stderr
    (readings.folder / "in/b.csv").write_text("ts,sensor_id,value\n2026-01-05 09:00:00,S3,7\n")
    assert "in/b.csv" not in readings.run().stderr
    assert readings.value("SELECT count(*) FROM sensors.readings") == 3


def test_a_failed_file_that_was_removed_does_not_fail_further_runs(readings):
    (readings.folder / "in/b.csv").write_text("wrong,header\n1,2\n")
    readings.run(expect=1)
    (readings.folder / "in/b.csv").unlink()
    readings.run()


def test_ledger_rebuild_refuses_a_sound_ledger(readings):
    readings.run()
    assert readings.call("ledger", "rebuild", expect=1).stderr.startswith("error")
    assert readings.verify()["violations"] == []


def test_verify_ends_with_3_when_a_data_file_is_gone(readings):
    readings.run()
    assert readings.verify()["violations"] == []
    next((readings.data / "lake/sensors/readings").rglob("*.parquet")).unlink()
    assert readings.verify(expect=3)["violations"]


def test_a_damaged_ledger_has_a_code(readings):
    readings.run()
    for path in readings.data.glob("ledger.sqlite*"):
        path.write_bytes(b"not a database" * 100)
    done = readings.call("status", expect=None)
    assert done.returncode != 0
    assert done.stderr.startswith("error")


# --- dlq --------------------------------------------------------------------------------------


def test_dlq_lists_and_shows(readings):
    readings.run()
    rules = [
        json.loads(line) for line in readings.call("dlq", "list", "--json").stdout.splitlines()
    ]
    assert sum(rule["letters"] for rule in rules) == 3
    (rule,) = [rule for rule in rules if rule["letters"] == 2]
    shown = json.loads(readings.call("dlq", "show", rule["example_id"], "--json").stdout)
    assert shown["raw"] == ROWS[1] and shown["origin"].endswith("a.csv")
    (rule,) = [rule for rule in rules if rule["letters"] == 1]
    shown = json.loads(readings.call("dlq", "show", rule["example_id"], "--json").stdout)
    assert shown["raw"] == ROWS[4] and shown["line"] == 6 and shown["field"] == "ts"
    assert shown["is_replayed"] is False
    readings.call("dlq", "show", "1:2:3", expect=1)


def test_replayed_letters_are_rows_once_and_everything_adds_up(readings):
    readings.run()
    readings.pipeline("readings", READINGS.replace("85]", "150]"))
    (dry,) = json.loads(readings.call("dlq", "replay", "--dry-run", "--json").stdout)
    assert (dry["letters"], dry["replayed"], dry["failed"]) == (3, 1, 2)
    assert readings.value("SELECT count(*) FROM sensors.readings") == 2
    (done,) = json.loads(readings.call("dlq", "replay", "--json").stdout)
    assert (done["replayed"], done["rows"], done["failed"]) == (1, 1, 2)
    assert readings.query("SELECT sensor_id, value FROM sensors.readings WHERE value > 85") == [
        {"sensor_id": "S1", "value": 100}
    ]
    (again,) = json.loads(readings.call("dlq", "replay", "--json").stdout)
    assert (again["already_replayed"], again["replayed"], again["failed"]) == (1, 0, 2)
    assert readings.value("SELECT count(*) FROM sensors.readings") == 3
    assert readings.value("SELECT count(*) FROM sensors.readings__dead_letters") == 3
    assert readings.status("readings")["unaccounted"] == 0
    assert readings.verify()["violations"] == []
    readings.run()
    assert readings.value("SELECT count(*) FROM sensors.readings") == 3


def test_replay_chooses_by_sql_and_goes_on_without_the_file(readings):
    readings.run()
    (readings.folder / "in/a.csv").unlink()
    # The header is gone with the file: the declared columns in their order are taken for it.
    readings.pipeline("readings", READINGS.replace("85]", "2000]"))
    done = readings.call("dlq", "replay", "--where", "decode(raw) LIKE '%999.9'")
    assert "1 are good now" in done.stdout
    assert "note: header of" in done.stderr
    assert readings.value("SELECT max(value) FROM sensors.readings") == 999.9
    assert readings.verify()["violations"] == []


def test_replay_reads_json_and_columns_of_the_path(project):
    (project.folder / "S7.ndjson").write_text('{"ts":"2026-01-05T00:00:00Z","value":90}\n')
    text = (
        READINGS.replace("codec: csv", "codec: json")
        .replace('"in/*.csv"', '"*.ndjson"')
        .replace("type: string,", "type: string, from: path.stem,")
    )
    project.pipeline("readings", text).run()
    assert project.status("readings")["in_lake"] == 0
    project.pipeline("readings", text.replace("85]", "100]"))
    project.call("dlq", "replay")
    assert project.query("SELECT sensor_id, value FROM sensors.readings") == [
        {"sensor_id": "S7", "value": 90}
    ]
    assert project.verify()["violations"] == []


# --- simulate ---------------------------------------------------------------------------------


def test_simulate_writes_the_same_records_for_a_seed(project):
    csv = project.call("simulate", "--sensors", "5", "--rows", "100", "--format", "csv").stdout
    assert csv.count("\n") == 101 and csv.startswith("sensor_id,ts,")
    project.call("simulate", "--rows", "100", "--seed", "9", "-o", "a.ndjson")
    project.call("simulate", "--rows", "100", "--seed", "9", "--format", "ndjson", "-o", "b.ndjson")
    first = (project.folder / "a.ndjson").read_text()
    assert first == (project.folder / "b.ndjson").read_text()
    assert len([json.loads(line) for line in first.splitlines()]) == 100
    assert first != project.call("simulate", "--rows", "100", "--seed", "8").stdout
    project.call("simulate", "--gap-rate", "2", expect=2)


def test_simulate_makes_up_other_things_too(project):
    stations = project.call("simulate", "--profile", "base_stations", "--stations", "2",
                            "--rows", "50", "--format", "csv").stdout.splitlines()
    assert stations[0].startswith("station_id,datapoint_id,alarm_id,")
    assert len({line.split(",")[0] for line in stations[1:]}) == 2
    posts = json.loads(
        project.call("simulate", "--profile", "social_data", "--rows", "7", "--format", "json").stdout
    )
    assert len(posts) == 7 and list(posts[0]) == ["user", "message", "post_date", "likes", "retweets"]
    refused = project.call("simulate", "--profile", "shop", expect=78)
    assert "--output FOLDER" in refused.stderr
    refused = project.call("simulate", "--profile", "base_stations", expect=78)
    assert "format: csv" in refused.stderr


# --- the guide --------------------------------------------------------------------------------


def test_every_command_of_the_guide_works(project):
    text = (ROOT / "docs/guide/command-line.md").read_text(encoding="utf-8")
    commands = [
        line.split("  #")[0].strip()
        for block in text.split("```sh\n")[1:]
        for line in block.split("```")[0].splitlines()
    ]
    assert len(commands) > 25
    for command in commands:
        if command in ("catchwater run my-project", "catchwater run my-project --watch"):
            continue  # Runs until it is stopped.
        words = shlex.split(command)
        assert words[0] == "catchwater"
        project.call(*[word.replace("30s", "1s") for word in words[1:]])
