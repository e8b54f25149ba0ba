"""What somebody who writes a pipeline gets wrong: it is said before anything is started, with its place, and what is in
the lake stays in reach."""

import json
import shutil

import pytest
from test_verbs import READINGS, readings  # noqa: F401

STEPS = READINGS.replace(
    "  - validate: { value: { range: [-40, 85] } }\n",
    "  - select: value IS NOT NULL\n  - derive: { f: 1 + valeu }\n",
)

# --- SQL of steps -----------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["validate", "run --until-idle", "run --preview 5"])
def test_sql_of_a_step_is_refused_at_its_place(readings, verb):  # noqa: F811
    refused = readings.pipeline("readings", STEPS).call(*verb.split(), expect=78)
    column = next(line for line in STEPS.splitlines() if "valeu" in line).index("valeu") + 1
    line = STEPS.splitlines().index("  - derive: { f: 1 + valeu }") + 1
    assert "error[E1302]: unknown column `valeu` in step `derive`" in refused.stderr
    assert f"--> pipelines/readings.yaml:{line}:{column}\n" in refused.stderr
    assert "^^^^^ did you mean `value`?" in refused.stderr
    assert "Nothing was started." in refused.stderr
    assert "Binder Error" not in refused.stderr
    assert not readings.data.exists()


def test_sql_that_is_none_gets_a_code_of_its_own_and_json(readings):  # noqa: F811
    wrong = STEPS.replace("1 + valeu", '"value + )"')
    refused = readings.pipeline("readings", wrong).call("validate", "--json", expect=78)
    (said,) = json.loads(refused.stdout)["diagnostics"]
    assert said["code"] == "E1313"
    assert said["file"] == "pipelines/readings.yaml"
    assert wrong.splitlines()[said["line"] - 1][said["column"] - 1] == ")"
    assert "E1313" in readings.call("doc", "E1313").stdout


def test_a_table_that_is_not_there_yet_is_no_mistake(readings):  # noqa: F811
    text = STEPS.replace(
        "  - derive: { f: 1 + valeu }\n",
        "  - enrich: { with: { table: a.sites }, key: sensor_id, add: [site] }\n",
    )
    done = readings.pipeline("readings", text).call("validate")
    assert "pipeline readings: not checked from here on: step `enrich`" in done.stderr
    assert not readings.data.exists()


# --- A pipeline file with a mistake beside good ones ------------------------------------------


@pytest.fixture
def broken(readings):  # noqa: F811
    """Two pipelines have run; one of the files has a mistake since."""
    shutil.copytree(readings.folder / "in", readings.folder / "in2")
    other = READINGS.replace("pipeline: readings", "pipeline: others").replace("in/*", "in2/*")
    readings.pipeline("others", other.replace("sensors.readings", "sensors.others"))
    readings.run()
    return readings.pipeline("others", "pipeline: others\nsource: { file: [\n")


@pytest.mark.parametrize(
    "line, shown",
    [
        ("tables", "sensors.others"),
        ("ledger list", "in2/a.csv"),
        ("dlq list", "validate.range"),
        ("status", "pipeline readings"),
        ("app list", ""),
    ],
)
def test_verbs_that_read_work_beside_a_broken_file(broken, line, shown):
    done = broken.call(*line.split())
    assert shown in done.stdout
    assert "error[E1001]" in done.stderr
    assert "pipelines/others.yaml:3" in done.stderr
    assert "Pipelines of these files are left out" in done.stderr
    broken.call("run", "--until-idle", expect=78)
    broken.call("verify", expect=78)


def test_queries_work_beside_a_broken_file(broken):
    assert broken.value("SELECT count(*) FROM sensors.others") == 2
    assert len(json.loads(broken.call("ledger", "list", "--json").stdout)) > 2


def test_letters_of_the_broken_pipeline_are_in_reach(broken):
    done = broken.call("dlq", "list", "--pipeline", "others", "--json")
    letters = [json.loads(line) for line in done.stdout.splitlines()]
    assert sum(letter["letters"] for letter in letters) == 3
    assert {letter["pipeline"] for letter in letters} == {"others"}
    shown = broken.call("dlq", "show", letters[0]["example_id"], "--json", "--pipeline", "others")
    letter = json.loads(shown.stdout)
    assert letter["pipeline"] == "others"
    assert type(letter["line"]) is int and type(letter["raw_bytes"]) is int
    assert letter["state_at"] is None
    broken.call("dlq", "replay", "--pipeline", "others", expect=78)


def test_broken_settings_stand_in_the_way(broken):
    (broken.folder / "catchwater.yaml").write_text("data: [")
    broken.call("tables", expect=78)


# --- Questions --------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["valeu", "r.valeu"])
def test_a_mistyped_column_of_a_query_gets_a_suggestion(readings, column):  # noqa: F811
    readings.run()
    refused = readings.call("query", f"SELECT {column} FROM sensors.readings r", expect=1)
    assert refused.stderr.startswith("error[E2030]: There is no column valeu\n --> SQL:1:8\n")
    assert "^ did you mean `value`?\n" in refused.stderr


def test_rows_of_a_statement_before_the_last_are_not_lost(readings):  # noqa: F811
    readings.run()
    refused = readings.call("query", "SELECT 1; SELECT 2", expect=1)
    assert refused.stdout == ""
    assert refused.stderr.startswith("error[E2032]: SQL has several statements that give rows")
    assert "2" in readings.call("query", "SET threads = 1; SELECT 2").stdout


def test_at_says_which_forms_there_are(readings):  # noqa: F811
    readings.run()
    refused = readings.call("query", "SELECT 1", "--at", "yesterday", expect=1)
    assert refused.stderr.startswith("error[E2034]: Time of --at cannot be read")
    assert "2026-01-31T12:30:05Z" in refused.stderr and "tables --snapshots" in refused.stderr


# --- Projects and letters ---------------------------------------------------------------------


def test_a_project_without_a_lake_is_told_so(readings):  # noqa: F811
    text = READINGS[: READINGS.index("lake:")] + (
        "streams:\n  totals:\n    key: [sensor_id]\n    window: all\n"
        "    compute: { n: count() }\n    to: [console]\n"
    )
    readings.pipeline("readings", text).run()
    refused = readings.call("verify", expect=1)
    assert refused.stderr.startswith("error[E2015]: No pipeline of the project has a `lake`")
    assert "no data yet" not in refused.stderr


def test_status_counts_the_files_of_dead_letters(readings):  # noqa: F811
    readings.run()
    assert readings.status("readings")["dead_letter_files"]["to_process"] == 1
    assert "dead letter files: To Process 1" in readings.call("status").stdout
    assert "dead_letters" in readings.call("status", "--files").stdout


def test_the_version_is_a_flag_too(project):
    assert project.call("--version").stdout == project.call("version").stdout


def test_a_record_with_other_fields_says_how_many(readings):  # noqa: F811
    (readings.folder / "in/a.csv").write_text("ts,sensor_id,value\n2026-01-05 08:00:00,S1\n")
    readings.run()
    sql = "SELECT reason FROM sensors.readings__dead_letters"
    assert readings.value(sql) == "record has 2 fields instead of 3"
