package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-sdn/sluice/ofp"
)

func (c *client) ofpPrint() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ofp-print [HEX|FILE]...",
		Short: "Say what OpenFlow messages mean",
		Long: `Says what OpenFlow messages mean. They are given in hexadecimal, as arguments or as
lines on standard input; blanks, colons and a 0x in front are skipped. A line may
hold several messages, one after the other. No sluiced is needed.

They may also be in a file that tcpdump, dumpcap or Wireshark wrote (pcap or
pcapng): --pcap FILE, or just FILE; - is standard input. Each message is then
printed with its time and its connection. Messages that are spread over several
packets are put together; what is missing from the capture is told.

With --reencode each line, even an empty one, holds one message and is answered by
one JSON object on a line, {"ok":…,"error":…,"type":…,"text":…,"hex":…}: whether
it could be decoded and encoded, why not, the message's type, what it means, and
the message encoded again from what was decoded. The exit status is then 0
whatever the lines hold, since each is answered; else it is 1 if one could not be
decoded. With -o json or yaml instead, the same objects are a list, "messages".`,
		Example: `  sluice ofp-print 0100000800000001
  tcpdump -i lo -w of.pcap tcp port 6653; sluice ofp-print of.pcap
  tcpdump -i lo -U -w - tcp port 6653 | sluice ofp-print --pcap -
  sluice ofp-print --reencode < messages.hex | jq -r 'select(.ok|not).error'`,
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault), // files
	}
	reencode := cmd.Flags().Bool("reencode", false, "answer each line with a JSON object that holds the message encoded again")
	pcap := cmd.Flags().String("pcap", "", "read the messages from a capture; - is standard input")
	ports := portsFlag{6633, 6653}
	cmd.Flags().Var(&ports, "port", "the TCP port of OpenFlow in a capture, or several")
	complete(cmd, "port", "6653", "6633")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		captures, err := captureFiles(cmd, *pcap, args)
		if err != nil {
			return err
		}
		if captures != nil {
			return c.printCaptures(captures, ports, *reencode)
		}
		out := bufio.NewWriter(c.out)
		answer := c.printMessages
		list := newMessageList(c.output)
		switch {
		case *reencode:
			answer = reencodeLine
		case c.output != "text":
			answer = list.answer
		}
		failed := 0
		one := func(n int, line string, err error) {
			if !answer(out, n, line, err) {
				failed++
			}
		}
		if len(args) > 0 {
			for i, a := range args {
				one(i+1, a, nil)
			}
		} else {
			err = eachLine(c.in, out, func(n int, line string, err error) {
				if line != "" || err != nil || *reencode {
					one(n, line, err)
				}
			})
		}
		if !*reencode && c.output != "text" {
			err = errors.Join(err, list.end(out))
		}
		if err := errors.Join(err, out.Flush()); err != nil {
			return err
		}
		if failed > 0 && !*reencode {
			return &failedLines{failed}
		}
		return nil
	}
	return cmd
}

// failedLines says that lines, each of which was told, could not be decoded.
type failedLines struct{ n int }

func (e *failedLines) Error() string { return fmt.Sprintf("%d messages could not be decoded", e.n) }

// maxHexLine bounds a line with messages, in bytes: some messages of the
// greatest length.
const maxHexLine = 4 << 20

var errLongLine = fmt.Errorf("line longer than %d bytes", maxHexLine)

// eachLine calls f with each line, without the white space around it, counted
// from 1. What is ready to be told is told before it waits for more input.
func eachLine(in io.Reader, out *bufio.Writer, f func(n int, line string, err error)) error {
	r := bufio.NewReaderSize(in, 64<<10)
	for n := 1; ; n++ {
		if r.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
		line, tooLong, err := readLine(r)
		if s := strings.TrimSpace(line); line != "" || tooLong {
			var lineErr error
			if tooLong {
				s, lineErr = "", errLongLine
			}
			f(n, s, lineErr)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
}

// readLine reads one line, of which it keeps no more than maxHexLine bytes.
func readLine(r *bufio.Reader) (line string, tooLong bool, err error) {
	var b []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(b)+len(part) > maxHexLine {
			tooLong = true
		} else {
			b = append(b, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return string(b), tooLong, err
		}
	}
}

var hexNoise = strings.NewReplacer(" ", "", "\t", "", ":", "", "\r", "")

func decodeHex(line string) ([]byte, error) {
	s := hexNoise.Replace(line)
	s = strings.TrimPrefix(strings.TrimPrefix(s, "0x"), "0X")
	b, err := hex.DecodeString(s)
	var invalid hex.InvalidByteError
	switch {
	case errors.As(err, &invalid):
		return nil, fmt.Errorf("%q is no hexadecimal digit", byte(invalid))
	case errors.Is(err, hex.ErrLength):
		return nil, errors.New("an odd number of hexadecimal digits")
	case len(b) == 0 && err == nil:
		return nil, errors.New("no message")
	}
	return b, err
}

// printMessages prints the messages of a line, and reports whether all could be
// decoded.
func (c *client) printMessages(out *bufio.Writer, n int, line string, err error) bool {
	data, hexErr := decodeHex(line)
	if err = cmpErr(err, hexErr); err != nil {
		_ = out.Flush() // in the order of the lines
		fmt.Fprintf(c.errOut, "sluice: message %d: %v\n", n, err)
		return false
	}
	ok := true
	for frame := range frames(data) {
		text, err := protect(func() (string, error) {
			_, _, err := ofp.Decode(frame)
			return ofp.Print(frame), err
		})
		fmt.Fprintln(out, strings.TrimRight(text, "\n"))
		if err != nil {
			_ = out.Flush()
			fmt.Fprintf(c.errOut, "sluice: message %d: %v\n", n, err)
			ok = false
		}
	}
	return ok
}

// frames yields the messages that stand one after the other in data; what is
// left of it when it has no header any more is the last.
func frames(data []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(data) > 0 {
			frame := data
			if h, err := ofp.ParseHeader(data); err == nil && int(h.Length) < len(data) {
				frame = data[:h.Length]
			}
			data = data[len(frame):]
			if !yield(frame) {
				return
			}
		}
	}
}

// messageList answers with one object that has a list of what reencodeLine says,
// as the other verbs answer in JSON and YAML.
type messageList struct{ objectList }

func newMessageList(format string) *messageList {
	return &messageList{objectList{format: format, field: "messages"}}
}

func (l *messageList) answer(out *bufio.Writer, _ int, line string, err error) bool {
	data, hexErr := decodeHex(line)
	if err = cmpErr(err, hexErr); err != nil {
		l.add(out, (&reencoded{Error: err.Error()}).line())
		return false
	}
	ok := true
	for frame := range frames(data) {
		r := reencode(frame)
		ok = ok && r.OK
		l.add(out, r.line())
	}
	return ok
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// reencoded is the answer to a line of --reencode.
type reencoded struct {
	OK    bool   `json:"ok"`
	Error string `json:"error"`
	Type  string `json:"type"`
	Text  string `json:"text"`
	Hex   string `json:"hex"`
}

// reencodeLine answers a line, and reports whether the message is the same in
// both ways.
func reencodeLine(out *bufio.Writer, _ int, line string, err error) bool {
	r := reencoded{}
	data, hexErr := decodeHex(line)
	if err = cmpErr(err, hexErr); err == nil {
		r = reencode(data)
	} else {
		r.Error = err.Error()
	}
	_, _ = out.Write(r.line()) // Flush tells
	return r.OK
}

// reencode is the answer to a message.
func reencode(frame []byte) reencoded {
	var r reencoded
	if _, err := protect(func() (string, error) { return "", r.fill(frame) }); err != nil {
		r = reencoded{Error: err.Error(), Type: r.Type}
	}
	return r
}

// line is the answer as JSON on one line.
func (r *reencoded) line() []byte { return jsonLine(r) }

// jsonLine returns v, which holds strings and bools only, as JSON on one line.
func jsonLine(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // strings and bools can always be encoded
	}
	return b.Bytes()
}

func (r *reencoded) fill(frame []byte) error {
	h, m, err := ofp.Decode(frame)
	if err != nil {
		if len(frame) >= ofp.HeaderLen {
			r.Type = h.Type().String()
		}
		return err
	}
	r.Type = typeName(h, m)
	r.Text = strings.TrimRight(ofp.Print(frame), "\n")
	again, err := ofp.Append(nil, h.Version, h.XID, m)
	if err != nil {
		return err
	}
	r.OK, r.Hex = true, hex.EncodeToString(again)
	return nil
}

// typeName is the message's type in the words of its version's specification,
// with the kind of a statistics message behind a dash; a kind that the version
// does not name is its number.
func typeName(h ofp.Header, m ofp.Message) string {
	var kind ofp.PartKind
	var prefix string
	switch m := m.(type) {
	case *ofp.MultipartRequest:
		kind, prefix = m.Body.Kind(), "multipart_request-"
	case *ofp.MultipartReply:
		kind, prefix = m.Body.Kind(), "multipart_reply-"
	default:
		if h.Type() == ofp.TypeExperimenter && h.Version == ofp.V10 {
			return "vendor"
		}
		return h.Type().String()
	}
	if h.Version < ofp.V13 {
		prefix = strings.Replace(prefix, "multipart", "stats", 1)
	}
	name := kind.String()
	before13 := []ofp.PartKind{ofp.PartDesc, ofp.PartFlow, ofp.PartAggregate, ofp.PartTable, ofp.PartPort, ofp.PartQueue,
		ofp.PartGroup, ofp.PartGroupDesc, ofp.PartGroupFeatures, ofp.PartExperimenter}
	if h.Version < ofp.V13 && !slices.Contains(before13, kind) || strings.HasPrefix(name, "kind ") {
		name = fmt.Sprint(uint16(kind))
	}
	return prefix + name
}

// protect keeps a fault of the codec, which should have none, to the line that
// shows it: the answers to the lines after it are still given.
func protect(f func() (string, error)) (text string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("fault in the codec: %v", r)
		}
	}()
	return f()
}
