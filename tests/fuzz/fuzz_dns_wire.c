/* fuzz_dns_wire: a message that was called useful can be walked, its names survive the way to text and back, and a
 * TCP stream is cut into the same messages whole and octet by octet. */
#include <stdlib.h>

#include "wire/dns_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void walk(struct bytes msg)
{
	static uint8_t out[65536];
	struct dns_walk w;
	struct dns_rr rr;
	struct dns_name back;
	char text[1024];
	if (!dns_wire_useful(msg))
		return;
	must(dns_wire_open(&w, msg));
	while (dns_wire_next(&w, &rr)) {
		must(rr.owner.n >= 1 && rr.owner.octets[rr.owner.n - 1] == 0);
		dns_wire_text(&rr.owner, text, sizeof(text));
		must(dns_wire_from_text(&back, bytes_of(text)) && dns_wire_same(&back, &rr.owner));
		must(dns_wire_below(&rr.owner, &rr.owner));
		while (dns_wire_parent(&back, &back))
			must(dns_wire_below(&rr.owner, &back));
		must(back.n == 1);
		must(dns_wire_rdata(msg, &rr, out, sizeof(out)) <= sizeof(out));
	}
	must(dns_wire_ok(&w));
}

/* A number that depends on where each message began and ended. */
static uint64_t cut(struct bytes in, bool slowly)
{
	uint64_t h = 0;
	size_t from = 0, have = slowly ? 0 : in.n;
	struct bytes msg;
	size_t used;
	for (;;) {
		enum parse p = dns_wire_tcp_next((struct bytes){ in.p + from, have - from }, &msg, &used);
		if (p == PARSE_OK) {
			must(msg.n + 2 == used && used <= have - from);
			h = h * 31 + from * 7 + used;
			from += used;
		} else if (p == PARSE_MORE && have < in.n) {
			have++;
		} else {
			return h * 2 + (p == PARSE_BAD);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	walk(in);
	must(cut(in, false) == cut(in, true));
	return 0;
}
