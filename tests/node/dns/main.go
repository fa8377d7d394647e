// The cluster's DNS: CoreDNS with the plug-ins that one node needs. The whole of CoreDNS would bring
// the clients of three clouds.
package main

import (
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
)

func init() {
	// The order in which a query passes them.
	dnsserver.Directives = []string{"ready", "errors", "kubernetes"}
}

func main() { coremain.Run() }
