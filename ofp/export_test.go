package ofp

import "testing"

// CorpusFrames returns the messages of the recorded corpus.
func CorpusFrames(t testing.TB) (frames [][]byte) {
	t.Helper()
	for _, r := range corpus(t) {
		frames = append(frames, r.frame(t))
	}
	return frames
}
