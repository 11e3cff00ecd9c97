// Package channel is one OpenFlow connection to a switch.
package channel
