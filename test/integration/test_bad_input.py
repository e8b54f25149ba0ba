"""What is wrong is said with its place, or is a dead letter; memory stays under the ceiling; nothing
is lost."""

import gzip
import os
import shutil
import subprocess

import pytest

from conftest import PROGRAM, Project
from live import Running

PIPELINE = """
pipeline: readings
source: { file: { path: "in/*" } }
codec: CODEC
columns:
  ts: { type: timestamp, event_time: true }
  sensor_id: { type: string, entity: true }
  value: float64
lake:
  table: t.readings
"""
LINES = """
pipeline: readings
source: { file: { path: "in/*" } }
codec: lines
columns: { sensor_id: { type: string, from: line } }
lake: { table: t.readings }
"""

CEILING_BYTES = 512 << 20
# Whole in `make drill`.
LONG_BYTES = (1 << 30) if "CATCHWATER_DRILL_SEEDS" in os.environ else (96 << 20)


@pytest.fixture
def inputs(project):
    folder = project.folder / "in"
    folder.mkdir()
    return folder


def with_codec(project: Project, codec: str) -> Project:
    return project.pipeline("readings", LINES if codec == "lines" else PIPELINE.replace("CODEC", codec))


def letters(project: Project) -> list[dict]:
    return project.query(
        "SELECT origin, line, frame_ordinal, rule, field, reason, raw_bytes "
        "FROM t.readings__dead_letters ORDER BY origin, frame_ordinal"
    )


def run_within_the_ceiling(project: Project) -> None:
    with Running(project, "--until-idle") as running:
        peak = running.memory_peak_at_end()
    assert running.process.returncode == 0, running.text()
    assert 0 < peak < CEILING_BYTES


def as_who_may_not_read_everything() -> list[str]:
    """What goes before a command so that file modes count for root, too."""
    if os.geteuid() != 0:
        return []
    assert shutil.which("setpriv"), "util-linux is part of every Debian"
    rights = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}"]


# --- the configuration ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "wrong", "place", "said"),
    [
        ("columns:", "colums:", "5:1", "did you mean `columns`"),
        ("value: float64", "value: [float64]", "8:10", "value"),
        ("table: t.readings", "table: 7", "10:10", "table"),
        ("codec: csv", "codec: csw", "4:8", "did you mean `csv`"),
    ],
    ids=["key", "type_of_a_column", "type_of_an_option", "component"],
)
def test_a_wrong_key_or_type_is_shown_and_nothing_starts(project, inputs, right, wrong, place, said):
    project.pipeline("readings", PIPELINE.replace("CODEC", "csv").replace(right, wrong))
    refused = project.run(expect=78)
    assert f"readings.yaml:{place}" in refused.stderr
    assert "^" in refused.stderr and "doc E" in refused.stderr
    assert said in refused.stderr
    assert not project.data.exists()


# --- files that are not there, may not be read, or are damaged --------------------------------


def test_a_missing_file_is_named_and_the_next_run_takes_it(project, inputs):
    text = PIPELINE.replace("CODEC", "csv").replace("in/*", "in/one.csv")
    project.pipeline("readings", text)
    missing = project.run(expect=1)
    assert "in/one.csv" in missing.stderr and "error[E2011]" in missing.stderr
    (inputs / "one.csv").write_text("ts,sensor_id,value\n2026-01-01T00:00:00Z,a,1\n")
    project.run()
    assert project.value("SELECT count(*) AS n FROM t.readings") == 1


@pytest.mark.parametrize("closed", ["folder", "file"])
def test_what_may_not_be_read_is_named_and_taken_once_it_may(project, inputs, closed):
    with_codec(project, "csv")
    (inputs / "open.csv").write_text("ts,sensor_id,value\n2026-01-01T00:00:00Z,a,1\n")
    (inputs / "closed.csv").write_text("ts,sensor_id,value\n2026-01-01T00:00:00Z,b,2\n")
    path = inputs if closed == "folder" else inputs / "closed.csv"
    path.chmod(0)
    try:
        refused = subprocess.run(
            [*as_who_may_not_read_everything(), PROGRAM, "run", ".", "--until-idle"],
            cwd=project.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        path.chmod(0o755)
    if closed == "folder":
        assert refused.returncode == 1
        assert "in: Permission denied" in refused.stderr and "error[E2009]" in refused.stderr
    else:
        # The others go on.
        assert refused.returncode == 1, refused.stderr
        assert "error[E2013]" in refused.stderr
        assert "1 input files of pipeline readings failed" in refused.stderr
        failed = project.call("ledger", "list", "--state", "failed").stdout
        assert "in/closed.csv: Permission denied" in failed
        assert project.value("SELECT count(*) AS n FROM t.readings") == 1
    project.run()
    assert project.value("SELECT count(*) AS n FROM t.readings") == 2
    assert project.verify()["violations"] == []


def test_a_failed_file_is_told_from_any_folder(project, inputs, tmp_path_factory):
    with_codec(project, "csv")
    (inputs / "other.csv").write_text("ts,sensor_id\n2026-01-01T00:00:00Z,s\n")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for _ in range(2):
        done = subprocess.run(
            [PROGRAM, "run", project.folder, "--until-idle"],
            cwd=elsewhere, capture_output=True, text=True, timeout=60, check=False,
        )
        assert done.returncode == 1, done.stderr
        assert "1 input files of pipeline readings failed" in done.stderr
        assert "in/other.csv" in done.stderr


def test_a_truncated_gzip_keeps_what_was_read_and_says_where_it_ends(project, inputs):
    with_codec(project, "csv")
    rows = "".join(f"2026-01-01T00:00:00Z,s{i % 7},{i}\n" for i in range(200_000))
    packed = gzip.compress(("ts,sensor_id,value\n" + rows).encode(), 1)
    (inputs / "cut.csv.gz").write_bytes(packed[: len(packed) // 2])
    (inputs / "whole.csv.gz").write_bytes(gzip.compress(b"ts,sensor_id,value\n2026-01-01T00:00:00Z,w,1\n"))
    done = project.run(expect=1)
    assert "1 input files of pipeline readings failed" in done.stderr
    failed = project.call("ledger", "list", "--state", "failed").stdout
    assert "in/cut.csv.gz" in failed and "truncated" in failed
    assert f"gzip {len(packed) // 2}" in failed
    assert project.value("SELECT count(*) AS n FROM t.readings WHERE sensor_id = 'w'") == 1
    read = project.query("SELECT count(*) AS n, max(value) AS last FROM t.readings WHERE sensor_id <> 'w'")
    # From the beginning on, without a gap.
    assert 30_000 < read[0]["n"] < 170_000 and read[0]["last"] == read[0]["n"] - 1
    assert project.verify()["violations"] == []
    # Trying again changes nothing.
    project.call("ledger", "retry")
    project.run(expect=1)
    assert project.value("SELECT count(*) AS n FROM t.readings") == read[0]["n"] + 1
    assert project.verify()["violations"] == []
    # The whole file comes under the same name: it is read on from there.
    (inputs / "cut.csv.gz").write_bytes(packed)
    project.run()
    whole = project.query(
        "SELECT count(*) AS n, count(DISTINCT value) AS v FROM t.readings WHERE sensor_id <> 'w'"
    )
    assert whole == [{"n": 200_000, "v": 200_000}]
    assert project.status("readings")["input_files"]["done"] == 2
    assert project.verify()["violations"] == []
    # Another content is another input.
    (inputs / "cut.csv.gz").write_bytes(gzip.compress(b"ts,sensor_id,value\n2026-01-01T00:00:00Z,x,1\n"))
    project.run()
    assert project.value("SELECT count(*) AS n FROM t.readings") == 200_002


# --- records ----------------------------------------------------------------------------------

GOOD = {
    "csv": b"2026-01-01T00:00:00Z,a,1\n",
    "json": b'{"ts":"2026-01-01T00:00:00Z","sensor_id":"a","value":1}\n',
    "lines": b"a\n",
}
HEAD = {"csv": b"ts,sensor_id,value\n", "json": b"", "lines": b""}
# Around a text that is too long or not text at all.
RECORD = {
    "csv": (b"2026-01-01T00:00:01Z,", b",2\n"),
    "json": (b'{"ts":"2026-01-01T00:00:01Z","sensor_id":"', b'","value":2}\n'),
    "lines": (b"", b"\n"),
}


@pytest.mark.parametrize("codec", GOOD)
def test_a_line_of_a_gigabyte_is_one_dead_letter_in_little_memory(project, inputs, codec):
    with_codec(project, codec)
    begin, end = RECORD[codec]
    with open(inputs / "long", "wb") as file:
        file.write(HEAD[codec] + GOOD[codec] + begin)
        for _ in range(LONG_BYTES >> 20):
            file.write(b"x" * (1 << 20))
        file.write(end + GOOD[codec])
    run_within_the_ceiling(project)
    (letter,) = letters(project)
    assert letter["rule"] == "source.frame_bytes_max"
    assert letter["raw_bytes"] >= LONG_BYTES
    assert letter["frame_ordinal"] == len(HEAD[codec] + GOOD[codec])
    assert letter["line"] == HEAD[codec].count(b"\n") + 2
    assert project.value("SELECT count(*) AS n FROM t.readings WHERE sensor_id = 'a'") == 2
    assert project.verify()["violations"] == []


def test_a_quote_that_is_never_closed_loses_no_other_file(project, inputs):
    with_codec(project, "csv")
    with open(inputs / "open", "wb") as file:
        file.write(HEAD["csv"] + GOOD["csv"] + b'2026-01-01T00:00:01Z,"b,2\n')
        for _ in range(40):
            file.write(GOOD["csv"] * (1 << 15))
    (inputs / "other").write_bytes(HEAD["csv"] + GOOD["csv"])
    run_within_the_ceiling(project)
    assert project.value("SELECT count(*) AS n FROM t.readings") >= 2
    assert {letter["origin"] for letter in letters(project)} == {"in/open"}
    assert project.verify()["violations"] == []


def test_a_million_brackets_are_dead_letters(project, inputs):
    with_codec(project, "json")
    deep = b"[" * 1_000_000
    (inputs / "1").write_bytes(
        GOOD["json"]
        + deep
        + b"\n"
        + GOOD["json"]
        + b'{"ts":"2026-01-01T00:00:00Z","value":2,"sensor_id":'
        + deep
        + b"]" * 1_000_000
        + b"}\n"
        + GOOD["json"]
    )
    (inputs / "2").write_bytes(b'{"a":' * 200_000)
    run_within_the_ceiling(project)
    found = letters(project)
    assert [letter["rule"] for letter in found] == ["json.depth"] * 3
    assert [letter["frame_ordinal"] for letter in found][:1] == [len(GOOD["json"])]
    assert project.value("SELECT count(*) AS n FROM t.readings") == 3
    assert project.verify()["violations"] == []


NOT_UTF8 = {
    "no_beginning": b"\xff\xfe",
    "cut": b"ok\xc3",
    "surrogate": b"\xed\xa0\x80",
    "overlong": b"\xc0\xaf",
    "beyond_unicode": b"\xf4\x90\x80\x80",
}


@pytest.mark.parametrize("codec", GOOD)
def test_bad_utf8_is_a_dead_letter_with_its_place(project, inputs, codec):
    with_codec(project, codec)
    begin, end = RECORD[codec]
    for name, text in NOT_UTF8.items():
        (inputs / name).write_bytes(HEAD[codec] + GOOD[codec] + begin + text + end + GOOD[codec])
    project.run()
    found = letters(project)
    assert {letter["origin"] for letter in found} == {f"in/{name}" for name in NOT_UTF8}
    assert len(found) == len(NOT_UTF8)
    for letter in found:
        assert "UTF-8" in letter["reason"]
        assert letter["frame_ordinal"] == len(HEAD[codec] + GOOD[codec])
        assert letter["line"] == HEAD[codec].count(b"\n") + 2
    good = project.value("SELECT count(*) AS n FROM t.readings WHERE sensor_id = 'a'")
    assert good == 2 * len(NOT_UTF8)
    assert project.verify()["violations"] == []
