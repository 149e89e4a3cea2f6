import { badInput, type Case, withSections } from "../parse.ts";

badInput([
  [
    "port 0",
    withSections({ edge: { https: 0 } }),
    "edge.https: got 0; a port, 1..65535; write a number, without quotes: a free port of the host [REDFLEET_CFG_PORT]",
  ],
  [
    "port 70000",
    withSections({ edge: { http: 70000 } }),
    "edge.http: got 70000; a port, 1..65535; write a number, without quotes: a free port of the host [REDFLEET_CFG_PORT]",
  ],
  [
    "less than no connection",
    withSections({ edge: { connectionsPerSource: -1 } }),
    "edge.connectionsPerSource: got -1; connections per client address; use 0..30000 [REDFLEET_CFG_VALUE]",
  ],
  [
    "one port twice",
    withSections({ edge: { http: 443 } }),
    "edge.http: got 443; already used at edge.https; use two different ports [REDFLEET_CFG_PORT]",
  ],
  [
    "a certificate that is not there",
    withSections({ edge: { tls: { mode: "files", certificate: "no.crt", key: "no.key" } } }),
    'edge.tls.certificate: got "no.crt"; a readable PEM file; check the path [REDFLEET_CFG_TLS]',
    'edge.tls.key: got "no.key"; a readable PEM file; check the path [REDFLEET_CFG_TLS]',
  ],
  [
    "another kind of TLS",
    withSections({ edge: { tls: { mode: "acme" } } }),
    'edge.tls.mode: got "acme"; mode "ownCa" or "files"; use {mode: ownCa} or {mode: files, certificate: ..., key: ...} [REDFLEET_CFG_TLS]',
  ],
  [
    "a prefix of the editor",
    withSections({ clusters: { main: { apiPrefix: "/comms" } } }),
    'clusters.main.apiPrefix: got "/comms"; taken by the platform; use /red-nodes [REDFLEET_CFG_PATH_PREFIX]',
  ],
  ...[
    "/auth",
    "/.well-known",
    "/.well-known/x",
    "/credentials",
    "/icons/api",
    "/Theme",
    "/core",
    "/diagnostics",
    "/inject",
    "/redfleet",
  ].map(
    (apiPrefix): Case => [
      `a path of the platform itself, ${apiPrefix}`,
      withSections({ clusters: { main: { apiPrefix } } }),
      `clusters.main.apiPrefix: got "${apiPrefix}"; taken by the platform; use /red-nodes [REDFLEET_CFG_PATH_PREFIX]`,
    ],
  ),
  [
    "a prefix that ends with a slash",
    withSections({ clusters: { main: { apiPrefix: "/api/" } } }),
    'clusters.main.apiPrefix: got "/api/"; one or more path segments, no slash at the end; use /red-nodes [REDFLEET_CFG_PATH_PREFIX]',
  ],
  ...["localhost", "::1", "10.0.0.256", "010.0.0.1"].map(
    (address): Case => [
      `the address ${address}`,
      withSections({ edge: { address } }),
      `edge.address: got "${address}"; an IPv4 address of the host; use 127.0.0.1 or 0.0.0.0 [REDFLEET_CFG_ADDRESS]`,
    ],
  ),
  [
    "certificate files that are not named",
    withSections({ edge: { tls: { mode: "files", certificate: "" } } }),
    'edge.tls.certificate: got ""; the path of a PEM file; name the file [REDFLEET_CFG_TLS]',
    "edge.tls.key: required (a text); name the file [REDFLEET_CFG_MISSING]",
  ],
  [
    "a socket that is none",
    withSections({ target: { kind: "docker", socket: "../../etc" } }),
    'target.socket: got "../../etc"; the path of a socket; use /var/run/docker.sock [REDFLEET_CFG_VALUE]',
  ],
  [
    "a public subnet",
    withSections({ target: { kind: "docker", subnet: "8.8.8.0/24" } }),
    'target.subnet: got "8.8.8.0/24"; a private IPv4 /24 such as 10.80.1.0/24; choose one that nothing on the host uses [REDFLEET_CFG_SUBNET]',
  ],
  [
    "an impossible mask",
    withSections({ target: { kind: "docker", subnet: "10.1.2.0/33" } }),
    'target.subnet: got "10.1.2.0/33"; a private IPv4 /24 such as 10.80.1.0/24; choose one that nothing on the host uses [REDFLEET_CFG_SUBNET]',
  ],
  [
    "a target that does not exist",
    withSections({ target: { kind: "nomad" } }),
    'target.kind: got "nomad"; one of "docker"; choose one of them [REDFLEET_CFG_VALUE]',
  ],
]);
