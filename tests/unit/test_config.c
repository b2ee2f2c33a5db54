/* config, setting_read, quantity, config_dump: what each kind of value may be and exactly what is said of one that may not,
 * how several files come together, and that the dump of a configuration is the same configuration. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "carrier.h"
#include "config_dump.h"
#include "digest.h"
#include "quantity.h"
#include "setting_output.h"

static bool parse(struct settings *s, const char *path, const char *text, struct error *e)
{
	size_t n = strlen(text);
	uint8_t *exact = malloc(n ? n : 1);
	memcpy(exact, text, n);
	*s = (struct settings){ .folder = NULL };
	bool ok = config_parse(path, (struct bytes){ exact, n }, s, e);
	free(exact);
	return ok;
}

static const struct {
	const char *text, *error, *why;
} wrong[] = {
	{ "- a\n", "c.yaml:1:1: one map of keys belongs here, as in: vantage: dmz", "" },
	{ "vantage: dmz\n---\nvantage: dmz\n", "c.yaml:3:1: one map of keys belongs here, as in: vantage: dmz", "two documents" },
	{ "vantage: dmz\nvantage: dmz\n", "c.yaml:2:1: the key \"vantage\" stands here a second time", "" },
	{ "capture: {}\ncapture: {}\n", "c.yaml:2:1: the key \"capture\" stands here a second time", "" },
	{ "own_network: []\n", "c.yaml:1:1: no key \"own_network\"; did you mean \"own_networks\"?", "" },
	{ "captures: {}\n", "c.yaml:1:1: no key \"captures\"; did you mean \"capture\"?", "a group" },
	{ "capture:\n  bufer: 1MiB\n", "c.yaml:2:3: no key \"capture.bufer\"; did you mean \"capture.buffer\"?", "in a group" },
	{ "buffer: 1MiB\n", "c.yaml:1:1: no key \"buffer\"; \"buffer\" belongs under \"capture:\"", "" },
	{ "capture.buffer: 1MiB\n", "c.yaml:1:1: no key \"capture.buffer\"; \"buffer\" belongs under \"capture:\"", "flat" },
	{ "capture: {interfaces: [a]}\n", "c.yaml:1:11: no key \"capture.interfaces\"; \"interfaces\" belongs under no other key", "" },
	{ "zzzzzzzzzz: 1\n", "c.yaml:1:1: no key \"zzzzzzzzzz\"; mxwitness config keys names them all", "" },
	{ "capture: big\n", "c.yaml:1:10: capture: a map of keys belongs here", "" },
	{ "vantage:\n", "c.yaml:1:9: vantage: the value is missing; leave the key out for the default", "" },
	{ "vantage: ~\n", "c.yaml:1:10: vantage: the value is missing; leave the key out for the default", "" },
	{ "vantage: [dmz]\n", "c.yaml:1:10: vantage: unknown, egress-outside, egress-inside, dmz or server-side belongs here", "" },
	{ "vantage: dmzz\n", "c.yaml:1:10: vantage: no \"dmzz\"; did you mean \"dmz\"?", "" },
	{ "log: {to: qqqqqqqqqqqq}\n", "c.yaml:1:11: log.to: no \"qqqqqqqqqqqq\"; it is stderr or journal", "" },
	{ "own_networks: [10.0.0.0/40]\n", "c.yaml:1:16: own_networks: \"10.0.0.0/40\" is not a network; write 192.0.2.0/24 or "
	  "2001:db8::/32, at most 64 of them", "" },
	{ "own_networks: [{a: b}]\n", "c.yaml:1:16: own_networks: a network belongs here, such as 192.0.2.0/24", "" },
	{ "decrypted_mirror: maybe\n", "c.yaml:1:19: decrypted_mirror: \"maybe\" is not a network; write 192.0.2.0/24 or "
	  "2001:db8::/32, at most 64 of them", "" },
	{ "ca_file: []\n", "c.yaml:1:10: ca_file: the path of a PEM file belongs here, or none, or system", "" },
	{ "dns_ports: [53, 65536]\n", "c.yaml:1:17: dns_ports: a port belongs here, 1 to 65535", "" },
	{ "dns_ports: [1, 2, 3, 4, 5, 6, 7, 8, 9]\n", "c.yaml:1:37: dns_ports: at most 8 of them", "" },
	{ "dns_ports: [53, 54, 53]\n", "c.yaml:1:21: dns_ports: \"53\" stands in this list a second time", "" },
	{ "rules: []\n", "c.yaml:1:8: a text belongs here", "" },
	{ "rules_off: a\n", "c.yaml:1:12: rules_off: a list of names or ids of rules belongs here", "" },
	{ "rule_levels: [a]\n", "c.yaml:1:14: rule_levels: a map of finding or rule name: level belongs here", "" },
	{ "rule_levels: {a: hihg}\n", "c.yaml:1:18: no level \"hihg\"; did you mean \"high\"?", "" },
	{ "interfaces: [eth0, eth0]\n", "c.yaml:1:20: interfaces: \"eth0\" stands in this list a second time", "" },
	{ "interfaces: [a/b]\n", "c.yaml:1:14: interfaces: \"a/b\" is not the name of an interface", "" },
	{ "interfaces: [abcdefghijklmnop]\n", "c.yaml:1:14: interfaces: \"abcdefghijklmnop\" is not the name of an interface", "16 octets" },
	{ "interfaces: [[a]]\n", "c.yaml:1:14: interfaces: an interface belongs here", "" },
	{ "ports: []\n", "c.yaml:1:8: ports: at least one belongs here", "" },
	{ "ports: [0]\n", "c.yaml:1:9: ports: \"0\" is not a port; write 25, or 465=tls where TLS is spoken from the first octet", "" },
	{ "ports: [25=ssl]\n", "c.yaml:1:9: ports: \"25=ssl\" is not a port; write 25, or 465=tls where TLS is spoken from the first "
	  "octet", "" },
	{ "ports: [25, 25=tls]\n", "c.yaml:1:13: ports: port 25 stands in this list a second time", "which of them?" },
	{ "other_ports: 1/64\n", "c.yaml:1:14: other_ports: \"1/64\" is not a number; write a whole number, as in 1, or off", "" },
	{ "other_ports: 0\n", "c.yaml:1:14: other_ports: 0 is out of range; it is 1 to 65536, or off", "" },
	{ "other_ports: 65537\n", "c.yaml:1:14: other_ports: 65537 is out of range; it is 1 to 65536, or off", "" },
	{ "capture: {buffer: 64}\n", "c.yaml:1:19: capture.buffer: 64 of what? Write a whole number and B, KiB, MiB, GiB, TiB, kB, MB, "
	  "GB or TB, as in 1MiB", "a number of what" },
	{ "capture: {buffer: 64M}\n", "c.yaml:1:19: capture.buffer: \"64M\" is not a size; write a whole number and B, KiB, MiB, GiB, "
	  "TiB, kB, MB, GB or TB, as in 1MiB", "" },
	{ "capture: {buffer: 3GiB}\n", "c.yaml:1:19: capture.buffer: 3GiB is out of range; it is 1MiB to 2GiB", "" },
	{ "capture: {buffer: 1MiB, timeout: 2s}\n", "c.yaml:1:34: capture.timeout: 2s is out of range; it is 10ms to 1s", "" },
	{ "silence: {mail: 1.5h}\n", "c.yaml:1:17: silence.mail: \"1.5h\" is not a duration; write a whole number and ms, s, m, h or d, "
	  "as in 1m, or off", "" },
	{ "silence: {mail: 90}\n", "c.yaml:1:17: silence.mail: 90 of what? Write a whole number and ms, s, m, h or d, as in 1m", "" },
	{ "silence: {mail: [1h]}\n", "c.yaml:1:17: silence.mail: a duration belongs here, or off", "" },
	{ "silence: {mail: 1s}\n", "c.yaml:1:17: silence.mail: 1s is out of range; it is 1m to 90d, or off", "" },
	{ "capture: {timeout: off}\n", "c.yaml:1:20: capture.timeout: \"off\" is not a duration; write a whole number and ms, s, m, h or d, "
	  "as in 10ms", "not everything can be off" },
	{ "capture: {workers: 0}\n", "c.yaml:1:20: capture.workers: 0 is out of range; it is 1 to 32", "" },
	{ "capture: {workers: two}\n", "c.yaml:1:20: capture.workers: \"two\" is not a number; write a whole number, as in 1", "" },
	{ "limits: {flows: 99999999999999999999}\n", "c.yaml:1:17: limits.flows: \"99999999999999999999\" is not a number; write a whole "
	  "number, as in 1024", "" },
	{ "capture: {promiscuous: yes}\n", "c.yaml:1:24: capture.promiscuous: true or false belongs here", "YAML 1.1" },
	{ "capture: {promiscuous: 'true'}\n", "c.yaml:1:24: capture.promiscuous: true or false belongs here", "a text" },
	{ "capture: {shunt: on}\n", "c.yaml:1:18: capture.shunt: no \"on\"; it is auto or off", "" },
	{ "dns: {resolver: [192.0.2.1, mx.example]}\n", "c.yaml:1:29: dns.resolver: DNS resolver \"mx.example\": not an IP address with an "
	  "optional @port, such as 192.0.2.53@53, or tls://192.0.2.53#dns.example", "" },
	{ "dns: {resolver: ['192.0.2.1,192.0.2.2']}\n", "c.yaml:1:18: dns.resolver: one server of less than 192 characters belongs here", "" },
	{ "dns: {resolver: [1.1.1.1, 2.2.2.2, 3.3.3.3, 4.4.4.4, 5.5.5.5]}\n", "c.yaml:1:54: dns.resolver: at most 4 of them", "" },
	{ "dns: {canary: [a..b]}\n", "c.yaml:1:16: dns.canary: \"a..b\" is not a zone; write example.org, or example.org=bogus", "" },
	{ "dns: {canary: [a.b=good]}\n", "c.yaml:1:16: dns.canary: \"a.b=good\" is not a zone; write example.org, or example.org=bogus", "" },
	{ "dns: {mode: lvie}\n", "c.yaml:1:13: dns.mode: no \"lvie\"; did you mean \"live\"?", "" },
	{ "metrics: {listen: '0.0.0.0:9464'}\n", "c.yaml:1:19: metrics.listen: \"0.0.0.0:9464\" is not a port of this machine's loopback; "
	  "write 127.0.0.1:9464, [::1]:9464, unix:/path or none", "for all to see" },
	{ "metrics: {listen: 'unix:sock'}\n", "c.yaml:1:19: metrics.listen: \"unix:sock\" is not a port of this machine's loopback; "
	  "write 127.0.0.1:9464, [::1]:9464, unix:/path or none", "" },
	{ "metrics: {listen: ''}\n", "c.yaml:1:19: metrics.listen: a text of 1 to 1023 octets belongs here, or none", "" },
	{ "user: -r\n", "c.yaml:1:7: user: \"-r\" is not the name of a user of this machine", "" },
	{ "group: 'a b'\n", "c.yaml:1:8: group: \"a b\" is not the name of a group of this machine", "" },
	{ "state: ''\n", "c.yaml:1:8: state: a path belongs here, or none", "" },
	{ "state: ~\n", "c.yaml:1:8: state: the value is missing; leave the key out for the default", "" },
	{ "watch_domains: example.org\n", "c.yaml:1:16: watch_domains: a list belongs here, as in: [example.org, {domain: example.net, role: own}]", "" },
	{ "watch_domains: [org]\n", "c.yaml:1:17: domain: \"org\" is not a domain of at least two labels; write example.org", "" },
	{ "watch_domains: [{role: own}]\n", "c.yaml:1:17: watch_domains: the key \"domain\" is missing, as in: {domain: example.org}", "" },
	{ "watch_domains: [{domain: a.b, rolle: own}]\n", "c.yaml:1:31: no key \"rolle\"; did you mean \"role\"?", "" },
	{ "watch_domains: [{domain: a.b, role: owner}]\n", "c.yaml:1:37: role: no \"owner\"; did you mean \"own\"?", "" },
	{ "watch_domains: [{domain: a.b, dane_from: 25.11.2026}]\n", "c.yaml:1:42: dane_from: \"25.11.2026\" is no day; write 2026-11-25, or "
	  "2026-11-25T18:00:00Z, or none", "" },
	{ "watch_domains: [{domain: a.b, dane_from: 2026-02-30}]\n", "c.yaml:1:42: dane_from: \"2026-02-30\": there is no such time", "" },
	{ "watch_domains: [{domain: a.b, expect_mx: [x y.z]}]\n", "c.yaml:1:43: expect_mx: \"x y.z\" is not a domain of at least two labels; write "
	  "example.org", "" },
	{ "watch_domains: [a.b, c.d, {domain: A.b.}]\n", "c.yaml:1:27: watch_domains: a.b stands in this list a second time", "" },
	{ "outputs: {type: file, path: a}\n", "c.yaml:1:10: outputs: a list belongs here, as in: [{type: file, path: alerts.ndjson}]", "" },
	{ "outputs: [a]\n", "c.yaml:1:11: outputs: a map belongs here, as in: {type: file, path: alerts.ndjson}", "" },
	{ "outputs: [{type: file}]\n", "c.yaml:1:11: outputs: type file: the key \"path\" is missing, as in: {type: file, path: "
	  "alerts.ndjson}", "" },
	{ "outputs: [{path: a}]\n", "c.yaml:1:11: outputs: the key \"type\" is missing, as in: {type: file, path: alerts.ndjson}", "" },
	{ "outputs: [{type: file, pat: a}]\n", "c.yaml:1:24: no key \"pat\"; did you mean \"path\"?", "" },
	{ "outputs: [{type: kafak, path: a}]\n", "c.yaml:1:18: type: no \"kafak\"; did you mean \"kafka\"?", "" },
	{ "outputs: [{type: [file], path: a}]\n", "c.yaml:1:18: type: file, syslog, unix, nats or kafka belongs here", "" },
	{ "outputs: [{type: file, path: a, topic: b}]\n", "c.yaml:1:33: outputs: type file has no key \"topic\"; it belongs to kafka", "" },
	{ "outputs: [{topic: b, type: unix, path: a}]\n", "c.yaml:1:12: outputs: type unix has no key \"topic\"; it belongs to kafka", "in any order" },
	{ "outputs: [{type: file, path: a, spool: 1MiB}]\n", "c.yaml:1:33: outputs: type file has no key \"spool\"; it belongs to syslog, unix, nats "
	  "and kafka", "" },
	{ "outputs: [{type: unix, path: a, rotate_keep: 3}]\n", "c.yaml:1:33: outputs: type unix has no key \"rotate_keep\"; it belongs to file", "" },
	{ "outputs: [{type: unix, path: a, rotate_size: off}]\n", "c.yaml:1:33: outputs: type unix has no key \"rotate_size\"; it belongs to file",
	  "nor the default" },
	{ "outputs: [{type: file, path: a, rotate_keep: 3}]\n", "c.yaml:1:33: outputs: type file has no key \"rotate_keep\" here: nothing is renamed "
	  "without rotate_size or rotate_every", "" },
	{ "outputs: [{type: file, path: '-', rotate_size: 1MiB}]\n", "c.yaml:1:35: outputs: type file has no key \"rotate_size\" here: standard output "
	  "cannot be renamed", "" },
	{ "outputs: [{type: unix}]\n", "c.yaml:1:11: outputs: type unix: the key \"path\" is missing, as in: {type: unix, path: /run/collector.sock}", "" },
	{ "outputs: [{type: unix, path: '-'}]\n", "c.yaml:1:30: path: \"-\" is not the path of a socket, of at most 107 octets", "" },
	{ "outputs: [{type: unix, path: a, address: 'a:1'}]\n", "c.yaml:1:33: outputs: type unix has no key \"address\"; it belongs to syslog, nats and "
	  "kafka", "" },
	{ "outputs: [{type: syslog}]\n", "c.yaml:1:11: outputs: type syslog: the key \"address\" is missing, as in: {type: syslog, address: "
	  "\"siem.example:6514\"}", "" },
	{ "outputs: [{type: syslog, transport: unix}]\n", "c.yaml:1:11: outputs: type syslog: the key \"path\" is missing, as in: {type: syslog, "
	  "transport: unix, path: /dev/log}", "" },
	{ "outputs: [{type: syslog, transport: unix, path: a, address: 'a:1'}]\n", "c.yaml:1:52: outputs: type syslog has no key \"address\" here: a socket "
	  "of this machine, transport: unix, has a path in its place", "" },
	{ "outputs: [{type: syslog, path: a, address: 'a:1'}]\n", "c.yaml:1:26: outputs: type syslog has no key \"path\" here: a receiver has an address; "
	  "the path is that of a socket, for transport: unix", "" },
	{ "outputs: [{type: syslog, address: a}]\n", "c.yaml:1:35: address: \"a\" is not host:port, as in siem.example:6514 or [2001:db8::1]:6514", "" },
	{ "outputs: [{type: syslog, address: 'a:1, b:2'}]\n", "c.yaml:1:35: address: \"a:1, b:2\" is not host:port, as in siem.example:6514 or "
	  "[2001:db8::1]:6514", "one receiver" },
	{ "outputs: [{type: syslog, address: '2001:db8::1:514'}]\n", "c.yaml:1:35: address: \"2001:db8::1:514\" is not host:port, as in siem.example:6514 or "
	  "[2001:db8::1]:6514", "" },
	{ "outputs: [{type: syslog, address: 'a:1', transport: udp, framing: newline}]\n", "c.yaml:1:58: outputs: type syslog has no key \"framing\" here: it "
	  "belongs to transport: tls and tcp", "" },
	{ "outputs: [{type: syslog, address: 'a:1', transport: tcp, ca: a}]\n", "c.yaml:1:58: outputs: type syslog has no key \"ca\" here: it belongs to "
	  "transport: tls", "" },
	{ "outputs: [{type: syslog, address: 'a:1', tls: true}]\n", "c.yaml:1:42: outputs: type syslog has no key \"tls\"; it belongs to nats and kafka", "" },
	{ "outputs: [{type: syslog, address: 'a:1', cert: a}]\n", "c.yaml:1:48: outputs: cert and key belong together; \"key\" is missing", "" },
	{ "outputs: [{type: syslog, address: 'a:1', key: a}]\n", "c.yaml:1:47: outputs: cert and key belong together; \"cert\" is missing", "" },
	{ "outputs: [{type: syslog, address: 'a:1', key: a, cert: none}]\n", "c.yaml:1:47: outputs: cert and key belong together; \"cert\" is missing", "" },
	{ "outputs: [{type: syslog, address: 'a:1', sd_id: origin}]\n", "c.yaml:1:49: sd_id: \"origin\" is not name@number, as in mxwitness@32473 (RFC 5424 "
	  "6.3.2)", "a name of the IETF's" },
	{ "outputs: [{type: syslog, address: 'a:1', sd_id: 'a b@1'}]\n", "c.yaml:1:49: sd_id: \"a b@1\" is not name@number, as in mxwitness@32473 (RFC 5424 "
	  "6.3.2)", "" },
	{ "outputs: [{type: syslog, address: 'a:1', name: a/b}]\n", "c.yaml:1:48: name: \"a/b\" is not made of letters, digits, dots, dashes and "
	  "underscores, or begins with a dot", "" },
	{ "outputs: [{type: syslog, address: 'a:1', name: ..}]\n", "c.yaml:1:48: name: \"..\" is not made of letters, digits, dots, dashes and "
	  "underscores, or begins with a dot", "it is a folder" },
	{ "outputs: [{type: file, path: a, name: x}, {type: syslog, address: 'a:1', name: x}]\n", "c.yaml:1:43: outputs: another one has the name x already", "" },
	{ "outputs: [{type: syslog, address: 'a:1'}, {type: syslog, address: 'a:1', datasets: alert}]\n", "c.yaml:1:43: outputs: another one is called "
	  "syslog-a-1 already; give each a name, as in: name: alerts", "" },
	{ "outputs: [{type: file, path: '-'}, {type: file, path: '-', name: x}]\n", "c.yaml:1:36: outputs: another one has this path already; two would write "
	  "into each other's lines", "" },
	{ "outputs: [{type: nats, address: 'a:1,'}]\n", "c.yaml:1:33: address: \"a:1,\" is not host:port, host:port, as in 192.0.2.1:4222, "
	  "[2001:db8::1]:4222", "" },
	{ "outputs: [{type: nats, address: 'u:p@a:1'}]\n", "c.yaml:1:33: address: \"u:p@a:1\" is not host:port, host:port, as in 192.0.2.1:4222, "
	  "[2001:db8::1]:4222", "who logs in does so by credentials" },
	{ "outputs: [{type: nats, address: 'a:1', ca: a}]\n", "c.yaml:1:40: outputs: type nats has no key \"ca\" here: it belongs to tls: true", "" },
	{ "outputs: [{type: nats, address: 'a:1', tls: true, key: a}]\n", "c.yaml:1:56: outputs: cert and key belong together; \"cert\" is missing", "" },
	{ "outputs: [{type: nats, address: 'a:1', subject: 'a.*'}]\n", "c.yaml:1:49: subject: \"a.*\" is not made of letters, digits, dashes and underscores, "
	  "with single dots between them", "" },
	{ "outputs: [{type: nats, address: 'a:1', stream: a.b}]\n", "c.yaml:1:48: stream: \"a.b\" is not made of letters, digits, dashes and underscores", "" },
	{ "outputs: [{type: kafka, address: 'a:1', topic: 'a b'}]\n", "c.yaml:1:48: topic: \"a b\" is not made of letters, digits, dots, dashes and "
	  "underscores", "" },
	{ "outputs: [{type: kafka, address: 'a:1', server_name: a}]\n", "c.yaml:1:41: outputs: type kafka has no key \"server_name\"; it belongs to syslog and "
	  "nats", "" },
	{ "outputs: [{type: kafka, address: 'a:1', kafka: {acks: 1}}]\n", "c.yaml:1:48: kafka: a list of texts belongs here, as in: [linger.ms=50, "
	  "compression.type=zstd]", "" },
	{ "outputs: [{type: kafka, address: 'a:1', kafka: [sasl.password hunter2]}]\n", "c.yaml:1:49: kafka: a text such as linger.ms=50 belongs here, the "
	  "setting's name and its value", "no value is shown" },
	{ "outputs: [{type: kafka, address: 'a:1', kafka: [acks=1]}]\n", "c.yaml:1:49: kafka: acks cannot be set: an event counts as delivered when all "
	  "replicas have it", "" },
	{ "outputs: [{type: kafka, address: 'a:1', kafka: [sasl.password=a, sasl.password=b]}]\n", "c.yaml:1:66: kafka: \"sasl.password\" stands in this list "
	  "a second time", "" },
	{ "outputs: [{type: file, path: a, datasets: []}]\n", "c.yaml:1:43: datasets: at least one belongs here", "" },
	{ "outputs: [{type: file, path: a, datasets: [alert, alert]}]\n", "c.yaml:1:51: datasets: \"alert\" stands in this list a second "
	  "time", "" },
	{ "outputs: [{type: file, path: a, minimum_level: meduim}]\n", "c.yaml:1:48: minimum_level: no \"meduim\"; did you mean "
	  "\"medium\"?", "" },
	{ "outputs: [{type: file, path: a}, {type: file, path: a}]\n", "c.yaml:1:34: outputs: another one has this path already; two "
	  "would write into each other's lines", "" },
	{ "vantage: &a dmz\n", "c.yaml:1:10: anchors are not allowed", "" },
	{ "policy: {name: a}\n", "c.yaml:1:9: policy: a list belongs here, as in: [{name: partner, domains: [partner.example], tls: required}]", "" },
	{ "policy: [{tls: required}]\n", "c.yaml:1:10: policy: the key \"name\" is missing, as in: {name: partner, domains: "
	  "[partner.example], tls: required}", "" },
	{ "policy: [{name: a, tls: required}]\n", "c.yaml:1:10: policy: whom is it for? Write domains, mx, servers, clients or ports", "" },
	{ "policy: [{name: a, ports: 25}]\n", "c.yaml:1:10: policy: it promises nothing; write tls: required, dane: required, pin_spki, "
	  "pin_ca, names, requiretls: true or known_clear: true", "" },
	{ "policy: [{name: a, ports: 25, tls: required, known_clear: true}]\n", "c.yaml:1:10: policy: known_clear says that TLS may be "
	  "missing, and the same entry says that it must not", "" },
	{ "policy: [{name: a, ports: 25, known_clear: true}]\n", "c.yaml:1:10: policy: known_clear must say why, as in: reason: their "
	  "gateway has no TLS, ticket 4711", "" },
	{ "policy: [{name: a, ports: 25, tls: required}, {name: a, ports: 26, tls: required}]\n", "c.yaml:1:47: policy: another one has "
	  "this name already", "" },
	{ "policy: [{name: a, domains: ['*.example'], tls: required}]\n", "c.yaml:1:30: domains: \"*.example\" is not a name; write "
	  "example.net, or .example.net for all below it", "a star" },
	{ "policy: [{name: a, domain: [a.example], tls: required}]\n", "c.yaml:1:20: no key \"domain\"; did you mean \"domains\"?", "" },
	{ "policy: [{name: a, ports: 0, tls: required}]\n", "c.yaml:1:27: ports: a port belongs here, 1 to 65535", "" },
	{ "policy: [{name: a, ports: 25, tls: requierd}]\n", "c.yaml:1:36: tls: no \"requierd\"; did you mean \"required\"?", "" },
	{ "policy: [{name: a, ports: 25, pin_spki: abc}]\n", "c.yaml:1:41: pin_spki: \"abc\" is not a SHA-256; write 64 hexadecimal "
	  "digits, or 44 of base64", "" },
	{ "policy: [{name: a, ports: 25, pin_ca: /no/such.pem}]\n", "c.yaml:1:39: pin_ca: neither a digest nor a file: /no/such.pem: "
	  "cannot be read: No such file or directory", "" },
	{ "policy: [{name: a, ports: 25, tls: required, until: 2026-02-30}]\n", "c.yaml:1:53: until: a day belongs here, as 2026-12-31, "
	  "or never", "no such day" },
	{ "policy: [{name: a, servers: 10.0.0.0/33, tls: required}]\n", "c.yaml:1:29: servers: \"10.0.0.0/33\" is not a network; write "
	  "192.0.2.0/24 or 2001:db8::/32, at most 64 of them", "" },
	{ "routes: [{name: a}]\n", "c.yaml:1:10: routes: the key \"host\" is missing, as in: {name: smart-host, host: relay.example.net}", "" },
	{ "routes: [{name: a, host: 'relay.example.net:25'}]\n", "c.yaml:1:26: host: a host name or an address belongs here", "" },
	{ "routes: [{name: a, host: 192.0.2.0/24}]\n", "c.yaml:1:26: host: a host name or an address belongs here", "" },
	{ "routes: [{name: a, host: 192.0.2.1, tlsa_base: 192.0.2.1}]\n", "c.yaml:1:48: tlsa_base: a name belongs here", "" },
	{ "inspection: [{name: a, clients: 10.0.0.0/8}]\n", "c.yaml:1:14: inspection: what may the device do? Write forms or ca", "" },
	{ "inspection: [{name: a, forms: Banner}]\n", "c.yaml:1:31: forms: \"Banner\" is no finding; write banner-masked, or "
	  "starttls-keyword-masked/x-mask", "" },
	{ "own_domains: [a..example]\n", "c.yaml:1:15: own_domains: \"a..example\" is not a name; write example.net, or .example.net for "
	  "all below it", "" },
};

static void refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct settings s;
		struct error e = { "" };
		if (parse(&s, "c.yaml", wrong[i].text, &e))
			fail_msg("taken: %s (%s)", wrong[i].text, wrong[i].why);
		if (strcmp(e.text, wrong[i].error) != 0)
			fail_msg("%s said: %s\nnot:  %s", wrong[i].text, e.text, wrong[i].error);
		settings_free(&s);
	}
}

static void defaults(void **state)
{
	(void)state;
	struct settings s = { .folder = NULL };
	struct error e = { "" };
	if (!config_read(NULL, &s, &e))
		fail_msg("%s", e.text);
	assert_string_equal(s.ports, "25,587,2525,465=tls");
	assert_true(s.site.own.n == 0 && s.site.vantage == vantage_unknown && !s.site.mirror_all && s.site.ca_file[0] == '\0');
	assert_true(!s.rules.dir && !s.rules.off && !s.rules.level && s.interfaces.n == 0 && s.other_ports == 0 && s.output.n == 0);
	assert_int_equal(s.capture_buffer, 64 << 20);
	assert_int_equal(s.capture_timeout, 100);
	assert_true(s.capture_promiscuous && s.capture_workers == 1 && !s.capture_filter && s.capture_shunt == shunting_auto);
	assert_int_equal(s.limits_flows, 262144);
	assert_int_equal(s.limits_dialogues, 16384);
	assert_int_equal(s.limits_reassembly, 64 << 20);
	assert_true(s.dns_mode == dns_mode_live && !s.dns_resolver && !s.dns_trust_anchor && !s.dns_save && s.dns_canary.n == 0);
	assert_true(!s.evidence_directory && s.evidence_max_size == 1 << 30 && s.evidence_max_files == 0 && s.evidence_max_age == 0);
	assert_int_equal(s.stats_interval, 60000);
	assert_int_equal(s.silence_mail, 12 * 3600000);
	assert_true(!s.metrics_listen && !s.metrics_textfile && s.log_to == log_to_stderr && s.log_level == log_level_notice);
	assert_string_equal(s.user, "mxwitness");
	assert_string_equal(s.state, "/var/lib/mxwitness");
	settings_free(&s);
}

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define BASE64 "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static const char full[] =
	"own_networks: 10.0.0.0/8\npublic_addresses: [192.0.2.1, '2001:db8::/32']\nvantage: server-side\ndecrypted_mirror: [10.1.0.0/16]\n"
	"ca_file: ca.pem\nrules: mine\nrules_off: [one]\nrule_levels: {two: high}\ninterfaces: [eth0, br-1.25]\nports: [25, \"465=tls\"]\n"
	"dns_ports: 5353\nother_ports: 64\n"
	"capture:\n  buffer: 128 MiB\n  timeout: 50ms\n  promiscuous: false\n  workers: 4\n  filter: tcp port 25\n  snaplen: 1500B\n"
	"  shunt: off\n  shunt_after: 1MB\n  shunt_flows: 128\n"
	"limits: {flows: 2048, dialogues: 128, reassembly: 1GB}\n"
	"dns: {mode: \"off\", resolver: [192.0.2.53, 'tls://[x]'], trust_anchor: a/b, canary: [example.org., x.test=bogus], save: /s}\n"
	"evidence: {directory: ev, max_size: off, max_files: 10, max_age: 90d, hook: /bin/true}\n"
	"outputs:\n- {type: file, path: '-', minimum_level: medium, datasets: [alert, session]}\n- {type: file, path: out, datasets: stats}\n"
	"stats: {interval: off}\nsilence: {packets: 1 h, mail: off, one_direction: 5m}\n"
	"metrics: {listen: '[::1]:9464', textfile: /t.prom}\nstatus: {socket: none}\nlog: {to: journal, level: debug}\n"
	"policy:\n- {name: p, domains: [A.example., .b.example], ports: [25, 587], pin_spki: [" HEX ", " BASE64 "], until: 2026-12-31}\n"
	"- {name: q, servers: 192.0.2.0/24, clients: [10.0.0.0/8], known_clear: true, reason: \"old: one\"}\n"
	"- {name: r, mx: [], ports: 25, dane: required, requiretls: true, names: .example, pin_ca: sha256//" BASE64 "}\n"
	"routes:\n- {name: s, host: Relay.Example, port: 2525, policy_domain: hop.example}\n- {name: t, host: '2001:db8::1', tlsa_base: x.example}\n"
	"inspection:\n- {name: fw, exempt_servers: 192.0.2.1, exempt_domains: .bank.example, ca: " HEX ", forms: [a-b, c/d], dane: true}\n"
	"own_domains: own.example\npartner_domains: [one.example, .two.example]\n"
	"user: _mx\ngroup: g-1\nstate: ./none\nsilent:\n";

static void policy_values(const struct policy *p)
{
	const struct policy_promise *a = &p->promise.at[0], *b = &p->promise.at[1], *c = &p->promise.at[2];
	const struct policy_inspection *i = &p->inspection.at[0];
	assert_true(p->promise.n == 3 && p->route.n == 2 && p->inspection.n == 1);
	assert_string_equal(a->domains.name[0], "a.example");
	assert_string_equal(a->domains.name[1], ".b.example");
	assert_true(a->ports.n == 2 && a->ports.port[1] == 587 && a->tls == POLICY_NOT && !a->servers && !a->clients);
	assert_int_equal(a->pin_spki.n, 2);
	assert_memory_equal(a->pin_spki.key[0].spki, a->pin_spki.key[1].spki, POLICY_DIGEST);
	assert_int_equal(a->pin_spki.key[0].spki[31], 0x55);
	assert_int_equal(a->until, INT64_C(1798761600000000000)); /* 1 January 2027 */
	assert_true(b->servers->n == 1 && b->clients->net[0].bits == 8 && b->known_clear && b->until == 0);
	assert_string_equal(b->reason, "old: one");
	assert_true(c->dane == POLICY_REQUIRED && c->requiretls && c->mx.n == 0 && c->names.n == 1 && c->pin_ca.key[0].der.n == 0);
	assert_string_equal(p->route.at[0].host, "relay.example");
	assert_true(p->route.at[0].port == 2525 && p->route.at[1].port == 0 && !p->route.at[0].tlsa_base[0]);
	assert_string_equal(p->route.at[0].policy_domain, "hop.example");
	assert_string_equal(p->route.at[1].host, "2001:db8::1");
	assert_string_equal(p->route.at[1].tlsa_base, "x.example");
	assert_true(i->dane && i->ca.n == 1 && i->exempt_servers->n == 1 && policy_does(i, "c", "d") && !policy_does(i, "c", ""));
	assert_true(policy_is_own(p, bytes_of("own.example")) && policy_is_partner(p, bytes_of("a.two.example")));
}

/* Each PEM of a file is a pin, and a file that is none is refused by name. */
static void authorities(void **state)
{
	static const char text[] = "policy: [{name: a, ports: 25, pin_ca: [authority.crt, " HEX "]}]\n";
	struct settings s;
	struct error e = { "" };
	(void)state;
	if (!parse(&s, "tests/pcaps/c.yaml", text, &e))
		fail_msg("%s", e.text);
	const struct policy_keys *ca = &s.policy.promise.at[0].pin_ca;
	assert_int_equal(ca->n, 2);
	assert_true(ca->key[0].der.n > 100 && ca->key[1].der.n == 0 && ca->key[1].spki[0] == 0xe3);
	settings_free(&s);
	assert_false(parse(&s, "tests/pcaps/c.yaml", "policy: [{name: a, ports: 25, pin_ca: authority.yaml}]\n", &e));
	assert_string_equal(e.text, "tests/pcaps/c.yaml:1:39: pin_ca: \"authority.yaml\" is not a PEM file of 1 to 64 certificates");
	settings_free(&s);
}

static void digests(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} t[] = {
		{ HEX, true }, { "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", true }, { BASE64, true },
		{ "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU", true }, { "sha256//" HEX, true }, { "sha256/" HEX, false },
		{ "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=", false }, /* bits that are no octet's */
		{ "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=", false }, { "", false }, { "sha256//", false },
		{ "g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", false }, { HEX "00", false },
	};
	uint8_t out[DIGEST_OCTETS], want[DIGEST_OCTETS];
	(void)state;
	assert_true(digest_read(bytes_of(HEX), want));
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		size_t n = strlen(t[i].text);
		uint8_t *exact = malloc(n ? n : 1);
		memcpy(exact, t[i].text, n);
		bool good = digest_read((struct bytes){ exact, n }, out);
		free(exact);
		if (good != t[i].good)
			fail_msg("%s", t[i].text);
		if (good)
			assert_memory_equal(out, want, sizeof(out));
	}
}

static void values(void **state)
{
	(void)state;
	struct settings s;
	struct error e = { "" };
	char *text = strdup(full);
	memcpy(strstr(text, "tls://[x]'"), "192.0.2.9'", 10);
	*strstr(text, "silent:") = '#';
	if (!parse(&s, "/etc/x/c.yaml", text, &e))
		fail_msg("%s", e.text);
	free(text);
	assert_true(s.site.own.n == 1 && s.site.seen_as.n == 2 && s.site.mirror.n == 1 && s.site.vantage == vantage_server_side);
	assert_string_equal(s.site.ca_file, "/etc/x/ca.pem");
	assert_string_equal(rule_site_path(&s.rules), "/etc/x/mine");
	assert_true(s.rules.off && s.rules.level);
	assert_int_equal(s.interfaces.n, 2);
	assert_string_equal(s.interfaces.text[1], "br-1.25");
	assert_string_equal(s.ports, "25,465=tls");
	assert_true(s.site.ndns == 1 && s.site.dns_port[0] == 5353);
	assert_int_equal(s.other_ports, 64);
	assert_int_equal(s.capture_buffer, 128 << 20);
	assert_true(s.capture_timeout == 50 && !s.capture_promiscuous && s.capture_workers == 4 && s.capture_snaplen == 1500);
	assert_string_equal(s.capture_filter, "tcp port 25");
	assert_true(s.capture_shunt == shunting_off && s.capture_shunt_after == 1000000 && s.capture_shunt_flows == 128);
	assert_true(s.limits_flows == 2048 && s.limits_dialogues == 128 && s.limits_reassembly == 1000000000);
	assert_int_equal(s.dns_mode, dns_mode_off);
	assert_string_equal(s.dns_resolver, "192.0.2.53,192.0.2.9");
	assert_string_equal(s.dns_trust_anchor, "/etc/x/a/b");
	assert_string_equal(s.dns_save, "/s");
	assert_string_equal(s.dns_canary.text[1], "x.test=bogus");
	assert_string_equal(s.evidence_directory, "/etc/x/ev");
	assert_true(s.evidence_max_size == 0 && s.evidence_max_files == 10 && s.evidence_max_age == 90 * UINT64_C(86400000));
	assert_int_equal(s.output.n, 2);
	assert_null(s.output.at[0].path);
	assert_true(s.output.at[0].minimum_level == level_medium && s.output.at[0].datasets == (1u << dataset_alert | 1u << dataset_session));
	assert_string_equal(s.output.at[1].path, "/etc/x/out");
	assert_true(s.output.at[1].type == output_type_file && s.output.at[1].format == output_format_ecs);
	assert_true(s.output.at[1].minimum_level == level_informational && s.output.at[1].datasets == 1u << dataset_stats);
	assert_true(s.stats_interval == 0 && s.silence_packets == 3600000 && s.silence_mail == 0 && s.silence_one_direction == 300000);
	assert_string_equal(s.metrics_listen, "[::1]:9464");
	assert_true(!s.status_socket && s.log_to == log_to_journal && s.log_level == log_level_debug);
	policy_values(&s.policy);
	assert_string_equal(s.user, "_mx");
	assert_string_equal(s.state, "/etc/x/./none");
	settings_free(&s);
}

static const struct {
	const char *text;
	enum quantity is;
	uint64_t octets, ms;
	bool time;
} quantities[] = {
	{ "1B", QUANTITY_GOOD, 1, 0, false }, { "64MiB", QUANTITY_GOOD, 64 << 20, 0, false }, { "64 MiB", QUANTITY_GOOD, 64 << 20, 0, false },
	{ "1KB", QUANTITY_GOOD, 1000, 0, false }, { "1kB", QUANTITY_GOOD, 1000, 0, false }, { "2GB", QUANTITY_GOOD, 2000000000, 0, false },
	{ "16777215TiB", QUANTITY_GOOD, UINT64_C(16777215) << 40, 0, false }, { "16777216TiB", QUANTITY_BAD, 0, 0, false },
	{ "64", QUANTITY_BARE, 0, 0, false }, { "", QUANTITY_BAD, 0, 0, false }, { "MiB", QUANTITY_BAD, 0, 0, false },
	{ "-1B", QUANTITY_BAD, 0, 0, false }, { "01B", QUANTITY_BAD, 0, 0, false }, { "1  B", QUANTITY_BAD, 0, 0, false },
	{ "1 ", QUANTITY_BAD, 0, 0, false }, { "1mib", QUANTITY_BAD, 0, 0, false }, { "0B", QUANTITY_GOOD, 0, 0, false },
	{ "1000000000000000000B", QUANTITY_BAD, 0, 0, false },
	{ "250ms", QUANTITY_GOOD, 0, 250, true }, { "3s", QUANTITY_GOOD, 0, 3000, true }, { "5m", QUANTITY_GOOD, 0, 300000, true },
	{ "12h", QUANTITY_GOOD, 0, 43200000, true }, { "7d", QUANTITY_GOOD, 0, 604800000, true }, { "7", QUANTITY_BARE, 0, 0, true },
	{ "1h30m", QUANTITY_BAD, 0, 0, true }, { "1M", QUANTITY_BAD, 0, 0, true }, { "1B", QUANTITY_BAD, 0, 0, true },
};

static void numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(quantities) / sizeof(quantities[0]); i++) {
		uint64_t v = 0;
		size_t n = strlen(quantities[i].text);
		uint8_t *exact = malloc(n ? n : 1);
		memcpy(exact, quantities[i].text, n);
		struct bytes b = { exact, n };
		enum quantity is = quantities[i].time ? quantity_duration(b, &v) : quantity_size(b, &v);
		free(exact);
		if (is != quantities[i].is || (is == QUANTITY_GOOD && v != (quantities[i].time ? quantities[i].ms : quantities[i].octets)))
			fail_msg("%s: %d, %llu", quantities[i].text, is, (unsigned long long)v);
	}
}

/* The dump without what stands behind " # ". */
static char *dump(const struct settings *s)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	assert_non_null(f);
	config_dump(s, f);
	fclose(f);
	return text;
}

static void without_comments(char *text)
{
	char *to = text;
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		char *comment = NULL;
		for (char *p = line; p < end; p++)
			if (strncmp(p, "  # ", 4) == 0)
				comment = p;
		size_t n = (size_t)((comment ? comment : end) - line);
		while (n && line[n - 1] == ' ')
			n--;
		memmove(to, line, n);
		to += n;
		*to++ = '\n';
	}
	*to = '\0';
}

static void same_again(const char *text)
{
	struct settings s;
	struct error e = { "" };
	if (!parse(&s, "/etc/x/c.yaml", text, &e))
		fail_msg("%s", e.text);
	char *first = dump(&s);
	settings_free(&s);
	if (!parse(&s, "/elsewhere/d.yaml", first, &e))
		fail_msg("%s in\n%s", e.text, first);
	char *second = dump(&s);
	settings_free(&s);
	without_comments(first);
	without_comments(second);
	assert_string_equal(first, second);
	free(first);
	free(second);
}

static void dumped(void **state)
{
	(void)state;
	char *text = strdup(full);
	memcpy(strstr(text, "tls://[x]'"), "192.0.2.9'", 10);
	*strstr(text, "silent:") = '#';
	same_again("");
	same_again(text);
	same_again("decrypted_mirror: true\nstate: \"a \\\"b\\\\ \\x85 \\u2028 \\U0001F4E7 \u00fc: # - {\"\n");
	same_again("state: 'null'\nca_file: none\nevidence: {directory: 'true', hook: '-'}\noutputs: [{type: file, path: ./-}]\n");
	free(text);
}

static void dump_says_where(void **state)
{
	(void)state;
	struct settings s;
	struct error e = { "" };
	assert_true(parse(&s, "/etc/c.yaml", "\nlog:\n  level: info\nca_file: x.pem\nown_networks:\n- 10.0.0.0/8\n- 192.0.2.1\n", &e));
	char *text = dump(&s);
	assert_non_null(strstr(text, "\nlog:\n  to: stderr                                    # default\n"
			       "  level: info                                   # /etc/c.yaml:3\n"));
	assert_non_null(strstr(text, "own_networks:\n  - 10.0.0.0/8                                  # /etc/c.yaml:6\n"
			       "  - 192.0.2.1                                   # /etc/c.yaml:7\n"));
	assert_non_null(strstr(text, "\nca_file: /etc/x.pem                             # /etc/c.yaml:4\n"));
	free(text);
	settings_free(&s);
}

/* Outputs of all types; each as short as it may be, and with all that it may have. */
static const char receivers[] =
	"spool: waiting\nsensor: {name: eins}\noutputs:\n"
	"- {type: file, path: '-'}\n- {type: file, path: a, name: A, rotate_size: 1MiB, rotate_every: 1d, rotate_keep: 7}\n- {type: file, path: b, rotate_every: 1h}\n"
	"- {type: unix, path: s.sock, format: eve, spool: 2MiB}\n- {type: syslog, transport: unix, path: /dev/log, facility: mail, sd_id: a@1.2}\n"
	"- {type: syslog, transport: unix, path: /dev/log, name: other}\n"
	"- {type: syslog, address: 'siem.example:6514', ca: ca.pem, cert: c.pem, key: k.pem, server_name: siem, format: cef}\n"
	"- {type: syslog, address: '[2001:db8::1]:514', transport: udp, format: leef, minimum_level: high, datasets: alert}\n"
	"- {type: syslog, address: '192.0.2.1:514', transport: tcp, framing: newline}\n";
static const char nats[] =
	"outputs:\n- {type: nats, address: 'a:4222, [::1]:4222,b:1', tls: true, ca: ca.pem, server_name: x, credentials: n.creds, stream: S, subject: a.b-c,\n"
	"   partitions: 4, replicas: 3, keep: 2d, name: bus}\n- {type: nats, address: 'a:4222'}\n";
static const char kafka[] =
	"outputs:\n- {type: kafka, address: 'a:9092', topic: t.x_y-z, kafka: [linger.ms=50, sasl.password=hunter2, 'ssl.key.password=a b']}\n"
	"- {type: kafka, address: 'b:9092', tls: true, cert: c.pem, key: k.pem, kafka: compression.type=zstd}\n";

static void outputs_dumped(void **state)
{
	(void)state;
	struct settings s;
	struct error e = { "" };
	same_again(receivers);
	if (!parse(&s, "/etc/x/c.yaml", receivers, &e))
		fail_msg("%s", e.text);
	const struct output_settings *o = s.output.at;
	assert_int_equal(s.output.n, 9);
	assert_string_equal(s.spool, "/etc/x/waiting");
	assert_string_equal(s.sensor_name, "eins");
	assert_true(o[1].rotate_size == 1 << 20 && o[1].rotate_every == 86400000 && o[1].rotate_keep == 7 && o[2].rotate_keep == 0);
	assert_string_equal(o[3].path, "/etc/x/s.sock");
	assert_true(o[3].spool == 2 << 20 && o[4].spool == 1 << 30 && o[4].facility == facility_mail && o[6].facility == facility_local5);
	assert_true(o[6].transport == transport_tls && o[6].framing == framing_counted && !o[6].path);
	assert_string_equal(o[6].key, "/etc/x/k.pem");
	char *text = dump(&s);
	assert_non_null(strstr(text, "\n    transport: udp "));
	assert_null(strstr(text, "    topic: "));
	free(text);
	settings_free(&s);
}

/* A program that was built without a library says so, and about the library alone. */
static void outputs_of_libraries(void **state)
{
	(void)state;
	struct settings s;
	struct error e = { "" };
	bool ok = parse(&s, "/etc/x/c.yaml", nats, &e);
	assert_int_equal(ok, carrier_kind(output_type_nats) != NULL);
	if (!ok)
		assert_string_equal(e.text, "/etc/x/c.yaml:2:10: type: this mxwitness was built without libnats; type nats needs it");
	settings_free(&s);
	if (ok)
		same_again(nats);
	ok = parse(&s, "/etc/x/c.yaml", kafka, &e);
	assert_int_equal(ok, carrier_kind(output_type_kafka) != NULL);
	if (!ok)
		assert_string_equal(e.text, "/etc/x/c.yaml:2:10: type: this mxwitness was built without librdkafka; type kafka needs it");
	if (ok) {
		assert_string_equal(s.output.at[0].kafka.text[1], "sasl.password=hunter2");
		char *text = dump(&s);
		assert_non_null(strstr(text, "kafka: [linger.ms=50, \"sasl.password=not-shown\", \"ssl.key.password=not-shown\"]"));
		free(text);
		same_again(kafka);
	}
	settings_free(&s);
}

/* Each key of an entry belongs to some type, so that none of them can be forgotten. */
static void output_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < setting_maps[0].rows; i++) {
		struct node type = { .kind = NODE_SCALAR, .text = bytes_of("nonsense") }, map = { .kind = NODE_MAP };
		struct node key = { .kind = NODE_SCALAR, .text = bytes_of("type") };
		type.key = &key;
		map.first = map.last = &type;
		if (!setting_output_has(&map, setting_maps[0].row[i].name))
			fail_msg("%s belongs to no type", setting_maps[0].row[i].name);
	}
}

static void secrets(void **state)
{
	static const struct { const char *text; size_t shown; } t[] = {
		{ "linger.ms=50", 12 }, { "sasl.password=x", 13 }, { "ssl.keystore.password=x=y", 21 }, { "sasl.oauthbearer.client.secret=x", 30 },
		{ "ssl.key.pem=x", 11 }, { "client.id=password", 18 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(setting_property_shown(bytes_of(t[i].text)), t[i].shown);
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Several files: values replace, lists and maps grow, paths are those of the first file's folder; and what a later file replaces
 * must be right too. */
static void several(void **state)
{
	(void)state;
	char dir[] = "/tmp/test_config.XXXXXX", path[128], want[256];
	struct settings s = { .folder = NULL };
	struct error e = { "" };
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/conf.d", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file(dir, "c.yaml", "vantage: dmz\nown_networks: 10.0.0.0/8\nports: [26]\ninterfaces: [a]\nrule_levels: {one: low, two: low}\n"
		   "decrypted_mirror: true\ncapture: {buffer: 1MiB, workers: 2}\noutputs: [{type: file, path: x}]\nrules_off: [a]\n");
	write_file(path, "20.yaml", "capture: {buffer: 3MiB}\nown_networks: [192.0.2.0/24]\nstate: s\n");
	write_file(path, "10.yml", "capture: {buffer: 2MiB}\nown_networks: [198.51.100.0/24]\nports: 27\ninterfaces: [b, c]\nrules: mine\n"
		   "rule_levels: {two: high, three: low}\ndecrypted_mirror: [10.0.0.0/8]\noutputs: [{type: file, path: y}]\nrules_off: [b]\n");
	write_file(path, "30.yaml.off", "nonsense\n");
	write_file(path, ".40.yaml", "nonsense\n");
	write_file(path, "50.yaml", "decrypted_mirror: [192.0.2.0/24]\ncapture:\n  # nothing\n");
	snprintf(path, sizeof(path), "%s/c.yaml", dir);
	if (!config_read(path, &s, &e))
		fail_msg("%s", e.text);
	assert_true(s.site.vantage == vantage_dmz && s.site.own.n == 3 && s.interfaces.n == 3 && s.output.n == 2);
	assert_int_equal(s.site.own.net[1].base.a[0], 198);
	assert_true(!s.site.mirror_all && s.site.mirror.n == 2);
	assert_string_equal(s.ports, "26,27");
	assert_true(s.capture_buffer == 3 << 20 && s.capture_workers == 2);
	assert_int_equal(node_children(s.rules.level), 3);
	assert_true(node_is(node_get(s.rules.level, "two"), "high"));
	assert_int_equal(node_children(s.rules.off), 2);
	snprintf(want, sizeof(want), "%s/s", dir);
	assert_string_equal(s.state, want);
	snprintf(want, sizeof(want), "%s/mine", dir);
	assert_string_equal(rule_site_path(&s.rules), want);
	settings_free(&s);

	snprintf(path, sizeof(path), "%s/conf.d", dir);
	write_file(path, "60.yaml", "interfaces: [a]\n");
	snprintf(path, sizeof(path), "%s/c.yaml", dir);
	assert_false(config_read(path, &s, &e));
	snprintf(want, sizeof(want), "%s/conf.d/60.yaml:1:14: interfaces: \"a\" stands in this list a second time", dir);
	assert_string_equal(e.text, want);
	settings_free(&s);

	write_file(dir, "c.yaml", "capture: {buffer: big}\n");
	assert_false(config_read(path, &s, &e));
	snprintf(want, sizeof(want), "%s:1:19: capture.buffer: \"big\" is not a size; ", path);
	assert_memory_equal(e.text, want, strlen(want));
	settings_free(&s);
	snprintf(path, sizeof(path), "rm -r %s", dir);
	assert_int_equal(system(path), 0);
}

/* Every default is a value that may be written, within its own range, and every key has a meaning that ends as one. */
static void table_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < SETTINGS; i++) {
		const struct setting_info *t = &setting_table[i];
		const char *dot = strchr(t->name, '.');
		char text[256];
		struct settings s;
		struct error e = { "" };
		snprintf(text, sizeof(text), dot ? "%.*s:\n  %s: %s\n" : "%.*s%s: %s\n", dot ? (int)(dot - t->name) : 0, t->name,
			 dot ? dot + 1 : t->name, t->fallback);
		if (!parse(&s, "c.yaml", text, &e))
			fail_msg("%s%s", text, e.text);
		settings_free(&s);
		assert_int_equal(t->meaning[strlen(t->meaning) - 1], '.');
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(t->name, setting_table[k].name);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults), cmocka_unit_test(values), cmocka_unit_test(authorities), cmocka_unit_test(digests), cmocka_unit_test(refused), cmocka_unit_test(numbers),
		cmocka_unit_test(dumped), cmocka_unit_test(outputs_dumped), cmocka_unit_test(outputs_of_libraries),
		cmocka_unit_test(output_keys), cmocka_unit_test(secrets), cmocka_unit_test(dump_says_where), cmocka_unit_test(several), cmocka_unit_test(table_is_sound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
