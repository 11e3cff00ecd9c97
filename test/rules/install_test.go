package rules

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// needed is how tests name the Debian package of a program that they run.
var needed = regexp.MustCompile(`(?:requireProgram\(t, [^,]+, "([a-z0-9.+-]+)"\)|Debian: ([a-z0-9.+-]+)\))`)

// TestInstallListsWhatTestsNeed: a package that a test asks for by name is in
// the one list of packages, so that a fresh machine has it.
func TestInstallListsWhatTestsNeed(t *testing.T) {
	root := filepath.Join("..", "..")
	script, err := os.ReadFile(filepath.Join(root, "tools", "install"))
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(script), "packages_for() {")
	list, _, found := strings.Cut(list, "\n}")
	if !found {
		t.Fatal("tools/install has no packages_for")
	}
	listed := strings.Fields(list)
	asked := 0
	err = filepath.WalkDir(filepath.Join(root, "test"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range needed.FindAllStringSubmatch(string(source), -1) {
			asked++
			if name := m[1] + m[2]; !slices.Contains(listed, name) {
				t.Errorf("%s needs the Debian package %s, which tools/install does not list", path, name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if asked == 0 {
		t.Error("no test names a package: did the way of asking change?")
	}
}
