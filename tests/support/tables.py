"""Tables of inputs and the messages that they lead to, as text."""


def entries(text):
    """The pairs of a table: each is a line and, indented below it, a message in wrapped lines."""
    pairs = []
    for line in filter(None, text.splitlines()):
        if not line.startswith("    "):
            pairs.append((line, ""))
        else:
            given, message = pairs[-1]
            pairs[-1] = given, f"{message} {line.strip()}".lstrip()
    return pairs
