/* evidence_file, dns_proof: what is put into a file comes out of it again, for every link type; its blocks are as pcapng
 * wants them; and damage at its head is not believed. */
#include "evidence_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns_proof.h"
#include "source.h"
#include "wire/pipeline.h"

enum { NOW = 1790000000 };
#define T0 (INT64_C(1000000000) * NOW)

static uint8_t file[EVIDENCE_FILE_MAX];
static struct evidence_case one;
static struct record alert;
static const struct evidence_context context = { "aa", "bb", "off", "25", "capture" };

/* A reply to the TLSA question of a.b, without records. */
static const uint8_t reply[] = { 0x12, 0x34, 0x84, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 1, 'b', 0, 0, 52, 0, 1 };

/* An exhibit of one packet whose link header and payload are octets, 60 of them. */
static void exhibit(uint32_t linktype, uint32_t what, int64_t ended)
{
	static uint8_t value[sizeof(struct exhibit_head) + sizeof(struct exhibit_packet) + 64];
	struct exhibit_head head = { .packets = 1, .ended = ended };
	struct exhibit_packet p = { .ts = T0, .number = 1, .linktype = linktype, .wire_len = 100, .n = 60, .was = 80, .covered = 20, .what = what };
	memset(value, 0xee, sizeof(value));
	memcpy(value, &head, sizeof(head));
	memcpy(value + sizeof(head), &p, sizeof(p));
	memset(value + sizeof(head) + sizeof(p) + 60, 0, 4);
	memset(&one, 0, sizeof(one));
	one.exhibit = (struct bytes){ value, sizeof(value) };
	assert_true(exhibit_check(one.exhibit, &head));
}

static void proof(int64_t ts, struct addr client, struct addr server, const uint8_t *octets, size_t n)
{
	one.proof[one.proofs++] = (struct evidence_proof){ { .ts = ts, .client = client, .server = server, .client_port = 4000,
							     .octets = { octets, n } }, bytes_of("TLSA of a.b") };
}

static int fill_alert(void **state)
{
	(void)state;
	record_init(&alert);
	record_cstr(&alert, F_rule_id, "tlsa-mismatch");
	record_num(&alert, F_alert_level, level_high);
	record_num(&alert, F_event_start, T0);
	record_num(&alert, F_dst_port, 25);
	return 0;
}

static size_t compose(uint32_t *frames, size_t *n)
{
	size_t size = evidence_compose(&one, &alert, &context, file, frames, n);
	assert_true(size > 0);
	return size;
}

static uint32_t u32(size_t at)
{
	uint32_t v;
	memcpy(&v, file + at, sizeof(v));
	return v;
}

static uint16_t u16(size_t at)
{
	uint16_t v;
	memcpy(&v, file + at, sizeof(v));
	return v;
}

/* Options of a block from at to its end: each in its place, and one that ends them. */
static void check_options(size_t at, size_t end)
{
	bool ended = false;
	while (at < end && !ended) {
		size_t length = u16(at + 2);
		ended = u16(at) == 0;
		assert_true(!ended || length == 0);
		at += 4 + (length + 3) / 4 * 4;
	}
	assert_true(ended && at == end);
}

/* The blocks of the file: lengths in front and behind are the same and fill it; interfaces are those that were described. */
static unsigned check_blocks(size_t n)
{
	unsigned interfaces = 0, packets = 0;
	size_t at = 0;
	while (at < n) {
		size_t length = u32(at + 4);
		assert_true(length % 4 == 0 && length >= 12 && length <= n - at && u32(at + length - 4) == length);
		if (u32(at) == 0x0a0d0d0a) {
			check_options(at + 24, at + length - 4);
		} else if (u32(at) == 1) {
			check_options(at + 16, at + length - 4);
			interfaces++;
		} else {
			assert_int_equal(u32(at), 6);
			assert_true(u32(at + 8) < interfaces && u32(at + 20) <= u32(at + 24));
			check_options(at + 28 + (u32(at + 20) + 3) / 4 * 4, at + length - 4);
			packets++;
		}
		at += length;
	}
	assert_int_equal(interfaces, 2);
	return packets;
}

/* The DNS messages that a sensor reads from the file, into out. */
static unsigned read_back(size_t n, struct dns_message *out, uint8_t *octets, unsigned max)
{
	char path[] = "/tmp/evidence-XXXXXX";
	char *paths[] = { path, NULL };
	struct pipeline_config config = { .flows = 4096, .dialogues = 1, .budget = 8 << 20, .dns = true };
	struct pipeline *p = pipeline_new(&config);
	struct pipeline_out o;
	enum pipeline_item item;
	struct packet packet;
	struct error e;
	unsigned found = 0;
	int fd = mkstemp(path);
	assert_true(fd >= 0 && write(fd, file, n) == (ssize_t)n);
	close(fd);
	struct source *s = source_open(paths, 1, &e);
	assert_true(s && p);
	while (source_next(s, &packet) == SOURCE_PACKET) {
		pipeline_push(p, &packet);
		while ((item = pipeline_next(p, &o)) != PIPELINE_NONE)
			if (item == PIPELINE_DNS && found < max) {
				out[found] = o.dns;
				memcpy(octets, o.dns.octets.p, o.dns.octets.n);
				out[found].octets.p = octets;
				octets += o.dns.octets.n;
				found++;
			}
	}
	pipeline_free(p);
	source_close(s);
	unlink(path);
	return found;
}

static const struct addr v4 = { 4, { 192, 0, 2, 1 } }, v4b = { 4, { 192, 0, 2, 53 } };
static const struct addr v6 = { 6, { 0x20, 1, 0xd, 0xb8, [15] = 1 } }, v6b = { 6, { 0x20, 1, 0xd, 0xb8, [15] = 53 } };

static void test_link_types(void **state)
{
	(void)state;
	static const struct {
		uint32_t linktype;
		bool four, six;
		const char *why;
	} rows[] = {
		{ 1, true, true, "Ethernet" }, { 0, true, true, "BSD loopback" }, { 108, true, true, "OpenBSD loopback" },
		{ 113, true, true, "Linux cooked" }, { 276, true, true, "Linux cooked, version 2" }, { 101, true, true, "IP alone" },
		{ 228, true, false, "IPv4 alone" }, { 229, false, true, "IPv6 alone" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static uint8_t octets[4096];
		struct dns_message m[8];
		uint32_t frames[RECORD_ITEMS];
		size_t nframes;
		exhibit(rows[i].linktype, WHAT_EHLO_REPLY, INT64_MIN);
		proof(T0 - 3, v4, v4b, reply, sizeof(reply));
		proof(T0 - 2, v6, v6b, reply, sizeof(reply));
		proof(T0 + 1, (struct addr){ 0 }, (struct addr){ 0 }, reply, sizeof(reply));
		size_t n = compose(frames, &nframes);
		assert_int_equal(check_blocks(n), 4);
		assert_true(nframes == 1 && frames[0] == 3);    /* the session's packet comes behind what was said before it */
		unsigned found = read_back(n, m, octets, 8);
		if (found != 3)
			fail_msg("%s: %u messages", rows[i].why, found);
		for (unsigned k = 0; k < 3; k++) {
			bool as_seen = k == 0 ? rows[i].four : k == 1 && rows[i].six;
			assert_true(bytes_eq(m[k].octets, (struct bytes){ reply, sizeof(reply) }));
			assert_int_equal(m[k].ts, one.proof[k].m.ts);
			bool same = memcmp(&m[k].client, &one.proof[k].m.client, sizeof(m[k].client)) == 0 &&
				    memcmp(&m[k].server, &one.proof[k].m.server, sizeof(m[k].server)) == 0 && m[k].client_port == 4000;
			if (same != as_seen)
				fail_msg("%s: addresses of message %u", rows[i].why, k);
		}
	}
}

/* Sorted by time, each once; a question goes to the server, an answer comes from it. */
static void test_order(void **state)
{
	(void)state;
	static uint8_t octets[4096], question[sizeof(reply)];
	struct dns_message m[8];
	uint32_t frames[RECORD_ITEMS];
	size_t nframes;
	memcpy(question, reply, sizeof(reply));
	question[2] = 1;
	exhibit(1, WHAT_COMMAND, INT64_MIN);
	proof(T0 + 5, v4, v4b, reply, sizeof(reply));
	proof(T0 + 5, v4, v4b, reply, sizeof(reply));
	proof(T0 + 5, v6, v6b, reply, sizeof(reply));
	proof(T0 - 5, v4, v4b, question, sizeof(question));
	size_t n = compose(frames, &nframes);
	assert_int_equal(check_blocks(n), 4);
	assert_int_equal(nframes, 0);           /* a command decides nothing */
	assert_int_equal(read_back(n, m, octets, 8), 3);
	assert_true(m[0].ts == T0 - 5 && m[1].ts == T0 + 5 && m[2].ts == T0 + 5);
	assert_memory_equal(&m[0].client, &v4, sizeof(v4));
}

/* Two packets, the second of another link type: the file has one type, and says that it does not have all. */
static void test_two_types(void **state)
{
	static uint8_t value[sizeof(struct exhibit_head) + 2 * (sizeof(struct exhibit_packet) + 64)];
	const size_t half = sizeof(struct exhibit_packet) + 64;
	struct exhibit_head head = { .packets = 2, .ended = INT64_MIN };
	uint32_t frames[RECORD_ITEMS];
	size_t n = 0;
	(void)state;
	for (uint32_t other = 0; other < 2; other++) {
		struct exhibit_packet p = { .ts = T0, .linktype = 1, .wire_len = 64, .n = 64, .was = 64, .what = WHAT_EHLO_REPLY };
		memcpy(value, &head, sizeof(head));
		memcpy(value + sizeof(head), &p, sizeof(p));
		p.linktype += 227 * other;
		memcpy(value + sizeof(head) + half, &p, sizeof(p));
		memset(&one, 0, sizeof(one));
		one.exhibit = (struct bytes){ value, sizeof(value) };
		size_t size = compose(frames, &n);
		assert_int_equal(n, 2 - other);
		assert_int_equal(one.lost, other);
		assert_int_equal(memmem(file, size, "\"truncated\":true", 16) != NULL, other);
	}
}

/* What proves which fact, by the standing of the DNS. */
static void test_proved_by(void **state)
{
	static const struct {
		int64_t dnssec;
		bool proves;
	} rows[] = { { dnsstatus_secure, true }, { dnsstatus_absent, true }, { dnsstatus_insecure, false }, { dnsstatus_bogus, false } };
	static const char said[] = "\"dnssec\":[\"mxwitness.dane.verdict\"";
	uint32_t frames[RECORD_ITEMS];
	size_t n = 0;
	(void)state;
	record_num(&alert, F_dane_verdict, daneverdict_mismatch);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		record_num(&alert, F_dane_dnssec, rows[i].dnssec);
		exhibit(1, WHAT_EHLO_REPLY, INT64_MIN);
		size_t size = compose(frames, &n);
		assert_int_equal(memmem(file, size, said, sizeof(said) - 1) != NULL, rows[i].proves);
	}
}

/* Octets that were cut off are zeros again when the file is read; a length that cannot be is not believed. */
static void test_unfolded(void **state)
{
	static const struct {
		uint32_t was;
		size_t n;
		const char *why;
	} rows[] = { { 80, 80, "as written" }, { 100, 100, "all of the wire" }, { 101, 60, "more than on the wire" },
		     { 59, 60, "less than there is" }, { UINT32_MAX, 60, "anything" } };
	char name[] = "/tmp/evidence-XXXXXX", *paths[] = { name, NULL };
	uint32_t frames[RECORD_ITEMS];
	size_t n = 0;
	(void)state;
	int fd = mkstemp(name);
	assert_true(fd >= 0);
	exhibit(1, WHAT_EHLO_REPLY, INT64_MIN);
	size_t size = compose(frames, &n);
	uint8_t *mark = memmem(file, size, EVIDENCE_MAGIC, 4);
	assert_non_null(mark);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet p;
		struct error e;
		struct bytes octets;
		const uint8_t *sha256;
		for (int k = 0; k < 4; k++)
			mark[4 + k] = (uint8_t)(rows[i].was >> (24 - 8 * k));
		assert_int_equal(pwrite(fd, file, size, 0), size);
		struct source *s = source_open(paths, 1, &e);
		assert_non_null(s);
		assert_int_equal(source_next(s, &p), SOURCE_PACKET);
		if (p.data.n != rows[i].n)
			fail_msg("%s: %zu octets", rows[i].why, p.data.n);
		for (size_t k = 0; k < p.data.n; k++)
			assert_int_equal(p.data.p[k], k < 60 ? 0xee : 0);
		assert_true(source_witnessed(s, &octets, &sha256));
		assert_int_equal(octets.n, 60);
		source_close(s);
	}
	close(fd);
	unlink(name);
}

/* A resolver on a port of the site's own: the datagram goes to port 53, where everybody looks, and the comment says so. */
static void test_own_port(void **state)
{
	static const char said[] = "The server's port was 5353, a DNS port of this site.";
	(void)state;
	uint32_t frames[RECORD_ITEMS];
	size_t n = 0;
	for (int own = 0; own < 2; own++) {
		exhibit(1, WHAT_EHLO_REPLY, INT64_MIN);
		proof(T0 - 1, v4, v4b, reply, sizeof(reply));
		one.proof[0].m.server_port = own ? 5353 : 53;
		size_t size = compose(frames, &n);
		assert_int_equal(memmem(file, size, said, sizeof(said) - 1) != NULL, own);
		assert_int_equal(memmem(file, size, "\0\x35\x0f\xa0", 4) != NULL, 1);
	}
}

static void test_silence(void **state)
{
	(void)state;
	uint32_t frames[RECORD_ITEMS];
	size_t nframes;
	exhibit(1, WHAT_COMMAND, T0 + 100);
	assert_int_equal(check_blocks(compose(frames, &nframes)), 2);
	record_tri(&alert, F_cap_dns_visible, TRI_YES);
	assert_int_equal(check_blocks(compose(frames, &nframes)), 3);   /* DNS was to be seen: an empty message says so */
}

/* Large proofs: a message as large as a datagram may be, and more than a file may hold. */
static void test_large(void **state)
{
	(void)state;
	enum { MOST = 65507 };
	uint8_t *large = calloc(1, MOST);
	uint32_t frames[RECORD_ITEMS];
	size_t nframes;
	memcpy(large, reply, sizeof(reply));
	exhibit(1, WHAT_COMMAND, INT64_MIN);
	proof(T0, v4, v4b, large, MOST);
	assert_int_equal(check_blocks(compose(frames, &nframes)), 2);
	for (int i = 1; i < 200; i++)
		proof(T0 + i, v4, v4b, large, MOST);
	assert_int_equal(evidence_compose(&one, &alert, &context, file, frames, &nframes), 0);
	free(large);
}

static void test_parts(void **state)
{
	(void)state;
	struct bytes a, c;
	uint32_t frames[RECORD_ITEMS];
	size_t nframes;
	exhibit(1, WHAT_COMMAND, INT64_MIN);
	compose(frames, &nframes);
	const size_t head = u32(4);
	for (size_t n = 0; n <= head; n++) {
		uint8_t *copy = malloc(n ? n : 1);      /* exactly its size */
		memcpy(copy, file, n);
		bool good = evidence_parts((struct bytes){ copy, n }, &a, &c);
		assert_int_equal(good, n == head);
		if (good) {
			assert_true(a.p[0] == '{' && a.p[a.n - 1] == '}' && memmem(a.p, a.n, "tlsa-mismatch", 13));
			assert_true(memmem(c.p, c.n, "\"rules\":\"aa\"", 12) && memmem(c.p, c.n, "\"truncated\":false", 17));
		}
		free(copy);
	}
	one.lost = true;
	compose(frames, &nframes);
	assert_true(evidence_parts((struct bytes){ file, u32(4) }, &a, &c));
	assert_non_null(memmem(c.p, c.n, "\"truncated\":true", 16));
}

static void test_mark(void **state)
{
	(void)state;
	uint8_t mark[EVIDENCE_MARK + 1] = { 'm', 'x', 'w', '1', 0, 0, 1, 2 };
	const uint8_t *digest;
	uint32_t was;
	assert_true(evidence_mark((struct bytes){ mark, EVIDENCE_MARK }, &was, &digest));
	assert_true(was == 258 && !digest);
	mark[39] = 1;
	assert_true(evidence_mark((struct bytes){ mark, EVIDENCE_MARK }, &was, &digest) && digest == mark + 8);
	assert_false(evidence_mark((struct bytes){ mark, EVIDENCE_MARK - 1 }, &was, &digest));
	assert_false(evidence_mark((struct bytes){ mark, EVIDENCE_MARK + 1 }, &was, &digest));
	mark[3] = '2';
	assert_false(evidence_mark((struct bytes){ mark, EVIDENCE_MARK }, &was, &digest));
}

/* ---- dns_proof ---- */

static void test_proofs(void **state)
{
	(void)state;
	struct dns_proof *p = dns_proof_new();
	struct dns_message m = { .ts = 1, .client = v4, .server = v4b, .client_port = 9, .octets = { reply, sizeof(reply) } }, out;
	struct bytes text;
	assert_non_null(p);
	assert_false(dns_proof_get(p, 0, &out, &text));
	assert_true(dns_proof_add(p, &m, bytes_of("first")) && dns_proof_add(p, &m, bytes_of("once more")));
	assert_true(dns_proof_get(p, 0, &out, &text) && bytes_eq(text, bytes_of("first")) && bytes_eq(out.octets, m.octets));
	assert_ptr_not_equal(out.octets.p, m.octets.p);
	assert_false(dns_proof_get(p, 1, &out, &text));         /* the same message is one */
	m.client = v6;
	m.server = v6b;
	assert_true(dns_proof_add(p, &m, bytes_of("to another")));
	m.ts = 2;
	assert_true(dns_proof_add(p, &m, bytes_of("later")));
	assert_true(dns_proof_get(p, 2, &out, &text) && out.ts == 2);
	unsigned more = 3;
	for (m.ts = 3; dns_proof_add(p, &m, bytes_of("")); m.ts++)
		more++;
	assert_int_equal(more, DNS_PROOF_MESSAGES);
	dns_proof_clear(p);
	assert_false(dns_proof_get(p, 0, &out, &text));
	uint8_t *large = calloc(1, 65000);
	m.octets = (struct bytes){ large, 65000 };
	for (more = 0, m.ts = 0; dns_proof_add(p, &m, bytes_of("large")); m.ts++)
		more++;
	assert_int_equal(more, DNS_PROOF_OCTETS / 65005);
	m.octets.n = 100;
	assert_true(dns_proof_add(p, &m, bytes_of("a small one has room still")));
	free(large);
	dns_proof_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_link_types, fill_alert), cmocka_unit_test_setup(test_order, fill_alert),
		cmocka_unit_test_setup(test_two_types, fill_alert), cmocka_unit_test_setup(test_proved_by, fill_alert),
		cmocka_unit_test_setup(test_unfolded, fill_alert), cmocka_unit_test_setup(test_own_port, fill_alert), cmocka_unit_test_setup(test_silence, fill_alert), cmocka_unit_test_setup(test_large, fill_alert),
		cmocka_unit_test_setup(test_parts, fill_alert), cmocka_unit_test(test_mark), cmocka_unit_test(test_proofs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
