"""The gateway's command line.

python -m gateway                    serve at REDRESS_GATEWAY_ADDRESS
python -m gateway keys issue ...     a new API key, shown once; also list, rotate, revoke
python -m gateway openapi FILE       write the OpenAPI document
"""

from __future__ import annotations

from gateway.cli import app

if __name__ == "__main__":
    app(prog_name="python -m gateway")
