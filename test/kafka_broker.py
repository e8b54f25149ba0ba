"""A real Kafka broker (KRaft, one node) on loopback, from the jars of `tools/setup test`."""

import base64
import os
import pathlib
import signal
import subprocess
import time
import uuid

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from ports import free_ports

ROOT = pathlib.Path(__file__).resolve().parent.parent
JARS = ROOT / ".deps" / "kafka"
# Quick to start; benches want one that runs quickly.
JAVA = os.environ.get("CATCHWATER_KAFKA_JAVA", "-Xmx256m -XX:TieredStopAtLevel=1").split()

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=PLAIN://127.0.0.1:{plain},SASL://127.0.0.1:{sasl},TLS://127.0.0.1:{tls},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAIN://127.0.0.1:{plain},SASL://127.0.0.1:{sasl},TLS://127.0.0.1:{tls},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL
inter.broker.listener.name=PLAIN
sasl.enabled.mechanisms=PLAIN
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_reader="right-password";
ssl.keystore.type=PEM
ssl.keystore.location={folder}/server.pem
log.dirs={folder}/data
num.partitions=1
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=8388608
log.retention.check.interval.ms=500
log.segment.delete.delay.ms=100
"""

LOGGING = """\
status=error
rootLogger.level=warn
rootLogger.appenderRefs=out
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.target=SYSTEM_ERR
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %c{{1}} %m%n
"""


class Broker:
    """Started by `start`; `kill` is what a power cut does, `stop` what an operator does."""

    def __init__(self, folder: pathlib.Path) -> None:
        assert JARS.is_dir(), "the Kafka broker is not there, run: tools/setup test"
        self.folder = folder
        self.process: subprocess.Popen | None = None
        folder.mkdir(parents=True)
        plain, sasl, tls, controller = free_ports(4)
        self.address = f"127.0.0.1:{plain}"
        self.sasl_address = f"127.0.0.1:{sasl}"
        self.tls_address = f"127.0.0.1:{tls}"
        self._make_certificate()
        self.config = folder / "server.properties"
        self.config.write_text(
            PROPERTIES.format(folder=folder, plain=plain, sasl=sasl, tls=tls, controller=controller)
        )
        (folder / "log4j2.properties").write_text(LOGGING.replace("{{", "{").replace("}}", "}"))
        # The first byte is zero: an id that begins with a dash would be taken for an option.
        cluster = base64.urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
        subprocess.run(
            self._java("kafka.tools.StorageTool")
            + ["format", "--standalone", "-t", cluster, "-c", self.config],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=120,
        )

    def _make_certificate(self) -> None:
        self.ca_file = self.folder / "ca.pem"
        key = self.folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
            + ["-keyout", key, "-out", self.ca_file, "-subj", "/CN=localhost"]
            + ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        (self.folder / "server.pem").write_text(key.read_text() + self.ca_file.read_text())

    def _java(self, main: str) -> list:
        return ["java", *JAVA, "-XX:+UseSerialGC", "-Xshare:auto"] + [
            f"-Dlog4j2.configurationFile=file:{self.folder}/log4j2.properties",
            "-cp",
            f"{JARS}/*",
            main,
        ]

    def start(self) -> "Broker":
        log = open(self.folder / "broker.log", "ab")  # noqa: SIM115
        self.process = subprocess.Popen(
            self._java("kafka.Kafka") + [self.config],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.folder / "broker.log").read_text()[-4000:]
            try:
                self.admin().list_topics(timeout=1)
                return self
            except Exception:
                time.sleep(0.2)
        raise AssertionError((self.folder / "broker.log").read_text()[-4000:])

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: int) -> None:
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.address, "log_level": 0})

    def create(self, topic: str, partitions: int = 1, **config) -> None:
        new = NewTopic(topic, partitions, 1, config={k.replace("_", "."): v for k, v in config.items()})
        admin = self.admin()  # Kept: its answers end with it.
        for future in admin.create_topics([new]).values():
            future.result(60)

    def delete(self, topic: str) -> None:
        admin = self.admin()
        for future in admin.delete_topics([topic]).values():
            future.result(60)

    def delete_records(self, topic: str, before: int, partition: int = 0) -> None:
        admin = self.admin()
        for future in admin.delete_records([TopicPartition(topic, partition, before)]).values():
            future.result(60)

    def producer(self, **config) -> Producer:
        options = {
            "bootstrap.servers": self.address,
            "linger.ms": 5,
            "enable.idempotence": True,
            "message.timeout.ms": 120_000,
            "transaction.timeout.ms": 120_000,
            "log_level": 0,
        }
        return Producer({**options, **{k.replace("_", "."): v for k, v in config.items()}})

    def produce(self, topic: str, values, **more) -> None:
        """Produces and waits until the broker has all of it."""
        producer = self.producer()
        for value in values:
            while True:
                try:
                    producer.produce(topic, value, **more)
                    break
                except BufferError:
                    producer.poll(0.1)
        assert producer.flush(120) == 0

    def read_all(self, topic: str) -> list:
        """All messages of a topic, by an independent client."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.address,
                "group.id": f"check-{uuid.uuid4()}",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "log_level": 0,
            }
        )
        messages = []
        try:
            found = consumer.list_topics(topic, timeout=30).topics[topic].partitions
            for number in found:
                low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=30)
                consumer.assign([TopicPartition(topic, number, low)])
                while high > low:
                    message = consumer.poll(30)
                    assert message is not None, f"no message of {topic}[{number}] within 30 s"
                    assert message.error() is None, message.error()
                    messages.append(message)
                    if message.offset() + 1 >= high:
                        break
        finally:
            consumer.close()
        return messages
