"""No option of a verb without a test: the help says which there are, the test folder which are used."""

import datetime
import json
import re

import pytest
from conftest import ROOT
from test_verbs import READINGS, readings  # noqa: F401


def help_of(project, *verb) -> tuple[set[str], list[str]]:
    """The options of a verb, and the verbs under it."""
    text = project.call(*verb, "--help").stdout
    options = set(re.findall(r"^ +(?:-\w,)?(--[a-z-]+)", text, re.MULTILINE)) - {"--help"}
    under = text.split("\nSubcommands:\n")
    verbs = re.findall(r"^ +([a-z]+) ", under[1], re.MULTILINE) if len(under) > 1 else []
    return options, verbs


def test_no_option_of_a_verb_is_forgotten(project):
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "test").rglob("*.py"))
    missing, seen = [], 0
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        verb = waiting.pop()
        options, under = help_of(project, *verb)
        waiting += [(*verb, name) for name in under]
        seen += len(options)
        missing += [f"{' '.join(verb)} {o}" for o in options if f'"{o}"' not in tests]
    assert seen > 40
    assert sorted(missing) == []


def listed(project, *arguments) -> list[dict]:
    return json.loads(project.call("ledger", "list", *arguments, "--json").stdout)


def test_data_and_set(readings):  # noqa: F811
    (readings.folder / "else.csv").write_text("ts,sensor_id,value\n2026-01-05 08:00:00,S9,3\n")
    where = ("--data", readings.folder / "there")
    readings.run(*where, "--set", "source.file.path=else.csv")
    assert (readings.folder / "there/ledger.sqlite").exists()
    assert not readings.data.exists()
    assert readings.query("SELECT sensor_id FROM sensors.readings", *where) == [{"sensor_id": "S9"}]
    # Options go before the verb too, and with several pipelines the pipeline's name comes first.
    readings.pipeline("second", READINGS.replace("pipeline: readings", "pipeline: second").replace(
        "sensors.readings", "sensors.second"))
    readings.call(*where, "run", "--until-idle", "--set", "second.source.file.path=else.csv")
    assert readings.query("SELECT count(*) AS n FROM sensors.second", *where) == [{"n": 1}]
    refused = readings.call("run", "--set", "source.file.pth=x", expect=78)
    assert "pth" in refused.stderr


def test_run_lanes_and_delays(readings):  # noqa: F811
    done = readings.run("--lanes", "1", "--delays")
    for stage in ("buffer", "total"):
        assert stage in done.stdout
    assert readings.verify()["pipelines"]["readings"]["in_lake"] == 2
    readings.call("run", "--lanes", "many", expect=2)


def test_status_files_leaves_the_account_out(readings):  # noqa: F811
    readings.run()
    whole, files = (readings.call("status", *more).stdout for more in ((), ("--files",)))
    assert "frames received" in whole and "frames received" not in files
    assert "Done 1" in files


def test_ledger_list_chooses(readings):  # noqa: F811
    (readings.folder / "in/b.csv").write_text("ts,sensor_id,value\n2026-01-05 09:00:00,S3,7\n")
    readings.run()
    assert len(listed(readings, "--inputs")) == 2
    assert len(listed(readings, "--inputs", "--limit", "1")) == 1
    assert listed(readings, "--inputs", "--pipeline", "another") == []
    assert len(listed(readings, "--inputs", "--pipeline", "readings")) == 2
    # Five files of a partition are merged; with --removed what they were is still told.
    for i in range(5):
        (readings.folder / f"in/c{i}.csv").write_text(
            f"ts,sensor_id,value\n2026-01-05 10:0{i}:00,S3,{i}\n"
        )
        readings.run("--no-maintenance")
    readings.run()
    live = listed(readings, "--data-files", "--table", "sensors.readings")
    every = listed(readings, "--data-files", "--table", "sensors.readings", "--removed")
    assert len(every) >= len(live) + 5
    assert {file["state"] for file in every} == {"Done"} | {file["state"] for file in live}


def test_ledger_retry_chooses(readings):  # noqa: F811
    for name in ("bad1", "bad2"):
        (readings.folder / f"in/{name}.csv").write_text(f"wrong,{name}\n1,2\n")
    readings.run(expect=1)  # A file that was not taken is not silence.
    clock = 0
    while len(listed(readings, "--state", "failed")) < 2:
        clock += 5  # Past the back-off.
        assert clock < 60
        readings.run(env={"CATCHWATER_CLOCK_AHEAD": f"{clock}m"}, expect=None)
    assert "2 input files of pipeline readings failed" in readings.run(expect=None).stderr

    def retried(*arguments):
        return json.loads(readings.call("ledger", "retry", *arguments, "--json").stdout)["retried"]

    assert retried("--pipeline", "another") == 0
    assert retried("--table", "sensors.nothing") == 0
    assert retried("--path", "bad1") == 1
    assert [f["path"][-8:] for f in listed(readings, "--state", "failed")] == ["bad2.csv"]
    assert retried("--pipeline", "readings") == 1


def test_dlq_chooses(readings):  # noqa: F811
    readings.run()

    def rules(*arguments):
        out = readings.call("dlq", "list", *arguments, "--json").stdout
        return {rule["rule"]: rule["letters"] for rule in map(json.loads, out.splitlines())}

    everything = rules()
    assert sum(everything.values()) == 3
    assert rules("--pipeline", "readings") == everything
    assert rules("--where", "rule = 'validate.range'") == {"validate.range": 2}
    unknown = readings.call("dlq", "list", "--pipeline", "redings", expect=None)
    assert unknown.returncode != 0 and "readings" in unknown.stderr
    out = readings.call("dlq", "list", "--json").stdout
    letter = json.loads(out.splitlines()[0])["example_id"]
    shown = readings.call("dlq", "show", letter, "--pipeline", "readings", "--json").stdout
    assert json.loads(shown)["dead_letter_id"] == letter if "dead_letter_id" in shown else shown
    (dry,) = json.loads(
        readings.call("dlq", "replay", "--pipeline", "readings", "--dry-run", "--json").stdout
    )
    assert dry["letters"] == 3


def test_simulate_options(project):
    def records(*arguments):
        done = project.call("simulate", "--sensors", "4", "--seed", "5", *arguments)
        return done.stdout.splitlines()

    def parsed(lines):
        return [json.loads(line) for line in lines]

    def time_of(record):
        return datetime.datetime.fromisoformat(record["ts"].replace("Z", "+00:00"))

    clean = parsed(records("--rows", "400", "--from", "2025-06-01T00:00:00Z", "--cadence", "10s"))
    times = sorted({time_of(record) for record in clean})
    start = datetime.datetime(2025, 6, 1, tzinfo=datetime.timezone.utc)
    assert start <= times[0] < start + datetime.timedelta(seconds=10)
    mine = sorted(time_of(r) for r in clean if r["sensor_id"] == clean[0]["sensor_id"])
    steps = {round((b - a).total_seconds()) for a, b in zip(mine, mine[1:])}
    assert steps <= {10, 20, 30}, steps
    keys = [(r["sensor_id"], r["ts"]) for r in clean]
    assert len(set(keys)) == len(keys)

    doubled = parsed(records("--rows", "400", "--duplicate-rate", "0.2"))
    keys = [(r["sensor_id"], r["ts"]) for r in doubled]
    assert len(set(keys)) < len(keys)

    def lateness(lines):
        seen, worst = None, datetime.timedelta(0)
        for record in parsed(lines):
            time = time_of(record)
            worst = max(worst, (seen or time) - time)
            seen = max(seen or time, time)
        return worst

    late = ("--late-rate", "0.2", "--late-by", "2h", "--rows", "2000", "--cadence", "1m")
    assert lateness(records(*late)) >= datetime.timedelta(minutes=30)
    assert lateness(records("--rows", "2000", "--cadence", "1m", "--late-rate", "0")) < (
        datetime.timedelta(minutes=5)
    )

    def broken(lines):
        count = 0
        for line in lines:
            try:
                json.loads(line)
            except ValueError:
                count += 1
        return count

    assert broken(records("--rows", "400", "--broken-rate", "0.2")) > 10
    assert broken(records("--rows", "400", "--broken-rate", "0")) == 0
    assert len(records("--rows", "400", "--gap-rate", "0.3")) < 400


def test_doc_all_writes_the_reference_as_it_is_committed(project):
    project.call("doc", "--all", "pages")
    written = {p.name: p.read_text(encoding="utf-8") for p in (project.folder / "pages").iterdir()}
    committed = {
        path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs/reference").iterdir()
    }
    assert set(written) <= set(committed)
    for name, text in written.items():
        assert text == committed[name], f"docs/reference/{name} is stale: catchwater doc --all"


def test_version_lists_the_steps(project):
    steps = project.call("version", "--steps").stdout.split()
    assert len(steps) == len(set(steps)) >= 26
    unknown = project.call("version", env={"CATCHWATER_FAIL_POINT": "no.such=kill"}, expect=None)
    assert unknown.returncode in (0, -6)


@pytest.mark.parametrize("verb", ["status", "tables", "verify", "query", "ledger list", "dlq list", "app list"])
def test_every_answer_has_a_form_for_programs(readings, verb):  # noqa: F811
    readings.run()
    more = {"query": ["SELECT 1 AS one"]}.get(verb, [])
    done = readings.call(*verb.split(), *more, "--json")
    for line in [done.stdout] if verb != "dlq list" else done.stdout.splitlines():
        json.loads(line)
