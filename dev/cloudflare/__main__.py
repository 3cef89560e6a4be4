"""`python -m dev.cloudflare`: run the stand-in alone, to try a deployment by hand."""

import argparse
import contextlib

from dev.cloudflare.api import STEPS
from dev.cloudflare.server import StandIn, serve


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m dev.cloudflare", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--fail", action="append", default=[], metavar="STEP", help="; ".join(STEPS))
    options = parser.parse_args()
    with StandIn(port=options.port) as stand_in, contextlib.suppress(KeyboardInterrupt):
        for step in options.fail:
            stand_in.fail(step, times=100)
        for name, value in stand_in.environment.items():
            print(f"export {name}={value}", flush=True)
        serve(stand_in)


if __name__ == "__main__":
    main()
