"""What an instance is given, and what of it lies on its disk."""

import io
import json
import tarfile

from soundstage.engines.incus import bundle
from soundstage.engines.interface import Script, Spec, Transfers, Volume

SPEC = Spec(
    image="ami-x",
    instance_type="g5.xlarge",
    volume=Volume(),
    attempt=4,
    name="lighthouse",
    environment={"LICENCE": "opensesame"},
    scripts=[Script(component="Tools", as_root=True, text="echo opensesame")],
)


def unpacked(spec: Spec) -> dict[str, tuple[int, bytes]]:
    packed = bundle.pack(spec, frames_per_second=30, gateway=b"the gateway's")
    found = {}
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            content = archive.extractfile(member)
            assert content is not None
            found[member.name] = (member.mode, content.read())
    return found


def test_secrets_go_to_memory_that_only_root_may_read() -> None:
    found = unpacked(SPEC)
    secret = {name for name, (_, content) in found.items() if b"opensesame" in content}
    assert secret == {"run/soundstage/plan.json"}
    private = {name: mode for name, (mode, _) in found.items() if name.startswith("run/")}
    assert set(private.values()) == {0o600}
    assert all(name.startswith("opt/soundstage/") for name in found.keys() - private.keys())


def test_the_plan_says_what_to_start() -> None:
    plan = json.loads(unpacked(SPEC)["run/soundstage/plan.json"][1])
    assert (plan["attempt"], plan["name"]) == (4, "lighthouse")
    assert plan["environment"]["LICENCE"] == "opensesame"
    assert plan["first"].removeprefix("/") in unpacked(SPEC)
    assert bundle.KEEPER.removeprefix("/") in unpacked(SPEC)


def test_the_relay_lets_nobody_in_but_the_gateway() -> None:
    found = unpacked(SPEC)
    relay = found["run/soundstage/relay.conf"][1].decode()
    assert "verifyPeer = yes" in relay
    assert "CAfile = /run/soundstage/gateway.crt" in relay
    assert found["run/soundstage/gateway.crt"][1] == b"the gateway's"
    assert "[files]" not in relay
    with_files = Spec(
        image="x", instance_type="x", volume=Volume(), transfers=Transfers(upload_to="$HOME")
    )
    assert "[files]" in unpacked(with_files)["run/soundstage/relay.conf"][1].decode()


def test_each_start_has_a_key_of_its_own() -> None:
    assert unpacked(SPEC)["run/soundstage/relay.key"] != unpacked(SPEC)["run/soundstage/relay.key"]


def test_what_is_asked_of_the_keeper_is_a_list_of_words() -> None:
    assert bundle.ask("show", "a b; c")[-2:] == ["show", "a b; c"]


def test_a_graphics_card_encodes_where_there_is_one() -> None:
    for node in (None, "/dev/dri/renderD128"):
        packed = bundle.pack(SPEC, frames_per_second=30, gateway=b"", encode_on=node)
        assert (b"--encode-dri=/dev/dri/renderD128" in packed) is (node is not None)
