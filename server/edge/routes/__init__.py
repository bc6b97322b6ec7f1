"""One module a noun: the models of its bodies and its endpoints, each a few lines that call one use case."""
