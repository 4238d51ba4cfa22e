"""Runs the measurements: `make bench`, or `python -m bench [--save] [PART...]`.

A part is a module beside this one whose `main` prints its tables. What they print, under a head
that says on which machine, is added to docs/benchmarks.md with --save.
"""

import argparse
import importlib
import io
import platform
import subprocess
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
INTRODUCTION = """# Benchmarks

What `make bench ARGS=--save` printed, newest last. Each number stands beside the same thing done
without Soundstage on the same machine in the same run; ratios travel between machines better than
seconds do.
"""
PARTS = ["service", "api", "start", "gateway", "stream", "contention", "backups", "growth", "incus"]


class Both(io.TextIOBase):
    """Shows what is printed and keeps it."""

    def __init__(self, terminal: io.TextIOBase) -> None:
        self.terminal = terminal
        self.kept = io.StringIO()

    def write(self, text: str) -> int:
        """Write to both."""
        self.kept.write(text)
        return self.terminal.write(text)

    def flush(self) -> None:
        """Let the terminal show it."""
        self.terminal.flush()


def answer(*command: str) -> str:
    """Return the first line a program prints, or say that it is not here."""
    try:
        ran = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return "not here"
    return ran.stdout.partition("\n")[0].strip()


def processor() -> str:
    """Return the CPU's model as the kernel names it."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def print_head() -> None:
    """Say what the numbers were measured on."""
    stream = ROOT / ".venv-stream" / "bin" / "python"
    selkies = "import importlib.metadata as m; print(m.version('selkies'))"
    facts = {
        "CPU": f"{processor()}, {psutil.cpu_count()} cores",
        "Memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "System": f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {platform.release()}",
        "Python": platform.python_version(),
        "Selkies": answer(str(stream), "-c", selkies),
        "Incus": answer("incus", "--version"),
        "restic": answer("restic", "version"),
        "TigerVNC": answer("dpkg-query", "-Wf", "${Version}", "tigervnc-standalone-server"),
        "Chromium": answer("chromium-headless-shell", "--version"),
        "Load before": f"{psutil.getloadavg()[0]:.1f}",
        "Soundstage": answer("git", "describe", "--always", "--dirty"),
    }
    print(f"\n## {time.strftime('%Y-%m-%d')}\n")
    for name, fact in facts.items():
        print(f"- {name}: {fact}")


def main() -> None:
    """Run the parts that were asked for, all by default."""
    here = [part for part in PARTS if (Path(__file__).parent / f"{part}.py").exists()]
    parser = argparse.ArgumentParser(prog="bench", description="Measure Soundstage.")
    parser.add_argument("--save", action="store_true", help="add the tables to docs/benchmarks.md")
    parser.add_argument("part", nargs="*", help=f"only these, of {', '.join(here)}")
    asked = parser.parse_args()
    if unknown := set(asked.part) - set(here):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    both = Both(sys.stdout)  # type: ignore[arg-type]  # TextIO is the same thing to a writer
    with redirect_stdout(both):
        print_head()
        for part in asked.part or here:
            importlib.import_module(f"bench.{part}").main()
    if asked.save:
        page = ROOT / "docs" / "benchmarks.md"
        said = page.read_text(encoding="utf-8") if page.exists() else INTRODUCTION
        page.write_text(said + both.kept.getvalue(), encoding="utf-8")


if __name__ == "__main__":
    main()
