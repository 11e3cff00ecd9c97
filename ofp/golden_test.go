package ofp_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/samples"
)

// The golden files in testdata/golden have one line for each row of the tables
// and each version that has the row: the row's name, the version, where the bytes
// come from, the bytes of a message that the row is part of, and what the message
// holds. TestGolden sees to it that no row is without a line, and
// TestBrokenRowsAreFound that a line fails when its row is broken.
//
// Sources are "ovs" for what Open vSwitch or ovs-ofctl sent or has in its tests,
// "os-ken" and "loxigen" for what is in theirs, and "own".

var update = flag.Bool("update", false, "add the lines that are missing from testdata/golden, and write all anew")

// goldenLine is one line of a golden file.
type goldenLine struct {
	row     samples.RowKey
	version ofp.Version
	source  string
	frame   []byte
	holds   string // samples.Dump of the message
}

func (l *goldenLine) String() string {
	return fmt.Sprintf("%s\t%s\t%s\t%x\t%s\n", l.row.Name, l.version, l.source, l.frame, l.holds)
}

func goldenFile(table string) string {
	return filepath.Join("testdata/golden", strings.ReplaceAll(table, " ", "-")+".txt")
}

func goldenLines(t testing.TB) (lines []goldenLine) {
	t.Helper()
	for _, table := range tables() {
		data, err := os.ReadFile(goldenFile(table))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for text := range strings.Lines(string(data)) {
			col := strings.Split(strings.TrimSuffix(text, "\n"), "\t")
			if len(col) != 5 {
				t.Fatalf("%s: %d columns, want 5: %s", goldenFile(table), len(col), text)
			}
			v, err := ofp.ParseVersion(col[1])
			if err != nil {
				t.Fatal(err)
			}
			frame, err := hex.DecodeString(col[3])
			if err != nil {
				t.Fatalf("%s: %v: %s", goldenFile(table), err, text)
			}
			lines = append(lines, goldenLine{samples.RowKey{Table: table, Name: col[0]}, v, col[2], frame, col[4]})
		}
	}
	return lines
}

// tables are the tables of ofp.Rows, each once.
func tables() (names []string) {
	for _, r := range ofp.Rows() {
		if !slices.Contains(names, r.Table) {
			names = append(names, r.Table)
		}
	}
	return names
}

// check returns what is wrong with the line, or nil.
func (l *goldenLine) check() error {
	h, m, err := ofp.Decode(l.frame)
	if err != nil {
		return err
	}
	if h.Version != l.version {
		return fmt.Errorf("the message is of OpenFlow %s", h.Version)
	}
	if got := samples.Dump(m); got != l.holds {
		return fmt.Errorf("it holds\n got %s\nwant %s", got, l.holds)
	}
	if !samples.Rows(h.Version, m)[l.row] {
		return fmt.Errorf("it has nothing of this row: %s", l.holds)
	}
	again, err := ofp.Append(nil, h.Version, h.XID, m)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, l.frame) {
		return fmt.Errorf("encoded again\n got %x\nwant %x", again, l.frame)
	}
	return nil
}

func rowsByKey() map[samples.RowKey]*ofp.Row {
	wire := map[samples.RowKey]*ofp.Row{}
	for _, r := range ofp.Rows() {
		wire[samples.RowKey{Table: r.Table, Name: r.Name}] = &r
	}
	return wire
}

// says reports whether the bytes have the header that a field's row says, whatever
// its mask bit and length, and are an NXFlowMod if the row says so.
func says(row samples.RowKey, number string, frame []byte) bool {
	if row.Table != "field" || number == "" {
		return true
	}
	header, nx := strings.CutPrefix(number, "NX ")
	isNX := frame[1] == 4 && bytes.Equal(frame[8:16], []byte{0, 0, 0x23, 0x20, 0, 0, 0, 13})
	if isNX != nx && frame[0] <= byte(ofp.V11) {
		return false
	}
	if number == "match" {
		return true
	}
	h, err := strconv.ParseUint(header[2:10], 16, 32)
	for at := 8; err == nil && at+4 <= len(frame); at++ {
		if binary.BigEndian.Uint32(frame[at:])>>9 == uint32(h)>>9 {
			return true
		}
	}
	return false
}

func TestGolden(t *testing.T) {
	if *update {
		updateGolden(t)
	}
	wire := rowsByKey()
	defer func() {
		if t.Failed() {
			t.Log("if the change is meant: go test ./ofp -run 'TestGolden$' -update; make generate; and look at the difference")
		}
	}()
	type cell struct {
		row     samples.RowKey
		version ofp.Version
	}
	proven := map[cell]bool{}
	for _, l := range goldenLines(t) {
		proven[cell{l.row, l.version}] = true
		row, ok := wire[l.row]
		if !ok || row.In(l.version) == "" {
			t.Errorf("%s: the tables have no %q in OpenFlow %s", goldenFile(l.row.Table), l.row.Name, l.version)
		}
		if !says(l.row, row.In(l.version), l.frame) {
			t.Errorf("%s: %s of OpenFlow %s: no %s in the bytes\n%x", goldenFile(l.row.Table), l.row.Name, l.version, row.In(l.version), l.frame)
		}
		if err := l.check(); err != nil {
			t.Errorf("%s: %s of OpenFlow %s: %v\n%x", goldenFile(l.row.Table), l.row.Name, l.version, err, l.frame)
		}
	}
	for key, row := range wire {
		for _, v := range ofp.Versions() {
			if row.In(v) != "" && !proven[cell{key, v}] {
				t.Errorf("%s: no line for %s of OpenFlow %s", goldenFile(key.Table), key.Name, v)
			}
		}
	}
}

// updateGolden keeps the lines that are right and adds those that are missing,
// from what others built where that has the row.
func updateGolden(t *testing.T) {
	have, wire := map[string][]goldenLine{}, rowsByKey()
	key := func(row samples.RowKey, v ofp.Version) string { return row.Table + "\t" + row.Name + "\t" + v.String() }
	for _, l := range goldenLines(t) {
		if l.check() == nil && wire[l.row] != nil && says(l.row, wire[l.row].In(l.version), l.frame) {
			have[key(l.row, l.version)] = append(have[key(l.row, l.version)], l)
		}
	}
	candidates := map[string][]goldenLine{}
	consider := func(source string, frame []byte) {
		h, m, err := ofp.Decode(frame)
		if err != nil || len(frame) > 4096 {
			return
		}
		for row := range samples.Rows(h.Version, m) {
			if wire[row] == nil || !says(row, wire[row].In(h.Version), frame) {
				continue
			}
			l := goldenLine{row, h.Version, source, frame, samples.Dump(m)}
			if l.check() == nil {
				candidates[key(row, h.Version)] = append(candidates[key(row, h.Version)], l)
			}
		}
	}
	for _, f := range foreignFrames(t) {
		consider(f.source, f.frame)
	}
	for source, frames := range ofp.ForeignFrames(t) {
		for _, frame := range frames {
			consider(source, frame)
		}
	}
	for _, frame := range ownFrames() {
		consider("own", frame)
	}
	for _, table := range tables() {
		var out strings.Builder
		for _, r := range ofp.Rows() {
			if r.Table != table {
				continue
			}
			for _, v := range ofp.Versions() {
				k := key(samples.RowKey{Table: table, Name: r.Name}, v)
				if r.In(v) == "" {
					continue
				}
				lines := best(have[k], candidates[k])
				if len(lines) == 0 {
					t.Errorf("nothing found for %s of OpenFlow %s: let package test/samples draw it, or write a line of %s by hand", r.Name, v, goldenFile(table))
				}
				for _, l := range lines {
					out.WriteString(l.String())
				}
			}
		}
		if err := os.WriteFile(goldenFile(table), []byte(out.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// sources are where golden bytes come from, the best first.
var sources = []string{"ovs", "os-ken", "loxigen", "own"}

// best chooses a row's lines: what is there already, else the message of others
// that says the most about a message, and the least about anything else; with it,
// for messages, one of our own in which few fields are zero.
func best(have, candidates []goldenLine) []goldenLine {
	if len(candidates) == 0 {
		return have
	}
	whole := candidates[0].row.Table == "message" || candidates[0].row.Table == "multipart"
	rank := func(l goldenLine) int {
		said := len(l.holds)
		if len(l.frame) > 600 {
			said = -len(l.frame)
		}
		if whole {
			return -said
		}
		return len(l.frame)
	}
	slices.SortStableFunc(candidates, func(a, b goldenLine) int {
		return rank(a) - rank(b)
	})
	for _, source := range sources {
		is := func(l goldenLine) bool { return l.source == source }
		if slices.ContainsFunc(have, is) || len(have) > 0 && source == "own" && !whole {
			continue
		}
		if len(have) > 0 && source != "own" && !whole && have[0].source != "own" {
			continue
		}
		if i := slices.IndexFunc(candidates, is); i >= 0 {
			if len(have) == 1 && have[0].source == "own" && !whole {
				have = nil
			}
			have = append(have, candidates[i])
		}
	}
	slices.SortStableFunc(have, func(a, b goldenLine) int {
		return slices.Index(sources, a.source) - slices.Index(sources, b.source)
	})
	return have
}

// foreignFrame is a message that another implementation built.
type foreignFrame struct {
	source string
	frame  []byte
}

// foreignFrames returns the recorded corpus, and what testdata/foreign has: files
// named by their source, with one message in hexadecimal on a line.
func foreignFrames(t testing.TB) (frames []foreignFrame) {
	t.Helper()
	for _, frame := range ofp.CorpusFrames(t) {
		frames = append(frames, foreignFrame{"ovs", frame})
	}
	names, err := filepath.Glob("testdata/foreign/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			if strings.HasPrefix(line, "#") {
				continue
			}
			frame, err := hex.DecodeString(strings.TrimSpace(line))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			source, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(name), ".txt"), "-")
			frames = append(frames, foreignFrame{source, frame})
		}
	}
	return frames
}

// ownFrames draws messages of every kind, and one for each error and field.
func ownFrames() (frames [][]byte) {
	for _, v := range ofp.Versions() {
		for _, k := range samples.Kinds(v) {
			n := 40
			switch k.Type {
			case ofp.TypeFlowMod, ofp.TypePacketOut:
				n = 400
			}
			for i := range n {
				frames = append(frames, samples.Frame(samples.FromSeed(uint64(i)), v, k))
			}
		}
		for r := ofp.ErrorReason(1); r.TypeName() != "unknown"; r++ {
			if b, err := ofp.Append(nil, v, 1, ofp.NewError(r, []byte{1, 2, 3})); err == nil {
				frames = append(frames, b)
			}
		}
		for i := range ofp.NewExtensions() {
			for seed := range uint64(8) {
				frames = append(frames, samples.Extension(samples.FromSeed(seed), v, ofp.NewExtensions()[i]))
			}
		}
		for _, f := range ofp.Fields() {
			m := ofp.NewFlowMod(ofp.FlowAdd)
			m.Match = samples.Match(samples.FromSeed(uint64(f.ID)), f)
			if b, err := ofp.Append(nil, v, 1, m); err == nil {
				frames = append(frames, b)
			} else if b, err := (&ofp.Encoder{Extensions: true}).Append(nil, v, 1, m); err == nil {
				frames = append(frames, b)
			}
		}
		if b, err := ofp.Append(nil, v, 1, ofp.NewHello(ofp.Versions()...)); err == nil {
			frames = append(frames, b)
		}
	}
	return frames
}

// fails reports whether the check finds anything wrong; with a row broken, it may
// also panic.
func (l *goldenLine) fails() (found bool) {
	defer func() { found = recover() != nil || found }()
	return l.check() != nil
}

// TestBrokenRowsAreFound breaks the rows of the tables one at a time, in each way
// that Breaks knows, and wants the golden lines of the row to tell, or, of fields,
// the table of the specifications.
func TestBrokenRowsAreFound(t *testing.T) {
	lines := map[samples.RowKey][]goldenLine{}
	for _, l := range goldenLines(t) {
		lines[l.row] = append(lines[l.row], l)
	}
	broken := map[string]int{}
	for _, b := range ofp.Breaks() {
		mine := slices.DeleteFunc(slices.Clone(lines[samples.RowKey{Table: b.Table, Name: b.Name}]), func(l goldenLine) bool {
			return b.Version != 0 && l.version != b.Version
		})
		if len(mine) == 0 {
			continue // TestGolden tells
		}
		undo := b.Break()
		found := false
		for _, l := range mine {
			found = found || l.fails()
		}
		if b.Table == "field" {
			found = found || !ofp.FrozenField(t, b.Name)
		}
		undo()
		if !found {
			t.Errorf("%s %s of OpenFlow %s: nothing fails where %s", b.Table, b.Name, b.Version, b.How)
		}
		broken[b.Table]++
	}
	for table := range maps.Keys(broken) {
		if !slices.Contains(tables(), table) {
			t.Errorf("there is no table %q", table)
		}
	}
	t.Logf("broken: %v", broken)
}
