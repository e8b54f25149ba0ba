"""Windows of other lengths for some keys, sessions that are corrected, and rows by themselves."""

from test_windows import SENSORS, batch_sql, close_enough, drop, readings, results_sql

PIPELINE = (
    SENSORS
    + """  some:
    key: [sensor_id]
    window: { size: 1m }
    compute: { total: sum(value), lo: min(value), hi: max(value), mean: mean(value) }
    late: { allow: 2m }
    overrides: [ { only: { sensor_id: [S1, S2] }, size: 10m, every: 1m, allow: 4m } ]
    to: [ { table: sensors.some } ]
  sessions:
    key: [sensor_id]
    window: { session: 30s }
    compute: { total: sum(value) }
    late: { allow: 10s, then: correct, correct_for: 2h }
    to: [ { table: sensors.sessions } ]
  rows:
    key: [sensor_id]
    window: none
    compute: { value: last(value) }
    to: [ { table: sensors.rows } ]
"""
)
SESSIONS = """
WITH gaps AS (
  SELECT *, coalesce(epoch_us(ts) - epoch_us(lag(ts) OVER s) >= 30000000, true) AS begins
  FROM sensors.readings WINDOW s AS (PARTITION BY sensor_id ORDER BY ts)),
numbered AS (
  SELECT *, sum(begins::int) OVER (PARTITION BY sensor_id ORDER BY ts) AS session FROM gaps)
SELECT sensor_id, epoch_us(min(ts)) AS w, count(*) AS n, sum(value) AS total
FROM numbered GROUP BY sensor_id, session ORDER BY sensor_id, w
"""


def everything_is_right(project, rows: int) -> None:
    kinds = "sensor_id IN ('S1', 'S2')"
    expected = [row for row in project.query(batch_sql(1)) if row["sensor_id"] not in ("S1", "S2")]
    expected += [row for row in project.query(batch_sql(10)) if row["sensor_id"] in ("S1", "S2")]
    expected.sort(key=lambda row: (row["sensor_id"], row["w"]))
    close_enough(project.query(results_sql("some")), expected)
    assert project.value(f"SELECT count(*) FROM sensors.some WHERE {kinds}") > 0
    close_enough(project.query(results_sql("sessions", "n, total")), project.query(SESSIONS))
    assert project.value("SELECT count(*) FROM sensors.rows__revisions") == rows
    assert project.query("SELECT sensor_id, window_start AS ts, value FROM sensors.rows ORDER BY ALL") == (
        project.query("SELECT sensor_id, ts, value FROM sensors.readings ORDER BY ALL")
    )
    verdict = project.verify()
    assert verdict["violations"] == []
    streams = verdict["pipelines"]["sensors"]["streams"]
    assert {name: account["used"] for name, account in streams.items()} == dict.fromkeys(
        ("some", "sessions", "rows"), rows
    )


def test_each_kind_of_window_equals_batch_sql_also_over_runs(project):
    (project.folder / "in").mkdir()
    project.pipeline("sensors", PIPELINE)
    for seed in (1, 2, 3):
        drop(project, f"r{seed}", readings(seed, 2000, disorder_s=119, begin_s=6000 * seed))
        project.run("--lanes", str(seed), "--set", "source.file.block_bytes=4KiB")
        everything_is_right(project, 2000 * seed)
    corrected = project.value("SELECT count(*) FROM sensors.sessions__revisions WHERE retracted")
    assert corrected > 0  # Ten seconds are allowed, two minutes is the disorder.


def test_lateness_is_of_the_key(project):
    (project.folder / "in").mkdir()
    project.pipeline("sensors", PIPELINE)
    text = readings(4, 2000, disorder_s=119)
    newest = max(line.split(",")[0] for line in text.splitlines()[1:])
    # Three minutes behind: too late for all but the two that may be.
    late = "".join(f"{newest[:14]}{int(newest[14:16]) - 3:02}:00,{sensor},1.0\n" for sensor in ("S0", "S1"))
    assert int(newest[14:16]) >= 3
    drop(project, "a", text + late)
    project.run()
    account = project.verify()["pipelines"]["sensors"]["streams"]["some"]
    assert (account["in"], account["used"], account["late"]) == (2002, 2001, 1)


def test_an_override_of_what_is_no_key_is_a_mistake(project):
    (project.folder / "in").mkdir()
    for wrong, said in (
        ("only: { value: [1] }, size: 5m", "is not in the `key`"),
        ("only: { sensor_id: [S1] }", "an override has"),
        ("only: { sensor_id: [S1] }, session: 5m", "overrides that of sessions"),
        ("only: { sensor_id: [S1] }, size: 5s, every: 1m", "longer than `size`"),
    ):
        right = "only: { sensor_id: [S1, S2] }, size: 10m, every: 1m, allow: 4m"
        project.pipeline("sensors", PIPELINE.replace(right, wrong))
        done = project.call("validate", expect=None)
        assert done.returncode == 78 and said in done.stderr + done.stdout, done.stderr


def test_beside_detectors_none_changes_nothing(project):
    (project.folder / "in").mkdir()
    begin, end = PIPELINE.index("  sessions:"), PIPELINE.index("    to: [ { table: sensors.rows }")
    alarms = "  rows:\n    key: [sensor_id]\n    window: none\n    detect: [ { spike: {} } ]\n"
    project.pipeline("sensors", PIPELINE[:begin] + alarms + PIPELINE[end:])
    drop(project, "a", readings(5, 1000, disorder_s=60))
    project.run()
    # They wait for what comes late, as ever.
    account = project.verify()["pipelines"]["sensors"]["streams"]["rows"]
    assert (account["in"], account["used"] + account["late"]) == (1000, 1000)
    wrong = PIPELINE[:begin] + alarms.replace("none", "{ size: 1m }") + PIPELINE[end:]
    project.pipeline("sensors", wrong)
    assert "stand in one stream" in project.call("validate", expect=78).stderr
