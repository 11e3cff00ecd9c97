package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/sirupsen/logrus"
	"github.com/spf13/pflag"

	"github.com/sluice-sdn/sluice/controller/record"
)

// size is a number of bytes.
type size int64

// units are those that a size may have, the largest first.
var units = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

func (z *size) String() string {
	for _, u := range units {
		if int64(*z) >= u.bytes && int64(*z)%u.bytes == 0 {
			return strconv.FormatInt(int64(*z)/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(*z), 10)
}
func (*size) Type() string { return "SIZE" }

// Set takes a whole number of KiB, MiB or GiB, or of bytes.
func (z *size) Set(s string) error {
	unit := int64(1)
	text := s
	for _, u := range units {
		if n, ok := strings.CutSuffix(s, u.name); ok {
			text, unit = strings.TrimSpace(n), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch least := size(record.MinSize); {
	case err != nil || n < 0 || n > (1<<62)/unit:
		return fmt.Errorf("%q is no size; want a number of KiB, MiB or GiB, such as 100MiB", cut(s))
	case n*unit < int64(least):
		return fmt.Errorf("%q is too small; want %s at least", cut(s), &least)
	}
	*z = size(n * unit)
	return nil
}

// number is a small number.
type number int

// maxNumber is the greatest.
const maxNumber = 1000

func (n *number) String() string { return strconv.Itoa(int(*n)) }
func (*number) Type() string     { return "NUMBER" }

func (n *number) Set(s string) error {
	v, err := strconv.Atoi(s)
	if err != nil || v < 1 || v > maxNumber {
		return fmt.Errorf("%q is not a number from 1 to %d", cut(s), maxNumber)
	}
	*n = number(v)
	return nil
}

// recordSettings are those about the recording.
type recordSettings struct {
	path  file
	size  size
	files number
}

// flags adds the flags of the settings to the table.
func (s *recordSettings) flags(f *pflag.FlagSet) {
	f.Var(&s.path, "record", "write down all that switches and controller say, in this capture file (pcapng); it holds packets of users")
	f.Var(&s.size, "record-size", "size at which the file of --record is full; it then becomes FILE.1, and FILE.1 becomes FILE.2")
	f.Var(&s.files, "record-files", "how many files --record keeps at most")
}

// newRecorder returns the recorder that the settings ask for, or nil.
func newRecorder(s recordSettings, logger logrus.FieldLogger) (*record.Recorder, error) {
	if s.path == "" {
		return nil, nil
	}
	r, err := record.New(record.Config{
		Path:    string(s.path),
		Size:    int64(s.size),
		Files:   int(s.files),
		Program: "sluiced " + thisBuild().version,
		Logger:  logger,
	})
	if err != nil {
		return nil, fmt.Errorf("--record: %w", err)
	}
	return r, nil
}

// recording runs the recorder, if there is one, until the function that it
// returns is called, which waits for it.
func (d *daemon) recording() (end func()) {
	if d.recorder == nil {
		return func() {}
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.recorder.Run(ctx)
	}()
	return func() {
		stop()
		<-ended
	}
}
