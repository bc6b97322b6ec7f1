"""One rule a file. A check is a generator of violations; checks do not know of each other."""
