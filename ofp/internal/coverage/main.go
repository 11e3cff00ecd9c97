// Command coverage prints docs/openflow.md: every row of the tables of package
// ofp, the number that each version has for it, and the golden line that proves
// it. Run it by `make generate`.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-sdn/sluice/ofp"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: coverage FOLDER-OF-GOLDEN-FILES")
		os.Exit(2)
	}
	golden, err := readGolden(os.Args[1])
	if err == nil {
		err = write(os.Stdout, golden)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "coverage:", err)
		os.Exit(1)
	}
}

// cell is a row in a version.
type cell struct{ table, name, version string }

// proof is a golden line of a cell.
type proof struct {
	file   string
	line   int
	source string
}

// readGolden reads the golden files of a folder; the test beside package ofp
// checks them.
func readGolden(folder string) (map[cell][]proof, error) {
	out := map[cell][]proof{}
	names, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		table := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(name), ".txt"), "-", " ")
		s := bufio.NewScanner(f)
		s.Buffer(nil, 1<<20)
		for n := 1; s.Scan(); n++ {
			col := strings.Split(s.Text(), "\t")
			if len(col) != 5 {
				return nil, fmt.Errorf("%s:%d: %d columns, want 5", name, n, len(col))
			}
			c := cell{table, col[0], col[1]}
			out[c] = append(out[c], proof{filepath.Base(name), n, col[2]})
		}
		if err := s.Err(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

const head = `# What of OpenFlow Sluice speaks

Generated from the tables of package ` + "`ofp`" + ` by ` + "`make generate`" + `; do not edit.

A cell has the number that the version has for the row: ` + "`experimenter:subtype`" + ` for what an experimenter
defined, ` + "`match`" + ` for a field with a place of its own in the fixed match of 1.0 or 1.1, the OXM header of an exact
field in 1.2 and 1.3, ` + "`type:code`" + ` for an error; – where the version cannot say it. Each number is a link to the
golden line that proves it: the bytes of a message with that row, and what it holds. ` + "`TestGolden`" + ` decodes the
bytes, compares, and encodes them again to the same bytes; ` + "`TestBrokenRowsAreFound`" + ` breaks the rows one by one and
wants it to fail; ` + "`TestEveryRowIsProven`" + ` wants a line for each row in each version. The last column says who built
the bytes: ` + "`ovs`" + ` (Open vSwitch and its tools), ` + "`os-ken`" + `, or ` + "`own`" + ` where neither has that row.
`

func write(out io.Writer, golden map[cell][]proof) error {
	w := bufio.NewWriter(out)
	fmt.Fprint(w, head)
	rows := ofp.Rows()
	fmt.Fprint(w, "\n| table | rows | proven cells | of these by bytes of others |\n|---|---|---|---|\n")
	for _, table := range tables(rows) {
		n, cells, foreign := 0, 0, 0
		for _, r := range rows {
			if r.Table != table {
				continue
			}
			n++
			for _, v := range ofp.Versions() {
				if ps := golden[cell{r.Table, r.Name, v.String()}]; len(ps) > 0 {
					cells++
					if ps[0].source != "own" {
						foreign++
					}
				}
			}
		}
		fmt.Fprintf(w, "| [%s](#%s) | %d | %d | %d |\n", table, strings.ReplaceAll(table, " ", "-"), n, cells, foreign)
	}
	for _, table := range tables(rows) {
		fmt.Fprintf(w, "\n## %s\n\n| row | 1.0 | 1.1 | 1.2 | 1.3 | bytes |\n|---|---|---|---|---|---|\n", table)
		for _, r := range rows {
			if r.Table == table {
				writeRow(w, &r, golden)
			}
		}
	}
	return w.Flush()
}

func writeRow(w io.Writer, r *ofp.Row, golden map[cell][]proof) {
	fmt.Fprintf(w, "| %s |", r.Name)
	var sources []string
	for _, v := range ofp.Versions() {
		number := r.In(v)
		if number == "" {
			fmt.Fprint(w, " – |")
			continue
		}
		ps := golden[cell{r.Table, r.Name, v.String()}]
		if len(ps) == 0 {
			fmt.Fprintf(w, " **%s: unproven** |", number)
			continue
		}
		fmt.Fprintf(w, " [%s](../ofp/testdata/golden/%s#L%d) |", number, ps[0].file, ps[0].line)
		for _, p := range ps {
			if !slices.Contains(sources, p.source) {
				sources = append(sources, p.source)
			}
		}
	}
	slices.Sort(sources)
	fmt.Fprintf(w, " %s |\n", strings.Join(sources, ", "))
}

// tables are the tables of the rows, each once.
func tables(rows []ofp.Row) (names []string) {
	for _, r := range rows {
		if !slices.Contains(names, r.Table) {
			names = append(names, r.Table)
		}
	}
	return names
}
