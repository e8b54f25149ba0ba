"""Sink `kafka` against a real broker: what the table has is in the topic, at least once, with ids."""

import collections
import json
import signal
import time

from test_kafka import Running, name_of

PIPELINE = """\
pipeline: readings
source:
  simulate: {{ sensors: 20, rows: 20000, seed: 11 }}
codec: json
columns:
  sensor_id:   {{ type: string, entity: true }}
  ts:          {{ type: timestamp, event_time: true }}
  temperature: float64
lake:
  table: t.readings
  flush: {{ every: 100ms, bytes: 256KiB }}
sinks:
  - kafka:
      brokers: "{brokers}"
      topic: {topic}
      key: [sensor_id]
      create: true
      partitions: 3
      every: 50ms
"""


def test_the_topic_has_what_the_table_has_over_kills(project, broker) -> None:
    topic = name_of("out")
    project.pipeline("readings", PIPELINE.format(brokers=broker.address, topic=topic))
    for _ in range(2):
        running = Running(project, "--no-maintenance")
        time.sleep(1.5)
        running.end(signal.SIGKILL)
    project.run(timeout=300)
    rows = project.query("SELECT sensor_id, temperature FROM t.readings")
    assert len(rows) == 20_000
    messages = broker.read_all(topic)
    by_id = {}
    for message in messages:
        headers = dict(message.headers())
        row = json.loads(message.value())
        assert message.key().decode() == row["sensor_id"]
        # The same id is always the same row.
        assert by_id.setdefault(headers["catchwater-id"], message.value()) == message.value()
    print(f"messages: {len(messages)}, extra copies: {len(messages) - len(by_id)}")
    want = collections.Counter((row["sensor_id"], row["temperature"]) for row in rows)
    got = collections.Counter(
        (row["sensor_id"], row["temperature"]) for row in map(json.loads, by_id.values())
    )
    assert got == want
    # A sensor's rows stand in one partition.
    partitions = collections.defaultdict(set)
    for message in messages:
        partitions[message.key()].add(message.partition())
    assert all(len(found) == 1 for found in partitions.values())


def test_a_missing_topic_blocks_the_sink_and_not_the_table(project, broker) -> None:
    topic = name_of("absent")
    text = PIPELINE.format(brokers=broker.address, topic=topic).replace("create: true", "create: false")
    project.pipeline("readings", text)
    done = project.run(expect=None, timeout=300)
    assert project.value("SELECT count(*) FROM t.readings") == 20_000
    assert topic in done.stdout + done.stderr + project.call("status", expect=None).stdout
