/* sts: policies and TXT records are small texts of somebody else's web server and zone, and are read as hostile ones: no
 * octet outside the grammar, no list without a bound, and a text that is wrong in one place is wrong as a whole.
 *
 * It does not know who fetched a policy, nor whether the certificate of that server was good: who fills the cache has to
 * (RFC 8461 3.3). Whether the mail server's certificate stands by the web's rules is in mxwitness.pkix.*. The caller owns
 * every octet; nothing is copied but into the record. */
#include "judge/sts.h"

#include "judge/promise.h"

#define NS INT64_C(1000000000)

static bool blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool alnum(uint8_t c)
{
	return digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

/* sts-policy-ext-name, and the names of TXT fields: a letter or digit, and up to 31 more of them or _ - . */
static bool field_name(struct bytes b)
{
	if (b.n == 0 || b.n > 32 || !alnum(b.p[0]))
		return false;
	for (size_t i = 1; i < b.n; i++)
		if (!alnum(b.p[i]) && b.p[i] != '_' && b.p[i] != '-' && b.p[i] != '.')
			return false;
	return true;
}

static struct bytes trim_right(struct bytes b)
{
	while (b.n && blank(b.p[b.n - 1]))
		b.n--;
	return b;
}

static struct bytes trim_left(struct bytes b)
{
	while (b.n && blank(b.p[0]))
		b = bytes_skip(b, 1);
	return b;
}

/* Up to the next octet c, or all; rest: what follows c. false: no c in it. */
static bool split(struct bytes in, uint8_t c, struct bytes *head, struct bytes *rest)
{
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] == c) {
			*head = bytes_head(in, i);
			*rest = bytes_skip(in, i + 1);
			return true;
		}
	}
	*head = in;
	*rest = bytes_skip(in, in.n);
	return false;
}

/* Octets of the UTF-8 character at b.p[0], 0: none that may stand in a value. No overlong form, no surrogate, no
 * control character (RFC 3629 4). */
static size_t value_char(struct bytes b)
{
	uint8_t c = b.p[0], low = 0x80, high = 0xbf;
	if (c >= 0x20 && c <= 0x7e)
		return 1;
	size_t n = c >= 0xc2 && c <= 0xdf ? 2 : c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
	if (n == 0 || b.n < n)
		return 0;
	if (c == 0xe0)
		low = 0xa0;
	else if (c == 0xed)
		high = 0x9f;
	else if (c == 0xf0)
		low = 0x90;
	else if (c == 0xf4)
		high = 0x8f;
	if (b.p[1] < low || b.p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (b.p[i] < 0x80 || b.p[i] > 0xbf)
			return 0;
	return n;
}

static bool field_value(struct bytes b)
{
	if (b.n == 0)
		return false;
	while (b.n) {
		size_t n = value_char(b);
		if (n == 0)
			return false;
		b = bytes_skip(b, n);
	}
	return true;
}

static bool label(struct bytes b)
{
	if (b.n == 0 || b.n > 63 || b.p[0] == '-' || b.p[b.n - 1] == '-')
		return false;
	for (size_t i = 0; i < b.n; i++)
		if (!alnum(b.p[i]) && b.p[i] != '-')
			return false;
	return true;
}

/* Domain of RFC 5321 4.1.2: labels of letters, digits and hyphens; other scripts as A-labels. */
static bool domain(struct bytes b)
{
	struct bytes one, rest = b;
	bool more;
	if (b.n == 0 || b.n > 253)
		return false;
	do {
		more = split(rest, '.', &one, &rest);
		if (!label(one))
			return false;
	} while (more);
	return true;
}

static bool starred(struct bytes b)
{
	return b.n >= 2 && b.p[0] == '*' && b.p[1] == '.';
}

/* At most ten digits; false: something else. */
static bool number(struct bytes b, uint64_t *out)
{
	*out = 0;
	if (b.n == 0 || b.n > 10)
		return false;
	for (size_t i = 0; i < b.n; i++) {
		if (!digit(b.p[i]))
			return false;
		*out = *out * 10 + (uint64_t)(b.p[i] - '0');
	}
	return true;
}

/* What was read of a policy so far: of repeated fields the first counts, were it a bad one (RFC 8461 3.2). */
struct reading {
	struct sts_policy *out;
	bool version, mode, age;
	enum sts_fault version_fault, mode_fault, age_fault;
};

static enum sts_fault read_mx(struct sts_policy *p, struct bytes value)
{
	if (!domain(starred(value) ? bytes_skip(value, 2) : value))
		return STS_SYNTAX;
	if (p->mxs == STS_MX)
		return STS_LONG;
	p->mx[p->mxs++] = value;
	return STS_OK;
}

static enum sts_fault read_field(struct reading *r, struct bytes name, struct bytes value)
{
	if (bytes_eq(name, bytes_of("mx")))
		return read_mx(r->out, value);
	if (bytes_eq(name, bytes_of("version")) && !r->version) {
		r->version = true;
		r->version_fault = bytes_eq(value, bytes_of("STSv1")) ? STS_OK : STS_VERSION;
	} else if (bytes_eq(name, bytes_of("mode")) && !r->mode) {
		int mode = word_index(fact_table[F_sts_mode].words, value);
		r->mode = true;
		r->mode_fault = mode >= 0 ? STS_OK : STS_MODE;
		r->out->mode = mode >= 0 ? (uint8_t)mode : (uint8_t)stsmode_none;
	} else if (bytes_eq(name, bytes_of("max_age")) && !r->age) {
		uint64_t age;
		r->age = true;
		r->age_fault = number(value, &age) ? STS_OK : STS_AGE;
		r->out->max_age = age < STS_AGE_MAX ? (uint32_t)age : (uint32_t)STS_AGE_MAX;
	}
	return STS_OK;
}

static enum sts_fault read_line(struct reading *r, struct bytes line)
{
	struct bytes name, value;
	line = trim_right(line);
	if (line.n == 0)
		return STS_OK;
	if (!split(line, ':', &name, &value) || !field_name(name))
		return STS_SYNTAX;
	value = trim_left(value);
	return field_value(value) ? read_field(r, name, value) : STS_SYNTAX;
}

enum sts_fault sts_policy_read(struct bytes text, struct sts_policy *out)
{
	struct reading r = {
		.out = out, .version_fault = STS_VERSION, .mode_fault = STS_MODE, .age_fault = STS_AGE
	};
	struct bytes line, rest = text;
	if (text.n > STS_OCTETS)
		return STS_LONG;
	out->mode = stsmode_none;
	out->max_age = 0;
	out->mxs = 0;
	while (rest.n) {
		if (split(rest, '\n', &line, &rest) && line.n && line.p[line.n - 1] == '\r')
			line.n--;
		enum sts_fault fault = read_line(&r, line);
		if (fault)
			return fault;
	}
	if (r.version_fault)
		return r.version_fault;
	if (r.mode_fault)
		return r.mode_fault;
	if (r.age_fault)
		return r.age_fault;
	return out->mode != stsmode_none && out->mxs == 0 ? STS_NO_MX : STS_OK;
}

/* sts-ext-value: no blank, no equals sign, no semicolon. */
static bool txt_value(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] < 0x21 || b.p[i] > 0x7e || b.p[i] == '=' || b.p[i] == ';')
			return false;
	return b.n > 0;
}

static bool txt_id(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (!alnum(b.p[i]))
			return false;
	return b.n > 0 && b.n <= STS_ID;
}

/* One record that begins with v=STSv1 and a semicolon; blanks may stand around each semicolon. */
static enum sts_fault txt_fields(struct bytes in, struct bytes *id)
{
	struct bytes field, name, value, rest = in;
	bool more = split(in, ';', &field, &rest), have = false, good = false;
	while (more && trim_left(rest).n) {
		more = split(rest, ';', &field, &rest);
		field = trim_right(trim_left(field));
		if (!split(field, '=', &name, &value) || !field_name(name) || !txt_value(value))
			return STS_SYNTAX;
		if (have || !bytes_eq(name, bytes_of("id")))
			continue;
		have = true;
		good = txt_id(value);
		*id = value;
	}
	return good ? STS_OK : STS_NO_ID;
}

static bool txt_is(struct bytes b)
{
	struct bytes v = bytes_of("v=STSv1"), head, rest;
	return split(b, ';', &head, &rest) && bytes_eq(trim_right(head), v);
}

enum sts_fault sts_txt_read(const struct bytes *record, size_t n, struct bytes *id)
{
	const struct bytes *one = NULL;
	for (size_t i = 0; i < n; i++) {
		if (!txt_is(record[i]))
			continue;
		if (one)
			return STS_NOT_ONE;
		one = &record[i];
	}
	if (!one)
		return STS_NOT_ONE;
	return one->n > STS_TXT ? STS_LONG : txt_fields(*one, id);
}

static struct bytes no_dot(struct bytes b)
{
	return b.n && b.p[b.n - 1] == '.' ? bytes_head(b, b.n - 1) : b;
}

bool sts_name_covers(struct bytes pattern, struct bytes host)
{
	struct bytes first, rest;
	pattern = no_dot(pattern);
	host = no_dot(host);
	if (!domain(host))
		return false;
	if (!starred(pattern))
		return bytes_eq_nocase(pattern, host);
	return split(host, '.', &first, &rest) && bytes_eq_nocase(bytes_skip(pattern, 2), rest);
}

bool sts_names_host(const struct sts_policy *p, struct bytes host)
{
	for (size_t i = 0; i < p->mxs; i++)
		if (sts_name_covers(p->mx[i], host))
			return true;
	return false;
}

int64_t sts_until(const struct sts_held *h)
{
	int64_t age = (int64_t)h->policy.max_age * NS;
	return h->fetched > INT64_MAX - age ? INT64_MAX : h->fetched + age;
}

bool sts_holds(const struct sts_held *h, int64_t t)
{
	return h->fetched <= t && t < sts_until(h);
}

bool sts_applies(const struct sts_held *h, const struct record *session)
{
	/* submission has no MX to protect (RFC 8461 1) */
	return record_get_num(session, F_service, service_COUNT) == service_mx && record_list_has(session, F_id_domains, h->domain);
}

static enum tri host_match(const struct sts_held *h, struct bytes host)
{
	if (host.n == 0 || h->policy.mode == stsmode_none)
		return TRI_UNSEEN;
	return sts_names_host(&h->policy, host) ? TRI_YES : TRI_NO;
}

/* The strictest mode first; of the same mode the one that does not name the host, then the one of which it is not known. */
static int weight(const struct sts_held *h, struct bytes host)
{
	static const int by_match[] = { [TRI_UNSEEN] = 1, [TRI_NO] = 2, [TRI_YES] = 0 };
	return 3 * (int)h->policy.mode + by_match[host_match(h, host)];
}

static void put_fetcher(const struct sts_hint *hint, int64_t at, struct record *s)
{
	if (hint->refetch == stsfetch_none || hint->refetched > at)
		return;
	record_num(s, F_sts_refetch, hint->refetch);
	if (hint->refetched > 0)
		record_num(s, F_sts_refetched, hint->refetched);
}

static void put_hint(const struct sts_hint *hint, struct record *s)
{
	if (hint->txt != ststxt_unknown)
		record_num(s, F_sts_txt, hint->txt);
	if (hint->id_n && hint->id_n <= STS_ID)
		record_str(s, F_sts_txt_id, (struct bytes){ hint->id, hint->id_n });
	if (hint->link != ststxt_unknown)
		record_num(s, F_sts_txt_link, hint->link);
}

/* What is said of any policy, whether it holds or has ended. */
static void put_known(const struct sts_held *h, int64_t at, struct record *s)
{
	record_str(s, F_sts_domain, h->domain);
	if (h->id.n)
		record_str(s, F_sts_id, h->id);
	record_num(s, F_sts_expires, sts_until(h));
	if (h->mode_since > 0 && h->mode_since <= at)
		record_num(s, F_sts_days, (at - h->mode_since) / (86400 * NS));
}

static void put(const struct sts_held *h, struct bytes host, int64_t at, struct record *s)
{
	put_known(h, at, s);
	record_num(s, F_sts_mode, h->policy.mode);
	record_tri(s, F_sts_mx, host_match(h, host));
	if (h->earlier > h->policy.mode && h->earlier < stsmode_COUNT && at < h->earlier_until)
		record_num(s, F_sts_earlier, h->earlier);
	if (h->policy.mode == stsmode_enforce)
		promise_add(s, expect_sts_enforce);
	else if (h->policy.mode == stsmode_testing)
		promise_add(s, expect_sts_testing);
}

/* The one that counts, or -1; ended: the first of those that have, or -1. */
static int choose(const struct sts_held *const *held, size_t n, const struct record *s, int64_t at, int *ended)
{
	struct bytes host = record_get_str(s, F_id_host);
	int best = -1;
	*ended = -1;
	for (size_t i = 0; i < n && i < STS_HELD; i++) {
		if (!held[i] || !sts_applies(held[i], s) || held[i]->fetched > at)
			continue;
		bool holds = sts_holds(held[i], at);
		if (holds && (best < 0 || weight(held[i], host) > weight(held[best], host)))
			best = (int)i;
		if (!holds && *ended < 0 && held[i]->policy.mode != stsmode_none)
			*ended = (int)i;
	}
	return best;
}

int sts_judge(const struct sts_held *const *held, const struct sts_hint *hint, size_t n, struct record *session)
{
	static const enum fact mine[] = { F_sts_mode, F_sts_id, F_sts_mx, F_sts_expires, F_sts_earlier, F_sts_domain, F_sts_expired,
					  F_sts_days, F_sts_refetch, F_sts_refetched, F_sts_txt, F_sts_txt_id, F_sts_txt_link };
	int64_t at = record_get_num(session, F_event_start, -1);
	int ended, best = choose(held, n, session, at, &ended);
	for (size_t i = 0; i < sizeof(mine) / sizeof(mine[0]); i++)
		record_unset(session, mine[i]);
	if (best >= 0) {
		put(held[best], record_get_str(session, F_id_host), at, session);
		if (hint)
			put_hint(&hint[best], session);
	} else if (ended >= 0) {
		put_known(held[ended], at, session);
		record_yes(session, F_sts_expired);
	}
	int told = best >= 0 ? best : ended;
	if (told >= 0 && hint)
		put_fetcher(&hint[told], at, session);
	return told;
}
