"""The ledger is deleted at several moments and made again: nothing lost, nothing doubled, and the
account is what it was.
"""

import json
import shutil
import signal

import pytest
from test_kill import SEEDS, facts, make, run, undisturbed  # noqa: F401


def lose_ledger(project, with_copies: bool) -> None:
    for path in project.data.glob("ledger.sqlite*"):
        path.unlink()
    if with_copies:
        shutil.rmtree(project.data / "lake/.ledger", ignore_errors=True)  # None yet: right too.


def rebuild(project) -> dict:
    return json.loads(project.call("ledger", "rebuild", "--json").stdout)


# A moment: what ended the run before the ledger was lost.
MOMENTS = {
    "after the first commit": "commit.done@1=kill",
    "after some commits": "commit.done@9=kill",
    "between the files of a commit and the commit": "commit.before_end@7=kill",
    "between the tables of a commit": "append.metadata_written@10=kill",
    "in a merge": "compact.metadata_written@1=kill",
    "after a merge": "compact.committed@1=kill",
    "at a clean end": "",
}


@pytest.mark.parametrize("copies", ["with copies", "without any copy"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_lost_ledger_is_made_again(tmp_path, undisturbed, moment, copies):  # noqa: F811
    seed, wanted, _ = undisturbed
    project = make(tmp_path / "project", seed)
    fail_point = MOMENTS[moment]
    run(project, 0, fail_point, expect=-signal.SIGKILL if fail_point else 0)
    account = project.status("sensors") if not fail_point else None
    lose_ledger(project, with_copies=copies == "without any copy")
    report = rebuild(project)
    assert bool(report["copy"]) == (copies == "with copies" and (project.data / "lake/.ledger").is_dir()
                                    and any((project.data / "lake/.ledger").glob("ledger-*")))
    assert project.verify()["violations"] == []
    if account:  # Nothing is read again: the account is there at once. Sinks look for their marks.
        again = project.status("sensors")
        for told in (account, again):
            for other in ("data_files", "dead_letter_files", "sinks"):
                told.pop(other)
        assert again == account
    run(project, 0)
    found = facts(project)
    assert found == wanted


def test_it_may_be_lost_again_and_again(tmp_path, undisturbed):  # noqa: F811
    seed, wanted, _ = undisturbed
    project = make(tmp_path / "project", seed)
    for hit in (2, 4, 3, 6):
        run(project, 0, f"commit.done@{hit}=kill", expect=None)
        lose_ledger(project, with_copies=hit == 3)
        rebuild(project)
        assert project.verify()["violations"] == []
    run(project, 0)
    assert facts(project) == wanted
    # Days later, when the notes of old commits are gone, the copy has what they said.
    for hours in (24 * 8, 24 * 8 + 1):
        run(project, hours)
    lose_ledger(project, with_copies=False)
    rebuild(project)
    # A sweep is beside it: files have the machine's time, so that what is being written looks days old.
    run(project, 24 * 8 + 1)
    assert facts(project) == wanted


LETTERS = """
pipeline: letters
source:
  file: { path: in.csv }
codec: csv
columns:
  ts:    { type: timestamp, event_time: true }
  value: float64
steps:
  - validate: { value: { range: [0, 50] } }
lake:
  table: town.letters
"""


def test_letters_that_were_replayed_stay_replayed(project):
    lines = [f"2026-01-05 00:{i // 60:02}:{i % 60:02},{i}" for i in range(100)]
    (project.folder / "in.csv").write_text("ts,value\n" + "\n".join(lines) + "\n")
    project.pipeline("letters", LETTERS).run()
    assert project.value("SELECT count(*) FROM town.letters") == 51
    project.pipeline("letters", LETTERS.replace("50]", "1000]"))
    project.call("dlq", "replay")
    before = project.verify()
    assert before["tables"]["town.letters"]["rows"] == 100
    lose_ledger(project, with_copies=True)
    rebuild(project)
    project.run()
    (again,) = json.loads(project.call("dlq", "replay", "--json").stdout)
    assert (again["already_replayed"], again["replayed"]) == (49, 0)
    after = project.verify()
    assert after["violations"] == []
    assert after["pipelines"] == before["pipelines"]
    assert after["tables"]["town.letters"]["rows"] == 100
