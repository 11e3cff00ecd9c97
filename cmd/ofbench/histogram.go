package main

import (
	"math/bits"
	"time"
)

// A histogram counts durations in 32 buckets for each doubling, so that what it
// tells is at most 3 % above the truth. Durations over 68 s count as that long.
type histogram struct {
	counts [1024]uint64
	total  uint64
	max    int64 // nanoseconds
}

const histogramTop = 1<<36 - 1

// bucketOf returns the bucket of a duration in nanoseconds.
func bucketOf(ns int64) int {
	v := uint64(min(max(ns, 0), histogramTop))
	e := max(bits.Len64(v)-6, 0)
	return e<<5 + int(v>>e)
}

// bucketEnd returns the longest duration of a bucket, in nanoseconds.
func bucketEnd(i int) int64 {
	if i < 64 {
		return int64(i)
	}
	e := i>>5 - 1
	return int64(i-e<<5+1)<<e - 1
}

// add takes over all that o has counted.
func (h *histogram) add(o *histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.total += o.total
	h.max = max(h.max, o.max)
}

// quantile returns the duration that the share q of all durations does not
// exceed; 0 if there are none.
func (h *histogram) quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.total))
	if float64(rank) < q*float64(h.total) {
		rank++
	}
	rank = max(rank, 1)
	var seen uint64
	for i, n := range h.counts {
		if seen += n; n > 0 && seen >= rank {
			return time.Duration(min(bucketEnd(i), h.max))
		}
	}
	return 0
}
