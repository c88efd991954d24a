"""Which positions `context` asks for: one by one, or all rows up to a length."""

POSITIONS = (0, 1, 2, 3, 257, 1000, 2049, 4097, 8191, 16385, 32767, 65537, 131071, 1048575)
LAST_FOR_FREQUENCIES = 131071  # up to which frequencies may change with the length
LENGTHS = (9, 258, 2050, 4098, 16386, 32768, 131072)  # of objects that make all rows from 0
