"""examples/base_stations: alarms before they happen, over the embedded default and over RabbitMQ."""

import json
import pathlib
import shutil
import signal
import subprocess
import sys

import jsonschema
import pytest
from conftest import ROOT, Project
from test_kafka import Running, wait_for

EXAMPLE = ROOT / "examples" / "base_stations"


def copy_of(example: str, folder) -> Project:
    shutil.copytree(ROOT / "examples" / example, folder)
    return Project(folder)


@pytest.fixture(scope="module")
def ended(tmp_path_factory) -> Project:
    project = copy_of("base_stations", tmp_path_factory.mktemp("stations") / "project")
    project.run()
    return project


def answer(project: Project, name: str) -> list[dict]:
    return project.query((project.folder / "queries" / f"{name}.sql").read_text(encoding="utf-8"))


def check(rows: list[dict], schema: str) -> None:
    validator = jsonschema.Draft202012Validator(
        json.loads((EXAMPLE / "schemas" / f"{schema}.json").read_text(encoding="utf-8"))
    )
    assert rows
    for row in rows:
        validator.validate(row)


def test_alarms_are_told_before_they_happen(ended):
    (score,) = answer(ended, "score")
    print(f"\n{score}")
    assert score["alarms"] >= 3
    assert score["recall"] == 1.0  # At least five minutes before.
    assert score["precision"] >= 0.9
    assert score["lead_minutes_min"] >= 5
    assert ended.verify()["violations"] == []


def test_each_row_is_in_the_account_of_each_app(ended):
    verdict = ended.verify()["pipelines"]
    for tenant in ("north", "south"):
        rows = ended.value(f"SELECT count(*) FROM {tenant}.readings")
        for account in verdict[tenant]["streams"].values():
            assert account["in"] == rows
    late = verdict["north"]["streams"]["alerts"]["late"]
    assert late > 0
    assert late == ended.value("SELECT count(*) FROM north.readings__alerts_late")


def test_the_metrics_of_the_apps_are_stored(ended):
    for tenant in ("north", "south"):
        apps = ended.verify()["pipelines"][tenant]["streams"]
        metrics = {row["app"]: row for row in ended.query(
            f"SELECT * FROM {tenant}.app_metrics QUALIFY row_number() OVER (PARTITION BY app ORDER BY measured_at DESC) = 1")}
        assert metrics.keys() == apps.keys()
        for app, row in metrics.items():
            assert (row["rows_in"], row["input_bytes"] > 0) == (apps[app]["in"], True)
            assert 0 < row["rows_with_result"] <= apps[app]["used"]
            results = ended.value(f"SELECT count(*) FROM {tenant}.{app}__revisions")
            assert row["results"] == results


def test_results_are_as_their_schemas_say(ended):
    for tenant in ("north", "south"):
        check(ended.query(f"SELECT * FROM {tenant}.events__revisions"), "BTSAlarmEvent")
        check(ended.query(f"SELECT * FROM {tenant}.alerts__revisions"), "BTSAlarmAlert")
    kinds = {row["kind"] for row in ended.query("SELECT DISTINCT kind FROM north.alerts")}
    assert kinds >= {"spike", "trend_to_threshold", "missing", "pipeline_stalled"}
    kinds = {row["kind"] for row in ended.query("SELECT DISTINCT kind FROM south.alerts")}
    assert "anomaly" in kinds


def test_the_batch_queries_agree_with_the_tables(ended):
    count = ended.value("SELECT count(*) FROM north.readings")
    shares = answer(ended, "share_by_station")
    assert sum(row["readings"] for row in shares) == count
    assert sum(row["share"] for row in shares) == pytest.approx(1, abs=1e-3)
    rooms = ended.value("SELECT count(*) FROM north.readings WHERE datapoint_id = 111")
    for unit, units in (("day", 5), ("month", 1), ("year", 1)):
        buckets = answer(ended, f"histogram_by_{unit}")
        assert sum(row["readings"] for row in buckets) == rooms
        assert 1 <= len({row[unit] for row in buckets}) <= units
    events = ended.value("SELECT count(*) FROM north.events")
    for unit in ("day", "month"):
        assert sum(row["alarms"] for row in answer(ended, f"alarms_by_{unit}")) == events
    exceeded = answer(ended, "thresholds_exceeded")
    assert {row["datapoint_id"] for row in exceeded} >= {111, 141}
    hours = answer(ended, "hour_of_alarms")
    assert len(hours) == ended.value("SELECT count(DISTINCT datapoint_id) FROM north.events")
    assert all(0 <= row["hour"] <= 23 for row in hours)
    answered = {path.stem for path in (EXAMPLE / "queries").glob("*.sql")}
    assert answered == {
        "share_by_station", "histogram_by_day", "histogram_by_month", "histogram_by_year",
        "alarms_by_day", "alarms_by_month", "thresholds_exceeded", "hour_of_alarms", "score",
    }


RESULTS = (
    "SELECT id, revision, state FROM north.alerts__revisions a {0} "
    "UNION ALL SELECT id, revision, state FROM north.events__revisions a {0}"
)


def results_of(project: Project, where: str = "") -> set[tuple]:
    return {tuple(row.values()) for row in project.query(RESULTS.format(where))}


def test_over_rabbitmq_the_client_gets_what_the_table_has(tmp_path, ended, rabbitmq, monkeypatch):
    sql = (
        "SELECT * FROM north.readings WHERE event_time < '2026-01-02 12:00:00' "
        "AND datapoint_id IN (111, 141) ORDER BY event_time, station_id, datapoint_id"
    )
    lines = ended.call("query", sql, "--format", "csv").stdout
    # The same lines from a file tell what the client must get.
    from_file = copy_of("base_stations", tmp_path / "from_file")
    (from_file.folder / "pipelines" / "south.yaml").unlink()
    (from_file.folder / "north.csv").write_text(lines, encoding="utf-8")
    file = from_file.folder / "pipelines" / "north.yaml"
    text = file.read_text(encoding="utf-8").splitlines()
    text = ["  file: { path: north.csv }" if "simulate:" in line else line for line in text]
    file.write_text("\n".join(text), encoding="utf-8")
    from_file.run()
    # A queue has no end: what waits for later readings is not told yet.
    expected = results_of(from_file, "WHERE a.at < '2026-01-02 11:30:00'")
    assert len(expected) > 10 and expected == results_of(from_file)

    project = copy_of("base_stations_amqp", tmp_path / "project")
    (project.folder / "pipelines" / "south.yaml").unlink()
    monkeypatch.setenv("AMQP_URL", f"amqp://localhost:{rabbitmq.port}")
    running = Running(project)
    try:
        done = subprocess.run(
            [sys.executable, project.folder / "client.py", "north", "send", from_file.folder / "north.csv",
             "--json", "--expect", str(len(expected)), "--url", rabbitmq.url],
            capture_output=True, text=True, timeout=300, check=False,
        )
        assert done.returncode == 0, done.stderr
    finally:
        running.end(signal.SIGTERM)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    check([row for row in results if row["kind"] == "active_alarm"], "BTSAlarmEvent")
    check([row for row in results if row["kind"] != "active_alarm"], "BTSAlarmAlert")
    got = {(row["id"], row["revision"], row["state"]) for row in results}
    assert got == expected
    assert expected <= results_of(project)


def alarms(tmp_path, name: str, hour: int) -> pathlib.Path:
    """An hour of smoke sensors of two stations, a line in eight minutes, three alarms each."""
    lines = ["station_id,datapoint_id,alarm_id,event_time,value,valueThreshold,isActive,storedtime"]
    lines += [
        f"BTS{station},151,A151,2026-01-01T{hour:02}:{8 * place:02}:00Z,0,999999,{is_active},"
        for place, is_active in enumerate("false true false true false true false".split())
        for station in (1, 2)
    ]
    file = tmp_path / f"{name}.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def test_a_tenant_switches_its_app_from_the_client(tmp_path, rabbitmq, monkeypatch):
    project = copy_of("base_stations_amqp", tmp_path / "project")
    monkeypatch.setenv("AMQP_URL", f"amqp://localhost:{rabbitmq.port}")
    for tenant in ("north", "south"):
        for queue in ("readings", "events", "alerts"):
            rabbitmq.declare(f"{tenant}.{queue}")
            rabbitmq.take_all(f"{tenant}.{queue}")  # Of another test.

    def client(*words, expect=0) -> str:
        done = subprocess.run(
            [sys.executable, project.folder / "client.py", *words, "--url", rabbitmq.url],
            capture_output=True, text=True, timeout=300, check=False,
        )
        assert done.returncode == expect, done.stderr
        return done.stdout

    def send(tenant: str, name: str, hour: int, results: int) -> list[dict]:
        told = client(tenant, "send", str(alarms(tmp_path, name, hour)), "--json", "--expect", str(results))
        return [json.loads(line) for line in told.splitlines()]

    def rows_in(tenant: str, app: str) -> int:
        (one,) = json.loads(client(tenant, "metrics", app))["apps"]
        return one["metrics"]["rows_in"]

    def publish(tenant: str, name: str, hour: int) -> None:
        lines = alarms(tmp_path, name, hour).read_text(encoding="utf-8").splitlines()[1:]
        rabbitmq.publish(f"{tenant}.readings", ((line.encode(), {}) for line in lines))

    running = Running(project)
    try:
        states = [row["state"] for row in send("north", "a", 1, 12)]
        assert sorted(states) == ["cleared"] * 6 + ["raised"] * 6
        answer = json.loads(client("north", "disable", "events"))
        assert answer == {"ok": True, "app": "events", "state": "disabled"}
        publish("north", "b", 2)
        wait_for(lambda: rows_in("north", "coverage") == 28)
        assert rabbitmq.take_all("north.events") == []
        # The other tenant has an app of this name, too, and no say in this one.
        assert len(send("south", "a", 1, 12)) == 12
        assert json.loads(client("south", "status", "events"))["apps"][0]["state"] == "enabled"
        refused = json.loads(client("south", "enable", "coverage", expect=1))
        assert "yours are alerts, events" in refused["error"]
        client("north", "enable", "events")
        publish("north", "c", 3)
        got: dict[tuple, str] = {}

        def are_all_cleared() -> bool:
            for _, _, body in rabbitmq.take_all("north.events"):
                row = json.loads(body)
                got[row["station_id"], row["since"]] = row["state"]
            hours = {since[11:13] for _, since in got}
            return hours >= {"02", "03"} and list(got.values()).count("cleared") >= 12

        wait_for(are_all_cleared)
    finally:
        running.end(signal.SIGTERM)
    cleared = project.value("SELECT count(*) FROM north.events WHERE state = 'cleared'")
    assert cleared == 18
    assert project.verify()["violations"] == []
