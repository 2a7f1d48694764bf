"""A page as a tree, for tests that look at what stands where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "img", "br", "link", "hr", "input"}


@dataclass
class Node:
    """An element: its tag, attributes and content."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    content: list[Node | str] = field(default_factory=list)

    def all(self, tag: str, kind: str = "") -> list[Node]:
        """Elements of that tag below this one (of that class), in order."""
        wanted = [node for node in self._below() if node.tag == tag]
        return [node for node in wanted if not kind or kind in node.attributes.get("class", "").split()]

    def _below(self) -> Iterator[Node]:
        for part in self.content:
            if isinstance(part, Node):
                yield part
                yield from part._below()

    @property
    def text(self) -> str:
        """All words within, parted by single spaces."""
        words = [part if isinstance(part, str) else part.text for part in self.content]
        return " ".join(" ".join(words).split())


class _Reader(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.open = [Node("page")]
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].content.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].content.append(data)


def read_page(page: str) -> Node:
    """The tree of a page of which every element is closed."""
    return _Reader(page).open[0]
