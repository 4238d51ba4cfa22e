"""Which series a PromQL expression asks for."""

import re

from soundstage.metrics.catalogue import METRICS

KNOWN = {name: metric for metric in METRICS for name in metric.series}


def series(expression: str) -> set[str]:
    """Name them."""
    return set(re.findall(r"\bsoundstage_\w+", expression))


def labels(expression: str) -> set[tuple[str, str]]:
    """Pair every series with each label that it is narrowed by."""
    return {
        (name, label)
        for name, inside in re.findall(r"\b(soundstage_\w+)\{([^}]*)\}", expression)
        for label in re.findall(r"(\w+)\s*(?:=~|!=|=|!~)", inside)
    }


def complaints(expression: str) -> list[str]:
    """Say what an expression asks for that is not there."""
    asked = series(expression)
    found = [f"there is no {name}" for name in asked if name not in KNOWN]
    found += [
        f"{name} has no label {label}"
        for name, label in labels(expression)
        if name in KNOWN and label not in (*KNOWN[name].labels, "le")
    ]
    return found if asked else [f"nothing is asked for: {expression}"]
