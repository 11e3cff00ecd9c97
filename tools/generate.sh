#!/bin/sh
# Makes the generated files anew: match.proto from the table of match fields,
# docs/openflow.md from all tables, and the Go code from the .proto files. The tools are those that tools/go.mod pins;
# once they are in the module cache no network is needed.
set -eu
cd "$(dirname "$0")/.."

go run ./api/internal/matchproto >proto/sluice/v1/match.proto.new
mv proto/sluice/v1/match.proto.new proto/sluice/v1/match.proto

go run ./ofp/internal/coverage ofp/testdata/golden >docs/openflow.md.new
mv docs/openflow.md.new docs/openflow.md

tool="go tool -modfile=tools/go.mod"
$tool buf lint
$tool buf generate
