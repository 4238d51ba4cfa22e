"""The service as a process, and a stock SDK that knows it by variables alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from soundstage.testing.clients import StockClient, ensure_boto3
from soundstage.testing.incus import IncusDaemon
from soundstage.testing.process import ServiceProcess

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def service(home: Path) -> Iterator[ServiceProcess]:
    with ServiceProcess(home, engine="sandbox") as process:
        yield process


@pytest.fixture
def incus_service(home: Path, incus_daemon: IncusDaemon) -> Iterator[ServiceProcess]:
    """The same with workstations on Incus."""
    address = str(incus_daemon.socket)
    process = ServiceProcess(
        home, engine="incus", incus_address=address, incus_subnet="10.78.0.1/24"
    )
    with process:
        yield process


@pytest.fixture
def sdk(service: ServiceProcess) -> Iterator[StockClient]:
    with StockClient(REPOSITORY, ensure_boto3(REPOSITORY), service.environment()) as client:
        yield client
