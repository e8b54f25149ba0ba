"""Dead letters: where the record stands in its file, whoever refused it, and what became of the letter."""

import json

import pytest

PIPELINE = """
pipeline: readings
source: {{ file: {{ path: "in/*" }} }}
codec: {codec}
columns:
  ts: {{ type: timestamp, event_time: true }}
  sensor: {{ type: string, entity: true }}
  value: float64
steps:
  - select: CAST(sensor[2:] AS INTEGER) > 0
  - derive: {{ code: "CAST(right(sensor, 1) AS INTEGER)" }}
  - enrich: {{ with: sites.csv, key: sensor, add: [site], on_missing: dead_letter }}
  - validate: {{ value: {{ range: [-40, 85] }}, site: {{ regex: "^r" }} }}
lake:
  table: sensors.readings
"""

# Sensor and value of each record, with the rule that refuses it.
RECORDS = [
    ("S1", "1.5", None),
    ("S1", "900", "validate.range"),
    ("Sx", "2", "sql"),
    ("S1", "warm", "type"),
    ("S5", "3", "enrich.missing"),
    ("S2", "4", "validate.regex"),
    ("S1", "901", "validate.range"),
]


def csv_text(copies: int) -> str:
    lines = [f"2026-01-05 08:00:00,{sensor},{value}" for sensor, value, _ in RECORDS]
    return "ts,sensor,value\n" + "\n".join(lines * copies) + "\n"


def json_lines(copies: int) -> str:
    lines = [
        json.dumps({"ts": "2026-01-05T08:00:00Z", "sensor": sensor, "value": number(value)})
        for sensor, value, _ in RECORDS
    ]
    return "\n".join(lines * copies) + "\n"


def number(text: str):
    return text if text == "warm" else float(text)


@pytest.mark.parametrize("codec, text_of", [("csv", csv_text), ("json", json_lines)])
def test_a_letter_of_any_step_has_file_offset_and_line(project, codec, text_of):
    (project.folder / "in").mkdir()
    text = text_of(7_000)  # Several blocks.
    (project.folder / "in/a").write_text(text)
    (project.folder / "sites.csv").write_text("sensor,site\nS1,roof\nS2,cellar\n")
    project.pipeline("readings", PIPELINE.format(codec=codec)).run()
    letters = project.query(
        "SELECT origin, line, frame_ordinal AS at, rule, decode(raw) AS raw"
        " FROM sensors.readings__dead_letters"
    )
    lines = text.splitlines()
    data = text.encode()
    assert len(letters) == 6 * 7_000
    assert {letter["rule"].split(".")[0] for letter in letters} >= {"validate", "enrich"}
    for letter in letters:
        assert letter["origin"].endswith("in/a")
        assert letter["raw"] == lines[letter["line"] - 1]
        assert data[letter["at"] :].startswith(letter["raw"].encode())
    assert project.verify()["violations"] == []
