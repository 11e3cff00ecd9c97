package main

import "testing"

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
