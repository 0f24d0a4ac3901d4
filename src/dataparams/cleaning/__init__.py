"""From verdicts and decisions to a cleaned data set."""
