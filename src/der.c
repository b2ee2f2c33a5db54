/* A walk over the DER of an X.509 certificate: tag, length, next. It knows where things stand and not what they
 * mean, checks no signature and builds no path; depth is that of the code, never that of the input, and every length
 * is held against what is left (X.690 8.1, 10.1; RFC 5280 4.1). */
#include "der.h"

enum { BOOLEAN = 0x01, INTEGER = 0x02, BIT_STRING = 0x03, OCTET_STRING = 0x04, OID = 0x06, UTC_TIME = 0x17,
       GENERALIZED_TIME = 0x18, SEQUENCE = 0x30, CONTEXT_DNS = 0x82, CONTEXT_0 = 0xa0, CONTEXT_1 = 0x81,
       CONTEXT_2 = 0x82, CONTEXT_3 = 0xa3 };

/* The next element: its tag (one octet; larger ones are in no certificate), contents, and all of it in whole. */
static bool element(struct cur *c, uint8_t *tag, struct bytes *contents, struct bytes *whole)
{
	const uint8_t *start = c->p;
	*tag = cur_u8(c);
	size_t n = cur_u8(c);
	if ((*tag & 0x1f) == 0x1f)
		c->bad = true;
	if (n == 0x81)
		n = cur_u8(c);
	else if (n == 0x82)
		n = cur_u16(c);
	else if (n == 0x83)
		n = cur_u24(c);
	else if (n >= 0x80)
		c->bad = true;
	*contents = cur_take(c, n);
	*whole = (struct bytes){ start, (size_t)(c->p - start) };
	return !c->bad;
}

/* The next element must have this tag. */
static bool expect(struct cur *c, uint8_t tag, struct bytes *contents, struct bytes *whole)
{
	uint8_t t;
	return element(c, &t, contents, whole) && t == tag;
}

/* Passes over an element with this tag, if it is the next one. */
static void optional(struct cur *c, uint8_t tag)
{
	struct bytes contents, whole;
	uint8_t t;
	if (cur_left(c) && c->p[0] == tag)
		element(c, &t, &contents, &whole);
}

static bool digits(struct cur *c, int count, int *value)
{
	*value = 0;
	while (count-- > 0) {
		uint8_t d = cur_u8(c);
		if (c->bad || d < '0' || d > '9')
			return false;
		*value = *value * 10 + (d - '0');
	}
	return true;
}

/* Days from 1970 to a date of the Gregorian calendar: years begin in March, so that leap days come last. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t m = month > 2 ? month - 3 : month + 9;
	return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

/* RFC 5280 4.1.2.5: UTCTime YYMMDDHHMMSSZ until 2049, GeneralizedTime YYYYMMDDHHMMSSZ after; no other form. */
static bool time_of(struct cur *validity, int64_t *ns)
{
	static const int64_t second = 1000000000;
	struct bytes text, whole;
	uint8_t tag;
	int year, month, day, hour, min, sec;
	if (!element(validity, &tag, &text, &whole) || (tag != UTC_TIME && tag != GENERALIZED_TIME))
		return false;
	struct cur c = cur_of(text);
	if (!digits(&c, tag == UTC_TIME ? 2 : 4, &year) || !digits(&c, 2, &month) || !digits(&c, 2, &day) ||
	    !digits(&c, 2, &hour) || !digits(&c, 2, &min) || !digits(&c, 2, &sec) || cur_u8(&c) != 'Z' || cur_left(&c))
		return false;
	if (tag == UTC_TIME)
		year += year < 50 ? 2000 : 1900;
	if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || min > 59 || sec > 60)
		return false;
	int64_t at = days_of(year, month, day) * 86400 + hour * 3600 + min * 60 + sec;
	if (at > INT64_MAX / second)
		*ns = INT64_MAX;
	else if (at < INT64_MIN / second)
		*ns = INT64_MIN;
	else
		*ns = at * second;
	return true;
}

/* Bits of an unsigned number in octets. */
static uint32_t bits_of(struct bytes number)
{
	while (number.n && number.p[0] == 0)
		number = bytes_skip(number, 1);
	if (number.n == 0 || number.n > 65536)
		return 0;
	uint32_t bits = (uint32_t)(number.n - 1) * 8;
	for (uint8_t top = number.p[0]; top; top >>= 1)
		bits++;
	return bits;
}

static bool is_oid(struct bytes oid, const char *octets)
{
	return bytes_eq(oid, bytes_of(octets));
}

#define OID_RSA "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define OID_RSA_PSS "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"
#define OID_EC "\x2a\x86\x48\xce\x3d\x02\x01"
#define OID_DSA "\x2a\x86\x48\xce\x38\x04\x01"
#define OID_ED25519 "\x2b\x65\x70"
#define OID_ED448 "\x2b\x65\x71"
#define OID_SAN "\x55\x1d\x11"

/* Named curves by OID (RFC 5480 2.1.1.1, RFC 5639 4.1). */
static uint32_t curve_bits(struct bytes oid)
{
	static const struct {
		const char *oid;
		uint32_t bits;
	} curves[] = {
		{ "\x2a\x86\x48\xce\x3d\x03\x01\x07", 256 }, /* secp256r1 */
		{ "\x2a\x86\x48\xce\x3d\x03\x01\x01", 192 }, /* secp192r1 */
		{ "\x2b\x24\x03\x03\x02\x08\x01\x01\x07", 256 }, /* brainpoolP256r1 */
		{ "\x2b\x24\x03\x03\x02\x08\x01\x01\x0b", 384 },
		{ "\x2b\x24\x03\x03\x02\x08\x01\x01\x0d", 512 },
	};
	for (size_t i = 0; i < sizeof(curves) / sizeof(*curves); i++)
		if (is_oid(oid, curves[i].oid))
			return curves[i].bits;
	/* 1.3.132.0.x, whose OIDs hold a zero octet */
	static const uint8_t certicom[4] = { 0x2b, 0x81, 0x04, 0x00 };
	if (oid.n != 5 || memcmp(oid.p, certicom, 4) != 0)
		return 0;
	switch (oid.p[4]) {
	case 0x0a: /* secp256k1 */
		return 256;
	case 0x21: /* secp224r1 */
		return 224;
	case 0x22: /* secp384r1 */
		return 384;
	case 0x23: /* secp521r1 */
		return 521;
	}
	return 0;
}

/* SubjectPublicKeyInfo: SEQUENCE { SEQUENCE { OID, parameters }, BIT STRING } (RFC 3279 2.3, RFC 8410 3). */
static void key_of(struct bytes spki, struct cert *out)
{
	struct bytes algorithm, oid, param = { NULL, 0 }, key, number, whole;
	uint8_t tag = 0;
	struct cur c = cur_of(spki);
	if (!expect(&c, SEQUENCE, &algorithm, &whole) || !expect(&c, BIT_STRING, &key, &whole))
		return;
	struct cur a = cur_of(algorithm);
	if (!expect(&a, OID, &oid, &whole))
		return;
	if (cur_left(&a) && !element(&a, &tag, &param, &whole))
		return;
	if (is_oid(oid, OID_ED25519)) {
		out->key = CERT_KEY_ED25519;
		out->key_bits = 256;
	} else if (is_oid(oid, OID_ED448)) {
		out->key = CERT_KEY_ED448;
		out->key_bits = 456;
	} else if (is_oid(oid, OID_EC)) {
		out->key = CERT_KEY_EC;
		out->key_bits = tag == OID ? curve_bits(param) : 0;
	} else if (is_oid(oid, OID_DSA)) {
		struct cur p = cur_of(param);
		out->key = CERT_KEY_DSA;
		out->key_bits = expect(&p, INTEGER, &number, &whole) ? bits_of(number) : 0;
	} else if (is_oid(oid, OID_RSA) || is_oid(oid, OID_RSA_PSS)) {
		struct cur k = cur_of(bytes_skip(key, 1));
		struct bytes pair;
		out->key = is_oid(oid, OID_RSA) ? CERT_KEY_RSA : CERT_KEY_RSA_PSS;
		if (!expect(&k, SEQUENCE, &pair, &whole))
			return;
		struct cur n = cur_of(pair);
		out->key_bits = expect(&n, INTEGER, &number, &whole) ? bits_of(number) : 0;
	}
}

/* Extensions: [3] SEQUENCE OF SEQUENCE { OID, BOOLEAN DEFAULT FALSE, OCTET STRING } (RFC 5280 4.1.2.9). */
static struct bytes san_of(struct cur *tbs)
{
	const struct bytes none = { NULL, 0 };
	struct bytes contents, whole, extension, oid, value, names;
	optional(tbs, CONTEXT_1);
	optional(tbs, CONTEXT_2);
	if (!expect(tbs, CONTEXT_3, &contents, &whole))
		return none;
	struct cur c = cur_of(contents);
	if (!expect(&c, SEQUENCE, &contents, &whole))
		return none;
	for (c = cur_of(contents); cur_left(&c);) {
		if (!expect(&c, SEQUENCE, &extension, &whole))
			return none;
		struct cur e = cur_of(extension);
		if (!expect(&e, OID, &oid, &whole) || !is_oid(oid, OID_SAN))
			continue;
		optional(&e, BOOLEAN);
		if (!expect(&e, OCTET_STRING, &value, &whole))
			return none;
		struct cur v = cur_of(value);
		return expect(&v, SEQUENCE, &names, &whole) ? names : none;
	}
	return none;
}

bool cert_walk(struct bytes der, struct cert *out)
{
	struct bytes contents, validity, spki, whole;
	*out = (struct cert){ .dated = false };
	struct cur c = cur_of(der);
	if (!expect(&c, SEQUENCE, &contents, &whole) || cur_left(&c))
		return false;
	c = cur_of(contents);
	if (!expect(&c, SEQUENCE, &contents, &whole))
		return false;
	struct cert found = { .dated = false };
	struct cur tbs = cur_of(contents);
	optional(&tbs, CONTEXT_0); /* version */
	if (!expect(&tbs, INTEGER, &found.serial, &whole) || found.serial.n == 0 ||
	    !expect(&tbs, SEQUENCE, &contents, &whole) || /* signature algorithm */
	    !expect(&tbs, SEQUENCE, &contents, &found.issuer) || !expect(&tbs, SEQUENCE, &validity, &whole) ||
	    !expect(&tbs, SEQUENCE, &contents, &found.subject) || !expect(&tbs, SEQUENCE, &spki, &found.spki))
		return false;
	struct cur v = cur_of(validity);
	found.dated = time_of(&v, &found.not_before) && time_of(&v, &found.not_after);
	key_of(spki, &found);
	found.names = san_of(&tbs);
	*out = found;
	return true;
}

bool cert_dns_name(struct bytes *rest, struct bytes *name)
{
	struct cur c = cur_of(*rest);
	struct bytes whole;
	uint8_t tag;
	bool found = false;
	while (!found && cur_left(&c) && element(&c, &tag, name, &whole))
		found = tag == CONTEXT_DNS;
	*rest = (struct bytes){ c.p, cur_left(&c) };
	return found;
}

bool chain_next(struct bytes *chain, struct bytes *der)
{
	struct cur c = cur_of(*chain), v = cur_vec24(&c);
	*der = (struct bytes){ v.p, cur_left(&v) };
	*chain = (struct bytes){ c.p, cur_left(&c) };
	return !c.bad && der->n > 0;
}
