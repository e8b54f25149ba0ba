"""examples/sensors_mqtt from end to end: simulated sensors at a Mosquitto, the table in a PostgreSQL.

What must come out is told by Python from the same records, without the program's rules.
"""

import datetime
import json
import re
import shutil

import psycopg
import pytest

from conftest import ROOT, Project
from live import Running, wait_for
from mosquitto import broker  # noqa: F401  the fixture
from postgres import Postgres

SENSORS = ("--sensors", "58", "--rows", "5800", "--seed", "42", "--duplicate-rate", "0.01",
           "--late-rate", "0.01", "--late-by", "10m", "--broken-rate", "0.01")


@pytest.fixture
def server():
    server = Postgres()
    yield server
    server.close()


def micros(text: str) -> int:
    time = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round(time.timestamp() * 1_000_000)


def wanted(lines: list[str]) -> tuple[set, int]:
    """(sensor, time, temperature) of each reading that shall be kept, and how many are refused."""
    kept, refused = set(), 0
    for line in lines:
        try:
            record = json.loads(line)
            temperature = record["temperature"]
            time = micros(record["ts"])
        except (ValueError, KeyError):
            refused += 1
            continue
        if temperature is None:
            continue
        if isinstance(temperature, str) or not -40 <= temperature <= 85:
            refused += 1
            continue
        kept.add((record["sensor_id"], time, temperature))
    return kept, refused


def test_readings_reach_postgresql(tmp_path, broker, server, monkeypatch):  # noqa: F811
    shutil.copytree(ROOT / "examples" / "sensors_mqtt", tmp_path / "project")
    project = Project(tmp_path / "project")
    monkeypatch.setenv("MQTT_URL", broker.url)
    monkeypatch.setenv("PG_URL", server.url())
    project.call("validate", "--connect")
    kept, refused = wanted(project.call("simulate", *SENSORS).stdout.splitlines())
    assert len(kept) > 5_500 and refused > 20

    def in_postgresql() -> set:
        with psycopg.connect(server.url()) as connection:
            if connection.execute("SELECT to_regclass('readings')").fetchone() == (None,):
                return set()
            rows = connection.execute(
                "SELECT sensor_id, (extract(epoch FROM ts) * 1000000)::bigint, temperature FROM readings"
            ).fetchall()
        assert len(rows) == len(set(rows))
        return set(rows)

    project.run()  # The broker keeps what comes from now on.
    with Running(project, "--delays") as running:
        project.call("simulate", *SENSORS, "--to", broker.url, "--topic", "sensors/{sensor_id}/measure")
        wait_for(lambda: len(in_postgresql()) >= len(kept), 60, 0.2)
        assert in_postgresql() == kept
        assert running.stop() == 130
        told = running.text()
    in_lake = project.query("SELECT sensor_id, epoch_us(ts) AS us, temperature FROM sensors.readings")
    assert sorted(tuple(row.values()) for row in in_lake) == sorted(kept)
    assert project.value("SELECT count(*) FROM sensors.readings__dead_letters") == refused
    query = (project.folder / "queries/by_sensor.sql").read_text(encoding="utf-8")
    assert len(project.query(query)) == 58
    # Each stage with its delay, sync included.
    print(told)
    for stage in (r"buffer \(rows are in the table\)", r"sync \(rows are in postgres\)"):
        found = re.search(stage + r" +([\d.]+) s +([\d.]+) s +(1-15|1-5) min", told)
        assert found and 0 < float(found[1]) <= float(found[2]) < 60, told
    assert project.verify()["violations"] == []
