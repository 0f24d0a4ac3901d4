"""Writes the rooms of architecture.md: how they lie above each other, and every module of each.

uv run python docs/rooms.py

The drawing is the contract of import-linter in pyproject.toml; the words are the first lines of the
modules' docstrings. So neither is written twice; a test says when the page is to be written anew.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/dataparams"
PAGE = ROOT / "docs/architecture.md"
BEGIN = "<!-- docs/rooms.py writes the {} from here -->\n"
END = "<!-- docs/rooms.py writes the {} until here -->\n"
WIDTH = 78


def main() -> None:
    """Write the page."""
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def renewed(page: str) -> str:
    """The page, with the rooms as they are now."""
    stack = layers(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    rooms = [PACKAGE / room for layer in stack for room in layer if (PACKAGE / room).is_dir()]
    page = with_part(page, "drawing", f"```text\n{drawing(stack)}```\n")
    return with_part(page, "modules", "\n".join([*map(section, rooms), ground_floor()]))


def with_part(page: str, name: str, text: str) -> str:
    """The page with a part between its two marks renewed."""
    begin, end = BEGIN.format(name), END.format(name)
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{text}\n{end}{after}"


def layers(project: dict[str, Any]) -> list[list[str]]:
    """The rooms of each layer, the highest first."""
    contracts = project["tool"]["importlinter"]["contracts"]
    (contract,) = (contract for contract in contracts if contract["type"] == "layers")
    # Parentheses mark what need not be there.
    return [
        [room.strip(" ()") for room in layer.replace(":", "|").split("|")]
        for layer in contract["layers"]
    ]


def drawing(stack: list[list[str]]) -> str:
    """Boxes above each other; a room imports from those below its own, and from no neighbor."""
    borders = [boundaries(len(layer)) for layer in stack]
    lines = [rule(set(), borders[0])]
    for number, (layer, border) in enumerate(zip(stack, borders, strict=True)):
        cells = [
            f" {room}".ljust(end - start - 1)
            for room, start, end in zip(layer, border, border[1:], strict=False)
        ]
        below = borders[number + 1] if number + 1 < len(borders) else []
        lines += ["│" + "│".join(cells) + "│", rule(set(border), below)]
    return "\n".join(lines) + "\n"


def boundaries(rooms: int) -> list[int]:
    """Where the walls of a layer stand, (rooms + 1)."""
    return [round(place * (WIDTH - 1) / rooms) for place in range(rooms + 1)]


def rule(above: set[int], below: list[int] | set[int]) -> str:
    """The line between two layers whose walls stand there."""
    corners = {
        (True, True): ("├", "┼", "┤"),
        (True, False): ("└", "┴", "┘"),
        (False, True): ("┌", "┬", "┐"),
        (False, False): ("─", "─", "─"),
    }
    signs = []
    for place in range(WIDTH):
        left, middle, right = corners[place in above, place in below]
        signs.append(left if place == 0 else right if place == WIDTH - 1 else middle)
    return "".join(signs)


def section(room: Path) -> str:
    """A room: what lives there, and its modules."""
    lines = [f"### {room.name}/\n", f"{first_line(room / '__init__.py')}\n"]
    lines += ["| module | what is in it |", "| --- | --- |"]
    modules = sorted(path for path in room.rglob("*.py") if path != room / "__init__.py")
    lines += [row(path, path.relative_to(PACKAGE).as_posix()) for path in modules]
    return "\n".join(lines) + "\n"


def ground_floor() -> str:
    """The modules that are in no room."""
    lines = ["### The ground floor\n", "| module | what is in it |", "| --- | --- |"]
    lines += [row(path, path.name) for path in sorted(PACKAGE.glob("*.py"))]
    return "\n".join(lines) + "\n"


def row(module: Path, name: str) -> str:
    """A module's row."""
    return f"| `{name}` | {first_line(module)} |"


def first_line(module: Path) -> str:
    """What a module's docstring says first."""
    text = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split()).replace("``", "`").replace("|", "\\|")


if __name__ == "__main__":
    main()
