package main

import (
	"bytes"
	"strings"
)

// told keeps what is written, and closes said when that has the text. It is for one
// writer; all is read when that has ended.
type told struct {
	all  bytes.Buffer
	text string
	said chan struct{}
}

func (w *told) Write(p []byte) (int, error) {
	before := strings.Contains(w.all.String(), w.text)
	n, err := w.all.Write(p)
	if !before && strings.Contains(w.all.String(), w.text) {
		close(w.said)
	}
	return n, err
}
