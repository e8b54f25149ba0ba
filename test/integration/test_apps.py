"""Stream apps that are switched off and on: what they miss, what they make up for, who notices."""

import json
import signal
import socket
import time

import pytest
from test_reload import start, until  # noqa: F401
from test_telemetry import samples
from test_windows import (
    PIPELINE,
    batch_sql,
    close_enough,
    drop,
    late_rows,
    readings,
    results_sql,
    windows_are_right,
)

WATCHED = PIPELINE.replace(
    '{ path: "in/*.csv" }',
    '{ path: "in/*.csv", watch: true, poll: 50ms, complete_after: 100ms }',
)
ROWS = "SELECT count(*) FROM sensors.readings"


@pytest.fixture
def sensors(project):
    (project.folder / "in").mkdir()
    return project.pipeline("sensors", WATCHED)


def states(project) -> dict[str, str]:
    listed = json.loads(project.call("app", "list", "--json").stdout)
    return {app["app"]: app["state"] for app in listed}


def account(project, app: str) -> dict:
    done = project.call("app", "status", app, "--json", expect=None)
    rows = json.loads(done.stdout)[0]["rows"] if done.returncode == 0 else None
    return rows or {"in": 0, "used": 0}


def used(project, app: str) -> int:
    return account(project, app)["used"]


def rows_in(project, app: str) -> int:
    return account(project, app)["in"]


def is_committed(project, app: str, rows: int) -> None:
    """A query also sees rows that are in no commit yet."""
    until(lambda: used(project, app) == rows, f"{app}: {rows} rows, not {used(project, app)}")


def switch(project, word: str, app: str) -> dict:
    done = json.loads(project.call("app", word, app, "--json").stdout)
    assert done["state"] == word + "d"
    return done


def run_out(project, **options):
    """Windows that are open are put out when the source has an end."""
    return project.run("--set", "source.file.watch=false", **options)


def everything(project):
    run_out(project)
    windows_are_right(project)
    rows = project.value(ROWS)
    assert project.value("SELECT n FROM sensors.totals") == rows
    return rows


def test_an_app_is_switched_while_the_pipeline_runs(sensors, start):  # noqa: F811
    run = start()
    drop(sensors, "a", readings(1, 2000, disorder_s=60))
    for app in ("minutes", "totals"):
        is_committed(sensors, app, 2000)
    assert set(states(sensors).values()) == {"enabled"}
    for app in ("minutes", "totals"):
        assert switch(sensors, "disable", app)["running"] is True
    before = {table: sensors.query(f"SELECT * FROM sensors.{table}__revisions ORDER BY ALL")
              for table in ("minutes", "totals")}
    drop(sensors, "b", readings(2, 2000, disorder_s=60, begin_s=10_000))
    is_committed(sensors, "sliding", 4000)
    run.has("SELECT count(*) > 0 FROM sensors.sliding WHERE window_start >= '2026-01-01 03:00:00+00'",
            "true")
    for table, rows in before.items():
        assert sensors.query(f"SELECT * FROM sensors.{table}__revisions ORDER BY ALL") == rows
    assert states(sensors) == {
        "minutes": "disabled", "sliding": "enabled", "sessions": "enabled", "totals": "disabled",
    }
    for app in ("minutes", "totals"):
        switch(sensors, "enable", app)
    drop(sensors, "c", readings(3, 2000, disorder_s=60, begin_s=20_000))
    run.has(ROWS, "6000")
    # The rows after the switch, and with them all that it missed.
    run.has("SELECT max(n) FROM sensors.totals", "6000")
    run.end()
    assert run.said("stream.rebuilt") == 2  # Those two; the others went on.
    assert everything(sensors) == 6000


def test_a_disabled_app_sends_nothing_and_then_what_it_missed(project, rabbitmq, start):  # noqa: F811
    sink = f'amqp: {{ url: "{rabbitmq.url}", routing_key: off.minutes, create: true, every: 10ms }}'
    (project.folder / "in").mkdir()
    project.pipeline(
        "sensors", WATCHED.replace("table: sensors.minutes }", f"table: sensors.minutes }}, {{ {sink} }}")
    )
    run = start()
    got: dict[str, dict] = {}

    def is_sent(results: int) -> bool:
        for _, properties, body in rabbitmq.take_all("off.minutes"):
            got[properties.message_id] = json.loads(body)
        return len(got) == results

    def results() -> int:
        return project.value("SELECT count(*) FROM sensors.minutes__revisions")

    drop(project, "a", readings(1, 2000, disorder_s=60))
    is_committed(project, "minutes", 2000)
    until(lambda: is_sent(results()), "all results in the queue")
    assert len(got) > 100
    before = len(got)
    switch(project, "disable", "minutes")
    drop(project, "b", readings(2, 2000, disorder_s=60, begin_s=10_000))
    is_committed(project, "sliding", 4000)
    assert is_sent(before)
    (sink,) = project.status("sensors")["sinks"]
    assert (sink["sink"], sink["kind"], sink["state"]) == ("minutes-amqp", "amqp", "off")
    switch(project, "enable", "minutes")
    drop(project, "c", readings(3, 2000, disorder_s=60, begin_s=20_000))
    is_committed(project, "sliding", 6000)
    until(lambda: is_sent(results()), "all results in the queue")
    assert len(got) > 2 * before
    run.end()


RESULT_A_ROW = """
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
  rows:
    key: [sensor_id]
    window: {{ count: 1 }}
    compute: {{ total: sum(value) }}
    late: {{ allow: 2m }}
    to:
      - table: sensors.rows
      - amqp: {{ url: "{url}", routing_key: "{queue}", create: true, every: 10ms }}
  other:
    key: [sensor_id]
    window: {{ count: 1 }}
    compute: {{ total: sum(value) }}
    late: {{ allow: 2m }}
    to: [ {{ table: sensors.other }} ]
"""


def send_results(project, rabbitmq, queue: str) -> None:
    (project.folder / "in").mkdir()
    project.pipeline("sensors", RESULT_A_ROW.format(url=rabbitmq.url, queue=queue))
    rabbitmq.declare(queue)


def test_nothing_comes_of_an_app_after_the_answer_that_it_is_off(project, rabbitmq, start):  # noqa: F811
    send_results(project, rabbitmq, "off.rows")
    run = start()
    revisions = "SELECT count(*) FROM sensors.rows__revisions"
    drop(project, "a", readings(1, 60_000, disorder_s=0))
    # In the middle of a transaction of the sink, as far as this can be hit.
    until(lambda: rabbitmq.count("off.rows") > 0, "the first results")
    switch(project, "disable", "rows")
    # What left the program before the answer may still be on its way through the broker.
    counts: list[int] = []

    def is_settled() -> bool:
        counts.append(rabbitmq.count("off.rows"))
        return len(counts) > 10 and len(set(counts[-10:])) == 1

    until(is_settled, "a queue that no longer grows")
    sent, written = counts[-1], project.value(revisions)
    drop(project, "b", readings(2, 2000, disorder_s=0, begin_s=10_000_000))
    is_committed(project, "other", 62_000)
    assert (rabbitmq.count("off.rows"), project.value(revisions)) == (sent, written)
    print(f"{sent} of {written} results were sent before the answer, none after it")
    # What was cut off comes again, under the same ids.
    switch(project, "enable", "rows")
    drop(project, "c", readings(3, 2000, disorder_s=0, begin_s=20_000_000))
    run.has("SELECT count(*) >= 64000 FROM sensors.rows__revisions", "true")
    results = project.value(revisions)
    ids: set[str] = set()

    def are_all_sent() -> bool:
        ids.update(properties.message_id for _, properties, _ in rabbitmq.take_all("off.rows"))
        return len(ids) == results

    until(are_all_sent, f"{results} results in the queue", seconds=60)
    run.end()


def test_nothing_is_sent_while_a_switch_is_written(project, rabbitmq, start):  # noqa: F811
    """What `app disable` and a control queue ask for first; a switch that never comes ends it."""
    send_results(project, rabbitmq, "held.rows")
    run = start()
    revisions = "SELECT count(*) FROM sensors.rows__revisions"
    drop(project, "a", readings(1, 2000, disorder_s=0))
    until(lambda: rabbitmq.count("held.rows") > 1000, "the first results")
    until(lambda: project.value(revisions) == rabbitmq.count("held.rows"), "all of them")
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(str(project.data / "control.sock"))
        control.sendall(b'{"op": "hold_app", "pipeline": "sensors", "app": "rows"}\n')
        assert json.loads(control.makefile().readline()) == {"ok": True}
    held = time.monotonic()
    sent = rabbitmq.count("held.rows")
    drop(project, "b", readings(2, 2000, disorder_s=0, begin_s=10_000_000))
    until(lambda: project.value(revisions) > sent + 1000, "results that are not sent")
    while time.monotonic() < held + 3:
        assert rabbitmq.count("held.rows") == sent
        time.sleep(0.1)
    assert states(project)["rows"] == "enabled"
    until(lambda: project.value(revisions) == rabbitmq.count("held.rows"), "all results in the queue")
    run.end()


def test_enable_sends_what_was_missed_and_nothing_again(project, rabbitmq, start):  # noqa: F811
    send_results(project, rabbitmq, "again.rows")
    run = start()
    revisions = "SELECT count(*) FROM sensors.rows__revisions"
    for number in range(3):
        drop(project, f"on{number}", readings(number, 1000, disorder_s=0, begin_s=4_000_000 * number))
        run.has(f"SELECT ({revisions}) > {2000 * number + 900}", "true")
        switch(project, "disable", "rows")
        drop(project, f"off{number}", readings(number, 1000, disorder_s=0, begin_s=4_000_000 * number + 2_000_000))
        run.has("SELECT count(*) FROM sensors.readings", str(2000 * (number + 1)))
        switch(project, "enable", "rows")
    drop(project, "last", readings(9, 100, disorder_s=0, begin_s=40_000_000))
    run.has(f"SELECT ({revisions}) >= 6000", "true")
    until(lambda: project.value(revisions) == rabbitmq.count("again.rows"), "all results in the queue")
    run.end()
    shown = project.query("SELECT count(*) AS n, count(DISTINCT (sensor_id, window_end)) AS results, "
                          "count_if(retracted) AS retracted FROM sensors.rows__revisions")[0]
    assert shown["n"] == shown["results"] >= 6000 and shown["retracted"] == 0


def test_an_end_right_after_enable_leaves_no_gap(sensors, start):  # noqa: F811
    run = start()
    drop(sensors, "a", readings(1, 2000, disorder_s=60))
    is_committed(sensors, "minutes", 2000)
    switch(sensors, "disable", "minutes")
    drop(sensors, "b", readings(2, 2000, disorder_s=60, begin_s=10_000))
    is_committed(sensors, "totals", 4000)
    switch(sensors, "enable", "minutes")
    run.end()
    assert everything(sensors) == 4000


def test_a_running_app_is_measured(sensors, start):  # noqa: F811
    run = start()
    drop(sensors, "a", readings(1, 3000, disorder_s=100))
    drop(sensors, "b", late_rows([1, 5, 30]))
    until(lambda: rows_in(sensors, "minutes") == 3124, "3124 rows in")
    (status,) = json.loads(sensors.call("app", "status", "minutes", "--json").stdout)
    live = status["running"]
    assert live["rows_in"] == status["rows"]["in"] == 3124
    assert live["results"] == sensors.value("SELECT count(*) FROM sensors.minutes__revisions")
    assert live["out_of_order"] > 1000
    assert live["errors"] == 0
    assert live["analysis_us_per_row"] > 0
    assert live["delay_s_max"] >= live["delay_s"] >= 0
    text = sensors.call("app", "status", "minutes").stdout
    assert f"rows in {live['rows_in']}, results {live['results']}" in text
    found = samples(sensors.call("status", "--metrics").stdout)
    of_minutes = 'pipeline="sensors",app="minutes"'
    assert found["catchwater_app_records_total", of_minutes] == 3124
    assert found["catchwater_app_analysis_seconds_count", of_minutes] >= 2
    dropped = {k[1]: v for k, v in found.items()
               if k[0] == "catchwater_app_dropped_total" and of_minutes in k[1]}
    assert sum(dropped.values()) == status["rows"]["late"]
    run.end()
    assert json.loads(sensors.call("app", "status", "minutes", "--json").stdout)[0]["running"] is None


def test_a_switch_survives_a_kill(sensors, start):  # noqa: F811
    run = start()
    drop(sensors, "a", readings(1, 1000, disorder_s=60))
    is_committed(sensors, "minutes", 1000)
    switch(sensors, "disable", "minutes")
    run.process.send_signal(signal.SIGKILL)
    run.process.wait(60)
    drop(sensors, "b", readings(2, 1000, disorder_s=60, begin_s=5000))
    run_out(sensors)
    assert states(sensors)["minutes"] == "disabled"
    assert used(sensors, "sliding") == 2000
    assert used(sensors, "minutes") == 1000
    assert sensors.verify()["violations"] == []
    # Killed while it makes up for what it missed.
    assert switch(sensors, "enable", "minutes")["running"] is False
    killed = run_out(sensors, env={"CATCHWATER_FAIL_POINT": "stream.rebuilt=kill"}, expect=None)
    assert killed.returncode == -signal.SIGKILL
    assert states(sensors)["minutes"] == "enabled"
    assert everything(sensors) == 2000


def test_quick_switches_between_commits_lose_nothing(sensors, start):  # noqa: F811
    run = start("--set", "source.file.block_bytes=64KiB")
    run.says("event=pipeline.started")  # Before it there is no ledger to ask.
    for i in range(4):
        drop(sensors, f"f{i}", readings(i, 3000, disorder_s=60, begin_s=10_000 * i))
        for word in ("disable", "enable", "disable", "enable"):
            switch(sensors, word, "minutes")
            switch(sensors, word, "totals")
    run.has(ROWS, "12000")
    run.end()
    assert everything(sensors) == 12_000


def test_an_app_that_never_ran_begins_with_what_is_there(sensors):
    drop(sensors, "a", readings(4, 1000, disorder_s=60))
    run_out(sensors)
    switch(sensors, "disable", "sliding")
    drop(sensors, "b", readings(5, 1000, disorder_s=60, begin_s=5000))
    run_out(sensors)
    close_enough(sensors.query(results_sql("minutes")), sensors.query(batch_sql(1)))
    assert len(sensors.query(results_sql("sliding"))) < len(sensors.query(batch_sql(10)))
    switch(sensors, "enable", "sliding")
    assert everything(sensors) == 2000


def test_apps_are_listed_and_chosen_by_name(sensors):
    drop(sensors, "a", readings(6, 100, disorder_s=10))
    run_out(sensors)
    text = sensors.call("app", "list", "--project", ".", "--pipeline", "sensors").stdout
    assert [line.split() for line in text.splitlines()][1] == ["minutes", "sensors", "enabled"]
    assert "app sliding of pipeline sensors: enabled\n  rows in 100" in sensors.call("app", "status").stdout
    assert "no program runs" in sensors.call("app", "disable", "minutes").stdout
    unknown = sensors.call("app", "disable", "hours", expect=1).stderr
    assert "sensors/minutes, sensors/sliding" in unknown
    assert sensors.call("app", "enable", expect=2).stdout == ""


def test_without_a_lake_nothing_can_be_switched(sensors):
    text = PIPELINE[: PIPELINE.index("lake:")] + PIPELINE[PIPELINE.index("streams:"):]
    for table in ("minutes", "sliding", "sessions", "totals"):
        text = text.replace(f"{{ table: sensors.{table} }}", "{ console: {} }")
    text = text.replace("pipeline: sensors", "pipeline: other").replace("    late: { allow: 2m }\n", "")
    drop(sensors, "a", readings(6, 100, disorder_s=10))
    run_out(sensors)
    sensors.pipeline("other", text)
    both = sensors.call("app", "disable", "minutes", expect=78).stderr
    assert "--pipeline" in both
    refused = sensors.call("app", "disable", "minutes", "--pipeline", "other", expect=78).stderr
    assert "lake" in refused
