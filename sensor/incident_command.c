/* incident_command: see incident_command.h. What it prints of names from the wire is made printable. It judges nothing: levels and
 * their reasons are those that the judge gave, and what would change them stands in the table of levels. */
#include "incident_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "incidents.h"
#include "json.h"
#include "judge/alert.h"
#include "judge/event.h"
#include "read.h"
#include "rule_file.h"
#include "suppressions.h"

/* OPEN: incidents that are read at most; PREFIX: digits of an id that are enough */
enum { OPEN = 8192, PREFIX = 6, WIDTH = 96 };

struct triage {
	const struct options *o;
	struct settings *s;
	struct store *store;
	struct incidents *incidents;
	struct suppressions *suppressions;
	struct rules *rules;
	FILE *out;
	bool mine;                 /* nobody else owns the state: orders are carried out here */
	int64_t now;
	struct error *e;
};

static int64_t ns_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static const char *word(enum fact f, unsigned n)
{
	return fact_table[f].words[n];
}

/* ---- the state ---- */

static bool has_tables(sqlite3 *db)
{
	sqlite3_stmt *q = NULL;
	bool has = sqlite3_prepare_v2(db, "SELECT 1 FROM sqlite_master WHERE name = 'incident'", -1, &q, NULL) == SQLITE_OK &&
		   sqlite3_step(q) == SQLITE_ROW;
	sqlite3_finalize(q);
	return has;
}

/* write: to change something. */
static bool open_state(struct triage *t, const char *folder, bool write)
{
	struct error said = { "" };
	t->mine = write && !store_owned(folder);
	t->store = t->mine ? store_open(folder, &said, t->e) : store_look(folder, write, NULL, t->e);
	t->incidents = incidents_new(OPEN);
	t->suppressions = suppressions_new(&t->s->suppress);
	if (!t->store)
		return false;
	if (!t->incidents || !t->suppressions)
		return error_set(t->e, "no memory");
	if (said.text[0])
		fprintf(stderr, "mxwitness: %s\n", said.text);
	sqlite3 *db = store_db(t->store);
	return (!t->mine && !has_tables(db)) || (incidents_load(t->incidents, db, t->e) && suppressions_load(t->suppressions, db, t->e));
}

static void close_state(struct triage *t)
{
	suppressions_free(t->suppressions);
	incidents_free(t->incidents);
	if (t->store)
		store_close(t->store);
	rules_free(t->rules);
}

static bool carry_out(struct triage *t, const struct store_order *o)
{
	if (!t->mine)
		return store_order_put(t->store, o, t->e);
	incidents_order(t->incidents, o);
	suppressions_order(t->suppressions, o);
	return true;
}

static bool finish(struct triage *t)
{
	sqlite3 *db = store_db(t->store);
	return !t->mine || (store_begin(t->store, t->e) && incidents_save(t->incidents, db, t->e) &&
			    suppressions_save(t->suppressions, db, t->e) && store_commit(t->store, t->e));
}

static bool order(struct triage *t, const char *kind, const char *target, const char *body)
{
	static struct store_order o;
	o = (struct store_order){ .at = t->now };
	if (snprintf(o.kind, sizeof(o.kind), "%s", kind) >= (int)sizeof(o.kind) ||
	    snprintf(o.target, sizeof(o.target), "%s", target) >= (int)sizeof(o.target) ||
	    snprintf(o.body, sizeof(o.body), "%s", body) >= (int)sizeof(o.body))
		return error_set(t->e, "%.100s: this is too long", target);
	snprintf(o.owner, sizeof(o.owner), "%u", (unsigned)getuid());
	return carry_out(t, &o);
}

/* ---- which ---- */

/* The one whose id begins so; *n: how many there are. */
static const struct incident *named(const struct triage *t, const char *id, unsigned *n)
{
	const struct incident *i, *found = NULL;
	size_t at = 0;
	*n = 0;
	while (strlen(id) >= PREFIX && (i = incidents_next(t->incidents, &at)))
		if (strncmp(i->id, id, strlen(id)) == 0) {
			found = i;
			++*n;
		}
	return found;
}

static const struct incident *wanted(struct triage *t, const char *id)
{
	unsigned n;
	const struct incident *i = named(t, id, &n);
	if (n == 1)
		return i;
	fprintf(stderr, "mxwitness: incident %s: %s\n", id, strlen(id) < PREFIX ? "give six digits of its id or more" :
		n ? "more than one begins so" : "no such incident is open");
	return NULL;
}

/* The worst first, of equals the latest. */
static int by_level(const void *a, const void *b)
{
	const struct incident *x = *(const struct incident *const *)a, *y = *(const struct incident *const *)b;
	if (x->level != y->level)
		return x->level > y->level ? -1 : 1;
	return x->last != y->last ? (x->last > y->last ? -1 : 1) : strcmp(x->id, y->id);
}

/* ---- words ---- */

static void clean(FILE *out, const char *s)
{
	char buf[4096];
	struct text t = { buf, 0, sizeof(buf), false };
	text_clean(&t, bytes_of(s), false);
	fwrite(buf, 1, t.n, out);
}

/* A text in lines, indent spaces before each but the first. */
static void wrapped(FILE *out, const char *s, size_t indent)
{
	char buf[4096];
	struct text t = { buf, 0, sizeof(buf), false };
	size_t col = indent;
	text_clean(&t, bytes_of(s), false);
	for (size_t i = 0; i < t.n;) {
		size_t end = i;
		while (end < t.n && buf[end] != ' ')
			end++;
		if (col > indent && col + 1 + end - i > WIDTH) {
			fprintf(out, "\n%*s", (int)indent, "");
			col = indent;
		} else if (col > indent) {
			fputc(' ', out);
			col++;
		}
		fwrite(buf + i, 1, end - i, out);
		col += end - i;
		i = end + 1;
	}
	fputc('\n', out);
}

static void put_time(FILE *out, int64_t ns)
{
	char buf[48];
	struct text t = { buf, 0, sizeof(buf), false };
	text_time(&t, ns - ns % 1000000000);
	fwrite(buf, 1, t.n, out);
}

static const char *address(const struct addr *a, char buf[48])
{
	struct text t = { buf, 0, 47, false };
	if (a->v)
		text_addr(&t, a);
	buf[t.n] = '\0';
	return buf;
}

static const char *server(const struct incident *i, char buf[48])
{
	return i->host[0] ? i->host : i->servers > 1 ? "several servers" : address(&i->server, buf);
}

/* ---- list, show ---- */

static void put_json(struct triage *t, const struct incident *i)
{
	static struct record r;
	static char line[JSON_ALERT_LINE];
	struct text text = { line, 0, sizeof(line), false };
	alert_make_incident(t->rules, i, i->count == 1 ? INCIDENT_OPENED : INCIDENT_GOES_ON, i->last, &r);
	event_alert(&r);
	if (json_event(&r, sizeof(line), &text))
		fwrite(line, 1, text.n, t->out);
}

static void put_row(FILE *out, const struct incident *i)
{
	char buf[48], what[160], count[32];
	snprintf(what, sizeof(what), "%s%s%s", i->finding, i->variant[0] ? "/" : "", i->variant);
	snprintf(count, sizeof(count), "%llu", (unsigned long long)i->count);
	fprintf(out, "%.8s  %-13s %6s  ", i->id, word(F_alert_level, i->level), count);
	put_time(out, i->last);
	fprintf(out, "  %-38s ", what);
	clean(out, server(i, buf));
	fprintf(out, "%s%s\n", i->acked ? "  (acknowledged)" : "", i->device[0] ? "  (own device)" : "");
}

static bool json_wanted(const struct triage *t)
{
	return t->o->format && strcmp(t->o->format, "ndjson") == 0;
}

static void list_entries(struct triage *t)
{
	uint64_t count;
	const struct suppress_entry *e;
	for (size_t i = 0; (e = suppressions_at(t->suppressions, i, &count)); i++) {
		fprintf(t->out, "%ssuppressed by %s: ", i ? "" : "\n", e->name);
		for (size_t k = 0; k < e->findings.n; k++)
			fprintf(t->out, "%s%s", k ? ", " : "", e->findings.name[k]);
		fprintf(t->out, "; %llu kept back; %s ", (unsigned long long)count, suppress_ended(e, t->now) ? "ended" : "until");
		put_time(t->out, e->until);
		fprintf(t->out, "; ");
		clean(t->out, e->owner);
		fprintf(t->out, ": ");
		clean(t->out, e->reason);
		fputc('\n', t->out);
	}
}

static int list(struct triage *t)
{
	const struct incident **all = calloc(OPEN, sizeof(const struct incident *)), *i;
	size_t n = 0, at = 0;
	while (all && n < OPEN && (i = incidents_next(t->incidents, &at)))
		all[n++] = i;
	if (n)
		qsort(all, n, sizeof(all[0]), by_level);
	if (n && !json_wanted(t))
		fprintf(t->out, "%-8s  %-13s %6s  %-20s  %-38s %s\n", "id", "level", "times", "last", "finding", "server");
	for (size_t k = 0; k < n; k++) {
		if (json_wanted(t))
			put_json(t, all[k]);
		else
			put_row(t->out, all[k]);
	}
	if (!json_wanted(t))
		list_entries(t);
	free(all);
	return 0;
}

static void field(FILE *out, const char *name)
{
	fprintf(out, "%-13s ", name);
}

static void show_one(struct triage *t, const struct incident *i)
{
	char buf[48];
	FILE *out = t->out;
	field(out, "incident"), fprintf(out, "%s%s\n", i->id, i->acked ? " (acknowledged)" : "");
	field(out, "finding"), fprintf(out, "%s%s%s, %s, %s\n", i->finding, i->variant[0] ? "/" : "", i->variant,
				      word(F_alert_level, i->level), word(F_certainty, i->certainty));
	field(out, "what"), wrapped(out, i->message, 14);
	field(out, "level"), wrapped(out, i->reason, 14);
	field(out, "client"), fprintf(out, "%s%s\n", address(&i->client, buf), i->clients > 1 ? " was the first" : "");
	field(out, "server"), clean(out, server(i, buf)), fprintf(out, " port %u\n", i->port);
	if (i->domain[0])
		field(out, "mail domain"), clean(out, i->domain), fputc('\n', out);
	field(out, "outcome"), fprintf(out, "%s (the worst so far)\n", word(F_outcome, i->outcome));
	field(out, "attribution"), fprintf(out, "%s%s%s; segment %s\n", word(F_attribution, i->attribution), i->device[0] ? ": " : "", i->device,
					  word(F_segment, i->segment));
	field(out, "counted"), fprintf(out, "%llu times, %u client groups, %u server addresses, told %u times\n", (unsigned long long)i->count,
				      i->clients, i->servers, i->revision);
	field(out, "first"), put_time(out, i->first), fputc('\n', out);
	field(out, "last"), put_time(out, i->last), fputc('\n', out);
	for (unsigned k = 0; k < i->sessions; k++)
		field(out, k ? "" : "sessions"), fprintf(out, "%s\n", i->session[k]);
}

/* ---- explain ---- */

/* The document of the worst link, or the first one of another. */
static const struct rule *rule_of(const struct rules *rules, const struct incident *i, const char *finding)
{
	for (size_t k = 0; rules && k < rules_count(rules) && strcmp(finding, i->finding) == 0; k++)
		if (strcmp(rules_at(rules, k)->uuid, i->rule) == 0)
			return rules_at(rules, k);
	for (size_t k = 0; rules && k < rules_count(rules); k++)
		if (strcmp(rules_at(rules, k)->finding, finding) == 0)
			return rules_at(rules, k);
	return NULL;
}

static void explain_chain(struct triage *t, const struct incident *i)
{
	fprintf(t->out, "\nWhat led to what\n");
	for (unsigned k = 0; k < i->links; k++) {
		const struct rule *rule = rule_of(t->rules, i, i->link[k]);
		fprintf(t->out, "  %u. %s%s", k + 1, i->link[k], strcmp(i->link[k], i->finding) == 0 ? " (the worst)" : "");
		if (rule)
			fprintf(t->out, ": %s", rule->title);
		fputc('\n', t->out);
	}
}

/* The row of the table of levels for what was promised. */
static void explain_level(struct triage *t, const struct incident *i)
{
	const struct severity *s = t->rules ? &t->rules->severity : NULL;
	fprintf(t->out, "\nWhy %s\n  ", word(F_alert_level, i->level));
	wrapped(t->out, i->reason, 2);
	fprintf(t->out, "\nWhat was promised\n  %s\n", i->expectation == expect_none ? "nothing: the finding speaks for itself" :
		word(F_expect, i->expectation));
	fprintf(t->out, "\nWhat would change it\n");
	for (unsigned o = 0; s && i->expectation != expect_none && o < outcome_COUNT; o++) {
		uint8_t level = s->level[i->expectation][o][delivery_unknown], first = s->first[i->expectation][o][delivery_unknown];
		fprintf(t->out, "  outcome %-15s %s%s%s%s\n", word(F_outcome, o), word(F_alert_level, level),
			first != level ? ", the first one " : "", first != level ? word(F_alert_level, first) : "",
			o == i->outcome ? "   <- the worst so far" : "");
	}
	fprintf(t->out, "  told again when the level or the outcome gets worse, another client group has it, or it comes more than %u\n"
			"  times in an hour\n", i->rate * INCIDENT_RATE);
	fprintf(t->out, "  lower when the table of everyday traffic or the inspection that the site approved says so; see mxwitness-rules(5)\n");
}

static void explain_next(struct triage *t, const struct incident *i)
{
	enum incident_word says;
	const int64_t due = incident_due(i, &says);
	const struct rule *rule = rule_of(t->rules, i, i->finding);
	fprintf(t->out, "\nWhat could be mistaken for it\n");
	for (unsigned k = 0; rule && k < rule->falsepositives; k++)
		fprintf(t->out, "  - "), wrapped(t->out, rule->falsepositive[k], 4);
	fprintf(t->out, "\nNext\n  ");
	wrapped(t->out, i->expectation == expect_baseline ?
		"look at the evidence of its first session (mxwitness verify), ask the server's operator whether the change is his, and if it "
		"is: mxwitness incident ack --lower" :
		"look at the evidence of its first session (mxwitness verify), and at the same server from another network", 2);
	fprintf(t->out, "  %s ", says == INCIDENT_ENDED ? "it ends, if nothing more comes, at" : "it speaks again, if nothing more comes, at");
	put_time(t->out, due);
	fputc('\n', t->out);
}

static void explain_one(struct triage *t, const struct incident *i)
{
	fprintf(t->out, "incident %s%s\n\nWhat is known\n  ", i->id, i->acked ? " (acknowledged)" : "");
	wrapped(t->out, i->message, 2);
	explain_chain(t, i);
	explain_level(t, i);
	explain_next(t, i);
}

static int look(struct triage *t)
{
	int status = 0;
	for (int k = 0; k < t->o->nargs; k++) {
		const struct incident *i = wanted(t, t->o->args[k]);
		if (!i) {
			status = 1;
			continue;
		}
		if (k && !json_wanted(t))
			fputc('\n', t->out);
		if (t->o->incident_verb == INCIDENT_EXPLAIN)
			explain_one(t, i);
		else if (json_wanted(t))
			put_json(t, i);
		else
			show_one(t, i);
	}
	return status;
}

/* ---- orders ---- */

static bool ack(struct triage *t, const struct incident *i)
{
	char buf[48];
	const char *who = i->host[0] ? i->host : address(&i->server, buf);
	if (!order(t, "incident.ack", i->id, ""))
		return false;
	if (!t->o->lower)
		return true;
	struct store_order o = { .at = t->now };
	snprintf(o.kind, sizeof(o.kind), "history.lower");
	snprintf(o.target, sizeof(o.target), "%s", who);
	snprintf(o.owner, sizeof(o.owner), "%u", (unsigned)getuid());
	return store_order_put(t->store, &o, t->e); /* whoever owns the history next carries it out */
}

static bool text_ok(struct triage *t, const char *option, const char *text)
{
	if (!text || !text[0] || strlen(text) > 200 || strpbrk(text, "\"\\\n\t"))
		return error_set(t->e, "incident suppress: %s belongs to it, without quotes, backslashes and line ends", option);
	return true;
}

/* No wider than the incident: its finding and variant, its server, and its client where there is only one group. */
static bool suppress(struct triage *t, const struct incident *i)
{
	char body[2048], name[64], server_buf[48], host[INCIDENT_NAME + 16] = "", where[80] = "";
	if (!text_ok(t, "--reason TEXT", t->o->reason) || !text_ok(t, "--owner NAME", t->o->owner))
		return false;
	if (!t->o->until || strlen(t->o->until) != 10)
		return error_set(t->e, "incident suppress: --until DAY belongs to it, as 2026-12-31");
	if (i->host[0])
		snprintf(host, sizeof(host), ", \"domains\": \"%s\"", i->host);
	else
		snprintf(where, sizeof(where), ", \"servers\": \"%s\"", address(&i->server, server_buf));
	snprintf(name, sizeof(name), "incident-%.12s", i->id);
	snprintf(body, sizeof(body), "{\"findings\": \"%s%s%s\"%s%s, \"reason\": \"%s\", \"owner\": \"%s\", \"until\": \"%sT23:59:59Z\", "
		 "\"allow_critical\": %s}", i->finding, i->variant[0] ? "/" : "", i->variant, host, where, t->o->reason, t->o->owner,
		 t->o->until, t->o->allow_critical ? "true" : "false");
	if (!suppression_parse(bytes_of(body), t->now, t->e) || !order(t, "incident.suppress", name, body))
		return false;
	fprintf(stderr, "mxwitness: %s: %s%s%s of %s is kept back until %s, and counted%s\n", name, i->finding, i->variant[0] ? "/" : "", i->variant,
		i->host[0] ? i->host : address(&i->server, server_buf), t->o->until, t->o->allow_critical ? "" : "; alerts of level critical are not");
	return true;
}

/* An entry that is not there is said; the order goes out all the same, for one that was ordered and is not carried out yet. */
static bool entry_named(const struct triage *t, const char *name)
{
	uint64_t count;
	const struct suppress_entry *e;
	for (size_t i = 0; (e = suppressions_at(t->suppressions, i, &count)); i++)
		if (strcmp(e->name, name) == 0)
			return true;
	fprintf(stderr, "mxwitness: %s: no entry has this name\n", name);
	return false;
}

static int change(struct triage *t)
{
	int status = 0;
	bool good = true;
	for (int k = 0; good && k < t->o->nargs; k++) {
		if (t->o->incident_verb == INCIDENT_UNSUPPRESS) {
			status = entry_named(t, t->o->args[k]) ? status : 1;
			good = order(t, "incident.unsuppress", t->o->args[k], "");
			continue;
		}
		const struct incident *i = wanted(t, t->o->args[k]);
		if (!i)
			status = 1;
		else
			good = t->o->incident_verb == INCIDENT_ACK ? ack(t, i) : suppress(t, i);
	}
	return good && finish(t) ? status : 2;
}

static int run(struct triage *t, const char *folder)
{
	char dir[PATH_MAX];
	const bool looks = t->o->incident_verb <= INCIDENT_EXPLAIN;
	int status = 2;
	t->out = t->o->out ? fopen(t->o->out, "we") : stdout;
	t->rules = rules_load(t->o->rules ? t->o->rules : read_rules_dir(dir), &t->s->rules, t->e);
	if (!t->out)
		error_set(t->e, "%s: cannot write there: %s", t->o->out, strerror(errno));
	else if (t->rules && open_state(t, folder, !looks))
		status = t->o->incident_verb == INCIDENT_LIST ? list(t) : looks ? look(t) : change(t);
	close_state(t);
	if (t->out && (fflush(t->out) != 0 || ferror(t->out))) {
		error_set(t->e, "%s: cannot write there: %s", t->o->out ? t->o->out : "standard output", strerror(errno));
		status = 2;
	}
	if (t->out && t->out != stdout)
		fclose(t->out);
	return status;
}

int incident_command(const struct options *o)
{
	struct error e = { "" };
	struct settings s = { .folder = NULL };
	struct triage t = { .o = o, .s = &s, .e = &e, .now = ns_now() };
	int status = 2;
	if (!config_read(o->config, &s, &e))
		;
	else if (!o->state && !s.state)
		error_set(&e, "incident: where? Name the folder with --state DIR, or with state: in the configuration");
	else
		status = run(&t, o->state ? o->state : s.state);
	if (status == 2)
		fprintf(stderr, "mxwitness: %s\n", e.text);
	settings_free(&s);
	return status;
}
