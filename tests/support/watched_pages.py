"""Pages whose troubles are noted: what a hostile text might do, and what goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Dialog, Page


def watch(page: Page, troubles: list[str]) -> None:
    """Note what a page logs, which errors it meets and which dialogs it opens."""

    def dismiss(dialog: Dialog) -> None:
        troubles.append(dialog.message)
        dialog.dismiss()

    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("dialog", dismiss)
