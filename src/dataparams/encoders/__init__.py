"""Frozen encoders, which turn contents into features, and the cache of features.

A feature is the output of a pretrained network for a content: some hundred numbers. Nothing here
knows of labels, training, runs or analysis.
"""
