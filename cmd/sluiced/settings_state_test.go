package main

import (
	"strings"
	"testing"
	"time"
)

func TestQuotas(t *testing.T) {
	for _, tt := range []struct{ set, want, err string }{
		{"", "", ""}, {"none", "", ""}, {"0", "", ""}, {"100", "100", ""},
		{"b=2, 100 ,a=1", "100,a=1,b=2", ""}, {"a b=1", "a b=1", ""}, {"a=0,5", "5,a=0", ""},
		{"a", "", `"a": "a" is no number from 0 to 100000000`},
		{"a=-1", "", `"a=-1": "-1" is no number from 0 to 100000000`},
		{"100000001", "", `"100000001": "100000001" is no number from 0 to 100000000`},
		{"=5", "", `"=5": the name of the owner is missing; a number alone is for each owner`},
		{"a=1,a=2", "", `owner "a" is there twice`},
		{"1,2", "", `"2": there is a number for each owner already`},
		{"1,", "", `"": "" is no number from 0 to 100000000`},
	} {
		var q quotas
		err := q.Set(tt.set)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.err || q.String() != tt.want {
			t.Errorf("%q: %q, error %q; want %q, %q", tt.set, q.String(), got, tt.want, tt.err)
		}
	}
}

func TestPeriod(t *testing.T) {
	for _, tt := range []struct {
		set, want, err string
		is             time.Duration
	}{
		{"0", "0", "", -1}, {"1s", "1s", "", time.Second}, {"90s", "1m30s", "", 90 * time.Second}, {"5m", "5m", "", 5 * time.Minute}, {"168h", "168h", "", maxEvery},
		{"5", "0", `"5" is no time: want a number with a unit, such as 30s, 5m or 1h, or 0 for never`, -1},
		{"1ms", "0", `"1ms" is not from 1s to 168h, nor 0 for never`, -1},
		{"-5m", "0", `"-5m" is not from 1s to 168h, nor 0 for never`, -1},
		{"169h", "0", `"169h" is not from 1s to 168h, nor 0 for never`, -1},
	} {
		var e every
		if err := e.Set(tt.set); errorText(err) != tt.err || e.String() != tt.want || e.orNever() != tt.is {
			t.Errorf("%q: %q, %v, error %v; want %q, %v, %q", tt.set, e.String(), e.orNever(), err, tt.want, tt.is, tt.err)
		}
	}
}

func TestForeignSettings(t *testing.T) {
	for _, tt := range []struct{ set, want, err string }{
		{"report", "report", ""}, {"adopt", "adopt", ""}, {"adopt:old one", "adopt:old one", ""}, {"remove", "remove", ""},
		{"", "report", `"" is none of: report, adopt, adopt:OWNER, remove`},
		{"remove:ann", "report", `"remove:ann" is none of: report, adopt, adopt:OWNER, remove`},
		{"adopt:", "report", `"adopt:" is none of: report, adopt, adopt:OWNER, remove`},
	} {
		var r foreignRule
		if err := r.Set(tt.set); errorText(err) != tt.err || r.String() != tt.want {
			t.Errorf("%q: %q, %v; want %q, %q", tt.set, r.String(), err, tt.want, tt.err)
		}
	}
	for _, tt := range []struct {
		set, want, err string
		filters        int
	}{
		{"", "", "", 0}, {"none", "", "", 0}, {"arp", "arp", "", 1}, {"table=1; cookie=0x10/0xff ;tcp,tp_dst=80", "table=1; cookie=0x10/0xff ;tcp,tp_dst=80", "", 3},
		{"arp;", "", `"": is empty, and would be all flows; --foreign report leaves all alone`, 0},
		{"arp,actions=drop", "", `"arp,actions=drop": `, 0},
	} {
		var f flowFilters
		err := f.Set(tt.set)
		all, _ := f.parse()
		if f.String() != tt.want || len(all) != tt.filters || (err != nil) != (tt.err != "") || !strings.HasPrefix(errorText(err), tt.err) {
			t.Errorf("%q: %q, %d filters, %v; want %q, %d, %q", tt.set, f.String(), len(all), err, tt.want, tt.filters, tt.err)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
