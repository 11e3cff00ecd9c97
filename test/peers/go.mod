module github.com/sluice-sdn/sluice/test/peers

go 1.26.0

require (
	github.com/netrack/openflow v0.1.0
	github.com/opencord/goloxi v1.0.1
	github.com/sluice-sdn/sluice v0.0.0
)

replace github.com/sluice-sdn/sluice => ../..
