// Package store keeps desired state: records under keys, changed by transactions
// that have a revision, an author, a time and a request id each. What a record
// means is left to its user.
//
// # Promises
//
//   - A transaction is carried out whole or not at all. When Commit returns nil
//     it is on the disk (on a store that has one), and survives a crash.
//   - Revisions are given out in order, without gaps, and never twice. Times
//     never go back, even if the machine's clock does.
//   - A transaction whose conditions do not hold changes nothing (ErrConflict).
//     One that is sent again under the same request id is not carried out again,
//     for as long as its first time stands in the history and was not undone
//     (Txn.Forget).
//   - What cannot be read, because it is damaged, or of a later format, is
//     refused by Open and left as it is. If it is damaged while it is open, as by a
//     disk that fails, nothing more is written to it from when that is noticed
//     (ErrBroken); a transaction looks at the file's length and heads before it.
//
// # Bounds
//
// At most Options.History revisions, of Options.HistoryBytes together, are kept
// in the history; who asks for an
// older one is told ErrCompacted. Transactions wait in a queue of 1,024 for the
// goroutine that writes, and each caller waits on its context while it is full.
// Watchers have no queue: they read the history, each at its own pace.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Revision numbers the changes of a store, from 1 on.
type Revision uint64

// Record is a value under a key. Its slices are valid until the function
// returns that was given it, unless something else is said.
type Record struct {
	Key, Value []byte
	Revision   Revision // of its last change
}

// Edit puts a value under a key, or removes what is there.
type Edit struct {
	Key    []byte
	Value  []byte
	Remove bool
	// Untold leaves the edit out of the history: for what its user notes for
	// itself, and nobody asks for later.
	Untold bool
}

// Condition holds if the key's last change was at the revision; 0 stands for a
// key that does not exist.
type Condition struct {
	Key      []byte
	Revision Revision
}

// Txn is a transaction.
type Txn struct {
	// Author says who wants it, Note why. Both may be empty.
	Author, Note string
	// Request tells a transaction that is sent again from a new one; empty means
	// that it is never taken for another. It is compared within one author's.
	Request string
	// Content tells transactions of one request id apart; nil stands for the
	// edits.
	Content []byte
	// Forget is the request id of an earlier transaction of the same author that
	// this one undoes: sent again, it is carried out again.
	Forget string
	// If must all hold.
	If []Condition
	// Edits are carried out by ascending key, those of one key in their order. One
	// that changes nothing, such as to put the value that is there, leaves no
	// trace, and a transaction of only such ones has no revision of its own: it is
	// given the last one.
	Edits []Edit
}

// Done is what became of a transaction.
type Done struct {
	Revision Revision // its own; of its first time if Repeated
	Repeated bool     // it had been carried out before
}

// Change is a transaction that was carried out.
type Change struct {
	Revision              Revision
	Time                  time.Time
	Author, Note, Request string
	Edits                 []Changed
}

// Changed is what a change did to one key.
type Changed struct {
	Key []byte
	// Before is what was there, nil if nothing was.
	Before []byte
	// Removed says that the key was removed.
	Removed bool
	// After is what was put there, nil if the key was removed. It is known as
	// long as no later change has touched the key: Known tells.
	After []byte
	Known bool
}

// Store holds records. Its methods may be called from any goroutine, but none
// after Close.
type Store interface {
	// Revision returns that of the last change, 0 if there was none.
	Revision() Revision
	// Scan calls f for every record whose key begins with prefix, by ascending
	// key, all as of the revision that it returns. An error of f ends it. While f
	// runs, nothing of what is removed can be used again: it must not wait for
	// others.
	Scan(ctx context.Context, prefix []byte, f func(Record) error) (Revision, error)
	// Get returns a record in memory of its own; ok is false if there is none.
	Get(key []byte) (r Record, ok bool, err error)
	// Commit carries a transaction out. It fails with ErrConflict, ErrReused,
	// ErrLimit, ErrClosed, the context's error, or what the disk says: then nothing
	// has changed, but see ErrBroken. The context is looked at until it is the
	// transaction's turn (ErrHangs if that is long in coming); from then on its
	// outcome is waited for, which the disk bounds: Health tells how long that takes.
	Commit(ctx context.Context, t Txn) (Done, error)
	// History calls f for the changes after a revision, oldest first, in memory that
	// others who read them share: nobody may write to it. It fails with ErrCompacted
	// if some are not kept any more.
	History(ctx context.Context, after Revision, f func(Change) error) error
	// Oldest returns the oldest revision of the history, 1 if there is none.
	Oldest() (Revision, error)
	// Changed returns a channel that is closed when there is a revision after
	// the given one: with History it makes a watch that can be resumed.
	Changed(after Revision) <-chan struct{}
	// Backup writes a copy of the store, as of the revision that it returns, in
	// the form that Open reads.
	Backup(w io.Writer) (Revision, error)
	// Health tells whether the last write failed, and why.
	Health() Health
	// Try finds out whether the store can be written again, and changes nothing.
	// Health tells the outcome, too. The disk bounds how long it takes, but for one
	// that is known to hang.
	Try() error
	// Close ends the store when what was begun is done.
	Close() error
}

// Conditions that errors of this package stand for; test with errors.Is.
var (
	// ErrConflict: a condition does not hold.
	ErrConflict = errors.New("state has changed")
	// ErrReused: the request id was used for another transaction.
	ErrReused = errors.New("request id was used for something else")
	// ErrCompacted: the history does not reach back so far.
	ErrCompacted = errors.New("history is not kept so far back")
	// ErrLimit: a key, a value or a transaction is too large.
	ErrLimit = errors.New("too large")
	// ErrClosed: the store is closed.
	ErrClosed = errors.New("store is closed")
	// ErrDamaged: what is stored cannot be what was written.
	ErrDamaged = errors.New("store is damaged")
	// ErrFormat: the store is of a format that this version cannot read.
	ErrFormat = errors.New("format of the store is unknown")
	// ErrLocked: another process has the store open.
	ErrLocked = errors.New("store is in use by another process")
)

// ConflictError is an ErrConflict that says which condition did not hold.
type ConflictError struct {
	Condition Condition
	Revision  Revision // what the key's is; 0 if it does not exist
}

// Error says how the key differs from what was expected.
func (e *ConflictError) Error() string {
	switch {
	case e.Condition.Revision == 0:
		return fmt.Sprintf("%v: it exists since revision %d", ErrConflict, e.Revision)
	case e.Revision == 0:
		return fmt.Sprintf("%v: it is gone; expected revision %d", ErrConflict, e.Condition.Revision)
	}
	return fmt.Sprintf("%v: it is at revision %d; expected %d", ErrConflict, e.Revision, e.Condition.Revision)
}

// Unwrap returns ErrConflict.
func (e *ConflictError) Unwrap() error { return ErrConflict }

// Bounds of what a transaction may hold.
const (
	MaxKey   = 4 << 10   // bytes
	MaxValue = 1 << 20   // bytes
	MaxText  = 4 << 10   // bytes of author, request and note, each
	MaxTxn   = 256 << 20 // bytes of all edits together
)

// check fails if t is too large, or an edit has no key.
func (t *Txn) check() error {
	for _, x := range []struct{ name, text string }{{"author", t.Author}, {"request id", t.Request}, {"request id to forget", t.Forget}, {"note", t.Note}} {
		if len(x.text) > MaxText {
			return fmt.Errorf("%s: %d bytes: %w, at most %d", x.name, len(x.text), ErrLimit, MaxText)
		}
	}
	size := 0
	for i := range t.Edits {
		e := &t.Edits[i]
		size += len(e.Key) + len(e.Value)
		switch {
		case len(e.Key) == 0:
			return fmt.Errorf("edit %d: key is empty", i)
		case len(e.Key) > MaxKey:
			return fmt.Errorf("edit %d: key of %d bytes: %w, at most %d", i, len(e.Key), ErrLimit, MaxKey)
		case len(e.Value) > MaxValue:
			return fmt.Errorf("edit %d: value of %d bytes: %w, at most %d", i, len(e.Value), ErrLimit, MaxValue)
		case size > MaxTxn:
			return fmt.Errorf("edit %d: %w, at most %d bytes of edits", i, ErrLimit, MaxTxn)
		}
	}
	return nil
}

// Options configures a store. The zero value works.
type Options struct {
	// History is how many revisions are kept, and HistoryBytes how many bytes of
	// what they changed; the last one is kept however long it is. Default 1,000
	// and 8 MiB.
	History      int
	HistoryBytes int
	// Now is the clock; nil means that of the machine.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.History <= 0 {
		o.History = 1000
	}
	if o.HistoryBytes <= 0 {
		o.HistoryBytes = 8 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}
