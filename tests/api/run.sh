#!/bin/sh
# Sends what schemathesis makes of /openapi.json to a server with a store of its own, with tickets, destinations and
# limits: no answer may be a 500, or other than described. Usage: run.sh <schemathesis>; runs for some ninety seconds.
set -eu
project=$(cd "$(dirname "$0")/../.." && pwd)
schemathesis=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
binary=${PARTWAY_BIN:-$project/target/debug/partway}
# The server takes variables of this name for settings.
unset PARTWAY_BIN
folder=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi; rm -rf "$folder"' EXIT

cd "$folder"
secret="the application and the server share this secret"
cat > partway.toml <<TOML
[uploads]
single_put_max = "64 B"
[identity]
kind = "jwt"
jwt.secret = "$secret"
[destinations.default]
[destinations.photos]
key = "{subject}/{path}"
max_file_size = "1 MB"
types = ["image/*"]
extensions = ["png", "jpg"]
sniff = true
metadata = { app = "gallery" }
tags = { kind = "raw" }
[limits]
open_uploads = 100000
bytes_per_day = "1000 TiB"
TOML
"$binary" serve --listen 127.0.0.1:0 --store-listen 127.0.0.1:0 --data data --ready-file ready.json 2>log.txt &
server=$!
tries=0
until [ -e ready.json ]; do
  tries=$((tries + 1))
  if [ $tries -gt 300 ] || ! kill -0 "$server" 2>/dev/null; then
    echo "The server does not start:" >&2
    cat log.txt >&2
    exit 1
  fi
  sleep 0.1
done
url=$(sed 's/.*"url":"\([^"]*\)".*/\1/' ready.json)

# A ticket, and with it the tokens of two uploads, in one part and in several, so that the routes below them are reached too.
cat > tokens.py <<'PYTHON'
import json, os, sys, urllib.request
sys.path.insert(0, os.path.join(sys.argv[1], "server/http/examples/tickets"))
from ticket import ticket
bearer = ticket(sys.argv[3], "ada", {})
files = [{"name": "note.txt", "size": 5}, {"name": "film.mp4", "size": 100}]
headers = {"content-type": "application/json", "authorization": "Bearer " + bearer}
request = urllib.request.Request(sys.argv[2] + "/v1/uploads", json.dumps({"files": files}).encode(), headers)
print(bearer, *(upload["accepted"]["token"] for upload in json.load(urllib.request.urlopen(request))["uploads"]))
PYTHON
tokens=$(PYTHONDONTWRITEBYTECODE=1 python3 tokens.py "$project" "$url" "$secret")
# shellcheck disable=SC2086
set -- $tokens
# Nobody thinks of a token that is good, so some of those that are made are replaced by one.
cat > hooks.py <<'PYTHON'
import os, zlib
import schemathesis

TOKENS = os.environ["UPLOAD_TOKENS"].split()

def pick(made):
    return TOKENS[zlib.crc32(made.encode("utf-8", "replace")) % len(TOKENS)]

@schemathesis.hook
def map_body(context, body):
    if isinstance(body, dict):
        for upload in [body, *(body["uploads"] if isinstance(body.get("uploads"), list) else [])]:
            if isinstance(upload, dict) and isinstance(upload.get("token"), str):
                upload["token"] = pick(upload["token"])
        # Most names that are made up are empty, and most destinations and types are unknown: so that some files get one that will
        # do. What a body breaks of its description, it goes on breaking.
        for file in body["files"] if isinstance(body.get("files"), list) else []:
            if isinstance(file, dict) and zlib.crc32(repr(file).encode("utf-8", "replace")) % 4:
                if file.get("name") == "":
                    file["name"] = "note.txt"
                for optional in "destination", "type":
                    if isinstance(file.get(optional), str):
                        del file[optional]
    return body
PYTHON
export UPLOAD_TOKENS="$2 $3 none a.b"
export SCHEMATHESIS_HOOKS=hooks
PYTHONPATH=. PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE

status=0
"$schemathesis" run "$url/openapi.json" --header "Authorization: Bearer $1" \
  --max-time 90 --max-examples 150 --workers 2 --seed 1 --continue-on-failure --suppress-health-check all --warnings off \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,negative_data_rejection,unsupported_method,allow_header_conformance \
  || status=$?
if ! kill -0 "$server" 2>/dev/null; then
  echo "The server has ended." >&2
  status=1
fi
if grep -E 'panicked|ERROR partway' log.txt >&2; then status=1; fi
# Else all may have been refused alike, for want of a good ticket or of a good token.
created=$(grep -c "upload created" log.txt || true)
echo "$created uploads were created."
if [ "$created" -lt 10 ]; then
  echo "That is too few: most requests are refused for one reason." >&2
  status=1
fi
exit $status
