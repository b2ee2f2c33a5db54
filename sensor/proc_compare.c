/* proc_compare: see verify.h. Two lists of facts, the alert in the file and the alert that came out again, member by member.
 * It knows which of them depend on the rules, which on the machine, and which exist only once. */
#include "verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "json.h"
#include "json_read.h"
#include "run.h"

enum { LEAVES = 1024, DIFFERENCES = 4, SHOWN = 80 };

struct leaves {
	struct json_leaf leaf[LEAVES];
	size_t n;
	bool bad;
};

struct compare {
	const struct run *run;
	struct leaves claim, found;
	char json[JSON_ALERT_LINE], text[1024];
	size_t text_n;
	unsigned differences;
	bool same_rules, others, again, truncated, live, elsewhere, lookup_failed, seen, damaged, noted;
};

static void say(struct compare *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct compare *c, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(c->text + c->text_n, sizeof(c->text) - c->text_n, format, args);
	va_end(args);
	if (n > 0)
		c->text_n += (size_t)n < sizeof(c->text) - c->text_n ? (size_t)n : sizeof(c->text) - c->text_n - 1;
}

static void differs(struct compare *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void differs(struct compare *c, const char *format, ...)
{
	char buf[512];
	va_list args;
	if (c->differences++ >= DIFFERENCES)
		return;
	va_start(args, format);
	vsnprintf(buf, sizeof(buf), format, args);
	va_end(args);
	say(c, "%s%s", c->differences > 1 ? "; " : c->lookup_failed ? "a lookup had failed, which no message shows: " : "", buf);
}

static void read_leaves(struct leaves *l, struct bytes text)
{
	struct json_walk w;
	json_walk(&w, text);
	for (l->n = 0; l->n < LEAVES && json_next(&w, &l->leaf[l->n]);)
		l->n++;
	l->bad = w.bad || l->n == LEAVES;
}

static const struct json_leaf *find(const struct leaves *l, const char *path)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->leaf[i].path, path) == 0)
			return &l->leaf[i];
	return NULL;
}

static bool under(const char *path, const char *const *list)
{
	for (; *list; list++)
		if (strncmp(path, *list, strlen(*list)) == 0)
			return true;
	return false;
}

/* Does a difference there say anything about the verdict? */
static bool counts(const struct compare *c, const char *path)
{
	/* another version that may have held a secret is covered as a whole: where it begins to differ is lost */
	size_t n = strlen(path);
	if (strncmp(path, "mxwitness.tcp.conflicts[", 24) == 0 && n > 7 && strcmp(path + n - 7, ".offset") == 0)
		return false;
	/* what exists only afterwards, or once; what is told of the program; what other certificates this machine trusts;
	 * whether the session went on then */
	static const char *const never[] = { "event.sequence", "event.created", "mxwitness.evidence.", "observer.", "ecs.",
		"mxwitness.schema", "mxwitness.truncated", "mxwitness.capture.frame_first", "mxwitness.dane.source",
		"mxwitness.pkix.", "mxwitness.capture.phase", NULL };
	/* of a session that was not over when it was told first */
	static const char *const of_again[] = { "event.id", "event.reason", "mxwitness.alert.revision", "mxwitness.alert.state", NULL };
	/* what rests on other sessions too: counts, and how bad it is in their company */
	static const char *const of_others[] = { "event.id", "event.reason", "event.severity", "event.risk_score", "message", "mxwitness.alert.",
		"mxwitness.verdict", "mxwitness.ambient", "mxwitness.attribution", "mxwitness.history.", "mxwitness.expectation.", NULL };
	static const char *const of_rules[] = { "message", "event.reason", "event.severity", "event.risk_score",
		"mxwitness.alert.level", "rule.", "threat.", NULL };
	static const char *const of_all[] = { "event.end", "event.duration", "@timestamp", "mxwitness.alert.last", "mxwitness.capture.",
		"mxwitness.smtp.content_octets", "mxwitness.smtp.bytes_after_tls", "mxwitness.tcp.", "message", NULL };
	/* of answers that were asked for live: what was left of a TTL, and what the resolver then told of itself */
	static const char *const of_time[] = { "mxwitness.dane.ttl", "mxwitness.resolver.", NULL };
	bool id = strcmp(path, "rule.id") == 0;
	/* the proofs are DNS too, and may have come from elsewhere */
	if (c->elsewhere && strcmp(path, "mxwitness.capture.dns_visible") == 0)
		return false;
	return !under(path, never) && (!c->again || !under(path, of_again)) && (!c->others || !under(path, of_others)) && (c->same_rules || id || !under(path, of_rules)) &&
	       (!c->truncated || !under(path, of_all)) && (!c->live || !under(path, of_time));
}

static int shown(struct bytes value)
{
	return (int)(value.n < SHOWN ? value.n : SHOWN);
}

static void compare_leaves(struct compare *c)
{
	for (size_t i = 0; i < c->claim.n; i++) {
		const struct json_leaf *was = &c->claim.leaf[i], *is = find(&c->found, was->path);
		if (!counts(c, was->path) || (is && bytes_eq(is->value, was->value)))
			continue;
		if (is)
			differs(c, "%s is %.*s, the file says %.*s", was->path, shown(is->value), (const char *)is->value.p,
				shown(was->value), (const char *)was->value.p);
		else
			differs(c, "%s is not there, the file says %.*s", was->path, shown(was->value),
				(const char *)was->value.p);
	}
	for (size_t i = 0; i < c->found.n; i++) {
		const struct json_leaf *is = &c->found.leaf[i];
		if (counts(c, is->path) && !find(&c->claim, is->path))
			differs(c, "%s is %.*s, the file does not have it", is->path, shown(is->value), (const char *)is->value.p);
	}
}

static bool value_is(const struct leaves *l, const char *path, const char *value)
{
	const struct json_leaf *leaf = find(l, path);
	return leaf && leaf->value.n == strlen(value) + 2 && memcmp(leaf->value.p + 1, value, strlen(value)) == 0;
}

/* An alert of the same finding and connection: the one to compare with. Others of the session have evidence of their own. One that
 * rose while the session went on comes again: then the one that fits is meant. */
static void take_alert(struct compare *c, const struct record *r)
{
	struct text t = { c->json, 0, sizeof(c->json), false };
	static struct leaves now;
	if (!json_event(r, sizeof(c->json), &t))
		return;
	read_leaves(&now, (struct bytes){ (const uint8_t *)c->json, t.n });
	const struct json_leaf *a = find(&now, "rule.id"), *b = find(&c->claim, "rule.id");
	if (!a || !b || !bytes_eq(a->value, b->value))
		return;
	if (c->seen && (c->differences == 0 || c->noted))
		return;
	c->differences = c->seen ? 0 : c->differences;
	c->text_n = c->seen ? 0 : c->text_n;
	c->found = now;
	c->seen = true;
	compare_leaves(c);
}

static void take_event(struct compare *c, struct bytes record)
{
	static struct record r;
	if (record.n > sizeof(r) || record.n < offsetof(struct record, text)) {
		c->damaged = true;
		return;
	}
	memcpy(&r, record.p, record.n);
	if (!record_check(&r, record.n))
		c->damaged = true;
	else if (record_has(&r, F_alert_level))
		take_alert(c, &r);
}

static void take_note(struct compare *c, struct bytes record)
{
	c->noted = true;
	differs(c, "%.*s", (int)record.n - 1, (const char *)record.p + 1);
}

static bool begin(struct compare *c)
{
	static struct leaves context;
	read_leaves(&context, c->run->claim->context);
	read_leaves(&c->claim, c->run->claim->alert);
	c->same_rules = value_is(&context, "rules", c->run->context.rules);
	const struct json_leaf *cut = find(&context, "truncated");
	const struct json_leaf *others = find(&c->claim, "mxwitness.alert.rests_on_others");
	const struct json_leaf *revision = find(&c->claim, "mxwitness.alert.revision");
	c->again = revision && !bytes_eq(revision->value, bytes_of("1"));
	c->others = others && bytes_eq(others->value, bytes_of("true"));
	c->truncated = cut && bytes_eq(cut->value, bytes_of("true"));
	c->live = value_is(&context, "dns", "live") || value_is(&c->claim, "mxwitness.dane.source", "live");
	c->elsewhere = c->live || value_is(&c->claim, "mxwitness.dane.source", "file");
	c->lookup_failed = c->live && value_is(&c->claim, "mxwitness.dane.dnssec", "failed");
	if (context.bad || c->claim.bad)
		say(c, "the alert in the file cannot be read");
	else if (!value_is(&context, "trust_anchor", c->run->context.anchor))
		say(c, "made with other trust anchors; name them with --trust-anchor");
	return c->text_n == 0;
}

static const char *word(const struct compare *c, const char *path, int *n)
{
	const struct json_leaf *leaf = find(&c->claim, path);
	*n = leaf && leaf->value.n > 2 ? shown(leaf->value) - 2 : 0;
	return leaf ? (const char *)leaf->value.p + 1 : "";
}

static void say_same(struct compare *c)
{
	int n[4];
	const char *id = word(c, "rule.id", &n[0]), *variant = word(c, "mxwitness.variant", &n[1]);
	const char *certainty = word(c, "mxwitness.certainty", &n[2]), *dane = word(c, "mxwitness.dane.verdict", &n[3]);
	say(c, "%.*s%s%.*s%s, %.*s%s%.*s%s%s%s", n[0], id, n[1] ? " (" : "", n[1], variant, n[1] ? ")" : "", n[2], certainty,
	    n[3] ? ", DANE " : "", n[3], dane, c->same_rules ? "" : "; the rules are others, so levels are not compared",
	    c->others ? "; its level, counts and state rest on other sessions too, and are not compared" : "",
	    c->truncated ? "; the file is truncated, so what counts octets is not compared" : "");
}

static int finish(struct compare *c, bool ended)
{
	int n;
	if (!ended || c->damaged) {
		c->text_n = 0;
		say(c, "a process ended early, or sent what cannot be");
		return VERIFY_UNREADABLE;
	}
	if (!c->seen) {
		const char *id = word(c, "rule.id", &n);
		differs(c, "its packets and proofs give no finding %.*s", n, id);
	}
	if (c->differences > DIFFERENCES)
		say(c, "; and %u more", c->differences - DIFFERENCES);
	if (c->differences)
		return VERIFY_DIFFERS;
	say_same(c);
	return VERIFY_SAME;
}

int proc_compare(const struct run *run, struct channel *judge)
{
	enum channel_kind kind = CH_NOTE;
	struct bytes record;
	struct compare *c = calloc(1, sizeof(*c));
	int status = VERIFY_UNREADABLE;
	if (!c)
		return status;
	c->run = run;
	bool readable = begin(c);
	while (channel_recv(judge, &kind, &record) && kind != CH_END) {
		if (kind == CH_EVENT && readable)
			take_event(c, record);
		else if (kind == CH_NOTE && readable && record.n && record.p[0] == 'e')
			take_note(c, record);
	}
	if (readable)
		status = finish(c, kind == CH_END);
	ssize_t n = write(run->out, c->text, c->text_n);
	free(c);
	return n < 0 ? VERIFY_UNREADABLE : status;
}
