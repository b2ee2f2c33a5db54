/* TLS events and the state at the end become facts; no fact here is an opinion. It knows which octets are missing,
 * and says nothing rather than "no" where they could have held the answer. Owns the digests and
 * the table of certificates; the record and the TLS state are the caller's. */
#include "wire/observe_tls.h"

#include <stdlib.h>

#include "wire/ja.h"

/* NAMES_OCTETS: a certificate may be 128 KiB of names, and must not push other facts out of the record. */
enum { NAMES_OCTETS = 4096 };

struct tls_observer {
	struct cert_cache *certs;
	struct ja *ja;
};

struct tls_observer *tls_observer_new(void)
{
	struct tls_observer *o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	o->certs = cert_cache_new();
	o->ja = ja_new();
	if (o->certs && o->ja)
		return o;
	tls_observer_free(o);
	return NULL;
}

void tls_observer_free(struct tls_observer *o)
{
	if (!o)
		return;
	cert_cache_free(o->certs);
	ja_free(o->ja);
	free(o);
}

/* A number by its IANA name, or as 0x and four digits. */
static void set_name(struct record *r, enum fact f, const char *name, uint16_t number)
{
	static const char digit[] = "0123456789abcdef";
	char text[] = "0x0000";
	for (int i = 0; i < 4; i++)
		text[5 - i] = digit[number >> (4 * i) & 15];
	record_cstr(r, f, name ? name : text);
}

/* ---- events ---- */

static void add_versions(struct record *r, const struct tls_client_hello *h)
{
	uint16_t top = h->version > 0x0303 ? 0x0303 : h->version;
	/* Without the extension the lower versions are implied, and seldom meant: only what is said is listed. */
	uint8_t set = h->listed.n ? h->versions : tls_version_bit(top);
	for (uint16_t v = 0x0304; v >= 0x0300; v--)
		if (set & tls_version_bit(v))
			record_add_cstr(r, F_tls_versions, tls_version_name(v));
}

static void observe_client_hello(struct record *r, struct tls_observer *o, const struct tls_client_hello *h)
{
	const struct ja_prints *prints = ja_hello(o->ja, h);
	record_yes(r, F_tls_hello_c);
	if (h->sni.n)
		record_str(r, F_tls_sni, h->sni);
	add_versions(r, h);
	if (prints->suites[0])
		record_cstr(r, F_tls_ciphers_hash, prints->suites);
	for (struct cur c = cur_of(h->alpn); cur_left(&c);) {
		struct cur name = cur_vec8(&c);
		if (cur_left(&name))
			record_add(r, F_tls_alpn, (struct bytes){ name.p, cur_left(&name) });
	}
	if (prints->ja3[0])
		record_cstr(r, F_tls_ja3, prints->ja3);
	if (prints->ja4[0])
		record_cstr(r, F_tls_ja4, prints->ja4);
}

static void observe_server_hello(struct record *r, struct tls_observer *o, const struct tls_server_hello *h)
{
	char ja3s[JA3_SIZE];
	const char *suite = tls_suite_name(h->suite), *version = tls_version_name(h->version);
	if (!version && tls_is13(h->version))
		version = "1.3";
	record_yes(r, F_tls_hello_s);
	set_name(r, F_tls_version, version, h->version);
	record_cstr(r, F_tls_version_protocol, h->version == 0x0300 ? "ssl" : "tls");
	set_name(r, F_tls_cipher, suite, h->suite);
	record_tri(r, F_tls_anonymous, suite && strstr(suite, "_anon_") ? TRI_YES : TRI_NO);
	if (h->group)
		set_name(r, F_tls_curve, tls_group_name(h->group), h->group);
	if (h->sentinel)
		record_cstr(r, F_tls_sentinel, tls_version_name(h->sentinel));
	if (ja_server(o->ja, h, ja3s))
		record_cstr(r, F_tls_ja3s, ja3s);
}

static void observe_key_exchange(struct record *r, const struct tls_key_exchange *k)
{
	if (k->group)
		set_name(r, F_tls_curve, tls_group_name(k->group), k->group);
	if (k->dh_bits)
		record_num(r, F_tls_dh_bits, k->dh_bits);
	if (k->signature.n)
		set_name(r, F_tls_sigscheme, tls_scheme_name(k->scheme), k->scheme);
}

void observe_tls(struct record *r, struct tls_observer *o, const struct tls *t, const struct tls_event *ev)
{
	record_yes(r, F_tls_seen);
	switch (ev->type) {
	case TLS_EV_CLIENT_HELLO:
		observe_client_hello(r, o, &ev->client);
		record_tri(r, F_tls_scsv, t->scsv ? TRI_YES : TRI_NO);
		break;
	case TLS_EV_SSL2_HELLO:
		record_add_cstr(r, F_tls_versions, ev->version == 0x0002 ? "2.0" : tls_version_name(ev->version));
		break;
	case TLS_EV_HELLO_RETRY:
		record_yes(r, F_tls_hrr);
		break;
	case TLS_EV_SERVER_HELLO:
		observe_server_hello(r, o, &ev->server);
		break;
	case TLS_EV_CERTIFICATE:
		break;
	case TLS_EV_KEY_EXCHANGE:
		observe_key_exchange(r, &ev->exchange);
		break;
	case TLS_EV_ALERT:
		if (record_has(r, F_tls_alert_code))
			break;
		record_num(r, F_tls_alert_side, ev->dir == C2S ? side_client : side_server);
		record_num(r, F_tls_alert_level, ev->level);
		record_num(r, F_tls_alert_code, ev->code);
		break;
	}
}

/* ---- the end ---- */

/* Every octet of dir that there was has been seen. */
static bool arrived(const struct tls *t, const struct tls_coverage *c, enum dir dir)
{
	return c->seen[dir] && !c->gap[dir] && !t->side[dir].gap && !c->midstream && !t->limit;
}

/* And read: where TLS turns into something else on its way, two writers have been at work, and one of them may have
 * said more than is legible here. */
static bool whole(const struct tls *t, const struct tls_coverage *c, enum dir dir)
{
	return arrived(t, c, dir) && !(t->side[dir].seen && t->side[dir].phase == TLS_NOT);
}

/* The client has sent nothing that could be its Finished. */
static bool gave_up(const struct tls *t, const struct tls_coverage *c)
{
	const struct tls_side *s = &t->side[C2S];
	return whole(t, c, C2S) && arrived(t, c, S2C) && !s->finished && s->records == 0;
}

static enum tri established(const struct tls *t, const struct tls_coverage *c)
{
	/* A fatal alert in clear is no end: it may be forged, and the handshake go on behind it. */
	if (tls_complete(t) == TRI_YES)
		return TRI_YES;
	return c->ended && (gave_up(t, c) || (whole(t, c, C2S) && whole(t, c, S2C))) ? TRI_NO : TRI_UNSEEN;
}

/* A yes/no fact that is yes already, or no where nothing is missing. */
static void settle(struct record *r, enum fact f, bool nothing_missing)
{
	if (!record_has(r, f) && nothing_missing)
		record_tri(r, f, TRI_NO);
}

/* Was it offered? list: what is known of the offer, which was longer if cut. */
static enum tri offered(const uint16_t *list, size_t n, bool cut, uint16_t choice)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == choice)
			return TRI_YES;
	return cut ? TRI_UNSEEN : TRI_NO;
}

/* A client without the list of groups takes any (RFC 8422 4). settled: no message that names one is missing. */
static enum tri group_offered(const struct tls *t, bool settled)
{
	if (t->ngroups == 0)
		return TRI_YES;
	if (t->group)
		return offered(t->groups, t->ngroups, t->groups_cut, t->group);
	return settled || tls_is13(t->version) || tls_suite_kx(t->suite) != TLS_KX_EC ? TRI_YES : TRI_UNSEEN;
}

static enum tri version_offered(const struct tls *t)
{
	bool draft = t->version >> 8 == 0x7f;
	return draft || t->versions & tls_version_bit(t->version) ? TRI_YES : TRI_NO;
}

/* Both hellos against each other (RFC 8446 4.1.3). */
static void compare_hellos(struct record *r, const struct tls *t, const struct tls_coverage *c)
{
	if (!t->client_hello || !t->server_hello)
		return;
	bool settled = tls_resumed(t) == TRI_YES || (c->ended && whole(t, c, S2C));
	enum tri version = version_offered(t), group = group_offered(t, settled);
	enum tri suite = offered(t->suites, t->nsuites, t->suites_cut, t->suite);
	bool could13 = t->versions & TLS_V_13, could12 = t->versions & (TLS_V_12 | TLS_V_13);
	bool denied = t->sentinel && !tls_is13(t->version) &&
		      (could13 || (t->sentinel == 0x0302 && t->version <= 0x0302 && could12));
	record_tri(r, F_tls_downgrade, denied ? TRI_YES : TRI_NO);
	if (version == TRI_NO || suite == TRI_NO || group == TRI_NO)
		record_yes(r, F_tls_not_offered);
	else if (suite == TRI_YES && group == TRI_YES)
		record_tri(r, F_tls_not_offered, TRI_NO);
}

/* Why there is no certificate, the most certain reason first. */
static enum hiddenby hidden_by(const struct record *r, const struct tls *t, const struct tls_coverage *c)
{
	if (record_get_tri(r, F_tls_anonymous) == TRI_YES)
		return hiddenby_anonymous;
	if (tls_resumed(t) == TRI_YES)
		return hiddenby_resumed;
	if (t->server_hello && tls_is13(t->version))
		return t->ech ? hiddenby_ech : hiddenby_tls13;
	if (c->gap[S2C] || t->side[S2C].gap || t->limit)
		return hiddenby_gap;
	if (c->midstream)
		return hiddenby_midstream;
	if (!c->seen[S2C])
		return hiddenby_one_direction;
	return hiddenby_handshake_incomplete;
}

static const char *key_name(enum cert_key key)
{
	switch (key) {
	case CERT_KEY_RSA:
		return "RSA";
	case CERT_KEY_RSA_PSS:
		return "RSASSA-PSS";
	case CERT_KEY_EC:
		return "EC";
	case CERT_KEY_DSA:
		return "DSA";
	case CERT_KEY_ED25519:
		return "ED25519";
	case CERT_KEY_ED448:
		return "ED448";
	case CERT_KEY_OTHER:
	case CERT_KEY_COUNT:
		break;
	}
	return NULL;
}

static void set_serial(struct record *r, struct bytes serial)
{
	static const char digit[] = "0123456789ABCDEF";
	char text[64];
	size_t n = 0;
	/* The sign octet in front of a number above 0x7f.. is not part of what people call the serial number. */
	if (serial.n > 1 && serial.p[0] == 0)
		serial = bytes_skip(serial, 1);
	for (size_t i = 0; i < serial.n && n < sizeof(text); i++) {
		text[n++] = digit[serial.p[i] >> 4];
		text[n++] = digit[serial.p[i] & 15];
	}
	record_str(r, F_x509_serial, (struct bytes){ (const uint8_t *)text, n });
}

static void set_names(struct record *r, struct bytes names)
{
	struct bytes name;
	size_t total = 0;
	record_unset(r, F_x509_names);
	while (cert_dns_name(&names, &name)) {
		total += name.n;
		if (total > NAMES_OCTETS || record_count(r, F_x509_names) == RECORD_ITEMS) {
			r->truncated = 1;
			break;
		}
		record_add(r, F_x509_names, name);
	}
}

static void observe_leaf(struct record *r, struct tls_observer *o, struct bytes der)
{
	struct cert cert;
	bool walked = cert_walk(der, &cert);
	const struct cert_text *text = cert_text(o->certs, der, &cert, walked);
	if (text) {
		record_cstr(r, F_tls_leaf_sha256, text->sha256);
		if (text->spki_sha256[0])
			record_cstr(r, F_tls_spki_sha256, text->spki_sha256);
		if (text->nsubject)
			record_str(r, F_x509_subject, (struct bytes){ (const uint8_t *)text->subject, text->nsubject });
		if (text->nissuer)
			record_str(r, F_x509_issuer, (struct bytes){ (const uint8_t *)text->issuer, text->nissuer });
	}
	if (!walked)
		return;
	if (cert.dated) {
		record_num(r, F_x509_not_before, cert.not_before);
		record_num(r, F_x509_not_after, cert.not_after);
	}
	set_serial(r, cert.serial);
	if (key_name(cert.key))
		record_cstr(r, F_x509_key_alg, key_name(cert.key));
	if (cert.key_bits)
		record_num(r, F_x509_key_size, cert.key_bits);
	set_names(r, cert.names);
}

static void observe_chain(struct record *r, struct tls_observer *o, const struct tls *t, const struct tls_coverage *c)
{
	struct bytes chain = tls_chain(t), der, leaf = { NULL, 0 };
	int64_t n = 0;
	while (chain_next(&chain, &der))
		if (n++ == 0)
			leaf = der;
	if (n == 0) {
		record_num(r, F_tls_cert_vis, visibility_hidden);
		record_num(r, F_tls_cert_hidden, hidden_by(r, t, c));
		return;
	}
	record_num(r, F_tls_cert_vis, visibility_visible);
	record_unset(r, F_tls_cert_hidden);
	record_cstr(r, F_tls_cert_source, "wire");
	record_num(r, F_tls_chain_len, n);
	observe_leaf(r, o, leaf);
}

/* Octets behind the last record whose length is kept, record headers included. */
static uint64_t tail_of(const struct tls_side *s, uint64_t octets)
{
	uint64_t total = octets ? octets : s->octets;
	bool counted = s->phase == TLS_TAIL || s->phase == TLS_LOST;
	return counted && total > s->tail ? total - s->tail : 0;
}

static uint64_t sum_from(const struct tls_side *s, int first)
{
	uint64_t sum = 0;
	for (int i = first; i < s->records; i++)
		sum += s->lengths[i];
	return sum;
}

static void observe_lengths(struct record *r, const struct tls *t, const struct tls_coverage *c, enum dir dir)
{
	const struct tls_side *s = &t->side[dir];
	enum fact lengths = dir == C2S ? F_tls_rec_c2s : F_tls_rec_s2c, octets = dir == C2S ? F_tls_app_c2s : F_tls_app_s2c;
	record_unset(r, lengths);
	for (int i = 0; i < s->records; i++)
		record_add_num(r, lengths, s->lengths[i]);
	if (s->records || (s->seen && !s->gap))
		record_num(r, octets, (int64_t)(sum_from(s, 0) + (s->records ? tail_of(s, c->octets[dir]) : 0)));
}

/* Octets of the record that holds n octets of text, under the suite negotiated; 0: not known (RFC 5246 6.2.3,
 * RFC 7366 3, RFC 7905 2). */
static uint32_t record_of(const struct tls *t, uint32_t n)
{
	enum { TAG = 16, NONCE = 8, TYPE = 1 };
	const char *suite = tls_suite_name(t->suite);
	if (!suite)
		return 0;
	uint32_t tag = strstr(suite, "_CCM_8") ? TAG / 2 : TAG;
	if (tls_is13(t->version))
		return n + TYPE + tag;
	if (strstr(suite, "_CHACHA20_"))
		return n + TAG;
	if (strstr(suite, "_GCM_") || strstr(suite, "_CCM"))
		return n + NONCE + tag;
	uint32_t mac = 20, block = strstr(suite, "DES") ? 8 : 16;
	if (strstr(suite, "_SHA256"))
		mac = 32;
	else if (strstr(suite, "_SHA384"))
		mac = 48;
	else if (strstr(suite, "_MD5"))
		mac = 16;
	if (!strstr(suite, "_CBC_"))
		return n + mac;
	uint32_t iv = t->version >= 0x0302 ? block : 0, inside = (t->etm ? n : n + mac) + 1;
	return iv + (inside + block - 1) / block * block + (t->etm ? mac : 0);
}

/* The client finished the handshake and then said QUIT and nothing else: what a sender does whose own verification of
 * the peer failed (RFC 7672 2.2). No record that could hold an EHLO may be among them. */
static void observe_refusal(struct record *r, const struct tls *t, const struct tls_coverage *c, int first)
{
	enum { QUIT = 6, NO_CERTIFICATE = 8 };
	const struct tls_side *s = &t->side[C2S];
	uint32_t quit = record_of(t, QUIT);
	if (!whole(t, c, C2S) || s->phase == TLS_NOT || quit == 0 || !t->server_hello)
		return;
	/* Before Finished stands the empty answer to a CertificateRequest (RFC 8446 4.4.2), or a certificate and a
	 * signature. One longer record may hold all three, and what is as long as Finished be the EHLO behind it. */
	if (tls_is13(t->version) && first == 2 && s->lengths[0] != record_of(t, NO_CERTIFICATE))
		return;
	int quits = 0;
	bool more = s->phase == TLS_TAIL;
	for (int i = first; i < s->records; i++) {
		quits += s->lengths[i] == quit;
		/* Behind it a shorter one is the close_notify of TLS 1.3; in front of it, the empty record of TLS 1.0. */
		more = more || s->lengths[i] > quit || (s->lengths[i] < quit && quits == 0 && t->version > 0x0301);
	}
	/* Before TLS 1.1 a CBC record is split in two, and padding makes both as long (RFC 5246 F.3). */
	int most = t->version <= 0x0301 ? 2 : 1;
	if (quits >= 1 && quits <= most && !more && c->ended)
		record_yes(r, F_tls_refusal);
	else if (more || c->ended)
		record_tri(r, F_tls_refusal, TRI_NO);
}

/* Certificate alerts: who sends one has looked at the peer and refused it (RFC 8446 6.2). */
static bool refuses_peer(uint8_t code)
{
	enum { BAD_CERTIFICATE = 42, CERTIFICATE_UNKNOWN = 46, UNKNOWN_CA = 48 };
	return (code >= BAD_CERTIFICATE && code <= CERTIFICATE_UNKNOWN) || code == UNKNOWN_CA;
}

/* TLS 1.3: the client answers the server's flight with an alert, in clear, or in one record of that length, and not with
 * Finished. */
static void observe_rejection(struct record *r, const struct tls *t, const struct tls_coverage *c)
{
	enum { ALERT = 2 };
	const struct tls_side *s = &t->side[C2S];
	uint32_t alert = record_of(t, ALERT);
	if (!t->server_hello)
		return;
	if (!tls_is13(t->version) || tls_finished(t) >= 0) {
		record_tri(r, F_tls_rejected13, TRI_NO);
		return;
	}
	if (!whole(t, c, C2S) || !c->ended || t->early_data || alert == 0)
		return;
	bool sealed = s->records == 1 && s->lengths[0] == alert;
	bool clear = s->records == 0 && s->fatal && refuses_peer(s->code);
	record_tri(r, F_tls_rejected13, sealed || clear ? TRI_YES : TRI_NO);
}

/* ---- how a handshake failed ---- */

static enum failpoint reached(const struct tls *t)
{
	const struct tls_side *client = &t->side[C2S];
	if (!client->seen)
		return failpoint_after_220;
	if (!t->server_hello)
		return failpoint_client_hello;
	if (client->finished || tls_finished(t) >= 0)
		return failpoint_finished;
	return t->certificate ? failpoint_certificate : failpoint_server_hello;
}

/* Who spoke in clear where TLS was due, as far as that is known: side_COUNT is not. */
static enum side clear_side(const struct record *r, const struct tls *t)
{
	const struct tls_side *client = &t->side[C2S], *server = &t->side[S2C];
	if (record_has(r, F_smtp_after_220_side))
		return (enum side)record_get_num(r, F_smtp_after_220_side, side_server);
	if (client->seen != server->seen) /* the other side speaks TLS */
		return client->seen ? side_server : side_client;
	return server->phase == TLS_NOT ? side_server : client->phase == TLS_NOT ? side_client : side_COUNT;
}

static bool clear_text(const struct record *r, const struct tls *t)
{
	for (enum dir dir = C2S; dir <= S2C; dir++)
		if (t->side[dir].phase == TLS_NOT && !t->side[dir].seen)
			return true;
	return record_get_tri(r, F_smtp_after_220) == TRI_YES;
}

/* A fatal alert in clear, or one that can be nothing else; of whom, or side_COUNT. */
static enum side alert_side(const struct record *r, const struct tls *t)
{
	const struct tls_side *client = &t->side[C2S], *server = &t->side[S2C];
	if (client->fatal && server->fatal) /* the later one answers */
		return (enum side)record_get_num(r, F_tls_alert_side, side_server);
	if (client->fatal || server->fatal)
		return client->fatal ? side_client : side_server;
	if (client->closed || record_get_tri(r, F_tls_rejected13) == TRI_YES)
		return side_client;
	return server->closed ? side_server : side_COUNT;
}

/* What came first of what can end a handshake: text, to which the other side may answer with an alert; an alert, which
 * FIN and RST follow; these. */
static void observe_failure(struct record *r, const struct tls *t, const struct tls_coverage *c)
{
	enum side alert = alert_side(r, t), by = alert;
	enum failhow how = failhow_alert;
	if (clear_text(r, t)) {
		how = failhow_clear;
		by = clear_side(r, t);
	} else if (alert == side_COUNT) {
		how = c->how;
		by = c->by;
	}
	record_yes(r, F_tls_failed);
	record_num(r, F_tls_failed_at, reached(t));
	if (how != failhow_unknown)
		record_num(r, F_tls_failed_how, how);
	if (how != failhow_unknown && by != side_COUNT)
		record_num(r, F_tls_failed_side, by);
}

/* An alert that its side did not stay with is not its own, or not meant. */
static void observe_alert(struct record *r, const struct tls *t, const struct tls_coverage *c, enum tri done)
{
	bool went_on = false, quiet = true, fatal = false;
	for (enum dir dir = C2S; dir <= S2C; dir++) {
		const struct tls_side *s = &t->side[dir];
		fatal = fatal || s->fatal;
		went_on = went_on || s->went_on || (s->fatal && done == TRI_YES);
		quiet = quiet && (!s->fatal || (whole(t, c, dir) && c->ended));
	}
	if (went_on)
		record_yes(r, F_tls_alert_then);
	else if (fatal && quiet)
		record_tri(r, F_tls_alert_then, TRI_NO);
}

static void observe_established(struct record *r, const struct tls *t, const struct tls_coverage *c)
{
	enum tri done = established(t, c);
	bool began = t->client_hello || t->ssl2 || c->due;
	record_tri(r, F_tls_established, done);
	observe_alert(r, t, c, done);
	observe_rejection(r, t, c);
	if (done == TRI_YES)
		record_tri(r, F_tls_failed, TRI_NO);
	else if (done == TRI_NO && began)
		observe_failure(r, t, c);
	if (done != TRI_YES)
		return;
	int first = tls_finished(t) + 1;
	if (t->side[C2S].seen && !t->side[C2S].gap)
		record_num(r, F_smtp_after_tls,
			   (int64_t)(sum_from(&t->side[C2S], first) + tail_of(&t->side[C2S], c->octets[C2S])));
	observe_refusal(r, t, c, first);
}

void observe_tls_finish(struct record *r, struct tls_observer *o, const struct tls *t, const struct tls_coverage *c)
{
	bool seen = t->side[C2S].seen || t->side[S2C].seen;
	if (!seen && !c->due)
		return;
	bool both = whole(t, c, C2S) && whole(t, c, S2C);
	if (seen)
		record_yes(r, F_tls_seen);
	settle(r, F_tls_seen, both && c->ended);
	settle(r, F_tls_hello_c, whole(t, c, C2S) && c->ended);
	settle(r, F_tls_hello_s, whole(t, c, S2C) && c->ended);
	settle(r, F_tls_hrr, t->server_hello);
	record_tri(r, F_tls_resumed, tls_resumed(t));
	compare_hellos(r, t, c);
	observe_established(r, t, c);
	if (seen)
		observe_chain(r, o, t, c);
	observe_lengths(r, t, c, C2S);
	observe_lengths(r, t, c, S2C);
}
