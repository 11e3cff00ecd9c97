package ofp

import (
	"bytes"
	"strconv"
)

// String returns the group as `ovs-ofctl -O OpenFlow10 dump-groups` prints it.
func (g *NXGroup) String() string { return string(g.append(nil, V10, true)) }

func (g *NXGroup) append(b []byte, v Version, whole bool) []byte {
	b = append(b, "group_id="...)
	b = strconv.AppendUint(b, uint64(g.Group), 10)
	if whole {
		b = append(append(b, ",type="...), g.GroupType.String()...)
	}
	if s, ok := g.selection(); ok {
		b = s.append(b)
	}
	for i := range g.Buckets {
		k := &g.Buckets[i]
		b = append(b, ",bucket="...)
		b = appendBucketID(b, "bucket_id:", k.ID)
		b = appendBucket(b, g.GroupType, new(k.Bucket(g.GroupType)), v, nil)
	}
	return b
}

func appendBucketID(b []byte, before string, id uint32) []byte {
	b = append(b, before...)
	switch id {
	case BucketFirst:
		b = append(b, "first"...)
	case BucketLast:
		b = append(b, "last"...)
	case BucketAll:
		b = append(b, "all"...)
	default:
		b = strconv.AppendUint(b, uint64(id), 10)
	}
	return append(b, ',')
}

func (s *selection) append(b []byte) []byte {
	b = append(append(b, ",selection_method="...), printable(s.method)...)
	if s.param != 0 {
		b = append(b, ",selection_method_param="...)
		b = strconv.AppendUint(b, s.param, 10)
	}
	var c cursor
	if _, ok := scanOXM(&c, s.fields, "selection field"); !ok || len(s.fields) == 0 {
		return b
	}
	var fs []MatchField
	for rest := s.fields; len(rest) > 0; {
		var f MatchField
		f, rest = nextOXM(rest)
		if f = fromNXM(f); f.ID != FieldUnknown {
			fs = append(fs, f)
		}
	}
	open, end := ",fields=", ""
	if len(fs) > 1 {
		open, end = ",fields(", ")"
	}
	for _, f := range fs {
		b = append(append(b, open...), fieldTexts[f.ID].set...)
		if len(bytes.Trim(f.Value, "\xff")) > 0 {
			b = appendValue(append(b, '='), f.ID.Info(), f.Value, nil)
		}
		open = ","
	}
	return append(b, end...)
}

func (m *NXGroupMod) print(p *printer) {
	p.text("\n ")
	switch m.Command {
	case GroupInsertBucket:
		p.b = appendBucketID(append(p.b, "INSERT_BUCKET "...), "command_bucket_id:", m.CommandBucket)
	case GroupRemoveBucket:
		p.b = appendBucketID(append(p.b, "REMOVE_BUCKET "...), "command_bucket_id:", m.CommandBucket)
	default:
		p.groupCommand(m.Command)
		p.b = m.append(p.b, p.v, true)
		return
	}
	p.b = m.append(p.b, p.v, false)
}

func (p *NXGroupDescReply) print(t *printer) {
	for i := range p.Groups {
		t.text("\n ")
		t.b = p.Groups[i].append(t.b, t.v, true)
	}
}

func (p *NXGroupDescRequest) print(t *printer)   { t.group(p.Group) }
func (p *NXGroupStatsRequest) print(t *printer)  { t.group(p.Group) }
func (p *NXGroupStatsReply) print(t *printer)    { t.groupStats(&p.GroupStatsReply) }
func (*NXGroupFeaturesRequest) print(t *printer) {}
func (p *NXGroupFeatures) print(t *printer)      { t.groupFeatures(&p.GroupFeatures) }
