"""Prints a ticket for a subject, good for an hour: three images of at most 20 MB each into the destination "photos".

    PARTWAY_TICKET_SECRET=… python3 ticket.py ada

Needs Python alone. With PyJWT, `ticket` is one call: jwt.encode(claims, secret, algorithm="HS256").
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
import uuid


def encode(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def ticket(secret: str, subject: str, limits: dict, lifetime: int = 3600) -> str:
    header = {"alg": "HS256", "typ": "JWT"}
    claims = {
        "sub": subject,
        "aud": "partway",
        "exp": int(time.time()) + lifetime,
        "jti": str(uuid.uuid4()),
        "partway": limits,
    }
    signed = b".".join(encode(json.dumps(part).encode()) for part in (header, claims))
    signature = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return (signed + b"." + encode(signature)).decode()


if __name__ == "__main__":
    secret = os.environ.get("PARTWAY_TICKET_SECRET")
    if not secret or len(sys.argv) != 2:
        sys.exit("usage: PARTWAY_TICKET_SECRET=… python3 ticket.py SUBJECT")
    limits = {
        "destinations": ["photos"],
        "key_prefix": "albums/7/",
        "max_file_size": 20_000_000,
        "types": ["image/*"],
        "max_files": 3,
    }
    print(ticket(secret, sys.argv[1], limits))
