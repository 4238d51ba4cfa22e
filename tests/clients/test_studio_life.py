"""The same whole life of a studio, lived by every SDK that knows the service or knew it: each real,
from its own registry, told no more than `soundstage env` prints.

All live at the same time beside one service, whose workstations are simulated.
"""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from soundstage.client.calls import Client
from soundstage.resources.eulas.model import CATALOGUE
from soundstage.resources.operations import OPERATIONS
from soundstage.resources.waiters import WAITERS
from soundstage.testing.clients import (
    CommandLine,
    JavaScript,
    Sdk,
    StockClient,
    StockError,
    StockFailure,
    ensure_boto3,
    ensure_current,
    ensure_javascript,
)
from soundstage.testing.process import ServiceProcess
from soundstage.testing.whole import PERSISTENT, until

ROOT = Path(__file__).parents[2]
ROLE = "arn:aws:iam::123456789012:role/studio"
WAITERS_OF = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", each.name).lower(): each for each in WAITERS}

SDKS: dict[str, Callable[[Mapping[str, str]], Sdk]] = {
    "boto3": lambda told: StockClient(ROOT, ensure_boto3(ROOT), told),
    "boto3today": lambda told: StockClient(ROOT, ensure_current(ROOT), told),
    "awscli": lambda told: CommandLine(ROOT, ensure_boto3(ROOT), told),
    "awsclitoday": lambda told: CommandLine(ROOT, ensure_current(ROOT), told),
    "javascript": lambda told: JavaScript(ROOT, told),
}

PINS = {
    "boto3": ("requirements/clients-boto3.txt", "\nbotocore==1.35.47 "),
    "boto3today": ("requirements/clients-boto3-current.txt", "\nbotocore=={} "),
    "awscli": ("requirements/clients-boto3.txt", "\nawscli==1.35.13 "),
    "awsclitoday": ("requirements/clients-boto3-current.txt", "\nawscli=={} "),
    "javascript": ("tests/clients/javascript/package.json", '"@aws-sdk/client-nimble": "3.523.0"'),
}
"""Where each is pinned, and to what."""


class Life:
    """One life, of a studio whose name nobody else has."""

    def __init__(
        self, name: str, operator: Sdk, artist: Sdk, *, artist_id: str, watching: Client
    ) -> None:
        self.name = name
        self.operator, self.artist, self.artist_id = operator, artist, artist_id
        self._watching = watching
        self.where: dict[str, str] = {}

    def tell(self) -> None:
        """Live it from the beginning to the end."""
        self.found()
        self.furnish()
        self.invite()
        self.label()
        self.be_refused()
        self.work()
        self.leave()

    def found(self) -> None:
        """Make the studio, change it, accept the licences."""
        call = self.operator.call
        made = call(
            "create_studio",
            studioName=self.name,
            displayName="Life",
            adminRoleArn=ROLE,
            userRoleArn=ROLE,
            tags={"made": "here"},
        )["studio"]
        self.where = {"studioId": made["studioId"]}
        self.arn: str = made["arn"]
        self.wait("studio_ready", self.where)
        call("update_studio", **self.where, displayName="New")
        self.wait("studio_ready", self.where)
        assert call("get_studio", **self.where)["studio"]["displayName"] == "New"
        assert self.where["studioId"] in self.each("list_studios", "studios", "studioId")
        assert set(self.each("list_eulas", "eulas", "eulaId")) == CATALOGUE.keys()
        eula_id = min(CATALOGUE)
        assert call("get_eula", eulaId=eula_id)["eula"]["name"] == CATALOGUE[eula_id].name
        call("accept_eulas", **self.where, eulaIds=sorted(CATALOGUE))
        accepted = self.each("list_eula_acceptances", "eulaAcceptances", "eulaId", **self.where)
        assert set(accepted) == CATALOGUE.keys()

    def furnish(self) -> None:
        """Make components, an image and two launch profiles, and change them."""
        call = self.operator.call
        farm = {"computeFarmConfiguration": {"endpoint": "farm.test", "activeDirectoryUser": "u"}}
        made = call(
            "create_studio_component",
            **self.where,
            name="Farm",
            type="COMPUTE_FARM",
            configuration=farm,
            scriptParameters=[{"key": "RENDERER", "value": "cycles of 'light'"}],
        )["studioComponent"]
        self.component = {**self.where, "studioComponentId": made["studioComponentId"]}
        self.wait("studio_component_ready", self.component)
        call("update_studio_component", **self.component, description="it renders")
        self.wait("studio_component_ready", self.component)
        read = call("get_studio_component", **self.component)["studioComponent"]
        assert (read["configuration"], read["description"]) == (farm, "it renders")
        listed = self.each(
            "list_studio_components",
            "studioComponents",
            "studioComponentId",
            **self.where,
            types=["COMPUTE_FARM", "CUSTOM"],
        )
        assert listed == [made["studioComponentId"]]

        image = call("create_streaming_image", **self.where, name="Host", ec2ImageId="ami-host")
        self.image = {
            **self.where,
            "streamingImageId": image["streamingImage"]["streamingImageId"],
        }
        self.wait("streaming_image_ready", self.image)
        changed = call("update_streaming_image", **self.image, name="House")["streamingImage"]
        assert (changed["name"], changed["state"]) == ("House", "READY")
        images = self.each(
            "list_streaming_images", "streamingImages", "streamingImageId", **self.where
        )
        assert self.image["streamingImageId"] in images
        self.profiles = [self._profile(name) for name in ("Desk", "Spare")]
        self.profile = self.profiles[0]

    def _profile(self, name: str) -> dict[str, str]:
        call = self.operator.call
        made = call(
            "create_launch_profile",
            **self.where,
            name=name,
            ec2SubnetIds=[],
            launchProfileProtocolVersions=["2021-03-31"],
            studioComponentIds=[self.component["studioComponentId"]],
            streamConfiguration={
                "clipboardMode": "ENABLED",
                "ec2InstanceTypes": ["g4dn.xlarge", "g5.xlarge"],
                "streamingImageIds": [self.image["streamingImageId"]],
                **PERSISTENT,
            },
        )["launchProfile"]
        profile = {**self.where, "launchProfileId": made["launchProfileId"]}
        self.wait("launch_profile_ready", profile)
        call("update_launch_profile", **profile, description=f"{name} of today")
        self.wait("launch_profile_ready", profile)
        details = call("get_launch_profile_details", **profile)
        assert details["launchProfile"]["description"] == f"{name} of today"
        assert [each["name"] for each in details["streamingImages"]] == ["House"]
        return profile

    def invite(self) -> None:
        """Let the artist in, and make somebody an administrator for a while."""
        call = self.operator.call
        told = {"identityStoreId": "d-soundstage"}
        member = {"principalId": self.artist_id}
        call(
            "put_launch_profile_members",
            **self.profile,
            **told,
            members=[{**member, "persona": "USER"}],
        )
        call("update_launch_profile_member", **self.profile, **member, persona="USER")
        read = call("get_launch_profile_member", **self.profile, **member)["member"]
        assert read["persona"] == "USER"
        members = self.each("list_launch_profile_members", "members", "principalId", **self.profile)
        assert members == [self.artist_id]
        call(
            "put_studio_members",
            **self.where,
            **told,
            members=[{**member, "persona": "ADMINISTRATOR"}],
        )
        assert call("get_studio_member", **self.where, **member)["member"]["persona"] == (
            "ADMINISTRATOR"
        )
        administrators = self.each("list_studio_members", "members", "principalId", **self.where)
        assert administrators == [self.artist_id]
        call("delete_studio_member", **self.where, **member)
        assert self.each("list_studio_members", "members", "principalId", **self.where) == []
        profiles = self.operator.paginate(
            "list_launch_profiles", **self.where, PaginationConfig={"PageSize": 1}
        )
        names = [each["name"] for page in profiles for each in page["launchProfiles"]]
        assert sorted(names) == ["Desk", "Spare"]
        if not isinstance(self.operator, CommandLine):
            # That one joins them.
            assert [len(page["launchProfiles"]) for page in profiles][:2] == [1, 1]
        own = self.artist.paginate(
            "list_launch_profiles", **self.where, principalId=self.artist_id, states=["READY"]
        )
        assert [each["name"] for page in own for each in page["launchProfiles"]] == ["Desk"]

    def label(self) -> None:
        """Put tags on the studio and take one off."""
        call = self.operator.call
        call("tag_resource", resourceArn=self.arn, tags={"a b": "1/2", "ä": "+"})
        call("untag_resource", resourceArn=self.arn, tagKeys=["a b"])
        tags = call("list_tags_for_resource", resourceArn=self.arn)["tags"]
        assert tags == {"made": "here", "ä": "+"}

    def be_refused(self) -> None:
        """Do what can't be done, and read why as the SDK tells it."""
        operator, where = self.operator, self.where
        error = refusal(operator, "get_launch_profile", **where, launchProfileId="none")
        assert_told(error, "ResourceNotFoundException", 404, {"resourceId": "none"})
        error = refusal(operator, "create_streaming_image", **where, name="n", ec2ImageId="x")
        assert_told(error, "ValidationException", 400, {"member": "ec2ImageId"})
        assert error.message.startswith("ec2ImageId must be")
        error = refusal(
            operator,
            "create_studio",
            studioName=self.name,
            displayName="Again",
            adminRoleArn=ROLE,
            userRoleArn=ROLE,
        )
        assert_told(error, "ConflictException", 409)
        error = refusal(self.artist, "get_studio", **where)
        assert_told(error, "AccessDeniedException", 403)
        assert self.artist_id in error.message

    def work(self) -> None:
        """Launch, connect, stop with a backup, go on from that, and end."""
        call = self.artist.call
        given = {**self.profile, "ec2InstanceType": "g5.xlarge", "clientToken": f"{self.name}-1"}
        first, again = (call("create_streaming_session", **given)["session"] for _ in range(2))
        assert first["sessionId"] == again["sessionId"]
        assert first["ownedBy"] == self.artist_id
        session = {**self.where, "sessionId": first["sessionId"]}
        self.wait("streaming_session_ready", session, by=self.artist)
        made = call("create_streaming_session_stream", **session, expirationInSeconds=60)["stream"]
        stream = {**session, "streamId": made["streamId"]}
        self.wait("streaming_session_stream_ready", stream, by=self.artist)
        url = call("get_streaming_session_stream", **stream)["stream"]["url"]
        assert "/streams/" in url

        call("stop_streaming_session", **session, volumeRetentionMode="RETAIN")
        error = refusal(self.artist, "stop_streaming_session", **session)
        assert_told(error, "ConflictException", 409)
        self.wait("streaming_session_stopped", session, by=self.artist)
        owned = {"ownedBy": self.artist_id}
        pages = self.artist.paginate("list_streaming_session_backups", **self.where, **owned)
        (backup,) = (each for page in pages for each in page["streamingSessionBackups"])
        assert (backup["state"], backup["sessionId"]) == ("READY", first["sessionId"])
        backup_id = {"backupId": backup["backupId"]}
        read = call("get_streaming_session_backup", **self.where, **backup_id)
        assert read["streamingSessionBackup"]["ownedBy"] == self.artist_id

        call("start_streaming_session", **session, **backup_id)
        self.wait("streaming_session_ready", session, by=self.artist)
        read = call("get_streaming_session", **session)["session"]
        assert read["startedFromBackupId"] == backup["backupId"]
        call("delete_streaming_session", **session)
        self.wait("streaming_session_deleted", session, by=self.artist)
        pages = self.artist.paginate("list_streaming_sessions", **self.where, **owned)
        states = [each["state"] for page in pages for each in page["sessions"]]
        assert states == ["DELETED"]

    def leave(self) -> None:
        """Take everything down."""
        call = self.operator.call
        # As long as there is something in it, it can't be deleted.
        call("delete_studio", **self.where)
        with pytest.raises(StockFailure):
            self.wait("studio_deleted", self.where)
        assert call("get_studio", **self.where)["studio"]["state"] == "DELETE_FAILED"
        call("delete_launch_profile_member", **self.profile, principalId=self.artist_id)
        error = refusal(self.artist, "get_launch_profile", **self.profile)
        assert_told(error, "AccessDeniedException", 403)
        for kind, ids in [
            *(("launch_profile", profile) for profile in self.profiles),
            ("streaming_image", self.image),
            ("studio_component", self.component),
            ("studio", self.where),
        ]:
            call(f"delete_{kind}", **ids)
            self.wait(f"{kind}_deleted", ids)

    def each(self, name: str, items: str, member: str, /, **arguments: Any) -> list[str]:
        """List a member of all items of a list with the operator's paginator."""
        pages = self.operator.paginate(name, **arguments)
        return [each[member] for page in pages for each in page[items]]

    def wait(self, name: str, ids: dict[str, str], *, by: Sdk | None = None) -> None:
        """Wait with the SDK's own waiter; the operator's if not by another."""
        sdk = by or self.operator
        if isinstance(sdk, CommandLine):
            # It would sleep for up to ten seconds before it looks again.
            until(name, self._is_over(name, ids))
        sdk.wait(name, tries=1200, **ids)

    def _is_over(self, name: str, ids: dict[str, str]) -> Callable[[], bool]:
        waiter = WAITERS_OF[name]
        noun, _, state = waiter.path.partition(".")

        def is_over() -> bool:
            answer = self._watching.call(waiter.operation, **ids)
            return answer[noun][state] in {waiter.success, *waiter.failures}

        return is_over


def refusal(sdk: Sdk, name: str, /, **arguments: Any) -> StockError:
    """Make a call that must be refused, and give the SDK's error."""
    with pytest.raises(StockError) as caught:
        sdk.call(name, **arguments)
    return caught.value


def assert_told(
    error: StockError, class_name: str, status: int, about: dict[str, str] | None = None
) -> None:
    """Check what the SDK made of a refusal: its own class, and all that the answer says."""
    assert (error.class_name, error.code) == (class_name, class_name), error
    assert error.message
    if error.status is None:
        # The command line tells no more.
        return
    assert error.status == status
    assert error.response["ResponseMetadata"]["RequestId"]
    # Beside what it is about there is what the code of the reason speaks of.
    assert error.response.get("context", {}).items() >= (about or {}).items()


# Three environments may have to be made first, on a machine that has much else to do.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceProcess]:
    folder = Path(tempfile.mkdtemp(prefix="soundstage-test-"))
    home = folder / "home"
    home.mkdir()
    for ensure in (ensure_boto3, ensure_current, ensure_javascript):
        ensure(ROOT)
    try:
        with ServiceProcess(home, engine="simulated") as process:
            yield process
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def told(service: ServiceProcess) -> dict[str, str]:
    return service.environment()


@pytest.fixture(scope="module")
def lives(service: ServiceProcess, told: dict[str, str]) -> Iterator[dict[str, Future[str]]]:
    """Begin all lives at once; each becomes the version of the SDK that lived it."""
    artist = service.environment("ann")
    artist_id = artist["SOUNDSTAGE_PRINCIPAL_ID"]

    def live(name: str) -> str:
        watching = Client(
            told["AWS_ENDPOINT_URL_NIMBLE"],
            access_key_id=told["AWS_ACCESS_KEY_ID"],
            secret_access_key=told["AWS_SECRET_ACCESS_KEY"],
            region=told["AWS_DEFAULT_REGION"],
            operations=OPERATIONS,
        )
        make = SDKS[name]
        with make(told) as operators, make(artist) as artists:
            Life(name, operators, artists, artist_id=artist_id, watching=watching).tell()
            watching.close()
            return operators.version()

    with ThreadPoolExecutor(len(SDKS)) as threads:
        yield {name: threads.submit(live, name) for name in SDKS}


@pytest.mark.parametrize("name", SDKS)
def test_a_studio_from_its_making_to_its_end(lives: dict[str, Future[str]], name: str) -> None:
    version = lives[name].result(timeout=100)
    file, pin = PINS[name]
    assert pin.format(version) in (ROOT / file).read_text(encoding="utf-8")
    assert version in pin or "{}" in pin
