// Package rules holds the tests of the house: which package may import which,
// how packages are named, and how long a file may be. docs/design.md says why.
package rules

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sluice-sdn/sluice"

// goPackage is what `go list -json` tells about a package of this module.
type goPackage struct {
	ImportPath string
	Dir        string
	Name       string
	Doc        string
	Imports    []string
	GoFiles    []string
}

// room returns the package's path in the module, "" for the root.
func (p goPackage) room() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Name,Doc,Imports,GoFiles", module+"/...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var ps []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		ps = append(ps, p)
	}
	if len(ps) < 5 {
		t.Fatalf("go list found %d packages", len(ps))
	}
	return ps
}

// rule says what a room may import of this module: the first rule whose room
// holds the package counts. A room ending in /... holds all below it as well.
type rule struct {
	room    string
	imports []string
	stdOnly bool // nothing from outside the standard library but imports
}

// arrows is the plan of the house, most special room first.
var arrows = []rule{
	{room: "ofp", stdOnly: true},
	{room: "ofp/...", imports: []string{"ofp/..."}, stdOnly: true},
	{room: "controller/record", imports: []string{"controller/channel", "ofp"}},
	{room: "controller/channel", imports: []string{"ofp"}},
	{room: "controller/plan", imports: []string{"ofp"}},
	{room: "controller/store", imports: []string{"ofp"}},
	{room: "controller/desired", imports: []string{"ofp", "controller/channel", "controller/plan", "controller/store"}},
	{room: "controller/topology", imports: []string{"ofp"}},
	{room: "controller", imports: []string{"ofp/...", "controller/..."}},
	{room: "proto/...", imports: []string{"proto/..."}},
	{room: "api/...", imports: []string{"api/...", "controller", "ofp/...", "proto/..."}},
	{room: "apps/...", imports: []string{"controller", "ofp/..."}},
	{room: "cmd/sluiced", imports: []string{"api/...", "apps/...", "controller/...", "ofp/..."}},
	{room: "cmd/sluice", imports: []string{"ofp/...", "proto/..."}},
	{room: "cmd/ofbench", imports: []string{"ofp/...", "test/faultproxy"}},
	{room: "cmd/ofsim", imports: []string{"ofp/...", "test/simswitch"}},
	{room: "demo", imports: []string{"test/ovs"}},
	{room: "test/faultproxy", stdOnly: true},
	{room: "test/...", imports: []string{"..."}},
}

// within reports whether a room is the pattern, or below a pattern that ends in
// /... .
func within(room, pattern string) bool {
	if pattern == "..." {
		return true
	}
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return room == base || strings.HasPrefix(room, base+"/")
	}
	return room == pattern
}

func TestArrows(t *testing.T) {
	for _, p := range packages(t) {
		i := slices.IndexFunc(arrows, func(r rule) bool { return within(p.room(), r.room) })
		if i < 0 {
			t.Errorf("%s is in no room of the plan (docs/design.md)", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			if why := arrows[i].forbids(p.room(), imp); why != "" {
				t.Errorf("%s imports %s: %s", p.room(), imp, why)
			}
		}
	}
}

// forbids returns why a package in room may not import imp, or "".
func (r rule) forbids(room, imp string) string {
	inner, ours := strings.CutPrefix(imp, module+"/")
	switch {
	case !ours && imp == "github.com/netrack/openflow" || strings.HasPrefix(imp, "github.com/netrack/"):
		if within(room, "test/interop") || within(room, "apps/netrack") {
			return ""
		}
		return "netrack is a peer to test against and the base of apps/netrack, not our codec"
	case !ours:
		first, _, _ := strings.Cut(imp, "/")
		if r.stdOnly && strings.Contains(first, ".") {
			return "this room uses the standard library only"
		}
		return ""
	case slices.ContainsFunc(r.imports, func(p string) bool { return within(inner, p) }):
		return ""
	}
	return "the plan of the house has no such arrow"
}

func TestArrowsForbid(t *testing.T) {
	for _, row := range []struct {
		room, imp string
		ok        bool
	}{
		{"ofp", "fmt", true},
		{"ofp", "github.com/sirupsen/logrus", false},
		{"ofp", module + "/controller", false},
		{"controller", module + "/api", false},
		{"controller", module + "/apps/l2switch", false},
		{"controller", module + "/controller/channel", true},
		{"controller/plan", module + "/controller/channel", false},
		{"apps/l2switch", module + "/apps/router", false},
		{"apps/l2switch", module + "/controller/channel", false},
		{"apps/l2switch", module + "/controller", true},
		{"cmd/sluice", module + "/controller", false},
		{"cmd/sluiced", module + "/test/simswitch", false},
		{"api", "github.com/netrack/openflow", false},
		{"test/interop", "github.com/netrack/openflow/ofp", true},
	} {
		i := slices.IndexFunc(arrows, func(r rule) bool { return within(row.room, r.room) })
		if got := arrows[i].forbids(row.room, row.imp) == ""; got != row.ok {
			t.Errorf("%s may import %s: %v, want %v", row.room, row.imp, got, row.ok)
		}
	}
}

func TestPackagesAreNamedForWhatTheyProvide(t *testing.T) {
	for _, p := range packages(t) {
		if slices.Contains([]string{"util", "utils", "common", "base", "helpers", "misc"}, p.Name) {
			t.Errorf("%s: a package is named for what it provides", p.ImportPath)
		}
		if p.Doc == "" && len(p.GoFiles) > 0 && !within(p.room(), "proto/...") {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// maxLines is how long a file may be before it is asked whether it is two ideas.
const maxLines = 500

// longFiles are those that may be longer, with the reason.
var longFiles = map[string]string{}

func TestFilesHoldOneIdea(t *testing.T) {
	for _, p := range packages(t) {
		if within(p.room(), "proto/...") {
			continue // generated
		}
		files, err := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Join(p.room(), filepath.Base(f))
			n := strings.Count(string(data), "\n")
			if _, ok := longFiles[name]; n > maxLines && !ok {
				t.Errorf("%s has %d lines: is it two ideas? (at most %d, or a reason in longFiles)", name, n, maxLines)
			}
		}
	}
}
