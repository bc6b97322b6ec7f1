"""The rules of booking, one a file, each whole: whom and what it judges, what it refuses, who may waive it, what it says.

A file has the name of its violation's code, and declares its ``RULE``; ``rules.evaluate`` has them in order. Checks do not
know each other.
"""
