package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"

	sluicev1 "github.com/sluice-sdn/sluice/proto/sluice/v1"
)

// Paths of the gateway that are not in gateway.yaml: their bodies are files, and no JSON.
const (
	backupPath  = "/v1/backup"
	restorePath = "/v1/restore"
)

// files are the methods whose request or answer is a file.
type files struct {
	mux   *runtime.ServeMux
	form  runtime.Marshaler
	state sluicev1.StateServiceClient
}

// register adds the routes.
func (f files) register() error {
	return errors.Join(f.mux.HandlePath(http.MethodGet, backupPath, f.backup), f.mux.HandlePath(http.MethodPost, restorePath, f.restore))
}

// call is the context of a call: what the request says of it, and a deadline if it says
// none, since the caller's patience is not known.
func (f files) call(r *http.Request, method string) (context.Context, context.CancelFunc, error) {
	ctx, err := runtime.AnnotateContext(r.Context(), f.mux, r, method)
	if err != nil {
		return nil, nil, err
	}
	if _, ok := ctx.Deadline(); ok {
		ctx, cancel := context.WithCancel(ctx)
		return ctx, cancel, nil
	}
	ctx, cancel := context.WithTimeout(ctx, copyLimit)
	return ctx, cancel, nil
}

// backup answers with the bytes of a backup. Where it fails in their midst the
// connection is cut, so that nobody takes what came for the whole.
func (f files) backup(w http.ResponseWriter, r *http.Request, _ map[string]string) {
	fail := func(err error) { runtime.HTTPError(r.Context(), f.mux, f.form, w, r, err) }
	ctx, cancel, err := f.call(r, sluicev1.StateService_Backup_FullMethodName)
	if err != nil {
		fail(err)
		return
	}
	defer cancel()
	stream, err := f.state.Backup(ctx, &sluicev1.BackupRequest{})
	if err != nil {
		fail(err)
		return
	}
	part, err := stream.Recv()
	if err != nil {
		fail(err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="sluice-state-%s.backup"`, time.Now().UTC().Format("20060102T150405Z")))
	for ; err == nil; part, err = stream.Recv() {
		if _, err := w.Write(part.GetData()); err != nil {
			return // the client has gone, or does not read
		}
	}
	if !errors.Is(err, io.EOF) {
		panic(http.ErrAbortHandler)
	}
}

// restore restores the backup that the request's body is, with the options of its
// query.
func (f files) restore(w http.ResponseWriter, r *http.Request, _ map[string]string) {
	answer, err := f.restored(r)
	if err != nil {
		runtime.HTTPError(r.Context(), f.mux, f.form, w, r, err)
		return
	}
	runtime.ForwardResponseMessage(r.Context(), f.mux, f.form, w, r, answer)
}

func (f files) restored(r *http.Request) (*sluicev1.RestoreResponse, error) {
	o := new(sluicev1.RestoreOptions)
	query := r.URL.Query()
	for name := range query { // an option that is not understood must not be ignored
		if o.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(name)) == nil {
			return nil, invalid(bad("query", "%q is no option of Restore", clip(name, 100)))
		}
	}
	if err := runtime.PopulateQueryParameters(o, query, utilities.NewDoubleArray(nil)); err != nil {
		return nil, invalid(bad("query", "%v", err))
	}
	ctx, cancel, err := f.call(r, sluicev1.StateService_Restore_FullMethodName)
	if err != nil {
		return nil, err
	}
	defer cancel()
	stream, err := f.state.Restore(ctx)
	if err != nil {
		return nil, err
	}
	if err := stream.Send(&sluicev1.RestoreRequest{Options: o}); err == nil {
		if err := sendFile(stream, r.Body); err != nil {
			return nil, err
		}
	}
	return stream.CloseAndRecv() // with the reason, if it was not sent whole
}

// sendFile sends a file in parts, and fails if it cannot be read to its end; if it
// cannot be sent, the answer says why. The server bounds its size.
func sendFile(stream grpc.ClientStreamingClient[sluicev1.RestoreRequest, sluicev1.RestoreResponse], file io.Reader) error {
	b := make([]byte, backupPart)
	for {
		n, err := file.Read(b)
		switch {
		case n > 0 && stream.Send(&sluicev1.RestoreRequest{Data: b[:n]}) != nil, errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return withDetails(codes.InvalidArgument, fmt.Sprintf("the backup was not received whole: %v; nothing was changed", err))
		}
	}
}
