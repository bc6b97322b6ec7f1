"""What Baygrid does: one use case per command, and the writer that commits them.

Only this package changes state, and only after a commit is anything published. A refusal is a value; an exception is a
fault.
"""
