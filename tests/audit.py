"""Known weaknesses of the pinned packages, by pip-audit in an environment of its own (.venv/audit).

    python tests/audit.py

Where pip-audit or the index's list of weaknesses cannot be reached, this says so and ends with 0; a package with a
known weakness ends it with 1.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PINS = ROOT / "constraints.txt"
FOLDER = ROOT / ".venv" / "audit"
PATIENCE = 300  # seconds for an installation, and for an audit


def python() -> Path:
    """The interpreter of the environment."""
    return FOLDER / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def run(*words: str) -> subprocess.CompletedProcess[str] | None:
    """A command in the environment; None where it takes too long."""
    try:
        return subprocess.run(
            [str(python()), *words], capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=ROOT
        )
    except subprocess.TimeoutExpired:
        return None


def installed() -> bool:
    """Returns whether pip-audit is there now."""
    if python().exists() and (done := run("-c", "import pip_audit")) and done.returncode == 0:
        return True
    venv.create(FOLDER, with_pip=True, clear=True)
    done = run("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "pip-audit")
    return done is not None and done.returncode == 0


def verdict(text: str) -> tuple[int, str]:
    """Exit status and line of an audit.

    Args:
        text: JSON as pip-audit writes it, or what it wrote instead.
    """
    try:
        packages = json.loads(text)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return 0, "The audit is skipped: the index cannot be reached."
    looked_up = [one for one in packages if "skip_reason" not in one]
    weak = [
        f"{one['name']} {one['version']}: {weakness['id']}, mended in {', '.join(weakness['fix_versions']) or 'no version yet'}"
        for one in looked_up
        for weakness in one["vulns"]
    ]
    if weak:
        return 1, "\n".join(weak)
    missing = len(packages) - len(looked_up)
    if missing > len(packages) / 2:
        return 0, f"The audit is skipped: the index knows nothing of {missing} of {len(packages)} packages."
    return 0, f"No known weakness in {len(looked_up)} pinned packages."


def main() -> int:
    if not installed():
        print("The audit is skipped: pip-audit cannot be installed.")
        return 0
    done = run(
        "-m",
        "pip_audit",
        "-r",
        str(PINS),
        "--no-deps",
        "--disable-pip",
        "--format",
        "json",
        "--progress-spinner",
        "off",
    )
    status, line = verdict("" if done is None else done.stdout)
    print(line)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
