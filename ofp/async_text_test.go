package ofp

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestChangeAsync(t *testing.T) {
	for _, row := range []struct {
		words string
		want  AsyncMasks
		says  string // in the error
	}{
		{words: "", want: DefaultAsync()},
		{words: "packet-in=none", want: AsyncMasks{PortStatus: [2]uint32{7, 7}, FlowRemoved: [2]uint32{15}}},
		{words: "packet-in=no_match+invalid_ttl, slave:packet-in=all master:port-status=none",
			want: AsyncMasks{PacketIn: [2]uint32{5, 7}, PortStatus: [2]uint32{0, 7}, FlowRemoved: [2]uint32{15}}},
		{words: "flow-removed=reason_31+idle,equal:packet-in=action", want: AsyncMasks{PacketIn: [2]uint32{2}, PortStatus: [2]uint32{7, 7}, FlowRemoved: [2]uint32{1<<31 | 1}}},
		{words: "packet-in", says: `"packet-in": want [slave:]KIND=REASONS`},
		{words: "packet-in=", says: "want [slave:]KIND=REASONS"},
		{words: "role-status=all", says: "packet-in, port-status, flow-removed"},
		{words: "boss:packet-in=all", says: `"boss:packet-in=all"`},
		{words: "packet-in=none,port-status=gone", says: `port-status has no reason "gone": want add, delete, modify`},
		{words: "packet-in=reason_32", says: "no reason"},
		{words: "packet-in=" + strings.Repeat("x", 1<<16), says: "…"},
	} {
		got := DefaultAsync()
		err := ChangeAsync(&got, row.words)
		if row.says != "" {
			if err == nil || !strings.Contains(err.Error(), row.says) || len(err.Error()) > 512 || got != DefaultAsync() {
				t.Errorf("%.40q: %v, %v", row.words, err, got)
			}
			continue
		}
		if diff := cmp.Diff(row.want, got); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", row.words, err, diff)
		}
	}
}

// TestAsyncWords: what is told can be given again.
func TestAsyncWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want, got AsyncMasks
		for kind := range AsyncKinds {
			for who := range 2 {
				want.Mask(AsyncMessage(kind))[who] = rapid.Uint32().Draw(t, "mask")
			}
		}
		got = DefaultAsync()
		if err := ChangeAsync(&got, strings.Join(AsyncWords(want), " ")); err != nil || got != want {
			t.Fatalf("%v: %v, %v", AsyncWords(want), got, err)
		}
	})
	want := []string{"packet-in=no_match+action", "port-status=add+delete+modify", "flow-removed=idle+hard+delete+group_delete",
		"slave:packet-in=none", "slave:port-status=add+delete+modify", "slave:flow-removed=none"}
	if diff := cmp.Diff(want, AsyncWords(DefaultAsync())); diff != "" {
		t.Error(diff)
	}
}
