package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-sdn/sluice/controller/channel"
)

// list is a setting of several texts with commas between them. set replaces all
// of them.
type list interface {
	String() string
	set(items []string) error
}

// listFlag is a list as a flag, which may stand on the command line several
// times: the first takes the place of the default, and the others are added.
// What the environment or the file has goes through replace.
type listFlag struct {
	list  list
	typ   string
	given []string
}

func (l *listFlag) String() string {
	if l.list == nil { // pflag asks a zero value
		return ""
	}
	return l.list.String()
}

func (l *listFlag) Type() string { return l.typ }

// Set adds items to those that the command line has given before.
func (l *listFlag) Set(s string) error {
	all := append(slices.Clone(l.given), items(s)...)
	if err := l.list.set(all); err != nil {
		return err
	}
	l.given = all
	return nil
}

// replace sets the whole list.
func (l *listFlag) replace(s string) error { return l.list.set(items(s)) }

// items are the texts between commas; none, if there is nothing.
func items(s string) []string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	all := strings.Split(s, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// endpoints are where switches connect. There is at least one.
type endpoints []channel.Endpoint

func (e *endpoints) String() string { return joined(*e) }

func (e *endpoints) set(items []string) error {
	if len(items) == 0 {
		return fmt.Errorf("is empty; want where switches connect, such as :%s", channel.DefaultPort)
	}
	all, err := parseAll(items, channel.ParseListen)
	if err == nil {
		*e = all
	}
	return err
}

// targets are switches to connect to.
type targets []channel.Endpoint

func (t *targets) String() string { return joined(*t) }

func (t *targets) set(items []string) error {
	all, err := parseAll(items, channel.ParseConnect)
	if err == nil {
		*t = all
	}
	return err
}

func joined(all []channel.Endpoint) string {
	texts := make([]string, len(all))
	for i, e := range all {
		texts[i] = e.String()
	}
	return strings.Join(texts, ",")
}

func parseAll(items []string, parse func(string) (channel.Endpoint, error)) ([]channel.Endpoint, error) {
	var all []channel.Endpoint
	for _, item := range items {
		e, err := parse(item)
		if err != nil {
			return nil, err
		}
		// Port 0 is any free one, which differs each time.
		if slices.Contains(all, e) && !strings.HasSuffix(e.Addr, ":0") {
			return nil, fmt.Errorf("%q is listed twice", cut(item))
		}
		all = append(all, e)
	}
	return all, nil
}
