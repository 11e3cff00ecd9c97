package store

import (
	"context"
	"os"
	"syscall"
)

// readAhead has the kernel read the file, from its beginning to its end: what is
// mapped would be read page by page when it is touched, in the order of the keys,
// which takes ten times as long from a disk. It is no matter if it fails.
func (p pages) readAhead(ctx context.Context) {
	f, err := os.Open(p.tx.DB().Path())
	if err != nil {
		return
	}
	defer f.Close()
	piece := make([]byte, 1<<20)
	for left := p.tx.Size(); left > 0 && ctx.Err() == nil; {
		n, err := f.Read(piece)
		if err != nil {
			return
		}
		left -= int64(n)
	}
}

// unmapped tells the kernel that the pages of the file are not needed for now, so
// that they do not count as this process's memory; they are found again when they
// are. The caller is in a transaction: the file stays mapped where it is.
func (p pages) unmapped() {
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, p.tx.DB().Info().Data, uintptr(p.tx.Size()), syscall.MADV_DONTNEED)
}
