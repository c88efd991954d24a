"""What names rotary code: the one expression, and what else names it in source,
in a trace and in a file's name."""

NAME = r"rotary|(?<![a-z])rope(?![a-z])"
"""Rotary embeddings by their name, in lower case; europe and properties are left out."""

IN_SOURCE = rf"(?i:{NAME}|rotate_(half|quer|q_|k_|every)|inv_?freq|freqs?_?cis?(?![a-z]))|RoPE|Rope(?![a-z])"
"""In the names of functions, classes and variables, CamelCase too."""

IN_TRACE = (
    rf"(?i){NAME}|rotate_(?:half|every_two|quer)|freqs|inv_freq|cossin"
    r"|(?<![a-z])(?:cos|sin)(?![a-z(])"  # variables; what calls them may be any other sinusoid
)
"""In a frame, a kernel or a variable that an error shows: more words, since frames show little."""
