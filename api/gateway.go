package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// Gateway returns a handler that offers the services as JSON under /v1/ (the
// routes are in proto/sluice/v1/gateway.yaml), by calling the gRPC server that
// conn leads to. Fields have the names of the .proto files. Streams are JSON
// objects one after the other, a line each. Backups are received and sent as the files
// that they are. The caller owns conn, and closes it when the
// handler is no longer used.
//
// A stream that does not end by itself lasts as long as the client likes that takes what
// is sent, each part within 30 s: the ReadTimeout and the WriteTimeout of the HTTP server
// do not end it. Other answers must be taken within a minute.
//
// Requests that a browser sends on behalf of another site are refused.
func Gateway(ctx context.Context, conn *grpc.ClientConn) (http.Handler, error) {
	form := oneObject{&runtime.JSONPb{
		MarshalOptions:   protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true},
		UnmarshalOptions: protojson.UnmarshalOptions{}, // an unknown field is an error
	}}
	mux := runtime.NewServeMux(runtime.WithMarshalerOption(runtime.MIMEWildcard, form))
	for _, register := range []func(context.Context, *runtime.ServeMux, *grpc.ClientConn) error{
		sluicev1.RegisterSwitchServiceHandler,
		sluicev1.RegisterFlowServiceHandler,
		sluicev1.RegisterGroupServiceHandler,
		sluicev1.RegisterMeterServiceHandler,
		sluicev1.RegisterBundleServiceHandler,
		sluicev1.RegisterConfigServiceHandler,
		sluicev1.RegisterStateServiceHandler,
		sluicev1.RegisterPacketServiceHandler,
	} {
		if err := register(ctx, mux, conn); err != nil {
			return nil, err
		}
	}
	if err := (files{mux, form, sluicev1.NewStateServiceClient(conn)}).register(); err != nil {
		return nil, err
	}
	lasting := make(chan struct{}, lastingRequests)
	checked := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := checkAddress(r.URL)
		if err == nil && lasts(r.URL.Path) {
			select {
			case lasting <- struct{}{}:
				defer func() { <-lasting }()
			default:
				err = withDetails(codes.ResourceExhausted, fmt.Sprintf("%d requests by HTTP are followed, copied or restored, which is the limit; end some, try again later, or call by gRPC", lastingRequests))
			}
		}
		if err != nil {
			runtime.HTTPError(r.Context(), mux, form, w, r, err)
			return
		}
		if r.URL.Path != restorePath { // the server bounds that
			r = r.WithContext(r.Context()) // a copy
			r.Body = http.MaxBytesReader(w, r.Body, maxGatewayRequest)
		}
		mux.ServeHTTP(w, r)
	})
	return http.NewCrossOriginProtection().Handler(paced(stallLimit, checked)), nil
}

// lastingRequests bounds the requests that last as long as the client likes, or minutes:
// all calls of the gateway share one connection to the server, and others must find room
// on it.
const lastingRequests = maxStreams / 2

func lasts(path string) bool {
	return path == backupPath || path == restorePath || path == "/v1/history/watch" || strings.HasSuffix(path, "/snoop")
}

// oneObject refuses a body with more than one object: the library would take the
// first, and nobody would hear of the others.
type oneObject struct{ *runtime.JSONPb }

// NewDecoder is that of runtime.Marshaler.
func (o oneObject) NewDecoder(r io.Reader) runtime.Decoder {
	return runtime.DecoderFunc(func(v any) error {
		all := json.NewDecoder(r)
		var first json.RawMessage
		if err := all.Decode(&first); err != nil {
			return err
		}
		if _, err := all.Token(); err == nil {
			return errors.New("more follows behind the JSON object: want one")
		} else if !errors.Is(err, io.EOF) {
			return fmt.Errorf("behind the JSON object: want nothing: %w", err)
		}
		return o.Unmarshal(first, v)
	})
}

// checkAddress refuses what the address of a request says in bytes that are not
// UTF-8: no message can carry them, which would look like a fault of the server.
// The body is checked where it is parsed.
func checkAddress(u *url.URL) error {
	if !utf8.ValidString(u.Path) {
		return invalid(bad("path", "%q is not UTF-8", clip(u.EscapedPath(), 100)))
	}
	for name, values := range u.Query() {
		if !utf8.ValidString(name + " " + strings.Join(values, " ")) {
			return invalid(bad("query", "%q is not UTF-8", clip(url.QueryEscape(name), 100)))
		}
	}
	return nil
}

// maxGatewayRequest bounds the body of an HTTP request, in bytes.
const maxGatewayRequest = 16 << 20
