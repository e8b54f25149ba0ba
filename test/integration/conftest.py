"""Servers that integration tests share: started once, stopped by process id."""

import pytest


@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    from kafka_broker import Broker

    one = Broker(tmp_path_factory.mktemp("kafka") / "broker").start()
    yield one
    one.stop()


@pytest.fixture
def own_broker(tmp_path):
    """A broker of one test, which may kill it."""
    from kafka_broker import Broker

    one = Broker(tmp_path / "broker").start()
    yield one
    one.stop()
