"""Figures about what was booked (Y1, Y2): when a location was open, what is rolled up ahead of the question, and reports.

Rolling up keeps figures of each day in tables; a report adds them up, and measures afresh whatever has changed since.
"""
