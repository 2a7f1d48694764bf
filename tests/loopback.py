"""A hub on loopback: what huggingface_hub asks of a server to make a repository, commit to it and read it again.

It keeps commits in memory, and can be made to refuse. Endpoints as huggingface_hub 2.4 asks them: POST /api/repos/create,
POST /api/models/NAME/preupload/REV, POST /NAME.git/info/lfs/objects/batch, PUT of an object, POST /api/models/NAME/commit/REV,
GET /api/models/NAME[/revision/REV], HEAD and GET /NAME/resolve/REV/FILE, POST /api/validate-yaml.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hf_loopback"  # the only one that may write, or read what is private


@dataclass
class Repository:
    """Files of each branch, with the number of its commits."""

    private: bool = False
    branches: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"main": {}})
    commits: list[str] = field(default_factory=list)

    def commit_of(self, branch: str) -> str:
        """A hash of the content, 40 hexadecimal digits."""
        files = self.branches[branch]
        joined = b"".join(name.encode() + content for name, content in sorted(files.items()))
        return hashlib.sha1(joined).hexdigest()


class Hub:
    """A server, and what it has.

    Attributes:
        repositories: by name.
        asked: method and path of every request.
        large: endings of names that go by LFS.
        refuse: a part of a path -> the status that is answered there.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.large: tuple[str, ...] = ()
        self.refuse: dict[str, int] = {}
        hub = self

        class Handler(Answers):
            its = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def files(self, name: str, branch: str = "main") -> dict[str, bytes]:
        return self.repositories[name].branches[branch]


class Answers(BaseHTTPRequestHandler):
    its: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def answer(self, status: int, body: bytes | dict[str, Any] = b"", **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def begin(self) -> bytes | None:
        """The body of the request; None where it is refused."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.its.asked.append(f"{self.command} {self.path}")
        for part, status in self.its.refuse.items():
            if part in self.path:
                self.answer(status, {"error": "no"})
                return None
        return body

    @property
    def knows_me(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def do_POST(self) -> None:
        body = self.begin()
        if body is None:
            return
        if self.path == "/api/validate-yaml":
            self.answer(200, {"errors": [], "warnings": []})
        elif not self.knows_me:
            self.answer(401, {"error": "Invalid username or password."})
        elif self.path == "/api/repos/create":
            self.create(json.loads(body))
        elif found := re.fullmatch(r"/api/models/(.+)/preupload/([^/?]+)", self.path):
            self.preupload(found[1], json.loads(body))
        elif found := re.fullmatch(r"/(.+)\.git/info/lfs/objects/batch", self.path):
            self.batch(json.loads(body))
        elif found := re.fullmatch(r"/api/models/(.+)/commit/([^/?]+)", self.path):
            self.commit(found[1], found[2], body)
        else:
            self.answer(404, {"error": "no such endpoint"})

    def create(self, asked: dict[str, Any]) -> None:
        name = f"{asked.get('organization') or 'me'}/{asked['name']}"
        there = name in self.its.repositories
        self.its.repositories.setdefault(
            name, Repository(asked.get("visibility") == "private" or bool(asked.get("private")))
        )
        self.answer(409 if there else 200, {"url": f"{self.its.url}/{name}", "id": "0", "name": name})

    def preupload(self, name: str, asked: dict[str, Any]) -> None:
        large = self.its.large
        files = [
            {"path": f["path"], "uploadMode": "lfs" if f["path"].endswith(large) and large else "regular", "shouldIgnore": False}
            for f in asked["files"]
        ]  # fmt: skip
        self.answer(200, {"files": files})

    def batch(self, asked: dict[str, Any]) -> None:
        objects = [
            {
                **o,
                "authenticated": True,
                "actions": {"upload": {"href": f"{self.its.url}/objects/{o['oid']}"}},
            }
            for o in asked["objects"]
        ]
        self.answer(200, {"transfer": "basic", "objects": objects})

    def commit(self, name: str, branch: str, body: bytes) -> None:
        repository = self.its.repositories.get(name)
        if repository is None or branch not in repository.branches:
            code = "RepoNotFound" if repository is None else "RevisionNotFound"
            self.answer(404, {"error": "not found"}, X_Error_Code=code)
            return
        files = repository.branches[branch]
        for line in body.decode().splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                files[value["path"]] = self.its.objects[value["oid"]]
            elif entry["key"] == "header":
                repository.commits.append(value["summary"])
        oid = repository.commit_of(branch)
        url = f"{self.its.url}/{name}/commit/{oid}"
        self.answer(200, {"success": True, "commitOid": oid, "commitUrl": url, "pullRequestUrl": None})

    def do_PUT(self) -> None:
        body = self.begin()
        if body is None:
            return
        oid = self.path.rpartition("/")[2]
        same = hashlib.sha256(body).hexdigest() == oid
        if same:
            self.its.objects[oid] = body
        self.answer(200 if same else 400)

    def do_GET(self) -> None:
        if self.begin() is None:
            return
        if found := re.fullmatch(r"/api/models/(.+?)(?:/revision/([^/?]+))?(?:\?.*)?", self.path):
            self.describe(found[1], found[2] or "main")
        elif found := re.fullmatch(r"/([^/]+(?:/[^/]+)?)/resolve/([^/]+)/(.+)", self.path):
            self.file(found[1], found[2], found[3])
        else:
            self.answer(404, {"error": "no such endpoint"})

    do_HEAD = do_GET

    def found(self, name: str, revision: str) -> tuple[Repository, str] | None:
        repository = self.its.repositories.get(name)
        if repository is None or (repository.private and not self.knows_me):
            self.answer(
                404 if self.knows_me else 401, {"error": "Repository not found"}, X_Error_Code="RepoNotFound"
            )
            return None
        branches = {
            **{repository.commit_of(b): b for b in repository.branches},
            **{b: b for b in repository.branches},
        }
        if revision not in branches:
            self.answer(404, {"error": "Invalid rev id"}, X_Error_Code="RevisionNotFound")
            return None
        return repository, branches[revision]

    def describe(self, name: str, revision: str) -> None:
        if (found := self.found(name, revision)) is None:
            return
        repository, branch = found
        siblings = [{"rfilename": path} for path in repository.branches[branch]]
        about = {
            "id": name,
            "modelId": name,
            "sha": repository.commit_of(branch),
            "private": repository.private,
        }
        self.answer(200, {**about, "siblings": siblings, "tags": [], "downloads": 0})

    def file(self, name: str, revision: str, path: str) -> None:
        if (found := self.found(name, revision)) is None:
            return
        repository, branch = found
        commit, content = repository.commit_of(branch), repository.branches[branch].get(path)
        if content is None:
            self.answer(404, {"error": "Entry not found"}, X_Error_Code="EntryNotFound", X_Repo_Commit=commit)
            return
        etag = hashlib.sha1(content).hexdigest()
        self.answer(200, content, ETag=f'"{etag}"', X_Repo_Commit=commit)
