"""What the mistakes are called that show in results and in matrices alike: their code and words."""

NOT_ROTATED = ("not-rotated", "returns its input unrotated")
TWICE = ("rotated-twice", "rotates twice")
SIN_DROPPED = ("imaginary-dropped", "multiplies with cos and drops sin")
ONE_SIGN = ("one-sign", "adds sin times the other lane to both lanes of a pair: no rotation")
ALIASING = ("aliasing", "uses the first half's new values to make the second")
OTHER_TABLES = (
    "pairing-of-tables",
    "rotates one pairing's lanes with tables laid out for the other",
)
