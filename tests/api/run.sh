#!/bin/sh
# Sends what schemathesis makes of /openapi.json to a server with a store of its own: no answer may be a 500, or other
# than described. Usage: run.sh <schemathesis>; runs for some ninety seconds at most.
set -eu
schemathesis=$1
project=$(cd "$(dirname "$0")/../.." && pwd)
binary=${PARTWAY_BIN:-$project/target/debug/partway}
# The server takes variables of this name for settings.
unset PARTWAY_BIN
folder=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi; rm -rf "$folder"' EXIT

cd "$folder"
PARTWAY_UPLOADS__SINGLE_PUT_MAX='64 B' "$binary" serve --listen 127.0.0.1:0 --store-listen 127.0.0.1:0 --data data \
  --ready-file ready.json 2>log.txt &
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

# A token of an upload, so that the routes below it are reached as well.
token=$(python3 - "$url" <<'PYTHON'
import json, sys, urllib.request
body = json.dumps({"files": [{"name": "film.mp4", "size": 100}]}).encode()
request = urllib.request.Request(sys.argv[1] + "/v1/uploads", body, {"content-type": "application/json"})
print(json.load(urllib.request.urlopen(request))["uploads"][0]["token"])
PYTHON
)
cat > schemathesis.toml <<TOML
[[operations]]
include-path-regex = "token"
parameters = { token = ["$token", "none", "a.b"] }
TOML

status=0
"$schemathesis" run "$url/openapi.json" --max-time 90 --max-examples 150 --workers 2 --seed 1 --continue-on-failure \
  --suppress-health-check all --warnings off \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,negative_data_rejection,unsupported_method,allow_header_conformance \
  || status=$?
if ! kill -0 "$server" 2>/dev/null; then
  echo "The server has ended." >&2
  status=1
fi
if grep -E 'panicked|ERROR partway' log.txt >&2; then status=1; fi
exit $status
