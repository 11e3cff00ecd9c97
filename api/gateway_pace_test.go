package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// piped is a listener whose connections are pipes, for which time is that of the test.
type piped struct {
	conns chan net.Conn
	ended chan struct{}
}

func (p piped) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p piped) Close() error   { close(p.ended); return nil }
func (p piped) Addr() net.Addr { return &net.TCPAddr{} }

// pacedServer serves h paced, with limits for a request as those of sluiced, over the
// connection that it returns. It must be called in a bubble of synctest.
func pacedServer(t *testing.T, h http.Handler) net.Conn {
	t.Helper()
	l := piped{make(chan net.Conn), make(chan struct{})}
	s := &http.Server{Handler: paced(30*time.Second, h), ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	ours, theirs := net.Pipe()
	l.conns <- theirs
	t.Cleanup(func() {
		ours.Close()
		_ = s.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return ours
}

// TestStreamLasts: a stream is not cut after the time that a request may take, and its
// context ends when the client leaves.
func TestStreamLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := make(chan error, 1)
		conn := pacedServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for i := 0; ; i++ {
				if _, err := fmt.Fprintln(w, i); err != nil {
					over <- err
					return
				}
				if err := http.NewResponseController(w).Flush(); err != nil {
					over <- err
					return
				}
				select {
				case <-time.After(10 * time.Minute):
				case <-r.Context().Done():
					over <- r.Context().Err()
					return
				}
			}
		}))
		if _, err := io.WriteString(conn, "GET /v1/history/watch HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(resp.Body)
		for i := range 5 {
			if !lines.Scan() || lines.Text() != fmt.Sprint(i) {
				t.Fatalf("line %d is %q, %v", i, lines.Text(), lines.Err())
			}
		}
		conn.Close()
		if err := <-over; !errors.Is(err, context.Canceled) {
			t.Errorf("the client leaves: %v", err)
		}
	})
}

// TestClientDoesNotRead: who takes nothing is let go, of a stream and of any answer.
func TestClientDoesNotRead(t *testing.T) {
	for path, want := range map[string]time.Duration{"/v1/history/watch": 30 * time.Second, "/v1/switches": time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			over := make(chan error, 1)
			conn := pacedServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if path == "/v1/switches" {
					time.Sleep(5 * time.Minute) // a call that takes its time costs the answer none
				}
				var err error
				for err == nil {
					_, err = w.Write(make([]byte, 64<<10))
				}
				over <- err
			}))
			if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if path == "/v1/switches" {
				time.Sleep(5 * time.Minute)
				stop, stopped := make(chan struct{}), make(chan struct{})
				defer func() { close(stop); conn.Close(); <-stopped }()
				go func() { // a little at a time is too slow, too
					defer close(stopped)
					for {
						select {
						case <-time.After(21 * time.Second):
							if _, err := io.CopyN(io.Discard, conn, 64<<10); err != nil {
								return
							}
						case <-stop:
							return
						}
					}
				}()
			}
			began := time.Now()
			if err := <-over; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != want {
				t.Errorf("%s: %v after %v, want %v", path, err, time.Since(began), want)
			}
		})
	}
}

// TestClientDoesNotSend: the body of an ordinary request must be there in time as a
// whole, and of a file each part; a call that takes longer is not ended by that.
func TestClientDoesNotSend(t *testing.T) {
	for path, parts := range map[string]int{restorePath: 10, "/v1/apply": 1} {
		synctest.Test(t, func(t *testing.T) {
			over := make(chan error, 1)
			n := 0
			conn := pacedServer(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				var err error
				for err == nil {
					if _, err = io.ReadFull(r.Body, make([]byte, 1)); err == nil {
						n++
					}
				}
				if errors.Is(err, io.EOF) {
					select {
					case <-time.After(time.Hour):
					case <-r.Context().Done():
						err = r.Context().Err()
					}
				}
				over <- err
			}))
			send := func(text string) {
				if _, err := io.WriteString(conn, text); err != nil {
					t.Fatal(err)
				}
			}
			send("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n")
			for range parts {
				time.Sleep(20 * time.Second)
				send("x")
			}
			if err := <-over; !errors.Is(err, os.ErrDeadlineExceeded) || n != parts {
				t.Errorf("%s: %d parts, %v", path, n, err)
			}
			conn.Close()

			conn = pacedServer(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, err := io.Copy(io.Discard, r.Body)
				select {
				case <-time.After(time.Hour):
				case <-r.Context().Done():
					err = r.Context().Err()
				}
				over <- err
			}))
			send("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
			if err := <-over; err != nil {
				t.Errorf("%s: a call that takes an hour: %v", path, err)
			}
		})
	}
}
