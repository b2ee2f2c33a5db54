/* tlsrpt_read: see tlsrpt_read.h. Members come in any order, so the report is gone through twice: first for what is said of the whole
 * and of its policies, then for the rows. Who writes reports differs in what is a string and what an array, and leaves out much; a row
 * needs a result type and the domain of its policy, the report its time. */
#include "tlsrpt_read.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "json_read.h"
#include "scalar.h"

enum { OCTETS = 1024 };
static const int64_t most_failed = INT64_C(1) << 53;

/* domain  of policy i, as many as there is one with a name for */
struct whole {
	char organization[128], id[128];
	int64_t from, to;
	bool begins, ends, policies;
	char (*domain)[256];
};

/* A string cut to cap - 1 octets; what is none leaves out alone. */
static bool copy(struct bytes value, char *out, size_t cap)
{
	uint8_t octets[OCTETS];
	struct bytes text;
	if (!json_text(value, octets, sizeof(octets), &text))
		return false;
	text = bytes_head(text, cap - 1);
	memcpy(out, text.p, text.n);
	out[text.n] = '\0';
	return true;
}

static void copy_name(struct bytes value, char out[256])
{
	if (!copy(value, out, 256))
		return;
	const size_t n = strlen(out);
	for (size_t i = 0; i < n; i++)
		out[i] = (char)ascii_lower((uint8_t)out[i]);
	if (n && out[n - 1] == '.')
		out[n - 1] = '\0';
}

static void copy_address(struct bytes value, struct addr *out)
{
	char text[INET6_ADDRSTRLEN];
	memset(out, 0, sizeof(*out));
	if (!copy(value, text, sizeof(text)))
		return;
	const bool six = strchr(text, ':');
	if (inet_pton(six ? AF_INET6 : AF_INET, text, out->a) == 1)
		out->v = six ? 6 : 4;
}

/* "+02:00" at the end of a time, as ns. false: there is none. */
static bool zone(struct bytes t, int64_t *ns)
{
	static const char form[] = "+00:00";
	if (t.n < sizeof(form) - 1)
		return false;
	const uint8_t *z = t.p + t.n - (sizeof(form) - 1);
	if ((z[0] != '+' && z[0] != '-') || z[3] != ':')
		return false;
	for (size_t i = 1; i < sizeof(form) - 1; i++)
		if (i != 3 && (z[i] < '0' || z[i] > '9'))
			return false;
	*ns = INT64_C(1000000000) * (z[0] == '-' ? -60 : 60) * ((z[1] - '0') * 600 + (z[2] - '0') * 60 + (z[4] - '0') * 10 + (z[5] - '0'));
	return true;
}

static bool moment(struct bytes value, int64_t *out)
{
	uint8_t octets[64];
	struct bytes text;
	int64_t east = 0;
	if (!json_text(value, octets, sizeof(octets), &text))
		return false;
	if (zone(text, &east)) {
		text.n -= 5;
		octets[text.n - 1] = 'Z';
	}
	return scalar_moment(text, out) && !__builtin_sub_overflow(*out, east, out);
}

/* "name[12]rest": the number, and rest; false: it does not begin so, or the number is none of ours. */
static bool element(const char *path, const char *name, unsigned *number, const char **rest)
{
	const size_t n = strlen(name);
	char *end;
	if (strncmp(path, name, n) != 0 || path[n] != '[' || path[n + 1] < '0' || path[n + 1] > '9')
		return false;
	const unsigned long i = strtoul(path + n + 1, &end, 10);
	*number = (unsigned)i;
	*rest = end + 1;
	return *end == ']' && i < TLSRPT_WITHIN;
}

static void take_whole(struct whole *w, const struct json_leaf *l)
{
	unsigned i;
	const char *rest;
	if (strcmp(l->path, "organization-name") == 0)
		copy(l->value, w->organization, sizeof(w->organization));
	else if (strcmp(l->path, "report-id") == 0)
		copy(l->value, w->id, sizeof(w->id));
	else if (strcmp(l->path, "date-range.start-datetime") == 0)
		w->begins = moment(l->value, &w->from);
	else if (strcmp(l->path, "date-range.end-datetime") == 0)
		w->ends = moment(l->value, &w->to);
	else if (strcmp(l->path, "policies") == 0)
		w->policies = bytes_eq(l->value, bytes_of("[]"));
	else if (element(l->path, "policies", &i, &rest)) {
		w->policies = true;
		if (strcmp(rest, ".policy.policy-domain") == 0)
			copy_name(l->value, w->domain[i]);
	}
}

static void take_row(struct tlsrpt_row *r, const char *member, struct bytes value)
{
	if (strcmp(member, ".result-type") == 0) {
		copy(value, r->type, sizeof(r->type));
	} else if (strcmp(member, ".sending-mta-ip") == 0) {
		copy_address(value, &r->sender);
	} else if (strcmp(member, ".receiving-ip") == 0) {
		copy_address(value, &r->receiver);
	} else if (strcmp(member, ".receiving-mx-hostname") == 0) {
		copy_name(value, r->host);
	} else if (strcmp(member, ".failure-reason-code") == 0) {
		copy(value, r->reason, sizeof(r->reason));
	} else if (strcmp(member, ".failed-session-count") == 0 && value.n && value.n < 17) {
		char text[20] = "";
		char *end;
		memcpy(text, value.p, value.n);
		const long long n = strtoll(text, &end, 10);
		r->failed = !*end && n > 0 && n <= most_failed ? (uint64_t)n : 1;
	}
}

/* What a row of these two numbers begins with. */
static void begin(struct tlsrpt_row *r, const struct whole *w, unsigned policy)
{
	memset(r, 0, sizeof(*r));
	memcpy(r->organization, w->organization, sizeof(r->organization));
	memcpy(r->id, w->id, sizeof(r->id));
	memcpy(r->domain, w->domain[policy], sizeof(r->domain));
	r->from = w->from;
	r->to = w->to;
	r->failed = 1;
}

/* Members of one element stand together, so a row ends where another begins. One that lacks what it needs goes. */
static void rows(struct bytes text, const struct whole *w, struct tlsrpt_row *row, size_t *n, size_t most, size_t *cut)
{
	struct json_walk walk;
	struct json_leaf l;
	struct tlsrpt_row now;
	unsigned policy, number, of = TLSRPT_WITHIN, at = TLSRPT_WITHIN;
	const char *rest, *member;
	bool open = false;
	json_walk(&walk, text);
	for (bool more = true; more;) {
		more = json_next(&walk, &l);
		const bool mine = more && element(l.path, "policies", &policy, &rest) &&
				  element(rest, ".failure-details", &number, &member);
		if (open && (!more || (mine && (policy != of || number != at)))) {
			if (*now.type && *now.domain && *n < most)
				row[(*n)++] = now;
			else
				++*cut;
			open = false;
		}
		if (!mine)
			continue;
		if (!open)
			begin(&now, w, policy);
		open = true;
		of = policy;
		at = number;
		take_row(&now, member, l.value);
	}
}

static bool read_whole(struct bytes text, struct whole *w, const char **why)
{
	struct json_walk walk;
	struct json_leaf l;
	for (json_walk(&walk, text); json_next(&walk, &l);)
		take_whole(w, &l);
	*why = "not one whole JSON object";
	if (walk.bad)
		return false;
	*why = "no report of RFC 8460: date-range or policies is missing";
	return w->begins && w->ends && w->from <= w->to && w->policies;
}

bool tlsrpt_read(struct bytes text, struct tlsrpt_row *row, size_t *n, size_t most, size_t *cut, const char **why)
{
	struct whole w = { .domain = calloc(TLSRPT_WITHIN, sizeof(*w.domain)) };
	*why = "no memory for it";
	const bool good = w.domain && read_whole(text, &w, why);
	if (good)
		rows(text, &w, row, n, most, cut);
	free(w.domain);
	return good;
}
