package main

import (
	"fmt"
	"slices"

	"github.com/sirupsen/logrus"

	"github.com/sluice-sdn/sluice/apps/l2switch"
	"github.com/sluice-sdn/sluice/controller"
)

// apps is the ordered list of the apps in the binary. --apps chooses among them
// and says in which order they are asked.
var apps = []struct {
	name string
	make func(logger logrus.FieldLogger) (controller.App, error)
}{
	{l2switch.Name, func(logger logrus.FieldLogger) (controller.App, error) {
		return l2switch.New(l2switch.Config{Logger: logger})
	}},
}

// knownApps returns the names that --apps takes.
func knownApps() []string {
	names := make([]string, len(apps))
	for i, app := range apps {
		names[i] = app.name
	}
	return names
}

// build makes the chosen apps, in the chosen order. Set let no other name in.
func (a appNames) build(logger logrus.FieldLogger) ([]controller.App, error) {
	var made []controller.App
	for _, name := range a {
		app, err := apps[slices.Index(knownApps(), name)].make(logger)
		if err != nil {
			return nil, fmt.Errorf("--apps: %w", err)
		}
		made = append(made, app)
	}
	return made, nil
}
