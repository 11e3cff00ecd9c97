package interop

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-sdn/sluice/ofp"
	"github.com/sluice-sdn/sluice/test/need"
)

// drawnOfEach is how many messages of each kind and version are drawn for one
// comparison.
const drawnOfEach = 16

// refused are the errors with which Open vSwitch refuses messages that the
// specification allows, or whose meaning nobody has defined.
var refused = map[string]string{
	"OFPBAC_BAD_ARGUMENT":     "it checks the arguments of actions that it does not execute",
	"OFPBAC_BAD_OUT_PORT":     "it has ports up to 0xfeff, and no output to some reserved ones",
	"OFPBAC_BAD_SET_ARGUMENT": "it checks values that are set",
	"OFPBAC_BAD_SET_LEN":      "it checks how many bits a move or load has, and in which field",
	"OFPBAC_BAD_TYPE":         "it has not every action of the specification, such as copy_ttl_in and pop_pbb",
	"OFPBAC_BAD_VENDOR_TYPE":  "actions that other releases have",
	"OFPBAC_BAD_VENDOR":       "a made-up experimenter",
	"OFPBFC_MSG_UNSUP":        "it forwards requests of fewer types, and bundles less",
	"OFPBIC_BAD_EXPERIMENTER": "it knows no instructions of experimenters",
	"OFPBIC_DUP_INST":         "each instruction may be there once",
	"OFPBIC_UNKNOWN_INST":     "it knows no instructions besides the specification's",
	"OFPBMC_BAD_FIELD":        "it has not every field, such as in_phy_port",
	"OFPBMC_BAD_LEN":          "table features with fields that it does not have",
	"OFPBMC_BAD_PREREQ":       "it asks for more fields that a field needs, and for their values",
	"OFPBMC_BAD_VALUE":        "it checks the values of fields",
	"OFPBMC_DUP_FIELD":        "registers of 32, 64 and 128 bits share their bits",
	"OFPBPC_BAD_EXP_TYPE":     "it knows no such property",
	"OFPBPC_BAD_LEN":          "it knows no such property",
	"OFPBPC_BAD_VALUE":        "it checks the next tables of table features",
	"OFPBRC_BAD_LEN":          "errors that it does not know, queue properties and meter bands of experimenters with padding",
	"OFPBRC_BAD_VENDOR":       "a made-up experimenter",
	"OFPFMFC_BAD_TABLE_ID":    "goto_table goes to a later table",
	"OFPACFC_INVALID":         "it checks the reasons of each message",
	"OFPACFC_UNSUPPORTED":     "it checks the reasons of each message",
	"OFPGMFC_BAD_WATCH":       "it wants a failover group to watch",
	"OFPGMFC_INVALID_GROUP":   "it has groups up to 0xffffff00",
	"OFPMMFC_BAD_FLAGS":       "it checks the flags of meters",
	"OFPMOFC_BAD_FLAGS":       "it checks the flags of flow monitors",
	"OFPQOFC_BAD_PORT":        "it wants a port that may be",
	"OFPTFFC_BAD_FEATURES":    "it wants all properties of a table",
	"OFPTFFC_BAD_TABLE":       "it wants a table that may be",
	"OFPBRC_EPERM":            "it wants a packet-in format that it knows",
	"OFPSCFC_BAD_FLAGS":       "it knows fewer flags",
	"NXTTMFC_BAD_OPT_LEN":     "it checks the length of options",
	"NXTTMFC_BAD_FIELD_IDX":   "an option may be there once",
	"OFPBIC_BAD_TABLE_ID":     "goto_table goes to a later table",
	"NXTTMFC_BAD_COMMAND":     "it checks the command",

	"OFPBAC_MATCH_INCONSISTENT": "it wants the match to have what an action needs",
	"OFPBMC_BAD_MASK":           "it takes no mask of some fields",
	"OFPBPC_BAD_TYPE":           "it knows no such property of a group",
	"OFPGMFC_BAD_BUCKET":        "it checks what a bucket is for",
	"OFPRRFC_BAD_ROLE":          "a role that nobody has defined",
	"OFPFMFC_BAD_COMMAND":       "a command that nobody has defined",
	"NXBRC_BAD_REASON":          "a reason that nobody has defined",
}

// otherwise are the places where the text of this project is other on purpose:
// what is found in it is changed before it is compared.
var otherwise = []struct {
	why     string
	find    *regexp.Regexp
	replace string
}{
	{"Open vSwitch hides these fields unless the version or type of the header is matched too, so that its text says less than the message",
		regexp.MustCompile(`,(?:tun_erspan_(?:idx|dir|hwid)|nsh_c[1-4])=[^, \n]+`), ""},
	{"the same, where no field stands before",
		regexp.MustCompile(`([ =])(?:tun_erspan_(?:idx|dir|hwid)|nsh_c[1-4])=[^, \n]+[ ,]?`), "$1"},
	{"Open vSwitch leaves fields that it does not have out of packet-ins", regexp.MustCompile(`,(?:in_phy_port|pbb_isid|pbb_uca|ipv6_exthdr)=[^, \n]+`), ""},
	{"a packet without an Ethernet header is not taken apart here", regexp.MustCompile(`((?s)packet_type=.*data_len=[^\n]*(?:\n userdata=[^\n]*)?\n).*`), "$1"},
	{"Open vSwitch prints fields of 1.0 that packets of this protocol do not have", regexp.MustCompile(`(arp_op=\d+),nw_tos=0,tp_src=0,tp_dst=0`), "$1"},
	{"Open vSwitch forgets a space", regexp.MustCompile(`(STP_[A-Z]+) `), "$1"},
}

// isOtherwise reports whether a difference between our text and Open vSwitch's
// is one of the list.
func isOtherwise(ours, theirs string) bool {
	for _, o := range otherwise {
		ours = o.find.ReplaceAllString(ours, o.replace)
		theirs = o.find.ReplaceAllString(theirs, o.replace)
	}
	return trimLines(ours) == trimLines(strings.ReplaceAll(theirs, "  (via", " (via"))
}

// misread is the message as Open vSwitch reads it: of tables of 1.1 it takes the
// actions that are written for those that are applied.
func misread(frame []byte) []byte {
	h, m, err := ofp.Decode(frame)
	if err != nil || h.Version != ofp.V11 {
		return frame
	}
	if r, ok := m.(*ofp.MultipartReply); ok {
		if s, ok := r.Body.(*ofp.TableStatsReply); ok {
			for i := range s.Tables {
				s.Tables[i].ApplyActions = s.Tables[i].WriteActions
			}
			frame, _ = ofp.Append(nil, h.Version, h.XID, m)
		}
	}
	return frame
}

// ovsPrints returns what ovs-ofctl prints of each message, in one run of it.
func ovsPrints(t *testing.T, all []sample) []string {
	t.Helper()
	ofctl := need.Program(t, "ovs-ofctl", "openvswitch-switch")
	const mark = 0xfeedbee0 // of the barrier after each, which shows where its text ends
	var file []byte
	for _, s := range all {
		file = append(file, s.frame...)
		var err error
		if file, err = ofp.Append(file, ofp.V10, mark, &ofp.BarrierRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(t.TempDir(), "frames")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), ofctl, "ofp-parse", name)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ovs-ofctl: %v\n%s", err, stderr.String())
	}
	texts := strings.Split(string(out), fmt.Sprintf("OFPT_BARRIER_REQUEST (xid=0x%x):\n", uint32(mark)))
	if len(texts) != len(all)+1 {
		t.Fatalf("ovs-ofctl printed %d messages, want %d", len(texts)-1, len(all))
	}
	return texts[:len(all)]
}

func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// parting is where two texts begin to differ, and some bytes before.
func parting(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return max(0, n-40)
}

// neverPrinted are the kinds of which Open vSwitch prints none: those of made-up
// experimenters, the ONF's forwarded requests before 1.3, and table features and
// groups of 1.0, of which it wants all properties in every table, and none that it
// does not know: package ofp compares those.
var neverPrinted = regexp.MustCompile(`^(experimenter|nx_group_mod|multipart_\w+: \*ofp.(Experimenter|TableFeatures)\w+|requestforward of 1.[012])`)

var decodeError = regexp.MustCompile(`\*\*\*decode error: (\w+)\*\*\*`)

// TestEveryMessagePrintsAsOpenVSwitchPrintsIt compares Print with ovs-ofctl, for
// the messages of the repository and for drawn ones of every kind and version.
func TestEveryMessagePrintsAsOpenVSwitchPrintsIt(t *testing.T) {
	for _, part := range []struct {
		name string
		all  []sample
	}{{"recorded", recorded(t)}, {"drawn", drawn(t, drawnOfEach)}} {
		t.Run(part.name, func(t *testing.T) {
			same, other, bad := map[string]int{}, map[string]int{}, 0
			for i, theirs := range ovsPrints(t, part.all) {
				s := part.all[i]
				same[s.name] += 0
				ours, theirs := trimLines(ofp.Print(s.frame)), trimLines(theirs)
				if ours == theirs {
					same[s.name]++
					continue
				}
				if e := decodeError.FindStringSubmatch(theirs); e != nil && refused[e[1]] != "" {
					other[e[1]]++
					continue
				}
				if ours = trimLines(ofp.Print(misread(s.frame))); isOtherwise(ours, theirs) {
					same[s.name]++
					other["printed otherwise"]++
					continue
				}
				if bad++; bad <= 10 {
					at := parting(ours, theirs)
					t.Errorf("%s: %x\nprints as …%q\nwant      …%q", s.name, s.frame, ours[at:min(at+300, len(ours))], theirs[at:min(at+300, len(theirs))])
				}
			}
			if bad > 0 {
				t.Errorf("%d of %d differ", bad, len(part.all))
			}
			if part.name == "drawn" {
				for kind, n := range same {
					if n == 0 && !neverPrinted.MatchString(kind) {
						t.Errorf("Open vSwitch refuses each %s", kind)
					}
				}
			}
			t.Logf("compared %d messages; refused, or other: %v", len(part.all), other)
		})
	}
}
