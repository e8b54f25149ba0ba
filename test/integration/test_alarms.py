"""Detectors in a pipeline: alarms that are raised, updated and cleared, in a table, exactly once."""

import datetime
import random
import signal

import pytest

PIPELINE = """
pipeline: NAME
source:
  file: { path: "in/*.csv" }
codec: csv
columns:
  station: { type: string, entity: true }
  sensor: string
  at: { type: timestamp, event_time: true }
  value: float64
  threshold: float64
  active: bool
lake:
  table: NAME.readings
  flush: { every: 100ms, bytes: 64KiB }
streams:
  alarms:
    key: [station, sensor]
    late: { allow: 10m }
    detect:
      - spike: { only: { sensor: [room] } }
      - trend_to_threshold: { threshold: threshold, only: { sensor: [room] }, unit: °C }
      - active_alarm: { active: active }
      - frequency: {}
      - missing: { source: [station] }
    to: [ { table: NAME.alarms } ]
  coverage:
    key: [station, sensor]
    late: { allow: 10m }
    coverage: 1h
    to: [ { table: NAME.coverage } ]
"""
BEGIN = datetime.datetime(2026, 1, 1)
EVENTS = (
    "SELECT station, sensor, id, kind, state, epoch_us(since) AS since, epoch_us(until) AS until, "
    "epoch_us(a.at) AS at, value, lead_time_s, suppressed, why, revision "
    "FROM {}.alarms__revisions a ORDER BY station, sensor, id, revision"
)


def row(minute: float, station: str, sensor: str, value: float, active: bool = False) -> str:
    at = BEGIN + datetime.timedelta(minutes=minute)
    return f"{station},{sensor},{at.isoformat()},{value:.3f},45,{str(active).lower()}"


def readings(minutes: int, seed: int = 1) -> list[str]:
    """Two stations with two sensors, a reading a minute. S1's room gets too hot for half an hour
    every four hours; peaks; S2's door is silent for an hour, and all of S2 later."""
    chance = random.Random(seed)
    placed = []
    for minute in range(minutes):
        for station in ("S1", "S2"):
            if station == "S2" and 600 <= minute < 660:
                continue
            heat = 0.0
            if station == "S1":
                heat = min(max(minute % 240 - 120, 0), 60) * 0.5 if minute % 240 < 210 else 0.0
            room = 20 + heat + chance.gauss(0, 0.1)
            active = room > 45
            if chance.random() < 0.002:
                room += 15
            placed.append((minute + chance.random() * 5, row(minute, station, "room", room, active)))
            if station == "S2" and 300 <= minute < 360:
                continue
            door = row(minute, station, "door", 0)
            placed.append((minute + chance.random() * 5, door))
    return [text for _, text in sorted(placed)]


def drop(project, name: str, lines: list[str]) -> None:
    text = "station,sensor,at,value,threshold,active\n" + "\n".join(lines) + "\n"
    (project.folder / "in" / f"{name}.csv").write_text(text, encoding="utf-8")


@pytest.fixture
def plant(project):
    (project.folder / "in").mkdir()
    return project.pipeline("plant", PIPELINE.replace("NAME", "plant"))


def test_an_alarm_is_raised_before_the_threshold_and_cleared(plant):
    drop(plant, "a", readings(300))
    plant.run()
    story = plant.query(EVENTS.format("plant"))
    hot = [event for event in story if event["kind"] == "active_alarm"]
    assert [event["state"] for event in hot][0] == "raised"
    assert [event["state"] for event in hot][-1] == "cleared"
    assert {event["station"] for event in hot} == {"S1"}
    trend = [event for event in story if event["kind"] == "trend_to_threshold"]
    assert trend[0]["state"] == "raised"
    assert trend[0]["lead_time_s"] > 5 * 60
    assert trend[0]["at"] < hot[0]["since"] - 5 * 60_000_000
    assert "°C" in trend[0]["why"]
    assert len({event["id"] for event in trend}) == 1
    assert [event["revision"] for event in trend] == list(range(1, len(trend) + 1))
    # The table itself shows the last state of each.
    open_alarms = plant.value("SELECT count(*) FROM plant.alarms WHERE state <> 'cleared'")
    assert open_alarms == 0
    assert plant.verify()["violations"] == []
    plant.run()  # Nothing new: nothing is told again.
    assert plant.query(EVENTS.format("plant")) == story


def test_a_silent_sensor_is_missing_and_a_silent_station_stalled(plant):
    drop(plant, "a", readings(800))
    plant.run()
    silent = plant.query(
        "SELECT station, sensor, kind, state, epoch_us(since) // 60000000 - 29453760 AS since, "
        "epoch_us(until) // 60000000 - 29453760 AS until FROM plant.alarms "
        "WHERE kind IN ('missing', 'pipeline_stalled') ORDER BY since"
    )
    assert silent == [
        {"station": "S2", "sensor": "door", "kind": "missing", "state": "cleared",
         "since": 299, "until": 360},
        {"station": "S2", "sensor": None, "kind": "pipeline_stalled", "state": "cleared",
         "since": 599, "until": 660},
    ]
    hours = plant.query(
        "SELECT hour(period_start) AS hour, expected, received, missing FROM plant.coverage "
        "WHERE station = 'S2' AND sensor = 'door' ORDER BY period_start"
    )
    by_hour = {one["hour"]: one for one in hours}
    assert by_hour[4] == {"hour": 4, "expected": 60, "received": 60, "missing": 0}
    assert by_hour[5] == {"hour": 5, "expected": 60, "received": 0, "missing": 60}
    assert by_hour[10]["received"] == 0
    assert sum(one["received"] for one in hours) == 800 - 120


def test_kills_do_not_change_alarms(plant):
    lines = readings(1500)
    third = len(lines) // 3
    for i, name in enumerate(("a", "b", "c")):
        drop(plant, name, lines[i * third : (i + 1) * third if i < 2 else None])
    plant.run("--set", "source.file.block_bytes=64KiB")
    expected = plant.query(EVENTS.format("plant"))
    assert len(expected) > 20
    plant.pipeline("plant", PIPELINE.replace("NAME", "killed"))
    killed = 0
    for point in ("stream.state_written@2", "stream.state_written@3", "append.acknowledged@2"):
        run = plant.run(
            "--set", "source.file.block_bytes=64KiB",
            env={"CATCHWATER_FAIL_POINT": f"{point}=kill"}, expect=None,
        )
        assert run.returncode in (0, -signal.SIGKILL), run.stderr
        killed += run.returncode != 0
    assert killed >= 2
    plant.run("--set", "source.file.block_bytes=64KiB")
    assert plant.query(EVENTS.format("killed")) == expected
    coverage = "SELECT * FROM {}.coverage ORDER BY ALL"
    assert plant.query(coverage.format("killed")) == plant.query(coverage.format("plant"))
    assert plant.verify()["violations"] == []


def minute_of_day(hour: int, minute: int) -> int:
    return hour * 60 + minute


@pytest.mark.parametrize("is_clearing_first", [True, False])
def test_an_activation_before_the_last_clearing_raises_nothing(plant, is_clearing_first):
    usual = [row(m, "S1", "room", 20) for m in range(minute_of_day(11, 20))]
    story = [row(minute_of_day(11, 30), "S1", "room", 30, active=False),
             row(minute_of_day(11, 25), "S1", "room", 50, active=True)]
    drop(plant, "a", usual + (story if is_clearing_first else story[::-1]))
    plant.run()
    told = plant.query(
        "SELECT state, hour(since) * 60 + minute(since) AS since, "
        "hour(until) * 60 + minute(until) AS until FROM plant.alarms WHERE kind = 'active_alarm'"
    )
    if is_clearing_first:
        assert told == []
    else:
        assert told == [{"state": "cleared", "since": minute_of_day(11, 25),
                         "until": minute_of_day(11, 30)}]


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("    detect:\n", "    window: all\n    detect:\n", "stand in one stream"),
        ("active: active", "active: no_such", "unknown column `no_such`"),
        ("- frequency: {}", "- { frequency: {}, spike: {} }", "each entry of `detect` is one"),
        ("source: [station]", "source: [value]", "not in `key`"),
        ("threshold: threshold, ", "", "`threshold_value`"),
        (", event_time: true", "", "need the time of each row"),
        ("coverage: 1h", "coverage: 0s", "coverage"),
    ],
)
def test_detectors_that_make_no_sense_are_refused_with_their_place(plant, old, new, message):
    plant.pipeline("plant", PIPELINE.replace("NAME", "plant").replace(old, new, 1))
    drop(plant, "a", readings(1))
    stderr = plant.run(expect=78).stderr
    assert message in stderr


def test_an_edited_detector_begins_anew_from_the_table(plant):
    drop(plant, "a", readings(300))
    plant.run()
    text = PIPELINE.replace("NAME", "plant").replace("- frequency: {}", "- anomaly: { learn: 50 }")
    plant.pipeline("plant", text)
    plant.run()
    assert plant.value("SELECT count(*) FROM plant.alarms WHERE kind = 'trend_to_threshold'") == 1
    assert plant.verify()["violations"] == []
