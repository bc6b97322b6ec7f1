"""The rules of booking: one judgement for listing, dragging, posting, moving and suggesting (R21).

Pure by contract: reads ``grid_engine`` and the standard library's data types only; asks no clock, draws no number, logs
nothing. A refusal is a value, never an exception, and a rule says itself what it tells people (``wording``).
"""
