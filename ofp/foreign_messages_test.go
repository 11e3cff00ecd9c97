package ofp

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// foreign is one line of testdata/foreign: a message from the tests of another
// implementation.
type foreign struct {
	Source string `json:"-"` // the file
	Name   string
	Hex    string
	OVS    string // what ovs-ofctl ofp-print of Open vSwitch 3.1 says
}

func foreignMessages(t testing.TB) (all []foreign) {
	t.Helper()
	names, err := filepath.Glob("testdata/foreign/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			f := foreign{Source: strings.TrimSuffix(filepath.Base(name), ".jsonl")}
			if err := json.Unmarshal([]byte(line), &f); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			f.Name = f.Source + " " + f.Name
			all = append(all, f)
		}
	}
	return all
}

func (f foreign) frame(t testing.TB) []byte {
	t.Helper()
	b, err := hex.DecodeString(f.Hex)
	if err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	return b
}

// foreignRefused names the foreign messages that are not decoded, with the
// reason.
var foreignRefused = map[string]string{
	"os-ken 1.0 NiciraHeader #1":      "22 bytes of text follow the number of a message of 8 bytes",
	"os-ken 1.0 OFPFlowStatsReply #1": "the flow says 96 bytes, and 88 are there",
	"os-ken 1.0 OFPSwitchFeatures #1": "the port has 44 of its 48 bytes",
	"os-ken 1.2 OFPPacketIn #3":       "the padding after the match is missing",
	"os-ken 1.0 OFPHello #3":          "an error message of nothing but a header",

	"ovs-tests features reply 1.0 cut off": "a port is cut off, which is what the test is about",
	"ovs-tests features reply 1.1 cut off": "a port is cut off, which is what the test is about",

	"ovs-actions 1.0 bad output longer than the list":    wrongLength,
	"ovs-actions 1.0 bad output of 16 bytes":             wrongLength,
	"ovs-actions 1.0 bad dec_ttl of 17 bytes":            wrongLength,
	"ovs-actions 1.0 controller2 bad padding":            "a property says 13124 bytes, and 8 are there",
	"ovs-actions 1.0 controller2 bad property":           "a property says 13124 bytes, and 8 are there",
	"ovs-actions 1.3 set_field of a wrong length":        wrongLength,
	"ovs-actions 1.1 instruction of 9 bytes instruction": wrongLength,
	"ovs-actions 1.1 goto of 16 bytes instruction":       wrongLength,
	"ovs-actions 1.1 write_metadata short instruction":   wrongLength,
	"ovs-actions 1.1 write_metadata long instruction":    wrongLength,
	"ovs-actions 1.1 clear_actions long instruction":     wrongLength,

	"loxigen 1.3 meter_config_stats_reply": "bands stand where the meters should",
}

// foreignChanged names the foreign messages that are written otherwise than they
// were read, with the reason.
var foreignChanged = map[string]string{
	"ovs-actions 1.1 apply with padding instruction":                 instructionPadding,
	"ovs-actions 1.1 goto with padding instruction":                  instructionPadding,
	"ovs-actions 1.1 empty write_actions with padding instruction":   instructionPadding,
	"ovs-actions 1.1 clear_actions with padding instruction":         instructionPadding,
	"ovs-actions 1.1 clear_actions with padding at once instruction": instructionPadding,
}

// foreignText names the foreign messages whose text differs from Open vSwitch's,
// with the reason.
var foreignText = map[string]string{
	"os-ken 1.0 OFPAggregateStatsRequest #1": fieldsWithoutPrerequisite,
	"os-ken 1.0 OFPFlowStatsRequest #1":      fieldsWithoutPrerequisite,
	"os-ken 1.2 OFPPortMod #4":               portMax,
	"os-ken 1.2 OFPPortStatsRequest #4":      portMax,
	"os-ken 1.2 OFPPortStatus #4":            portMax,
	"os-ken 1.2 OFPPortStatus #5":            portMax,
	"os-ken 1.2 OFPQueueStatsRequest #4":     portMax,

	"ovs-tests flow removed 1.0":             fieldsWithoutPrerequisite,
	"ovs-tests flow reply 1.0":               fieldsWithoutPrerequisite,
	"ovs-tests role status 1.4 experimenter": notSpoken,
	"ovs-tests role status 1.4 config":       notSpoken,
	"ovs-tests role status 1.4 generation":   notSpoken,
	"ovs-tests error dup inst 1.4":           notSpoken,
	"loxigen 1.4 port_stats_reply":           notSpoken,

	"ovs-actions 1.3 encap nsh with padding": "an action whose padding is not zero is kept and printed as bytes",
}

const (
	wrongLength               = "the length is not that of its kind, which is what the test is about; Open vSwitch refuses it, too"
	instructionPadding        = "the padding of an instruction is written as zeros"
	portMax                   = "Open vSwitch has 16 bits for ports, and says 65280, which is another port, for 0xffffff00"
	fieldsWithoutPrerequisite = "fields of a 1.0 match that its eth_type gives no meaning are kept, and printed by Open vSwitch though it leaves them out of flow-mods"
	notSpoken                 = "a version that Sluice does not speak: kept raw, and the numbers of its errors have no names"
)

func TestForeignMessagesEncodeAgainToTheSameBytes(t *testing.T) {
	same, all := 0, foreignMessages(t)
	for _, f := range all {
		frame := f.frame(t)
		h, m, err := Decode(frame)
		if reason, ok := foreignRefused[f.Name]; ok || err != nil {
			if err == nil {
				t.Errorf("%s: is decoded, though refused because %s", f.Name, reason)
			} else if !ok {
				t.Errorf("%s: %v\n%s", f.Name, err, f.OVS)
			} else if !strings.Contains(f.OVS, "***decode error") {
				t.Errorf("%s: %v, but Open vSwitch reads it\n%s", f.Name, err, f.OVS)
			} else if !errors.As(err, new(*DecodeError)) {
				t.Errorf("%s: %v is no DecodeError", f.Name, err)
			}
			continue
		}
		again, err := Append(nil, h.Version, h.XID, m)
		if err != nil {
			t.Errorf("%s: encode: %v\n%s", f.Name, err, f.OVS)
			continue
		}
		reason, listed := foreignChanged[f.Name]
		switch equal := bytes.Equal(again, frame); {
		case equal && listed:
			t.Errorf("%s: encodes to the same bytes, though listed because %s", f.Name, reason)
		case !equal && !listed:
			t.Errorf("%s: encoded again differs\n got %x\nwant %x\n%s", f.Name, again, frame, f.OVS)
		case equal:
			same++
		}
	}
	read := len(all) - len(foreignRefused)
	t.Logf("%d messages: %d refused, %d of the others byte-identical", len(all), len(foreignRefused), same)
	if read < 350 || same*100 < read*99 {
		t.Errorf("%d of %d messages are byte-identical, want 99 %% of at least 350", same, read)
	}
}

func TestForeignMessagesPrintAsOpenVSwitchPrintsThem(t *testing.T) {
	refused := 0
	for _, f := range foreignMessages(t) {
		frame := f.frame(t)
		got := trimLines(Print(frame))
		if _, _, err := Decode(frame); err != nil {
			continue
		}
		want := trimLines(f.OVS)
		if strings.Contains(want, "***decode error") {
			refused++
			continue // what Open vSwitch refuses, Sluice may understand
		}
		reason, listed := foreignText[f.Name]
		if got == want && listed {
			t.Errorf("%s: text is Open vSwitch's, though listed because %s", f.Name, reason)
		} else if got != want && !listed {
			t.Errorf("%s\n%x:\n got %s\nwant %s", f.Name, frame, got, want)
		}
	}
	t.Logf("%d messages are read that Open vSwitch refuses", refused)
}
