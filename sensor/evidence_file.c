/* evidence_file: see evidence_file.h. Puts octets together and reads none of them: what is in a packet was said by who
 * kept it. Knows pcapng (draft-ietf-opsawg-pcapng) and enough of each link type to wrap a datagram (RFC 791, 768). */
#include "evidence_file.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "dns_message.h"
#include "json.h"
#include "version.h"
#include "wire/dns_wire.h"

enum { BLOCK_IDB = 1, BLOCK_EPB = 6, BLOCK_SHB = 0x0a0d0d0a, BYTE_ORDER_MAGIC = 0x1a2b3c4d };
enum { OPT_COMMENT = 1, SHB_APPLICATION = 4, IF_NAME = 2, IF_RESOLUTION = 9, EPB_FLAGS = 2, OPT_CUSTOM_TEXT = 2988, OPT_CUSTOM = 2989 };
enum { LINK_NULL = 0, LINK_ETHERNET = 1, LINK_LOOP = 108, LINK_SLL = 113, LINK_IPV4 = 228, LINK_IPV6 = 229,
       LINK_SLL2 = 276 };
enum { DNS_PORT = 53, OUR_PORT = 53053, HEADERS_MAX = 64, COMMENT_MAX = 1024, ETHERTYPE_IPV4 = 0x0800,
       ETHERTYPE_IPV6 = 0x86dd };

/* The file so far. Numbers are written as this machine has them: the section's magic says how. */
struct writer {
	uint8_t *p;
	size_t n, cap, block;
	bool full;
	uint32_t packets;
};

static void put(struct writer *w, const void *p, size_t n)
{
	if (w->cap - w->n < n) {
		w->full = true;
		return;
	}
	if (n)
		memcpy(w->p + w->n, p, n);
	w->n += n;
}

static void put16(struct writer *w, uint16_t v)
{
	put(w, &v, sizeof(v));
}

static void put32(struct writer *w, uint32_t v)
{
	put(w, &v, sizeof(v));
}

static void pad(struct writer *w)
{
	put(w, "\0\0\0", (4 - w->n % 4) % 4);
}

static void block_begin(struct writer *w, uint32_t type)
{
	w->block = w->n;
	put32(w, type);
	put32(w, 0);
}

static void block_end(struct writer *w)
{
	uint32_t n = (uint32_t)(w->n - w->block) + 4;
	put32(w, n);
	if (!w->full)
		memcpy(w->p + w->block + 4, &n, sizeof(n));
}

static void option(struct writer *w, uint16_t code, struct bytes value)
{
	put16(w, code);
	put16(w, (uint16_t)value.n);
	put(w, value.p, value.n);
	pad(w);
}

static void custom(struct writer *w, uint16_t code, const char *name, struct bytes value)
{
	struct bytes head = bytes_of(name);
	if (4 + head.n + value.n > UINT16_MAX) {
		w->full = true;
		return;
	}
	put16(w, code);
	put16(w, (uint16_t)(4 + head.n + value.n));
	put32(w, EVIDENCE_PEN);
	put(w, head.p, head.n);
	put(w, value.p, value.n);
	pad(w);
}

static struct bytes bytes_of_text(const struct text *t)
{
	return (struct bytes){ (const uint8_t *)t->p, t->n };
}

/* ---- the section: the alert, and what it was made with ---- */

static void member(struct text *t, const char *name, const char *value)
{
	text_put(t, t->n > 1 ? ",\"" : "\"");
	text_put(t, name);
	text_put(t, "\":\"");
	text_clean(t, bytes_of(value), true);
	text_char(t, '"');
}

/* What would show that this fact is false, if it were? */
static const char *proof_of(const struct record *alert, enum fact f)
{
	const char *name = fact_table[f].name;
	int64_t dnssec = record_get_num(alert, F_dane_dnssec, -1);
	bool signed_dns = dnssec == dnsstatus_secure || dnssec == dnsstatus_absent;
	if (strncmp(name, "mxwitness.dane.", 15) == 0 && f != F_dane_source && f != F_dane_as_of)
		return signed_dns ? "dnssec" : "none";
	bool certificate = strncmp(name, "tls.server.", 11) == 0 || f == F_tls_spki_sha256;
	if (certificate && record_get_num(alert, F_tls_key_proof, -1) == keyproof_verified)
		return "tls-signature";
	return "none";
}

static void proof_list(struct text *t, const struct record *alert, const char *kind)
{
	bool any = false;
	text_put(t, ",\"");
	text_put(t, kind);
	text_put(t, "\":[");
	for (unsigned f = 0; f < FACT_COUNT; f++) {
		if (!record_has(alert, (enum fact)f) || fact_table[f].room == ROOM_EVENT ||
		    strcmp(proof_of(alert, (enum fact)f), kind) != 0)
			continue;
		text_put(t, any ? ",\"" : "\"");
		text_put(t, fact_table[f].name);
		text_char(t, '"');
		any = true;
	}
	text_char(t, ']');
}

static void write_context(struct text *t, const struct record *alert, const struct evidence_context *c, bool truncated)
{
	text_char(t, '{');
	member(t, "version", MXWITNESS_VERSION);
	member(t, "rules", c->rules);
	member(t, "trust_anchor", c->anchor);
	member(t, "ports", c->ports);
	member(t, "other_ports", c->other_ports);
	member(t, "dns", c->dns);
	text_put(t, truncated ? ",\"truncated\":true" : ",\"truncated\":false");
	text_put(t, ",\"proved_by\":{\"packets\":\"none: packets are not signed; that they passed, and when, rests on whoever "
		    "captured them\"");
	proof_list(t, alert, "dnssec");
	proof_list(t, alert, "tls-signature");
	proof_list(t, alert, "none");
	text_put(t, "}}");
}

static void write_comment(struct text *t, const struct record *alert, bool policy)
{
	text_put(t, "mxwitness " MXWITNESS_VERSION ", evidence of one alert: ");
	text_clean(t, record_get_str(alert, F_rule_name), false);
	text_put(t, ". ");
	text_clean(t, record_get_str(alert, F_message), false);
	text_put(t, "\nInterface 0 has the session's packets as captured. Message content, credentials, the local parts of addresses "
		    "and encrypted data were covered by zeros, \"*\" or \"x\", or cut off at the end of a packet; lengths and "
		    "times are those of the wire. Interface 1 has the DNS messages, with their signatures, that the verdict rests "
		    "on; those from 127.0.0.53 or ::1 were put together by mxwitness from what was seen.\n");
	if (policy)
		text_put(t, "The MTA-STS policy is in this header as it was fetched; that its domain gave it rests on whoever fetched it over "
			    "HTTPS.\n");
	text_put(t, "The packet comments lead through the case (filter: frame.comment). Repeat the verdict with: mxwitness verify "
		    "FILE");
}

static void section(struct writer *w, const struct record *alert, const struct evidence_context *c, struct bytes policy,
		    bool truncated)
{
	char json[JSON_ALERT_LINE], buf[24 * 1024];
	struct text j = { json, 0, sizeof(json), false }, t = { buf, 0, sizeof(buf), false };
	block_begin(w, BLOCK_SHB);
	put32(w, BYTE_ORDER_MAGIC);
	put16(w, 1);
	put16(w, 0);
	put32(w, UINT32_MAX);
	put32(w, UINT32_MAX); /* the length of the section is not given */
	write_comment(&t, alert, policy.n > 0);
	option(w, OPT_COMMENT, bytes_of_text(&t));
	option(w, SHB_APPLICATION, bytes_of("mxwitness " MXWITNESS_VERSION));
	w->full |= !json_event(alert, sizeof(json), &j);
	j.n -= j.n > 0; /* its newline */
	custom(w, OPT_CUSTOM_TEXT, EVIDENCE_ALERT, bytes_of_text(&j));
	t.n = 0;
	write_context(&t, alert, c, truncated);
	w->full |= t.full;
	custom(w, OPT_CUSTOM_TEXT, EVIDENCE_CONTEXT, bytes_of_text(&t));
	if (policy.n)
		custom(w, OPT_CUSTOM_TEXT, EVIDENCE_POLICY, policy);
	put32(w, 0);
	block_end(w);
}

static void interface(struct writer *w, uint32_t linktype, const char *name)
{
	block_begin(w, BLOCK_IDB);
	put16(w, (uint16_t)linktype);
	put16(w, 0);
	put32(w, 0);
	option(w, IF_NAME, bytes_of(name));
	option(w, IF_RESOLUTION, (struct bytes){ (const uint8_t[]){ 9 }, 1 });
	put32(w, 0);
	block_end(w);
}

/* ---- packets ---- */

static bool digest(struct bytes octets, uint8_t out[32])
{
	unsigned n = 0;
	return EVP_Digest(octets.p, octets.n, out, &n, EVP_sha256(), NULL) && n == 32;
}

/* was: octets captured, of which octets are left. */
static void packet(struct writer *w, uint32_t iface, int64_t ts, uint32_t wire_len, uint32_t was, struct bytes octets, bool decides,
		   struct text *comment)
{
	struct { uint8_t magic[4], was[4], digest[32]; } mark = { .was = { (uint8_t)(was >> 24), (uint8_t)(was >> 16),
									   (uint8_t)(was >> 8), (uint8_t)was } };
	_Static_assert(sizeof(mark) == EVIDENCE_MARK, "a mark has no holes");
	memcpy(mark.magic, EVIDENCE_MAGIC, sizeof(mark.magic));
	if (decides && digest(octets, mark.digest)) {
		text_put(comment, " SHA-256 of these octets: ");
		text_hex(comment, (struct bytes){ mark.digest, 32 }, false);
	}
	block_begin(w, BLOCK_EPB);
	put32(w, iface);
	put32(w, (uint32_t)((uint64_t)ts >> 32));
	put32(w, (uint32_t)ts);
	put32(w, (uint32_t)octets.n);
	put32(w, wire_len);
	put(w, octets.p, octets.n);
	pad(w);
	if (comment->n)
		option(w, OPT_COMMENT, bytes_of_text(comment));
	put16(w, OPT_CUSTOM);
	put16(w, 4 + sizeof(mark));
	put32(w, EVIDENCE_PEN);
	put(w, &mark, sizeof(mark));
	put32(w, 0);
	block_end(w);
	w->packets++;
}

static const struct {
	uint32_t what;
	bool decides;
	const char *text;
} words[] = {
	{ WHAT_SYN, false, "the connection opens" },
	{ WHAT_PROXY, false, "PROXY header" },
	{ WHAT_GREETING, false, "the server's greeting" },
	{ WHAT_EHLO, false, "EHLO" },
	{ WHAT_EHLO_REPLY, true, "the server's reply to EHLO, with STARTTLS among its keywords or without" },
	{ WHAT_STARTTLS, true, "STARTTLS, or what stands in its place" },
	{ WHAT_STARTTLS_REPLY, true, "the server's answer to STARTTLS" },
	{ WHAT_CLIENT_HELLO, true, "ClientHello" },
	{ WHAT_SERVER_HELLO, true, "ServerHello" },
	{ WHAT_CERTIFICATE, true, "the server's certificates" },
	{ WHAT_KEY_EXCHANGE, true, "ServerKeyExchange: the server's signature shows that it holds the key" },
	{ WHAT_TLS_ALERT, true, "TLS alert in clear" },
	{ WHAT_TLS, false, "TLS records" },
	{ WHAT_ENVELOPE, true, "envelope in clear" },
	{ WHAT_AUTH, true, "AUTH in clear" },
	{ WHAT_CONTENT, true, "message content in clear" },
	{ WHAT_COMMAND, false, "SMTP command" },
	{ WHAT_REPLY, false, "SMTP reply" },
	{ WHAT_OTHER_VERSION, true, "other octets than those seen before at the same place: somebody injects" },
	{ WHAT_RST, true, "RST: the connection is cut" },
	{ WHAT_FIN, false, "FIN: the connection is closed" },
};

static bool describe(struct text *t, const struct exhibit_packet *p)
{
	bool decides = false, any = false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!(p->what & words[i].what))
			continue;
		text_put(t, any ? "; " : p->dir ? "Server to client: " : "Client to server: ");
		text_put(t, words[i].text);
		any = true;
		decides |= words[i].decides;
	}
	if (any)
		text_char(t, '.');
	if (p->covered) {
		text_put(t, any ? " " : p->dir ? "Server to client. " : "Client to server. ");
		text_num(t, p->covered);
		text_put(t, " octets of payload are covered");
		if (p->was > p->n) {
			text_put(t, ", of these ");
			text_num(t, p->was - p->n);
			text_put(t, " cut off");
		}
		text_char(t, '.');
	}
	return decides;
}

static void be16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t sum16(struct bytes b)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < b.n; i++)
		sum += i % 2 ? b.p[i] : (uint32_t)b.p[i] << 8;
	return sum;
}

static size_t folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* v: 4 or 6, what follows. */
static size_t link_header(uint8_t *p, uint32_t linktype, unsigned v)
{
	const size_t ethertype = v == 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;
	switch (linktype) {
	case LINK_NULL:
		memcpy(p, &(uint32_t){ v == 6 ? AF_INET6 : AF_INET }, 4); /* as this machine has it */
		return 4;
	case LINK_LOOP:
		p[3] = v == 6 ? AF_INET6 : AF_INET;
		return 4;
	case LINK_ETHERNET:
		p[0] = p[6] = p[11] = 2;
		p[5] = 1;
		be16(p + 12, ethertype);
		return 14;
	case LINK_SLL:
		p[3] = 1;
		p[5] = 6;
		be16(p + 14, ethertype);
		return 16;
	case LINK_SLL2:
		be16(p, ethertype);
		p[9] = 1;
		p[11] = 6;
		return 20;
	}
	return 0;
}

/* Our own addresses: 127.0.0.53 asked by 127.0.0.1, or ::1. */
static void invented(uint32_t linktype, struct addr *server, struct addr *client)
{
	const bool six = linktype == LINK_IPV6;
	*server = six ? (struct addr){ 6, { [15] = 1 } } : (struct addr){ 4, { 127, 0, 0, 53 } };
	*client = six ? *server : (struct addr){ 4, { 127, 0, 0, 1 } };
}

/* IP header for n octets of upper. Returns its size; *pseudo: the sum of the pseudo header. */
static size_t ip_header(uint8_t *p, const struct addr *from, const struct addr *to, uint8_t proto, size_t n, uint32_t *pseudo)
{
	*pseudo = proto + (uint32_t)n;
	if (from->v == 6) {
		p[0] = 0x60;
		be16(p + 4, n);
		p[6] = proto;
		p[7] = 64;
		memcpy(p + 8, from->a, 16);
		memcpy(p + 24, to->a, 16);
		*pseudo += sum16((struct bytes){ p + 8, 32 });
		return 40;
	}
	p[0] = 0x45;
	be16(p + 2, 20 + n);
	p[6] = 0x40;
	p[8] = 64;
	p[9] = proto;
	memcpy(p + 12, from->a, 4);
	memcpy(p + 16, to->a, 4);
	be16(p + 10, folded(sum16((struct bytes){ p, 20 })));
	*pseudo += sum16((struct bytes){ p + 12, 8 });
	return 20;
}

static bool fits(uint32_t linktype, unsigned v)
{
	return linktype == LINK_IPV4 ? v == 4 : linktype == LINK_IPV6 ? v == 6 : v == 4 || v == 6;
}

/* A DNS message as the datagram that it was, or might have been. */
static void proof_packet(struct writer *w, uint32_t linktype, const struct evidence_proof *proof)
{
	static uint8_t octets[HEADERS_MAX + DNS_MESSAGE_MAX];
	char buf[COMMENT_MAX];
	struct text comment = { buf, 0, sizeof(buf), false };
	const struct dns_message *m = &proof->m;
	const bool as_seen = fits(linktype, m->client.v), question = m->octets.n > 2 && !(m->octets.p[2] & DNS_QR >> 8);
	struct addr server = m->server, client = m->client;
	uint32_t pseudo;
	size_t n = 8 + m->octets.n;
	if (!as_seen)
		invented(linktype, &server, &client);
	memset(octets, 0, HEADERS_MAX);
	size_t at = link_header(octets, linktype, server.v);
	at += ip_header(octets + at, question ? &client : &server, question ? &server : &client, PROTO_UDP, n, &pseudo);
	uint8_t *udp = octets + at;
	be16(udp + (question ? 2 : 0), DNS_PORT);
	be16(udp + (question ? 0 : 2), as_seen ? m->client_port : OUR_PORT);
	be16(udp + 4, n);
	be16(udp + 6, 0);
	memcpy(udp + 8, m->octets.p, m->octets.n);
	size_t sum = folded(pseudo + sum16((struct bytes){ udp, n }));
	be16(udp + 6, sum ? sum : 0xffff);
	text_put(&comment, as_seen ? "DNS, " : "DNS proof: ");
	text_clean(&comment, proof->text, false);
	text_char(&comment, '.');
	if (as_seen && m->server_port && m->server_port != DNS_PORT) { /* who reads this knows no other port */
		text_put(&comment, " The server's port was ");
		text_num(&comment, m->server_port);
		text_put(&comment, ", a DNS port of this site.");
	}
	packet(w, 1, m->ts, (uint32_t)(at + n), (uint32_t)(at + n), (struct bytes){ octets, at + n }, true, &comment);
}

/* A packet of our own that says that time passed: the session ended in silence. */
static void silence_packet(struct writer *w, uint32_t linktype, int64_t ts, uint16_t port)
{
	uint8_t octets[HEADERS_MAX + 20] = { 0 };
	char buf[COMMENT_MAX];
	struct text comment = { buf, 0, sizeof(buf), false };
	uint32_t pseudo;
	struct addr server, client;
	invented(linktype, &server, &client);
	size_t at = link_header(octets, linktype, server.v);
	at += ip_header(octets + at, &server, &client, PROTO_TCP, 20, &pseudo);
	uint8_t *tcp = octets + at;
	be16(tcp, port);
	be16(tcp + 2, OUR_PORT);
	tcp[12] = 0x50;
	tcp[13] = TCP_ACK;
	be16(tcp + 16, folded(pseudo + sum16((struct bytes){ tcp, 20 })));
	text_put(&comment, "Made by mxwitness: by this time nothing more had come of the session.");
	packet(w, 1, ts, (uint32_t)(at + 20), (uint32_t)(at + 20), (struct bytes){ octets, at + 20 }, true, &comment);
}

/* The capture showed DNS traffic, and the verdict needed none of it: that it was visible is a fact all the same. */
static void visible_packet(struct writer *w, uint32_t linktype, int64_t ts)
{
	static const uint8_t empty[12] = { [2] = DNS_QR >> 8 };
	const struct evidence_proof p = { { .ts = ts, .octets = { empty, sizeof(empty) } },
					  bytes_of("none of the messages in the capture was needed; an empty one, made by mxwitness,"
						   " stands for them") };
	proof_packet(w, linktype, &p);
}

static int by_time(const void *x, const void *y)
{
	const struct dns_message *a = &((const struct evidence_proof *)x)->m, *b = &((const struct evidence_proof *)y)->m;
	if (a->ts != b->ts)
		return a->ts < b->ts ? -1 : 1;
	size_t n = a->octets.n < b->octets.n ? a->octets.n : b->octets.n;
	int d = memcmp(a->octets.p, b->octets.p, n);
	return d ? d : (a->octets.n > b->octets.n) - (a->octets.n < b->octets.n);
}

static bool same_proof(const struct evidence_proof *a, const struct evidence_proof *b)
{
	return a->m.ts == b->m.ts && bytes_eq(a->m.octets, b->m.octets) && memcmp(&a->m.client, &b->m.client, sizeof(a->m.client)) == 0;
}

static void proofs_until(struct writer *w, struct evidence_case *c, uint32_t linktype, size_t *at, int64_t ts)
{
	for (; *at < c->proofs && c->proof[*at].m.ts <= ts; ++*at)
		if (*at == 0 || !same_proof(&c->proof[*at], &c->proof[*at - 1]))
			proof_packet(w, linktype, &c->proof[*at]);
}

/* A file has one link type alone: that of the first packet. Packets of another one are lost. */
static uint32_t linktype_of(struct evidence_case *c)
{
	struct exhibit_walk walk;
	struct exhibit_packet head;
	struct bytes octets;
	exhibit_walk(&walk, c->exhibit);
	if (!exhibit_next(&walk, &head, &octets))
		return LINK_ETHERNET;
	const uint32_t linktype = head.linktype;
	while (exhibit_next(&walk, &head, &octets))
		c->lost |= head.linktype != linktype;
	return linktype;
}

size_t evidence_compose(struct evidence_case *c, const struct record *alert, const struct evidence_context *context,
			uint8_t *out, uint32_t *frames, size_t *nframes)
{
	struct writer w = { .p = out, .cap = EVIDENCE_FILE_MAX };
	struct exhibit_head head = { .ended = INT64_MIN };
	struct exhibit_walk walk;
	struct exhibit_packet p;
	struct bytes octets;
	uint32_t linktype = linktype_of(c);
	size_t at = 0;
	exhibit_check(c->exhibit, &head);
	qsort(c->proof, c->proofs, sizeof(c->proof[0]), by_time);
	section(&w, alert, context, c->policy, head.left_out || c->lost);
	interface(&w, linktype, "session as captured");
	interface(&w, linktype, "mxwitness: DNS proofs");
	*nframes = 0;
	if (c->proofs == 0 && record_get_tri(alert, F_cap_dns_visible) == TRI_YES)
		visible_packet(&w, linktype, record_get_num(alert, F_event_start, 0));
	exhibit_walk(&walk, c->exhibit);
	while (exhibit_next(&walk, &p, &octets)) {
		char buf[COMMENT_MAX];
		struct text comment = { buf, 0, sizeof(buf), false };
		if (p.linktype != linktype)
			continue;
		proofs_until(&w, c, linktype, &at, p.ts);
		bool decides = describe(&comment, &p);
		packet(&w, 0, p.ts, p.wire_len, p.was, octets, decides, &comment);
		if (decides && *nframes < RECORD_ITEMS)
			frames[(*nframes)++] = w.packets;
	}
	proofs_until(&w, c, linktype, &at, INT64_MAX);
	if (head.ended != INT64_MIN)
		silence_packet(&w, linktype, head.ended, (uint16_t)record_get_num(alert, F_dst_port, 25));
	return w.full ? 0 : w.n;
}

/* ---- reading what a file says of itself ---- */

static uint16_t le16(struct cur *c, bool swap)
{
	uint16_t v = cur_u16(c);
	return swap ? __builtin_bswap16(v) : v;
}

static uint32_t le32(struct cur *c, bool swap)
{
	uint32_t v = cur_u32(c);
	return swap ? __builtin_bswap32(v) : v;
}

static bool begins(struct bytes value, const char *with, struct bytes *rest)
{
	struct bytes head = bytes_of(with);
	*rest = bytes_skip(value, head.n);
	return bytes_eq(bytes_head(value, head.n), head);
}

/* The custom texts of ours in the section header, one after the other. false: there are no more, or it is damaged there. */
struct parts {
	struct cur c;
	bool swap;
};

static bool parts_open(struct parts *p, struct bytes file)
{
	p->c = cur_of(file);
	if (cur_u32(&p->c) != BLOCK_SHB)
		return false;
	struct cur length = p->c;
	cur_take(&p->c, 4);
	uint32_t order = cur_u32(&p->c);
	p->swap = order == __builtin_bswap32(BYTE_ORDER_MAGIC);
	if (!p->swap && order != BYTE_ORDER_MAGIC)
		return false;
	uint32_t n = le32(&length, p->swap);
	if (n < 28 || n > file.n)
		return false;
	p->c = cur_of(bytes_head(bytes_skip(file, 24), n - 28));
	return true;
}

static bool parts_next(struct parts *p, struct bytes *text)
{
	while (cur_left(&p->c) >= 4) {
		uint16_t code = le16(&p->c, p->swap), len = le16(&p->c, p->swap);
		struct cur value = cur_of(cur_take(&p->c, len));
		cur_take(&p->c, (4u - len % 4u) % 4u);
		if (code != OPT_CUSTOM_TEXT || le32(&value, p->swap) != EVIDENCE_PEN)
			continue;
		*text = (struct bytes){ value.p, cur_left(&value) };
		return true;
	}
	return false;
}

bool evidence_parts(struct bytes file, struct bytes *alert, struct bytes *context)
{
	struct parts p;
	struct bytes text, rest;
	*alert = *context = (struct bytes){ 0 };
	if (!parts_open(&p, file))
		return false;
	while (parts_next(&p, &text)) {
		if (begins(text, EVIDENCE_ALERT, &rest))
			*alert = rest;
		else if (begins(text, EVIDENCE_CONTEXT, &rest))
			*context = rest;
	}
	return !p.c.bad && alert->n && context->n;
}

struct bytes evidence_policy_part(struct bytes file)
{
	struct parts p;
	struct bytes text, rest, policy = { 0 };
	if (!parts_open(&p, file))
		return policy;
	while (parts_next(&p, &text))
		if (begins(text, EVIDENCE_POLICY, &rest))
			policy = rest;
	return policy;
}

bool evidence_mark(struct bytes option_value, uint32_t *was, const uint8_t **found)
{
	static const uint8_t none[32];
	struct cur c = cur_of(option_value);
	bool ours = bytes_eq(cur_take(&c, 4), bytes_of(EVIDENCE_MAGIC));
	*was = cur_u32(&c);
	struct bytes sum = cur_take(&c, 32);
	if (c.bad || !ours || cur_left(&c))
		return false;
	*found = memcmp(sum.p, none, 32) == 0 ? NULL : sum.p;
	return true;
}
