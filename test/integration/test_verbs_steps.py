"""Each option of each step, as a row of a table: what goes in, what comes out, who is counted."""

import pytest

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
}


@pytest.mark.parametrize("case", CASES)
def test_step_option(project, case):
    steps, columns, rows, dead_letters = CASES[case]
    (project.folder / "in.csv").write_text(ROWS)
    (project.folder / "rooms.csv").write_text("k,room\na,hall\nb,attic\n")
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
