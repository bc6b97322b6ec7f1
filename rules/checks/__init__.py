"""The rules of booking, R1 to R14, one a file.

Each is a generator over a proposal and the facts that yields at most one violation, without a word about overriding it:
``rules.evaluate`` has the table of which rule is judged when and who may waive it. Checks do not know each other.
"""
