/* anchor: which keys the world's trust in the DNS begins with. Knows the form of DS and DNSKEY records in text (RFC
 * 4034 2.2, 5.3; RFC 1035 5.1 for parentheses and comments) and the root's keys; whether a key is good is for
 * libunbound to say. */
#include "anchor.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>

#include "resolver.h"
#include "wire/dns_wire.h"

enum { FIELDS = 64, FILE_MAX = 1 << 20 };

/* KSK-2010, KSK-2017 and KSK-2024 with the periods of root-anchors.xml (RFC 7958, RFC 9718). */
static const struct {
	const char *ds;
	int64_t from, until;
} roots[] = {
	{ ". IN DS 19036 8 2 49AAC11D7B6F6446702E54A1607371607A1A41855200FD2CE1CDDE32F24E8FB5", 1279152000, 1547164800 },
	{ ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D", 1485993600, INT64_MAX },
	{ ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16", 1721260800, INT64_MAX },
};

const char *anchor_root(unsigned i, int64_t *from, int64_t *until)
{
	if (i >= sizeof(roots) / sizeof(roots[0]))
		return NULL;
	*from = roots[i].from;
	*until = roots[i].until;
	return roots[i].ds;
}

bool anchor_next(const char **p, unsigned *line, unsigned *at, char *rr, size_t cap)
{
	size_t n = 0;
	bool comment = false;
	int depth = 0;
	for (; **p; ++*p) {
		char c = **p;
		if (c == '\n') {
			++*line;
			comment = false;
			if (depth <= 0 && n) {
				++*p;
				break;
			}
		}
		comment = comment || c == ';';
		if (comment)
			continue;
		depth += c == '(' ? 1 : c == ')' ? -1 : 0;
		bool space = isspace((unsigned char)c) || c == '(' || c == ')';
		if (space && (n == 0 || rr[n - 1] == ' '))
			continue;
		if (n == 0)
			*at = *line;
		if (n + 1 >= cap)
			return false;
		rr[n++] = space ? ' ' : c;
	}
	while (n && rr[n - 1] == ' ')
		n--;
	rr[n] = 0;
	return n > 0;
}

static bool number(const char *s, unsigned long most)
{
	char *end;
	if (!isdigit((unsigned char)*s))
		return false;
	unsigned long v = strtoul(s, &end, 10);
	return *end == 0 && v <= most;
}

static bool only(char *const *f, unsigned n, const char *set, size_t multiple)
{
	size_t total = 0;
	for (unsigned i = 0; i < n; i++) {
		if (f[i][strspn(f[i], set)])
			return false;
		total += strlen(f[i]);
	}
	return total > 0 && total % multiple == 0;
}

/* What is wrong with a record of n fields, or NULL. */
static const char *fault(char *const *f, unsigned n)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
	struct dns_name owner;
	unsigned i = 1;
	if (f[0][0] == '$')
		return "directives are not understood: give each record its full name";
	if (!dns_wire_from_text(&owner, bytes_of(f[0])))
		return "the first word is not a domain name";
	if (i < n && number(f[i], 0x7fffffff))
		i++;
	if (i < n && strcasecmp(f[i], "IN") == 0)
		i++;
	if (i < n && number(f[i], 0x7fffffff))
		i++;
	if (i >= n || (strcasecmp(f[i], "DS") != 0 && strcasecmp(f[i], "DNSKEY") != 0))
		return "not a DS or DNSKEY record";
	bool ds = strcasecmp(f[i], "DS") == 0;
	i++;
	if (n < i + 4 || !number(f[i], 65535) || !number(f[i + 1], 255) || !number(f[i + 2], 255))
		return ds ? "a DS is: key tag, algorithm, digest type, digest" : "a DNSKEY is: flags, protocol, algorithm, key";
	if (!ds && strcmp(f[i + 1], "3") != 0)
		return "the protocol of a DNSKEY is 3";
	if (ds && !only(f + i + 3, n - i - 3, hex, 2))
		return "the digest is not hexadecimal";
	if (!ds && !only(f + i + 3, n - i - 3, base64, 4))
		return "the key is not base64";
	return NULL;
}

bool anchor_check(const char *text, const char *file, struct error *e)
{
	char rr[ANCHOR_TEXT];
	unsigned line = 1, at = 1, records = 0;
	const char *p = text;
	while (anchor_next(&p, &line, &at, rr, sizeof(rr))) {
		char *field[FIELDS], *save = NULL;
		unsigned n = 0;
		for (char *f = strtok_r(rr, " ", &save); f && n < FIELDS; f = strtok_r(NULL, " ", &save))
			field[n++] = f;
		const char *why = fault(field, n);
		if (why)
			return error_set(e, "%s:%u: %s; a trust anchor file holds DS or DNSKEY records, one a line", file, at, why);
		records++;
	}
	if (*p)
		return error_set(e, "%s:%u: a record of over %d octets; a parenthesis may be missing", file, at, ANCHOR_TEXT);
	if (!records)
		return error_set(e, "%s: no trust anchor in it; it must hold a DS or DNSKEY record", file);
	return true;
}

static char *slurp(FILE *f, const char *path, struct error *e)
{
	char *text = malloc(FILE_MAX + 1);
	size_t n = text ? fread(text, 1, FILE_MAX + 1, f) : 0;
	if (!text)
		error_set(e, "%s: no memory to read it", path);
	else if (ferror(f))
		error_set(e, "%s: cannot read: %s", path, strerror(errno));
	else if (n > FILE_MAX)
		error_set(e, "%s: over 1 MiB; that is no trust anchor file", path);
	else if (memchr(text, 0, n))
		error_set(e, "%s: not a text file", path);
	else {
		text[n] = 0;
		return text;
	}
	free(text);
	return NULL;
}

bool resolver_anchor_read(const char *path, char **text, struct error *e)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return error_set(e, "%s: cannot open the trust anchor file: %s", path, strerror(errno));
	*text = slurp(f, path, e);
	fclose(f);
	if (*text && anchor_check(*text, path, e))
		return true;
	free(*text);
	*text = NULL;
	return false;
}
