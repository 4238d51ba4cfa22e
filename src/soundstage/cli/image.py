"""`soundstage image`: makes the images that workstations run, and shows what there is."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from soundstage.cli.lazy import ListedGroup
from soundstage.cli.output import Form, output_option, show_rows
from soundstage.engines.images.building import Builder
from soundstage.engines.images.store import Build, ImageError, ImageStore
from soundstage.engines.images.tree import Owner
from soundstage.kit.config import ConfigError, Settings
from soundstage.wiring.home import prepare_home


@click.group("image", cls=ListedGroup)
def image() -> None:
    """Build the systems that workstations run."""


@image.command("build")
@click.option("--name", default="workstation", show_default=True, help="What to call it here.")
@click.option(
    "--output",
    "folder",
    default=None,
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write it into DIR for another host, and keep none here.",
)
@click.option(
    "--package",
    "packages",
    multiple=True,
    metavar="PACKAGE",
    help="One more system package in it, such as krita; may be repeated.",
)
@click.option(
    "--release",
    default=None,
    metavar="RELEASE",
    help="Debian's name of the release. Default: this machine's own.",
)
@click.pass_obj
def build_command(
    settings: Settings,
    *,
    name: str,
    folder: Path | None,
    packages: tuple[str, ...],
    release: str | None,
) -> None:
    """Make an image, with the desktop and what streams it."""
    console = Console(highlight=False)
    with _errors_of_people():
        builder = _builder(settings, console)
        if folder is not None:
            builder.export(folder, more=packages, release=release)
            console.print(f"\nThe image is in {folder}.", soft_wrap=True)
            return
        build = builder.build(name, more=packages, release=release)
    _tell_of(console, build)


@image.command("import")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--name", default="workstation", show_default=True, help="What to call it here.")
@click.pass_obj
def import_command(settings: Settings, folder: Path, *, name: str) -> None:
    """Take over an image that `build --output` wrote into DIR, here or on another host."""
    console = Console(highlight=False)
    with _errors_of_people():
        build = _builder(settings, console).bring_in(folder, name)
    _tell_of(console, build)


@image.command("list")
@output_option
@click.pass_obj
def list_command(settings: Settings, *, output: Form) -> None:
    """List the images that were made here."""
    store = ImageStore(settings.home)
    rows = []
    for name in store.names():
        build = store.find(name)
        manifest = build.manifest()
        rows.append(
            {
                "name": name,
                "release": manifest.release,
                "packages": len(manifest.packages),
                "megabytes": round(build.archive.stat().st_size / 1e6),
                "digest": build.digest,
            }
        )
    show_rows(output, "images", rows)


@image.command("remove")
@click.argument("name")
@click.pass_obj
def remove_command(settings: Settings, *, name: str) -> None:
    """Remove an image; what runs on it goes on, and its files go when nothing does."""
    store = ImageStore(settings.home)
    with _errors_of_people():
        store.forget(name)
        left = store.sweep(Owner().remove)
    click.echo(f"Removed {name}.")
    if left:
        click.echo("Workstations run on it; its files go with the next build or removal.")


def _builder(settings: Settings, console: Console) -> Builder:
    @contextmanager
    def step(what: str) -> Iterator[None]:
        began = time.perf_counter()
        with console.status(what):
            try:
                yield
            except BaseException:
                console.print(f"[red]✗[/red] {what}")
                raise
        console.print(f"[green]✓[/green] {what:<28} {time.perf_counter() - began:5.1f} s")

    prepare_home(settings)
    return Builder(ImageStore(settings.home), step)


def _tell_of(console: Console, build: Build) -> None:
    size = build.archive.stat().st_size / 1e6
    ami = f"ami-{build.name.replace('-', '')}"
    console.print(f"\n{build.name} is {size:.0f} MB packed. To use it, name it in the settings:\n")
    # Plain, so that no terminal breaks it into lines.
    console.file.write(f'  SOUNDSTAGE_IMAGES=\'{{"{ami}": "{build.name}"}}\'\n')


@contextmanager
def _errors_of_people() -> Iterator[None]:
    try:
        yield
    except ImageError as error:
        raise ConfigError(f"image: {error}") from None
