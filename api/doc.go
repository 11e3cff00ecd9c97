// Package api is the northbound side: the gRPC services of sluice.v1 over a
// controller, and the JSON gateway to them.
//
// It converts requests to the values of package ofp, calls the same exported
// methods of package controller that apps call, and converts what they return.
// It holds no state and no logic of its own.
//
// A failed call says what to do next: its status carries the details that
// proto/sluice/v1/flow.proto promises. errors.go holds the table of which
// OpenFlow error becomes which gRPC code.
//
// Every call has a deadline: the caller's, or Config.Timeout. The server stops waiting
// a little before the caller does, so that the caller still hears how far a write
// came. What answers with a stream has a bound of how many run at the same time, and
// ends if nobody reads it (crowd.go). A panic in a call becomes INTERNAL for that call
// alone.
package api
