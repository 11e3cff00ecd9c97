package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// ngFile is a pcapng file of sections with so many interfaces each.
func ngFile(order binary.AppendByteOrder, sections ...int) []byte {
	block := func(b []byte, typ uint32, body []byte) []byte {
		b = order.AppendUint32(b, typ)
		b = order.AppendUint32(b, uint32(12+len(body)))
		b = append(b, body...)
		return order.AppendUint32(b, uint32(12+len(body)))
	}
	var b []byte
	for _, n := range sections {
		head := order.AppendUint32(nil, 0x1a2b3c4d)
		head = order.AppendUint16(head, 1)
		head = order.AppendUint16(head, 0)
		b = block(b, sectionBlock, append(head, bytes.Repeat([]byte{0xff}, 8)...))
		for range n {
			b = block(b, interfaceBlock, []byte{1, 0, 0, 0, 0, 0, 4, 0})
		}
	}
	return b
}

func TestInterfacesAreBounded(t *testing.T) {
	for _, tt := range []struct {
		name string
		file []byte
		bad  bool
	}{
		{"as many as may be", ngFile(binary.LittleEndian, maxInterfaces), false},
		{"one too many", ngFile(binary.LittleEndian, maxInterfaces+1), true},
		{"one too many, most significant byte first", ngFile(binary.BigEndian, maxInterfaces+1), true},
		{"two sections", ngFile(binary.BigEndian, maxInterfaces, maxInterfaces), false},
		{"too many in the second section", ngFile(binary.LittleEndian, 1, maxInterfaces+1), true},
		{"no pcapng", bytes.Repeat([]byte{0, 0, 0, 1, 0, 0, 0, 8}, 2*maxInterfaces), false},
		{"a length that lies", append(ngFile(binary.LittleEndian, 1), make([]byte, 100)...), false},
	} {
		for how, in := range map[string]io.Reader{"at once": bytes.NewReader(tt.file), "byte by byte": iotest.OneByteReader(bytes.NewReader(tt.file))} {
			got, err := io.ReadAll(&blocks{in: in})
			if bad := err != nil; bad != tt.bad || !bad && !bytes.Equal(got, tt.file) {
				t.Errorf("%s, %s: %v, %d bytes of %d", tt.name, how, err, len(got), len(tt.file))
			}
		}
	}
	err := eachSegment(bytes.NewReader(ngFile(binary.LittleEndian, 10*maxInterfaces)), func(*segment) {})
	if err == nil || !strings.Contains(err.Error(), "interfaces") {
		t.Errorf("a capture of interfaces alone: %v", err)
	}
}
