/* verify: see verify.h. Reads the head of a file, which has the alert and what it was made with, and hands the rest to fresh
 * processes; it parses no packet. */
#include "verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "judge/identity.h"
#include "json_read.h"
#include "judge/history.h"
#include "judge/promise.h"
#include "read.h"
#include "run.h"
#include "source.h"
#include "text.h"

static const int64_t NS = 1000000000;
enum { HEAD_MAX = 256 * 1024, FLOWS = 1024, DIALOGUES = 64, REASSEMBLY = 16 << 20, DNS_STORE = 16 << 20 };

static bool fail(struct verify_result *r, const char *path, const char *why)
{
	r->status = VERIFY_UNREADABLE;
	snprintf(r->text, sizeof(r->text), "%s: %s", path, why);
	return false;
}

/* The head of the file into head, and what it says of itself. */
static bool read_claim(const char *path, uint8_t *head, struct claim *claim, struct verify_result *r)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got = 0;
	while (fd >= 0 && n < HEAD_MAX && (got = read(fd, head + n, HEAD_MAX - n)) > 0)
		n += (size_t)got;
	int error = errno;
	if (fd >= 0)
		close(fd);
	if (fd < 0 || got < 0)
		return fail(r, path, strerror(error));
	if (!evidence_parts((struct bytes){ head, n }, &claim->alert, &claim->context))
		return fail(r, path, "no evidence file of mxwitness, or damaged at its beginning");
	claim->policy = evidence_policy_part((struct bytes){ head, n });
	return true;
}

void claim_site(const struct claim *claim, struct record *session)
{
	static const enum fact of_place[] = { F_net_direction, F_vantage, F_own_client, F_own_server, F_mirror,
					      F_smtp_greeted_other, F_policy_name, F_policy_tls, F_policy_dane, F_policy_requiretls,
					      F_policy_pin, F_policy_names, F_policy_clear, F_policy_reason, F_policy_inspection,
					      F_policy_inspected, F_policy_inspector };
	struct json_walk w;
	struct json_leaf leaf;
	for (size_t i = 0; i < sizeof(of_place) / sizeof(of_place[0]); i++)
		record_unset(session, of_place[i]);
	for (json_walk(&w, claim->alert); json_next(&w, &leaf);) {
		for (size_t i = 0; i < sizeof(of_place) / sizeof(of_place[0]); i++) {
			const struct fact_info *info = &fact_table[of_place[i]];
			if (strcmp(leaf.path, info->name) != 0)
				continue;
			struct bytes text = bytes_head(bytes_skip(leaf.value, 1), leaf.value.n > 2 ? leaf.value.n - 2 : 0);
			int word = info->type == T_ENUM ? word_index(info->words, text) : -1;
			if (word >= 0)
				record_num(session, of_place[i], word);
			else if (info->type == T_TRI)
				record_tri(session, of_place[i], bytes_eq(leaf.value, bytes_of("true")) ? TRI_YES : TRI_NO);
			else if (info->type == T_STR)
				record_str(session, of_place[i], text);
		}
	}
}

static bool of_trust(int problem)
{
	return problem == pkixproblem_untrusted || problem == pkixproblem_self_signed || problem == pkixproblem_incomplete_chain;
}

/* A word of the claim without its quotes; -1: none of these. */
static int word_of(struct bytes value, const char *const *words)
{
	return word_index(words, bytes_head(bytes_skip(value, 1), value.n > 2 ? value.n - 2 : 0));
}

void claim_trust(const struct claim *claim, struct record *session)
{
	struct json_walk w;
	struct json_leaf leaf;
	struct bytes item;
	bool problem[pkixproblem_COUNT] = { false }, checked = false, any = false;
	if (record_get_num(session, F_pkix, pkix_not_checked) == pkix_not_checked)
		return;
	for (size_t pos = 0; record_next(session, F_pkix_problems, &pos, &item);) {
		int64_t x = record_item_num(item);
		if (x >= 0 && x < pkixproblem_COUNT && !of_trust((int)x))
			problem[x] = true;
	}
	for (json_walk(&w, claim->alert); json_next(&w, &leaf);) {
		int x = -1;
		if (strcmp(leaf.path, fact_table[F_pkix].name) == 0)
			checked = word_of(leaf.value, fact_table[F_pkix].words) > pkix_not_checked;
		else if (strncmp(leaf.path, "mxwitness.pkix.problems", 23) == 0)
			x = word_of(leaf.value, fact_table[F_pkix_problems].words);
		if (x >= 0 && of_trust(x))
			problem[x] = true;
	}
	if (!checked)
		return;
	record_unset(session, F_pkix_problems);
	for (int i = 0; i < pkixproblem_COUNT; i++) {
		any |= problem[i];
		if (problem[i])
			record_add_num(session, F_pkix_problems, i);
	}
	record_num(session, F_pkix, any ? pkix_invalid : pkix_valid);
}

/* Is leaf an element of this list? Then its text, without quotes, into name. */
static bool item_of(const struct json_leaf *leaf, enum fact f, char name[NAME_MAX_TEXT + 1])
{
	const char *list = fact_table[f].name;
	size_t n = strlen(list), len = leaf->value.n > 2 ? leaf->value.n - 2 : 0;
	if (strncmp(leaf->path, list, n) != 0 || leaf->path[n] != '[' || len == 0 || len > NAME_MAX_TEXT)
		return false;
	memcpy(name, leaf->value.p + 1, len);
	name[len] = '\0';
	return true;
}

/* Recipients that are none of the domains that were judged went where a route led them. */
static uint8_t routed_of(const struct claim *claim, const struct record *session)
{
	struct identity id;
	struct json_walk w;
	struct json_leaf leaf;
	char name[NAME_MAX_TEXT + 1];
	identity_of(session, &id);
	unsigned routed = (1u << id.domains) - 1;
	for (json_walk(&w, claim->alert); json_next(&w, &leaf);)
		for (unsigned i = 0; i < id.domains && item_of(&leaf, F_id_domains, name); i++)
			routed &= strcmp(id.domain[i], name) == 0 ? ~(1u << i) : ~0u;
	return (uint8_t)routed;
}

bool claim_source(const struct claim *claim, const char *source)
{
	struct json_walk w;
	struct json_leaf leaf;
	char name[NAME_MAX_TEXT + 1];
	for (json_walk(&w, claim->alert); json_next(&w, &leaf);)
		if (item_of(&leaf, F_id_sources, name) && strcmp(name, source) == 0)
			return true;
	return false;
}

/* The domains of the watch list that have the host as MX. */
static void claim_watched(const struct claim *claim, struct known *known)
{
	struct json_walk w;
	struct json_leaf leaf;
	char name[NAME_MAX_TEXT + 1], host[NAME_MAX_TEXT + 1] = "";
	for (json_walk(&w, claim->alert); json_next(&w, &leaf);) {
		size_t n = leaf.value.n > 2 ? leaf.value.n - 2 : 0;
		if (strcmp(leaf.path, fact_table[F_id_host].name) != 0 || n > NAME_MAX_TEXT)
			continue;
		memcpy(host, leaf.value.p + 1, n);
		host[n] = '\0';
	}
	for (json_walk(&w, claim->alert); host[0] && json_next(&w, &leaf);)
		if (item_of(&leaf, F_id_watched, name))
			known_add(known, KNOWN_WATCHED, host, name);
}

void claim_known(const struct claim *claim, const struct record *session, struct known *known)
{
	struct json_walk w;
	struct json_leaf leaf;
	char name[NAME_MAX_TEXT + 1];
	bool configured = false, remembered = claim_source(claim, "history");
	for (json_walk(&w, claim->alert); json_next(&w, &leaf);) {
		if (item_of(&leaf, F_id_configured, name))
			configured |= known_add(known, KNOWN_CONFIGURED, name, NULL) != NULL;
		else if (item_of(&leaf, F_id_known, name))
			known_add(known, remembered ? KNOWN_REMEMBERED : KNOWN_WATCHED, name, NULL);
	}
	claim_watched(claim, known);
	if (configured)
		known->routed = routed_of(claim, session);
}

/* A time as alerts have it, in ns; 0: it is none, or none that a packet can have. */
static int64_t time_of(struct bytes value)
{
	char text[48];
	struct tm tm = { 0 };
	long ns = 0;
	int used = 0, digits = 0;
	if (value.n < 3 || value.n - 2 >= sizeof(text))
		return 0;
	memcpy(text, value.p + 1, value.n - 2);
	text[value.n - 2] = '\0';
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (rest && *rest == '.' && sscanf(rest, ".%n%9ld%n", &digits, &ns, &used) == 1)
		for (int i = used - digits; i < 9; i++)
			ns *= 10;
	const int64_t seconds = rest ? timegm(&tm) : -1;
	return seconds >= 0 && seconds < SOURCE_TS_MAX / NS && ns >= 0 ? seconds * NS + ns : 0;
}

static void put_history(struct record *session, enum fact f, struct bytes value)
{
	const struct fact_info *info = &fact_table[f];
	struct bytes text = bytes_head(bytes_skip(value, 1), value.n > 2 ? value.n - 2 : 0);
	char number[24] = "";
	int word;
	switch (info->type) {
	case T_TRI:
		record_tri(session, f, bytes_eq(value, bytes_of("true")) ? TRI_YES : TRI_NO);
		break;
	case T_ENUM:
		word = word_index(info->words, text);
		if (word >= 0)
			record_num(session, f, word);
		break;
	case T_NUM:
		memcpy(number, value.p, value.n < sizeof(number) ? value.n : sizeof(number) - 1);
		record_num(session, f, strtoll(number, NULL, 10));
		break;
	case T_TIME:
		record_num(session, f, time_of(value));
		break;
	default:
		if (!memchr(text.p, '\\', text.n))       /* words and names: none needs an escape */
			record_str(session, f, text);
	}
}

void claim_history(const struct claim *claim, struct record *session)
{
	struct json_walk w;
	struct json_leaf leaf;
	for (json_walk(&w, claim->alert); json_next(&w, &leaf);) {
		if (strncmp(leaf.path, "mxwitness.history.", 18) != 0 && strcmp(leaf.path, fact_table[F_observer_name].name) != 0)
			continue;
		enum fact f = fact_by_name(bytes_of(leaf.path));
		if (f != FACT_COUNT)
			put_history(session, f, leaf.value);
	}
	if (history_binds((enum strength)record_get_num(session, F_hist_strength, strength_none)))
		promise_add(session, expect_baseline);
}

int64_t claim_kept(const struct claim *claim)
{
	struct json_walk w;
	struct json_leaf leaf;
	for (json_walk(&w, claim->alert); json_next(&w, &leaf);)
		if (strcmp(leaf.path, fact_table[F_expect_kept].name) == 0)
			return time_of(leaf.value);
	return 0;
}

/* When the DNS said it, if it was asked live: proofs are judged as of then, not of the packets. 0: by the packets. */
static int64_t asked_at(const struct claim *claim)
{
	struct json_walk w;
	struct json_leaf leaf;
	int64_t at = 0;
	bool live = false;
	for (json_walk(&w, claim->alert); json_next(&w, &leaf);) {
		if (strcmp(leaf.path, "mxwitness.dane.source") == 0)
			live = bytes_eq(leaf.value, bytes_of("\"live\""));
		else if (strcmp(leaf.path, "mxwitness.dane.as_of") == 0)
			at = time_of(leaf.value);
	}
	return live ? at : 0;
}

/* Mail ports and others, and whether the DNS was asked at all, as they were then. */
static bool use_context(struct run *run, const struct claim *claim)
{
	struct json_walk w;
	struct json_leaf leaf;
	struct error e;
	char text[512];
	bool ports = false, others = true;
	run->pipeline.odd = 0;
	run->resolver.mode = RESOLVE_CAPTURE;
	run->resolver.as_of = asked_at(claim);
	for (json_walk(&w, claim->context); json_next(&w, &leaf);) {
		size_t n = leaf.value.n > 2 ? leaf.value.n - 2 : 0;
		if (n == 0 || n >= sizeof(text))
			continue;
		memcpy(text, leaf.value.p + 1, n);
		text[n] = '\0';
		if (strcmp(leaf.path, "ports") == 0)
			ports = read_ports(text, &run->pipeline, &e);
		else if (strcmp(leaf.path, "other_ports") == 0)
			others = read_other_ports(text, &run->pipeline, &e);
		else if (strcmp(leaf.path, "dns") == 0 && strcmp(text, "off") == 0)
			run->resolver.mode = RESOLVE_OFF;
	}
	run->pipeline.dns = run->resolver.mode != RESOLVE_OFF;
	return ports && others;
}

/* Runs the processes, and reads what the last of them says. */
static void repeat(struct run *run, struct verify_result *r)
{
	uint8_t said_of_it[sizeof(r->text)];
	struct text clean = { r->text, 0, sizeof(r->text) - 1, false };
	int out[2];
	size_t n = 0;
	ssize_t got;
	if (pipe2(out, O_CLOEXEC) != 0) {
		fail(r, "verify", strerror(errno));
		return;
	}
	run->out = out[1];
	run->inner[0] = out[0];
	int status = run_all(run);
	close(out[1]);
	while (n < sizeof(said_of_it) && (got = read(out[0], said_of_it + n, sizeof(said_of_it) - n)) > 0)
		n += (size_t)got;
	close(out[0]);
	text_clean(&clean, (struct bytes){ said_of_it, n }, false); /* values of the file are in it, and it goes to a terminal */
	r->text[clean.n] = '\0';
	r->status = status == 0 ? VERIFY_SAME : status == 1 ? VERIFY_DIFFERS : VERIFY_UNREADABLE;
	if (n == 0)
		snprintf(r->text, sizeof(r->text), "a process of the sensor ended early");
}

void verify_file(const struct run *base, const char *path, struct verify_result *r)
{
	static uint8_t head[HEAD_MAX];
	struct run run = *base;
	struct claim claim;
	struct error e;
	char *paths[] = { (char *)(uintptr_t)path, NULL };
	if (!read_claim(path, head, &claim, r))
		return;
	if (!use_context(&run, &claim)) {
		fail(r, path, "no evidence file of mxwitness, or damaged at its beginning");
		return;
	}
	run.claim = &claim;
	run.state = NULL;                       /* what is remembered here is no part of the proof */
	run.sts = sts_cache_one(claim.policy);  /* those of this machine are others */
	if (claim.policy.n && !run.sts) {
		fail(r, path, "its MTA-STS policy is none, or damaged");
		return;
	}
	run.dns_source = NULL; /* what counts of it is in the file */
	run.resolver.budget = DNS_STORE;
	run.pipeline.flows = FLOWS;
	run.pipeline.dialogues = DIALOGUES;
	run.pipeline.budget = REASSEMBLY;
	run.pipeline.exhibits = 0;
	run.progress = false;
	run.spill = -1;
	run.dns_source = NULL;          /* what the first verdict had from there is in the file */
	run.source = source_open(paths, 1, &e);
	if (run.source) {
		repeat(&run, r);
		source_close(run.source);
	} else {
		fail(r, path, e.text);
	}
	sts_cache_free(run.sts);
}

static const char *const said[] = { [VERIFY_SAME] = "reproduced", [VERIFY_DIFFERS] = "NOT REPRODUCED",
				    [VERIFY_UNREADABLE] = "cannot be read" };

int verify_command(const struct options *o)
{
	static struct run run;
	struct rlimit no_core = { 0, 0 };
	struct error e;
	enum verify_status worst = VERIFY_SAME;
	if (!read_prepare(o, &run, &e)) {
		fprintf(stderr, "mxwitness: %s\n", e.text);
		return 2;
	}
	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < o->ncaptures; i++) {
		struct verify_result r;
		verify_file(&run, o->captures[i], &r);
		printf("%s: %s: %s\n", o->captures[i], said[r.status], r.text);
		fflush(stdout);
		worst = r.status > worst ? r.status : worst;
	}
	return (int)worst;
}
