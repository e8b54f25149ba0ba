"""A RabbitMQ of our own on loopback, from Debian's package, ended by its process id."""

import contextlib
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import time

import pika

from ports import free_ports

SERVER = pathlib.Path("/usr/lib/rabbitmq/bin/rabbitmq-server")

CONFIG = """\
listeners.tcp.1 = 127.0.0.1:{port}
listeners.ssl.1 = 127.0.0.1:{tls_port}
ssl_options.cacertfile = {folder}/ca.pem
ssl_options.certfile = {folder}/ca.pem
ssl_options.keyfile = {folder}/key.pem
ssl_options.verify = verify_none
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 50MB
loopback_users.guest = false
log.console = true
log.file = false
"""


class RabbitMq:
    """Started at once; `kill` is what a power cut does, `stop` what an operator does."""

    def __init__(self, folder: pathlib.Path) -> None:
        assert SERVER.exists(), "tools/setup test installs rabbitmq-server"
        self.folder = folder
        folder.mkdir(parents=True)
        self.process: subprocess.Popen | None = None
        self.port, self.tls_port, self.dist_port, self.epmd_port = free_ports(4)
        self._make_certificate()
        (folder / "rabbitmq.conf").write_text(
            CONFIG.format(folder=folder, port=self.port, tls_port=self.tls_port)
        )
        (folder / "enabled_plugins").write_text("[].")
        self.node = f"t{self.port}@localhost"
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_DIST_PORT": str(self.dist_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self.epmd_port),
            "LANG": "C.UTF-8",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none "
            "-kernel inet_dist_use_interface {127,0,0,1}",
        }
        # One of our own: the server would leave its own behind.
        epmd = shutil.which("epmd")
        assert epmd, "rabbitmq-server brings epmd"
        self.epmd = subprocess.Popen(
            [epmd, "-port", str(self.epmd_port), "-address", "127.0.0.1"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.start()

    def _make_certificate(self) -> None:
        self.ca_file = self.folder / "ca.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
            + ["-keyout", self.folder / "key.pem", "-out", self.ca_file, "-subj", "/CN=localhost"]
            + ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
            check=True,
            stderr=subprocess.DEVNULL,
        )

    @property
    def url(self) -> str:
        return f"amqp://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"amqps://localhost:{self.tls_port}"  # By name: librabbitmq compares no addresses.

    def start(self) -> None:
        (self.folder / "out.log").unlink(missing_ok=True)
        with open(self.folder / "out.log", "ab") as log:
            self.process = subprocess.Popen(
                [SERVER],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        # Its word is waited for, not its port: one who asks a port too early may be given it as his own.
        deadline = time.monotonic() + 180
        while "Server startup complete" not in self.log():
            assert self.process.poll() is None and time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def log(self) -> str:
        return (self.folder / "out.log").read_text(errors="replace")[-4000:]

    def _end(self, how: int) -> None:
        if self.process is None:
            return
        # The script's child is the server; both are of the session that was made for them.
        with contextlib.suppress(ProcessLookupError):  # It has ended by itself.
            os.killpg(self.process.pid, how)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        self.stop()
        self.epmd.kill()
        self.epmd.wait()

    def connect(self, tls: bool = False) -> pika.BlockingConnection:
        options = None
        if tls:
            options = pika.SSLOptions(ssl.create_default_context(cafile=str(self.ca_file)), "localhost")
        return pika.BlockingConnection(
            pika.ConnectionParameters(
                "127.0.0.1", self.tls_port if tls else self.port, heartbeat=0, ssl_options=options
            )
        )

    def declare(self, queue: str, kind: str = "classic", **arguments) -> None:
        with self.connect() as connection:
            connection.channel().queue_declare(
                queue, durable=True, arguments={"x-queue-type": kind, **arguments}
            )

    def publish(self, queue: str, messages, exchange: str = "", is_stream: bool = False) -> None:
        """Publishes (body, properties) pairs and waits until the broker has them all."""
        with self.connect() as connection:
            channel = connection.channel()
            # A transaction a thousand: the blocking client waits for each confirmation else. Streams
            # take transactions, but a restart of the broker may lose them: each is confirmed.
            if is_stream:
                channel.confirm_delivery()
            else:
                channel.tx_select()
            for number, (body, properties) in enumerate(messages, 1):
                channel.basic_publish(
                    exchange, queue, body, pika.BasicProperties(delivery_mode=2, **properties)
                )
                if number % 1000 == 0 and not is_stream:
                    channel.tx_commit()
            if not is_stream:
                channel.tx_commit()

    def count(self, queue: str) -> int:
        """Messages that wait in the queue for anybody."""
        with self.connect() as connection:
            return connection.channel().queue_declare(queue, passive=True).method.message_count

    def take_all(self, queue: str) -> list:
        """All messages that are in a queue now: (method, properties, body)."""
        messages = []
        with self.connect() as connection:
            channel = connection.channel()
            channel.basic_qos(prefetch_count=1000)
            count = channel.queue_declare(queue, passive=True).method.message_count
            for message in channel.consume(queue) if count else []:
                messages.append(message)
                if len(messages) % 500 == 0 or len(messages) == count:
                    channel.basic_ack(message[0].delivery_tag, multiple=True)
                if len(messages) == count:
                    break
            channel.cancel()  # Gives back what came since.
        return messages

    def read_stream(self, queue: str) -> list[bytes]:
        """All messages of a stream, from its first on."""
        bodies = []
        with self.connect() as connection:
            channel = connection.channel()
            channel.basic_qos(prefetch_count=1000)
            reading = channel.consume(
                queue, inactivity_timeout=3, arguments={"x-stream-offset": "first"}
            )
            for method, _, body in reading:
                if method is None:
                    return bodies
                bodies.append(body)
                channel.basic_ack(method.delivery_tag)
        return bodies
