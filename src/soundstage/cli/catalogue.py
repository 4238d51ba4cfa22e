"""Every command by its name: where it is, and the line that help shows of it.

`main` makes the program of this, so that help costs nothing but reading it.
"""

from soundstage.cli.lazy import Lazy

_NOUN = "soundstage.cli.commands:noun_group"
SECTIONS = {
    "Workstations": {
        "launch": Lazy("soundstage.cli.workstations:launch", "Launch a workstation."),
        "ls": Lazy("soundstage.cli.workstations:ls", "List your workstations."),
        "open": Lazy("soundstage.cli.workstations:open_", "Print a workstation's address."),
        "stop": Lazy("soundstage.cli.workstations:stop", "Stop a workstation."),
        "start": Lazy("soundstage.cli.workstations:start", "Start a stopped workstation."),
        "rm": Lazy("soundstage.cli.workstations:rm", "End a workstation for good."),
        "logs": Lazy("soundstage.cli.workstations:logs", "Show what its scripts said."),
        "top": Lazy("soundstage.cli.top:top", "Watch all workstations of a studio."),
    },
    "Every operation of the API": {
        "studios": Lazy(f"{_NOUN}:studios", "Studios."),
        "members": Lazy(f"{_NOUN}:members", "Administrators of a studio."),
        "images": Lazy(f"{_NOUN}:images", "Images that workstations start from."),
        "components": Lazy(f"{_NOUN}:components", "Storage, licences, farms and scripts."),
        "launch-profiles": Lazy(f"{_NOUN}:launch-profiles", "What may be launched, and how."),
        "profile-members": Lazy(f"{_NOUN}:profile-members", "Who may use a launch profile."),
        "availability": Lazy(
            f"{_NOUN}:availability", "What a launch profile's workstations would get now."
        ),
        "sessions": Lazy(f"{_NOUN}:sessions", "Workstations."),
        "streams": Lazy(f"{_NOUN}:streams", "Ways into a workstation."),
        "pictures": Lazy(f"{_NOUN}:pictures", "How a workstation's desktop looks."),
        "shares": Lazy(f"{_NOUN}:shares", "Links for looking on at a workstation."),
        "backups": Lazy("soundstage.cli.backups:backups", "Copies of workstations' disks."),
        "eulas": Lazy(f"{_NOUN}:eulas", "Licence agreements."),
        "events": Lazy("soundstage.cli.events:events", "What happened, and who caused it."),
        "webhooks": Lazy(f"{_NOUN}:webhooks", "Addresses that are told of events."),
        "hosts": Lazy("soundstage.cli.hosts:hosts", "Hosts, and taking one out for maintenance."),
        "tags": Lazy(f"{_NOUN}:tags", "Tags of whatever has an ARN."),
    },
    "A studio as a file": {
        "pull": Lazy("soundstage.cli.studio_file.commands:pull", "Print a studio as a file."),
        "plan": Lazy("soundstage.cli.studio_file.commands:plan", "Show what a file would change."),
        "apply": Lazy("soundstage.cli.studio_file.commands:apply", "Make a studio as a file says."),
    },
    "Where it speaks to, and as whom": {
        "login": Lazy("soundstage.cli.login:login", "Remember a studio elsewhere."),
        "whoami": Lazy("soundstage.cli.login:whoami", "Say where it speaks to, and as whom."),
        "env": Lazy("soundstage.cli.env:env", "Print shell exports for SDKs."),
        "sdk": Lazy("soundstage.cli.sdk:sdk", "Give the service back to SDKs."),
        "completion": Lazy("soundstage.cli.completion:completion", "Print a shell's completion."),
    },
    "This machine": {
        "run": Lazy("soundstage.cli.run:run_command", "Start a studio and one workstation."),
        "serve": Lazy("soundstage.cli.serve:serve_command", "Run the service in the foreground."),
        "doctor": Lazy("soundstage.cli.doctor:doctor", "Check this machine."),
        "user": Lazy("soundstage.cli.user:user", "People and their access keys."),
        "audit": Lazy(
            "soundstage.cli.audit:audit", "The trail of events: who did what, when and from where."
        ),
        "capacity": Lazy(
            "soundstage.cli.capacity:capacity",
            "Say what this machine gives to workstations, and what is left.",
        ),
        "image": Lazy("soundstage.cli.image:image", "Build the systems that workstations run."),
        "clean": Lazy("soundstage.cli.clean:clean_command", "End everything of this home."),
        "reference": Lazy("soundstage.cli.reference:reference_command", "Print a reference page."),
    },
}
"""The commands by what they are for."""
