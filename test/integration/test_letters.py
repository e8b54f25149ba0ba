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


# --- What became of a letter ------------------------------------------------------------------

SIMPLE = """
pipeline: readings
source: { file: { path: "in/*.csv" } }
codec: csv
columns:
  ts: { type: timestamp, event_time: true }
  sensor: { type: string, entity: true }
  value: float64
steps:
  - validate: { value: { range: [-40, 85] } }
lake:
  table: sensors.readings
"""
ROWS = [
    "2026-01-05 08:00:00,S1,1.5",
    "2026-01-05 08:01:00,S2,100",
    "2026-01-05 08:02:00,S3,200",
    "2026-01-05 08:03:00,S4,300",
    "yesterday,S5,4.5",
]


@pytest.fixture
def letters(project):
    (project.folder / "in").mkdir()
    (project.folder / "in/a.csv").write_text("ts,sensor,value\n" + "\n".join(ROWS) + "\n")
    project.pipeline("readings", SIMPLE).run()
    return project


def states(project, *more) -> dict[str, int]:
    counts: dict[str, int] = {}
    done = project.call("dlq", "list", "--json", *more)
    for line in done.stdout.splitlines():
        rule = json.loads(line)
        counts[rule["state"]] = counts.get(rule["state"], 0) + rule["letters"]
    return counts


def test_letters_are_open_replayed_or_discarded_and_stay_so(letters):
    assert states(letters) == {"open": 4}
    letters.pipeline("readings", SIMPLE.replace("85]", "150]"))
    letters.call("dlq", "replay")
    assert states(letters) == {"open": 3}
    assert states(letters, "--state", "all") == {"open": 3, "replayed": 1}

    chosen = ("--where", "rule = 'validate.range' AND decode(raw) LIKE '%S3%'")
    dry = letters.call("dlq", "discard", *chosen, "--dry-run")
    assert "1 would be discarded" in dry.stdout and "Nothing was written" in dry.stderr
    assert states(letters) == {"open": 3}
    (done,) = json.loads(letters.call("dlq", "discard", *chosen, "--json").stdout)
    assert (done["letters"], done["discarded"]) == (1, 1)
    (again,) = json.loads(letters.call("dlq", "discard", *chosen, "--json").stdout)
    assert (again["already_discarded"], again["discarded"]) == (1, 0)
    assert states(letters, "--state", "all") == {"open": 2, "replayed": 1, "discarded": 1}
    assert states(letters, "--state", "discarded") == {"discarded": 1}
    listed = letters.call("dlq", "list")
    assert "letters: open 2, replayed 1, discarded 1" in listed.stderr

    # A replay takes neither what is replayed nor what is given up, a discard likewise.
    letters.pipeline("readings", SIMPLE.replace("85]", "1000]"))
    (replayed,) = json.loads(letters.call("dlq", "replay", "--json").stdout)
    assert (replayed["already_replayed"], replayed["already_discarded"]) == (1, 1)
    assert (replayed["replayed"], replayed["failed"]) == (1, 1)
    assert "--where true" in letters.call("dlq", "discard", expect=78).stderr
    (rest,) = json.loads(letters.call("dlq", "discard", "--where", "true", "--json").stdout)
    assert (rest["already_replayed"], rest["already_discarded"], rest["discarded"]) == (2, 1, 1)
    assert states(letters) == {}
    assert "open 0, replayed 2, discarded 2" in letters.call("dlq", "list").stderr

    report = letters.status("readings")
    assert report["dead_letters"] == {"open": 0, "replayed": 2, "discarded": 2}
    assert report["unaccounted"] == 0
    assert letters.value("SELECT count(*) FROM sensors.readings") == 3
    assert letters.value("SELECT count(*) FROM sensors.readings__dead_letters") == 4
    assert letters.verify()["violations"] == []


def test_the_letters_table_has_the_state_and_its_time(letters):
    letters.call("dlq", "discard", "--where", "field = 'ts'")
    rows = letters.query(
        "SELECT field, state, state_at >= received_at AS is_later"
        " FROM sensors.readings__dead_letters ORDER BY field, frame_ordinal"
    )
    assert rows[0] == {"field": "ts", "state": "discarded", "is_later": True}
    assert [row["state"] for row in rows[1:]] == ["open"] * 3
    assert all(row["is_later"] is None for row in rows[1:])
    # States are SQL for every command that takes --where.
    (dry,) = json.loads(
        letters.call("dlq", "replay", "--where", "state = 'open'", "--dry-run", "--json").stdout
    )
    assert (dry["letters"], dry["already_discarded"]) == (3, 0)
    shown = json.loads(
        letters.call("dlq", "list", "--state", "discarded", "--json").stdout.splitlines()[0]
    )
    letter = json.loads(letters.call("dlq", "show", shown["example_id"], "--json").stdout)
    assert letter["state"] == "discarded" and letter["state_at"]


def test_a_discard_outlives_the_ledger(letters):
    letters.call("dlq", "discard", "--where", "field = 'ts'")
    for file in letters.data.glob("ledger.sqlite*"):
        file.unlink()
    letters.call("ledger", "rebuild")
    assert states(letters, "--state", "all") == {"open": 3, "discarded": 1}
    assert letters.verify()["violations"] == []


def test_failed_counts_what_is_failed_now(letters):
    bad = letters.folder / "in/b.csv"
    bad.write_text("wrong,header\n1,2\n")
    letters.run(expect=1)
    failed = letters.status("readings")["input_files"]
    assert failed["failed"] + failed["to_process"] == 1
    for _ in range(3):
        letters.run(expect=1)
    assert letters.status("readings")["input_files"]["failed"] == 1
    bad.write_text("ts,sensor,value\n2026-01-05 09:00:00,S3,7\n")
    letters.call("ledger", "retry")
    letters.run()
    counts = letters.status("readings")["input_files"]
    assert (counts["failed"], counts["replaced"], counts["done"]) == (0, 1, 2)
    assert "Failed 0" in letters.call("status").stdout
    # What happened stays in the ledger.
    history = json.loads(letters.call("ledger", "list", "--path", "b.csv", "--json").stdout)
    assert {file["state"] for file in history} == {"Failed", "Done"}

    gone = letters.folder / "in/c.csv"
    gone.write_text("wrong,header\n1,2,3\n")
    for _ in range(4):
        letters.run(expect=1)
    assert letters.status("readings")["input_files"]["failed"] == 1
    gone.unlink()
    assert letters.status("readings")["input_files"]["failed"] == 0


# --- A file that grew without `follow` --------------------------------------------------------


def test_a_file_that_was_appended_to_is_warned_of(letters):
    file = letters.folder / "in/a.csv"
    file.write_text(file.read_text() + "2026-01-05 08:09:00,S9,9\n")
    done = letters.run()
    assert "input.grown" in done.stderr
    assert "follow: true" in done.stderr and "in/a.csv" in done.stderr
    inputs = json.loads(letters.call("ledger", "list", "--inputs", "--json").stdout)
    assert [file["state"] for file in inputs] == ["Done", "Done"]
    assert inputs[0]["reason"] == ""
    assert "follow: true" in inputs[1]["reason"]
    # Said, not done otherwise: the rows are there twice.
    assert letters.value("SELECT count(*) FROM sensors.readings") == 3
    assert "input.grown" not in letters.run().stderr
    # Another content is no matter of `follow`.
    file.write_text("ts,sensor,value\n" + "2026-01-06 08:00:00,S1,1\n" * 40)
    assert "input.grown" not in letters.run().stderr
