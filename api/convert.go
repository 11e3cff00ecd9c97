package api

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/sluice-sdn/sluice/ofp"
)

// convertAlone is how many changes are converted by one goroutine: below that
// another one would not be worth its while.
const convertAlone = 1000

// toMessages converts changes, many of them on all processors. The error is that
// of the first change which has one.
func toMessages[T any, M ofp.Message](changes []T, names *ofp.Names, convert func(T, *ofp.Names) (M, error)) ([]ofp.Message, error) {
	msgs := make([]ofp.Message, len(changes))
	part := func(from, to int) error {
		for i, c := range changes[from:to] {
			m, err := convert(c, names)
			if err != nil {
				return invalid(at(fmt.Sprintf("changes[%d]", from+i), err))
			}
			msgs[from+i] = m
		}
		return nil
	}
	workers := min(runtime.GOMAXPROCS(0), len(changes)/convertAlone)
	if workers < 2 {
		return msgs, part(0, len(changes))
	}
	errs, panics := make([]error, workers), make([]string, workers)
	var running sync.WaitGroup
	for w := range workers {
		running.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					panics[w] = fmt.Sprintf("%v\n%s", p, debug.Stack())
				}
			}()
			errs[w] = part(len(changes)*w/workers, len(changes)*(w+1)/workers)
		})
	}
	running.Wait()
	for w := range workers {
		if panics[w] != "" {
			panic(panics[w]) // for whoever recovers those of this call
		}
		if errs[w] != nil {
			return nil, errs[w]
		}
	}
	return msgs, nil
}
