"""A Hub on loopback for the tests: the HTTP protocol that huggingface_hub 2.4 speaks, and it can misbehave on order.

`with HubServer() as hub:` serves at `hub.endpoint`; only the real client talks to it. `python tests/hub_server.py 8123`
serves until it is stopped, for a client in another environment. Tokens: `hf_alice` (may write to alice and to the
organization faces), `hf_alice_read`, `hf_bob`.
"""

import sys

import hub_api  # noqa: F401  registers its routes
import hub_transfer  # noqa: F401
from hub_http import Fault, HubServer

__all__ = ["Fault", "HubServer"]


def main() -> None:
    server = HubServer(int(sys.argv[1]) if len(sys.argv) > 1 else 8123)
    print(f"HF_ENDPOINT={server.endpoint}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
