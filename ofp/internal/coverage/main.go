// Command coverage prints docs/openflow.md: every row of the tables of package
// ofp, the number that each version has for it, and the golden line that proves
// it. Run it by `make generate`.
package main

import (
	"bufio"
	"cmp"
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
	var frozen map[string]int
	if err == nil {
		frozen, err = readConstants(filepath.Join(os.Args[1], "../constants.txt"))
	}
	if err == nil {
		err = write(os.Stdout, golden, frozen)
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
defined; ` + "`match`" + ` for a field with a place of its own in the fixed match of 1.0 or 1.1, in 1.2 and 1.3 the header of
the exact field that is written (with the experimenter after it where it has one), and ` + "`NX`" + ` with the header where
1.0 cannot say the field but Open vSwitch takes it in a flow-mod of its own, which an ` + "`Encoder`" + ` with ` + "`Extensions`" + `
writes; ` + "`type:code`" + ` for an error, ` + "`experimenter:type:code`" + ` (1.0, 1.1) or ` + "`experimenter:type`" + ` for an
experimenter's; – where nothing is written. Each number is a link to the golden line that proves it: the bytes of a
message with that row, and what it holds. ` + "`TestGolden`" + ` decodes the bytes, compares, and encodes them again to the
same bytes; ` + "`TestBrokenRowsAreFound`" + ` breaks the rows one by one and wants it to fail; ` + "`TestEveryRowIsProven`" + ` wants
a line for each row in each version.

The last column says who built the bytes: ` + "`ovs`" + ` (what Open vSwitch and its tools sent, or has in its tests),
` + "`os-ken`" + ` and ` + "`loxigen`" + ` (from their tests), or ` + "`own`" + `: generated here, so that the line shows that nothing changes by
accident, not that others agree. ` + "`own`" + ` stands beside another where a message has a second line with few zeros in it.
Own lines alone have the errors that no switch was made to send (their numbers and names are compared with what
` + "`ovs-ofctl ofp-print`" + ` says of them), and what Open vSwitch's tools do not send.
`

// constantsHead stands before the numbers that have no golden lines.
const constantsHead = `
# Flags, reasons, commands and reserved numbers

Each is linked to its line in a table of the specifications' numbers that was written by hand, with the name that the
number has there; ` + "`TestConstantsAreThoseOfTheSpecifications`" + ` compares. In 1.0 a number is as it stands on the wire.
`

func write(out io.Writer, golden map[cell][]proof, frozen map[string]int) error {
	w := bufio.NewWriter(out)
	fmt.Fprint(w, head)
	rows := ofp.Rows()
	fmt.Fprint(w, "\n| table | rows | proven cells | by bytes of others | by own bytes alone |\n|---|---|---|---|---|\n")
	allCells, allForeign := 0, 0
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
		fmt.Fprintf(w, "| [%s](#%s) | %d | %d | %d | %d |\n", table, strings.ReplaceAll(table, " ", "-"), n, cells, foreign, cells-foreign)
		allCells, allForeign = allCells+cells, allForeign+foreign
	}
	fmt.Fprintf(w, "| all | %d | %d | %d | %d |\n", len(rows), allCells, allForeign, allCells-allForeign)
	for _, table := range tables(rows) {
		fmt.Fprintf(w, "\n## %s\n\n| row | 1.0 | 1.1 | 1.2 | 1.3 | bytes |\n|---|---|---|---|---|---|\n", table)
		for _, r := range rows {
			if r.Table == table {
				writeRow(w, &r, golden)
			}
		}
	}
	fmt.Fprint(w, constantsHead)
	constants := ofp.Constants()
	for _, table := range tables(constants) {
		fmt.Fprintf(w, "\n## %s\n\n| row | 1.0 | 1.1 | 1.2 | 1.3 |\n|---|---|---|---|---|\n", table)
		for _, r := range constants {
			if r.Table == table {
				writeConstant(w, &r, frozen[table+"\t"+r.Name])
			}
		}
	}
	return w.Flush()
}

func writeConstant(w io.Writer, r *ofp.Row, line int) {
	if line == 0 {
		fmt.Fprintf(w, "| **%s: unproven** |", r.Name)
	} else {
		fmt.Fprintf(w, "| [%s](../ofp/testdata/constants.txt#L%d) |", r.Name, line)
	}
	for _, number := range r.Wire {
		fmt.Fprintf(w, " %s |", cmp.Or(number, "–"))
	}
	fmt.Fprintln(w)
}

// readConstants returns the line of each constant in the file of the
// specifications' numbers, which a test beside package ofp compares.
func readConstants(name string) (map[string]int, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	lines := map[string]int{}
	for i, line := range strings.Split(string(data), "\n") {
		if col := strings.Split(line, "\t"); len(col) > 2 {
			lines[col[0]+"\t"+col[1]] = i + 1
		}
	}
	return lines, nil
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
