package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// shift makes path free: the recording that is there becomes path.1, that one
// path.2, and what would then be more than files in all is removed, as is a
// recording that holds nothing. It fails rather than move what is no recording.
func shift(path string, files int) error {
	holds, err := inspect(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case holds == noRecording:
		return fmt.Errorf("%s is there and is no recording; move it away or name another file", path)
	case holds == nothing || files == 1:
		return os.Remove(path)
	}
	name := func(i int) string {
		if i == 0 {
			return path
		}
		return fmt.Sprintf("%s.%d", path, i)
	}
	last := 0 // the first that is free, or the last of all
	for last < files-1 {
		last++
		if _, err := os.Lstat(name(last)); errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	for i := last; i > 0; i-- {
		if err := os.Rename(name(i-1), name(i)); err != nil {
			return err
		}
	}
	return nil
}

// content is what a file holds.
type content int

const (
	noRecording content = iota
	nothing             // a recording without packets, or the start of one
	packets
)

// The blocks of pcapng that stand before the packets
// (draft-ietf-opsawg-pcapng, section 4).
const (
	sectionHeader        = 0x0a0d0d0a
	interfaceDescription = 1
)

// inspect says what a file holds. Only a regular file is a recording.
func inspect(path string) (content, error) {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return noRecording, err
	}
	if info.Size() == 0 {
		return nothing, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return noRecording, err
	}
	defer f.Close()
	for at := int64(0); ; {
		var head [8]byte
		if n, err := f.ReadAt(head[:], at); n < len(head) {
			if at == 0 || !errors.Is(err, io.EOF) {
				return noRecording, err
			}
			return nothing, nil
		}
		typ, n := binary.LittleEndian.Uint32(head[:]), binary.LittleEndian.Uint32(head[4:])
		switch {
		case at == 0 && typ != sectionHeader:
			return noRecording, nil
		case typ != sectionHeader && typ != interfaceDescription || n < 12 || int64(n) > info.Size():
			return packets, nil
		}
		at += int64(n)
	}
}
