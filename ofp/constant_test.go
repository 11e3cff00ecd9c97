package ofp

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestConstantsAreThoseOfTheSpecifications compares every flag, reason, command
// and reserved number with testdata/constants.txt, in every version.
func TestConstantsAreThoseOfTheSpecifications(t *testing.T) {
	data, err := os.ReadFile("testdata/constants.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := map[[2]string][4]string{}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		w := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(w) != 7 {
			t.Fatalf("%d columns, want 7: %s", len(w), line)
		}
		var numbers [4]string
		for i, n := range w[2:6] {
			numbers[i] = strings.TrimPrefix(n, "-")
		}
		want[[2]string(w[:2])] = numbers
	}
	for _, r := range Constants() {
		key := [2]string{r.Table, r.Name}
		if numbers, ok := want[key]; !ok || r.Wire != numbers {
			t.Errorf("%s %s is %q, want %q", r.Table, r.Name, r.Wire, numbers)
		}
		delete(want, key)
	}
	for key := range want {
		t.Errorf("no row for the %s %s", key[0], key[1])
	}
}

// TestRowsOfFieldsAreThoseOfTheSpecifications compares width, mask, first version
// and prerequisites of each field with testdata/fields.txt.
func TestRowsOfFieldsAreThoseOfTheSpecifications(t *testing.T) {
	var got []string
	for id := FieldUnknown + 1; id < numFields; id++ {
		got = append(got, id.Info().frozen())
	}
	data, err := os.ReadFile("testdata/fields.txt")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for line := range strings.Lines(string(data)) {
		if !strings.HasPrefix(line, "#") {
			want = append(want, strings.TrimSuffix(line, "\n"))
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("a field is not as the specifications have it: %s", g)
		}
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("no field is as the specifications have it: %s", w)
		}
	}
}
