"""Pretends to run initialization scripts; `lives` has them run at the end of a start."""

from soundstage.engines.interface import Script

_SHORTEST_SECRET = 4


def pretend(script: Script) -> tuple[int, str]:
    """Understand of a shell only `echo WORDS` and `exit CODE`: enough to tell how it went. Gives
    the code and the output, its secrets masked.
    """
    said, code = [], 0
    for line in script.text.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "echo":
            said.append(rest.strip("'\""))
        if word == "exit":
            code = int(rest or 0)
            break
    output = "".join(f"{line}\n" for line in said)
    for name, value in script.environment.items():
        output = output.replace(f"${name}", value)
    for secret in script.secrets:
        output = output.replace(secret, "***") if len(secret) >= _SHORTEST_SECRET else output
    return code, output
