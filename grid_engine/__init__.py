"""The grid of one location: intervals, records, the index over them, and how they change.

Pure by contract: the standard library only, no I/O, no clock, no randomness, no logging. Every instant is an ``int``,
whole seconds since 1970-01-01T00:00:00Z, and every interval is half-open (T1).
"""
