"""Recorded data of others load whole, and the totals equal DuckDB's."""

import csv
import gzip


def test_passengers_equal_duckdb(project, recorded, sql):
    taxi = recorded / "nab/data/realKnownCause/nyc_taxi.csv"
    source = project.folder / "passengers.csv"
    with open(taxi, encoding="utf-8") as rows, open(source, "w", encoding="utf-8") as out:
        out.write("timestamp,sensor_id,passengers\n")
        for number, (timestamp, value) in enumerate(list(csv.reader(rows))[1:]):
            out.write(f"{timestamp},S{number % 7:03d},{value}\n")
    project.pipeline(
        "passengers",
        """
pipeline: passengers
source: { file: { path: passengers.csv } }
codec: csv
columns: { timestamp: timestamp, sensor_id: string, passengers: int64 }
streams:
  totals:
    key: [sensor_id]
    window: all
    compute:
      total_passengers: sum(passengers)
      mean_passengers: mean(passengers)
      variance: variance(passengers)
      first: first(passengers)
      median: median(passengers)
    to:
      - file: { path: total_passagers.csv, columns: [sensor_id, total_passengers] }
      - file: { path: moyenne_passagers.csv, columns: [sensor_id, mean_passengers, variance, first] }
      - console: {}
""",
    )
    shown = project.call("run", ".").stdout
    assert "total_passengers" in shown and "S006" in shown
    theirs = sql(
        "SELECT sensor_id, sum(passengers), avg(passengers), var_samp(passengers), "
        f"arg_min(passengers, timestamp) FROM read_csv('{source}') GROUP BY 1 ORDER BY 1"
    )
    totals = list(csv.reader(open(project.folder / "total_passagers.csv", encoding="utf-8")))
    means = list(csv.reader(open(project.folder / "moyenne_passagers.csv", encoding="utf-8")))
    assert totals[0] == ["sensor_id", "total_passengers"]
    assert len(totals) == len(means) == len(theirs) + 1
    for total, mean, (sensor, s, m, v, first) in zip(totals[1:], means[1:], theirs):
        assert total == [sensor, str(s)]
        assert mean[0] == sensor
        assert abs(float(mean[1]) - m) <= 1e-9 * m
        assert abs(float(mean[2]) - v) <= 1e-9 * v
        assert int(mean[3]) == first


def test_flights_load_from_gzip_without_a_dead_letter(project, recorded):
    path = recorded / "nycflights13/flights.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        header = next(csv.reader(file))
        row_count = sum(1 for _ in file)
    types = {
        "tailnum": "string",
        "carrier": "string",
        "origin": "string",
        "dest": "string",
        "time_hour": "{ type: timestamp, event_time: true }",
    }
    columns = "\n".join(f"  {name}: {types.get(name, 'float64')}" for name in header)
    project.pipeline(
        "flights",
        f"""
pipeline: flights
source: {{ file: {{ path: "{path}" }} }}
codec: csv
columns:
{columns}
lake: {{ table: air.flights, partition: [month(time_hour)] }}
""",
    )
    project.run()
    status = project.status("flights")
    assert status["frames"] == status["in_lake"] == row_count == 336_776
    assert project.verify()["violations"] == []


def test_routes_load_without_a_header(project, recorded, sql):
    path = recorded / "openflights/routes.dat"
    names = ["airline", "airline_id", "source", "source_id", "target", "target_id"]
    columns = "\n".join(
        f"  {name}: {{ type: {'int64' if name.endswith('_id') else 'string'}, from: '#{place}' }}"
        for place, name in enumerate(names, start=1)
    )
    project.pipeline(
        "routes",
        f"""
pipeline: routes
source: {{ file: {{ path: "{path}" }} }}
codec: {{ csv: {{ header: false }} }}
columns:
{columns}
lake: {{ table: air.routes }}
""",
    )
    project.run()
    assert project.status("routes")["in_lake"] == 67_663
    ours = project.query("SELECT count(*) AS n, count(airline_id) AS ids FROM air.routes")
    ((n, ids),) = sql(
        "SELECT count(*), count(column1) FROM read_csv("
        f"'{path}', header = false, nullstr = '\\N', all_varchar = true, "
        "names = ['column0', 'column1'])"
    )
    assert ours == [{"n": n, "ids": ids}]


def test_a_nested_json_document_carries_its_envelope(project, recorded):
    project.pipeline(
        "air",
        f"""
pipeline: air
source: {{ file: {{ path: "{recorded}/airqino/*.json" }} }}
codec: {{ json: {{ path: "data[*]" }} }}
columns:
  station:   {{ type: string, from: $.header.station_name, entity: true }}
  timestamp: {{ type: timestamp, event_time: true, zone: Europe/Rome }}
  CO:        float64
  PM2.5:     float64
lake: {{ table: air.hourly, partition: [month(timestamp)] }}
""",
    )
    done = project.run()
    status = project.status("air")
    letters = status["rows"] - status["in_lake"]
    assert status["in_lake"] + letters == 8_535, done.stderr
    # One hour does not exist on the day on which the clocks go forward.
    assert letters <= 1
    assert project.value("SELECT count(DISTINCT station) AS n FROM air.hourly") == 1
    assert project.verify()["violations"] == []
