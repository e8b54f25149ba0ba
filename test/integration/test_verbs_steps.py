"""Each option of each step, as a row of a table: what goes in, what comes out, who is counted."""

import re

import pytest
from conftest import ROOT

PIPELINE = """
pipeline: p
source:
  file: {{ path: in.csv }}
codec: csv
columns:
  ts: {{ type: timestamp, event_time: true }}
  k: string
  v: float64
steps:
{steps}
lake:
  table: t.rows
"""

ROWS = """ts,k,v
2026-01-05 00:00:00,a,1
2026-01-05 00:10:00,a,2
2026-01-05 00:20:00,b,
2026-01-05 02:00:00,a,100
2026-01-05 02:00:00,c,4
"""

CASES = {
    "select": ("  - select: v > 1", "k, v", [("a", 2), ("a", 100), ("c", 4)], 0),
    "select long form": (
        "  - select: { condition: 'v IS NOT NULL AND v <= 2' }",
        "k, v",
        [("a", 1), ("a", 2)],
        0,
    ),
    "derive": (
        "  - derive: { f: v * 2 }",
        "k, f",
        [("a", 2), ("a", 4), ("a", 200), ("b", None), ("c", 8)],
        0,
    ),
    "validate range": (
        "  - validate: { v: { range: [0, 50] } }",
        "k, v",
        [("a", 1), ("a", 2), ("b", None), ("c", 4)],
        1,
    ),
    "validate not_null": (
        "  - validate: { v: { not_null: true } }",
        "k, v",
        [("a", 1), ("a", 2), ("a", 100), ("c", 4)],
        1,
    ),
    "validate regex": ("  - validate: { k: { regex: '^[bc]$' } }", "k, v", [("b", None), ("c", 4)], 3),
    "validate one_of": ("  - validate: { k: { one_of: [b] } }", "k, v", [("b", None)], 4),
    "validate unique_within": (
        "  - validate: { k: { unique_within: 1h } }",
        "k, v",
        [("a", 1), ("a", 100), ("b", None), ("c", 4)],
        1,
    ),
    "validate on_fail null": (
        "  - validate: { v: { range: [0, 50], on_fail: 'null' } }",
        "k, v",
        [("a", 1), ("a", 2), ("a", None), ("b", None), ("c", 4)],
        0,
    ),
    "validate on_fail drop": (
        "  - validate: { v: { range: [0, 50], on_fail: drop } }",
        "k, v",
        [("a", 1), ("a", 2), ("b", None), ("c", 4)],
        0,
    ),
    "validate range with an open end": (
        "  - validate: { v: { range: [2, null] } }",
        "k, v",
        [("a", 2), ("a", 100), ("b", None), ("c", 4)],
        1,
    ),
    "validate on_fail of all columns": (
        "  - validate: { on_fail: drop, v: { not_null: true }, k: { one_of: [a, b] } }",
        "k, v",
        [("a", 1), ("a", 2), ("a", 100)],
        0,
    ),
    "validate on_fail of one column goes first": (
        "  - validate: { on_fail: drop, v: { not_null: true, on_fail: dead_letter } }",
        "k, v",
        [("a", 1), ("a", 2), ("a", 100), ("c", 4)],
        1,
    ),
    "validate keys_max": (
        "  - validate: { keys_max: 10, k: { unique_within: 1h } }",
        "k, v",
        [("a", 1), ("a", 100), ("b", None), ("c", 4)],
        1,
    ),
    "deduplicate key": (
        "  - deduplicate: { key: [k] }",
        "k, v",
        [("a", 1), ("b", None), ("c", 4)],
        0,
    ),
    "deduplicate keys_max": (
        "  - deduplicate: { key: [k], keys_max: 1 }",
        "k, v",
        [("a", 1), ("a", 100), ("b", None), ("c", 4)],
        0,
    ),
    "deduplicate within": (
        "  - deduplicate: { key: [k], within: 1h }",
        "k, v",
        [("a", 1), ("a", 100), ("b", None), ("c", 4)],
        0,
    ),
    "deduplicate two keys": (
        "  - deduplicate: { key: [k, ts], within: 1h }",
        "k, v",
        [("a", 1), ("a", 2), ("a", 100), ("b", None), ("c", 4)],
        0,
    ),
    "enrich on_missing null": (
        "  - enrich: { with: rooms.csv, key: k, add: [room], on_missing: 'null' }",
        "k, room",
        [("a", "hall")] * 3 + [("b", "attic"), ("c", None)],
        0,
    ),
    "enrich on_missing dead_letter": (
        "  - enrich: { with: rooms.csv, key: k, add: [room], on_missing: dead_letter }",
        "k, room",
        [("a", "hall")] * 3 + [("b", "attic")],
        1,
    ),
    "enrich on_missing drop": (
        "  - enrich: { with: rooms.csv, key: k, on_missing: drop }",
        "k, room",
        [("a", "hall")] * 3 + [("b", "attic")],
        0,
    ),
    "enrich without add takes all but the key": (
        "  - enrich: { with: { file: rooms.csv }, key: [k] }",
        "k, room, floor",
        [("a", "hall", 0)] * 3 + [("b", "attic", 3), ("c", None, None)],
        0,
    ),
    "enrich key of another name": (
        "  - enrich: { with: codes.csv, key: { k: code }, add: [name], rows_max: 3 }",
        "k, name",
        [("a", "Anna")] * 3 + [("b", None), ("c", "Carl")],
        0,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_step_option(project, case):
    steps, columns, rows, dead_letters = CASES[case]
    (project.folder / "in.csv").write_text(ROWS)
    (project.folder / "rooms.csv").write_text("k,room,floor\na,hall,0\nb,attic,3\n")
    (project.folder / "codes.csv").write_text("code,name\na,Anna\nc,Carl\n")
    project.pipeline("p", PIPELINE.format(steps=steps)).run()
    found = project.query(f"SELECT {columns} FROM t.rows ORDER BY ALL NULLS LAST")
    assert [tuple(row.values()) for row in found] == sorted(
        rows, key=lambda row: [(value is None, value or 0) for value in row]
    )
    report = project.verify()
    assert report["violations"] == []
    account = report["pipelines"]["p"]
    assert (account["frames"], account["dead_letters"]) == (5, dead_letters)
    assert account["unaccounted"] == 0


def test_enrich_from_a_table_of_the_lake(project):
    (project.folder / "in.csv").write_text(ROWS)
    (project.folder / "rooms.csv").write_text("k,room\na,hall\nb,attic\n")
    project.pipeline(
        "rooms",
        "pipeline: rooms\nsource: { file: { path: rooms.csv } }\ncodec: csv\n"
        "columns: { k: string, room: string }\nlake: { table: t.rooms }\n",
    ).run()
    project.pipeline("p", PIPELINE.format(steps="  - enrich: { with: { table: t.rooms }, key: k }"))
    project.run()
    found = project.query("SELECT DISTINCT k, room FROM t.rows ORDER BY k")
    assert [tuple(row.values()) for row in found] == [("a", "hall"), ("b", "attic"), ("c", None)]
    assert project.verify()["violations"] == []


def test_enrich_refuses_a_reference_that_is_too_large(project):
    (project.folder / "in.csv").write_text(ROWS)
    (project.folder / "rooms.csv").write_text("k,room\na,hall\nb,attic\n")
    steps = "  - enrich: { with: rooms.csv, key: k, rows_max: 1 }"
    refused = project.pipeline("p", PIPELINE.format(steps=steps)).run(expect=None)
    assert refused.returncode != 0
    assert "rows_max" in refused.stderr


def test_no_option_of_a_step_is_forgotten():
    """Each option of the reference pages stands in a case above."""
    text = "\n".join(steps for steps, *_ in CASES.values()) + "{ table: t.rooms }"
    pages = sorted((ROOT / "docs/reference").glob("step-*.md"))
    assert len(pages) >= 5
    missing = []
    for page in pages:
        step = page.stem.removeprefix("step-")
        mine = "\n".join(line for line in text.splitlines() if f"- {step}:" in line or "table:" in line)
        for option in re.findall(r"^\| `([^`]+)` \|", page.read_text(encoding="utf-8"), re.MULTILINE):
            name = option.split(".")[-1]
            if name != "<column>" and f"{name}:" not in mine:
                missing.append(f"{step}.{option}")
    assert missing == []
