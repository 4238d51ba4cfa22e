"""Calls the service with a stock SDK, as told on standard input: one JSON document a line.

`soundstage.testing.clients` starts it with the Python of an environment that holds nothing but the
SDK. It must not import this project: what it proves is that nothing here is needed.
"""

import json
import sys
from datetime import datetime
from typing import Any

import boto3  # type: ignore[import-not-found]  # it is in the SDK's environment only
import botocore
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError


def main() -> None:
    clients: dict[str, Any] = {}
    for line in sys.stdin:
        order = json.loads(line)
        made_with = json.dumps(order["client"], sort_keys=True)
        if made_with not in clients:
            clients[made_with] = _client(**order["client"])
        sys.stdout.write(json.dumps(_obey(clients[made_with], order), default=_plain) + "\n")
        sys.stdout.flush()


def _client(attempts: int = 1, **settings: Any) -> Any:
    return boto3.client(
        "nimble", config=Config(retries={"total_max_attempts": attempts}), **settings
    )


def _obey(client: Any, order: dict[str, Any]) -> dict[str, Any]:
    arguments = order["arguments"]
    try:
        match order["do"]:
            case "version":
                return {"answer": botocore.__version__}
            case "call":
                return {"answer": getattr(client, order["name"])(**arguments)}
            case "paginate":
                return {"answer": list(client.get_paginator(order["name"]).paginate(**arguments))}
            case "wait":
                config = {"Delay": 0.05, "MaxAttempts": order["tries"]}
                client.get_waiter(order["name"]).wait(**arguments, WaiterConfig=config)
                return {"answer": None}
            case _:
                return {"failure": f"unknown order {order['do']}"}
    except ClientError as error:
        return {"error": {"class": type(error).__name__, **error.response}}
    except WaiterError as error:
        return {"failure": str(error), "answer": error.last_response}
    except Exception as error:  # noqa: BLE001 - whatever the SDK says, the test shall read it
        return {"failure": f"{type(error).__name__}: {error}"}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    raise TypeError(type(value))


if __name__ == "__main__":
    main()
