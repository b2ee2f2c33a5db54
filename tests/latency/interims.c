/* interims: what is said of a session before its end holds at its end. Walks captures through source, pipeline and all stages
 * of the judge in this one process, and asks of each:
 *   the sessions given at the end, with chain, proof and exhibit, are the same octets whether interim ones are given or not;
 *   an interim session, with chain, proof and exhibit, is the one of a capture that ends with that packet, octet by octet;
 *   a finding of it is also found at the end, at that level at least and no less certain.
 * Then it says how many of the alerts were known before the end.
 *
 * usage: interims [-v] FOLDER      captures of the folder and its subfolders, each as the .expect.json beside it says
 * The last line is "interims: N passed, N failed", a capture each. */
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exhibit.h"
#include "json_read.h"
#include "judge/expectation.h"
#include "judge/gate.h"
#include "judge/outcome.h"
#include "key_proof.h"
#include "read.h"
#include "run.h"
#include "wire/milestone.h"

enum { FILES = 4096, SITES = 64, SESSIONS = 4096, PATH = 1024, FLOWS = 4096, DIALOGUES = 1024, BUDGET = 32 << 20,
       EXHIBITS = 32 << 20, PROOFS = 8 << 20 };

/* A session as it left the pipeline. at: packets read by then */
struct given {
	uint64_t at;
	struct record *record;
	struct bytes chain, proof, exhibit;
};

/* What one walk gave. */
struct walk {
	struct given session[SESSIONS];
	size_t n;
	double seconds;
};

/* A configuration, read once. */
struct site_run {
	char option[PATH];
	struct run run;
	struct rule_scratch *scratch;
};

struct test {
	bool verbose, bad;
	const char *name;
	char *file[FILES];
	size_t files;
	struct site_run site[SITES];
	size_t sites;
	struct dane *dane;
	struct walk off, on;
	size_t passed, failed, sessions, interims, alerts, early, by_milestone[16];
	int64_t lead;
	double seconds_off, seconds_on;
};

static struct test t;

static void complain(const char *what, const struct record *session, const char *more)
{
	struct bytes id = record_get_str(session, F_event_id);
	printf("%s: session %.*s: %s%s%s\n", t.name, (int)id.n, (const char *)id.p, what, more ? ": " : "", more ? more : "");
	t.bad = true;
}

static struct bytes copy(struct bytes b)
{
	uint8_t *p = malloc(b.n + 1);
	if (!p)
		abort();
	if (b.n)
		memcpy(p, b.p, b.n);
	return (struct bytes){ p, b.n };
}

static bool is_interim(const struct record *r)
{
	return record_has(r, F_cap_phase) && record_get_num(r, F_cap_phase, phase_final) == phase_interim;
}

/* ---- capture to sessions ---- */

static void keep_session(struct walk *w, const struct pipeline_out *out, uint64_t at)
{
	if (w->n == SESSIONS)
		abort();
	if (out->exhibit.n) {
		struct exhibit_head head;
		if (!exhibit_check(out->exhibit, &head))
			complain("its exhibit is none", out->session, NULL);
	}
	struct given *g = &w->session[w->n++];
	*g = (struct given){ .at = at, .record = malloc(sizeof(struct record)) };
	if (!g->record)
		abort();
	memset(g->record, 0, sizeof(struct record));
	memcpy(g->record, out->session, record_size(out->session));
	g->chain = copy(out->chain);
	g->proof = copy(out->proof);
	g->exhibit = copy(out->exhibit);
}

static void empty(struct walk *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->session[i].record);
		free((void *)(uintptr_t)w->session[i].chain.p);
		free((void *)(uintptr_t)w->session[i].proof.p);
		free((void *)(uintptr_t)w->session[i].exhibit.p);
	}
	w->n = 0;
}

static double now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void drain(struct pipeline *p, struct walk *w, struct resolver *r, uint64_t at)
{
	struct pipeline_out out;
	enum pipeline_item item;
	while ((item = pipeline_next(p, &out)) != PIPELINE_NONE) {
		if (item == PIPELINE_SESSION)
			keep_session(w, &out, at);
		else if (r && item == PIPELINE_DNS)
			resolver_store(r, &out.dns);
	}
}

/* The first most packets of a capture. */
static bool walk(const char *path, const struct run *run, bool interim, uint64_t most, struct resolver *r, struct walk *w)
{
	struct error e;
	struct packet packet;
	enum source_result result;
	char *paths[] = { (char *)(uintptr_t)path, NULL };
	struct pipeline_config config = run->pipeline;
	config.flows = FLOWS;
	config.dialogues = DIALOGUES;
	config.budget = BUDGET;
	config.exhibits = EXHIBITS;
	config.dns = true;
	config.interim = interim;
	struct source *source = source_open(paths, 1, &e);
	struct pipeline *p = pipeline_new(&config);
	uint64_t at = 0;
	if (!source || !p) {
		printf("%s: %s\n", t.name, source ? "no memory" : e.text);
		return false;
	}
	double begun = now();
	while (at < most && (result = source_next(source, &packet)) != SOURCE_END) {
		if (result == SOURCE_DAMAGED)
			continue;
		at++;
		pipeline_push(p, &packet);
		drain(p, w, r, at);
	}
	pipeline_finish(p);
	drain(p, w, r, at + 1);
	w->seconds = now() - begun;
	pipeline_free(p);
	source_close(source);
	return true;
}

/* ---- session to findings ---- */

static void judge(const struct site_run *s, struct resolver *r, const struct given *g, struct record *session,
		  struct finding *findings, size_t *n)
{
	static struct expectation expectation;
	static struct answer answer;
	struct question q;
	memcpy(session, g->record, sizeof(*session));
	site_judge(&s->run.settings.site, session);
	expectation_start(&expectation, session, NULL);
	do {
		while (r && expectation_next(&expectation, &q)) {
			resolver_ask(r, &q, &answer);
			expectation_answer(&expectation, &answer);
		}
	} while (expectation_again(&expectation, t.dane, session, g->chain));
	expectation_finish(&expectation, t.dane, session, g->chain);
	peer_judge(s->run.peer, session, g->chain, g->proof);
	outcome_judge(session);
	gate_judge(session);
	*n = rules_judge(s->run.rules, s->scratch, session, findings, RULE_FINDINGS);
}

static const struct finding *same_id(const struct finding *among, size_t n, const struct finding *f)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(among[i].rule->finding, f->rule->finding) == 0)
			return &among[i];
	return NULL;
}

/* It says itself that something was not seen. */
static bool is_coverage(const struct finding *f)
{
	return strcmp(f->rule->finding, "cert-not-visible") == 0;
}

static void hold_against(const struct record *session, uint64_t at, const struct finding *f, const struct finding *end)
{
	char text[256];
	if (is_coverage(f) || (end && end->level >= f->level && end->certainty >= f->certainty))
		return;
	snprintf(text, sizeof(text), "%s/%s at packet %" PRIu64 " has level %u and certainty %u, at the end %d and %d", f->rule->finding,
		 f->rule->variant, at, f->level, f->certainty, end ? end->level : -1, end ? end->certainty : -1);
	complain("a finding does not hold", session, text);
}

/* All interim sessions of the final one, against it. */
static void judge_one(const struct site_run *s, struct resolver *r, const struct given *final)
{
	static struct record record, early;
	struct finding at_end[RULE_FINDINGS], before[RULE_FINDINGS];
	bool known[RULE_FINDINGS] = { false };
	size_t n, m, given = 0;
	judge(s, r, final, &record, at_end, &n);
	int64_t end = record_get_num(&record, F_event_end, 0);
	for (size_t i = 0; i < t.on.n; i++) {
		const struct given *g = &t.on.session[i];
		if (!is_interim(g->record) || g->at > final->at ||
		    !bytes_eq(record_get_str(g->record, F_event_id), record_get_str(final->record, F_event_id)))
			continue;
		given++;
		judge(s, r, g, &early, before, &m);
		for (size_t k = 0; k < m; k++)
			hold_against(&early, g->at, &before[k], same_id(at_end, n, &before[k]));
		for (size_t k = 0; k < n; k++) {
			const struct finding *f = same_id(before, m, &at_end[k]);
			if (t.verbose && f && f->level < at_end[k].level)
				printf("%s: %s/%s has level %u at packet %" PRIu64 "\n", t.name, f->rule->finding, f->rule->variant, f->level,
				       g->at);
			if (at_end[k].level < level_low || known[k] || !f || f->level < at_end[k].level)
				continue;
			known[k] = true;
			t.early++;
			t.lead += end - record_get_num(&early, F_event_end, 0);
		}
	}
	for (size_t k = 0; k < n; k++) {
		t.alerts += at_end[k].level >= level_low;
		if (t.verbose && at_end[k].level >= level_low && !known[k])
			printf("%s: %s/%s (level %u) only at the end (%zu interims)\n", t.name, at_end[k].rule->finding,
			       at_end[k].rule->variant, at_end[k].level, given);
	}
	if (given > MILESTONES_MOST)
		complain("too many interim sessions", final->record, NULL);
	t.sessions++;
	t.interims += given;
}

/* ---- same octets ---- */

/* A slot of what was not seen holds anything. */
static struct record plain(const struct record *r)
{
	struct record out = *r;
	record_unset(&out, F_cap_phase);
	for (int f = 0; f < FACT_COUNT; f++)
		if (!record_has(&out, (enum fact)f))
			memset(&out.slot[f], 0, sizeof(out.slot[f]));
	return out;
}

static bool same_given(const struct given *a, const struct given *b)
{
	struct record x = plain(a->record), y = plain(b->record);
	return memcmp(&x, &y, sizeof(x)) == 0 && bytes_eq(a->chain, b->chain) && bytes_eq(a->proof, b->proof) &&
	       bytes_eq(a->exhibit, b->exhibit);
}

static void name_difference(const struct given *a, const struct given *b, char *text, size_t room)
{
	snprintf(text, room, "%s", bytes_eq(a->chain, b->chain) ? bytes_eq(a->exhibit, b->exhibit) ? "the record" : "the exhibit" : "the chain");
	for (int f = 0; f < FACT_COUNT; f++)
		if (f != F_cap_phase && (record_has(a->record, (enum fact)f) != record_has(b->record, (enum fact)f) ||
					 (record_has(a->record, (enum fact)f) &&
					  memcmp(&a->record->slot[f], &b->record->slot[f], sizeof(a->record->slot[f])) != 0))) {
			snprintf(text, room, "%s (packet %" PRIu64 ")", fact_table[f].name, a->at);
			return;
		}
}

static void compare_finals(void)
{
	size_t k = 0;
	char text[128];
	for (size_t i = 0; i < t.on.n; i++) {
		const struct given *g = &t.on.session[i];
		if (is_interim(g->record))
			continue;
		if (k == t.off.n) {
			complain("is not there without interim sessions", g->record, NULL);
			return;
		}
		if (!same_given(g, &t.off.session[k])) {
			name_difference(g, &t.off.session[k], text, sizeof(text));
			complain("differs with interim sessions", g->record, text);
		}
		k++;
	}
	if (k != t.off.n)
		complain("is missing with interim sessions", t.off.session[k].record, NULL);
}

/* The interim session against the one of a capture that ends there. */
static void compare_cut(const char *path, const struct run *run, const struct given *g)
{
	static struct walk cut;
	char text[128] = "no such session";
	bool same = false;
	if (!walk(path, run, false, g->at, NULL, &cut))
		t.bad = true;
	for (size_t i = 0; i < cut.n && !same; i++) {
		if (!bytes_eq(record_get_str(g->record, F_event_id), record_get_str(cut.session[i].record, F_event_id)))
			continue;
		same = same_given(g, &cut.session[i]);
		name_difference(g, &cut.session[i], text, sizeof(text));
	}
	if (!same)
		complain("is not that of the capture cut there", g->record, text);
	empty(&cut);
}

/* ---- captures ---- */

static struct site_run *site_of(const char *folder, const char *option)
{
	struct error e;
	char config[2 * PATH + 8], rules[2 * PATH + 16];
	struct options o = { .config = *option ? config : NULL, .rules = rules };
	for (size_t i = 0; i < t.sites; i++)
		if (strcmp(t.site[i].option, option) == 0)
			return &t.site[i];
	snprintf(config, sizeof(config), "%s/%s", folder, option);
	snprintf(rules, sizeof(rules), "%s/../../rules", folder);
	struct site_run *s = &t.site[t.sites++];
	if (t.sites == SITES)
		abort();
	snprintf(s->option, sizeof(s->option), "%s", option);
	char *anchors = NULL;
	char root[2 * PATH + 16];
	snprintf(root, sizeof(root), "%s/root.anchor", folder);
	if (!read_prepare(&o, &s->run, &e) || !resolver_anchor_read(root, &anchors, &e)) {
		printf("interims: %s\n", e.text);
		exit(2);
	}
	s->run.resolver.mode = RESOLVE_CAPTURE;
	s->run.resolver.anchors = anchors;
	s->run.resolver.budget = PROOFS;
	s->scratch = rule_scratch_new(s->run.rules);
	return s;
}

/* The configuration that the expectation beside a capture names. */
static void option_of(const char *path, char *option, size_t room)
{
	char name[PATH + 32], *text = calloc(1, 1 << 20);
	struct json_walk w;
	struct json_leaf leaf;
	snprintf(name, sizeof(name), "%s", path);
	snprintf(strrchr(name, '.'), 24, ".expect.json");
	FILE *f = fopen(name, "r");
	option[0] = '\0';
	if (!f || !text) {
		free(text);
		return;
	}
	size_t n = fread(text, 1, 1 << 20, f);
	fclose(f);
	json_walk(&w, (struct bytes){ (uint8_t *)text, n });
	while (json_next(&w, &leaf)) {
		bool yaml = leaf.value.n > 7 && memcmp(leaf.value.p + leaf.value.n - 6, ".yaml\"", 6) == 0;
		if (strncmp(leaf.path, "options", 7) == 0 && yaml)
			snprintf(option, room, "%.*s", (int)leaf.value.n - 2, (const char *)leaf.value.p + 1);
	}
	free(text);
}

static void capture(const char *folder, const char *path)
{
	struct error e;
	char option[PATH];
	t.name = path + strlen(folder) + 1;
	t.bad = false;
	option_of(path, option, sizeof(option));
	struct site_run *s = site_of(folder, option);
	struct resolver *r = resolver_new(&s->run.resolver, &e);
	if (!r || !walk(path, &s->run, false, UINT64_MAX, NULL, &t.off) || !walk(path, &s->run, true, UINT64_MAX, r, &t.on)) {
		printf("%s: %s\n", t.name, r ? "not read" : e.text);
		t.failed++;
		return;
	}
	resolver_seal(r);
	t.seconds_off += t.off.seconds;
	t.seconds_on += t.on.seconds;
	compare_finals();
	for (size_t i = 0; i < t.on.n; i++) {
		if (is_interim(t.on.session[i].record))
			compare_cut(path, &s->run, &t.on.session[i]);
		else
			judge_one(s, r, &t.on.session[i]);
	}
	resolver_free(r);
	empty(&t.off);
	empty(&t.on);
	t.passed += !t.bad;
	t.failed += t.bad;
}

static int add_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *dot = strrchr(path, '.');
	(void)st;
	(void)ftw;
	if (type == FTW_F && dot && strncmp(dot, ".pcap", 5) == 0 && t.files < FILES)
		t.file[t.files++] = strdup(path);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(int argc, char **argv)
{
	t.verbose = argc > 2 && strcmp(argv[1], "-v") == 0;
	if (argc < 2) {
		fprintf(stderr, "usage: interims [-v] FOLDER\n");
		return 2;
	}
	const char *folder = argv[argc - 1];
	t.dane = dane_init();
	nftw(folder, add_file, 16, FTW_PHYS);
	qsort(t.file, t.files, sizeof(t.file[0]), by_name);
	for (size_t i = 0; i < t.files; i++)
		capture(folder, t.file[i]);
	printf("%zu sessions, %zu interim ones; of %zu alerts %zu were known before the end, on average %.3f s\n", t.sessions, t.interims,
	       t.alerts, t.early, t.early ? (double)t.lead / 1e9 / (double)t.early : 0.0);
	printf("pipeline CPU: %.3f s without, %.3f s with interim sessions\n", t.seconds_off, t.seconds_on);
	t.failed += t.files == 0;
	printf("interims: %zu passed, %zu failed\n", t.passed, t.failed);
	return t.failed > 0;
}
