"""What the pages of report and review share: style, parts of pages, charts."""
