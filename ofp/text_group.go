package ofp

import (
	"math"
	"strings"
)

// ParseGroup reads a group in the syntax of ovs-ofctl(8): what add-group takes
// for GroupAdd, mod-group for GroupModify, with --may-create for
// GroupAddOrModify, and del-groups for GroupDelete, where no text at all stands
// for all groups. Lines that GroupDesc.String printed are taken too.
//
// What only OpenFlow 1.5 can say, such as selection_method, is an error that
// wraps ErrVersion. A bucket_id, which OpenFlow 1.5 prints, is read and left
// out: no older message can name a bucket. A group that no switch would take is
// an error at the bucket or word that is wrong. Errors are of type *TextError.
func ParseGroup(text string, command GroupCommand, n *Names) (*GroupMod, error) {
	p := textParser{s: text, names: n}
	m := p.group(command)
	if p.err != nil {
		return nil, p.err
	}
	return m, nil
}

var groupKeys = []string{"group_id", "type", "bucket", "selection_method", "selection_method_param", "fields", "command_bucket_id"}

// bucketsFrom returns the places after each "bucket=" that begins an item.
func (p *textParser) bucketsFrom() (places []int) {
	const word = "bucket="
	for at := 0; ; {
		i := strings.Index(p.s[at:], word)
		if i < 0 {
			return places
		}
		at += i
		if at == 0 || isSeparator(p.s[at-1]) {
			places = append(places, at+len(word))
		}
		at += len(word)
	}
}

func (p *textParser) group(command GroupCommand) *GroupMod {
	m := &GroupMod{Command: command}
	buckets := p.bucketsFrom()
	head := len(p.s)
	if len(buckets) > 0 {
		head = buckets[0] - len("bucket=")
	}
	var seen seenKeys
	for at := 0; ; {
		it, rest, ok := p.next(at, head)
		if !ok {
			break
		}
		at = rest
		p.once(it, &seen)
		p.groupKey(m, it)
	}
	deletes := command == GroupDelete
	switch {
	case p.err != nil:
		return nil
	case deletes && len(buckets) > 0:
		p.fail(head, head+len("bucket"), "bucket: a delete has none")
	case deletes && len(seen) == 0:
		m.Group = GroupAll
	case !seen.has("group_id"):
		p.fail(head, head, "no group_id; want group_id=..., such as group_id=1")
	case !deletes && !seen.has("type"):
		p.fail(head, head, "no type; want type=all, select, indirect or ff")
	}
	for i, at := range buckets {
		end := len(p.s)
		if i+1 < len(buckets) {
			end = buckets[i+1] - len("bucket=")
		}
		k := p.bucket(at, end, m.GroupType)
		if p.err == nil {
			if err := k.valid(m.Group, m.GroupType); err != nil {
				p.fail(at, end, "%v", err)
			}
		}
		m.Buckets = append(m.Buckets, k)
	}
	if err := m.Validate(); err != nil && p.err == nil {
		p.fail(head, len(p.s), "%v", err)
	}
	return m
}

func (p *textParser) groupKey(m *GroupMod, it textItem) {
	deletes := m.Command == GroupDelete
	switch it.key {
	case "group_id":
		switch {
		case strings.EqualFold(it.val, "all") && deletes:
			m.Group = GroupAll
		case strings.EqualFold(it.val, "all"):
			p.badValue(it, "only a delete is about all groups")
		default:
			m.Group = uint32(p.uint(it, uint64(GroupMax)))
		}
	case "type":
		if deletes {
			p.fail(it.at, it.at+len(it.key), "type: means nothing in a delete")
			return
		}
		m.GroupType = p.groupType(it)
	case "selection_method", "selection_method_param", "fields", "command_bucket_id":
		p.needs15(it.at, it.at+len(it.key), it.key)
	default:
		p.unknownOf(it, "field of a group", groupKeys)
	}
}

func (p *textParser) groupType(it textItem) GroupType {
	switch it.val {
	case "all":
		return GroupTypeAll
	case "select":
		return GroupTypeSelect
	case "indirect":
		return GroupTypeIndirect
	case "ff", "fast_failover":
		return GroupTypeFastFailover
	}
	p.badValue(it, "%q is no type of a group; want all, select, indirect or ff", clip(it.val))
	return 0
}

// bucket reads a bucket: its parameters, and actions after actions= or bare.
func (p *textParser) bucket(at, end int, t GroupType) Bucket {
	k := NewBucket()
	k.Weight = t.weight()
	var seen seenKeys
	start, said := at, false
	for {
		it, rest, ok := p.next(at, end)
		if !ok {
			break
		}
		at = rest
		switch it.key {
		case "weight":
			p.once(it, &seen)
			k.Weight = uint16(p.uint(it, 0xffff))
		case "watch_port":
			p.once(it, &seen)
			k.WatchPort = p.port(it)
		case "watch_group":
			p.once(it, &seen)
			if strings.EqualFold(it.val, "any") {
				k.WatchGroup = GroupAny
			} else {
				k.WatchGroup = uint32(p.uint(it, uint64(GroupMax)))
			}
		case "bucket_id":
			p.once(it, &seen)
			p.uint(it, 0xffffff00)
		case "actions", "action":
			p.once(it, &seen)
			said = true
			k.Actions = append(k.Actions, p.actions(it.valAt, it.valAt+len(it.val), nil)...)
		default:
			said = true
			if _, isInstruction := instructionTexts[it.key]; isInstruction {
				p.fail(it.at, it.at+len(it.key), "%s is no action; a bucket has actions only", it.key)
				return k
			}
			if it.key == "drop" && !it.has {
				p.fail(it.at, it.at+len(it.key), "drop stands alone, without any other action")
				return k
			}
			k.Actions = append(k.Actions, p.action(it, nil))
		}
	}
	if !said {
		p.fail(start, start+1, "bucket: no actions; want actions=..., such as bucket=actions=output:1")
	}
	return k
}

// seenKeys are the keys that a text has had.
type seenKeys []string

func (s seenKeys) has(key string) bool {
	for _, k := range s {
		if k == key {
			return true
		}
	}
	return false
}

// once fails about a key that was there before.
func (p *textParser) once(it textItem, seen *seenKeys) {
	if seen.has(it.key) {
		p.fail(it.at, it.at+len(it.key), "%s stands twice", it.key)
	}
	if len(*seen) < math.MaxUint8 { // unknown keys end the reading long before
		*seen = append(*seen, it.key)
	}
}

// needs15 fails about what OpenFlow has since 1.5 only.
func (p *textParser) needs15(at, end int, what string) { p.tooNew(at, end, what, "1.5") }

func (p *textParser) tooNew(at, end int, what, version string) {
	if p.err == nil {
		p.fail(at, end, "%s: needs OpenFlow %s, and Sluice speaks 1.0 to 1.3", what, version)
		p.err.(*TextError).Err = ErrVersion
	}
}

// unknownOf fails about a key, and names the one of known that looks most like
// it.
func (p *textParser) unknownOf(it textItem, what string, known []string) {
	best, bestDistance := "", 1+min(len(it.key)/2, 3)
	if len(it.key) <= 32 {
		for _, name := range known {
			if d := editDistance(it.key, name, bestDistance); d < bestDistance {
				best, bestDistance = name, d
			}
		}
	}
	hint := "; want " + strings.Join(known, ", ")
	if best != "" {
		hint = "; did you mean " + best + "?"
	}
	p.fail(it.at, it.at+len(it.key), "unknown %s %q%s", what, clip(it.key), hint)
}
