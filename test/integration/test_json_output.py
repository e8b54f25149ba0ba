"""With --json a verb prints one document on standard output, whatever the files say."""

import json

import pytest

PIPELINE = """
pipeline: readings
source:
  file: { path: in.csv }
codec: csv
columns:
  id: int64
lake:
  table: t.readings
"""
SECRET = "s3:\n  access_key_id: key\n  secret_access_key: written-here\n"


@pytest.mark.parametrize(
    "verb", [["verify"], ["status"], ["tables"], ["ledger", "list"], ["validate"], ["run", "--until-idle"]]
)
def test_a_warning_goes_to_standard_error(project, verb):
    (project.folder / "in.csv").write_text("id\n1\n")
    (project.folder / "catchwater.yaml").write_text(SECRET)
    project.pipeline("readings", PIPELINE).run()
    done = project.call(*verb, "--json")
    document = json.loads(done.stdout)  # Fails on a second one.
    assert "E1206" in done.stderr and "written-here" not in done.stdout + done.stderr
    if verb == ["validate"]:
        assert document["warning_count"] == 1 and document["error_count"] == 0
    else:
        assert "diagnostics" not in document


def test_errors_are_the_document(project):
    project.pipeline("readings", PIPELINE.replace("columns:", "colums:"))
    document = json.loads(project.call("verify", "--json", expect=78).stdout)
    assert document["error_count"] >= 1
