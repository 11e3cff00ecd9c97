package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
)

// tables is memoryOf in maps.
type tables [numBuckets]map[string][]byte

func (m *tables) get(b bucket, key []byte) []byte { return m[b][string(key)] }

func (m *tables) put(b bucket, key, value []byte) error {
	m[b][string(key)] = bytes.Clone(value)
	return nil
}

func (m *tables) remove(b bucket, key []byte) error {
	delete(m[b], string(key))
	return nil
}

// memory is a Store that is gone with the process.
type memory struct {
	mu     sync.Mutex
	tables tables
	o      Options
	news   news
	closed bool
}

// NewMemory returns a store in memory: for tests, and for a controller that is
// to forget.
func NewMemory(o Options) Store {
	m := &memory{o: o.withDefaults()}
	for i := range m.tables {
		m.tables[i] = make(map[string][]byte)
	}
	return m
}

func (m *memory) Revision() Revision {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Revision(number(&m.tables, keyRevision))
}

func (m *memory) Scan(ctx context.Context, prefix []byte, f func(Record) error) (Revision, error) {
	m.mu.Lock()
	rev := Revision(number(&m.tables, keyRevision))
	all := maps.Clone(m.tables[records])
	m.mu.Unlock()
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if !bytes.HasPrefix([]byte(k), prefix) {
			continue
		}
		r, err := unsealed([]byte(k), all[k])
		if err != nil {
			return 0, err
		}
		if err := errors.Join(ctx.Err(), f(r)); err != nil {
			return 0, err
		}
	}
	return rev, nil
}

func (m *memory) Get(key []byte) (Record, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := m.tables[records][string(key)]
	if v == nil {
		return Record{}, false, nil
	}
	r, err := unsealed(bytes.Clone(key), bytes.Clone(v))
	return r, err == nil, err
}

func (m *memory) Commit(ctx context.Context, t Txn) (Done, error) {
	if err := errors.Join(ctx.Err(), t.check()); err != nil {
		return Done{}, fmt.Errorf("store: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return Done{}, fmt.Errorf("store: %w", ErrClosed)
	}
	d, err := apply(&m.tables, &t, &m.o)
	if err != nil {
		return Done{}, fmt.Errorf("store: %w", err)
	}
	m.news.tell(d.Revision)
	return d, nil
}

func (m *memory) History(ctx context.Context, after Revision, f func(Change) error) error {
	for r := after + 1; ; r++ {
		m.mu.Lock()
		c, ok, err := changeAt(&m.tables, r)
		m.mu.Unlock()
		if err != nil || !ok {
			return err
		}
		if err := errors.Join(ctx.Err(), f(c)); err != nil {
			return err
		}
	}
}

func (m *memory) Oldest() (Revision, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Revision(max(number(&m.tables, keyOldest), 1)), nil
}

func (m *memory) Changed(after Revision) <-chan struct{} { return m.news.after(after) }

func (m *memory) Backup(io.Writer) (Revision, error) {
	return 0, errors.New("store: backup: this store is in memory only; start sluiced with --state DIR")
}

func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

// changeAt reads one change, and for each of its edits the record as far as no
// later one has touched it; ok is false if there is none yet.
func changeAt(m memoryOf, r Revision) (c Change, ok bool, err error) {
	if r > Revision(number(m, keyRevision)) {
		return Change{}, false, nil
	}
	v := m.get(history, revisionKey(r))
	if v == nil {
		return Change{}, false, fmt.Errorf("store: revision %d: %w; the oldest is %d", r, ErrCompacted, number(m, keyOldest))
	}
	if c, err = readChange(r, v); err != nil {
		return Change{}, false, fmt.Errorf("store: %w", err)
	}
	for i := range c.Edits {
		e := &c.Edits[i]
		v := m.get(records, e.Key)
		if v == nil {
			// It was removed by this change, or by a later one: whoever follows
			// the history to its end comes out right.
			e.Known = true
			continue
		}
		now, err := unsealed(e.Key, v)
		if err != nil {
			return Change{}, false, fmt.Errorf("store: %w", err)
		}
		if now.Revision == r {
			e.After, e.Known = append([]byte{}, now.Value...), true
		}
	}
	return c, true, nil
}

// news tells those who wait that there is a new revision.
type news struct {
	mu   sync.Mutex
	last Revision
	wait chan struct{} // closed at the next one; nil if nobody waits
}

func (n *news) tell(r Revision) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last = max(n.last, r)
	if n.wait != nil {
		close(n.wait)
		n.wait = nil
	}
}

func (n *news) after(r Revision) <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.wait == nil {
		n.wait = make(chan struct{})
	}
	wait := n.wait
	if n.last > r {
		close(n.wait)
		n.wait = nil
	}
	return wait
}
