"""What NVML says about clocks that are not at their highest, bit by bit."""

#: nvmlClocksEventReasons in nvml.h, https://docs.nvidia.com/deploy/nvml-api/
REASONS = {
    0x1: "idle",
    0x2: "applications' clock setting",
    0x4: "power cap",
    0x8: "hardware slowdown",
    0x10: "sync boost",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
    0x100: "display clock setting",
}

#: Those that make a measurement unfit. Not here: the power cap, which is how a card works.
SLOWDOWNS = {bit: REASONS[bit] for bit in (0x8, 0x20, 0x40, 0x80)}


def slowdowns(throttle_reasons: int) -> list[str]:
    """Return the reasons in words that make a measurement unfit; the power cap is not one."""
    return [words for bit, words in SLOWDOWNS.items() if throttle_reasons & bit]
