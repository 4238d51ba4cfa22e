"""YAML in and out: for `--output yaml`, files of members, and studio files.

It reads the words that YAML 1.2 reads: `on`, `no` and dates are text here, and a key that stands
twice is an error, for the first would be lost silently.
"""

import re
from typing import Any

import yaml

from soundstage.kit.config import ConfigError


class _Loader(yaml.SafeLoader):
    """Safe, and without the surprises of YAML 1.1."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Make a mapping, each key once."""
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key} is no text: put it in quotes",
                    problem_mark=key_node.start_mark,
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key} stands there twice", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


_PLAIN = {
    "tag:yaml.org,2002:bool": re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"),
    "tag:yaml.org,2002:timestamp": None,
    "tag:yaml.org,2002:merge": None,
    "tag:yaml.org,2002:int": re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"),
}


def _resolvers(resolvers: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Narrow down what plain words are taken for, first letter by first letter."""
    return {
        letter: [
            (tag, _PLAIN.get(tag, pattern))
            for tag, pattern in found
            if _PLAIN.get(tag, pattern) is not None
        ]
        for letter, found in resolvers.items()
    }


_Loader.yaml_implicit_resolvers = _resolvers(yaml.SafeLoader.yaml_implicit_resolvers)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are, and repeats instead of referring."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write what stands twice twice."""
        del data
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def read(text: str, where: str) -> Any:
    """Read a document of YAML, or of JSON, which is YAML too. Raises ConfigError with the line."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - it is a safe loader, made narrower
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        raise ConfigError(f"{where}{place}: {error.problem or error.context}.") from None
    except yaml.YAMLError:
        raise ConfigError(f"{where}: it holds characters that YAML does not allow.") from None
    except RecursionError:
        raise ConfigError(f"{where}: it is nested too deeply.") from None


def written(document: Any) -> str:
    """Write a document, its members in their order."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text
