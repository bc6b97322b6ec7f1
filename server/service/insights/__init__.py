"""The three analyses that Claude is asked for (C1 to C3): figures, which we reckon, and prose about them, which it writes.

    cancellations, schedules, conflicts    from rows to figures: pure
    tokens                                 what stands for people and their words: pure
    answers                                the shapes of answers, and whether what they rest on was given: pure
    prompts                                what Claude is told to do
    insights                               the use cases

Belongs here: all of it, except reading and keeping rows (``storage.insights``) and Claude's protocol
(``integrations.claude``). Nothing here changes a booking.
"""
