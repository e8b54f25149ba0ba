"""kill -9 while readings come from a broker: windows and alarms are as without it.

The same messages go to a program that is killed over and over and, afterwards, to one that is not. What
both have in their tables must be the same text: each window's last revision, the whole life of each
alarm, the coverage. `make drill` does it with fifty kills.
"""

import datetime
import os
import random
import threading
import time

import pika
import pytest
from conftest import Project
from live import DRILL, Running, wait_for

PIPELINE = """
pipeline: plant
source:
  SOURCE
codec: { csv: { header: false } }
columns:
  station: { type: string, entity: true }
  sensor: string
  at: { type: timestamp, event_time: true }
  value: float64
  threshold: float64
  active: bool
MORElake:
  table: plant.readings
  flush: { every: 200ms }
streams:
  minutes:
    key: [station, sensor]
    window: { size: 10m, every: 1m, cadence: 1m }
    compute: { lo: min(value), hi: max(value), mean: mean(value), last: last(value) }
    LATE
    to: [ { table: plant.minutes } ]
  sessions:
    key: [station, sensor]
    window: { session: 15m }
    compute: { total: sum(value) }
    LATE
    to: [ { table: plant.sessions } ]
  alarms:
    key: [station, sensor]
    LATE
    detect:
      - spike: { only: { sensor: [room] } }
      - trend_to_threshold: { threshold: threshold, only: { sensor: [room] }, unit: °C }
      - active_alarm: { active: active }
      - frequency: {}
      - missing: { source: [station] }
    to: [ { table: plant.alarms } ]
  coverage:
    key: [station, sensor]
    LATE
    coverage: 1h
    to: [ { table: plant.coverage } ]
"""
# How long the program waits for a partition that is silent must not decide what is late.
LATE = "late: { allow: 10m, idle: 1h }"
RESULTS = {
    "minutes": "SELECT station, sensor, window_start, n, expected_n, largest_gap, lo, hi, mean, last "
    "FROM plant.minutes ORDER BY ALL",
    "sessions": "SELECT station, sensor, window_start, window_end, n, total "
    "FROM plant.sessions ORDER BY ALL",
    "alarms": "SELECT id, revision, station, sensor, kind, state, since, until, a.at AS at, value, "
    "lead_time_s, suppressed, why, retracted FROM plant.alarms__revisions a ORDER BY ALL",
    "coverage": "SELECT * FROM plant.coverage ORDER BY ALL",
}
BEGIN = datetime.datetime(2026, 1, 1)
SEEDS = range(1, 1 + int(os.environ.get("CATCHWATER_DRILL_SEEDS", "1")))
STATIONS, MINUTES, KILLS = (20, 15_000, 50) if DRILL else (3, 1500, 3)
PARTITIONS = 2
PART = 500 if DRILL else 100  # Messages that are sent at once.


def readings(chance: random.Random) -> list[tuple[int, str]]:
    """Number of the station and a line, in the order of sending: up to five minutes of disorder.

    Rooms get too hot for half an hour every four hours; peaks; doors and whole stations fall silent."""
    placed = []
    for station in range(STATIONS):
        for minute in range(MINUTES):
            at = (minute + 37 * station) % 720
            if station % 3 == 1 and 600 <= at < 660:
                continue
            heat = min(max(at % 240 - 120, 0), 60) * 0.5 if at % 240 < 210 else 0.0
            room = 20 + heat + chance.gauss(0, 0.1)
            is_active = room > 45
            if chance.random() < 0.002:
                room += 15
            time_of = (BEGIN + datetime.timedelta(minutes=minute)).isoformat()
            text = f"S{station},room,{time_of},{room:.3f},45,{str(is_active).lower()}"
            placed.append((minute + chance.random() * 5, station, text))
            if station % 3 == 2 and 300 <= at < 360:
                continue
            placed.append((minute + chance.random() * 5, station, f"S{station},door,{time_of},0,45,false"))
    return [(station, text) for _, station, text in sorted(placed)]


class RabbitQueues:
    """Two queues behind one exchange: each message is in both."""

    more = "  m: { type: string, from: message_id }\nsteps: [{ deduplicate: { key: [m] } }]\n"

    def __init__(self, rabbitmq) -> None:
        self.rabbitmq = rabbitmq
        with rabbitmq.connect() as connection:
            channel = connection.channel()
            channel.exchange_declare("plant", "fanout", durable=True)
            for queue in ("calm", "killed"):
                channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
                channel.queue_bind(queue, "plant")
        self.connection = rabbitmq.connect()
        self.channel = self.connection.channel()
        self.channel.tx_select()

    def source(self, name: str) -> str:
        return f'amqp: {{ url: "{self.rabbitmq.url}", queues: [{name}], type: quorum, quiet: 3s }}'

    def send(self, first: int, part: list[tuple[int, str]]) -> None:
        for number, (_, text) in enumerate(part, first):
            properties = pika.BasicProperties(delivery_mode=2, message_id=f"m{number}")
            self.channel.basic_publish("plant", "", text.encode(), properties)
        self.channel.tx_commit()

    def close(self) -> None:
        self.connection.close()


class KafkaTopic:
    """A topic that both programs read; a station keeps to one of its partitions."""

    more = ""

    def __init__(self, broker) -> None:
        self.address = broker.address
        broker.create("plant", PARTITIONS)
        self.producer = broker.producer()

    def source(self, _name: str) -> str:
        return f'kafka: {{ brokers: "{self.address}", topics: [plant] }}'

    def send(self, _first: int, part: list[tuple[int, str]]) -> None:
        for station, text in part:
            self.producer.produce("plant", text.encode(), partition=station % PARTITIONS)
        assert self.producer.flush(120) == 0

    def close(self) -> None:
        self.producer.flush(60)


class Sender(threading.Thread):
    """Sends while the program is killed, not faster than it takes to kill it so often."""

    def __init__(self, broker, lines: list[tuple[int, str]]) -> None:
        super().__init__(daemon=True)
        self.broker, self.lines = broker, lines

    def run(self) -> None:
        for first in range(0, len(self.lines), PART):
            self.broker.send(first, self.lines[first : first + PART])
            time.sleep(0.05)  # Not a condition of the test: it spreads the load over the kills.


@pytest.fixture(params=["rabbitmq", "kafka"])
def broker(request):
    if request.param == "rabbitmq":
        one = RabbitQueues(request.getfixturevalue("own_rabbitmq"))
    else:
        one = KafkaTopic(request.getfixturevalue("own_broker"))
    yield one
    one.close()


def plant(folder, broker, name: str) -> Project:
    text = PIPELINE.replace("SOURCE", broker.source(name)).replace("MORE", broker.more)
    return Project(folder / name).pipeline("plant", text.replace("LATE", LATE))


def kill_over_and_over(project: Project, sender: Sender, chance: random.Random) -> int:
    """Kills at random moments, one of five while it starts; how often while messages were sent."""
    under_load = started = 0
    for _ in range(KILLS):
        with Running(project, "--log-level", "info") as running:
            if chance.random() < 0.8:
                wait_for(lambda: running.text().count("event=pipeline.started") > started)  # noqa: B023
            time.sleep(chance.uniform(0, 1.5))
            assert running.process.poll() is None, running.text()
            under_load += sender.is_alive()
            running.kill()
            started = running.text().count("event=pipeline.started")
    return under_load


@pytest.mark.parametrize("seed", SEEDS)
def test_kills_change_neither_windows_nor_alarms(tmp_path, broker, seed):
    chance = random.Random(seed)
    lines = readings(chance)
    killed, calm = (plant(tmp_path, broker, name) for name in ("killed", "calm"))
    sender = Sender(broker, lines)
    sender.start()
    under_load = kill_over_and_over(killed, sender, chance)
    sender.join()
    streams = {}
    for project in (killed, calm):
        project.run(timeout=600)
        verdict = project.verify()
        assert verdict["violations"] == []
        streams[project] = verdict["pipelines"]["plant"]["streams"]
        for name, account in streams[project].items():
            assert account["used"] == account["in"] == len(lines), (name, account)
    counts = {}
    for name, sql in RESULTS.items():
        got, expected = (
            project.call("query", sql, "--format", "csv", timeout=300).stdout.splitlines()
            for project in (killed, calm)
        )
        wrong = sorted(set(got) ^ set(expected))
        assert got == expected, (name, len(got), len(expected), wrong[:10])
        counts[name] = len(got) - 1
    kinds = calm.query("SELECT kind, count(*) AS n FROM plant.alarms WHERE state = 'cleared' GROUP BY ALL")
    alarms = {row["kind"]: row["n"] for row in kinds}
    assert {"spike", "trend_to_threshold", "active_alarm", "missing", "pipeline_stalled"} <= set(alarms)
    print(f"seed {seed}: {len(lines)} readings, {KILLS} kills, {under_load} of them while messages came; "
          f"the same results: {counts}, alarms that were cleared: {alarms}")
