"""Case files that ask for as much as the bounds allow, or for more: each costs little to write."""

GOOD = "op: conv2d, filter: [1, 1, 1, 1], padding: VALID"
STRIDES = ", ".join(map(str, range(2, 102)))
ATROUS = "op: depthwise_conv2d, input: [1, 300, 300, 2], filter: [1, 1, 2, 2], padding: VALID"
DEVIATION = (
    "rule: depthwise.unit-strides-when-atrous, observed: {model: phase_strided}, "
    "reported: unreported"
)


def many(case, count):
    return "cases:\n" + "".join(f"  - {{id: c{number}, {case}}}\n" for number in range(count))


def listed(what, count):
    return ", ".join([what] * count)


ALIASES = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{one}: &{one} [{listed('*' + other, 10)}]\n"
    for other, one in zip("abcdef", "bcdefg", strict=True)
)
LARGEST = {
    "cases": many(f"{GOOD}, input: [1, 9, 9, 1], strides: 1", 5_000),
    "bad cases": many("op: conv3d, input: [1, a], strides: no", 9_000),
    "sweeps": many(
        (
            f"{GOOD}, sweep: {{input: "
            f"[{', '.join(f'[1, {n // 25 + 1}, {n % 25 + 1}, 1]' for n in range(500))}], "
            f"strides: [1]}}"
        ),
        14,
    ),
    "small sweeps": many(
        f"{GOOD}, input: [1, 9, 9, 1], sweep: {{strides: [{STRIDES}], rate: [1, 2, 3, 4, 5]}}", 900
    ),
    "combinations": many(
        f"{GOOD}, input: [1, 9, 9, 1], sweep: {{strides: [{STRIDES}], rate: [{STRIDES}]}}", 400
    ),
    "values": many(
        (
            f"{GOOD}, input: {{shape: [1, 300, 330, 1], values: "
            f"[{listed('1.5', 99_000)}]}}, strides: 1"
        ),
        1,
    ),
    "nested values": many(
        f"{GOOD}, input: {{values: {'[' * 20}{listed('1', 50_000)}{']' * 20}}}, strides: 1", 1
    ),
    "unknown keys": many(", ".join(f"k{number}: 1" for number in range(49_000)), 1),
    "wrong items": many(
        f"{GOOD}, input: [1, 9, 9, 1], sweep: {{strides: [{listed('no', 90_000)}]}}", 1
    ),
    "deviations": many(
        (
            f"{ATROUS}, sweep: {{strides: [{STRIDES}], rate: [2, 3, 4, 5, 6]}}, "
            f"deviations: [{listed(f'{{{DEVIATION}}}', 99)}]"
        ),
        9,
    ),
    "conditions": many(
        (
            f"{ATROUS}, sweep: {{strides: [{STRIDES}], rate: [2, 3, 4, 5, 6]}}, "
            f"deviations: [{{{DEVIATION}, where: {{strides: [{STRIDES}]}}}}]"
        ),
        99,
    ),
    "scope": many(
        (
            "op: conv2d, scope: {sizes: 64, filters: 16, strides: 16, rates: 16, "
            "paddings: [SAME], results: some, sample: 9999}"
        ),
        9,
    ),
    "a large scope": many(
        (
            "op: conv2d, scope: {sizes: 64, filters: 16, strides: 16, rates: 16, "
            "paddings: [SAME, VALID], results: some, sample: 9}"
        ),
        1,
    ),
    "text": many(f"{GOOD}, input: [1, 9, 9, 1], strides: 1, notes: '{'long ' * 200_000}'", 4),
    "depth": "cases: " + "[" * 5_000 + "]" * 5_000,
    "aliases": ALIASES + many(f"{GOOD}, input: *g, strides: 1", 1),
    "bytes": "# "
    + "x" * (4 * 2**20 - 100)
    + "\n"
    + many(f"{GOOD}, input: [1, 9, 9, 1], strides: 1", 1),
    "too many bytes": "#" * 5 * 2**20,
}
