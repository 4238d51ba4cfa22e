"""What a studio file may say: the members of the API's own inputs, with names in place of ids.

The shapes are made from those of the create operations, so a member that the API gains is one of
the file as well. docs/reference/studio.schema.json is made from them, for editors.
"""

import copy
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta
from msgspec import inspect as types

from soundstage.cli.yaml_text import read as read_yaml
from soundstage.client.secrets import Reference, is_reference, resolve
from soundstage.kit.config import ConfigError
from soundstage.resources.availability.operations import CatalogueImageShape, InstanceTypeShape
from soundstage.resources.components.operations import CreateStudioComponentInput
from soundstage.resources.images.operations import CreateStreamingImageInput
from soundstage.resources.launch_profiles.model import StreamConfiguration
from soundstage.resources.launch_profiles.operations import CreateLaunchProfileInput
from soundstage.resources.quotas import StudioQuotas
from soundstage.resources.studios.operations import CreateStudioInput
from soundstage.wire.complaints import explain
from soundstage.wire.json_schema import TEXT, Document, Schemas
from soundstage.wire.kinds import bare
from soundstage.wire.shapes import Shape

SCRIPT = "script"
_LEFT_OUT = {"studio_id", "client_token"}
MARK = "soundstage:from:"
"""The beginning of tags that say where a text came from: `soundstage:from:PATH` is `env:NAME`, so
that whoever prints the studio as a file prints the reference again.
"""
MARKS = "references"
"""Where a part that was read keeps these tags apart from its own."""
_LONGEST_KEY, _LONGEST_VALUE = 128, 256
_INDEX = re.compile(r"\.(\d+)(?=\.|\Z)")


def _entry(name: str, of: type[Shape], text: str, **instead: Any) -> type[Shape]:
    """Make a shape like an input's; `instead` has new members, or None for what goes."""
    members: list[Any] = [
        (field.name, field.type)
        if field.required
        else (field.name, field.type, None if field.default is msgspec.NODEFAULT else field.default)
        for field in msgspec.structs.fields(of)
        if field.name not in _LEFT_OUT and field.name not in instead
    ]
    members += [(member, *kind) for member, kind in instead.items() if kind is not None]
    made: Any = msgspec.defstruct(
        name,
        members,
        bases=(Shape,),
        namespace={"__doc__": text},
        module=__name__,
        frozen=True,
        kw_only=True,
    )
    return cast("type[Shape]", made)


Names = Annotated[list[str], Meta(description="Names of other parts of this file.")]
People = Annotated[list[str], Meta(description="People, by their names or ids.")]

StudioPart: Any = _entry(
    "Studio",
    CreateStudioInput,
    "The studio, which is found by its studioName, its administrators, and how much it may have.",
    administrators=(People | None, None),
    quotas=(StudioQuotas | None, None),
)
ImagePart: Any = _entry("Image", CreateStreamingImageInput, "An image, found by its name.")
ComponentPart: Any = _entry(
    "Component", CreateStudioComponentInput, "A component, found by its name."
)
RulesPart: Any = _entry(
    "Rules",
    StreamConfiguration,
    "The rules of a profile's workstations, with its images by their names.",
    streaming_image_ids=None,
    streaming_images=(Names,),
)
ProfilePart: Any = _entry(
    "LaunchProfile",
    CreateLaunchProfileInput,
    "A launch profile, found by its name, and its members.",
    studio_component_ids=None,
    stream_configuration=(RulesPart,),
    ec2_subnet_ids=(list[str] | None, None),
    launch_profile_protocol_versions=(list[str] | None, None),
    studio_components=(Names,),
    members=(People | None, None),
)
InstanceTypePart: Any = _entry(
    "InstanceType",
    InstanceTypeShape,
    "What an instance type is, where workstations run; the installation's settings say it.",
    cpus=(float | None, None),
    gpus=(int | None, None),
    memory_in_gib=(float | None, None),
)
CataloguePart: Any = _entry(
    "Catalogue",
    Shape,
    "What the studio counts on. It is compared, and never changed: it is the installation's.",
    instance_types=(list[InstanceTypePart] | None, None),
    images=(list[CatalogueImageShape] | None, None),
)
StudioFile: Any = _entry(
    "StudioFile",
    Shape,
    "A studio. What a part leaves out stays as it is.",
    studio=(StudioPart,),
    images=(list[ImagePart] | None, None),
    components=(list[ComponentPart] | None, None),
    launch_profiles=(list[ProfilePart] | None, None),
    catalogue=(CataloguePart | None, None),
)


def schema() -> Document:
    """Write the JSON Schema of studio files."""
    schemas = Schemas("#/$defs/", is_closed=True, text=_or_reference)
    top = schemas.of(types.type_info(StudioFile))
    for named in schemas.named.values():
        if "tags" in named.get("properties", {}):
            named["properties"]["tags"] = {"type": "object", "additionalProperties": TEXT}
    reference = {
        "type": "object",
        "description": "Where a text is kept: a variable, a file beside this one, or a command "
        "that prints it.",
        "properties": {name: {"type": "string"} for name in Reference.__struct_fields__},
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": "Made from the code by `soundstage reference studio.schema.json`.",
        "title": "A Soundstage studio",
        **top,
        "$defs": {**dict(sorted(schemas.named.items())), "Reference": reference},
    }


def _or_reference(text: Document) -> Document:
    return {"anyOf": [text, {"$ref": "#/$defs/Reference"}]}


def read(file: Path) -> dict[str, Any]:
    """Read a file, with every reference followed. Raises ConfigError that names the member."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise ConfigError(f"{file} can't be read: {reason}.") from None
    return checked(read_yaml(text, str(file)), file.parent, str(file))


def checked(raw: Any, folder: Path, where: str) -> dict[str, Any]:
    """Give a document's members by their wire names, all of them known and within their limits."""
    if not isinstance(raw, dict):
        raise ConfigError(f"{where}: it must be an object with the member studio.")
    known = _Known(folder, where)
    found = known.of(raw, types.type_info(StudioFile), "")
    try:
        document: dict[str, Any] = msgspec.to_builtins(msgspec.convert(found, StudioFile))
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {explain(error, StudioFile, found).message}") from None
    for (noun, number), marks in known.references.items():
        part = document[noun] if number is None else document[noun][number]
        part[MARKS] = marks
    _expect_names_once(document, where)
    return document


class _Known:
    """Walks a document beside its type: follows references, and refuses unknown members."""

    def __init__(self, folder: Path, where: str) -> None:
        self._folder = folder
        self._where = where
        self.references: dict[tuple[str, int | None], dict[str, str]] = {}
        """For each part, such as the first component, the tags that say where its texts came from.
        """

    def of(self, value: Any, kind: types.Type, path: str) -> Any:
        """Give the value with all that is below it."""
        kind = bare(kind)[0]
        if isinstance(kind, types.StrType) and is_reference(value):
            return self._followed(value, path)
        if isinstance(kind, types.StructType) and isinstance(value, dict):
            return self._members(value, kind, path)
        if isinstance(kind, types.ListType) and isinstance(value, list):
            return [
                self.of(item, kind.item_type, f"{path}.{place}") for place, item in enumerate(value)
            ]
        # Tags may be called `env` or `file`, so nothing in a map is a reference.
        return value

    def _members(self, value: Mapping[str, Any], kind: types.StructType, path: str) -> Any:
        fields = {field.encode_name: field.type for field in kind.fields}
        for name in value:
            if name not in fields:
                place = _placed(f"{path}.{name}".lstrip("."))
                raise ConfigError(
                    f"{self._where}: {place}: there is no such member; there are "
                    f"{', '.join(fields)}."
                )
        return {
            name: self.of(item, fields[name], f"{path}.{name}".lstrip("."))
            for name, item in value.items()
            if item is not None
        }

    def _followed(self, value: Mapping[str, Any], path: str) -> str:
        where = f"{self._where}: {_placed(path)}"
        try:
            reference = msgspec.convert(value, Reference)
        except msgspec.ValidationError as error:
            raise ConfigError(f"{where}: {error}.") from None
        text = resolve(reference, self._folder, where=where)
        if path.endswith(f".{SCRIPT}") and reference.file is not None:
            # A script that has a file of its own is no secret; it is read as part of this one.
            return text
        ((way, origin),) = value.items()
        if len(origin) + len(way) >= _LONGEST_VALUE or len(MARK + path) > _LONGEST_KEY:
            raise ConfigError(f"{where}: a reference has at most {_LONGEST_VALUE} characters.")
        noun, _, rest = path.partition(".")
        number, _, inner = rest.partition(".")
        if noun == "studio":
            part: tuple[str, int | None] = (noun, None)
            inner = rest
        else:
            part = (noun, int(number))
        self.references.setdefault(part, {})[MARK + inner] = f"{way}:{origin}"
        return text


def with_references(part: Mapping[str, Any]) -> dict[str, Any]:
    """Put references back where the tags of a part say that its texts came from."""
    found: dict[str, Any] = copy.deepcopy(dict(part))
    tags = found.pop("tags", {})
    for key in [key for key in tags if key.startswith(MARK)]:
        way, _, origin = tags.pop(key).partition(":")
        _replace(found, key.removeprefix(MARK).split("."), {way: origin})
    return {**found, "tags": tags} if tags else found


def _replace(value: Any, path: Sequence[str], reference: dict[str, str]) -> None:
    """Replace one text; where somebody took it out meanwhile there is nothing to replace."""
    step, *rest = path
    if isinstance(value, list):
        place: Any = int(step) if step.isdigit() and int(step) < len(value) else None
    else:
        place = step if isinstance(value, dict) and step in value else None
    if place is None:
        return
    if rest:
        _replace(value[place], rest, reference)
    else:
        value[place] = reference


def _placed(path: str) -> str:
    """Write a member's place as complaints do: `images[0].name`."""
    return _INDEX.sub(r"[\1]", path)


def _expect_names_once(document: Mapping[str, Any], where: str) -> None:
    for noun in ("images", "components", "launchProfiles"):
        names = [entry["name"] for entry in document.get(noun, [])]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"{where}: {noun}: {name} stands there twice.")
