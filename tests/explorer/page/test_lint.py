"""The checks that need npm are skipped where it has no registry, and nowhere else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import page_tools
from vaekit.explorer.site import page_files


def npm(*failing: str) -> list[str]:
    """A command that ends as npm does where these of its commands fail."""
    return [sys.executable, "-c", f"import sys; sys.exit(sys.argv[1] in {failing})"]


def test_without_a_registry_there_is_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(page_tools, "installed", lambda: False)
    monkeypatch.setattr(page_tools, "STAMP", tmp_path / "stamp")
    assert page_tools.install(npm()) is None and page_tools.STAMP.read_bytes() == page_tools.LOCK.read_bytes()
    assert "registry" in (page_tools.install(npm("ci", "view")) or "")


def test_what_the_registry_has_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_tools, "installed", lambda: False)
    with pytest.raises(SystemExit, match="registry answers"):
        page_tools.install(npm("ci"))
    monkeypatch.setattr(page_tools, "installed", lambda: True)
    assert page_tools.install(npm("ci")) is None


@pytest.mark.parametrize("failing", [0, 1])
def test_each_check_must_succeed(failing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = [[sys.executable, "-c", f"raise SystemExit({int(k == failing)})"] for k in range(2)]
    monkeypatch.setattr(page_tools, "install", lambda command: None)
    monkeypatch.setattr(page_tools, "node", lambda: ["node"])
    monkeypatch.setattr(page_tools, "npm", lambda: ["npm"])
    monkeypatch.setattr(page_tools, "checks", lambda: ends)
    assert page_tools.main() == 1
    monkeypatch.setattr(page_tools, "checks", lambda: ends[1 - failing : 2 - failing])
    assert page_tools.main() == 0


def test_without_node_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(page_tools, "node", lambda: None)
    assert page_tools.main() == 0
    assert "there is no node" in capsys.readouterr().out


def test_the_page_has_nothing_of_its_checks() -> None:
    assert page_files().keys() == {
        path.name for path in page_tools.PAGE.iterdir() if path.suffix in (".js", ".css", ".html", ".svg")
    }
