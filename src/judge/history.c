/* history: see history.h. Trust on first use, with two doubts built in: an attacker who is there for a while must not become
 * the usual state of things (what is weaker teaches nothing until the operator, or two clients over two weeks, say so), and
 * one who comes once must not look like a habit (days are counted). What a value says is compared with values of the same
 * kind only; a fact for which nothing was learnt stays unseen. */
#include "judge/history.h"

#include "judge/promise.h"
#include "text.h"

#define DAY INT64_C(86400000000000)
enum { RTT_LEAST = 1000000, TTL_FAR = 3, VIEW_WORDS = 4, KEYS_SURE = 3, RECORDS = 4 };

/* ---- hashes: to tell apart, not to prove ---- */

static uint64_t mix(uint64_t h, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		h = (h ^ ascii_lower(b.p[i])) * UINT64_C(1099511628211);
	return (h ^ 0xff) * UINT64_C(1099511628211);
}

static const uint64_t hash_begin = UINT64_C(14695981039346656037);

static uint64_t mix_list(uint64_t h, const struct record *r, enum fact f)
{
	struct bytes item;
	for (size_t pos = 0; record_next(r, f, &pos, &item);)
		h = mix(h, item);
	return h;
}

/* ---- whose ---- */

static bool own(const struct record *s)
{
	return record_get_tri(s, F_own_client) != TRI_NO || record_get_tri(s, F_own_server) == TRI_YES;
}

void history_key_address(const struct addr *a, char key[HISTORY_KEY])
{
	struct text t = { .p = key, .cap = HISTORY_KEY - 1 };
	text_put(&t, "address ");
	text_addr(&t, a);
	key[t.n] = '\0';
}

/* A name of other octets than names have makes no key: blanks part the text. */
static bool plain(struct bytes name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f)
			return false;
	return name.n > 0 && name.n < HISTORY_NAME;
}

bool history_key(enum history_kind kind, const struct record *s, char key[HISTORY_KEY])
{
	struct text t = { .p = key, .cap = HISTORY_KEY - 1 };
	struct bytes host = record_get_str(s, F_id_host);
	struct addr server, client;
	if (!record_get_addr(s, F_dst_ip, &server) || !record_get_addr(s, F_src_ip, &client) || !record_has(s, F_dst_port))
		return false;
	switch (kind) {
	case HISTORY_HOST:
		if (record_get_num(s, F_id_confidence, 0) < confidence_medium || !plain(host))
			return false;
		text_put(&t, "host ");
		for (size_t i = 0; i < host.n; i++)
			text_char(&t, (char)ascii_lower(host.p[i]));
		break;
	case HISTORY_SERVER:
		text_put(&t, "server ");
		text_addr(&t, &server);
		break;
	case HISTORY_CLIENT:
		text_put(&t, "client ");
		text_addr(&t, &client);
		break;
	case HISTORY_ADDRESS:
		history_key_address(&server, key);
		return true;
	case HISTORY_KINDS:
		return false;
	}
	text_put(&t, " ");
	text_num(&t, record_get_num(s, F_dst_port, 0));
	text_put(&t, own(s) ? " own" : " other");
	key[t.n] = '\0';
	return !t.full;
}

/* ---- counting ---- */

static int64_t when(const struct record *s)
{
	int64_t t = record_get_num(s, F_event_end, 0);
	return t > 0 ? t : 0;
}

/* Sessions come in the order of time. One from before moves nothing back: it would make a habit of one day look old. */
static void seen(struct history_times *t, int64_t now)
{
	if (t->n == 0)
		t->first = t->last = now;
	t->last = now > t->last ? now : t->last;
	t->n += t->n < UINT32_MAX;
}

static void by(struct history_clients *c, const struct record *s)
{
	uint64_t who = mix(hash_begin, record_get_str(s, F_src_ip));
	for (size_t i = 0; i < c->n; i++)
		if (c->who[i] == who)
			return;
	if (c->n < HISTORY_CLIENTS)
		c->who[c->n++] = who;
}

static int64_t span(const struct history_times *t)
{
	return t->n ? t->last - t->first : 0;
}

/* The place of a new one, all zero, in a list of n items of size octets, each with its times in front: behind the others, or
 * that of the one not seen for longest. */
static uint8_t place(void *list, size_t size, uint8_t *n, uint8_t room)
{
	uint8_t *items = list, at = 0;
	struct history_times t, oldest = { .last = INT64_MAX };
	for (uint8_t i = 0; *n == room && i < room; i++) {
		memcpy(&t, items + i * size, sizeof(t));
		at = t.last < oldest.last ? i : at;
		oldest = t.last < oldest.last ? t : oldest;
	}
	if (*n < room)
		at = (*n)++;
	memset(items + at * size, 0, size);
	return at;
}

/* ---- how sure ---- */

static enum strength counted(const struct history_entry *e)
{
	const int64_t over = span(&e->tls);
	if (e->tls.n == 0)
		return strength_none;
	if (e->tls.n >= HISTORY_STRONG && over >= HISTORY_STRONG_DAYS * DAY && e->days >= HISTORY_FEW)
		return strength_strong;
	if (e->tls.n >= HISTORY_FEW && over >= HISTORY_FEW_DAYS * DAY && e->days >= HISTORY_FEW_DAYS)
		return strength_established;
	if (e->tls.n >= HISTORY_MANY && over >= HISTORY_MANY_DAYS * DAY)
		return strength_established;
	return strength_weak;
}

/* What is old is weak, and later nothing. A time before the last is none to age by. */
static enum strength aged(enum strength s, int64_t last, int64_t now)
{
	const int64_t age = now > last ? now - last : 0;
	if (s == strength_none || age > HISTORY_DROP_DAYS * DAY)
		return strength_none;
	return age > HISTORY_FRESH_DAYS * DAY ? strength_weak : s;
}

static enum strength claimed(const struct history_entry *e, int64_t now)
{
	switch (aged((enum strength)e->claim, e->claimed, now)) {
	case strength_strong:
		return strength_imported;                 /* one step weaker than what is claimed */
	case strength_established:
	case strength_weak:
		return strength_weak;
	case strength_none:
	case strength_imported:
	case strength_COUNT:
		break;
	}
	return strength_none;
}

bool history_binds(enum strength s)
{
	return s == strength_imported || s == strength_established || s == strength_strong;
}

enum strength history_strength(const struct history_entry *e, int64_t now)
{
	enum strength mine = aged(counted(e), e->tls.last, now), theirs = claimed(e, now);
	if (!history_binds(mine) && history_binds(theirs))
		return theirs;
	return mine != strength_none ? mine : theirs;
}

void history_lower(struct history_entry *e, int64_t now)
{
	struct history_entry fresh = { .all = e->all, .lowered = now, .hosts = e->hosts, .domains = e->domains };
	memcpy(fresh.host, e->host, sizeof(fresh.host));
	memcpy(fresh.domain, e->domain, sizeof(fresh.domain));
	*e = fresh;
}

void history_claim(struct history_entry *e, enum strength claim, int64_t at)
{
	e->claim = (uint8_t)claim;
	e->claimed = at;
}

/* ---- what a session shows ---- */

static bool offers(const struct record *s)
{
	return record_get_tri(s, F_tls_established) == TRI_YES;
}

/* Said in full, and without TLS: the server's own word that it has none. */
static bool refuses(const struct record *s)
{
	if (record_get_tri(s, F_tls_seen) == TRI_YES || record_get_tri(s, F_cap_gap_dialogue) != TRI_NO)
		return false;
	bool silent = record_get_tri(s, F_smtp_offered) == TRI_NO && record_get_tri(s, F_smtp_ehlo_complete) == TRI_YES;
	return silent || record_get_num(s, F_smtp_stls_code, 0) >= 400;
}

/* Words of the greeting up to the first that holds a digit behind the host's name: queue ids, dates and versions change. */
static uint64_t banner_form(struct bytes banner)
{
	uint64_t h = hash_begin;
	unsigned words = 0;
	if (banner.n > 4 && banner.p[0] == '2' && (banner.p[3] == ' ' || banner.p[3] == '-'))
		banner = bytes_skip(banner, 4);           /* the reply code */
	for (size_t at = 0; at < banner.n && words < VIEW_WORDS;) {
		size_t from = at;
		bool digit = false;
		for (; at < banner.n && banner.p[at] != ' '; at++)
			digit |= banner.p[at] >= '0' && banner.p[at] <= '9';
		struct bytes word = { banner.p + from, at - from };
		at++;
		if (word.n == 0)
			continue;
		if (words++ && digit)
			break;
		for (size_t i = 0; i < word.n; i++)
			if (word.p[i] < '0' || word.p[i] > '9')
				h = mix(h, (struct bytes){ word.p + i, 1 });
		h = mix(h, bytes_of(" "));
	}
	return h;
}

/* The greeting and the keywords; false: neither was seen whole. */
static bool view_of(const struct record *s, struct history_view *v)
{
	struct text t = { .p = v->keywords, .cap = HISTORY_WORDS };
	struct bytes item;
	memset(v, 0, sizeof(*v));
	if (record_get_tri(s, F_smtp_ehlo_complete) != TRI_YES || !record_has(s, F_smtp_banner))
		return false;
	v->banner = banner_form(record_get_str(s, F_smtp_banner));
	for (size_t pos = 0; record_next(s, F_smtp_keywords, &pos, &item);) {
		for (size_t i = 0; i < item.n; i++)
			text_char(&t, item.p[i] >= 'a' && item.p[i] <= 'z' ? (char)(item.p[i] - 32) : (char)item.p[i]);
		text_char(&t, '\n');
	}
	v->n = (uint16_t)t.n;
	return !t.full;
}

static bool same_words(const struct history_view *a, const struct history_view *b)
{
	return a->n == b->n && memcmp(a->keywords, b->keywords, a->n) == 0;
}

/* Keyword number n (0: the first) of a view; false: there are not so many. */
static bool keyword_at(const struct history_view *v, size_t n, struct bytes *out)
{
	const uint8_t *words = (const uint8_t *)v->keywords;
	size_t from = 0;
	for (size_t at = 0; at < v->n; at++) {
		if (words[at] != '\n')
			continue;
		*out = (struct bytes){ words + from, at - from };
		if (n-- == 0)
			return true;
		from = at + 1;
	}
	return false;
}

static size_t words_of(const struct history_view *v)
{
	size_t n = 0;
	for (size_t at = 0; at < v->n; at++)
		n += v->keywords[at] == '\n';
	return n;
}

/* Is short the same list as whole, but for STARTTLS? */
static bool but_for_starttls(const struct history_view *whole, const struct history_view *shorter)
{
	struct bytes a, b;
	size_t j = 0, dropped = 0;
	for (size_t i = 0; keyword_at(whole, i, &a); i++) {
		if (bytes_eq(a, bytes_of("STARTTLS")))
			dropped++;
		else if (!keyword_at(shorter, j++, &b) || !bytes_eq(a, b))
			return false;
	}
	return dropped == 1 && !keyword_at(shorter, j, &b);
}

static bool hex_octets(struct bytes hex, uint8_t *out, size_t n)
{
	if (hex.n != 2 * n)
		return false;
	for (size_t i = 0; i < hex.n; i++) {
		uint8_t c = ascii_lower(hex.p[i]), v = c >= 'a' && c <= 'f' ? (uint8_t)(c - 'a' + 10) : (uint8_t)(c - '0');
		if (v > 15)
			return false;
		out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | v : v << 4);
	}
	return true;
}

static enum issuerclass class_of(const struct record *s)
{
	if (bytes_eq(record_get_str(s, F_x509_subject), record_get_str(s, F_x509_issuer)))
		return issuerclass_self_signed;
	switch (record_get_num(s, F_pkix, pkix_not_checked)) {
	case pkix_valid:
		return issuerclass_public;
	case pkix_invalid:
		break;
	default:
		return issuerclass_unknown;
	}
	struct bytes item;
	for (size_t pos = 0; record_next(s, F_pkix_problems, &pos, &item);)
		if (record_item_num(item) == pkixproblem_untrusted || record_item_num(item) == pkixproblem_incomplete_chain)
			return issuerclass_private;
	return issuerclass_public;                        /* expired, or for another name, but of a known authority */
}

/* false: no certificate was seen. */
static bool key_of(const struct record *s, struct history_spki *k)
{
	memset(k, 0, sizeof(*k));
	if (record_get_num(s, F_tls_cert_vis, visibility_hidden) != visibility_visible ||
	    !hex_octets(record_get_str(s, F_tls_spki_sha256), k->spki, sizeof(k->spki)))
		return false;
	k->issuer = mix(hash_begin, record_get_str(s, F_x509_issuer));
	k->names = mix_list(mix(k->issuer, record_get_str(s, F_x509_subject)), s, F_x509_names);
	k->kind = mix(hash_begin, record_get_str(s, F_x509_key_alg));
	k->bits = (uint16_t)record_get_num(s, F_x509_key_size, 0);
	k->by = (uint8_t)class_of(s);
	return true;
}

/* What the client offered, so that equal offers can be compared; 0: no ClientHello was seen. */
static uint64_t hello_of(const struct record *s)
{
	if (record_get_tri(s, F_tls_hello_c) != TRI_YES || !record_has(s, F_tls_ciphers_hash))
		return 0;
	return mix_list(mix(hash_begin, record_get_str(s, F_tls_ciphers_hash)), s, F_tls_versions) | 1;
}

/* "1.2" is 12; 0: none. */
static uint8_t version_of(struct bytes v)
{
	return v.n == 3 && v.p[0] == '1' && v.p[1] == '.' && v.p[2] >= '0' && v.p[2] <= '3' ? (uint8_t)(10 + v.p[2] - '0') : 0;
}

/* Where a TLS 1.3 server sends each message in a record of its own (B.4): EncryptedExtensions, Certificate,
 * CertificateVerify, Finished, which is 53 or 69 octets long. A CertificateRequest makes five. */
static bool flight_of(const struct record *s, struct history_flight *f)
{
	int64_t length[RECORDS + 1] = { 0 };
	struct bytes item;
	size_t n = 0;
	memset(f, 0, sizeof(*f));
	if (version_of(record_get_str(s, F_tls_version)) != 13 || record_get_tri(s, F_tls_resumed) == TRI_YES)
		return false;
	for (size_t pos = 0; n <= RECORDS && record_next(s, F_tls_rec_s2c, &pos, &item); n++)
		length[n] = record_item_num(item);
	for (size_t i = 3; i < n; i++) {
		if (length[i] != 53 && length[i] != 69)
			continue;
		f->certificate = (uint16_t)length[i - 2];
		f->verify = (uint16_t)length[i - 1];
		return length[i - 2] > 0 && length[i - 2] <= UINT16_MAX && length[i - 1] > 0 && length[i - 1] <= UINT16_MAX;
	}
	return false;
}

/* Signatures of P-256 vary by some octets. */
static bool same_verify(uint16_t a, uint16_t b)
{
	return a > b ? a - b <= 4 : b - a <= 4;
}

/* ---- recall ---- */

static void recall_view(const struct history_entry *e, struct record *s)
{
	struct history_view now;
	struct bytes mask;
	bool whole = view_of(s, &now), form = false, words = false, less = false;
	int64_t position = record_get_num(s, F_smtp_mask_pos, 0);
	if (!whole || e->views == 0)
		return;
	for (size_t i = 0; i < e->views; i++) {
		const struct history_view *v = &e->view[i];
		form |= v->banner == now.banner;
		words |= same_words(v, &now) || but_for_starttls(v, &now);
		less |= v->banner == now.banner && but_for_starttls(v, &now);
		if (position >= 2 && record_has(s, F_smtp_masked) && words_of(v) == words_of(&now) &&
		    keyword_at(v, (size_t)position - 2, &mask))
			record_str(s, F_hist_masked, mask);
	}
	record_tri(s, F_hist_delta, less ? TRI_YES : TRI_NO);
	record_tri(s, F_hist_changed, form || words ? TRI_NO : TRI_YES);
}

/* What the keys that are known say of the one that is shown. */
static void compare_key(const struct history_entry *e, const struct history_spki *now, struct record *s)
{
	bool known = false, class_known = false, public_before = false, weaker = false, same_kind = false, alike = false;
	for (size_t i = 0; i < e->keys; i++) {
		const struct history_spki *k = &e->key[i];
		bool names = k->names == now->names;
		known |= memcmp(k->spki, now->spki, sizeof(k->spki)) == 0;
		class_known |= k->by == now->by && (now->by != issuerclass_private || k->issuer == now->issuer);
		public_before |= k->by == issuerclass_public;
		weaker |= k->kind == now->kind && k->bits > now->bits;
		same_kind |= k->kind == now->kind && k->bits <= now->bits;
		alike |= names && memcmp(k->spki, now->spki, sizeof(k->spki)) != 0;
	}
	bool told = now->by != issuerclass_unknown;
	record_tri(s, F_hist_spki, known ? TRI_YES : TRI_NO);
	record_tri(s, F_hist_weaker_key, !known && weaker && !same_kind ? TRI_YES : TRI_NO);
	record_tri(s, F_hist_issuer, !told ? TRI_UNSEEN : !known && !class_known ? TRI_YES : TRI_NO);
	record_tri(s, F_hist_lookalike, !known && alike ? TRI_YES : TRI_NO);
	record_tri(s, F_hist_renewal, !told ? TRI_UNSEEN : !known && public_before && now->by == issuerclass_public ? TRI_YES : TRI_NO);
}

static void recall_key(const struct history_entry *e, struct record *s)
{
	struct history_spki now;
	const struct history_spki *usual = NULL;
	uint64_t shown = 0;
	char text[64];
	struct text t = { .p = text, .cap = sizeof(text) };
	for (size_t i = 0; i < e->keys; i++) {
		shown += e->key[i].times.n;
		usual = !usual || e->key[i].times.last > usual->times.last ? &e->key[i] : usual;
	}
	if (!usual || shown < KEYS_SURE)
		return;
	record_num(s, F_hist_keys, e->keys);
	if (!key_of(s, &now))
		return;
	text_hex(&t, (struct bytes){ usual->spki, sizeof(usual->spki) }, false);
	record_str(s, F_hist_old_spki, (struct bytes){ (const uint8_t *)text, t.n });
	record_num(s, F_hist_class, now.by);
	record_num(s, F_hist_old_class, usual->by);
	compare_key(e, &now, s);
}

static void recall_hello(const struct history_entry *e, struct record *s)
{
	static const char *const text[] = { "1.0", "1.1", "1.2", "1.3" };
	const uint64_t hello = hello_of(s);
	const uint8_t now = version_of(record_get_str(s, F_tls_version));
	struct bytes ja3s = record_get_str(s, F_tls_ja3s);
	for (size_t i = 0; hello && i < e->hellos; i++) {
		const struct history_hello *h = &e->hello[i];
		if (h->hello != hello || h->version < 10 || h->version > 13)
			continue;
		record_cstr(s, F_hist_version, text[h->version - 10]);
		if (now)
			record_tri(s, F_hist_lower, now < h->version ? TRI_YES : TRI_NO);
	}
	if (ja3s.n == 0 || e->prints == 0)
		return;
	bool known = false;
	for (size_t i = 0; i < e->prints; i++)
		known |= e->print[i].print == mix(hash_begin, ja3s);
	record_tri(s, F_hist_hello, known ? TRI_YES : TRI_NO);
}

static void recall_path(const struct history_entry *e, struct record *s)
{
	int64_t ttl = record_get_num(s, F_tcp_ttl_min_s2c, 0), rtt = record_get_num(s, F_tcp_rtt, 0);
	struct history_flight now;
	if (e->ttl && ttl)
		record_tri(s, F_hist_ttl, ttl - e->ttl >= TTL_FAR || e->ttl - ttl >= TTL_FAR ? TRI_YES : TRI_NO);
	if (e->rtt && rtt > 0)
		record_tri(s, F_hist_rtt, rtt < e->rtt / 2 && e->rtt - rtt > RTT_LEAST ? TRI_YES : TRI_NO);
	if (!e->flights || !flight_of(s, &now))
		return;
	bool certificate = false, verify = false;
	for (size_t i = 0; i < e->flights; i++) {
		certificate |= e->flight[i].certificate == now.certificate;
		verify |= same_verify(e->flight[i].verify, now.verify);
	}
	record_tri(s, F_hist_flight, certificate ? TRI_YES : TRI_NO);
	record_tri(s, F_hist_verify, verify ? TRI_YES : TRI_NO);
}

void history_recall(const struct history_entry *e, const char *key, struct record *s)
{
	enum strength strength = history_strength(e, when(s));
	record_num(s, F_hist_strength, strength);
	record_num(s, F_hist_sessions, e->all.n);
	if (span(&e->none) >= HISTORY_NEVER_DAYS * DAY && e->none.n >= HISTORY_FEW && e->tls.n == 0)
		record_yes(s, F_hist_never);
	if (strength == strength_none)
		return;
	record_cstr(s, F_hist_by, key);
	if (e->tls.n) {
		record_num(s, F_hist_first, e->tls.first);
		record_num(s, F_hist_last, e->tls.last);
	}
	if (!history_binds(strength))
		return;
	record_yes(s, F_hist_offered);
	record_yes(s, F_hist_tls);
	record_tri(s, F_hist_elsewhere, e->claim == strength_none ? TRI_YES : TRI_NO);
	recall_view(e, s);
	recall_key(e, s);
	recall_hello(e, s);
	recall_path(e, s);
	promise_add(s, expect_baseline);
}

void history_recall_client(const struct history_entry *e, struct record *s)
{
	if (history_binds(history_strength(e, when(s))))
		record_yes(s, F_hist_client);
}

/* ---- learn ---- */

bool history_teaches(const struct record *s, enum level worst)
{
	return record_get_num(s, F_cap_phase, phase_final) != phase_interim && record_get_tri(s, F_cap_gap_dialogue) == TRI_NO &&
	       record_get_tri(s, F_cap_midstream) == TRI_NO && record_get_tri(s, F_cap_one_direction) != TRI_YES &&
	       record_get_tri(s, F_cap_limit) != TRI_YES && record_get_tri(s, F_cap_lossy) != TRI_YES &&
	       record_get_tri(s, F_cap_snaplen) != TRI_YES && record_get_tri(s, F_mirror) != TRI_YES && worst < level_medium;
}

static void learn_view(struct history_entry *e, const struct record *s, int64_t now)
{
	struct history_view v;
	uint8_t at;
	if (!view_of(s, &v))
		return;
	for (at = 0; at < e->views; at++)
		if (e->view[at].banner == v.banner && same_words(&e->view[at], &v))
			break;
	if (at == e->views) {
		at = place(e->view, sizeof(e->view[0]), &e->views, HISTORY_VIEWS);
		e->view[at] = v;
	}
	seen(&e->view[at].times, now);
}

static void learn_key(struct history_entry *e, const struct record *s, int64_t now)
{
	struct history_spki k;
	uint8_t at;
	if (!key_of(s, &k))
		return;
	for (at = 0; at < e->keys; at++)
		if (memcmp(e->key[at].spki, k.spki, sizeof(k.spki)) == 0)
			break;
	if (at == e->keys)
		at = place(e->key, sizeof(e->key[0]), &e->keys, HISTORY_KEYS);
	k.times = e->key[at].times;                       /* a certificate may be new where its key is not */
	e->key[at] = k;
	seen(&e->key[at].times, now);
}

static void learn_hello(struct history_entry *e, const struct record *s, int64_t now)
{
	const uint64_t hello = hello_of(s);
	const uint8_t version = version_of(record_get_str(s, F_tls_version));
	struct bytes ja3s = record_get_str(s, F_tls_ja3s);
	uint8_t at;
	if (hello && version) {
		for (at = 0; at < e->hellos && e->hello[at].hello != hello; at++)
			;
		if (at == e->hellos)
			at = place(e->hello, sizeof(e->hello[0]), &e->hellos, HISTORY_HELLOS);
		e->hello[at].hello = hello;
		e->hello[at].version = version > e->hello[at].version ? version : e->hello[at].version;
		seen(&e->hello[at].times, now);
	}
	if (ja3s.n == 0)
		return;
	const uint64_t print = mix(hash_begin, ja3s);
	for (at = 0; at < e->prints && e->print[at].print != print; at++)
		;
	if (at == e->prints)
		at = place(e->print, sizeof(e->print[0]), &e->prints, HISTORY_HELLOS);
	e->print[at].print = print;
	seen(&e->print[at].times, now);
}

static void learn_path(struct history_entry *e, const struct record *s, int64_t now)
{
	int64_t ttl = record_get_num(s, F_tcp_ttl_min_s2c, 0), rtt = record_get_num(s, F_tcp_rtt, 0);
	struct history_flight f;
	uint8_t at;
	if (ttl > 0 && ttl <= UINT8_MAX)
		e->ttl = (uint8_t)ttl;
	if (rtt > 0 && (e->rtt == 0 || rtt < e->rtt))
		e->rtt = rtt;
	if (!flight_of(s, &f))
		return;
	for (at = 0; at < e->flights; at++)
		if (e->flight[at].certificate == f.certificate && same_verify(e->flight[at].verify, f.verify))
			break;
	if (at == e->flights) {
		at = place(e->flight, sizeof(e->flight[0]), &e->flights, HISTORY_FLIGHTS);
		e->flight[at] = f;
	}
	seen(&e->flight[at].times, now);
}

static void positive(struct history_entry *e, const struct record *s, int64_t now)
{
	seen(&e->tls, now);
	if (now / DAY > e->day) {
		e->day = now / DAY;
		e->days += e->days < UINT32_MAX;
	}
	by(&e->clients, s);
	e->weaker = e->none = (struct history_times){ 0 };
	e->weaker_by = (struct history_clients){ .n = 0 };
}

/* Long enough, and not one client's word alone: what an attacker near one of them does all that time is not enough. */
static bool lowers(const struct history_times *t, const struct history_clients *c)
{
	return t->n >= HISTORY_LOWER && span(t) >= HISTORY_LOWER_DAYS * DAY && c->n >= HISTORY_LOWER_CLIENTS;
}

/* Without an offer that there used to be. The finding of it is grave, so it teaches by being counted alone. */
static bool weaker(struct history_entry *e, const struct record *s, int64_t now)
{
	seen(&e->weaker, now);
	by(&e->weaker_by, s);
	if (!lowers(&e->weaker, &e->weaker_by))
		return false;
	history_lower(e, now);
	return true;
}

/* A key that is not to be learnt of one session: of an issuer of another class, or shorter. As with a missing offer, time and
 * several clients make it usual; the other values stay. */
static bool other_key(struct history_entry *e, const struct record *s, int64_t now)
{
	seen(&e->other, now);
	by(&e->other_by, s);
	if (!lowers(&e->other, &e->other_by))
		return false;
	e->keys = 0;
	e->other = (struct history_times){ 0 };
	e->other_by = (struct history_clients){ .n = 0 };
	e->lowered = now;
	return true;
}

/* What was half a year ago is not the start of a habit. What was imported ages by itself, with the values that came with it. */
static void drop_old(struct history_entry *e, int64_t now)
{
	const uint8_t claim = e->claim;
	if (aged(strength_weak, e->tls.last, now) != strength_none || (e->tls.n == 0 && claim))
		return;
	const int64_t claimed_at = e->claimed;
	history_lower(e, e->lowered);
	history_claim(e, (enum strength)claim, claimed_at);
}

bool history_learn(struct history_entry *e, const struct record *s, enum level worst)
{
	const int64_t now = when(s);
	const bool whole = history_teaches(s, level_informational), clean = history_teaches(s, worst);
	const bool known = e->tls.n || e->claim;
	if (record_get_num(s, F_cap_phase, phase_final) == phase_interim)
		return false;
	seen(&e->all, now);
	if (whole && refuses(s)) {
		if (!known)
			seen(&e->none, now);
		return known && weaker(e, s, now);
	}
	if (!offers(s))
		return false;
	if (whole && (record_get_tri(s, F_hist_issuer) == TRI_YES || record_get_tri(s, F_hist_weaker_key) == TRI_YES))
		return other_key(e, s, now);
	if (!clean)
		return false;
	drop_old(e, now);
	if (record_get_tri(s, F_hist_spki) == TRI_YES) {
		e->other = (struct history_times){ 0 };
		e->other_by = (struct history_clients){ .n = 0 };
	}
	positive(e, s, now);
	learn_view(e, s, now);
	learn_key(e, s, now);
	learn_hello(e, s, now);
	learn_path(e, s, now);
	return false;
}

/* Of a client it is a habit to ask for what is offered; it is that too, where what came of it was a finding about the server. */
bool history_learn_client(struct history_entry *e, const struct record *s, enum level worst)
{
	const int64_t now = when(s);
	if (!history_teaches(s, level_informational))
		return false;
	seen(&e->all, now);
	bool offered = record_get_tri(s, F_smtp_offered) == TRI_YES || offers(s);
	bool asked = record_get_tri(s, F_smtp_requested) == TRI_YES || record_get_tri(s, F_tls_seen) == TRI_YES;
	if (!offered)
		return false;
	if (!asked)
		return e->tls.n && weaker(e, s, now);
	if (!history_teaches(s, worst))
		return false;
	drop_old(e, now);
	positive(e, s, now);
	return false;
}

static void learn_name(struct history_name *list, uint8_t *n, struct bytes name, int64_t now)
{
	uint8_t at;
	if (!plain(name))
		return;
	for (at = 0; at < *n; at++)
		if (bytes_eq_nocase(bytes_of(list[at].name), name))
			break;
	if (at == *n && *n < HISTORY_NAMES)
		(*n)++;
	else if (at == *n)
		for (uint8_t i = at = 0; i < *n; i++)
			at = list[i].last < list[at].last ? i : at;
	for (size_t i = 0; i < name.n; i++)
		list[at].name[i] = (char)ascii_lower(name.p[i]);
	list[at].name[name.n] = '\0';
	list[at].last = now > list[at].last ? now : list[at].last;
}

void history_learn_names(struct history_entry *e, const struct record *s)
{
	static const char *const sources[] = { "configured", "dnssec-chain", "dnssec-host", "watch-list" };
	struct bytes item;
	bool high = false;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		high |= record_list_has(s, F_id_sources, bytes_of(sources[i]));
	if (!high || record_get_num(s, F_id_confidence, 0) < confidence_medium ||
	    record_get_num(s, F_id_location, location_unknown) != location_inside)
		return;
	seen(&e->all, when(s));
	learn_name(e->host, &e->hosts, record_get_str(s, F_id_host), when(s));
	for (size_t pos = 0; record_next(s, F_id_domains, &pos, &item);)
		learn_name(e->domain, &e->domains, item, when(s));
}
