"""A file that ends the program whenever it is read is set aside after a few starts, and nothing else is;
a program that is killed from outside sets nothing aside.
"""

import json
import signal

import pytest

FILES = """
pipeline: dropped
source:
  file: { path: "drop/*.csv" }
codec: csv
columns:
  id: int64
  ts: { type: timestamp, event_time: true }
lake:
  table: dropped.readings
"""
NAMES = ("a.csv", "b.csv", "c.csv")
ROWS = 1000


@pytest.fixture
def dropped(project):
    (project.folder / "drop").mkdir()
    for name in NAMES:
        lines = "".join(f"{n},2026-01-05 00:{n // 60:02}:{n % 60:02}\n" for n in range(ROWS))
        # Each has another content: the same would be taken once.
        (project.folder / "drop" / name).write_text(f"id,ts\n{lines}{ord(name[0])},2026-01-06\n")
    return project.pipeline("dropped", FILES)


def end(project, how: str, expect: signal.Signals) -> None:
    project.run(env={"CATCHWATER_FAIL_POINT": f"input.in_hand@1={how}"}, expect=-expect)


def failed(project) -> list[dict]:
    return json.loads(project.call("ledger", "list", "--state", "failed", "--json").stdout)


def test_a_file_that_crashes_the_program_is_set_aside(dropped):
    for _ in range(3):
        end(dropped, "abort", signal.SIGABRT)
    assert list(dropped.data.glob("crash-*"))
    done = dropped.run(expect=None)
    assert done.returncode != 0 and "E2013" in done.stderr, done.stderr
    (culprit,) = failed(dropped)
    assert "crashed" in culprit["reason"], culprit
    assert dropped.value("SELECT count(*) FROM dropped.readings") == (len(NAMES) - 1) * (ROWS + 1)
    # What was a mistake of the program is mended by another one.
    dropped.call("ledger", "retry")
    dropped.run()
    assert dropped.value("SELECT count(*) FROM dropped.readings") == len(NAMES) * (ROWS + 1)
    assert dropped.verify()["violations"] == []
    assert not list(dropped.data.glob("crash-*")), "nobody asks for old notes"


def test_twenty_kills_set_nothing_aside(dropped):
    for _ in range(20):
        end(dropped, "kill", signal.SIGKILL)
    assert failed(dropped) == []
    dropped.run()
    assert dropped.value("SELECT count(*) FROM dropped.readings") == len(NAMES) * (ROWS + 1)
    assert dropped.verify()["violations"] == []
