"""Results of stream apps to a broker, killed at every step on their way: at least once, with ids."""

import datetime
import json
import os

import pytest
from conftest import Project

PIPELINE = """
pipeline: sensors
source:
  file: {{ path: "in/*.csv" }}
codec: csv
columns:
  ts: {{ type: timestamp, event_time: true }}
  sensor_id: {{ type: string, entity: true }}
  value: float64
lake:
  table: sensors.readings
  flush: {{ every: 10ms, bytes: 64KiB }}
streams:
  minutes:
    key: [sensor_id]
    window: {{ size: 1m }}
    compute: {{ total: sum(value) }}
    late: {{ allow: 1m }}
    to:
      - amqp: {{ url: "amqp://localhost:{port}", routing_key: "{queue}", create: true, every: 10ms }}
"""
# Between the commit and the send, and on both sides of the broker's answer.
STEPS = [
    "commit.done@2",
    "append.acknowledged@1",
    "deliver.file_written@1",
    "deliver.flushed@1",
    "deliver.recorded@1",
]
if "CATCHWATER_DRILL_SEEDS" not in os.environ:  # Else all of them: tools/drill.
    STEPS = STEPS[:1] + STEPS[3:4]
TABLE = "sensors.readings__minutes"  # The program's own: the app names none.


@pytest.fixture
def sensors(project, rabbitmq, request) -> tuple[Project, str]:
    queue = f"minutes-{request.node.callspec.params['step'].replace('@', '-')}"
    project.pipeline("sensors", PIPELINE.format(port=rabbitmq.port, queue=queue))
    (project.folder / "in").mkdir()
    start = datetime.datetime(2026, 1, 5)
    for file in range(6):
        rows = [
            f"{start + datetime.timedelta(seconds=10 * (600 * file + i))},s{i % 5},{i / 4}"
            for i in range(600)
        ]
        (project.folder / "in" / f"{file}.csv").write_text("\n".join(["ts,sensor_id,value", *rows]) + "\n")
    return project, queue


def received(rabbitmq, queue: str) -> list[tuple[str, str]]:
    """The queue's messages: id and body."""
    return [
        (properties.message_id, body.decode()) for _, properties, body in rabbitmq.take_all(queue)
    ]


@pytest.mark.parametrize("step", STEPS)
def test_every_result_reaches_the_queue(sensors, rabbitmq, step):
    project, queue = sensors
    killed = project.run(env={"CATCHWATER_FAIL_POINT": f"{step}=kill"}, expect=None)
    assert killed.returncode == -9, killed.stderr
    project.run()
    messages = received(rabbitmq, queue)
    bodies = dict(messages)
    for message_id, body in messages:
        assert bodies[message_id] == body, "an id means one result"
    in_queue = sorted(
        (row["sensor_id"], row["window_start"], row["revision"], row["retracted"], row["total"])
        for row in map(json.loads, bodies.values())
    )
    in_table = sorted(
        (row["sensor_id"], row["window_start"], row["revision"], row["retracted"], row["total"])
        for row in project.query(f"SELECT * FROM {TABLE}__revisions")
    )
    assert len(in_table) > 1_000
    assert [row[0:1] + row[2:] for row in in_queue] == [row[0:1] + row[2:] for row in in_table]
    print(f"{step}: {len(messages) - len(bodies)} of {len(messages)} came twice")
    assert project.verify()["violations"] == []
    # Nothing is left to send.
    project.run()
    assert received(rabbitmq, queue) == []
