"""Sink `kafka` against a real broker. What it keeps to under kills: test_sink_kills.py."""

from test_kafka import name_of

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


def test_a_missing_topic_blocks_the_sink_and_not_the_table(project, broker) -> None:
    topic = name_of("absent")
    text = PIPELINE.format(brokers=broker.address, topic=topic).replace("create: true", "create: false")
    project.pipeline("readings", text)
    done = project.run(expect=None, timeout=300)
    assert project.value("SELECT count(*) FROM t.readings") == 20_000
    assert topic in done.stdout + done.stderr + project.call("status", expect=None).stdout
