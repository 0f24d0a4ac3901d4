"""The report: static pages, to be opened from disk and handed to whoever owns the data."""

from dataparams.report.writing import write_report

__all__ = ["write_report"]
