"""What is kept of a workstation, and what never is."""

import msgspec

from soundstage.engines.interface import Account, Mount, MountKind, Script, Spec, Volume
from soundstage.engines.keeping import KeptOutput, Wish, without_secrets

SECRET = "opensesame"
SPEC = Spec(
    image="ami-x",
    instance_type="g5.xlarge",
    volume=Volume(generation=2),
    attempt=7,
    scripts=[Script(component="S", as_root=True, text=SECRET)],
    environment={"TOKEN": SECRET},
    mounts=[
        Mount(
            component="M",
            kind=MountKind.SMB,
            source="//a/b",
            target="/mnt",
            account=Account(user="u", password=SECRET),
        )
    ],
)


def test_no_secret_is_kept() -> None:
    wish = Wish(spec=without_secrets(SPEC), wanted="running", asked_at=1.0)
    written = msgspec.json.encode(wish)
    assert SECRET.encode() not in written
    read = msgspec.json.decode(written, type=Wish).spec
    assert (read.image, read.attempt, read.volume) == (SPEC.image, 7, SPEC.volume)


def test_a_result_is_told_as_the_api_has_it() -> None:
    kept = KeptOutput(
        component="S", as_root=True, exit_code=None, began_at=1.5, ended_at=2.5, output="said"
    )
    told = kept.of(3)
    assert (told.attempt, told.exit_code, told.output) == (3, None, "said")
    assert (told.began_at.timestamp(), told.ended_at.timestamp()) == (1.5, 2.5)
