"""A Hub on loopback for the tests: the HTTP protocol that huggingface_hub 2.4 speaks, and it can misbehave on order.

`with HubServer() as hub:` serves at `hub.endpoint`; only the real client talks to it. `python tests/hub_server.py`
serves until it is stopped, for a client in another environment. Tokens: `hf_alice` (may write to alice and to the
organization faces), `hf_alice_read`.
"""

import hub_api  # noqa: F401  registers its routes
import hub_transfer  # noqa: F401
from hub_http import Fault, HubServer

from fer_models.commands import CommandParser, at_least, command

__all__ = ["Fault", "HubServer"]


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(description=__doc__)
    parser.add_argument("--port", type=at_least(0), default=8123, help="of 127.0.0.1; 0 for one that is free")
    server = HubServer(parser.parse_args(argv).port)
    print(f"HF_ENDPOINT={server.endpoint}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
