"""Calls the service with the stock AWS command line, as told on standard input: one JSON document a
line, as `boto3_driver` does.

Its own entry point is called with the arguments a person types. That happens in one process, for
starting the command takes most of a second each time.
"""

import contextlib
import io
import json
import re
import sys
from typing import Any

import awscli  # type: ignore[import-not-found]  # it is in the SDK's environment only
from awscli.clidriver import create_clidriver  # type: ignore[import-not-found]  # as above

_REFUSAL = re.compile(
    r"An error occurred \((\w+)\) when calling the \w+ operation"
    r"(?: \(reached max retries: \d+\))?: (.*)",
    re.DOTALL,
)


def main() -> None:
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_obey(json.loads(line))) + "\n")
        sys.stdout.flush()


def _obey(order: dict[str, Any]) -> dict[str, Any]:
    arguments = _flags(order["arguments"])
    command = order["name"].replace("_", "-")
    match order["do"]:
        case "version":
            return {"answer": awscli.__version__}
        case "call":
            return _typed([command, *arguments])
        case "paginate":
            # The command joins the pages by itself.
            told = _typed([command, *arguments])
            return {"answer": [told["answer"]]} if "answer" in told else told
        case "wait":
            return _typed(["wait", command, *arguments])
        case _:
            return {"failure": f"unknown order {order['do']}"}


def _flags(arguments: dict[str, Any]) -> list[str]:
    """Write members as a person does: words bare, lists of them in a row, the rest as JSON."""
    typed = []
    for name, value in arguments.items():
        if name == "PaginationConfig":
            typed += ["--page-size", str(value["PageSize"])]
            continue
        typed.append("--" + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower())
        if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
            typed += value
        else:
            typed.append(json.dumps(value) if isinstance(value, list | dict) else str(value))
    return typed


_command = create_clidriver()


def _typed(words: list[str]) -> dict[str, Any]:
    said, complained = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        try:
            status = _command.main(["nimble", *words, "--output", "json"])
        except SystemExit as left:
            # That is how it refuses words that it does not understand.
            status = left.code
    if status == 0:
        return {"answer": json.loads(said.getvalue() or "null")}
    refusal = _REFUSAL.search(complained.getvalue())
    if refusal is None:
        return {"failure": f"exit status {status}: {complained.getvalue().strip()}"}
    name, message = refusal.groups()
    # The command shows a refusal's name and sentence, and nothing else of it.
    return {"error": {"class": name, "Error": {"Code": name, "Message": message.strip()}}}


if __name__ == "__main__":
    main()
