package channel

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseListen(t *testing.T) {
	for in, want := range map[string]Endpoint{
		":6653":                {TransportTCP, ":6653"},
		"127.0.0.1:0":          {TransportTCP, "127.0.0.1:0"},
		"[::1]:6653":           {TransportTCP, "[::1]:6653"},
		"tcp::6653":            {TransportTCP, ":6653"},
		"tcp:6653":             {TransportTCP, ":6653"},
		"tcp:[::1]:6653":       {TransportTCP, "[::1]:6653"},
		"ssl:host.example:1":   {TransportTLS, "host.example:1"},
		"tls::6654":            {TransportTLS, ":6654"},
		"ssl:6654":             {TransportTLS, ":6654"},
		"ptcp:":                {TransportTCP, ":6653"},
		"ptcp:6653":            {TransportTCP, ":6653"},
		"ptcp:6633:127.0.0.1":  {TransportTCP, "127.0.0.1:6633"},
		"pssl:6633:[::1]":      {TransportTLS, "[::1]:6633"},
		"pssl:6633:::1":        {TransportTLS, "[::1]:6633"},
		"unix:/run/o.sock":     {TransportUnix, "/run/o.sock"},
		"punix:relative":       {TransportUnix, "relative"},
		"unix:/with:colon:123": {TransportUnix, "/with:colon:123"},
	} {
		got, err := ParseListen(in)
		if err != nil || got != want {
			t.Errorf("%q: %v, error %v; want %v", in, got, err, want)
			continue
		}
		if again, err := ParseListen(got.String()); err != nil || again != got {
			t.Errorf("%q is written as %q, which is %v, error %v", in, got, again, err)
		}
	}
	for in, want := range map[string]string{
		"":                    `"" is no address; want [HOST]:PORT`,
		"host":                `"host" is no address; want [HOST]:PORT`,
		":65536":              `":65536": port 65536 is out of range: want 1 to 65535, or 0 for a free one to listen on`,
		"ssl:h:99999":         `"h:99999": port 99999 is out of range: want 1 to 65535, or 0 for a free one to listen on`,
		"tcp:":                `"" is no address; want tcp:[HOST]:PORT`,
		"ssl:127.0.0.1":       `"127.0.0.1" is no address; want ssl:[HOST]:PORT`,
		"http://x":            `"http://x" is no address; want [HOST]:PORT`,
		"ptcp:127.0.0.1:6653": `"6653:127.0.0.1" is no address; want ptcp:PORT or ptcp:PORT:HOST`,
		"unix:":               "unix: wants the path of a socket, such as unix:/run/sluice/openflow.sock",
		"unix:a\x00b":         `unix:"a\x00b": no path has a zero byte`,
		"unix:" + strings.Repeat("x", 108): "unix:" + strings.Repeat("x", 64) +
			"…: the path has 108 bytes, a socket's may have 107",
	} {
		if got, err := ParseListen(in); err == nil || err.Error() != want {
			t.Errorf("%q: %v, error %v; want %s", in, got, err, want)
		}
	}
}

func TestParseConnect(t *testing.T) {
	for in, want := range map[string]Endpoint{
		"tcp:10.0.0.1:6653": {TransportTCP, "10.0.0.1:6653"},
		"10.0.0.1:6653":     {TransportTCP, "10.0.0.1:6653"},
		"tcp:10.0.0.1":      {TransportTCP, "10.0.0.1:6653"},
		"ssl:[::1]":         {TransportTLS, "[::1]:6653"},
		"tls:sw1:1":         {TransportTLS, "sw1:1"},
		"ssl":               {TransportTCP, "ssl:6653"}, // a host of that name
		"unix:/run/br0.snk": {TransportUnix, "/run/br0.snk"},
	} {
		got, err := ParseConnect(in)
		if err != nil || got != want {
			t.Errorf("%q: %v, error %v; want %v", in, got, err, want)
			continue
		}
		if again, err := ParseConnect(got.String()); err != nil || again != got {
			t.Errorf("%q is written as %q, which is %v, error %v", in, got, again, err)
		}
	}
	for in, want := range map[string]string{
		"":                    `"" is no address; want HOST:PORT`,
		"tcp::6653":           `"tcp::6653" has no host to connect to; want tcp:HOST:PORT`,
		"tcp:h:p":             `"h:p" is no address; want tcp:HOST:PORT`,
		"::1":                 `"::1" is no address; want HOST:PORT`,
		"ptcp:6653:127.0.0.1": "ptcp: is what the switch is told; here it is tcp:HOST:PORT, where the switch listens",
		"pssl:6653":           "pssl: is what the switch is told; here it is ssl:HOST:PORT, where the switch listens",
		"punix:/x":            "punix:PATH is what the switch is told; here it is unix:PATH",
	} {
		if got, err := ParseConnect(in); err == nil || err.Error() != want {
			t.Errorf("%q: %v, error %v; want %s", in, got, err, want)
		}
	}
}

func FuzzEndpoint(f *testing.F) {
	for _, s := range []string{":6653", "ssl", "ssl:[::1]:1", "ptcp:1:::1", "unix:/x", "tcp:]:[", "tcp:[]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if e, err := ParseListen(s); err == nil {
			if again, err := ParseListen(e.String()); err != nil || again != e {
				t.Errorf("%q is %q, which is %q again, error %v", s, e, again, err)
			}
		} else if len(err.Error()) > 1000 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
		if e, err := ParseConnect(s); err == nil {
			if again, err := ParseConnect(e.String()); err != nil || again != e {
				t.Errorf("%q is %q, which is %q again, error %v", s, e, again, err)
			}
		}
	})
}

// TestUnixSocket: the socket is its owner's and group's, replaces one that a dead
// process left, and no other, and is gone when the listener is.
func TestUnixSocket(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()

	defer syscall.Umask(syscall.Umask(0o077))
	e := Endpoint{TransportUnix, path}
	ln, err := e.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
	if _, err := e.Listen(t.Context()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second listener: error %v", err)
	}

	client, err := e.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := ln.Accept() // the second listener's try, which hung up at once
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	server, err = ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if diff := cmp.Diff([]string{"unix", "unix:" + path, "unix:" + path}, []string{server.RemoteAddr().Network(), server.RemoteAddr().String(), client.RemoteAddr().String()}); diff != "" {
		t.Errorf("addresses: %s", diff)
	}
	// Half of it can be closed, as the end of a refused connection needs.
	if err := server.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Error(err)
	}
	if n, err := client.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("read %d bytes, error %v", n, err)
	}

	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}

	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (Endpoint{TransportUnix, file}).Listen(t.Context()); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("listening on a file: error %v", err)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "precious" {
		t.Errorf("the file holds %q, error %v", b, err)
	}
}
