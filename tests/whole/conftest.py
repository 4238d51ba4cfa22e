"""The service as a process, and a stock SDK that knows it by variables alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from soundstage.testing.clients import StockClient, ensure_boto3
from soundstage.testing.process import ServiceProcess

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def service(home: Path) -> Iterator[ServiceProcess]:
    with ServiceProcess(home, engine="sandbox") as process:
        yield process


@pytest.fixture
def sdk(service: ServiceProcess) -> Iterator[StockClient]:
    with StockClient(REPOSITORY, ensure_boto3(REPOSITORY), service.environment()) as client:
        yield client
