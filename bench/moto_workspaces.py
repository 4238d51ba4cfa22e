"""moto's server with some WorkSpaces in it, to time its calls beside ours.

`api` runs it with the Python of the environment made from requirements/bench-moto.txt:
`python moto_workspaces.py COUNT EACH`. Of COUNT WorkSpaces each user has EACH. It prints its port,
the directory and a WorkSpace, and serves until it is ended.
"""

import sys
import threading
from typing import Any

import boto3  # type: ignore[import-not-found]
from moto.server import ThreadedMotoServer  # type: ignore[import-not-found]

REGION = "us-west-2"


def _fill(endpoint: str, count: int, each: int) -> tuple[str, str]:
    def client(name: str) -> Any:
        return boto3.client(
            name,
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",  # noqa: S106 - moto checks none
        )

    ec2, directories, workspaces = (client(name) for name in ("ec2", "ds", "workspaces"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.0.{at}.0/24", AvailabilityZone=f"{REGION}{zone}"
        )["Subnet"]["SubnetId"]
        for at, zone in enumerate("ab")
    ]
    directory = directories.create_directory(
        Name="bench.example.com",
        Password="For-a-bench-1",  # noqa: S106 - as above
        Size="Small",
        VpcSettings={"VpcId": vpc, "SubnetIds": subnets},
    )["DirectoryId"]
    workspaces.register_workspace_directory(DirectoryId=directory)
    wanted = [
        {"DirectoryId": directory, "UserName": f"artist{at // each}", "BundleId": "wsb-bench"}
        for at in range(count)
    ]
    made = []
    for begin in range(0, count, 5_000):
        answer = workspaces.create_workspaces(Workspaces=wanted[begin : begin + 5_000])
        if answer["FailedRequests"]:
            raise RuntimeError(str(answer["FailedRequests"]))
        made += answer["PendingRequests"]
    return directory, made[0]["WorkspaceId"]


def main() -> None:
    """Serve."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    directory, first = _fill(f"http://127.0.0.1:{port}", int(sys.argv[1]), int(sys.argv[2]))
    print(port, directory, first, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
