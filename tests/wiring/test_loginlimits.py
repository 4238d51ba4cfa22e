"""How long logins are good is what the settings say, and costs a command about people nothing."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from soundstage.kit.config import Settings
from soundstage.resources.logins.model import Limits
from soundstage.wiring.loginlimits import login_limits_of


def test_the_settings_say_it(home: Path) -> None:
    settings = Settings(home=home, sign_in_days=3, sign_in_idle_hours=5)
    assert login_limits_of(settings) == Limits(age=timedelta(days=3), idle=timedelta(hours=5))


def test_a_command_about_people_imports_no_door() -> None:
    program = (
        "import sys, soundstage.cli.user\n"
        "doors = ('api', 'gateway', 'portal')\n"
        "print([name for name in sys.modules if name.startswith("
        "tuple(f'soundstage.{door}' for door in doors))])"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert said.stdout == "[]\n"
