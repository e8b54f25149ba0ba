"""What the other programs do: bench/peers.py PROGRAM TASK INPUT OUTPUT THREADS.

Each gets the schema, the quickest form we found, as many threads as it is told, and the same
compression: ZSTD, level 1. None of them syncs or commits.
"""

import sys

THREADS = int(sys.argv[5]) if len(sys.argv) > 5 else 1


def duckdb_run(select: str, target: str, options: str) -> None:
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads = {THREADS}")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(f"COPY ({select}) TO '{target}' ({options})")


DUCKDB_COLUMNS = (
    "{ts: 'TIMESTAMP', sensor_id: 'VARCHAR', temperature: 'DOUBLE', "
    "humidity: 'BIGINT', status: 'VARCHAR'}"
)
DUCKDB_PARQUET = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"


def duckdb_ndjson(source: str, target: str) -> None:
    reader = f"read_json('{source}', format='newline_delimited', columns={DUCKDB_COLUMNS})"
    duckdb_run(f"SELECT * FROM {reader}", target, DUCKDB_PARQUET)


def duckdb_csv(source: str, target: str) -> None:
    reader = f"read_csv('{source}', header=true, columns={DUCKDB_COLUMNS})"
    duckdb_run(f"SELECT * FROM {reader}", target, DUCKDB_PARQUET)


def duckdb_totals(source: str, target: str) -> None:
    columns = "{timestamp: 'VARCHAR', sensor_id: 'VARCHAR', passengers: 'BIGINT'}"
    duckdb_run(
        "SELECT sensor_id, sum(passengers), avg(passengers) "
        f"FROM read_csv('{source}', header=true, columns={columns}) GROUP BY 1 ORDER BY 1",
        target,
        "FORMAT csv, HEADER true",
    )


def polars_schema() -> dict:
    import polars

    return {
        "ts": polars.String,
        "sensor_id": polars.String,
        "temperature": polars.Float64,
        "humidity": polars.Int64,
        "status": polars.String,
    }


def polars_write(frame, target: str) -> None:
    import polars

    time = polars.col("ts").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC")
    frame.with_columns(time).sink_parquet(target, compression="zstd", compression_level=1)


def polars_ndjson(source: str, target: str) -> None:
    import polars

    polars_write(polars.scan_ndjson(source, schema=polars_schema()), target)


def polars_csv(source: str, target: str) -> None:
    import polars

    polars_write(polars.scan_csv(source, schema=polars_schema()), target)


def polars_totals(source: str, target: str) -> None:
    import polars

    passengers = polars.col("passengers")
    (
        polars.scan_csv(source, schema_overrides={"passengers": polars.Int64})
        .group_by("sensor_id")
        .agg(passengers.sum().alias("total"), passengers.mean().alias("mean"))
        .sort("sensor_id")
        .collect(engine="streaming")
        .write_csv(target)
    )


def pyarrow_types() -> dict:
    import pyarrow

    return {
        "ts": pyarrow.timestamp("us", "UTC"),
        "sensor_id": pyarrow.string(),
        "temperature": pyarrow.float64(),
        "humidity": pyarrow.int64(),
        "status": pyarrow.string(),
    }


def pyarrow_write(table, target: str) -> None:
    import pyarrow.parquet

    pyarrow.parquet.write_table(table, target, compression="zstd", compression_level=1)


def pyarrow_ndjson(source: str, target: str) -> None:
    import pyarrow
    import pyarrow.compute
    import pyarrow.json

    pyarrow.set_cpu_count(THREADS)
    # Its JSON reader takes a time only without the Z.
    types = pyarrow_types() | {"ts": pyarrow.string()}
    table = pyarrow.json.read_json(
        source,
        read_options=pyarrow.json.ReadOptions(use_threads=THREADS > 1, block_size=4 << 20),
        parse_options=pyarrow.json.ParseOptions(explicit_schema=pyarrow.schema(types.items())),
    )
    times = pyarrow.compute.cast(table["ts"], pyarrow.timestamp("us", "UTC"))
    pyarrow_write(table.set_column(0, "ts", times), target)


def pyarrow_csv(source: str, target: str) -> None:
    import pyarrow
    import pyarrow.csv

    pyarrow.set_cpu_count(THREADS)
    table = pyarrow.csv.read_csv(
        source,
        read_options=pyarrow.csv.ReadOptions(use_threads=THREADS > 1),
        convert_options=pyarrow.csv.ConvertOptions(column_types=pyarrow_types()),
    )
    pyarrow_write(table, target)


def pyarrow_totals(source: str, target: str) -> None:
    import pyarrow
    import pyarrow.csv

    pyarrow.set_cpu_count(THREADS)
    table = pyarrow.csv.read_csv(
        source,
        read_options=pyarrow.csv.ReadOptions(use_threads=THREADS > 1),
        convert_options=pyarrow.csv.ConvertOptions(include_columns=["sensor_id", "passengers"]),
    )
    grouped = table.group_by("sensor_id", use_threads=THREADS > 1)
    totals = grouped.aggregate([("passengers", "sum"), ("passengers", "mean")])
    pyarrow.csv.write_csv(totals.sort_by("sensor_id"), target)


def clickhouse_run(select: str, target: str, tail: str) -> None:
    import chdb

    # It also writes checksums, page indexes and Bloom filters by default; nobody else here does.
    settings = (
        f"max_threads={THREADS}, date_time_input_format='best_effort', "
        "output_format_compression_level=1, output_format_parquet_compression_method='zstd', "
        "output_format_parquet_write_page_index=0, output_format_parquet_write_bloom_filter=0, "
        "output_format_parquet_write_checksums=0"
    )
    chdb.query(f"{select} INTO OUTFILE '{target}' TRUNCATE FORMAT {tail} SETTINGS {settings}")


CLICKHOUSE_COLUMNS = (
    "ts DateTime64(6, \\'UTC\\'), sensor_id String, temperature Float64, "
    "humidity Int64, status String"
)


def clickhouse_ndjson(source: str, target: str) -> None:
    reader = f"file('{source}', JSONEachRow, '{CLICKHOUSE_COLUMNS}')"
    clickhouse_run(f"SELECT * FROM {reader}", target, "Parquet")


def clickhouse_csv(source: str, target: str) -> None:
    reader = f"file('{source}', CSVWithNames, '{CLICKHOUSE_COLUMNS}')"
    clickhouse_run(f"SELECT * FROM {reader}", target, "Parquet")


def clickhouse_totals(source: str, target: str) -> None:
    columns = "timestamp String, sensor_id String, passengers Int64"
    clickhouse_run(
        "SELECT sensor_id, sum(passengers) AS total, avg(passengers) AS mean "
        f"FROM file('{source}', CSVWithNames, '{columns}') GROUP BY 1 ORDER BY 1",
        target,
        "CSVWithNames",
    )


if __name__ == "__main__":
    globals()[f"{sys.argv[1]}_{sys.argv[2]}"](sys.argv[3], sys.argv[4])
