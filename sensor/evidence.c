/* evidence: see evidence.h. Names the file, has it composed, written and verified, in that order; it decides nothing. */
#include "evidence.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "anchor.h"
#include "run.h"
#include "text.h"
#include "verify.h"

enum { NAMES_MAX = 4096, READ = 65536, MIB = 1 << 20, DAY = 86400 };

struct evidence {
	struct run run;
	struct evidence_case now;
	bool any;                        /* an exhibit is there */
	size_t used;                     /* of store */
	uint8_t exhibit[EXHIBIT_OCTETS];
	uint8_t policy[EVIDENCE_POLICY_MAX];
	uint8_t store[EVIDENCE_PROOF_OCTETS];
	uint8_t file[EVIDENCE_FILE_MAX];
};

/* ---- settings ---- */

bool evidence_budget_read(const char *text, struct evidence_budget *b, struct error *e)
{
	*b = (struct evidence_budget){ .octets = text ? 0 : (uint64_t)1024 * MIB };
	for (const char *s = text; s && *s;) {
		char *end;
		size_t n = strcspn(s, ","), key = strcspn(s, "=");
		unsigned long long v = key < n && s[key + 1] >= '0' && s[key + 1] <= '9' ? strtoull(s + key + 1, &end, 10) : 0;
		bool number = key < n && v > 0 && v < 1000000000 && end == s + n;
		if (number && key == 4 && memcmp(s, "size", 4) == 0)
			b->octets = v * MIB;
		else if (number && key == 5 && memcmp(s, "files", 5) == 0)
			b->files = v;
		else if (number && key == 4 && memcmp(s, "days", 4) == 0)
			b->age = (int64_t)v * DAY;
		else
			return error_set(e, "--evidence-budget %s: \"%.*s\" is none of size=MiB, files=N, days=N", text, (int)n, s);
		s += n + (s[n] == ',');
	}
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_rule_file(const char *name)
{
	const char *dot = strrchr(name, '.');
	return name[0] != '.' && dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

static bool add_file(EVP_MD_CTX *ctx, const char *path)
{
	uint8_t buf[READ];
	FILE *f = fopen(path, "re");
	size_t n;
	bool ok = f;
	while (ok && (n = fread(buf, 1, sizeof(buf), f)) > 0)
		ok = EVP_DigestUpdate(ctx, buf, n);
	ok = ok && !ferror(f);
	if (f)
		fclose(f);
	return ok;
}

/* Each file's name and octets, in the order of names, so that the same rules have the same digest everywhere. */
static bool add_folder(EVP_MD_CTX *ctx, const char *folder, struct error *e)
{
	DIR *dir = opendir(folder);
	char *name[NAMES_MAX], path[4096];
	size_t n = 0;
	bool ok = dir;
	const struct dirent *f;
	while (ok && (f = readdir(dir)) && n < NAMES_MAX)
		if (is_rule_file(f->d_name) && !(name[n++] = strdup(f->d_name)))
			ok = false;
	if (dir)
		closedir(dir);
	if (n)
		qsort(name, n, sizeof(name[0]), by_name);
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, name[i] ? name[i] : "");
		ok = ok && EVP_DigestUpdate(ctx, name[i], strlen(name[i]) + 1) && add_file(ctx, path);
		free(name[i]);
	}
	return ok || error_set(e, "%s: cannot read the rules for their digest", folder);
}

static bool hex_of(EVP_MD_CTX *ctx, char hex[65])
{
	uint8_t out[EVP_MAX_MD_SIZE];
	struct text t = { hex, 0, 64, false };
	if (!EVP_DigestFinal_ex(ctx, out, NULL))
		return false;
	text_hex(&t, (struct bytes){ out, 32 }, false);
	hex[t.n] = '\0';
	return true;
}

static bool add_anchors(EVP_MD_CTX *ctx, const char *anchors)
{
	int64_t from, until;
	const char *ds;
	if (anchors)
		return EVP_DigestUpdate(ctx, anchors, strlen(anchors));
	for (unsigned i = 0; (ds = anchor_root(i, &from, &until)); i++)
		if (!EVP_DigestUpdate(ctx, ds, strlen(ds) + 1))
			return false;
	return true;
}

/* The entries of a list or map of the configuration, wherever they stand in its files. */
static bool add_entries(EVP_MD_CTX *ctx, const struct node *value)
{
	bool ok = true;
	for (const struct node *n = value ? value->first : NULL; ok && n; n = n->next)
		ok = (!n->key || EVP_DigestUpdate(ctx, n->key->text.p, n->key->text.n + 1)) &&
		     EVP_DigestUpdate(ctx, n->text.p, n->text.n + 1);
	return ok;
}

bool evidence_digests(struct evidence_context *c, const char *rules, struct rule_site *site, const char *anchors,
		      struct error *e)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const char *own = rule_site_path(site);
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) && add_folder(ctx, rules, e) && (!own || add_folder(ctx, own, e));
	ok = ok && add_entries(ctx, site->off) && add_entries(ctx, site->level) && hex_of(ctx, c->rules);
	ok = ok && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) && add_anchors(ctx, anchors) && hex_of(ctx, c->anchor);
	EVP_MD_CTX_free(ctx);
	return ok || error_set(e, "%s: cannot take the digest of the rules", rules);
}

/* ---- one session ---- */

struct evidence *evidence_new(const struct run *run)
{
	struct evidence *e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->run = *run;
	evidence_forget(e);
	return e;
}

void evidence_free(struct evidence *e)
{
	free(e);
}

void evidence_forget(struct evidence *e)
{
	e->now.proofs = e->used = 0;
	e->now.lost = e->any = false;
	e->now.exhibit = e->now.policy = (struct bytes){ 0 };
}

bool evidence_exhibit(struct evidence *e, struct bytes record)
{
	struct exhibit_head head;
	evidence_forget(e);
	if (record.n == 0)
		return true;
	if (!exhibit_check(record, &head))
		return false;
	memcpy(e->exhibit, record.p, record.n);
	e->now.exhibit = (struct bytes){ e->exhibit, record.n };
	e->any = true;
	return true;
}

bool evidence_proof(struct evidence *e, struct bytes record)
{
	enum { DATAGRAM_MAX = 65507 };
	struct evidence_proof p;
	size_t text = record.n ? record.p[0] : 0;
	if (record.n < 1 + text || !dns_message_read(bytes_skip(record, 1 + text), &p.m))
		return false;
	if (p.m.octets.n > DATAGRAM_MAX || e->now.proofs == EVIDENCE_PROOFS || text + p.m.octets.n > sizeof(e->store) - e->used) {
		e->now.lost = true;
		return false;
	}
	uint8_t *to = e->store + e->used;
	memcpy(to, record.p + 1, text);
	memcpy(to + text, p.m.octets.p, p.m.octets.n);
	p.text = (struct bytes){ to, text };
	p.m.octets.p = to + text;
	e->used += text + p.m.octets.n;
	e->now.proof[e->now.proofs++] = p;
	return true;
}

void evidence_policy(struct evidence *e, struct bytes record)
{
	if (record.n > sizeof(e->policy)) {
		e->now.lost = true;
		return;
	}
	if (record.n)
		memcpy(e->policy, record.p, record.n);
	e->now.policy = (struct bytes){ e->policy, record.n };
}

void evidence_proved(struct evidence *e, struct bytes record)
{
	e->now.lost |= record.n > 0;
}

/* ---- one alert ---- */

/* Only letters, digits, dots and hyphens: a name must not lead out of the directory. */
static void put_word(struct text *t, struct bytes word, size_t max)
{
	word = bytes_head(word, max);
	for (size_t i = 0; i < word.n; i++) {
		char c = (char)word.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
		text_char(t, plain ? c : '-');
	}
}

static void name_of(const struct record *alert, char name[EVIDENCE_NAME])
{
	char time[40], address[48];
	struct text t = { name, 0, EVIDENCE_NAME - 1, false }, at = { time, 0, sizeof(time), false };
	struct text server = { address, 0, sizeof(address), false };
	struct addr a;
	text_time(&at, record_get_num(alert, F_event_start, 0));
	for (size_t i = 0; i < at.n && time[i] != '.' && time[i] != 'Z'; i++)
		if (time[i] != '-' && time[i] != ':')
			text_char(&t, time[i]);
	text_put(&t, "Z_");
	if (record_get_addr(alert, F_dst_ip, &a))
		text_addr(&server, &a);
	put_word(&t, (struct bytes){ (const uint8_t *)address, server.n }, 48);
	text_char(&t, '_');
	put_word(&t, record_get_str(alert, F_event_action), 64);
	text_char(&t, '_');
	put_word(&t, record_get_str(alert, F_event_id), 64);
	text_put(&t, ".pcapng");
	name[t.n] = '\0';
}

static bool no_file(struct record *alert, const char *why)
{
	record_cstr(alert, F_ev_why, why);
	return false;
}

bool evidence_alert(struct evidence *e, struct record *alert)
{
	char name[EVIDENCE_NAME], sha256[65], path[4096 + EVIDENCE_NAME];
	uint32_t frames[RECORD_ITEMS];
	size_t nframes = 0;
	struct exhibit_head head;
	struct error error;
	struct verify_result result;
	if (record_has(alert, F_ev_why)) /* it rests on other sessions too, of which the packets are not here */
		return false;
	if (!e->any)
		return no_file(alert, "the session's packets were not kept: no room");
	size_t n = evidence_compose(&e->now, alert, &e->run.context, e->file, frames, &nframes);
	if (n == 0)
		return no_file(alert, "the evidence is larger than a file may be");
	name_of(alert, name);
	if (!evidence_dir_put(e->run.evidence, name, (struct bytes){ e->file, n }, sha256, &error))
		return no_file(alert, error.text);
	snprintf(path, sizeof(path), "%s/%s", evidence_dir_path(e->run.evidence), name);
	verifier_ask(e->run.verifier, path, &result);
	record_cstr(alert, F_ev_file, name);
	record_cstr(alert, F_ev_sha256, sha256);
	for (size_t i = 0; i < nframes; i++)
		record_add_num(alert, F_ev_frames, frames[i]);
	exhibit_check(e->now.exhibit, &head);
	record_tri(alert, F_ev_truncated, head.left_out || e->now.lost ? TRI_YES : TRI_NO);
	record_tri(alert, F_ev_reproduced, result.status == VERIFY_SAME ? TRI_YES : TRI_NO);
	if (result.status != VERIFY_SAME)
		record_cstr(alert, F_ev_why, result.text);
	return true;
}
