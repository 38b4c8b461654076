"""How the C library keeps memory, which decides the speed of large activations on a CPU."""

import ctypes

# Of glibc's malloc.h.
TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -3, -4, -8
# The largest that glibc takes; larger blocks still go back to the system at once.
LARGEST_BLOCK_BYTES = 2**25
NUM_ARENAS = 4


def keep_freed_memory(max_bytes: int | None = None) -> None:
    """Have glibc keep freed memory instead of returning it to the system.

    Activations of `batchnorm` take over 100 MB each when it is trained; getting such blocks anew in every step costs
    more page faults than arithmetic. One answer about a photo of 640x480 pixels causes 4,000 of them otherwise, a tenth
    of its time. Where there is no glibc it does nothing.

    Args:
        max_bytes: How much is kept at most, about, by each of `NUM_ARENAS` heaps that threads share; by default all.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # no glibc
        return
    if max_bytes is None:
        mallopt(MMAP_MAX, 0)
        mallopt(TRIM_THRESHOLD, 2**31 - 1)
    else:
        mallopt(ARENA_MAX, NUM_ARENAS)
        mallopt(MMAP_THRESHOLD, LARGEST_BLOCK_BYTES)
        mallopt(TRIM_THRESHOLD, max_bytes)
