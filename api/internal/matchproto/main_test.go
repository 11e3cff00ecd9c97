package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMatchProtoIsCurrent fails when the table of match fields and the API have
// drifted apart.
func TestMatchProtoIsCurrent(t *testing.T) {
	have, err := os.ReadFile("../../../proto/sluice/v1/match.proto")
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	write(&want)
	if d := cmp.Diff(want.String(), string(have)); d != "" {
		t.Errorf("match.proto is not what the table says; run make generate (-want +got):\n%s", d)
	}
}
