/* baseline_command: see baseline_command.h. An export is one JSON object a line, for people and programs, with the packed entry
 * (history.h) in hex for another sensor; it is read back as the stranger's file that it may be. */
#include "baseline_command.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "history_store.h"
#include "json_read.h"
#include "text.h"

/* LINE: octets of a line of a file to import       OUT: of a line of an export */
enum { LINE = 40000, OUT = 65536, MAIL_PORT = 25 };

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

/* As of the session that was last: what was learnt of captures of years ago is not shown as forgotten. */
static enum strength strength_of(const struct history_entry *e)
{
	return history_strength(e, e->tls.last > e->claimed ? e->tls.last : e->claimed);
}

static bool is_address(const char *key)
{
	return strncmp(key, "address ", 8) == 0;
}

/* Is the name, or address, in this key the one that was asked for? "": all are. */
static bool asked(const char *key, const char *name)
{
	const char *from = strchr(key, ' ');
	size_t n = strlen(name);
	return n == 0 || (from && strncasecmp(from + 1, name, n) == 0 && (from[1 + n] == ' ' || from[1 + n] == '\0'));
}

/* ---- show ---- */

static void date(int64_t ns, char out[16])
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm;
	out[0] = '-';
	out[1] = '\0';
	if (ns > 0 && gmtime_r(&seconds, &tm))
		strftime(out, 16, "%Y-%m-%d", &tm);
}

static void clean(FILE *out, struct bytes b)
{
	char text[4 * HISTORY_WORDS];
	struct text t = { .p = text, .cap = sizeof(text) };
	text_clean(&t, b, false);
	fwrite(text, 1, t.n, out);
}

static const char *provenance(const struct history_entry *e)
{
	return e->claim == strength_none ? "observed" : e->tls.n ? "observed, and imported" : "imported";
}

static void row(FILE *out, const char *key, const struct history_entry *e)
{
	char first[16], last[16];
	date(e->tls.first, first);
	date(e->tls.last, last);
	fprintf(out, "%-52s %-11s %8u %5u  %-10s  %-10s  %4u  %s\n", key, word(F_hist_strength, strength_of(e)), e->tls.n, e->days, first,
		last, e->keys, provenance(e));
}

static void details(FILE *out, const struct history_entry *e)
{
	char first[16], last[16];
	for (size_t i = 0; i < e->views; i++) {
		fprintf(out, "  EHLO reply, %u times: ", e->view[i].times.n);
		for (size_t at = 0; at < e->view[i].n; at++)
			if (e->view[i].keywords[at] == '\n')
				fputc(' ', out);
			else
				clean(out, (struct bytes){ (const uint8_t *)e->view[i].keywords + at, 1 });
		fputc('\n', out);
	}
	for (size_t i = 0; i < e->keys; i++) {
		const struct history_spki *k = &e->key[i];
		date(k->times.first, first);
		date(k->times.last, last);
		fputs("  key ", out);
		for (size_t j = 0; j < sizeof(k->spki); j++)
			fprintf(out, "%02x", k->spki[j]);
		fprintf(out, " %u bits, issuer %s, %u times, %s to %s\n", k->bits, word(F_hist_class, k->by), k->times.n, first, last);
	}
	for (size_t i = 0; i < e->hellos; i++)
		fprintf(out, "  TLS 1.%u, %u times\n", e->hello[i].version - 10u, e->hello[i].times.n);
	if (e->weaker.n) {
		date(e->weaker.first, first);
		date(e->weaker.last, last);
		fprintf(out, "  without an offer of TLS since then: %u times, %u clients, %s to %s\n", e->weaker.n, e->weaker_by.n, first, last);
	}
	if (e->other.n)
		fprintf(out, "  with a key of another kind of issuer since then: %u times, %u clients\n", e->other.n, e->other_by.n);
	if (e->lowered) {
		date(e->lowered, first);
		fprintf(out, "  lowered on %s\n", first);
	}
	if (e->claim) {
		date(e->claimed, first);
		fprintf(out, "  imported as %s, as of %s\n", word(F_hist_strength, e->claim), first);
	} else if (e->tls.n) {
		fputs("  never seen from elsewhere: all of it was learnt behind this sensor's own path\n", out);
	}
}

/* ---- export ---- */

static void put_text(struct text *t, const char *name, const char *value)
{
	text_put(t, ",\"");
	text_put(t, name);
	text_put(t, "\":\"");
	text_clean(t, bytes_of(value), true);
	text_put(t, "\"");
}

static void put_number(struct text *t, const char *name, int64_t v)
{
	text_put(t, ",\"");
	text_put(t, name);
	text_put(t, "\":");
	text_num(t, v);
}

static void put_time(struct text *t, const char *name, int64_t ns)
{
	if (ns <= 0)
		return;
	text_put(t, ",\"");
	text_put(t, name);
	text_put(t, "\":\"");
	text_time(t, ns);
	text_put(t, "\"");
}

static void put_times(struct text *t, const struct history_times *times)
{
	put_number(t, "count", times->n);
	put_time(t, "first", times->first);
	put_time(t, "last", times->last);
}

static void put_views(struct text *t, const struct history_entry *e)
{
	text_put(t, ",\"ehlo\":[");
	for (size_t i = 0; i < e->views; i++) {
		const char *p = e->view[i].keywords, *end = p + e->view[i].n;
		text_put(t, i ? ",{\"keywords\":[" : "{\"keywords\":[");
		for (const char *from = p; p < end; p++) {
			if (*p != '\n')
				continue;
			text_put(t, from == e->view[i].keywords ? "\"" : ",\"");
			text_clean(t, (struct bytes){ (const uint8_t *)from, (size_t)(p - from) }, true);
			text_put(t, "\"");
			from = p + 1;
		}
		text_put(t, "]");
		put_times(t, &e->view[i].times);
		text_put(t, "}");
	}
	text_put(t, "]");
}

static void put_keys(struct text *t, const struct history_entry *e)
{
	text_put(t, ",\"keys\":[");
	for (size_t i = 0; i < e->keys; i++) {
		const struct history_spki *k = &e->key[i];
		text_put(t, i ? ",{\"spki_sha256\":\"" : "{\"spki_sha256\":\"");
		text_hex(t, (struct bytes){ k->spki, sizeof(k->spki) }, false);
		text_put(t, "\"");
		put_text(t, "issuer_class", word(F_hist_class, k->by));
		put_number(t, "bits", k->bits);
		put_times(t, &k->times);
		text_put(t, "}");
	}
	text_put(t, "]");
}

static void put_names(struct text *t, const char *what, const struct history_name *list, size_t n)
{
	text_put(t, ",\"");
	text_put(t, what);
	text_put(t, "\":[");
	for (size_t i = 0; i < n; i++) {
		text_put(t, i ? ",\"" : "\"");
		text_clean(t, bytes_of(list[i].name), true);
		text_put(t, "\"");
	}
	text_put(t, "]");
}

static void export_line(FILE *out, const char *key, struct history_entry *e)
{
	static char line[OUT];
	static uint8_t blob[HISTORY_BLOB];
	struct text t = { .p = line, .cap = sizeof(line) };
	text_put(&t, "{\"key\":\"");
	text_clean(&t, bytes_of(key), true);
	text_put(&t, "\"");
	put_text(&t, "strength", word(F_hist_strength, strength_of(e)));
	put_text(&t, "provenance", provenance(e));
	put_number(&t, "sessions", e->all.n);
	put_number(&t, "tls_sessions", e->tls.n);
	put_number(&t, "days", e->days);
	put_number(&t, "clients", e->clients.n);
	put_time(&t, "learned_from", e->tls.first);
	put_time(&t, "learned_to", e->tls.last);
	put_time(&t, "imported_as_of", e->claimed);
	put_time(&t, "lowered", e->lowered);
	put_number(&t, "weaker_sessions", e->weaker.n);
	text_put(&t, e->claim == strength_none ? ",\"never_elsewhere\":true" : ",\"never_elsewhere\":false");
	put_views(&t, e);
	put_keys(&t, e);
	put_names(&t, "hosts", e->host, e->hosts);
	put_names(&t, "domains", e->domain, e->domains);
	text_put(&t, ",\"packed\":\"");
	text_hex(&t, (struct bytes){ blob, history_pack(e, blob) }, false);
	text_put(&t, "\"}\n");
	if (!t.full)
		fwrite(line, 1, t.n, out);
}

static void put_entry(const struct options *o, const char *key, struct history_entry *e, bool one, FILE *out)
{
	if (o->baseline_verb == BASELINE_EXPORT || (o->format && strcmp(o->format, "ndjson") == 0)) {
		export_line(out, key, e);
		return;
	}
	row(out, key, e);
	if (one)
		details(out, e);
}

/* In the table, entries that say no more than that there was a session are left out, unless they were asked for. */
static unsigned put_all(const struct options *o, struct store *s, FILE *out)
{
	static struct history_entry e;
	char key[HISTORY_KEY] = "";
	const char *name = o->nargs ? o->args[0] : "";
	unsigned n = 0;
	while (history_store_next(store_db(s), key, &e)) {
		bool says = !is_address(key) && (e.tls.n || e.claim || e.none.n);
		if (!asked(key, name) || (!*name && o->baseline_verb == BASELINE_SHOW && !says))
			continue;
		if (n++ == 0 && o->baseline_verb == BASELINE_SHOW && (!o->format || strcmp(o->format, "table") == 0))
			fprintf(out, "%-52s %-11s %8s %5s  %-10s  %-10s  %4s  %s\n", "whose", "strength", "with TLS", "days", "first", "last",
				"keys", "provenance");
		put_entry(o, key, &e, *name, out);
	}
	return n;
}

/* ---- orders ---- */

/* Where the orders go: to who owns the state, or into history here. */
struct orders {
	struct store *store;
	struct history_store *history;     /* NULL: somebody else carries them out */
	int64_t now;
	unsigned n;
};

static bool orders_open(struct orders *r, const char *folder, struct error *e)
{
	struct error said;
	*r = (struct orders){ .now = ns_now() };
	if (store_owned(folder)) {
		r->store = store_look(folder, true, NULL, e);
		return r->store && store_run(store_db(r->store), "BEGIN IMMEDIATE", e);
	}
	r->store = store_open(folder, &said, e);
	r->history = r->store ? history_store_new(HISTORY_CACHED, HISTORY_ROWS) : NULL;
	if (!r->history || !history_store_load(r->history, store_db(r->store), e) || !store_begin(r->store, e))
		return false;
	if (said.text[0])
		fprintf(stderr, "mxwitness: %s\n", said.text);
	return true;
}

static bool order(struct orders *r, const char *kind, const char *target, const char *body, int64_t at, struct error *e)
{
	static struct store_order o;
	o.at = at;
	if (snprintf(o.kind, sizeof(o.kind), "%s", kind) >= (int)sizeof(o.kind) ||
	    snprintf(o.target, sizeof(o.target), "%s", target) >= HISTORY_KEY ||
	    snprintf(o.body, sizeof(o.body), "%s", body) >= (int)sizeof(o.body))
		return error_set(e, "%.100s: this is too long", target);
	snprintf(o.owner, sizeof(o.owner), "%u", (unsigned)getuid());
	r->n++;
	if (!r->history)
		return store_order_put(r->store, &o, e);
	history_store_order(r->history, &o);
	return !history_store_full(r->history) || history_store_save(r->history, e);
}

static bool orders_close(struct orders *r, bool good, struct error *e)
{
	if (good && r->history)
		good = history_store_save(r->history, e) && store_commit(r->store, e);
	else if (good)
		good = store_run(store_db(r->store), "COMMIT", e);
	history_store_free(r->history);
	store_close(r->store);
	return good;
}

/* ---- import ---- */

/* A string of JSON without its quotes. No value that we read has an escape. */
static bool plain(struct bytes value, char *out, size_t cap)
{
	if (value.n < 2 || value.p[0] != '"' || value.n - 2 >= cap || memchr(value.p, '\\', value.n))
		return false;
	memcpy(out, value.p + 1, value.n - 2);
	out[value.n - 2] = '\0';
	return true;
}

/* "host NAME PORT own", "server ADDRESS PORT other": what may be a key of ours. Clients and addresses are not taken over. */
static bool key_fits(const char *key)
{
	char kind[8], who[HISTORY_KEY], of[8], end;
	unsigned port;
	return strlen(key) < HISTORY_KEY && sscanf(key, "%7s %287s %u %7s%c", kind, who, &port, of, &end) == 4 && port > 0 && port < 65536 &&
	       (strcmp(kind, "host") == 0 || strcmp(kind, "server") == 0) && (strcmp(of, "own") == 0 || strcmp(of, "other") == 0);
}

static int64_t time_of(const char *text)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	return end ? (int64_t)timegm(&tm) * 1000000000 : 0;
}

/* A line of an export. One that is not of a server, or claims nothing, is passed over. */
static bool import_object(struct orders *r, const char *line, struct error *e)
{
	static char packed[2 * HISTORY_BLOB + 1], body[STORE_BODY];
	char key[HISTORY_KEY] = "", strength[16] = "", last[48] = "";
	struct json_walk w;
	struct json_leaf leaf;
	packed[0] = '\0';
	for (json_walk(&w, bytes_of(line)); json_next(&w, &leaf);) {
		if (strcmp(leaf.path, "key") == 0)
			plain(leaf.value, key, sizeof(key));
		else if (strcmp(leaf.path, "strength") == 0)
			plain(leaf.value, strength, sizeof(strength));
		else if (strcmp(leaf.path, "packed") == 0)
			plain(leaf.value, packed, sizeof(packed));
		else if (strcmp(leaf.path, "learned_to") == 0)
			plain(leaf.value, last, sizeof(last));
	}
	if (w.bad || !*key || !*strength)
		return error_set(e, "no line of an export: it needs \"key\" and \"strength\"");
	int claim = word_index(fact_table[F_hist_strength].words, bytes_of(strength));
	if (claim < 0)
		return error_set(e, "\"strength\": \"%s\" is none; it is weak, established or strong", strength);
	if (!key_fits(key) || claim <= strength_imported)
		return true;
	int64_t at = time_of(last);
	snprintf(body, sizeof(body), "%s%s%s", strength, *packed ? " " : "", packed);
	return order(r, "history.import", key, body, at ? at : r->now, e);
}

/* "mx.example.net" or "192.0.2.1", a port behind it or 25: the operator's word that it offers TLS, for his own clients. */
static bool import_name(struct orders *r, const char *line, struct error *e)
{
	char who[256], key[HISTORY_KEY + 32], end;
	unsigned port = MAIL_PORT;
	uint8_t address[16];
	int n = sscanf(line, "%255s %u %c", who, &port, &end);
	if (n < 1 || n > 2 || port == 0 || port > 65535)
		return error_set(e, "\"%.60s\" is no host or address, with a port behind it or none", line);
	bool ip = inet_pton(AF_INET, who, address) == 1 || inet_pton(AF_INET6, who, address) == 1;
	for (char *c = who; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	if (!ip && (!strchr(who, '.') || who[strspn(who, "abcdefghijklmnopqrstuvwxyz0123456789-._")]))
		return error_set(e, "\"%s\" is no host name and no address", who);
	if (snprintf(key, sizeof(key), "%s %s %u own", ip ? "server" : "host", who, port) >= HISTORY_KEY)
		return error_set(e, "%.60s: this name is too long", who);
	return order(r, "history.import", key, "strong", r->now, e);
}

static bool import(struct orders *r, const char *path, struct error *e)
{
	static char line[LINE];
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	unsigned number = 0;
	bool good = in || error_set(e, "%s: %s", path, strerror(errno));
	while (good && fgets(line, sizeof(line), in)) {
		size_t n = strcspn(line, "\r\n");
		struct error why;
		number++;
		if (!line[n] && !feof(in))
			good = error_set(e, "%s:%u: this line is too long", path, number);
		line[n] = '\0';
		const char *text = line + strspn(line, " \t");
		if (!good || !*text || *text == '#')
			continue;
		if (!(*text == '{' ? import_object(r, text, &why) : import_name(r, text, &why)))
			good = error_set(e, "%s:%u: %s; nothing was imported", path, number, why.text);
	}
	if (good && ferror(in))
		good = error_set(e, "%s: %s", path, strerror(errno));
	if (in && in != stdin)
		fclose(in);
	return good;
}

static int change(const struct options *o, const char *folder, struct error *e)
{
	struct orders r;
	bool good = orders_open(&r, folder, e);
	for (int i = 0; good && i < o->nargs; i++)
		good = o->baseline_verb == BASELINE_IMPORT ? import(&r, o->args[i], e) :
		       order(&r, o->baseline_verb == BASELINE_FORGET ? "history.forget" : "history.lower", o->args[i], "", r.now, e);
	bool here = r.history;
	unsigned lowered = here ? (unsigned)history_store_numbers(r.history).lowered : 0;
	if (!orders_close(&r, good, e))
		return 2;
	if (!here)
		fprintf(stderr, "mxwitness: %u order%s left for the sensor that is running\n", r.n, r.n == 1 ? "" : "s");
	else if (o->baseline_verb == BASELINE_IMPORT)
		fprintf(stderr, "mxwitness: %u imported\n", r.n);
	else
		fprintf(stderr, "mxwitness: %u entr%s %s\n", lowered, lowered == 1 ? "y" : "ies",
			o->baseline_verb == BASELINE_FORGET ? "forgotten" : "lowered");
	return here && o->baseline_verb != BASELINE_IMPORT && lowered == 0;
}

static int look(const struct options *o, const char *folder, FILE *out, struct error *e)
{
	struct store *s = store_look(folder, false, NULL, e);
	if (!s)
		return 2;
	unsigned n = put_all(o, s, out);
	store_close(s);
	if (n == 0 && o->nargs)
		fprintf(stderr, "mxwitness: nothing is known of %s\n", o->args[0]);
	return n == 0 && o->nargs;
}

static int run(const struct options *o, const char *folder, struct error *e)
{
	FILE *out = o->out ? fopen(o->out, "we") : stdout;
	int status = 2;
	if (!out) {
		error_set(e, "%s: cannot write there: %s", o->out, strerror(errno));
		return 2;
	}
	if (o->baseline_verb == BASELINE_SHOW || o->baseline_verb == BASELINE_EXPORT)
		status = look(o, folder, out, e);
	else
		status = change(o, folder, e);
	if (fflush(out) != 0 || ferror(out)) {
		error_set(e, "%s: cannot write there: %s", o->out ? o->out : "standard output", strerror(errno));
		status = 2;
	}
	if (out != stdout)
		fclose(out);
	return status;
}

int baseline_command(const struct options *o)
{
	struct error e = { "" };
	struct settings s = { .folder = NULL };
	int status = 2;
	if (!config_read(o->config, &s, &e))
		;
	else if (!o->state && !s.state)
		error_set(&e, "baseline: where? Name the folder with --state DIR, or with state: in the configuration");
	else
		status = run(o, o->state ? o->state : s.state, &e);
	if (status == 2)
		fprintf(stderr, "mxwitness: %s\n", e.text);
	settings_free(&s);
	return status;
}
