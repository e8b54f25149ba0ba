"""One command line: the project in every form, what is wrong said so that it can be written right, listings that tell all."""

import json
import re

import pytest
from conftest import ROOT, Project
from test_verbs import READINGS, readings  # noqa: F401


@pytest.fixture
def ran(readings) -> Project:  # noqa: F811
    readings.run()
    return readings


# --- The project ------------------------------------------------------------------------------

BOTH = ["tables", "status", "verify", "validate", "ledger list", "ledger retry", "dlq list"]


@pytest.mark.parametrize("verb", BOTH)
def test_the_project_is_a_word_or_an_option(ran, verb):
    above = Project(ran.folder.parent)
    word = above.call(*verb.split(), ran.folder.name)
    option = above.call(*verb.split(), "--project", ran.folder.name)
    assert word.stdout == option.stdout


def test_run_and_replays_take_both_forms_too(ran):
    above = Project(ran.folder.parent)
    above.call("run", "--project", ran.folder.name, "--until-idle")
    above.call("dlq", "replay", ran.folder.name, "--dry-run")
    above.call("dlq", "discard", ran.folder.name, "--dry-run")
    above.call("ledger", "rebuild", "--project", ran.folder.name, expect=1)


@pytest.mark.parametrize(
    "line",
    [
        ("query", "project", "SELECT 1"),
        ("crawl", "folder", "project"),
        ("dlq", "show", "7:1:0", "project"),
        ("app", "status", "ten_minutes", "project"),
    ],
    ids=" ".join,
)
def test_a_word_without_a_place_is_told_where_the_project_goes(project, line):
    done = project.call(*line, expect=2)
    assert "has no place for the word" in done.stderr
    assert "takes the project as --project DIR" in done.stderr


# --- Words that are nearly right --------------------------------------------------------------


@pytest.mark.parametrize(
    "line, nearest",
    [
        (("run", "--untl-idle"), "--until-idle"),
        (("query", "--projct", "x", "SELECT 1"), "--project"),
        (("status", "--jsn"), "--json"),
        (("ledger", "lst"), "list"),
        (("dlq", "--json", "replya"), "replay"),
        (("ledger", "list", "--stat", "failed"), "--state"),
        (("--dat", "x", "status"), "--data"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_an_unknown_option_or_verb_gets_a_suggestion(project, line, nearest):
    done = project.call(*line, expect=2)
    assert done.stderr.startswith("error: there is no ")
    assert f"did you mean `{nearest}`?" in done.stderr


def test_a_verb_without_the_word_below_lists_those(project):
    assert "needs one of: list, retry, rebuild" in project.call("ledger", expect=2).stderr


def test_every_verb_and_the_words_below_have_examples(project):
    waiting, seen = [()], 0
    while waiting:
        verb = waiting.pop()
        text = project.call(*verb, "--help").stdout
        assert text.startswith("Examples:\n  catchwater"), verb
        if verb:
            assert text.splitlines()[1].startswith("  catchwater " + " ".join(verb)), verb
        under = text.split("\nSubcommands:\n")
        if len(under) > 1:
            waiting += [(*verb, name) for name in re.findall(r"^ +([a-z]+) ", under[1], re.M)]
        seen += 1
    assert seen > 25


# --- SQL that is wrong ------------------------------------------------------------------------


def refused(project, sql: str) -> str:
    return project.call("query", sql, expect=1).stderr


def test_an_unknown_table_or_column_is_shown_with_its_place(ran):
    said = refused(ran, "SELECT *\nFROM sensors.reading")
    assert said.startswith("error[E2030]: There is no table sensors.reading\n --> SQL:2:6\n")
    assert "2 | FROM sensors.reading\n  |      ^ did you mean `sensors.readings`?" in said
    assert "note: tables: sensors.readings, sensors.readings__dead_letters" in said
    assert "did you mean `sensors.readings`?" in refused(ran, "FROM readings")
    said = refused(ran, "SELECT sensr_id FROM sensors.readings")
    assert said.startswith("error[E2030]: There is no column sensr_id\n --> SQL:1:8\n")
    assert "Candidate bindings" in said and "sensor_id" in said


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM sensors.readings",
        "UPDATE sensors.readings SET value = 1",
        "INSERT INTO sensors.readings SELECT * FROM sensors.readings",
        "DROP TABLE sensors.readings",
    ],
)
def test_tables_are_read_only(ran, sql):
    said = refused(ran, sql)
    assert said.startswith("error[E2031]: Tables cannot be changed by SQL")
    assert "lake.retain" in said
    assert ran.value("SELECT count(*) FROM sensors.readings") == 2


def test_sql_writes_over_no_file(ran):
    data_file = next((ran.data / "lake" / "sensors" / "readings" / "data").rglob("*.parquet"))
    for path in (data_file, ran.data / "ledger.sqlite"):
        said = refused(ran, f"COPY (SELECT 1 AS x) TO '{path}' (FORMAT csv)")
        assert said.startswith("error[E2031]: SQL may not write files")
    assert ran.value("SELECT count(value) FROM sensors.readings") == 2
    ran.verify()


def test_sql_that_is_no_sql_has_a_caret(ran):
    said = refused(ran, "SELEC 1")
    assert said.startswith("error[E2032]: SQL is not valid\n --> SQL:1:1\n")
    assert "1 | SELEC 1\n  | ^" in said and "Parser Error" in said
    assert refused(ran, "").startswith("error[E2032]")
    out = ("--format", "parquet", "--output", "x.parquet")
    said = ran.call("query", "SELECT foo", *out, expect=1).stderr
    assert "--> SQL:1:8\n" in said and "1 | SELECT foo\n" in said
    assert refused(ran, "SELECT CAST(sensor_id AS INTEGER) FROM sensors.readings").startswith(
        "error[E2032]"
    )


@pytest.mark.parametrize("verb", ["list", "replay", "discard"])
def test_a_condition_is_shown_by_itself(ran, verb):
    said = ran.call("dlq", verb, "--where", "rul = 'x'", expect=1).stderr
    assert said.startswith("error[E2030]: There is no column rul\n --> --where:1:1\n")
    assert "1 | rul = 'x'\n  | ^" in said
    said = ran.call("dlq", verb, "--where", "rule = 'x' AND", expect=1).stderr
    assert said.startswith("error[E2032]: --where is not valid\n --> --where:1:15\n")


def test_a_data_file_that_is_gone_is_told_by_verify(ran):
    (gone, *_) = (ran.data / "lake/sensors/readings/data").rglob("*.parquet")
    kept = gone.read_bytes()
    gone.unlink()
    # Answered from metadata, as Iceberg allows: docs/guide/command-line.md.
    assert ran.value("SELECT count(*) FROM sensors.readings") == 2
    lost = "SELECT max(value) FROM sensors.readings WHERE value < 1000"
    said = ran.call("query", lost, expect=4).stderr
    assert said.startswith("error[E2033]") and "catchwater verify" in ran.call(
        "doc", "E2033"
    ).stdout
    report = ran.verify(expect=3)
    assert any(gone.name in violation for violation in report["violations"])
    gone.write_bytes(kept)
    assert ran.verify()["violations"] == []


# --- Listings, configuration ------------------------------------------------------------------


def test_a_cut_list_says_so(ran):
    whole = ran.call("ledger", "list")
    assert re.fullmatch(r"\d+ work files\n", whole.stderr)
    cut = ran.call("ledger", "list", "--data-files", "--limit", "1")
    assert cut.stderr == "1 work files shown, there are more: --limit N shows more\n"
    one = ran.call("ledger", "list", "--inputs", "--limit", "1")
    assert one.stderr == "1 work files\n"


def test_status_files_shows_what_ledger_list_shows(ran):
    listed = json.loads(
        ran.call("ledger", "list", "--inputs", "--pipeline", "readings", "--json").stdout
    )
    for table in ("sensors.readings", "sensors.readings__dead_letters"):
        listed += json.loads(ran.call("ledger", "list", "--table", table, "--json").stdout)
    (report,) = json.loads(ran.call("status", "--files", "--json").stdout)
    assert report["files"] == listed
    text = ran.call("status", "--files").stdout
    assert all(file["path"] in text for file in listed)


def test_a_range_that_nothing_can_be_in_is_refused_with_its_place(readings):  # noqa: F811
    for ends in ("[85, -40]", "[2026-02-01, 2026-01-01]"):
        readings.pipeline("readings", READINGS.replace("[-40, 85]", ends))
        said = readings.call("validate", expect=78).stderr
        assert "wrong way round" in said
        assert "readings.yaml:11" in said
    for ends in ("[85, 85]", "[null, 3]", "[1e3, 20000]"):
        readings.pipeline("readings", READINGS.replace("[-40, 85]", ends))
        readings.call("validate")


def test_what_was_not_read_is_not_called_all(readings):  # noqa: F811
    readings.pipeline("readings", READINGS.replace("codec: csv", "codec: [csv"))
    said = readings.call("validate", expect=78).stderr
    assert "more may show once that can be read" in said and "all shown" not in said
    readings.pipeline("readings", READINGS.replace("codec: csv", "codec: cvs"))
    assert "1 error (all shown)" in readings.call("validate", expect=78).stderr


@pytest.mark.parametrize("template", ["base_stations", "data_lake"])
def test_init_writes_the_larger_examples_whole(project, template):
    done = project.call("init", template, "made")
    example = ROOT / "examples" / template
    wanted = {
        path.relative_to(example): path.read_bytes()
        for path in example.rglob("*")
        if path.is_file() and path.suffix in (".md", ".yaml", ".sql", ".json")
        and not {"feeds", ".catchwater"} & set(path.parts)
    }
    made = project.folder / "made"
    written = {p.relative_to(made): p.read_bytes() for p in made.rglob("*") if p.is_file()}
    assert written == {path: text for path, text in wanted.items() if path in written}
    assert set(written) == {path for path in wanted if "kafka-ing" not in str(path)}
    project.call("validate", "made")
    assert "catchwater run made --until-idle" in done.stdout


def test_the_shop_of_init_runs_as_printed(project):
    done = project.call("init", "data_lake", "made")
    commands = [line.strip() for line in done.stdout.splitlines() if line.startswith("  ")]
    assert commands[0] == "catchwater simulate --profile shop --output made/feeds"
    project.call(*commands[0].split()[1:])
    project.call("run", "made", "--until-idle")
    sql = (project.folder / "made/queries/sales_by_product.sql").read_text(encoding="utf-8")
    assert project.query(sql, "--project", "made")
    assert commands[-1] == "catchwater verify made"
    project.call("verify", "made")
