package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/sluice-sdn/sluice/controller/channel"
	"github.com/sluice-sdn/sluice/ofp"
)

var compareSettings = cmp.AllowUnexported(settings{}, choice{}, recordSettings{})

// given resolves settings as the daemon does.
func given(t *testing.T, args []string, env map[string]string, file string) (*settings, error) {
	t.Helper()
	s := defaults()
	flags := s.flags()
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	lookup := func(name string) (string, bool) {
		text, ok := env[name]
		return text, ok
	}
	err := resolve(flags, lookup, "f.yaml", strings.NewReader(file))
	return s, err
}

func TestPrecedence(t *testing.T) {
	const file = "http: 127.0.0.1:3\nlog-level: warn\napps: []\n"
	env := map[string]string{"SLUICE_HTTP": "127.0.0.1:2", "SLUICE_LOG_FORMAT": "json"}
	args := []string{"--http", "127.0.0.1:1"}
	for _, test := range []struct {
		name string
		args []string
		env  map[string]string
		file string
		want func(s *settings)
	}{
		{"nothing: defaults", nil, nil, "", func(*settings) {}},
		{"file of comments only", nil, nil, "# openflow: :1\n", func(*settings) {}},
		{"file", nil, nil, file, func(s *settings) { s.http, s.logLevel, s.apps = "127.0.0.1:3", level(logrus.WarnLevel), nil }},
		{"environment", nil, env, "", func(s *settings) { s.http, s.logFormat.value = "127.0.0.1:2", "json" }},
		{"flag", args, nil, "", func(s *settings) { s.http = "127.0.0.1:1" }},
		{"environment before file", nil, env, file, func(s *settings) {
			s.http, s.logFormat.value, s.logLevel, s.apps = "127.0.0.1:2", "json", level(logrus.WarnLevel), nil
		}},
		{"flag before environment and file", args, env, file, func(s *settings) {
			s.http, s.logFormat.value, s.logLevel, s.apps = "127.0.0.1:1", "json", level(logrus.WarnLevel), nil
		}},
		{"flag with the default's value before environment", []string{"--openflow", ":6653"},
			map[string]string{"SLUICE_OPENFLOW": ":7"}, "openflow: :8", func(*settings) {}},
		{"no apps by flag before apps in the file", []string{"--apps", ""}, nil, "apps: [l2switch]", func(s *settings) { s.apps = nil }},
		{"no apps by name", []string{"--apps", "none"}, nil, "", func(s *settings) { s.apps = nil }},
		{"no apps by empty environment", nil, map[string]string{"SLUICE_APPS": ""}, "", func(s *settings) { s.apps = nil }},
		{"yes in the file", nil, nil, "extensions: true", func(s *settings) { s.extensions = true }},
		{"yes by the flag alone", []string{"--extensions"}, nil, "", func(s *settings) { s.extensions = true }},
		{"yes in the environment, no by flag", []string{"--extensions=false"}, map[string]string{"SLUICE_EXTENSIONS": "true"}, "", func(*settings) {}},
		{"sizes and numbers in the file", nil, nil, "record: a.pcapng\nrecord-size: 2GiB\nrecord-files: 7", func(s *settings) {
			s.recording = recordSettings{"a.pcapng", 2 << 30, 7}
		}},
		{"a size in bytes", []string{"--record-size=1048577"}, nil, "record-size: 524288", func(s *settings) { s.recording.size = 1<<20 + 1 }},
		{"several addresses by flag before the file's", []string{"--openflow", ":7", "--openflow", "unix:/s,ssl:[::1]:8"}, nil, "openflow: ':9'", func(s *settings) {
			s.openflow = endpoints{{Transport: channel.TransportTCP, Addr: ":7"}, {Transport: channel.TransportUnix, Addr: "/s"}, {Transport: channel.TransportTLS, Addr: "[::1]:8"}}
		}},
		{"several addresses in the environment before the file's", nil, map[string]string{"SLUICE_OPENFLOW": ":7, unix:/s"}, "openflow: ':9'", func(s *settings) {
			s.openflow = endpoints{{Transport: channel.TransportTCP, Addr: ":7"}, {Transport: channel.TransportUnix, Addr: "/s"}}
		}},
		{"several addresses in the file", nil, nil, "openflow: [':7', 'pssl:8:::1']", func(s *settings) {
			s.openflow = endpoints{{Transport: channel.TransportTCP, Addr: ":7"}, {Transport: channel.TransportTLS, Addr: "[::1]:8"}}
		}},
		{"pins", []string{"--tls-pin", "1=br0", "--tls-pin", "dpid", "--tls-pin=00:00:00:00:00:00:00:01=urn:b"}, nil, "", func(s *settings) {
			s.tlsPin = pins{Names: map[ofp.DPID][]string{1: {"br0", "urn:b"}}, ByDPID: true}
		}},
		{"no pins in the environment before the file's", nil, map[string]string{"SLUICE_TLS_PIN": ""}, "tls-pin: [dpid]", func(*settings) {}},
		{"limits in the file, others by flag", []string{"--packet-in-rate", "arp=5:7"}, nil, "packet-in-rate: ip=9\n", func(s *settings) {
			s.packetIn.Limits[channel.ClassARP] = channel.Limit{Rate: 5, Burst: 7}
		}},
		{"meter by flag", []string{"--controller-meter", "1000:50"}, nil, "", func(s *settings) { s.meter.Limit = channel.Limit{Rate: 1000, Burst: 50} }},
		{"switches to connect to, and none by flag", []string{"--connect", ""}, nil, "connect: [tcp:10.0.0.1]\nmax-pending: 7\nconnect-rate: '0'", func(s *settings) {
			s.maxPending, s.rate = 7, 0
		}},
		{"switches to connect to", []string{"--connect", "10.0.0.1", "--connect=unix:/s,ssl:sw1:6640"}, nil, "", func(s *settings) {
			s.connect = targets{{Transport: channel.TransportTCP, Addr: "10.0.0.1:6653"}, {Transport: channel.TransportUnix, Addr: "/s"}, {Transport: channel.TransportTLS, Addr: "sw1:6640"}}
		}},
		{"apps as text", nil, nil, "apps: l2switch", func(*settings) {}},
		{"alias", nil, nil, "grpc: &here '[::1]:7'\nhttp: *here\n", func(s *settings) { s.grpc, s.http = "[::1]:7", "[::1]:7" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := given(t, test.args, test.env, test.file)
			if err != nil {
				t.Fatal(err)
			}
			want := defaults()
			test.want(want)
			if diff := cmp.Diff(want, got, compareSettings); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWrongSettings(t *testing.T) {
	const keys = "there are: openflow, connect, tls-cert, tls-key, tls-ca, tls-pin, max-pending, connect-rate, connect-rate-total, grpc, http, apps, extensions, packet-in-rate, controller-meter, state, owner-flows, foreign, foreign-keep, reconcile-period, role, generation-id, async, record, record-size, record-files, log-level, log-format"
	for _, test := range []struct {
		name string
		env  map[string]string
		file string
		want string
	}{
		{"unknown key", nil, "http: :1\nopnflow: :2\n", `f.yaml:2: unknown key "opnflow" (did you mean openflow?); ` + keys},
		{"unknown key like nothing", nil, "telemetry: true", `f.yaml:1: unknown key "telemetry"; ` + keys},
		{"config is no key", nil, "config: other.yaml", `f.yaml:1: unknown key "config"; ` + keys},
		{"key twice", nil, "http: :1\n\nhttp: :2\n", "f.yaml:3: http: stands in line 1 already"},
		{"number for an address", nil, "http: 6653", "f.yaml:1: http: is a number; want a text"},
		{"number for addresses", nil, "openflow: 6653", "f.yaml:1: openflow: is a number; want a text or a list of texts"},
		{"number among addresses", nil, "openflow: [':6653', 1]", "f.yaml:1: openflow: item 2 is a number; want a text"},
		{"no addresses", nil, "openflow: []", "f.yaml:1: openflow: is empty; want where switches connect, such as :6653"},
		{"no address among addresses", nil, "openflow: ':6653,host'", `f.yaml:1: openflow: "host" is no address; want [HOST]:PORT`},
		{"too many", nil, "max-pending: 1000001", `f.yaml:1: max-pending: "1000001" is no number from 0 to 1000000`},
		{"below zero", nil, "connect-rate: -1", `f.yaml:1: connect-rate: "-1" is no number from 0 to 1000000`},
		{"text for a number", nil, "connect-rate: true", "f.yaml:1: connect-rate: is true or false; want a number"},
		{"what the switch is told", nil, "connect: ptcp:6640", "f.yaml:1: connect: ptcp: is what the switch is told; here it is tcp:HOST:PORT, where the switch listens"},
		{"no pin", nil, "tls-pin: [br0]", `f.yaml:1: tls-pin: "br0" is no pin; want DPID=NAME, NAME being a name of the switch's certificate, or dpid`},
		{"address twice", nil, "openflow: ':6653,tcp::6653'", `f.yaml:1: openflow: "tcp::6653" is listed twice`},
		{"number for a yes or no", nil, "extensions: 1", "f.yaml:1: extensions: is a number; want true or false"},
		{"text for a number", nil, "record-files: many", `f.yaml:1: record-files: "many" is not a number from 1 to 1000`},
		{"yes for a number", nil, "record-files: true", "f.yaml:1: record-files: is true or false; want a number"},
		{"no size", nil, "record-size: 5MB", `f.yaml:1: record-size: "5MB" is no size; want a number of KiB, MiB or GiB, such as 100MiB`},
		{"a small size", nil, "record-size: 1KiB", `f.yaml:1: record-size: "1KiB" is too small; want 512KiB at least`},
		{"a great size", nil, "record-size: 99999999999GiB", `f.yaml:1: record-size: "99999999999GiB" is no size; want a number of KiB, MiB or GiB, such as 100MiB`},
		{"word for a yes or no", nil, "extensions: maybe", `f.yaml:1: extensions: "maybe" is neither true nor false`},
		{"nothing for an address", nil, "openflow:", "f.yaml:1: openflow: is empty; want a text or a list of texts"},
		{"list for a level", nil, "log-level: [info]", "f.yaml:1: log-level: is a list; want a text"},
		{"mapping for apps", nil, "apps: {l2switch: true}", "f.yaml:1: apps: is a mapping; want a list such as [l2switch]"},
		{"no generation id", nil, "generation-id: -1", "f.yaml:1: generation-id: \"-1\" is no generation id: want a number, 0 to 18446744073709551614"},
		{"word for a generation id", nil, "generation-id: [1]", "f.yaml:1: generation-id: is a list; want a number"},
		{"number in apps", nil, "apps: [l2switch, 2]", "f.yaml:1: apps: item 2 is a number; want a text"},
		{"list that holds itself", nil, "apps: &a [*a]", "f.yaml:1: apps: item 1 is a list; want a text"},
		{"no port", nil, "http: localhost", `f.yaml:1: http: "localhost" is no address; want HOST:PORT or :PORT, such as 127.0.0.1:8653`},
		{"port too high", nil, "http: :65536", `f.yaml:1: http: ":65536": port 65536 is out of range: want 1 to 65535, or 0 for a free one`},
		{"unknown app", nil, "apps: [l2swich]", `f.yaml:1: apps: unknown app "l2swich" (did you mean l2switch?); there are: l2switch`},
		{"app twice", map[string]string{"SLUICE_APPS": "l2switch,l2switch"}, "", `SLUICE_APPS: app "l2switch" is listed twice`},
		{"class that is none", nil, "packet-in-rate: udp=5", `f.yaml:1: packet-in-rate: unknown class "udp"; want arp=RATE, lldp=RATE, ip=RATE, other=RATE`},
		{"rate that is none", map[string]string{"SLUICE_PACKET_IN_RATE": "arp=5,ip=fast"}, "", `SLUICE_PACKET_IN_RATE: ip: rate "fast": want a number of packets from 0 to 1000000000`},
		{"meter that is none", nil, "controller-meter: '5:0'", `f.yaml:1: controller-meter: burst "0": want a number of packets from 1 to 1000000000`},
		{"bad environment", map[string]string{"SLUICE_LOG_LEVEL": "inf"}, "", `SLUICE_LOG_LEVEL: unknown level "inf" (did you mean info?); want one of: error, warn, info, debug, trace`},
		{"bad in the file, though the environment goes before", map[string]string{"SLUICE_LOG_FORMAT": "json"}, "log-format: xml", `f.yaml:1: log-format: "xml" is not one of: text, json`},
		{"all at once", nil, "x: 1\nhttp: 2\n", "f.yaml:1: unknown key \"x\"; " + keys + "\nf.yaml:2: http: is a number; want a text"},
		{"no mapping", nil, "- openflow", `f.yaml:1: is a list; want lines such as "openflow: :6653"`},
		{"two documents", nil, "http: :1\n---\nhttp: :2\n", "f.yaml:2: a second document; want one"},
		{"no YAML", nil, "http: [", "f.yaml: yaml: line 1: did not find expected node content"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := given(t, nil, test.env, test.file)
			if err == nil {
				t.Fatal("taken as right")
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

// However much was written, an error repeats the beginning of it and says at once
// what is wrong.
func TestHugeNonsense(t *testing.T) {
	const most = 512 // bytes of the whole error
	huge := strings.Repeat("é", 2<<20)
	unset := func(string) (string, bool) { return "", false }
	for _, test := range []struct {
		name string
		env  map[string]string
		file string
		says string
	}{
		{"key", nil, "? " + huge + "\n: x", `unknown key "éé`},
		{"address", nil, "http: " + huge, "is no address; want HOST:PORT"},
		{"level", nil, "log-level: " + huge, "want one of: error"},
		{"form", map[string]string{"SLUICE_LOG_FORMAT": huge}, "", "is not one of: text, json"},
		{"app", map[string]string{"SLUICE_APPS": huge}, "", "there are: l2switch"},
		{"app in a list", nil, "apps: [l2switch, " + huge + "]", "there are: l2switch"},
		{"tag", nil, "http: !" + strings.Repeat("t", 1<<20) + " x", "want a text"},
		{"anchor", nil, "http: *" + strings.Repeat("a", 1<<20), "unknown anchor"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := given(t, nil, test.env, test.file)
			if err == nil {
				t.Fatal("taken as right")
			}
			checkShort(t, err.Error(), most, test.says)
		})
	}
	for _, test := range []struct {
		name, says string
		arg        string
	}{
		{"flag's value", "is no address; want HOST:PORT", "--http=" + huge},
		{"flag's name", "unknown flag: --éé", "--" + huge},
		{"short flags", "unknown shorthand flag", "-" + huge},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stderr strings.Builder
			if status := run(t.Context(), []string{test.arg}, unset, io.Discard, &stderr); status != 2 {
				t.Errorf("exit status %d, want 2", status)
			}
			checkShort(t, stderr.String(), most, test.says)
		})
	}
}

func checkShort(t *testing.T, s string, most int, says string) {
	t.Helper()
	switch {
	case len(s) > most:
		t.Errorf("an error of %d bytes, want at most %d: %.100q…", len(s), most, s)
	case !strings.Contains(s, says):
		t.Errorf("error %q lacks %q", s, says)
	case strings.Contains(s, "\\x") || !utf8.ValidString(s):
		t.Errorf("error %q is cut in a character", s)
	}
}

// The example documents every key, and its values are the defaults.
func TestExampleFile(t *testing.T) {
	text, err := os.ReadFile("../../docs/sluiced.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// Resolved over settings that differ from the defaults everywhere, so that a
	// key that is missing from the example shows.
	got := &settings{logFormat: choice{value: "json", of: []string{"text", "json"}}, state: "elsewhere",
		tlsCert: "c", tlsKey: "k", tlsCA: "ca", tlsPin: pins{ByDPID: true},
		connect: targets{{Addr: "x"}}, packetIn: packetInRate{channel.Limits{{Rate: 1}}}, meter: controllerMeter{channel.Limit{Rate: 1}},
		role: choice{value: "slave", of: []string{"equal", "master", "slave"}}, generation: 7, async: "packet-in=none",
		recording: recordSettings{path: "r", size: 1, files: 1}}
	flags := got.flags()
	if err := resolve(flags, func(string) (string, bool) { return "", false }, "example", bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(defaults(), got, compareSettings); diff != "" {
		t.Errorf("the example is not the defaults (-default +example):\n%s", diff)
	}

	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	commented := make(map[string]bool)
	for i := 0; i < len(doc.Content[0].Content); i += 2 {
		key := doc.Content[0].Content[i]
		commented[key.Value] = key.HeadComment != ""
	}
	flags.VisitAll(func(f *pflag.Flag) {
		if !commented[f.Name] {
			t.Errorf("%s stands in the example without a comment, or not at all", f.Name)
		}
	})
}

func TestCommandLine(t *testing.T) {
	unset := func(string) (string, bool) { return "", false }
	for _, test := range []struct {
		name   string
		args   []string
		status int
		stdout string // has this in it
		stderr string // is this
	}{
		{"help", []string{"--help"}, 0, "sluiced --apps none", ""},
		{"version", []string{"--version"}, 0, "sluiced " + thisBuild().version, ""},
		{"unknown flag", []string{"--opneflow", ":1"}, 2, "", "sluiced: unknown flag: --opneflow (did you mean openflow?)\nsluiced: see sluiced --help\n"},
		{"bad value", []string{"--http", "x"}, 2, "", "sluiced: invalid argument \"x\" for \"--http\" flag: \"x\" is no address; want HOST:PORT or :PORT, such as 127.0.0.1:8653\nsluiced: see sluiced --help\n"},
		{"TLS without a certificate", []string{"--openflow", "ssl::6654"}, 2, "", "sluiced: --openflow ssl::6654 wants --tls-cert and --tls-key, the controller's certificate and its key\nsluiced: see sluiced --help\n"},
		{"certificate without its key", []string{"--tls-cert", "x"}, 2, "", "sluiced: --tls-cert and --tls-key go together: a certificate is of no use without its key\nsluiced: see sluiced --help\n"},
		{"TLS to a switch without a certificate", []string{"--connect", "ssl:h:1"}, 2, "", "sluiced: --connect ssl:h:1 wants --tls-cert and --tls-key, the controller's certificate and its key\nsluiced: see sluiced --help\n"},
		{"no room", []string{"--max-pending", "0"}, 2, "", "sluiced: --max-pending 0 would let no switch connect; want 1 at least\nsluiced: see sluiced --help\n"},
		{"CA alone", []string{"--tls-ca", "x"}, 2, "", "sluiced: --tls-ca wants --tls-cert and --tls-key, the controller's certificate and its key\nsluiced: see sluiced --help\n"},
		{"pins without a CA", []string{"--tls-pin", "dpid"}, 2, "", "sluiced: --tls-pin wants --tls-ca: a name counts only in a certificate that was verified\nsluiced: see sluiced --help\n"},
		{"certificate that is not there", []string{"--openflow", "ssl::0", "--tls-cert", "/nonexistent/c", "--tls-key", "/nonexistent/k"}, 1, "", "sluiced: TLS: stat /nonexistent/c: no such file or directory\nsluiced: stat /nonexistent/k: no such file or directory\n"},
		{"argument", []string{"start"}, 2, "", "sluiced: unexpected argument \"start\"; all settings are flags\nsluiced: see sluiced --help\n"},
		{"no such file", []string{"--config", "/nonexistent/f"}, 2, "", "sluiced: reading the configuration: open /nonexistent/f: no such file or directory\nsluiced: see sluiced --help\n"},
		{"file is a directory", []string{"--config", "/"}, 2, "", "sluiced: /: yaml: input error: read /: is a directory\nsluiced: see sluiced --help\n"},
		{"state is no directory", []string{"--state", "/dev/null"}, 1, "", "sluiced: --state: mkdir /dev/null: not a directory\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			status := run(t.Context(), test.args, unset, &stdout, &stderr)
			if status != test.status {
				t.Errorf("exit status %d, want %d", status, test.status)
			}
			if !strings.Contains(stdout.String(), test.stdout) {
				t.Errorf("standard output %q lacks %q", stdout.String(), test.stdout)
			}
			if diff := cmp.Diff(test.stderr, stderr.String()); diff != "" {
				t.Errorf("standard error (-want +got):\n%s", diff)
			}
		})
	}
}

// SLUICE_CONFIG names the file where --config does not.
func TestConfigFlag(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f.yaml")
	if err := os.WriteFile(file, []byte("opnflow: :1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lookup := func(name string) (string, bool) { return file, name == "SLUICE_CONFIG" }
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"environment", nil, "sluiced: " + file + ":1: unknown key"},
		{"flag first", []string{"--config", "/nonexistent/f"}, "sluiced: reading the configuration: open /nonexistent/f: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stderr strings.Builder
			if status := run(t.Context(), test.args, lookup, io.Discard, &stderr); status != 2 {
				t.Errorf("exit status %d, want 2", status)
			}
			if !strings.HasPrefix(stderr.String(), test.want) {
				t.Errorf("standard error %q, want it to begin %q", stderr.String(), test.want)
			}
		})
	}
}

// Whatever a file holds, reading it ends with settings or an error.
func FuzzFile(f *testing.F) {
	f.Add("openflow: :6653\napps: [l2switch]\n")
	f.Add("apps: &a [*a]")
	f.Add("? {a: b}\n: c")
	f.Fuzz(func(t *testing.T, file string) {
		s := defaults()
		var in io.Reader = strings.NewReader(file)
		_ = resolve(s.flags(), func(string) (string, bool) { return "", false }, "f.yaml", in)
	})
}
