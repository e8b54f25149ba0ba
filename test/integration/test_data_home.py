"""A data folder that was copied or moved: refused everywhere, because its files are named by full paths."""

import shutil

import pytest
from conftest import Project

PIPELINE = """
pipeline: readings
source: { file: { path: "in/*.csv" } }
codec: csv
columns:
  sensor: { type: string, entity: true }
  value: int64
lake: { table: sensors.readings }
"""
COUNT = "SELECT count(*) AS n FROM sensors.readings"


@pytest.fixture
def ran(tmp_path) -> Project:
    project = Project(tmp_path / "first").pipeline("readings", PIPELINE)
    (project.folder / "in").mkdir()
    (project.folder / "in" / "a.csv").write_text("sensor,value\na,1\nb,2\n")
    project.call("run", ".", "--until-idle")
    return project


def count(project: Project, *more) -> str:
    return project.call("query", COUNT, "--format", "csv", *more).stdout.split()[1]


VERBS = [
    ("run", ".", "--until-idle"),
    ("query", COUNT),
    ("tables",),
    ("status",),
    ("verify",),
    ("ledger", "list"),
    ("ledger", "rebuild"),
    ("dlq", "list"),
]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: "-".join(verb[:2]).split()[0].lower())
def test_a_copy_is_refused_and_the_original_left_alone(ran, tmp_path, verb):
    copy = Project(shutil.copytree(ran.folder, tmp_path / "second", symlinks=True))
    (copy.folder / "in" / "b.csv").write_text("sensor,value\nc,3\n")
    done = copy.call(*verb, expect=78)
    assert "E2014" in done.stderr and "this is a copy" in done.stderr
    assert str(ran.folder / ".catchwater") in done.stderr
    assert count(ran) == "2"
    # Begun anew, as the message says, it is a project of its own.
    shutil.rmtree(copy.folder / ".catchwater")
    copy.call("run", ".", "--until-idle")
    assert (count(copy), count(ran)) == ("3", "2")


def test_a_moved_folder_is_refused_until_its_old_name_leads_to_it(ran, tmp_path):
    moved = Project(ran.folder.rename(tmp_path / "elsewhere"))
    (moved.folder / "in" / "b.csv").write_text("sensor,value\nc,3\n")
    done = moved.call("run", ".", "--until-idle", expect=78)
    assert "E2014" in done.stderr and "symbolic link" in done.stderr and "this is a copy" not in done.stderr
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / ".catchwater").symlink_to(moved.folder / ".catchwater")
    moved.call("run", ".", "--until-idle")
    assert count(moved) == "3"
    moved.call("verify", ".")


def test_another_name_of_the_same_folder_is_the_same_place(ran, tmp_path):
    (tmp_path / "link").symlink_to(ran.folder)
    assert count(ran, "--project", tmp_path / "link") == "2"
    assert count(ran, "--data", tmp_path / "link" / ".catchwater") == "2"


def test_a_folder_older_than_the_record_is_at_home_where_its_tables_are(ran, tmp_path):
    home = ran.data / "home"
    home.unlink()
    copy = Project(shutil.copytree(ran.folder, tmp_path / "second"))
    (copy.folder / "in" / "b.csv").write_text("sensor,value\nc,3\n")
    for verb in (("run", ".", "--until-idle"), ("query", COUNT), ("ledger", "rebuild")):
        done = copy.call(*verb, expect=78)
        assert "E2014" in done.stderr and "this is a copy" in done.stderr
        assert f"made at: {ran.data}\n" in done.stderr
    assert not (copy.data / "home").exists()
    # Reached under another name, too, the original is at home, and says so from now on.
    (tmp_path / "link").symlink_to(ran.folder)
    assert count(ran, "--project", tmp_path / "link") == "2"
    assert home.exists()
    assert count(ran) == "2"
    ran.folder.rename(tmp_path / "third")
    home = tmp_path / "third" / ".catchwater" / "home"
    home.unlink()
    done = Project(tmp_path / "third").call("verify", expect=78)
    assert "E2014" in done.stderr and "move it back" in done.stderr and not home.exists()
