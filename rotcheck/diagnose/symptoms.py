"""The words in which people describe what is wrong, for the `symptoms` of `failures/`.

A symptom is a regular expression in which `<BAD>` stands for the words of that name here, and ` ~ `
joins two parts that stand near each other, in either order; what is said to be `<CHANGED>` may also
stand around the first part.
"""

import re

GAP = 120  # characters between the two parts of a symptom

WORDS = {
    "BAD": r"\b(?:gibberish|garbage|garbled|junk|nonsens\w+|incoheren\w+|instable|unstable|trash\w*|word salad"
    r"|degenerat\w+|babbl\w+|rambl\w+|(?:broken|weird|random|strange) (?:text|output|tokens|words|characters)|repeat\w*"
    r"|(?<!for |the )loops?\b|looping|collaps\w+|degrad\w+|falls? apart|breaks? down|explod\w+)",
    "WORSE": r"(?:n't (?:the same|match|agree)|\b(?:wors\w+|wrong|differ\w*|diffs?|higher|lower|mismatch\w*"
    r"|inconsisten\w+|not (?:the same|match|agree)|degrad\w+|gibberish|garbage|nonsens\w+|bad|incorrect|diverg\w+"
    r"|spik\w+|jump\w*|instead of|broken|garbled|chang\w+|drops?|dropped)\b)",
    "OUTPUT": r"(?:results?|outputs?|logits|answers?|loss|perplexity|ppl|accuracy|generations?|generated text|values"
    r"|quality|gradients?|grad norm|embeddings?|tokens|predictions?)\b",
    "CHANGED": r"(?:<OUTPUT>.{0,60}?<WORSE>|(?:different|wrong|worse|other|higher|incorrect|inconsistent|bad|garbage"
    r"|mismatched) <OUTPUT>)",
    "PAST": r"(?:after|beyond|past|above|over|exceed\w*|(?:longer|more|larger|greater) than|>|once|when|until"
    r"|reach\w*)",
    "TOKENS": r"(?:[\d.,]{1,9} ?k? ?(?:tokens?|tok|context|ctx|positions)\b"
    r"|\d{1,4} ?k\b(?! ?(?:steps|iter|epochs|samples|users|requests|images|rows|hz))"
    r"|(?:1024|2048|4096|8192|16384|32768|65536|131072)\b)",
    "LENGTH": r"<PAST>(?: \S{1,12}){0,6}? ?(?:<TOKENS>|(?:original_)?max_position_embeddings"
    r"|(?<!reduced )(?<!limited )(?<!small )(?<!smaller )"
    r"(?:context|sequence|training|trained|pretraining|max\w*|original) (?:length|window|size|context))",
}


def expression(symptom: str) -> str:
    """The regular expression of a symptom, in full.

    Raises `KeyError` where it names words that are not here.
    """
    parts = [_spell_out(part) for part in symptom.split(" ~ ")]
    if len(parts) == 1:
        return parts[0]
    first, second = parts
    gap = f".{{0,{GAP}}}?"
    orders = [f"(?:{first}){gap}(?:{second})", f"(?:{second}){gap}(?:{first})"]
    if "<CHANGED>" in symptom:
        orders.append(_spell_out(f"<OUTPUT>.{{0,60}}?(?:{first}).{{0,60}}?<WORSE>"))
    return "|".join(orders)


def _spell_out(text: str) -> str:
    """The text with the words of each name in its place."""
    name_pattern = re.compile(r"<([A-Z]+)>")
    while name_pattern.search(text):
        text = name_pattern.sub(lambda name: WORDS[name[1]], text)
    return text
