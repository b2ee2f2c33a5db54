/* test_responder: the octets of DNS messages, the store's choice among them as of a time, and the two sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dns_denial.h"
#include "responder.h"

#define SECOND INT64_C(1000000000)

enum { A = 1, TXT = 16, AAAA = 28, TLSA = 52 };

/* A message under construction. */
struct made {
	uint8_t p[65535];
	size_t n;
};

static void add(struct made *m, const void *p, size_t n)
{
	memcpy(m->p + m->n, p, n);
	m->n += n;
}

static void add16(struct made *m, unsigned v)
{
	m->p[m->n++] = (uint8_t)(v >> 8);
	m->p[m->n++] = (uint8_t)v;
}

static void add_name(struct made *m, const char *text)
{
	struct dns_name n;
	assert_true(dns_wire_from_text(&n, bytes_of(text)));
	add(m, n.octets, n.n);
}

static void open_message(struct made *m, unsigned flags, const char *name, unsigned type)
{
	memset(m, 0, sizeof(*m));
	m->n = 12;
	m->p[2] = (uint8_t)(flags >> 8);
	m->p[3] = (uint8_t)flags;
	m->p[5] = 1;
	add_name(m, name);
	add16(m, type);
	add16(m, 1);
}

static void record(struct made *m, enum dns_section section, const char *name, unsigned type, const void *rdata, size_t n)
{
	m->p[7 + 2 * section]++;
	add_name(m, name);
	add16(m, type);
	add16(m, 1);
	add16(m, 0);
	add16(m, 300);
	add16(m, (unsigned)n);
	add(m, rdata, n);
}

static void signature(struct made *m, enum dns_section section, const char *name, unsigned type, uint32_t begin, uint32_t end)
{
	uint8_t sig[20] = { (uint8_t)(type >> 8), (uint8_t)type, 13, 9 };
	for (int i = 0; i < 4; i++) {
		sig[8 + i] = (uint8_t)(end >> (24 - 8 * i));
		sig[12 + i] = (uint8_t)(begin >> (24 - 8 * i));
	}
	record(m, section, name, RR_RRSIG, sig, sizeof(sig));
}

static enum dns_kept keep(struct dns_store *s, const struct made *m, int64_t ts)
{
	uint8_t *copy = malloc(m->n);
	memcpy(copy, m->p, m->n);
	struct dns_message x = { .ts = ts, .octets = { copy, m->n } };
	enum dns_kept kept = dns_store_add(s, &x);
	free(copy);
	return kept;
}

static void keep_data(struct dns_store *s, int64_t ts, uint8_t value, uint32_t begin)
{
	struct made m;
	open_message(&m, DNS_QR | DNS_AA, "a.example", TXT);
	record(&m, DNS_ANSWER, "a.example", TXT, &value, 1);
	if (begin)
		signature(&m, DNS_ANSWER, "a.example", TXT, begin, 4000);
	assert_int_equal(keep(s, &m, ts * SECOND), DNS_KEPT);
}

static const struct dns_reply *reply(const struct dns_store *s, const char *name, uint16_t type, int64_t as_of)
{
	static struct dns_reply r;
	struct dns_name n;
	struct dns_walk w;
	struct dns_rr rr;
	assert_true(dns_wire_from_text(&n, bytes_of(name)));
	dns_store_reply(s, &n, type, as_of, true, 0, &r);
	assert_true(dns_wire_open(&w, (struct bytes){ r.octets, r.n }));
	while (dns_wire_next(&w, &rr))
		continue;
	assert_true(dns_wire_ok(&w));
	assert_true(r.from <= as_of && as_of < r.until);
	return &r;
}

static uint8_t first_octet(const struct dns_reply *r)
{
	struct dns_walk w;
	struct dns_rr rr;
	assert_true(dns_wire_open(&w, (struct bytes){ r->octets, r->n }) && dns_wire_next(&w, &rr));
	return rr.rdata.p[0];
}

static void test_useful(void **state)
{
	static const struct {
		const char *octets;
		size_t n;
		bool useful;
		const char *why;
	} table[] = {
		{ "", 0, false, "nothing" },
		{ "\0\0\x80\0\0\1\0\0\0\0\0\0\0\0\1\0\1", 17, true, "the smallest response" },
		{ "\0\0\x00\0\0\1\0\0\0\0\0\0\0\0\1\0\1", 17, false, "a query" },
		{ "\0\0\x82\0\0\1\0\0\0\0\0\0\0\0\1\0\1", 17, false, "truncated: the whole comes by TCP" },
		{ "\0\0\x80\5\0\1\0\0\0\0\0\0\0\0\1\0\1", 17, true, "REFUSED says that the lookup failed" },
		{ "\0\0\x80\1\0\1\0\0\0\0\0\0\0\0\1\0\1", 17, false, "FORMERR says that the query was not understood; another comes" },
		{ "\0\0\xa8\0\0\1\0\0\0\0\0\0\0\0\6\0\1", 17, false, "an UPDATE" },
		{ "\0\0\x80\0\0\1\0\0\0\0\0\0\0\0\1\0\3", 17, false, "class CHAOS" },
		{ "\0\0\x80\0\0\2\0\0\0\0\0\0\0\0\1\0\1", 17, false, "two questions" },
		{ "\0\0\x80\0\0\1\0\0\0\0\0\0\0\0\1\0", 16, false, "cut in the question" },
		{ "\0\0\x80\0\0\1\xff\xff\0\0\0\0\0\0\1\0\1", 17, false, "65535 records promised, none there" },
		{ "\0\0\x80\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1", 18, false, "a name that points to itself" },
		{ "\0\0\x80\0\0\1\0\1\0\0\0\0\0\0\1\0\1\xc0\x11\0\1\0\1\0\0\0\0\0\0", 29, false, "the same in a record" },
		{ "\0\0\x80\0\0\1\0\1\0\0\0\0\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\0\0\0", 29, true, "backwards is well" },
		{ "\0\0\x80\0\0\1\0\1\0\0\0\0\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\0\0\1", 29, false, "RDATA over the end" },
		{ "\0\0\x80\0\0\1\0\0\0\0\0\0\x40\0\0\1\0\1", 18, false, "a label of neither kind" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t *copy = malloc(table[i].n ? table[i].n : 1);
		memcpy(copy, table[i].octets, table[i].n);
		if (dns_wire_useful((struct bytes){ copy, table[i].n }) != table[i].useful)
			fail_msg("%s", table[i].why);
		free(copy);
	}
}

static void test_tcp(void **state)
{
	static const struct {
		const char *octets;
		size_t n;
		enum parse result;
		size_t used;
		const char *why;
	} table[] = {
		{ "", 0, PARSE_MORE, 0, "nothing yet" },
		{ "\0", 1, PARSE_MORE, 0, "half a length" },
		{ "\0\14abcdefghijkl", 14, PARSE_OK, 14, "a header" },
		{ "\0\14abcdefghijklm", 15, PARSE_OK, 14, "and one octet of the next" },
		{ "\0\14abcdefghijk", 13, PARSE_MORE, 0, "one short" },
		{ "\0\13abcdefghijkl", 14, PARSE_BAD, 0, "shorter than a header" },
		{ "\0\0", 2, PARSE_BAD, 0, "empty" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t *copy = malloc(table[i].n ? table[i].n : 1);
		struct bytes msg;
		size_t used = 0;
		memcpy(copy, table[i].octets, table[i].n);
		assert_int_equal(dns_wire_tcp_next((struct bytes){ copy, table[i].n }, &msg, &used), table[i].result);
		assert_int_equal(used, table[i].used);
		free(copy);
	}
}

static void test_names(void **state)
{
	static const struct {
		const char *in, *out;   /* out NULL: no name */
	} table[] = {
		{ ".", "." }, { "", "." }, { "Example.ORG", "example.org" }, { "example.org.", "example.org" },
		{ "_25._tcp.mx", "_25._tcp.mx" }, { "a\\046b.c", "a\\046b.c" }, { "a\\.b", "a\\046b" }, { "a..b", NULL }, { ".a", NULL },
		{ "a\\", NULL }, { "a\\25", NULL }, { "a\\256", NULL },
		{ "0123456789012345678901234567890123456789012345678901234567890123.a", NULL },
	};
	(void)state;
	char text[1024], deep[600];
	struct dns_name n;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(dns_wire_from_text(&n, bytes_of(table[i].in)), table[i].out != NULL);
		if (!table[i].out)
			continue;
		dns_wire_text(&n, text, sizeof(text));
		assert_string_equal(text, table[i].out);
	}
	for (size_t i = 0; i < sizeof(deep) - 2; i += 2)
		memcpy(deep + i, "a.", 3);
	assert_false(dns_wire_from_text(&n, bytes_of(deep)));
	assert_true(dns_wire_from_text(&n, (struct bytes){ (uint8_t *)deep, 253 }));
	assert_int_equal(n.n, 255);
}

/* When which of three versions is served; 0: none. */
static void test_choice(void **state)
{
	static const struct {
		int64_t at;
		uint8_t value;
		enum dns_found found;
		int64_t from, until;
		const char *why;
	} table[] = {
		{ 1500, 1, FOUND_EXACT, 1000, 2000, "the first" },
		{ 2500, 2, FOUND_EXACT, 2000, 3000, "the second replaced it" },
		{ 3500, 3, FOUND_EXACT, 3000, 4000, "the third" },
		{ 999, 1, FOUND_EXACT, 900, 1000, "later data, signed since 900" },
		{ 899, 0, FOUND_MISSING, INT64_MIN, 900, "not signed yet: it did not exist" },
	};
	(void)state;
	struct dns_store *s = dns_store_new(1 << 20);
	keep_data(s, 1000, 1, 900);
	keep_data(s, 1001, 1, 900);
	keep_data(s, 2000, 2, 1900);
	keep_data(s, 3000, 3, 2900);
	keep_data(s, 3100, 9, 0);               /* unsigned, for a client without DO: hides nothing */
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct dns_reply *r = reply(s, "a.example", TXT, table[i].at * SECOND);
		assert_int_equal(r->found, table[i].found);
		assert_true(r->from >= (table[i].from == INT64_MIN ? INT64_MIN : table[i].from * SECOND));
		assert_true(r->until <= table[i].until * SECOND + SECOND);
		if (table[i].value)
			assert_int_equal(first_octet(r), table[i].value);
	}
	assert_int_equal(reply(s, "b.example", TXT, 0)->found, FOUND_MISSING);
	dns_store_free(s);
}

static void test_kinds(void **state)
{
	(void)state;
	struct made m;
	struct dns_store *s = dns_store_new(1 << 20);
	uint8_t ds[4] = { 1, 2, 8, 2 }, nsec[] = { 0, 0, 1, 0x20 }, soa[22] = { 0, 0 };

	open_message(&m, DNS_QR, "x.signed.example", A);        /* a referral with a DS */
	record(&m, DNS_AUTHORITY, "signed.example", RR_NS, "\0", 1);
	record(&m, DNS_AUTHORITY, "signed.example", RR_DS, ds, 4);
	signature(&m, DNS_AUTHORITY, "signed.example", RR_DS, 100, 4000);
	assert_int_equal(keep(s, &m, 1000 * SECOND), DNS_KEPT);
	assert_int_equal(reply(s, "signed.example", RR_DS, 1001 * SECOND)->found, FOUND_EXACT);
	assert_int_equal(reply(s, "signed.example", RR_DS, 1001 * SECOND)->octets[7], 2);
	assert_int_equal(reply(s, "x.signed.example", A, 1001 * SECOND)->found, FOUND_MISSING);

	open_message(&m, DNS_QR, "x.plain.example", A);         /* a referral that denies one */
	record(&m, DNS_AUTHORITY, "plain.example", RR_NS, "\0", 1);
	record(&m, DNS_AUTHORITY, "plain.example", RR_NSEC, nsec, 4);
	signature(&m, DNS_AUTHORITY, "plain.example", RR_NSEC, 100, 4000);
	assert_int_equal(keep(s, &m, 1000 * SECOND), DNS_KEPT);
	const struct dns_reply *r = reply(s, "plain.example", RR_DS, 1001 * SECOND);
	assert_int_equal(r->found, FOUND_EXACT);
	assert_int_equal(r->octets[3] & 15, RCODE_NOERROR);
	assert_int_equal(r->octets[7], 0);
	assert_int_equal(r->octets[9], 2);
	assert_int_equal(reply(s, "plain.example", A, 1001 * SECOND)->found, FOUND_MISSING);

	open_message(&m, DNS_QR | DNS_AA | RCODE_NXDOMAIN, "_tcp.mx.example", A);       /* nothing below it either */
	record(&m, DNS_AUTHORITY, "example", RR_SOA, soa, 22);
	record(&m, DNS_AUTHORITY, "a.example", RR_NSEC, nsec, 4);
	signature(&m, DNS_AUTHORITY, "a.example", RR_NSEC, 100, 4000);
	assert_int_equal(keep(s, &m, 1000 * SECOND), DNS_KEPT);
	r = reply(s, "_25._tcp.mx.example", TLSA, 1001 * SECOND);
	assert_int_equal(r->found, FOUND_DERIVED);
	assert_int_equal(r->octets[3] & 15, RCODE_NXDOMAIN);

	open_message(&m, DNS_QR | DNS_RA | RCODE_SERVFAIL, "fail.example", A);
	assert_int_equal(keep(s, &m, 1000 * SECOND), DNS_KEPT);
	assert_int_equal(reply(s, "fail.example", A, 1001 * SECOND)->found, FOUND_FAILURE);
	assert_int_equal(reply(s, "fail.example", A, 999 * SECOND)->found, FOUND_MISSING);
	open_message(&m, DNS_QR | DNS_RA | RCODE_REFUSED, "refused.example", A);
	assert_int_equal(keep(s, &m, 1000 * SECOND), DNS_KEPT);
	assert_int_equal(reply(s, "refused.example", A, 1001 * SECOND)->found, FOUND_FAILURE);
	dns_store_free(s);
}

/* The same said again takes no memory, and a full store says so. */
/* Whoever held a span asked nobody (RFC 8198): a TLSA record that was answered later says nothing against it while it held. */
static void test_span_held(void **state)
{
	static const struct {
		int64_t at;
		enum dns_found found;
		const char *why;
	} table[] = {
		{ 1001, FOUND_DERIVED, "the span is believed" },
		{ 1299, FOUND_DERIVED, "until its TTL runs out" },
		{ 1301, FOUND_EXACT, "then the later record is the better witness" },
		{ 999, FOUND_EXACT, "nothing was said yet" },
		{ 5001, FOUND_EXACT, "the record itself" },
	};
	struct dns_store *s = dns_store_new(1 << 20);
	struct made m;
	uint8_t soa[22] = { 0 }, tlsa[] = { 3, 1, 1, 0xab };
	static const uint8_t nsec[] = { 2, 'n', 's', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0x40 };
	(void)state;
	open_message(&m, DNS_QR | DNS_AA, "mx.example", AAAA);
	record(&m, DNS_AUTHORITY, "example", RR_SOA, soa, sizeof(soa));
	record(&m, DNS_AUTHORITY, "mx.example", RR_NSEC, nsec, sizeof(nsec));
	signature(&m, DNS_AUTHORITY, "mx.example", RR_NSEC, 100, 9000);
	assert_int_equal(keep(s, &m, 1000 * SECOND), DNS_KEPT);
	assert_int_equal(reply(s, "_25._tcp.mx.example", TLSA, 1001 * SECOND)->octets[3] & 15, RCODE_NXDOMAIN);
	open_message(&m, DNS_QR | DNS_AA, "_25._tcp.mx.example", TLSA);
	record(&m, DNS_ANSWER, "_25._tcp.mx.example", TLSA, tlsa, sizeof(tlsa));
	signature(&m, DNS_ANSWER, "_25._tcp.mx.example", TLSA, 100, 9000);
	assert_int_equal(keep(s, &m, 5000 * SECOND), DNS_KEPT);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (reply(s, "_25._tcp.mx.example", TLSA, table[i].at * SECOND)->found != table[i].found)
			fail_msg("%s", table[i].why);
	dns_store_free(s);
}

static void test_budget(void **state)
{
	(void)state;
	struct made m;
	struct dns_store *s = dns_store_new(4096);
	for (int i = 0; i < 1000; i++)
		keep_data(s, 1000 + i, 1, 900);
	enum dns_kept kept = DNS_KEPT;
	for (uint8_t i = 0; i < 250 && kept == DNS_KEPT; i++) {
		open_message(&m, DNS_QR | DNS_AA, "a.example", TXT);
		record(&m, DNS_ANSWER, "a.example", TXT, &i, 1);
		kept = keep(s, &m, 5000 * SECOND + i);
	}
	assert_int_equal(kept, DNS_FULL);
	assert_int_equal(first_octet(reply(s, "a.example", TXT, 1500 * SECOND)), 1);
	open_message(&m, DNS_QR | DNS_AA, "a.example", TXT);
	for (int i = 0; i < 255; i++)
		record(&m, DNS_ANSWER, "a.example", TXT, &i, 1);
	m.p[6] = 8;
	m.n = 12 + 15;
	assert_int_equal(keep(s, &m, 0), DNS_REFUSED);
	dns_store_free(s);
}

static size_t exchange(struct responder *r, const struct made *query, bool tcp, uint8_t *out, size_t cap)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(r->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	uint8_t len[2] = { (uint8_t)(query->n >> 8), (uint8_t)query->n };
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	if (tcp)
		assert_int_equal(send(fd, len, 2, 0), 2);
	assert_int_equal(send(fd, query->p, query->n, 0), query->n);
	responder_work(r);
	ssize_t n = recv(fd, out, cap, tcp ? MSG_WAITALL : MSG_DONTWAIT);
	close(fd);
	return n > 0 ? (size_t)n : 0;
}

static void test_sockets(void **state)
{
	(void)state;
	struct error e;
	struct made m;
	struct responder *r = calloc(1, sizeof(*r));
	struct dns_store *s = dns_store_new(1 << 20);
	static uint8_t out[70000], big[230];
	open_message(&m, DNS_QR | DNS_AA, "big.example", TXT);
	for (unsigned i = 0; i < 250; i++) {
		big[0] = (uint8_t)i;
		record(&m, DNS_ANSWER, "big.example", TXT, big, sizeof(big));
	}
	assert_int_equal(keep(s, &m, 0), DNS_KEPT);
	r->store = s;
	r->from = INT64_MIN;
	r->until = INT64_MAX;
	assert_true(responder_open(r, &e));
	open_message(&m, DNS_RD | DNS_CD, "BIG.example", TXT);
	memcpy(m.p + 13, "bIg", 3);
	m.p[0] = 0xab;
	size_t n = exchange(r, &m, false, out, sizeof(out));
	assert_int_equal(n, m.n);
	assert_true(out[2] & DNS_TC >> 8);
	assert_int_equal(out[0], 0xab);
	assert_memory_equal(out + 12, m.p + 12, m.n - 12);      /* case as it was asked */
	n = exchange(r, &m, true, out, sizeof(out));
	assert_true(n > 60000);
	assert_int_equal((size_t)out[0] << 8 | out[1], n - 2);
	assert_false(out[4] & DNS_TC >> 8);
	assert_int_equal(r->nserved, 1);
	m.p[2] |= 0x80;
	assert_int_equal(exchange(r, &m, false, out, sizeof(out)), 0);  /* a response is no query */
	m.n = 5;
	assert_int_equal(exchange(r, &m, false, out, sizeof(out)), 0);
	responder_close(r);
	dns_store_free(s);
	free(r);
}

/* The order of RFC 4034 6.1, its own example, and which names a span holds. */
static void test_denial(void **state)
{
	static const char *const order[] = { "example", "a.example", "yljkjljk.a.example", "z.a.example", "zabc.a.example", "z.example",
					     "\\001.z.example", "*.z.example", "\\200.z.example" };
	static const struct {
		const char *owner, *next, *name;
		bool over;
	} table[] = {
		{ "a.example", "d.example", "b.example", true },	{ "a.example", "d.example", "x.b.example", true },
		{ "a.example", "d.example", "a.example", false },	{ "a.example", "d.example", "d.example", false },
		{ "a.example", "d.example", "e.example", false },	{ "a.example", "d.example", "x.a.example", true },
		{ "d.example", "example", "e.example", true },		{ "d.example", "example", "a.example", false },
		{ "d.example", "example", "e.other", false },		{ "example", "example", "a.example", true },
		{ "a.example", "d.other", "b.example", false },
	};
	struct dns_name a, b, c, apex;
	(void)state;
	for (size_t i = 0; i < 9; i++)
		for (size_t k = 0; k < 9; k++) {
			assert_true(dns_wire_from_text(&a, bytes_of(order[i])) && dns_wire_from_text(&b, bytes_of(order[k])));
			int d = dns_denial_order(&a, &b);
			assert_true(i < k ? d < 0 : i > k ? d > 0 : d == 0);
		}
	assert_true(dns_wire_from_text(&apex, bytes_of("example")));
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_true(dns_wire_from_text(&a, bytes_of(table[i].owner)) && dns_wire_from_text(&b, bytes_of(table[i].next)) &&
			    dns_wire_from_text(&c, bytes_of(table[i].name)));
		if (dns_denial_nsec(&a, &b, &apex, &c) != table[i].over)
			fail_msg("%s %s %s", table[i].owner, table[i].next, table[i].name);
	}
}

/* RFC 5155 appendix A: salt aabbccdd, 12 iterations. */
static void test_denial_hash(void **state)
{
	static const struct {
		const char *name, *hash;
	} table[] = { { "example", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom" }, { "a.example", "35mthgpgcu1qg68fab165klnsnk3dpvl" },
		      { "*.w.example", "r53bq7cc2uvmubfu5ocmm6pers9tk9en" } };
	uint8_t rdata[] = { 1, 1, 0, 12, 4, 0xaa, 0xbb, 0xcc, 0xdd, 20, [30] = 0, 1, 0x40 }, hash[NSEC3_HASH];
	struct dns_name owner, name;
	struct nsec3 n;
	char text[80];
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "%s.example", table[i].hash);
		assert_true(dns_wire_from_text(&owner, bytes_of(text)) && dns_wire_from_text(&name, bytes_of(table[i].name)));
		assert_true(dns_denial_nsec3_read(&owner, (struct bytes){ rdata, sizeof(rdata) }, &n));
		assert_true(n.opt_out);
		assert_true(dns_denial_hash(&n, &name, hash));
		assert_memory_equal(hash, n.owner, NSEC3_HASH);
	}
	for (size_t cut = 0; cut < 30; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);
		memcpy(copy, rdata, cut);
		assert_false(dns_denial_nsec3_read(&owner, (struct bytes){ copy, cut }, &n));
		free(copy);
	}
	rdata[3] = 151; /* more work than anybody may ask for */
	assert_false(dns_denial_nsec3_read(&owner, (struct bytes){ rdata, sizeof(rdata) }, &n));
	rdata[3] = 12;
	assert_true(dns_wire_from_text(&owner, bytes_of("0p9mhaveqvm6t7vbl5lop2u3t2rp3tow.example")));
	assert_false(dns_denial_nsec3_read(&owner, (struct bytes){ rdata, sizeof(rdata) }, &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_useful), cmocka_unit_test(test_tcp), cmocka_unit_test(test_names), cmocka_unit_test(test_choice),
		cmocka_unit_test(test_kinds), cmocka_unit_test(test_span_held), cmocka_unit_test(test_budget), cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_denial), cmocka_unit_test(test_denial_hash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
