"""How the C library keeps memory, which decides the speed of large activations on a CPU."""

import ctypes


def keep_freed_memory() -> None:
    """Have glibc keep freed memory instead of returning it to the system.

    Activations of `batchnorm` take over 100 MB each; getting such blocks anew in every step costs more page faults
    than arithmetic. Where there is no glibc it does nothing.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # no glibc
        return
    m_trim_threshold, m_mmap_max = -1, -4  # malloc.h
    mallopt(m_mmap_max, 0)
    mallopt(m_trim_threshold, 2**31 - 1)
