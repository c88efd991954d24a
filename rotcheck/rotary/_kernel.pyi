THREADS: int
MOST_PAIRS: int

def rotate(
    x: int,
    out: int,
    cos: int,
    sin: int,
    x_strides: tuple[int, ...],
    out_strides: tuple[int, ...],
    cos_strides: tuple[int, ...],
    sin_strides: tuple[int, ...],
    plan: bytes,
    threads: int,
    /,
) -> None: ...
