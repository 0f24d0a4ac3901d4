"""From contents to features: frozen encoders, and the cache of what they gave.

A feature is what a network that others have trained makes of a content: some hundred numbers.
Nothing here knows of labels, training, runs or analysis.
"""
