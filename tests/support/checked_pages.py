"""Pages held against what axe, a checker of accessibility, knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

CONTRAST = {"runOnly": ["color-contrast"]}
"""All that depends on whether a page is dark."""


def complaints_about(page: Page, axe: str, *, other_scheme: bool = False) -> list[str]:
    """What is wrong with a page as it is.

    Args:
        page: The page; it needs ``bypass_csp`` of its context.
        axe: The checker's script.
        other_scheme: Also what is wrong with its colors were it dark where it is light.
    """
    if page.evaluate("window.axe === undefined"):
        page.evaluate(axe)
    found = _violations(page, {})
    if other_scheme:
        is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        page.emulate_media(color_scheme="light" if is_dark else "dark")
        found += _violations(page, CONTRAST)
        page.emulate_media(color_scheme="dark" if is_dark else "light")
    return found


def _violations(page: Page, options: dict[str, Any]) -> list[str]:
    violations = page.evaluate(
        "async (options) => (await axe.run(options)).violations",
        {"resultTypes": ["violations"], **options},
    )
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in violations
        for node in one["nodes"]
    ]
