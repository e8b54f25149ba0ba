"""Source `amqp` against RabbitMQ, with pika as the other client."""

import json
import time
import uuid

import pytest

from live import Running, wait_for

PIPELINE = """
pipeline: events
source:
  amqp: {{ url: "{url}", queues: [{queue}], quiet: 1s{more} }}
codec: json
columns:
  id: int64
  m:  {{ type: string, from: message_id }}
{columns}steps: [{steps}]
lake:
  table: demo.events
  flush: {{ every: {flush} }}
"""
BY_MESSAGE_ID = "{ deduplicate: { key: [m] } }"


def name_of(stem: str) -> str:
    return f"{stem}-{uuid.uuid4().hex[:8]}"


def declare(project, url, queue, more="", columns="", steps="", flush="200ms"):
    if more:
        more = ", " + more
    return project.pipeline(
        "events",
        PIPELINE.format(url=url, queue=queue, more=more, columns=columns, steps=steps, flush=flush),
    )


def messages(first: int, behind: int):
    return [(json.dumps({"id": n}).encode(), {"message_id": f"m{n}"}) for n in range(first, behind)]


def ids(project) -> list[int]:
    return [row["id"] for row in project.query("SELECT id FROM demo.events ORDER BY id")]


def count(project) -> int:
    try:
        return project.value("SELECT count(*) FROM demo.events")
    except AssertionError:
        return -1  # Not made yet.


@pytest.mark.parametrize("kind", ["classic", "quorum", "stream"])
def test_a_queue_is_read_once_and_goes_on_where_it_stood(project, rabbitmq, kind):
    queue = name_of(kind)
    rabbitmq.declare(queue, kind)
    rabbitmq.publish(queue, messages(0, 500))
    declare(project, rabbitmq.url, queue, more=f"type: {kind}")
    project.run()
    assert ids(project) == list(range(500))
    rabbitmq.publish(queue, messages(500, 600))
    project.run()
    assert ids(project) == list(range(600))
    if kind != "stream":
        assert rabbitmq.count(queue) == 0  # Acknowledged, all of them.
    assert project.verify()["violations"] == []


def test_parts_of_the_message_become_columns(project, rabbitmq):
    queue = name_of("parts")
    rabbitmq.declare(queue)
    with rabbitmq.connect() as connection:
        channel = connection.channel()
        channel.exchange_declare(f"x-{queue}", "topic")
        channel.queue_bind(queue, f"x-{queue}", "room.#")
    sent = {
        "message_id": "m0",
        "correlation_id": "c0",
        "type": "reading",
        "app_id": "meter",
        "timestamp": 1_767_225_600,
        "headers": {"room": "hall", "n": 7, "ok": True, "list": [1]},
    }
    rabbitmq.publish("room.1", [(b'{"id":0}', sent)], exchange=f"x-{queue}")
    rabbitmq.publish("room.2", [(b'{"id":1}', {}), (b"no json", {})], exchange=f"x-{queue}")
    declare(
        project,
        rabbitmq.url,
        queue,
        columns="""  q:    { type: string, from: queue }
  x:    { type: string, from: exchange }
  key:  { type: string, from: routing_key }
  c:    { type: string, from: correlation_id }
  kind: { type: string, from: type }
  app:  { type: string, from: app_id }
  at:   { type: timestamp, from: timestamp }
  again: { type: bool, from: redelivered }
  room: { type: string, from: "header[room]" }
  n:    { type: int64, from: "header[n]" }
  ok:   { type: bool, from: "header[ok]" }
  list: { type: string, from: "header[list]" }
""",
    )
    project.run()
    first, second = project.query("SELECT * FROM demo.events ORDER BY id")
    assert (first["q"], first["x"], first["key"]) == (queue, f"x-{queue}", "room.1")
    assert (first["m"], first["c"], first["kind"], first["app"]) == ("m0", "c0", "reading", "meter")
    assert first["at"].startswith("2026-01-01") and first["again"] is False
    assert (first["room"], first["n"], first["ok"], first["list"]) == ("hall", 7, True, None)
    assert second["key"] == "room.2" and second["m"] is None and second["at"] is None
    assert project.value("SELECT count(*) FROM demo.events__dead_letters") == 1
    assert project.verify()["violations"] == []


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_what_is_not_committed_comes_again_after_a_kill(project, rabbitmq, kind):
    queue = name_of("kill")
    rabbitmq.declare(queue, kind)
    rabbitmq.publish(queue, messages(0, 300))
    declare(project, rabbitmq.url, queue, more=f"type: {kind}", steps=BY_MESSAGE_ID, flush="1h")
    # Made visible, and the broker was not told. The first two commits make the tables.
    project.run(env={"CATCHWATER_FAIL_POINT": "commit.done@3=kill"}, expect=-9)
    assert 0 < count(project) <= 300
    wait_for(lambda: rabbitmq.count(queue) == 300)
    project.run()
    assert ids(project) == list(range(300))
    assert rabbitmq.count(queue) == 0
    assert project.verify()["violations"] == []


# A stream's newest messages are not synced by the broker: test_live_kill.py asks what it still has.
@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_a_broker_that_comes_back_is_found_again(project, own_rabbitmq, kind):
    queue = name_of("restart")
    own_rabbitmq.declare(queue, kind)
    declare(project, own_rabbitmq.url, queue, more=f"type: {kind}", steps=BY_MESSAGE_ID)
    with Running(project) as running:
        own_rabbitmq.publish(queue, messages(0, 200))
        wait_for(lambda: count(project) == 200)
        own_rabbitmq.restart()
        own_rabbitmq.publish(queue, messages(200, 400))
        wait_for(lambda: count(project) == 400)
        assert running.stop() == 130
    assert ids(project) == list(range(400))
    assert project.verify()["violations"] == []


def test_prefetch_bounds_what_is_not_committed_and_hastens_commits(project, rabbitmq):
    queue = name_of("prefetch")
    rabbitmq.declare(queue)
    rabbitmq.publish(queue, messages(0, 2000))
    declare(project, rabbitmq.url, queue, more="prefetch: 100", flush="1h")
    done = project.run(timeout=100)
    assert ids(project) == list(range(2000))
    assert rabbitmq.count(queue) == 0
    assert "failed" not in done.stderr
    assert project.verify()["violations"] == []


def test_at_most_once_tells_nobody_and_asks_nobody(project, rabbitmq):
    queue = name_of("fast")
    rabbitmq.declare(queue)
    rabbitmq.publish(queue, messages(0, 1000))
    declare(project, rabbitmq.url, queue, more="delivery: at_most_once", flush="1h")
    with Running(project) as running:
        wait_for(lambda: rabbitmq.count(queue) == 0)
        time.sleep(1)
        running.kill()
    project.run()
    assert count(project) in (0, -1)  # Forgotten by the broker, not committed here.
    assert project.verify()["violations"] == []


def test_what_is_too_long_goes_to_the_dead_letter_exchange(project, rabbitmq):
    queue, dead = name_of("long"), name_of("dead")
    rabbitmq.declare(dead)
    long = json.dumps({"id": 1, "text": "x" * 100_000}).encode()
    declare(
        project,
        rabbitmq.url,
        queue,
        more="create: true, arguments: { x-dead-letter-exchange: '', "
        f"x-dead-letter-routing-key: {dead} }}",
    )
    file = project.folder / "pipelines/events.yaml"
    file.write_text(file.read_text().replace("\ncodec:", "\n  frame_bytes_max: 64KiB\ncodec:"))
    project.run()  # Makes the queue.
    rabbitmq.publish(queue, [*messages(0, 1), (long, {}), *messages(2, 5)])
    project.run()
    assert ids(project) == [0, 2, 3, 4]
    (letter,) = project.query("SELECT raw_bytes, reason FROM demo.events__dead_letters")
    assert letter["raw_bytes"] == len(long) and "frame_bytes_max" in letter["reason"]
    wait_for(lambda: rabbitmq.count(dead) == 1)
    ((_, properties, body),) = rabbitmq.take_all(dead)
    assert body == long  # Whole.
    assert properties.headers["x-death"][0]["reason"] == "rejected"
    assert rabbitmq.count(queue) == 0
    assert project.verify()["violations"] == []


def test_a_missing_queue_is_refused_with_advice_or_made(project, rabbitmq):
    queue = name_of("missing")
    declare(project, rabbitmq.url, queue)
    done = project.run(expect=None)
    assert done.returncode != 0
    assert queue in done.stderr and "create: true" in done.stderr
    declare(
        project,
        rabbitmq.url,
        queue,
        more="type: quorum, create: true, bindings: [{ exchange: amq.topic, routing_key: made.# }]",
    )
    checked = project.call("validate", "--connect")
    assert "everything answers" in checked.stderr
    with pytest.raises(Exception, match="NOT_FOUND"):
        rabbitmq.count(queue)  # A check makes nothing.
    project.run()
    rabbitmq.publish("made.x", messages(0, 10), exchange="amq.topic")
    project.run()
    assert ids(project) == list(range(10))


def test_where_a_stream_starts(project, rabbitmq):
    queue = name_of("start")
    rabbitmq.declare(queue, "stream")
    rabbitmq.publish(queue, messages(0, 50))
    declare(
        project, rabbitmq.url, queue, more="type: stream, start: latest",
        columns="  o: { type: int64, from: offset }\n",
    )
    with Running(project) as running:
        wait_for(lambda: count(project) >= 0)
        time.sleep(1)
        rabbitmq.publish(queue, messages(50, 60))
        wait_for(lambda: count(project) == 10)
        running.stop()
    found = project.query("SELECT id, o FROM demo.events ORDER BY id")
    assert found == [{"id": n, "o": n} for n in range(50, 60)]
    assert project.verify()["violations"] == []


SMALL_SEGMENTS = {"x-stream-max-segment-size-bytes": 500_000}


def test_offsets_of_a_stream_that_are_no_messages_are_no_gap(project, rabbitmq):
    """At the beginning of a segment the broker notes who has confirmed what: that takes an offset."""
    queue = name_of("holes")
    rabbitmq.declare(queue, "stream", **SMALL_SEGMENTS)
    declare(project, rabbitmq.url, queue, more="type: stream",
            columns="  o: { type: int64, from: offset }\n")
    large = [(json.dumps({"id": n, "pad": "x" * 40_000}).encode(), {}) for n in range(40)]
    with Running(project) as running:
        wait_for(lambda: count(project) >= 0)
        for n, message in enumerate(large):  # One by one: a block of the source begins with each.
            rabbitmq.publish(queue, [message], is_stream=True)
            wait_for(lambda n=n: count(project) == n + 1 or running.process.poll() is not None)
            assert running.process.poll() is None, running.text()
        assert running.stop() == 130
    found = project.query("SELECT id, o FROM demo.events ORDER BY o")
    assert [row["id"] for row in found] == list(range(40))
    holes = [a["o"] + 1 for a, b in zip(found, found[1:]) if b["o"] > a["o"] + 1]
    assert holes, "no segment was begun"
    project.run()  # From a position behind all.
    assert project.verify()["violations"] == []


@pytest.mark.parametrize("on_gap", ["fail", "skip"])
def test_messages_that_were_deleted_before_they_were_read_are_a_gap(project, rabbitmq, on_gap):
    queue = name_of("gap")
    rabbitmq.declare(queue, "stream", **SMALL_SEGMENTS, **{"x-max-length-bytes": 1_000_000})
    declare(project, rabbitmq.url, queue, more=f"type: stream, on_gap: {on_gap}",
            columns="  o: { type: int64, from: offset }\n")
    large = [(json.dumps({"id": n, "pad": "x" * 20_000}).encode(), {}) for n in range(200)]
    rabbitmq.publish(queue, large[:10], is_stream=True)
    project.run()
    assert ids(project) == list(range(10))
    rabbitmq.publish(queue, large[10:], is_stream=True)
    wait_for(lambda: len(rabbitmq.read_stream(queue)) < 150)
    done = project.run(expect=None)
    if on_gap == "fail":
        assert done.returncode != 0 and "Gap" in done.stderr and "on_gap: skip" in done.stderr
        assert ids(project) == list(range(10))
        return
    assert done.returncode == 0, done.stderr
    there = [json.loads(body)["id"] for body in rabbitmq.read_stream(queue)]
    assert there[0] > 10 and ids(project) == [*range(10), *there]
    assert project.verify()["violations"] == []


def test_a_stream_that_was_made_anew_is_noticed(project, rabbitmq):
    queue = name_of("anew")
    rabbitmq.declare(queue, "stream")
    rabbitmq.publish(queue, messages(0, 50))
    declare(project, rabbitmq.url, queue, more="type: stream")
    project.run()
    with rabbitmq.connect() as connection:
        connection.channel().queue_delete(queue)
    rabbitmq.declare(queue, "stream")
    rabbitmq.publish(queue, messages(1000, 1100))  # Longer: offsets alone cannot tell.
    done = project.run(expect=None)
    assert done.returncode != 0 and "made anew" in done.stderr and queue in done.stderr
    with rabbitmq.connect() as connection:
        connection.channel().queue_delete(queue)
    rabbitmq.declare(queue, "stream")
    rabbitmq.publish(queue, messages(1000, 1010))  # Shorter: the broker just waits.
    done = project.run(expect=None)
    assert done.returncode != 0 and "made anew" in done.stderr and queue in done.stderr
    assert count(project) == 50


def test_the_type_must_fit(project, rabbitmq):
    queue, stream = name_of("queue"), name_of("stream")
    rabbitmq.declare(queue)
    rabbitmq.declare(stream, "stream")
    rabbitmq.publish(stream, messages(0, 3))
    declare(project, rabbitmq.url, queue, more="type: stream")
    done = project.run(expect=None)
    assert done.returncode != 0 and "`type`" in done.stderr
    project2 = declare(project, rabbitmq.url, stream)
    with Running(project2) as running:
        wait_for(lambda: count(project) >= 0)
        time.sleep(0.5)
        rabbitmq.publish(stream, messages(3, 6))
        assert running.process.wait(30) != 0
        assert "type: stream" in running.text()


def test_a_blocked_pipeline_keeps_its_connection(project, rabbitmq):
    """Heartbeats go on while the pipeline reads nothing."""
    queue = name_of("blocked")
    rabbitmq.declare(queue)
    rabbitmq.publish(queue, messages(0, 20_000))
    declare(project, rabbitmq.url, queue, more="heartbeat: 2s, prefetch: 60000", flush="1h")
    with Running(project, "--log-level", "info") as running:
        wait_for(lambda: rabbitmq.count(queue) == 0)
        time.sleep(8)  # Four heartbeats in which nothing is committed.
        running.stop()
        assert "restarted" not in running.text(), running.text()
    assert ids(project) == list(range(20_000))
    assert rabbitmq.count(queue) == 0


def test_tls_and_users(project, rabbitmq, monkeypatch):
    queue = name_of("tls")
    rabbitmq.declare(queue)
    rabbitmq.publish(queue, messages(0, 10))
    monkeypatch.setenv("AMQP_PASSWORD", "guest")
    declare(
        project,
        rabbitmq.tls_url,
        queue,
        more=f'user: guest, password: "${{AMQP_PASSWORD}}", tls: {{ ca: "{rabbitmq.ca_file}" }}',
    )
    project.run()
    assert ids(project) == list(range(10))
