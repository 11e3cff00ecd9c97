package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// maxInterfaces bounds the interfaces of one section of a pcapng file: the reader
// of captures keeps what each block says of one, which may be much more than the
// block is long.
const maxInterfaces = 4096

// Types of pcapng blocks, and the lengths of what is looked at of one.
const (
	sectionBlock   = 0x0a0d0d0a // in either byte order
	interfaceBlock = 1
	blockHead      = 8
	sectionHead    = 12 // with the number that tells the byte order
)

// blocks reads a pcapng file and fails where a section has too many interfaces.
// What else may be wrong with the file is for others to say.
type blocks struct {
	in         io.Reader
	head       []byte // of the block that begins
	left       int64  // bytes of the block that has begun
	order      binary.ByteOrder
	interfaces int
}

func (b *blocks) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	for rest := p[:n]; len(rest) > 0; {
		if b.left > 0 {
			skip := int(min(b.left, int64(len(rest))))
			b.left -= int64(skip)
			rest = rest[skip:]
			continue
		}
		b.head, rest = append(b.head, rest[0]), rest[1:]
		if err := b.begin(); err != nil {
			return 0, err
		}
	}
	return n, err
}

// begin looks at the head of a block once enough of it is there.
func (b *blocks) begin() error {
	if len(b.head) < blockHead {
		return nil
	}
	section := binary.BigEndian.Uint32(b.head) == sectionBlock
	if section {
		if len(b.head) < sectionHead {
			return nil
		}
		b.order, b.interfaces = binary.BigEndian, 0
		if binary.BigEndian.Uint32(b.head[blockHead:]) != 0x1a2b3c4d {
			b.order = binary.LittleEndian
		}
	}
	if b.order == nil {
		b.left = math.MaxInt64 // not a file that begins as it should
		return nil
	}
	length := int64(b.order.Uint32(b.head[4:]))
	if length < int64(len(b.head)) {
		b.left = math.MaxInt64 // nobody knows where the next one begins
		return nil
	}
	if b.order.Uint32(b.head) == interfaceBlock {
		if b.interfaces++; b.interfaces > maxInterfaces {
			return fmt.Errorf("a section of more than %d interfaces", maxInterfaces)
		}
	}
	b.left = length - int64(len(b.head))
	b.head = b.head[:0]
	return nil
}
