// Command mutate gives the decoder of package ofp millions of damaged messages of
// each version, and checks what the package promises of hostile input: no panic,
// an error that names message, field and place, memory bounded by the length of
// the input, and that what decodes can be encoded and decodes from that to the
// same.
//
//	go run ./test/mutate -n 10000000
//
// The messages are the golden and recorded ones and generated ones; what fails
// is printed with the seed that makes it again.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-sdn/sluice/ofp"
)

func main() {
	n := flag.Int("n", 10_000_000, "how many inputs for each version")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the mutations")
	workers := flag.Int("workers", runtime.GOMAXPROCS(0), "how many inputs at a time")
	flag.Parse()
	fmt.Printf("seed %d\n", *seed)
	failed := false
	for _, v := range ofp.Versions() {
		r, err := run(v, *n, *seed, *workers)
		if err != nil {
			fmt.Println(err)
			failed = true
		}
		fmt.Printf("OpenFlow %s: %d mutated inputs of %d messages in %s: %d decoded, %d refused; at most %.1f bytes allocated for each of input, in %d measured\n",
			v, r.inputs, r.messages, r.took.Round(time.Millisecond), r.decoded, r.inputs-r.decoded, r.ratio, r.measured)
	}
	if failed {
		os.Exit(1)
	}
}

// result counts what was done.
type result struct {
	inputs, decoded   int64
	messages          int
	measured          int
	ratio             float64 // bytes allocated for a byte of input, the greatest
	took              time.Duration
	decodedA, inputsA atomic.Int64
}

// batch is how many inputs are made of one seed.
const batch = 1000

// run checks n inputs. The first failure of each worker ends it.
func run(v ofp.Version, n int, seed uint64, workers int) (*result, error) {
	start := time.Now()
	pool := messages(v)
	r := &result{messages: len(pool)}
	var next atomic.Int64
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				if i*batch >= int64(n) || errs[w] != nil {
					return
				}
				errs[w] = r.batch(newMutator(pool, v, seed+uint64(i)*7919))
			}
		})
	}
	wg.Wait()
	r.inputs, r.decoded = r.inputsA.Load(), r.decodedA.Load()
	var err error
	for _, e := range errs {
		if e != nil {
			err = e
		}
	}
	if err == nil {
		err = r.memory(newMutator(pool, v, seed), min(n/200, 50_000))
	}
	r.took = time.Since(start)
	return r, err
}

func (r *result) batch(m *mutator) error {
	var d checker
	for range batch {
		frame := m.next()
		ok, err := d.check(frame)
		if err != nil {
			return fmt.Errorf("OpenFlow %s: %w\n%x", m.v, err, frame)
		}
		if ok {
			r.decodedA.Add(1)
		}
		r.inputsA.Add(1)
	}
	return nil
}

// Bounds of what decoding may allocate: so much for each byte, and so much
// beside.
const perByte, beside = 64, 8192

// memory measures what decoding allocates; nothing else runs meanwhile.
func (r *result) memory(m *mutator, n int) error {
	var before, after runtime.MemStats
	for range n {
		frame := m.next()
		runtime.ReadMemStats(&before)
		_, msg, _ := ofp.Decode(frame)
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(msg)
		got := after.TotalAlloc - before.TotalAlloc
		if len(frame) >= 256 {
			r.ratio = max(r.ratio, float64(got)/float64(len(frame)))
		}
		r.measured++
		if got > uint64(perByte*len(frame)+beside) {
			return fmt.Errorf("OpenFlow %s: decoding %d bytes allocates %d\n%x", m.v, len(frame), got, frame)
		}
	}
	return nil
}
