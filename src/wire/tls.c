/* What a TLS connection shows without a key: its handshake messages in clear, put together across records and
 * segments, and the lengths of the first encrypted records. Knows nothing of SMTP, names or verdicts and decrypts
 * nothing. Octets belong to the stream; a message that is not whole in them, and the server's certificate_list, are
 * copied once into a block of the pool, which goes back as soon as the message is read (the list: at tls_release).
 *
 * Each direction is a walk of its own that asks the other nothing: which of the two is delivered first must not
 * matter (RFC 8446 5.1, appendix D.4; RFC 5246 7). */
#include "wire/tls.h"

#include "key_proof.h"
#include "wire/tls_record.h"

enum { HELLO_REQUEST = 0, CLIENT_HELLO = 1, SERVER_HELLO = 2, CERTIFICATE = 11, SERVER_KEY_EXCHANGE = 12,
       SERVER_HELLO_DONE = 14 };

/* CHAIN_LENGTH: octets in front of the certificate_list that say how long it is (RFC 5246 7.4.2). */
enum { BUDGET_MIN = 256 * 1024, CHAIN_LENGTH = 3 };

bool tls_memory_init(struct tls_memory *mem, size_t budget)
{
	*mem = (struct tls_memory){ .small = { 0 } };
	if (budget < BUDGET_MIN)
		return false;
	/* Most chains are of 2 to 6 KiB; large ones are rare, but one attacker must not be able to blind us with a few. */
	size_t large = budget / 2 / TLS_MESSAGE_MAX;
	if (pool_init(&mem->small, TLS_MESSAGE_SMALL, budget / 2 / TLS_MESSAGE_SMALL) &&
	    pool_init(&mem->large, TLS_MESSAGE_MAX, large))
		return true;
	tls_memory_free(mem);
	return false;
}

void tls_memory_free(struct tls_memory *mem)
{
	pool_free(&mem->small);
	pool_free(&mem->large);
}

void tls_init(struct tls *t, struct tls_memory *mem)
{
	*t = (struct tls){ .mem = mem };
}

static void give(struct tls_memory *mem, uint8_t *block, bool large)
{
	if (block)
		pool_give(large ? &mem->large : &mem->small, block);
}

/* A message that somebody sends in clear (RFC 5246 7.4, RFC 5077 3.3, RFC 6066 8). */
static bool handshake_type(uint8_t type)
{
	enum { NEW_SESSION_TICKET = 4, CERTIFICATE_REQUEST = 13, CERTIFICATE_VERIFY = 15, CLIENT_KEY_EXCHANGE = 16,
	       CERTIFICATE_STATUS = 22 };
	switch (type) {
	case CLIENT_HELLO:
	case SERVER_HELLO:
	case NEW_SESSION_TICKET:
	case CERTIFICATE:
	case SERVER_KEY_EXCHANGE:
	case CERTIFICATE_REQUEST:
	case SERVER_HELLO_DONE:
	case CERTIFICATE_VERIFY:
	case CLIENT_KEY_EXCHANGE:
	case CERTIFICATE_STATUS:
		return true;
	}
	return false;
}

/* Ends the message at hand, read or not. */
static void message_end(struct tls *t, struct tls_side *s)
{
	give(t->mem, s->buffer, s->large);
	s->buffer = NULL;
	s->want = s->have = s->pass = 0;
	s->nheader = 0;
}

/* The message at hand is whole. */
static void message_done(struct tls *t, struct tls_side *s)
{
	s->went_on = s->went_on || (s->fatal && handshake_type(s->header[0]));
	message_end(t, s);
}

void tls_release(struct tls *t)
{
	message_end(t, &t->side[C2S]);
	message_end(t, &t->side[S2C]);
	if (t->proof_block)
		give(t->mem, t->proof, false);
	give(t->mem, t->chain, t->chain_large);
	t->chain = t->proof = NULL;
	t->nchain = t->nproof = 0;
	t->proof_block = false;
}

struct bytes tls_chain(const struct tls *t)
{
	return t->chain ? (struct bytes){ t->chain + CHAIN_LENGTH, t->nchain } : (struct bytes){ NULL, 0 };
}

struct bytes tls_proof(const struct tls *t)
{
	return t->client_hello ? (struct bytes){ t->proof, t->nproof } : (struct bytes){ NULL, 0 };
}

void tls_gap(struct tls *t, enum dir dir, uint64_t n)
{
	struct tls_side *s = &t->side[dir];
	if (n == 0)
		return;
	s->gap = true;
	switch (s->phase) {
	case TLS_CLEAR:
	case TLS_ENCRYPTED:
		message_end(t, s);
		s->left = 0;
		s->tail = s->octets;
		s->phase = TLS_LOST;
		break;
	case TLS_TAIL:
	case TLS_LOST:
	case TLS_NOT:
		break;
	}
	s->octets += n;
}

bool tls_side_done(const struct tls *t, enum dir dir)
{
	switch (t->side[dir].phase) {
	case TLS_CLEAR:
	case TLS_ENCRYPTED:
		return false;
	case TLS_TAIL:
	case TLS_LOST:
	case TLS_NOT:
		return true;
	}
	return true;
}

bool tls_done(const struct tls *t)
{
	return tls_side_done(t, C2S) && tls_side_done(t, S2C);
}

bool tls_is13(uint16_t version)
{
	return version == 0x0304 || version >> 8 == 0x7f;
}

/* ---- messages ---- */

static void keep_session_id(struct tls *t, enum dir dir, struct bytes id)
{
	t->nsession_id[dir] = (uint8_t)(id.n < 32 ? id.n : 32);
	if (id.n)
		memcpy(t->session_id[dir], id.p, t->nsession_id[dir]);
}

static void keep_offer(struct tls *t, const struct tls_client_hello *h)
{
	for (struct cur c = cur_of(h->suites); cur_left(&c) >= 2;) {
		uint16_t suite = cur_u16(&c);
		t->scsv = t->scsv || suite == TLS_FALLBACK_SCSV;
		if (t->nsuites < TLS_SUITES)
			t->suites[t->nsuites++] = suite;
		else
			t->suites_cut = true;
	}
	for (struct cur c = cur_of(h->groups); cur_left(&c) >= 2;) {
		uint16_t group = cur_u16(&c);
		if (t->ngroups < TLS_GROUPS)
			t->groups[t->ngroups++] = group;
		else
			t->groups_cut = true;
	}
}

static bool read_client_hello(struct tls *t, struct bytes body, struct tls_event *ev)
{
	struct tls_client_hello *h = &ev->client;
	if (t->client_hello || !tls_client_hello(body, h))
		return false;
	ev->type = TLS_EV_CLIENT_HELLO;
	t->client_hello = true;
	t->versions = h->versions;
	t->early_data = h->early_data;
	t->ech = h->ech;
	memcpy(t->random[C2S], h->random.p, sizeof(t->random[C2S]));
	if (t->nproof) /* the server was read first */
		key_proof_client(t->proof, t->random[C2S]);
	keep_session_id(t, C2S, h->session_id);
	keep_offer(t, h);
	return true;
}

static bool read_server_hello(struct tls *t, struct bytes body, struct tls_event *ev)
{
	struct tls_server_hello *h = &ev->server;
	if (t->server_hello || !tls_server_hello(body, h))
		return false;
	if (h->retry) {
		ev->type = TLS_EV_HELLO_RETRY;
		t->retry = true;
		return true;
	}
	ev->type = TLS_EV_SERVER_HELLO;
	t->server_hello = true;
	t->version = h->version;
	t->suite = h->suite;
	t->group = h->group;
	t->sentinel = h->sentinel;
	t->psk = h->psk;
	t->etm = h->etm;
	memcpy(t->random[S2C], h->random.p, sizeof(t->random[S2C]));
	keep_session_id(t, S2C, h->session_id);
	return true;
}

/* The list keeps the block it was put together in. */
static bool read_certificate(struct tls *t, struct tls_side *s, struct bytes body, struct tls_event *ev)
{
	struct cur c = cur_of(body), list = cur_vec24(&c);
	t->full = true;
	/* In TLS 1.3 it is encrypted: one in clear is somebody else's (RFC 8446 4.4). */
	if (t->chain || !t->server_hello || tls_is13(t->version) || body.p != s->buffer)
		return false;
	if (c.bad || cur_left(&c) || cur_left(&list) == 0)
		return false;
	ev->type = TLS_EV_CERTIFICATE;
	t->certificate = true;
	t->chain = s->buffer;
	t->chain_large = s->large;
	t->nchain = (uint32_t)cur_left(&list);
	s->buffer = NULL;
	return true;
}

/* The proof goes behind the list, in the same block, as a rule; a list that leaves no room costs one more block. A
 * dry pool costs the proof alone. */
static void keep_proof(struct tls *t, const struct tls_key_exchange *k)
{
	struct key_proof proof = { .version = t->version, .suite = t->suite, .scheme = k->scheme,
		.client_random = { t->random[C2S], sizeof(t->random[C2S]) },
		.server_random = { t->random[S2C], sizeof(t->random[S2C]) },
		.params = k->params, .signature = k->signature };
	if (!t->chain || k->signature.n == 0)
		return;
	size_t block = t->chain_large ? TLS_MESSAGE_MAX : TLS_MESSAGE_SMALL, room = block - CHAIN_LENGTH - t->nchain;
	t->proof = t->chain + CHAIN_LENGTH + t->nchain;
	t->nproof = (uint32_t)key_proof_write(&proof, t->proof, room);
	if (t->nproof)
		return;
	t->proof = room < KEY_PROOF_MAX ? pool_take(&t->mem->small) : NULL;
	t->proof_block = t->proof;
	if (t->proof)
		t->nproof = (uint32_t)key_proof_write(&proof, t->proof, TLS_MESSAGE_SMALL);
}

static bool read_key_exchange(struct tls *t, struct bytes body, struct tls_event *ev)
{
	struct tls_key_exchange *k = &ev->exchange;
	t->full = true;
	if (t->key_exchange || !t->server_hello || !tls_key_exchange(body, t->version, t->suite, k))
		return false;
	ev->type = TLS_EV_KEY_EXCHANGE;
	t->key_exchange = true;
	if (k->group)
		t->group = k->group;
	keep_proof(t, k);
	return true;
}

/* Is the message with this header read, or only passed over? */
static bool wanted(enum dir dir, uint8_t type)
{
	switch (type) {
	case CLIENT_HELLO:
		return dir == C2S;
	case SERVER_HELLO:
	case CERTIFICATE:
	case SERVER_KEY_EXCHANGE:
		return dir == S2C;
	}
	return false;
}

/* One whole message. true: it is an event. */
static bool read_message(struct tls *t, enum dir dir, struct bytes body, struct tls_event *ev)
{
	struct tls_side *s = &t->side[dir];
	*ev = (struct tls_event){ .dir = dir };
	switch (s->header[0]) {
	case CLIENT_HELLO:
		return read_client_hello(t, body, ev);
	case SERVER_HELLO:
		return read_server_hello(t, body, ev);
	case CERTIFICATE:
		return read_certificate(t, s, body, ev);
	case SERVER_KEY_EXCHANGE:
		return read_key_exchange(t, body, ev);
	}
	return false;
}

/* ---- handshake records in clear ---- */

/* The header of a message is whole: what to do with its body. */
static void message_begin(struct tls *t, enum dir dir)
{
	struct tls_side *s = &t->side[dir];
	uint32_t n = (uint32_t)s->header[1] << 16 | (uint32_t)s->header[2] << 8 | s->header[3];
	uint8_t type = s->header[0];
	if (s->messages < UINT16_MAX)
		s->messages++;
	if (dir == S2C && type == SERVER_HELLO_DONE)
		t->full = t->hello_done = true;
	if (wanted(dir, type) && n <= TLS_MESSAGE_MAX) {
		s->want = n;
		return;
	}
	t->limit = t->limit || wanted(dir, type);
	s->pass = n;
	if (n == 0)
		message_done(t, s);
}

/* Puts what in has of the message into its block. false: no block, and the message is passed over. */
static bool message_collect(struct tls *t, struct tls_side *s, struct bytes in)
{
	if (!s->buffer) {
		s->large = s->want > TLS_MESSAGE_SMALL;
		s->buffer = pool_take(s->large ? &t->mem->large : &t->mem->small);
		if (!s->buffer) {
			t->limit = true;
			s->pass = s->want;
			s->want = 0;
			return false;
		}
	}
	memcpy(s->buffer + s->have, in.p, in.n);
	s->have += (uint32_t)in.n;
	return true;
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Reads from in, which lies inside one clear handshake record. Returns the octets used, at least one; *event: ev is
 * set. A message that is whole in in is read where it is. */
static size_t read_handshake(struct tls *t, enum dir dir, struct bytes in, struct tls_event *ev, bool *event)
{
	struct tls_side *s = &t->side[dir];
	size_t used = 0;
	*event = false;
	if (s->nheader < sizeof(s->header)) {
		used = min_size(in.n, sizeof(s->header) - s->nheader);
		memcpy(s->header + s->nheader, in.p, used);
		s->nheader = (uint8_t)(s->nheader + used);
		if (s->nheader < sizeof(s->header))
			return used;
		message_begin(t, dir);
		in = bytes_skip(in, used);
	}
	if (s->nheader == sizeof(s->header) && !s->pass) {
		struct bytes body = bytes_head(in, s->want - s->have);
		bool whole = body.n == s->want && !s->buffer && s->header[0] != CERTIFICATE;
		if (!whole && body.n && !message_collect(t, s, body))
			return used;
		used += body.n;
		if (whole || s->have == s->want) {
			*event = read_message(t, dir, whole ? body : (struct bytes){ s->buffer, s->have }, ev);
			message_done(t, s);
		}
		return used;
	}
	size_t n = min_size(in.n, s->pass);
	s->pass -= (uint32_t)n;
	if (s->nheader && !s->pass)
		message_done(t, s);
	return used + n;
}

/* ---- records ---- */

/* After ChangeCipherSpec a handshake record is encrypted, but not in TLS 1.3, where that record means nothing and
 * stands between the two ClientHellos, or HelloRetryRequest and ServerHello (RFC 8446 D.4). Whether a Finished of
 * TLS 1.2 could look like a second ClientHello is a matter of 40 bits. PARSE_OK: in clear; PARSE_BAD: encrypted. */
static enum parse clear_again(const struct tls *t, enum dir dir, struct bytes body, size_t length)
{
	enum { PEEK = 6 };
	const struct tls_side *s = &t->side[dir];
	if (dir == S2C)
		return t->retry && !t->server_hello && !s->finished ? PARSE_OK : PARSE_BAD;
	if (s->messages != 1 || s->finished || s->records)
		return PARSE_BAD;
	/* A shorter record is only a piece of a message: there is no Finished of so few octets. */
	size_t peek = length < PEEK ? length : PEEK;
	if (body.n < peek)
		return PARSE_MORE;
	struct cur c = cur_of(bytes_head(body, peek));
	uint8_t type = cur_u8(&c), high = cur_u8(&c);
	cur_u16(&c);
	uint16_t version = cur_u16(&c);
	bool hello = type == CLIENT_HELLO && high == 0 && (peek < PEEK || version == 0x0303);
	return hello || peek == 0 ? PARSE_OK : PARSE_BAD;
}

static void application_record(struct tls_side *s, const struct tls_record *r)
{
	s->phase = TLS_ENCRYPTED;
	s->lengths[s->records++] = r->length;
	if (s->records == TLS_RECORDS) {
		s->phase = TLS_TAIL;
		s->tail = s->octets + TLS_RECORD_HEADER + r->length;
	}
}

/* Nothing ends here: alerts in clear are not protected, and one that somebody else has put in is known by what its
 * side says behind it. */
static void clear_alert(struct tls *t, enum dir dir, uint8_t level, uint8_t code, struct tls_event *ev)
{
	enum { FATAL = 2 };
	struct tls_side *s = &t->side[dir];
	*ev = (struct tls_event){ .type = TLS_EV_ALERT, .dir = dir, .level = level, .code = code };
	t->alert = true;
	if (level == FATAL && !s->fatal && !s->finished && !s->records) {
		s->fatal = true;
		s->code = code;
	}
}

/* The record at the start of in. PARSE_OK: length octets of it are done with; *event: ev is set. Anything but a
 * piece of a message in between ends that message: they are not interleaved (RFC 8446 5.1). */
static enum parse begin_record(struct tls *t, enum dir dir, struct bytes in, struct tls_event *ev, bool *event,
			       uint64_t *length)
{
	struct tls_side *s = &t->side[dir];
	struct tls_record r;
	enum parse p = tls_record(in, &r), clear = s->phase == TLS_CLEAR ? PARSE_OK : PARSE_BAD;
	if (p != PARSE_OK)
		return p;
	struct bytes body = bytes_skip(in, TLS_RECORD_HEADER);
	*length = TLS_RECORD_HEADER + (uint64_t)r.length;
	switch (r.type) {
	case TLS_HANDSHAKE:
		if (s->phase == TLS_ENCRYPTED)
			clear = clear_again(t, dir, body, r.length);
		if (clear == PARSE_MORE)
			return PARSE_MORE;
		if (clear == PARSE_OK) {
			s->phase = TLS_CLEAR;
			s->left = r.length;
			*length = TLS_RECORD_HEADER;
		} else {
			s->finished = s->finished || s->ccs;
			s->went_on = s->went_on || (s->fatal && s->finished);
		}
		break;
	case TLS_CHANGE_CIPHER_SPEC:
		if (s->messages) { /* before any message it is noise */
			message_end(t, s);
			s->ccs = true;
			s->phase = TLS_ENCRYPTED;
		}
		break;
	case TLS_ALERT:
		/* Encrypted, an alert is never of 2 octets; in clear always. A client's is in clear even after ServerHello. */
		*event = r.length == 2;
		s->closed = s->closed || !*event;
		if (*event && body.n < 2)
			return PARSE_MORE;
		if (*event)
			clear_alert(t, dir, body.p[0], body.p[1], ev);
		break;
	case TLS_APPLICATION_DATA:
		message_end(t, s);
		application_record(s, &r);
		break;
	}
	s->seen = true;
	return PARSE_OK;
}

/* The first octets of the client may be those of another time. */
static enum parse begin_ssl2(struct tls *t, enum dir dir, struct bytes in, struct tls_event *ev, bool *event,
			     uint64_t *length)
{
	struct tls_side *s = &t->side[dir];
	size_t total;
	uint16_t version;
	if (dir != C2S || s->seen)
		return PARSE_BAD;
	enum parse p = tls_record_ssl2(in, &total, &version);
	if (p != PARSE_OK)
		return p;
	*ev = (struct tls_event){ .type = TLS_EV_SSL2_HELLO, .dir = dir, .version = version };
	*length = total;
	*event = true;
	t->ssl2 = s->seen = true;
	return PARSE_OK;
}

/* Takes n octets from what is left of in; what is not there is skipped. */
static void take(struct tls_side *s, struct bytes in, uint64_t n, size_t *used, uint64_t *skip)
{
	uint64_t here = n < in.n - *used ? n : in.n - *used;
	*used += (size_t)here;
	*skip = n - here;
	s->octets += n;
}

enum parse tls_next(struct tls *t, enum dir dir, struct bytes in, struct tls_event *ev, size_t *used, uint64_t *skip)
{
	struct tls_side *s = &t->side[dir];
	*used = 0;
	*skip = 0;
	while (*used < in.n && *skip == 0) {
		struct bytes rest = bytes_skip(in, *used);
		uint64_t length = rest.n;
		bool event = false;
		enum parse p = PARSE_OK;
		if (s->phase == TLS_NOT)
			return PARSE_BAD;
		if (s->left) {
			length = read_handshake(t, dir, bytes_head(rest, s->left), ev, &event);
			s->left -= (uint32_t)length;
		} else if (s->phase == TLS_CLEAR || s->phase == TLS_ENCRYPTED) {
			p = begin_record(t, dir, rest, ev, &event, &length);
			if (p == PARSE_BAD)
				p = begin_ssl2(t, dir, rest, ev, &event, &length);
		}
		if (p == PARSE_MORE)
			return PARSE_MORE;
		if (p == PARSE_BAD) {
			message_end(t, s);
			s->phase = TLS_NOT;
			return PARSE_BAD;
		}
		take(s, in, length, used, skip);
		if (event)
			return PARSE_OK;
	}
	return s->phase == TLS_NOT ? PARSE_BAD : PARSE_MORE;
}

/* ---- answers about both directions ---- */

/* Not all of this direction's octets can be judged: it is not in the capture, or not whole, or cannot be read to its
 * end. Text from the start is TLS that was not spoken. */
static bool blind(const struct tls_side *s)
{
	return s->gap || (s->phase == TLS_NOT ? s->seen : !s->seen);
}

int tls_finished(const struct tls *t)
{
	enum { SUITE_SHA384 = 0x1302, SUITE_CCM8 = 0x1305, TAG = 16, TAG_8 = 8, CERTIFICATES = 4 };
	const struct tls_side *s = &t->side[C2S];
	if (t->server_hello ? !tls_is13(t->version) : s->ccs && s->finished)
		return -1;
	/* Message header, verify_data, content type, tag (RFC 8446 4.4.4, 5.2). */
	uint16_t tag = t->suite == SUITE_CCM8 ? TAG_8 : TAG;
	uint16_t sha256 = (uint16_t)(4 + 32 + 1 + tag), sha384 = (uint16_t)(4 + 48 + 1 + tag);
	uint16_t least = t->suite == SUITE_SHA384 ? sha384 : sha256;
	/* A client certificate may stand before it: at most Certificate and CertificateVerify, and room for splitting. */
	for (int i = 0; i < s->records && i < CERTIFICATES; i++)
		if (s->lengths[i] == least || (t->suite == 0 && s->lengths[i] == sha384))
			return i;
	/* Padded or coalesced: too long to be an alert. */
	return s->records && s->lengths[0] > least ? 0 : -1;
}

static enum tri complete_13(const struct tls *t)
{
	const struct tls_side *c = &t->side[C2S], *s = &t->side[S2C];
	int finished = tls_finished(t);
	if (finished >= 0 && (s->records || blind(s)))
		return TRI_YES;
	return blind(c) || blind(s) ? TRI_UNSEEN : TRI_NO;
}

/* A side that goes on to application data has had the other's Finished, seen or not. */
static enum tri complete_12(const struct tls *t)
{
	const struct tls_side *c = &t->side[C2S], *s = &t->side[S2C];
	if (c->finished && s->finished)
		return TRI_YES;
	if ((c->finished && c->records && blind(s)) || (s->finished && s->records && blind(c)))
		return TRI_YES;
	return blind(c) || blind(s) ? TRI_UNSEEN : TRI_NO;
}

enum tri tls_complete(const struct tls *t)
{
	const struct tls_side *c = &t->side[C2S];
	if (t->server_hello)
		return tls_is13(t->version) ? complete_13(t) : complete_12(t);
	if (!t->client_hello || !blind(&t->side[S2C]))
		return blind(c) || blind(&t->side[S2C]) ? TRI_UNSEEN : TRI_NO;
	if (c->finished)
		return complete_12(t);
	/* Only the client is seen: an application record after what may be its Finished. */
	return t->versions & TLS_V_13 && tls_finished(t) >= 0 && c->records > tls_finished(t) + 1 ? TRI_YES : TRI_UNSEEN;
}

enum tri tls_resumed(const struct tls *t)
{
	if (!t->server_hello)
		return TRI_UNSEEN;
	if (tls_is13(t->version))
		return t->psk ? TRI_YES : TRI_NO;
	if (t->full)
		return TRI_NO;
	if (t->side[S2C].ccs)
		return TRI_YES;
	uint8_t n = t->nsession_id[S2C];
	bool echo = n && t->client_hello && n == t->nsession_id[C2S] &&
		    memcmp(t->session_id[C2S], t->session_id[S2C], n) == 0;
	return echo ? TRI_YES : TRI_UNSEEN;
}
