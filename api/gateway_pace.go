package api

import (
	"io"
	"net/http"
	"time"
)

// answerLimit is how long a client may take to read an answer that does not last.
const answerLimit = time.Minute

// paced bounds what the client of a request does rather than how long the request
// takes, which the gRPC server bounds: an answer must be taken within answerLimit from
// its first byte on, and of what lasts each part within stall, in both directions. That
// replaces the WriteTimeout of the server, and its ReadTimeout for the body of what lasts.
func paced(stall time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &pace{ResponseWriter: w, conn: http.NewResponseController(w)}
		if lasts(r.URL.Path) {
			p.stall = stall
			r = r.WithContext(r.Context()) // a copy
			r.Body = pacedBody{r.Body, p}
		}
		next.ServeHTTP(p, r)
		p.writeDeadline() // for what the server writes at the end
	})
}

// pace is a response whose client must keep pace.
type pace struct {
	http.ResponseWriter
	conn  *http.ResponseController
	stall time.Duration // for each part; 0: answerLimit for all of them
	begun bool
}

// writeDeadline is called before something is written. A writer that is not a
// connection's has no deadlines.
func (p *pace) writeDeadline() {
	switch {
	case p.stall > 0:
		_ = p.conn.SetWriteDeadline(time.Now().Add(p.stall))
	case !p.begun:
		_ = p.conn.SetWriteDeadline(time.Now().Add(answerLimit))
	}
	p.begun = true
}

// Write is that of http.ResponseWriter.
func (p *pace) Write(b []byte) (int, error) {
	p.writeDeadline()
	return p.ResponseWriter.Write(b)
}

// FlushError is what http.ResponseController calls.
func (p *pace) FlushError() error {
	p.writeDeadline()
	return p.conn.Flush()
}

// Unwrap gives http.ResponseController the writer below.
func (p *pace) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// pacedBody is the body of a request that lasts.
type pacedBody struct {
	io.ReadCloser
	*pace
}

// Read is that of io.Reader.
func (b pacedBody) Read(to []byte) (int, error) {
	_ = b.conn.SetReadDeadline(time.Now().Add(b.stall))
	return b.ReadCloser.Read(to)
}
