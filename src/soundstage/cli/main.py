"""The command `soundstage`: reads the settings and hands over to one module a command."""

import sys
from contextlib import closing
from pathlib import Path

import click
import msgspec

from soundstage import __version__
from soundstage.cli import clean as cleaning
from soundstage.cli import env as environment
from soundstage.cli import launch, reference, run, sdk, serve
from soundstage.cli.backups import backups as backups_group
from soundstage.cli.capacity import capacity
from soundstage.cli.user import user
from soundstage.client.calls import CallError
from soundstage.kit import config
from soundstage.wire.faults import Fault
from soundstage.wiring.home import ServiceRunsError

_SETTINGS_EXIT = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="soundstage")
@click.pass_context
def soundstage(context: click.Context) -> None:
    """Virtual workstations on your own machines."""
    context.obj = config.load()


@soundstage.command("serve")
@click.option("--tls", is_flag=True, help="Speak https, as the setting tls does.")
@click.pass_obj
def serve_command(settings: config.Settings, *, tls: bool) -> None:
    """Run the service in the foreground."""
    serve.serve(msgspec.structs.replace(settings, tls=tls or settings.tls))


@soundstage.command("run")
@click.option("--once", is_flag=True, help="End when the workstation is ready.")
@click.pass_obj
def run_command(settings: config.Settings, *, once: bool) -> None:
    """Start a studio, launch one workstation, and print where to open it."""
    run.run(settings, once=once)


@soundstage.command("open")
@click.pass_obj
def open_command(settings: config.Settings) -> None:
    """Print a fresh address of your running workstation."""
    with closing(launch.client_of(settings)) as client:
        click.echo(launch.fresh_address(client))


@soundstage.command("env")
@click.option("--user", default=None, metavar="NAME", help="Somebody else than the operator.")
@click.pass_obj
def env_command(settings: config.Settings, *, user: str | None) -> None:
    """Print shell exports for SDKs and the AWS command line."""
    click.echo(environment.exports(settings, user), nl=False)


@soundstage.group("sdk")
def sdk_group() -> None:
    """Give the service back to SDKs that no longer know it."""


@sdk_group.command("export")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def sdk_export_command(folder: Path) -> None:
    """Write the service's model into DIR, for AWS_DATA_PATH."""
    sdk.export(folder)


@sdk_group.command("install")
@click.option("--force", is_flag=True, help="Replace a model that is not from here.")
def sdk_install_command(*, force: bool) -> None:
    """Write the service's model to ~/.aws/models, where your SDKs always look."""
    sdk.install(force=force)


soundstage.add_command(user)


@soundstage.command("clean")
@click.option("--data", is_flag=True, help="Remove all data too: disks, backups, database, keys.")
@click.pass_obj
def clean_command(settings: config.Settings, *, data: bool) -> None:
    """End the service and every workstation of this home."""
    cleaning.clean(settings, data=data)


soundstage.add_command(backups_group)
soundstage.add_command(capacity)


@soundstage.command("reference")
@click.argument("what", type=click.Choice(sorted(reference.PAGES)))
def reference_command(what: str) -> None:
    """Print a reference page made from the code."""
    click.echo(reference.PAGES[what](), nl=False)


def main() -> None:
    """Run the command line; errors that a person can mend are one sentence, without a trace."""
    try:
        soundstage()
    except (config.ConfigError, ServiceRunsError) as error:
        click.echo(f"soundstage: {error}", err=True)
        sys.exit(_SETTINGS_EXIT)
    except Fault as fault:
        click.echo(f"soundstage: {fault.message}", err=True)
        sys.exit(1)
    except CallError as error:
        click.echo(f"soundstage: {error.name}: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
