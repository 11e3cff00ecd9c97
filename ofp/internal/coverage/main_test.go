package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
)

const folder = "../../testdata/golden"

func TestEveryRowIsProven(t *testing.T) {
	golden, err := readGolden(folder)
	if err != nil {
		t.Fatal(err)
	}
	missing := 0
	for _, r := range ofp.Rows() {
		for _, v := range ofp.Versions() {
			if r.In(v) != "" && len(golden[cell{r.Table, r.Name, v.String()}]) == 0 {
				t.Errorf("no golden line for the %s %s in OpenFlow %s", r.Table, r.Name, v)
				missing++
			}
		}
	}
	if missing > 0 {
		t.Logf("run `go test ./ofp -run 'TestGolden$' -update`, look at what it adds to ofp/testdata/golden, then `make generate`")
	}
}

func TestPageIsUpToDate(t *testing.T) {
	golden, err := readGolden(folder)
	if err != nil {
		t.Fatal(err)
	}
	frozen, err := readConstants(folder + "/../constants.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range ofp.Constants() {
		if frozen[r.Table+"\t"+r.Name] == 0 {
			t.Errorf("ofp/testdata/constants.txt has no line for the %s %s", r.Table, r.Name)
		}
	}
	var want bytes.Buffer
	if err := write(&want, golden, frozen); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../../docs/openflow.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("docs/openflow.md is not what the tables say: run `make generate`")
	}
}
