"""The files that all programs read: made once, the same bytes every time."""

import json
import pathlib

import duckdb

# 1,000 sensors, a reading each a second: a time that repeats, a name, a number with two decimals,
# a small integer and a state that is nearly always the same.
READINGS = """
SELECT strftime(TIMESTAMP '2026-01-01' + to_seconds(i // 1000), '%Y-%m-%dT%H:%M:%SZ') AS ts,
       printf('S%03d', i % 1000) AS sensor_id,
       printf('%.2f', 15 + 8 * sin((i // 1000) % 86400 * 2 * pi() / 86400)
                         + (hash(i) % 1000000) / 1000000.0 * 3) AS temperature,
       (40 + hash(i + 1000000007) % 41)::INT AS humidity,
       CASE WHEN hash(i + 77) % 97 = 0 THEN 'low_battery' ELSE 'ok' END AS status
FROM range({rows}) AS r(i)
"""
AS_JSON = """
SELECT '{{"ts":"' || ts || '","sensor_id":"' || sensor_id || '","temperature":' || temperature
       || ',"humidity":' || humidity || ',"status":"' || status || '"}}'
FROM ({readings})
"""
PASSENGERS = """
SELECT strftime(TIMESTAMP '2026-01-01' + to_seconds(i // 58), '%Y-%m-%d %H:%M:%S') AS timestamp,
       printf('S%03d', (1 + hash(i) % 58)::INT) AS sensor_id,
       (hash(i + 1000000007) % 1200)::INT AS passengers
FROM range({rows}) AS r(i)
"""
PLAIN = "(FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')"  # One column a line.

NDJSON_ROW_BYTES = 100
CSV_ROW_BYTES = 40


def make(folder: pathlib.Path, megabytes: int, passenger_rows: int) -> dict[str, pathlib.Path]:
    """Makes what is not there yet, in the size that is asked for."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {
        "readings.ndjson": megabytes * 1_000_000 // NDJSON_ROW_BYTES,
        "readings.csv": megabytes * 1_000_000 // CSV_ROW_BYTES,
        "passengers.csv": passenger_rows,
    }
    queries = {
        "readings.ndjson": AS_JSON.format(readings=READINGS.format(rows=rows["readings.ndjson"])),
        "readings.csv": READINGS.format(rows=rows["readings.csv"]),
        "passengers.csv": PASSENGERS.format(rows=rows["passengers.csv"]),
    }
    marker = folder / "made.json"
    made = json.loads(marker.read_text()) if marker.exists() else {}
    for name, query in queries.items():
        if made.get(name) == query and (folder / name).exists():
            continue
        options = PLAIN if name.endswith(".ndjson") else "(FORMAT csv, HEADER true)"
        duckdb.execute(f"COPY ({query}) TO '{folder / name}' {options}")
        made[name] = query
        marker.write_text(json.dumps(made))
    return {name: folder / name for name in rows}
