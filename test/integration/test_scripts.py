"""Stream apps that are programs of their own: python that works, and python that does not."""

import json
import os
import signal
import time

import pytest
from test_apps import account, is_committed, states, switch  # noqa: F401
from test_reload import start, until  # noqa: F401

PIPELINE = """
pipeline: sensors
source:
  file: { path: "in/*.csv", watch: true, poll: 50ms, complete_after: 100ms }
codec: csv
columns:
  id: int64
  value: float64
lake:
  table: t.readings
  flush: { every: 100ms }
streams:
  hot:
    script:
      command: [python3, app.py]
      results: { row: int64, total: float64, why: string }
      batch_rows: 50
      time_max: 60s
      output_max: 100KB
    to: [ { table: t.hot } ]
  totals:
    window: all
    compute: { n: count() }
    to: [ { table: t.totals } ]
"""

# For programs that hang; under load one that does not may take seconds to start.
IMPATIENT = PIPELINE.replace("time_max: 60s", "time_max: 4s")

# Tells the sum of all values so far, for every row over 5. Its state is all that it knows.
SUMS = """
import json, os, sys

open("pid", "w").write(str(os.getpid()))
total = 0.0
for line in sys.stdin:
    row = json.loads(line)
    if "$state" in row:
        total = row["$state"]["total"]
    elif "$commit" in row:
        print(json.dumps({**row, "$state": {"total": total}}), flush=True)
    else:
        total += row["value"]
        BEFORE
        if row["value"] > 5:
            print(json.dumps({"row": row["id"], "total": total, "why": "over 5"}))
"""
# The first time that it sees row 70.
ONCE = """
        if row["id"] == 70 and not os.path.exists("was_there"):
            open("was_there", "w").close()
            """
TRUTH = """
SELECT id AS row, sum(value) OVER (ORDER BY id) AS total, 'over 5' AS why FROM t.readings
QUALIFY value > 5 ORDER BY id
"""
HAS_ALL = f"SELECT (SELECT count(*) FROM t.hot) = (SELECT count(*) FROM ({TRUTH.split('QUALIFY')[0]} QUALIFY value > 5))"


def program(project, text: str = SUMS, before: str = "pass") -> None:
    (project.folder / "app.py").write_text(text.replace("BEFORE", before), encoding="utf-8")


def put(project, name: str, rows: range) -> None:
    text = "id,value\n" + "".join(f"{i},{i % 10}\n" for i in rows)
    (project.folder / "in" / f"{name}.csv").write_text(text, encoding="utf-8")


@pytest.fixture
def sensors(project):
    (project.folder / "in").mkdir()
    program(project)
    return project.pipeline("sensors", PIPELINE)


def finish(project, **options):
    return project.run("--set", "source.file.watch=false", "--log-level", "info", **options)


def is_right(project, rows: int) -> None:
    assert project.query("SELECT row, total, why FROM t.hot ORDER BY row") == project.query(TRUTH)
    # Once each: nothing had to take the place of anything.
    assert project.value("SELECT count(*) - count(DISTINCT id) FROM t.hot__revisions") == 0
    assert account(project, "hot")["used"] == rows
    assert project.verify()["violations"] == []


def is_gone(project) -> bool:
    pid = int((project.folder / "pid").read_text())
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def live(project) -> dict:
    return json.loads(project.call("app", "status", "hot", "--json").stdout)[0]["running"]


def test_a_script_makes_results_of_rows(sensors):
    put(sensors, "a", range(200))
    finish(sensors)
    put(sensors, "b", range(200, 330))
    finish(sensors)
    is_right(sensors, 330)
    # With the ids that they get when the same rows come again.
    ids = sensors.query("SELECT id FROM t.hot ORDER BY row")
    assert len({row["id"] for row in ids}) == len(ids)
    assert is_gone(sensors)


@pytest.mark.parametrize(
    "fault, said",
    [
        ("sys.exit('cannot go on')", "exit status 1: cannot go on"),
        ("os.kill(os.getpid(), 9)", "signal 9"),
        ("__import__('time').sleep(1000)", "hangs"),
        ("while True: print('{}')", "floods"),
        ("x = bytearray(1 << 30)", "MemoryError"),
    ],
    ids=["crash", "kill", "hang", "flood", "memory"],
)
def test_one_that_fails_is_ended_and_goes_on_at_its_last_answer(sensors, fault, said):
    program(sensors, before=ONCE + fault)
    sensors.pipeline("sensors", IMPATIENT if said == "hangs" else PIPELINE)
    put(sensors, "a", range(60))
    finish(sensors)
    put(sensors, "b", range(60, 200))
    done = finish(sensors)
    assert (sensors.folder / "was_there").exists()
    assert said in done.stderr and "script.failed" in done.stderr
    is_right(sensors, 200)


def test_one_that_always_fails_stops_nothing_but_itself(sensors, start):  # noqa: F811
    program(sensors, "while True: pass")
    sensors.pipeline("sensors", IMPATIENT)
    put(sensors, "a", range(100))
    run = start()
    run.has("SELECT n FROM t.totals", "100")
    until(lambda: live(sensors)["script"]["state"] == "down", "the script is down")
    put(sensors, "b", range(100, 200))
    run.has("SELECT n FROM t.totals", "200")
    status = live(sensors)
    assert "hangs" in status["script"]["last_error"]
    assert status["errors"] >= 1 and status["script"]["starts"] >= 1
    shown = sensors.call("app", "status", "hot").stdout
    assert "script down" in shown and "hangs" in shown
    assert 'catchwater_app_errors_total{app="hot",pipeline="sensors"}' in sensors.call(
        "status", "--metrics"
    ).stdout.replace('pipeline="sensors",app="hot"', 'app="hot",pipeline="sensors"')
    program(sensors)  # Repaired: the next start takes it.
    run.has(HAS_ALL, "true")
    run.end()
    is_right(sensors, 200)


def test_what_is_no_result_is_counted_and_what_it_says_is_logged(sensors):
    program(
        sensors,
        before="print('no json'); print('[1]'); print(json.dumps({'row': 'x'})); "
        "print('a word', file=sys.stderr)",
    )
    put(sensors, "a", range(3))
    done = finish(sensors)
    assert "script.bad_result" in done.stderr
    assert "a word" in done.stderr and "script.said" in done.stderr
    put(sensors, "b", range(3, 10))
    program(sensors)
    finish(sensors)
    is_right(sensors, 10)


def test_a_result_takes_the_place_of_another_and_away(sensors):
    program(sensors, before="print(json.dumps({'id': 'last', 'row': row['id']}))")
    put(sensors, "a", range(5))
    finish(sensors)
    assert sensors.query("SELECT id, row FROM t.hot") == [{"id": "last", "row": 4}]
    assert sensors.value("SELECT count(*) FROM t.hot__revisions") == 5
    program(sensors, before="print(json.dumps({'id': 'last', 'retracted': True}))")
    put(sensors, "b", range(5, 6))
    finish(sensors)
    assert sensors.query("SELECT id FROM t.hot") == []


def test_it_ends_with_the_program_and_goes_on_after_a_kill(sensors, start):  # noqa: F811
    put(sensors, "a", range(300))
    run = start()
    run.has(HAS_ALL, "true")
    assert not is_gone(sensors)
    run.process.send_signal(signal.SIGKILL)
    run.process.wait(60)
    until(lambda: is_gone(sensors), "the script is gone")
    put(sensors, "b", range(300, 500))
    finish(sensors)
    is_right(sensors, 500)


@pytest.mark.parametrize("step", ["stream.state_written", "deliver.flushed"])
def test_a_kill_at_a_commit_costs_no_result(sensors, step):
    put(sensors, "a", range(60))
    finish(sensors)
    put(sensors, "b", range(60, 200))
    killed = finish(sensors, env={"CATCHWATER_FAIL_POINT": f"{step}=kill"}, expect=None)
    assert killed.returncode != 0
    finish(sensors)
    is_right(sensors, 200)


def test_one_that_is_off_is_ended_and_then_makes_up(sensors, start):  # noqa: F811
    put(sensors, "a", range(100))
    run = start()
    run.has(HAS_ALL, "true")
    switch(sensors, "disable", "hot")
    assert is_gone(sensors)
    before = sensors.value("SELECT count(*) FROM t.hot")
    put(sensors, "b", range(100, 200))
    run.has("SELECT n FROM t.totals", "200")
    assert sensors.value("SELECT count(*) FROM t.hot") == before
    switch(sensors, "enable", "hot")
    run.has(HAS_ALL, "true")
    run.end()
    assert is_gone(sensors)
    is_right(sensors, 200)


def test_its_results_go_to_a_broker_with_their_ids(project, rabbitmq):
    (project.folder / "in").mkdir()
    program(project)
    sink = f'amqp: {{ url: "{rabbitmq.url}", routing_key: script.hot, create: true, every: 10ms }}'
    project.pipeline("sensors", PIPELINE.replace("table: t.hot }", f"table: t.hot }}, {{ {sink} }}"))
    put(project, "a", range(100))
    finish(project)
    got = [json.loads(body) for _, _, body in rabbitmq.take_all("script.hot")]
    wanted = project.query("SELECT id, row FROM t.hot ORDER BY row")
    assert sorted(((m["id"], m["row"]) for m in got), key=lambda m: m[1]) == [
        (row["id"], row["row"]) for row in wanted
    ]
    is_right(project, 100)


def test_a_script_sees_no_secret_and_a_command_that_is_not_there_is_told(sensors):
    program(
        sensors,
        before="open('seen', 'w').write(json.dumps(dict(os.environ)))",
    )
    sensors.pipeline("sensors", PIPELINE.replace(
        "batch_rows: 50", 'batch_rows: 50\n      environment: { LIMIT: "75" }'))
    put(sensors, "a", range(3))
    finish(sensors, env={"AMQP_PASSWORD": "hidden"})
    seen = json.loads((sensors.folder / "seen").read_text())
    assert seen["LIMIT"] == "75" and seen["CATCHWATER_APP"] == "hot"
    assert "AMQP_PASSWORD" not in seen
    sensors.pipeline("sensors", PIPELINE.replace("[python3, app.py]", "[no-such-program]"))
    put(sensors, "b", range(3, 5))
    done = finish(sensors, expect=None)
    assert done.returncode != 0 and "no-such-program" in done.stderr
    assert sensors.value("SELECT n FROM t.totals") == 5


TIMED = """
import json, sys

for line in sys.stdin:
    row = json.loads(line)
    print(line.strip() if "$commit" in row else json.dumps({"row": row["id"], "why": "seen"}), flush="$commit" in row)
"""


def timed(project, options: str) -> None:
    (project.folder / "app.py").write_text(TIMED, encoding="utf-8")
    text = PIPELINE.replace("  value: float64\n", "  value: float64\n  ts: { type: timestamp, event_time: true }\n")
    project.pipeline("sensors", text.replace("  hot:\n", f"  hot:\n    {options}\n"))


def put_days(project, name: str, rows: range) -> None:
    """A row an hour from 2026-01-01 on; the first of each day has no time."""
    text = "id,value,ts\n" + "".join(
        f"{i},1,{f'2026-01-{1 + i // 24:02}T{i % 24:02}:00:00Z' if i % 24 else ''}\n" for i in rows
    )
    (project.folder / "in" / f"{name}.csv").write_text(text, encoding="utf-8")


def test_a_script_begins_with_an_event_time(sensors):
    timed(sensors, "from: 2026-01-03")
    put_days(sensors, "a", range(96))
    finish(sensors)
    wanted = [i for i in range(48, 96) if i % 24]
    assert [row["row"] for row in sensors.query("SELECT row FROM t.hot ORDER BY row")] == wanted
    told = sensors.verify()["pipelines"]["sensors"]["streams"]["hot"]
    assert (told["in"], told["used"], told["filtered"]) == (96, len(wanted), 96 - len(wanted))
    # Another beginning: it gets the whole table again.
    timed(sensors, "from: 2026-01-04")
    finish(sensors)
    assert [row["row"] for row in sensors.query("SELECT row FROM t.hot ORDER BY row")] == wanted[23:]
    assert sensors.verify()["violations"] == []


def test_a_script_is_given_no_more_rows_in_a_second_than_it_may(sensors):
    timed(sensors, "rows_per_second_max: 100")
    put_days(sensors, "a", range(400))
    began = time.monotonic()
    finish(sensors)
    assert time.monotonic() - began >= 3  # The first hundred are given at once.
    assert sensors.value("SELECT count(*) FROM t.hot") == 400
    told = sensors.verify()["pipelines"]["sensors"]["streams"]["hot"]
    assert (told["in"], told["used"]) == (400, 400)
