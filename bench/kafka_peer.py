"""What is written by hand today: confluent-kafka and pyarrow, a process for each share of a topic.

Usage: bench/kafka_peer.py BROKERS TOPIC FOLDER PROCESSES PEAK

Reads the topic from its beginning to what is its end now, and writes a Parquet file a process (ZSTD,
level 1). Nothing is synced, committed or remembered: after a crash all is read again. The peak
memory of all processes together, in KiB, goes into the file PEAK.
"""

import os
import pathlib
import resource
import sys
import traceback
import uuid

ROW_GROUP_BYTES = 16 << 20  # Of JSON; larger ones were not faster.


def consumer_of(brokers: str):
    from confluent_kafka import Consumer

    return Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": f"peer-{uuid.uuid4()}",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "isolation.level": "read_committed",
            "queued.min.messages": 1_000_000,
            "queued.max.messages.kbytes": 65_536,
            "fetch.message.max.bytes": 8 << 20,
        }
    )


def schema_of(has_text: bool):
    import pyarrow

    columns = {
        "seq": pyarrow.int64(),
        "ts": pyarrow.string(),  # pyarrow's JSON reader takes a time only without the Z.
        "sensor_id": pyarrow.string(),
        "temperature": pyarrow.float64(),
        "humidity": pyarrow.int64(),
        "status": pyarrow.string(),
        "site": pyarrow.string(),
    }
    return pyarrow.schema((columns | ({"text": pyarrow.string()} if has_text else {})).items())


def table_of(values: list[bytes], schema):
    import pyarrow
    import pyarrow.compute
    import pyarrow.json

    table = pyarrow.json.read_json(
        pyarrow.BufferReader(b"\n".join(values)),
        read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=2 * ROW_GROUP_BYTES),
        parse_options=pyarrow.json.ParseOptions(explicit_schema=schema),
    )
    times = pyarrow.compute.cast(table["ts"], pyarrow.timestamp("us", "UTC"))
    return table.set_column(1, "ts", times)


def read_share(brokers: str, topic: str, target: pathlib.Path, share: int, count: int) -> None:
    import pyarrow
    import pyarrow.parquet
    from confluent_kafka import TopicPartition

    pyarrow.set_cpu_count(1)
    consumer = consumer_of(brokers)
    numbers = sorted(consumer.list_topics(topic, timeout=30).topics[topic].partitions)[share::count]
    left = 0
    for number in numbers:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=30)
        left += high - low
    consumer.assign([TopicPartition(topic, number, 0) for number in numbers])
    writer = schema = None
    batch_count = 1_000
    while left > 0:
        values = [message.value() for message in consumer.consume(min(batch_count, left), 60)]
        assert values, f"no message of {topic} within 60 s"
        left -= len(values)
        if schema is None:
            schema = schema_of(b'"text":' in values[0])
            batch_count = ROW_GROUP_BYTES // len(values[0])
        table = table_of(values, schema)
        if writer is None:
            writer = pyarrow.parquet.ParquetWriter(
                target, table.schema, compression="zstd", compression_level=1)
        writer.write_table(table)
    writer.close()
    consumer.close()


def main() -> None:
    brokers, topic, folder, process_count, peak_file = sys.argv[1:]
    pipes = []
    for share in range(int(process_count)):
        read_end, write_end = os.pipe()
        if os.fork() == 0:
            try:
                target = pathlib.Path(folder) / f"{share}.parquet"
                read_share(brokers, topic, target, share, int(process_count))
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                os.write(write_end, str(peak).encode())
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        os.close(write_end)
        pipes.append(read_end)
    peaks = [os.read(pipe, 100) for pipe in pipes]
    for _ in pipes:
        _, status = os.wait()
        assert status == 0 and all(peaks), "a process failed"
    pathlib.Path(peak_file).write_text(str(sum(map(int, peaks))))


if __name__ == "__main__":
    main()
