"""``python -m bench``: every benchmark in turn, each in a process of its own, so that none inherits another's heap."""

import subprocess
import sys

BENCHMARKS = ("index", "fanout", "writes", "blocks", "context", "year")


def main(arguments: list[str]) -> int:
    """Runs all, or those named; the first failure ends it."""
    for name in arguments or BENCHMARKS:
        print(f"\n== bench.{name}", flush=True)
        status = subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
