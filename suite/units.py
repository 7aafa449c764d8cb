"""How numbers are printed. The only file that knows "GiB"; storage everywhere else is SI."""


def seconds(value: float) -> str:
    """Return a duration in seconds as people read it: ``12.3 ms``, ``1.204 s``, ``3 min 20 s``."""
    if value < 0.001:
        return f"{value * 1e6:.0f} µs"
    if value < 1:
        return f"{value * 1e3:.4g} ms"
    if value < 120:
        return f"{value:.4g} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 120:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def bytes_(value: float) -> str:
    """Return a number of bytes in binary units: ``1.21 GiB``, ``640 MiB``, ``12 KiB``."""
    for unit, size in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= size:
            digits = ".3g" if value < 1000 * size else ".0f"
            return f"{value / size:{digits}} {unit}"
    return f"{value:.0f} B"


def count(value: float) -> str:
    """Return a whole number with separators: ``43,646,976``."""
    return f"{value:,.0f}"


def rate(value: float, unit: str) -> str:
    """Return a rate with at most four significant digits and separators: ``10,621 token/s``."""
    digits = max(0, 3 - len(str(int(abs(value))))) if abs(value) >= 1 else 3
    return f"{value:,.{digits}f} {unit}"


def ratio(value: float) -> str:
    """Return a ratio: ``1.66×``."""
    return f"{value:.2f}×" if value < 10 else f"{value:.1f}×"


def percent(value: float) -> str:
    """Return a share as a percentage with two significant digits or more: ``0.02 %``, ``12 %``."""
    size = abs(value) * 100
    digits = 0 if size >= 10 else 1 if size >= 1 else 2
    return f"{value * 100:.{digits}f} %"


def scaled(value: float, unit: str) -> str:
    """Return a value with the SI prefix that fits: ``412 TFLOP/s``, ``3.21 mJ``."""
    for prefix, size in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1.0)):
        if abs(value) >= size:
            return f"{value / size:.3g} {prefix}{unit}"
    if value == 0:
        return f"0 {unit}"
    return f"{value * 1e3:.3g} m{unit}" if abs(value) >= 1e-3 else f"{value * 1e6:.3g} µ{unit}"
