"""What somebody chose for the report of a run, kept in the run folder for the next one."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, cast

from dataparams.errors import RunError
from dataparams.report.language import LANGUAGES
from dataparams.run.safe_files import write_whole

if TYPE_CHECKING:
    from dataparams.report.language import LanguageCode
    from dataparams.run.folder import RunFolder


@dataclass(frozen=True)
class ReportSettings:
    """What a report is headed with, its language, and which runs it compares.

    Attributes:
        title: Its title; empty for one made of the data's name.
        client: Who it is for; empty for nobody.
        note: What stands below the title.
        language: The language of the pages.
        compared_with: Run folders of trainings whose accuracies are compared; see
            :func:`dataparams.report.retraining.retraining_of`.
    """

    title: str = ""
    client: str = ""
    note: str = ""
    language: LanguageCode = "en"
    compared_with: tuple[str, ...] = ()


def read_settings(run: RunFolder) -> ReportSettings:
    """The settings that the last report was written with; where there was none, the usual ones.

    Raises:
        RunError: If the file is damaged.
    """
    file = run.report_settings
    if not file.is_file():
        return ReportSettings()
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{file} cannot be read: {error}. {_REMEDY}") from error
    if not isinstance(kept, dict) or not all(
        isinstance(kept.get(name, ""), str) for name in ("title", "client", "note", "language")
    ):
        raise RunError(f"{file} is damaged: expected a JSON object of texts. {_REMEDY}")
    compared = kept.get("compared_with", [])
    if not isinstance(compared, list) or not all(isinstance(path, str) for path in compared):
        raise RunError(f"{file} is damaged: expected 'compared_with', paths. {_REMEDY}")
    if kept.get("language", "en") not in LANGUAGES:
        raise RunError(
            f"{file} is damaged: its language is {kept['language']!r}; expected one of "
            f"{', '.join(LANGUAGES)}. {_REMEDY}"
        )
    return ReportSettings(
        title=kept.get("title", ""),
        client=kept.get("client", ""),
        note=kept.get("note", ""),
        language=cast("LanguageCode", kept.get("language", "en")),
        compared_with=tuple(compared),
    )


def write_settings(run: RunFolder, settings: ReportSettings) -> None:
    """Keep the settings of a report for the next one."""
    written = json.dumps(asdict(settings), indent=2, ensure_ascii=False)
    write_whole(run.report_settings, f"{written}\n".encode())


def with_given(kept: ReportSettings, given: dict[str, object]) -> ReportSettings:
    """Kept settings, with those that are given in their place.

    Args:
        kept: What the last report was written with.
        given: By name what is given now; None for what is not.

    Example:
        >>> with_given(ReportSettings(title="Shells"), {"title": None, "client": "A museum"})
        ReportSettings(title='Shells', client='A museum', note='', language='en', compared_with=())
    """
    names = {field.name for field in fields(ReportSettings)}
    chosen = {name: value for name, value in given.items() if name in names and value is not None}
    return ReportSettings(**{**asdict(kept), **chosen})


_REMEDY = "Remove it, and give `title`, `client` and the others again."
