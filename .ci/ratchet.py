"""ratchet.py LIMITS OUTPUT: the "not supported" count of each corpus in the conformance output may only shrink.

LIMITS has a line `NAME/SPLIT N` for each corpus; a corpus that it does not name has no limit, a smaller count asks to be
written down. A corpus that LIMITS names and the output lacks fails: nothing passes by not running.
"""
import re
import sys

LINE = re.compile(r"^corpus (\S+): (\d+) cases, (\d+) agree, (\d+) excepted, (\d+) not supported, (\d+) disagree", re.M)


def main(limits_path, output_path):
    with open(limits_path) as f:
        limits = {n: int(c) for n, c in (line.split() for line in f if line.strip() and not line.startswith("#"))}
    with open(output_path, errors="replace") as f:
        seen = {m[1]: (int(m[2]), int(m[5]), int(m[6])) for m in LINE.finditer(f.read())}
    bad = 0
    for name in sorted(limits.keys() | seen.keys()):
        if name not in seen:
            print(f"ratchet {name}: FAILED did not run")
            bad += 1
            continue
        cases, unsupported, disagree = seen[name]
        limit = limits.get(name)
        if disagree or (limit is not None and unsupported > limit):
            bad += 1
            print(f"ratchet {name}: FAILED {unsupported} not supported, limit {limit}; {disagree} disagree")
        elif limit is not None and unsupported < limit:
            print(f"ratchet {name}: ok, and {unsupported} is now less than {limit}: write it into {limits_path}")
        else:
            print(f"ratchet {name}: ok, {unsupported} of {cases} not supported")
    if not seen:
        print("ratchet: FAILED no corpus ran")
    return 1 if bad or not seen else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
