"""Tenants that ask about their own apps on a queue, and are answered on another: RabbitMQ and pika."""

import json
import uuid

import pika
import pytest
from test_apps import drop, is_committed, readings, states
from test_reload import start, until  # noqa: F401

PIPELINE = """
pipeline: sensors
source:
  file: {{ path: "in/*.csv", watch: true, poll: 50ms, complete_after: 100ms }}
codec: csv
columns:
  ts: {{ type: timestamp, event_time: true }}
  sensor_id: {{ type: string, entity: true }}
  value: float64
lake:
  table: sensors.readings
  flush: {{ every: 100ms }}
streams:
  mine:
    key: [sensor_id]
    window: {{ size: 1m }}
    compute: {{ n: count() }}
    to: [ {{ table: sensors.mine }} ]
  too:
    key: [sensor_id]
    window: {{ size: 1h }}
    compute: {{ n: count() }}
    to: [ {{ table: sensors.too }} ]
  theirs:
    key: [sensor_id]
    window: {{ size: 1m }}
    compute: {{ n: count() }}
    to: [ {{ table: sensors.theirs }} ]
control:
  - {{ tenant: acme, apps: [mine, too], amqp: {{ url: "{url}", queue: {acme}, create: true }} }}
  - {{ tenant: globex, apps: [theirs], amqp: {{ url: "{url}", queue: {globex}, create: true }} }}
"""


class Tenant:
    """A client with a queue of its own for answers."""

    def __init__(self, broker, queue: str) -> None:
        self.queue = queue
        self.connection = broker.connect()
        self.channel = self.connection.channel()
        self.answers = self.channel.queue_declare("", exclusive=True).method.queue

    def send(self, body: str, reply_to: str | None = None) -> str:
        name = uuid.uuid4().hex
        self.channel.basic_publish(
            "",
            self.queue,
            body.encode(),
            pika.BasicProperties(reply_to=reply_to or self.answers, correlation_id=name),
        )
        return name

    def answer(self, name: str) -> dict:
        for method, properties, body in self.channel.consume(self.answers, inactivity_timeout=60):
            assert method is not None, "an answer within a minute"
            self.channel.basic_ack(method.delivery_tag)
            if properties.correlation_id == name:
                return json.loads(body)
        raise AssertionError("no answer")

    def ask(self, **request) -> dict:
        return self.answer(self.send(json.dumps(request)))

    def waiting(self) -> int:
        return self.channel.queue_declare(self.queue, passive=True).method.message_count


@pytest.fixture
def sensors(project, rabbitmq):
    (project.folder / "in").mkdir()
    name = uuid.uuid4().hex[:8]
    project.queues = {tenant: f"{tenant}.{name}" for tenant in ("acme", "globex")}
    return project.pipeline("sensors", PIPELINE.format(url=rabbitmq.url, **project.queues))


@pytest.fixture
def client(sensors, rabbitmq):
    """Makes tenants when their queues are there."""
    made = []

    def make(tenant: str) -> Tenant:
        rabbitmq.declare(sensors.queues[tenant])
        made.append(Tenant(rabbitmq, sensors.queues[tenant]))
        return made[-1]

    yield make
    for one in made:
        one.connection.close()


def control(project) -> dict:
    done = project.call("status", "--json", expect=None)
    if done.returncode != 0:
        return {}  # It has only just begun.
    running = json.loads(done.stdout)[0]["running"] or {}
    return {one["tenant"]: one for one in running.get("control", [])}


def test_a_tenant_switches_its_own_apps_and_no_other(sensors, client, start):  # noqa: F811
    run = start()
    acme, globex = client("acme"), client("globex")
    drop(sensors, "a", readings(1, 2000, disorder_s=20))
    is_committed(sensors, "mine", 2000)
    assert acme.ask(app="mine", do="disable") == {"ok": True, "app": "mine", "state": "disabled"}
    assert states(sensors) == {"mine": "disabled", "too": "enabled", "theirs": "enabled"}
    before = sensors.query("SELECT * FROM sensors.mine__revisions ORDER BY ALL")
    drop(sensors, "b", readings(2, 2000, disorder_s=20, begin_s=10_000))
    is_committed(sensors, "theirs", 4000)
    assert sensors.query("SELECT * FROM sensors.mine__revisions ORDER BY ALL") == before
    # Of another tenant, it hears as little as of one that is not there.
    for app in ("theirs", "nobodys"):
        refused = acme.ask(app=app, do="disable")
        assert refused == {"ok": False, "error": "You have no app of this name; yours are mine, too"}
    assert states(sensors)["theirs"] == "enabled"
    assert globex.ask(app="theirs", do="disable")["state"] == "disabled"
    assert acme.ask(app="mine", do="enable")["state"] == "enabled"
    assert states(sensors) == {"mine": "enabled", "too": "enabled", "theirs": "disabled"}
    drop(sensors, "c", readings(3, 2000, disorder_s=20, begin_s=20_000))
    # It makes up for what it missed.
    run.has(
        "SELECT count(*) > 0 FROM sensors.mine WHERE window_start >= '2026-01-01 03:00:00+00'", "true"
    )
    assert {t: (c["state"], c["done"], c["refused"]) for t, c in control(sensors).items()} == {
        "acme": ("answering", 2, 2),
        "globex": ("answering", 1, 0),
    }
    run.end()


def test_it_is_told_how_its_apps_stand(sensors, client, start):  # noqa: F811
    run = start()
    acme = client("acme")
    drop(sensors, "a", readings(1, 500, disorder_s=20))
    is_committed(sensors, "mine", 500)
    told = acme.ask(do="status")
    assert told == {
        "ok": True,
        "apps": [{"app": "mine", "state": "enabled"}, {"app": "too", "state": "enabled"}],
    }
    (one,) = acme.ask(app="mine", do="metrics")["apps"]
    assert one["app"] == "mine" and one["metrics"]["rows_in"] == 500
    assert one["metrics"]["errors"] == 0 and "delay_s_max" in one["metrics"]
    run.end()


@pytest.mark.parametrize(
    "body, said",
    [
        ("no json", "no JSON object"),
        ("[1]", "no JSON object"),
        ('{"app": "mine"}', "enable, disable, status, metrics"),
        ('{"app": 7, "do": "enable"}', "must be a text"),
        ('{"do": "disable"}', "yours are mine, too"),
        ('{"app": "mine", "do": "disable", "force": true}', "`app` and `do` only"),
        ("\xff\xfe", "no JSON object"),
        (" " * 70_000, "too long"),
    ],
    ids=["text", "list", "nothing", "number", "no-app", "more", "bytes", "long"],
)
def test_a_bad_message_is_answered_and_stops_nothing(sensors, client, start, body, said):  # noqa: F811
    run = start()
    acme = client("acme")
    bad = acme.answer(acme.send(body))
    assert bad["ok"] is False and said in bad["error"]
    assert acme.ask(do="status")["ok"] is True
    until(lambda: control(sensors)["acme"]["refused"] == 1, "it is counted")
    run.end()


def test_without_reply_to_and_to_nobody_it_is_done_all_the_same(sensors, client, start):  # noqa: F811
    run = start()
    acme = client("acme")
    acme.channel.basic_publish("", acme.queue, b'{"app": "mine", "do": "disable"}')
    acme.send('{"app": "too", "do": "disable"}', reply_to="nobody.reads.this")
    assert acme.ask(do="status")["apps"][0]["state"] == "disabled"
    assert states(sensors) == {"mine": "disabled", "too": "disabled", "theirs": "enabled"}
    assert acme.waiting() == 0
    run.end()


def test_what_is_asked_while_nobody_runs_or_twice_is_done_once(sensors, client, start):  # noqa: F811
    acme = client("acme")
    asked = [acme.send(f'{{"app": "mine", "do": "{do}"}}') for do in ("disable", "disable")]
    asked.append(acme.send('{"app": "too", "do": "disable"}'))
    run = start()
    for name in asked:
        assert acme.answer(name)["state"] == "disabled"
    run.process.kill()
    run.process.wait(60)
    # What was answered is durable.
    assert states(sensors) == {"mine": "disabled", "too": "disabled", "theirs": "enabled"}


def test_a_broker_that_comes_back_is_asked_again(project, own_rabbitmq, start):  # noqa: F811
    (project.folder / "in").mkdir()
    project.pipeline(
        "sensors", PIPELINE.format(url=own_rabbitmq.url, acme="acme.c", globex="globex.c")
    )
    run = start()
    until(lambda: control(project).get("acme", {}).get("state") == "answering", "it answers")
    own_rabbitmq.kill()
    until(lambda: control(project).get("acme", {}).get("state") == "down", "it is down")
    own_rabbitmq.start()
    until(lambda: control(project).get("acme", {}).get("state") == "answering", "it answers again", 60)
    acme = Tenant(own_rabbitmq, "acme.c")
    assert acme.ask(app="mine", do="disable")["state"] == "disabled"
    acme.connection.close()
    run.end()


def test_mistakes_are_told_before_anything_runs(sensors):
    file = sensors.folder / "pipelines/sensors.yaml"
    right = file.read_text()
    for wrong, said in (
        (right.replace("[mine, too]", "[mine, tow]"), "did you mean `too`?"),
        (right.replace("queue: acme", "qeue: acme"), "`queue` is missing"),
        (right.replace('url: "amqp://', 'url: "http://'), "url"),
    ):
        file.write_text(wrong)
        done = sensors.call("validate", expect=None)
        assert done.returncode == 78 and said in done.stderr + done.stdout, done.stderr
        line = 1 + next(
            i for i, (a, b) in enumerate(zip(right.splitlines(), wrong.splitlines(), strict=True)) if a != b)
        assert f"pipelines/sensors.yaml:{line}:" in done.stderr, done.stderr
        refused = sensors.call("run", "--until-idle", expect=78)
        assert said in refused.stderr


def test_the_queue_s_options_are_in_the_reference(project):
    page = project.call("doc", "pipeline").stdout
    for option in ("url", "user", "password", "tls.ca", "heartbeat", "queue", "create"):
        assert f"| `control[].amqp.{option}` |" in page
    schema = json.loads(project.call("schema").stdout)
    amqp = schema["properties"]["control"]["items"]["properties"]["amqp"]
    assert {"url", "queue"} == set(amqp["required"]) and amqp["additionalProperties"] is False
