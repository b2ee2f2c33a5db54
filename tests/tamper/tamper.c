/* tamper: alters every octet of the DNS part of evidence files, one after the other, and some of their packets, and looks
 * at what is said then. In one process: what is opened once stays open, so that a file takes minutes and not hours.
 *
 * usage: tamper -a ANCHORS [-r RULES] [-p PART/PARTS] [-v] FILE...   one octet of PARTS is altered, beginning with PART (default 0/1)
 *
 * One bit of the octet is turned, another for each octet. Two kinds of forger:
 *   clumsy   leaves the digest of the packet as it was: verify must name the packet, whatever the octet means
 *   skilled  writes the digest anew, so that only signatures stand against him. Then, asked of the resolver itself, no
 *            question may have another answer with the same standing: it is the same, or bogus, incomplete or failed;
 *            never secure, absent or insecure with anything else. And verify must not say "reproduced" of an octet that a
 *            signature covers and the verdict rests on.
 *
 * Which octets a signature covers is read from the message here, by a walk of our own (RFC 1035 4.1, RFC 4034 3.1.8.1):
 * owner, class, type and data of each RRset that has an RRSIG in its section, and the RRSIGs. What it does not cover may
 * be altered without anybody's notice, for it is no part of what was said: addresses and ports, the message's id, flags
 * and counts, its question, TTLs (the RRSIG has the original), the case of letters in owner names, the OPT record.
 * Ends in "tamper: N passed, N failed". */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "read.h"
#include "run.h"

enum { FILE_MAX = 1 << 20, PACKETS = 512, QUESTIONS = 128, RRS = 256, MIX = 40503, HEAD = 28 };

/* What an octet is. SIGNED: covered by a signature, of an RRset that the message answers with. NAME: as SIGNED, in a name
 * whose letters are signed as lower case (RFC 4034 6.2). BESIDE: covered too, of what a server added (RFC 1035's authority
 * and additional sections of an answer that has data, and the SOA of a denial). */
enum class { WRAPPING, HEADER, QUERY, TTL, LETTER, OPT, UNSIGNED, BESIDE, NAME, SIGNED, CLASSES };
static const char *const class_text[] = { "IP, UDP", "header", "question", "TTL", "letter case", "OPT", "not signed", "beside",
					  "name", "signed" };

struct rr {
	size_t owner, fixed, rdata, end;        /* where its parts begin */
	uint16_t type, covers;
	unsigned section;
	char name[256];
};

struct packet_at {
	unsigned iface;
	size_t at, n, mark;             /* octets of the packet, and of its digest (0: it decides nothing) */
};

struct tally {
	uint64_t passed, failed;
	uint64_t octets[CLASSES], same[CLASSES];
};

struct tamper {
	const struct run *run;
	char *anchors, path[64];
	uint8_t file[FILE_MAX], now[FILE_MAX], class[FILE_MAX];
	size_t n, npackets, nquestions;
	struct packet_at packet[PACKETS];
	struct question question[QUESTIONS];
	struct answer original[QUESTIONS], answer;
	int64_t as_of;
	bool verbose;
	struct tally tally;
};

static void check(struct tamper *t, bool good, const char *what, size_t at, const char *text)
{
	t->tally.passed += good;
	t->tally.failed += !good;
	if (!good && t->tally.failed <= 40)
		printf("octet %zu (%s): %s: %s\n", at, class_text[t->class[at]], what, text);
}

static uint32_t u32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

static unsigned be16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* ---- which octet is what ---- */

/* A name at *at of message m, as text; *at: behind it. */
static bool name_at(const uint8_t *m, size_t n, size_t *at, char name[256])
{
	size_t p = *at, used = 0;
	bool jumped = false;
	for (unsigned steps = 0; p < n && steps < 200; steps++) {
		if (m[p] >= 0xc0) {
			if (p + 1 >= n)
				return false;
			*at = jumped ? *at : p + 2;
			jumped = true;
			p = be16(m + p) & 0x3fff;
			continue;
		}
		if (m[p] == 0) {
			*at = jumped ? *at : p + 1;
			name[used ? used - 1 : 0] = '\0';
			return true;
		}
		for (unsigned i = 1; i <= m[p] && p + i < n && used < 250; i++)
			name[used++] = (char)(m[p + i] >= 'A' && m[p + i] <= 'Z' ? m[p + i] + 32 : m[p + i]);
		name[used++] = '.';
		p += 1u + m[p];
	}
	return false;
}

static bool rr_at(const uint8_t *m, size_t n, size_t *at, struct rr *r)
{
	r->owner = *at;
	if (!name_at(m, n, at, r->name) || *at + 10 > n)
		return false;
	r->fixed = *at;
	r->type = (uint16_t)be16(m + *at);
	r->rdata = *at + 10;
	r->end = r->rdata + be16(m + *at + 8);
	r->covers = r->type == 46 && r->rdata + 2 <= n ? (uint16_t)be16(m + r->rdata) : 0;
	*at = r->end;
	return r->end <= n;
}

static void mark(uint8_t *class, size_t from, size_t to, enum class what)
{
	for (; from < to; from++)
		class[from] = (uint8_t)what;
}

static void mark_names(const uint8_t *m, size_t n, uint8_t *class, const struct rr *r)
{
	enum { NS = 2, CNAME = 5, MX = 15, DNAME = 39, RRSIG = 46 };
	char name[256];
	size_t at = r->rdata + (r->type == RRSIG ? 18 : r->type == MX ? 2 : 0), from = at;
	mark(class, r->owner, r->fixed, NAME);
	if (r->type == NS || r->type == CNAME || r->type == MX || r->type == DNAME || r->type == RRSIG)
		if (name_at(m, n, &at, name))
			mark(class, from, at, NAME);
}

static void add_question(struct tamper *t, const char *name, uint16_t type)
{
	struct question q = { .id = 1, .as_of = t->as_of, .type = type };
	if (type != DNS_A && type != DNS_AAAA && type != DNS_MX && type != DNS_TLSA && type != DNS_CNAME)
		return;
	snprintf(q.name, sizeof(q.name), "%s", name);
	for (size_t i = 0; i < t->nquestions; i++)
		if (t->question[i].type == type && strcmp(t->question[i].name, name) == 0)
			return;
	if (t->nquestions < QUESTIONS)
		t->question[t->nquestions++] = q;
}

static bool has_signature(const struct rr *list, size_t n, const struct rr *r)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].covers == r->type && list[i].section == r->section && strcmp(list[i].name, r->name) == 0)
			return true;
	return false;
}

/* Marks the octets of message m. class: of its first octet. */
static bool read_message(struct tamper *t, const uint8_t *m, size_t n, uint8_t *class)
{
	static struct rr list[RRS];
	size_t rrs = 0, at = 12;
	char name[256];
	if (n < 12)
		return false;
	mark(class, 0, 12, HEADER);
	for (unsigned i = 0; i < be16(m + 4); i++) {
		size_t from = at;
		if (!name_at(m, n, &at, name) || at + 4 > n)
			return false;
		add_question(t, name, (uint16_t)be16(m + at));
		at += 4;
		mark(class, from, at, QUERY);
	}
	for (unsigned section = 0; section < 3; section++)
		for (unsigned i = 0; i < be16(m + 6 + 2 * section); i++, rrs++) {
			if (rrs == RRS || !rr_at(m, n, &at, &list[rrs]))
				return false;
			list[rrs].section = section;
			add_question(t, list[rrs].name, list[rrs].type);
		}
	bool data = be16(m + 6) > 0;
	for (size_t i = 0; i < rrs; i++) {
		const struct rr *r = &list[i];
		enum class what = r->type == 41 ? OPT : r->type != 46 && !has_signature(list, rrs, r) ? UNSIGNED :
				  r->section == 2 || (r->section == 1 && data) || r->type == 6 || r->covers == 6 ? BESIDE : SIGNED;
		mark(class, r->owner, r->end, what);
		if (what != OPT)
			mark(class, r->fixed + 4, r->fixed + 8, TTL);
		if (what == SIGNED)
			mark_names(m, n, class, r);
	}
	return at == n;
}

/* ---- the file ---- */

static bool read_packets(struct tamper *t)
{
	for (size_t at = 0; at + 12 <= t->n; at += u32(t->file + at + 4)) {
		size_t length = u32(t->file + at + 4);
		if (length < 12 || length > t->n - at)
			return false;
		if (u32(t->file + at) != 6)
			continue;
		struct packet_at *p = &t->packet[t->npackets];
		if (t->npackets++ == PACKETS)
			return false;
		*p = (struct packet_at){ u32(t->file + at + 8), at + HEAD, u32(t->file + at + 20), 0 };
		const uint8_t *mine = memmem(t->file + p->at + p->n, at + length - p->at - p->n, "mxw1", 4);
		static const uint8_t none[32];
		if (mine && memcmp(mine + 8, none, 32) != 0)
			p->mark = (size_t)(mine - t->file) + 8;
		if (!t->as_of)
			t->as_of = (int64_t)((uint64_t)u32(t->file + at + 12) << 32 | u32(t->file + at + 16));
	}
	return t->npackets > 0;
}

/* UDP over IPv4 or IPv6 behind any link header of ours: where the message begins. 0: this is none. */
static size_t payload_of(const uint8_t *p, size_t n)
{
	static const size_t link[] = { 14, 0, 4, 16, 20 };
	for (size_t i = 0; i < sizeof(link) / sizeof(link[0]); i++) {
		size_t at = link[i], ip = at + 48 < n && p[at] == 0x60 && p[at + 6] == 17 ? 40 : at + 28 < n && p[at] == 0x45 && p[at + 9] == 17 ? 20 : 0;
		if (ip && be16(p + at + ip + 4) == n - at - ip)
			return at + ip + 8;
	}
	return 0;
}

static bool load(struct tamper *t, const char *path)
{
	FILE *f = fopen(path, "re");
	t->n = f ? fread(t->file, 1, sizeof(t->file), f) : 0;
	if (f)
		fclose(f);
	t->npackets = t->nquestions = 0;
	t->as_of = 0;
	if (!read_packets(t))
		return false;
	memset(t->class, WRAPPING, sizeof(t->class));
	for (size_t i = 0; i < t->npackets; i++) {
		const struct packet_at *p = &t->packet[i];
		size_t at = p->iface == 1 ? payload_of(t->file + p->at, p->n) : 0;
		if (at && !read_message(t, t->file + p->at + at, p->n - at, t->class + p->at + at))
			return false;
	}
	return t->nquestions > 0;
}

static bool write_now(const struct tamper *t)
{
	FILE *f = fopen(t->path, "we");
	bool good = f && fwrite(t->now, 1, t->n, f) == t->n;
	return f && fclose(f) == 0 && good;
}

/* ---- asked of the resolver itself ---- */

static struct resolver *resolver_of(struct tamper *t)
{
	struct resolver_config config = { .mode = RESOLVE_CAPTURE, .anchors = t->anchors, .budget = 1 << 20 };
	struct pipeline_config pipe = { .flows = 4096, .dialogues = 1, .budget = 8 << 20, .dns = true };
	char *paths[] = { t->path, NULL };
	struct pipeline_out out;
	enum pipeline_item item;
	struct packet packet;
	struct error e;
	struct resolver *r = resolver_new(&config, &e);
	struct source *s = source_open(paths, 1, &e);
	struct pipeline *p = pipeline_new(&pipe);
	while (r && s && p && source_next(s, &packet) == SOURCE_PACKET) {
		pipeline_push(p, &packet);
		while ((item = pipeline_next(p, &out)) != PIPELINE_NONE)
			if (item == PIPELINE_DNS)
				resolver_store(r, &out.dns);
	}
	pipeline_free(p);
	source_close(s);
	if (r)
		resolver_seal(r);
	return r;
}

static bool same_answer(const struct answer *a, const struct answer *b)
{
	if (a->status != b->status || a->nxdomain != b->nxdomain || a->rrs != b->rrs || strcmp(a->canonname, b->canonname) != 0)
		return false;
	for (unsigned i = 0; i < a->rrs; i++)
		if (!bytes_eq(answer_rr(a, i), answer_rr(b, i)))
			return false;
	return true;
}

/* Did each question come to the answer that it had, or to none? */
static bool answers_hold(struct tamper *t, bool *all_same)
{
	struct resolver *r = resolver_of(t);
	bool hold = r;
	*all_same = true;
	for (size_t i = 0; r && i < t->nquestions; i++) {
		const struct answer *a = &t->answer;
		resolver_ask(r, &t->question[i], &t->answer);
		bool none = a->status == dnsstatus_bogus || a->status == dnsstatus_incomplete || a->status == dnsstatus_failed;
		bool same = same_answer(a, &t->original[i]);
		*all_same = *all_same && same;
		hold = hold && (same || none);
		if (!same && !none)
			printf("%s %u: status %u, was %u\n", a->name, a->type, a->status, t->original[i].status);
	}
	resolver_free(r);
	return hold;
}

static bool ask_originals(struct tamper *t)
{
	struct resolver *r = resolver_of(t);
	unsigned proved = 0;
	for (size_t i = 0; r && i < t->nquestions; i++) {
		resolver_ask(r, &t->question[i], &t->original[i]);
		if (t->verbose)
			printf("%s %u: status %u %s\n", t->question[i].name, t->question[i].type, t->original[i].status, t->original[i].why);
		proved += t->original[i].status == dnsstatus_secure || t->original[i].status == dnsstatus_absent;
	}
	resolver_free(r);
	return proved > 0;
}

/* ---- one octet ---- */

static bool names_it(const char *text)
{
	return strstr(text, "mxwitness.") || strstr(text, "give no finding") || strstr(text, "is not what was written");
}

static void turn(struct tamper *t, const struct packet_at *p, size_t at)
{
	struct verify_result r;
	bool all_same, dns = p->iface == 1;
	uint8_t bit = (uint8_t)(1u << (at * MIX >> 4) % 8);
	bool letter = bit == 0x20 && ((t->file[at] | 0x20) >= 'a' && (t->file[at] | 0x20) <= 'z');
	enum class what = t->class[at] != NAME ? (enum class)t->class[at] : letter ? LETTER : SIGNED;
	memcpy(t->now, t->file, t->n);
	t->now[at] ^= bit;
	if (!write_now(t))
		return;
	if (p->mark) {
		verify_file(t->run, t->path, &r);
		check(t, r.status == VERIFY_DIFFERS && strstr(r.text, "is not what was written"), "digest left", at, r.text);
		EVP_Digest(t->now + p->at, p->n, t->now + p->mark, NULL, EVP_sha256(), NULL);
		if (!write_now(t))
			return;
	}
	if (!dns)
		return;
	check(t, answers_hold(t, &all_same), "other data, with the same standing", at, "");
	verify_file(t->run, t->path, &r);
	t->tally.octets[what]++;
	t->tally.same[what] += r.status == VERIFY_SAME;
	if (t->verbose && r.status == VERIFY_SAME && what >= UNSIGNED)
		printf("octet %zu (%s) ^ %02x: %s\n", at, class_text[what], bit, r.text);
	check(t, r.status != VERIFY_SAME || what != SIGNED, "digest anew, signed", at, r.text);
	check(t, r.status != VERIFY_SAME || all_same || what == BESIDE, "reproduced, of other answers", at, r.text);
	check(t, r.status == VERIFY_SAME || names_it(r.text), "what no longer holds is not named", at, r.text);
}

static bool tamper_file(struct tamper *t, const char *path, unsigned part, unsigned parts)
{
	struct verify_result r;
	if (!load(t, path))
		return false;
	memcpy(t->now, t->file, t->n);
	if (!write_now(t))
		return false;
	verify_file(t->run, t->path, &r);
	check(t, r.status == VERIFY_SAME, "as it is", 0, r.text);
	check(t, ask_originals(t), "nothing is proved", 0, "");
	memset(t->tally.octets, 0, sizeof(t->tally.octets));
	memset(t->tally.same, 0, sizeof(t->tally.same));
	for (size_t i = 0; i < t->npackets; i++) {
		const struct packet_at *p = &t->packet[i];
		/* the DNS part as a whole; of the session's packets one octet of sixteen */
		const size_t step = p->iface == 1 ? parts : (size_t)parts * 16;
		if (p->iface == 1 || p->mark)
			for (size_t at = p->at; at < p->at + p->n; at++)
				if (at % step == part)
					turn(t, p, at);
	}
	printf("%s: %s\n", strrchr(path, '/') ? strrchr(path, '/') + 1 : path, r.text);
	for (int c = 0; c < CLASSES; c++)
		if (t->tally.octets[c])
			printf("  %-12s %6" PRIu64 " octets altered, their digest written anew: %" PRIu64 " reproduced all the same\n",
			       class_text[c], t->tally.octets[c], t->tally.same[c]);
	return true;
}

int main(int argc, char **argv)
{
	static struct tamper t;
	static struct run run;
	struct options o = { 0 };
	struct error e;
	unsigned part = 0, parts = 1;
	int c;
	while ((c = getopt(argc, argv, "a:r:p:v")) != -1) {
		if (c == 'a')
			o.anchor = optarg;
		if (c == 'r')
			o.rules = optarg;
		if (c == 'p' && (sscanf(optarg, "%u/%u", &part, &parts) != 2 || parts == 0))
			return fprintf(stderr, "tamper: -p PART/PARTS\n"), 2;
		t.verbose = t.verbose || c == 'v';
	}
	if (!read_prepare(&o, &run, &e) || (o.anchor && !resolver_anchor_read(o.anchor, &t.anchors, &e)))
		return fprintf(stderr, "tamper: %s\n", e.text), 2;
	t.run = &run;
	snprintf(t.path, sizeof(t.path), "/tmp/tamper-%d.pcapng", (int)getpid());
	for (; optind < argc; optind++)
		if (!tamper_file(&t, argv[optind], part % parts, parts))
			check(&t, false, "not to be read", 0, argv[optind]);
	unlink(t.path);
	printf("tamper: %" PRIu64 " passed, %" PRIu64 " failed\n", t.tally.passed, t.tally.failed);
	return t.tally.failed > 0;
}
