package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-sdn/sluice/ofp"
)

// portsFlag is a list of TCP ports, separated by commas.
type portsFlag []uint16

// String implements pflag.Value.
func (p *portsFlag) String() string {
	var s []string
	for _, n := range *p {
		s = append(s, strconv.Itoa(int(n)))
	}
	return strings.Join(s, ",")
}

// Set implements pflag.Value.
func (p *portsFlag) Set(s string) error {
	var list portsFlag
	for _, one := range strings.Split(s, ",") {
		n, err := strconv.ParseUint(one, 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("%q is no TCP port: want 1 to 65535", cut(one))
		}
		list = append(list, uint16(n))
	}
	*p = list
	return nil
}

// Type implements pflag.Value.
func (p *portsFlag) Type() string { return "PORT[,PORT]..." }

// captureFiles returns the captures that the command line names, or nil if it
// names none: an argument that is no hexadecimal and a capture file is one.
func captureFiles(cmd *cobra.Command, flag string, args []string) ([]string, error) {
	var files []string
	if flag != "" {
		files = []string{flag}
	}
	for _, a := range args {
		if fileIsCapture(a) {
			files = append(files, a)
		} else if flag != "" || len(files) > 0 {
			return nil, usage(cmd, "%q is no capture: captures and hexadecimal do not go together", cut(a))
		}
	}
	if n := len(files); n > 0 && flag == "" && n < len(args) {
		return nil, usage(cmd, "captures and hexadecimal do not go together")
	}
	return files, nil
}

// fileIsCapture reports whether an argument is the name of a capture, rather
// than a message in hexadecimal.
func fileIsCapture(name string) bool {
	if _, err := decodeHex(name); err == nil {
		return false
	}
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return false
	}
	b := make([]byte, 4)
	n, _ := io.ReadFull(f, b)
	return isCapture(b[:n])
}

// printCaptures prints what captures hold, one after the other.
func (c *client) printCaptures(names []string, ports []uint16, reencode bool) error {
	p := &capturePrinter{c: c, out: bufio.NewWriter(c.out), list: newMessageList(c.output), reencode: reencode}
	var err error
	for _, name := range names {
		err = errors.Join(err, p.file(name, ports))
	}
	if !reencode && c.output != "text" {
		err = errors.Join(err, p.list.end(p.out))
	}
	if err := errors.Join(err, p.out.Flush()); err != nil {
		return err
	}
	if p.failed > 0 && !reencode {
		return &failedLines{p.failed}
	}
	return nil
}

// capturePrinter prints messages of a capture in the form that was asked for.
type capturePrinter struct {
	c        *client
	out      *bufio.Writer
	list     *messageList
	reencode bool
	begun    bool // a message was printed
	failed   int
}

func (p *capturePrinter) file(name string, ports []uint16) error {
	in := p.c.in
	live := name == "-"
	if !live {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	found := false
	s := newStreams(ports, func(m captured) {
		found = true
		p.print(m)
		if live {
			_ = p.out.Flush() // the last Flush tells
		}
	})
	err := eachSegment(in, s.add)
	s.end()
	if err != nil && !live {
		err = fmt.Errorf("%s: %w", name, err)
	}
	if err == nil && !found {
		list := portsFlag(ports)
		_ = p.out.Flush()
		fmt.Fprintf(p.c.errOut, "no OpenFlow on TCP port %s in the capture; --port names others\n", strings.ReplaceAll(list.String(), ",", " or "))
	}
	return err
}

// capturedObject is a message of a capture as JSON.
type capturedObject struct {
	Time string `json:"time"`
	From string `json:"from"`
	To   string `json:"to"`
	reencoded
}

func (p *capturePrinter) print(m captured) {
	text := p.c.output == "text"
	if text && !p.reencode {
		p.printText(m)
		return
	}
	r := reencoded{}
	if m.err != nil {
		r.Error = m.err.Error()
	} else {
		r = reencode(m.frame)
	}
	if !r.OK {
		p.failed++
	}
	if p.reencode {
		_, _ = p.out.Write(r.line()) // Flush tells
		return
	}
	p.list.add(p.out, jsonLine(capturedObject{m.time.UTC().Format(time.RFC3339Nano), endpoint(m.from), endpoint(m.to), r}))
}

func (p *capturePrinter) printText(m captured) {
	way := fmt.Sprintf("%s %s > %s", stamp(m.time), endpoint(m.from), endpoint(m.to))
	err := m.err
	if err == nil {
		if p.begun {
			fmt.Fprintln(p.out)
		}
		p.begun = true
		fmt.Fprintf(p.out, "%s:\n", way)
		err = printFrame(p.out, m.frame)
	}
	if err != nil {
		p.failed++
		_ = p.out.Flush() // in the order of the messages
		fmt.Fprintf(p.c.errOut, "sluice: %s: %v\n", way, err)
	}
}

// printFrame prints what a message means, and returns why it cannot be decoded.
func printFrame(out io.Writer, frame []byte) error {
	text, err := protect(func() (string, error) {
		_, _, err := ofp.Decode(frame)
		return ofp.Print(frame), err
	})
	printLines(out, text)
	return err
}

// stamp shows a moment as tcpdump does.
func stamp(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05.000000") }

// endpoint shows an address and a port as tcpdump and ovs-ofctl do.
func endpoint(a netip.AddrPort) string { return fmt.Sprintf("%s.%d", a.Addr(), a.Port()) }
