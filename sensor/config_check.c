/* config_check: see config_check.h. It opens what the program would open, and changes nothing. */
#include "config_check.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "node_read.h"
#include "resolver.h"
#include "rule_file.h"
#include "setting_read.h"
#include "trust.h"

struct check {
	struct settings *s;
	FILE *out;
	unsigned warnings;
	struct error *e;
};

static void warn(struct check *c, const struct node *at, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* at: NULL when it is a default that this machine does not suit. */
static void warn(struct check *c, const struct node *at, const char *format, ...)
{
	va_list args;
	if (!at)
		fprintf(c->out, "default: warning: ");
	else
		fprintf(c->out, "%s:%u:%u: warning: ", at->path, at->line, at->col);
	va_start(args, format);
	vfprintf(c->out, format, args);
	va_end(args);
	fputc('\n', c->out);
	c->warnings++;
}

static bool readable(struct check *c, const char *name, const char *path, const struct node *at)
{
	if (access(path, R_OK) == 0)
		return true;
	warn(c, at, "%s: %s: cannot be read: %s", name, path, strerror(errno));
	return false;
}

/* The folder that a file or a folder is to be made in. */
static void check_parent(struct check *c, const char *name, const char *path, const struct node *at)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;
	snprintf(dir, sizeof(dir), "%.*s%s", (int)n, path, slash ? (n ? "" : "/") : ".");
	if (!folder_is(dir))
		warn(c, at, "%s: %s: no such folder", name, dir);
}

static void check_folder(struct check *c, const char *name, const char *path, const struct node *at)
{
	struct stat st;
	if (stat(path, &st) != 0)
		check_parent(c, name, path, at);
	else if (!S_ISDIR(st.st_mode))
		warn(c, at, "%s: %s: is not a folder", name, path);
}

static void check_file(struct check *c, const char *name, const char *path, const struct node *at)
{
	if (folder_is(path))
		warn(c, at, "%s: %s: is a folder", name, path);
	else
		check_parent(c, name, path, at);
}

/* list: the node of the key, or NULL; then there are none. */
static void check_interfaces(struct check *c, const struct node *list)
{
	const struct node *at = list && list->kind == NODE_LIST ? list->first : list;
	for (size_t i = 0; i < c->s->interfaces.n; i++, at = at->next)
		if (strcmp(c->s->interfaces.text[i], "any") != 0 && !if_nametoindex(c->s->interfaces.text[i]))
			warn(c, at, "interfaces: no interface %s here", c->s->interfaces.text[i]);
}

/* A receiver that is not there now may come; one that can never listen there is worth a word. */
static void check_socket(struct check *c, const char *path, const struct node *at)
{
	struct stat st;
	if (stat(path, &st) != 0)
		check_parent(c, "outputs: path", path, at);
	else if (!S_ISSOCK(st.st_mode))
		warn(c, at, "outputs: path: %s: is not a socket", path);
}

static void check_output(struct check *c, const struct output_settings *o, const struct node *at)
{
	const struct { const char *key, *file; } read[] = { { "ca", o->ca }, { "cert", o->cert }, { "key", o->key },
							    { "credentials", o->credentials } };
	for (size_t i = 0; i < COUNT(read); i++)
		if (read[i].file)
			readable(c, read[i].key, read[i].file, node_get(at, read[i].key));
	if (o->type == output_type_file && o->path)
		check_file(c, "outputs: path", o->path, node_get(at, "path"));
	else if (o->path)
		check_socket(c, o->path, node_get(at, "path"));
	bool tls = o->type == output_type_syslog ? o->transport == transport_tls : o->tls;
	if (tls && !o->ca && !trust_system_file())
		warn(c, at, "outputs: this system has no file of certificate authorities: name one by ca");
}

static void check_outputs(struct check *c, const struct node *list)
{
	const struct node *at = list ? list->first : NULL;
	for (size_t i = 0; i < c->s->output.n; i++, at = at->next)
		check_output(c, &c->s->output.at[i], at);
}

static bool any_spool(const struct settings *s)
{
	for (size_t i = 0; i < s->output.n; i++)
		if (s->output.at[i].type != output_type_file)
			return true;
	return false;
}

/* The i-th entry of such a list: its name, and when it ends. false: there is none. */
static bool entry_of(const struct settings *s, enum setting_type type, size_t i, const char **name, int64_t *until)
{
	if (type == KEPT_POLICY && i < s->policy.promise.n) {
		*name = s->policy.promise.at[i].name;
		*until = s->policy.promise.at[i].until;
	} else if (type == KEPT_INSPECTIONS && i < s->policy.inspection.n) {
		*name = s->policy.inspection.at[i].name;
		*until = s->policy.inspection.at[i].until;
	} else if (type == KEPT_SUPPRESS && i < s->suppress.n) {
		*name = s->suppress.at[i].name;
		*until = s->suppress.at[i].until;
	} else {
		return false;
	}
	return true;
}

/* An entry that has ended says nothing any more, and its writer may think that it does. */
static void check_ended(struct check *c, const struct setting_info *t, const struct node *list)
{
	const struct node *at = list ? list->first : NULL;
	int64_t now = (int64_t)time(NULL) * 1000000000, until;
	const char *name;
	for (size_t i = 0; at && entry_of(c->s, t->type, i, &name, &until); i++, at = at->next)
		if (until && until <= now)
			warn(c, at, "%s: the entry %s has ended", t->name, name);
}

/* What can be said of one key by its type. text: its value, where that is one. */
static void check_one(struct check *c, const struct setting_info *t, const char *text, const struct node *at)
{
	switch (t->type) {
	case KEPT_OUT_FILE:
		check_file(c, t->name, text, at);
		break;
	case KEPT_FOLDER:
		if (strcmp(t->name, "spool") != 0 || any_spool(c->s))
			check_folder(c, t->name, text, at);
		break;
	case KEPT_PROGRAM:
		if (access(text, X_OK) != 0)
			warn(c, at, "%s: %s: cannot be run: %s", t->name, text, strerror(errno));
		break;
	case KEPT_USER:
		if (!getpwnam(text))
			warn(c, at, "%s: no user %s here", t->name, text);
		break;
	case KEPT_GROUP:
		if (!getgrnam(text))
			warn(c, at, "%s: no group %s here", t->name, text);
		break;
	case KEPT_INTERFACES:
		check_interfaces(c, at);
		break;
	case KEPT_OUTPUTS:
		check_outputs(c, at);
		break;
	case KEPT_POLICY:
	case KEPT_INSPECTIONS:
	case KEPT_SUPPRESS:
		check_ended(c, t, at);
		break;
	case KEPT_YES: case KEPT_COUNT: case KEPT_SIZE: case KEPT_DURATION: case KEPT_WORD: case KEPT_LEVEL:
	case KEPT_DATASETS: case KEPT_TEXT: case KEPT_IN_FILE: case KEPT_ADDRESS: case KEPT_MAIL_PORTS: case KEPT_SERVERS:
	case KEPT_ZONES: case KEPT_PROPERTIES: case KEPT_VANTAGE: case KEPT_CA_FILE: case KEPT_DNS_PORTS: case KEPT_NETWORKS: case KEPT_MIRROR:
	case KEPT_RULES: case KEPT_RULES_OFF: case KEPT_RULE_LEVELS:
	case KEPT_NAMES: case KEPT_NETS: case KEPT_PORTS: case KEPT_PIN_SPKI: case KEPT_PIN_CA: case KEPT_FORMS:
	case KEPT_DOMAIN: case KEPT_HOST: case KEPT_DATE: case KEPT_ROUTES: case KEPT_WATCH_DOMAINS: case KEPT_MAIL_DOMAIN:
	case KEPT_HOSTS: case KEPT_WHEN:
		break;
	}
}

static bool has_text(const struct setting_info *t)
{
	return t->type == KEPT_OUT_FILE || t->type == KEPT_FOLDER || t->type == KEPT_PROGRAM || t->type == KEPT_USER ||
	       t->type == KEPT_GROUP;
}

static const struct node *value_of(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (strcmp(setting_table[i].name, name) == 0)
			return s->value[i];
	return NULL;
}

static bool certificates(struct check *c)
{
	const struct node *at = value_of(c->s, "ca_file");
	const char *file = c->s->site.ca_file;
	if (file[0] && strcmp(file, "none") != 0 && !readable(c, "ca_file", file, at))
		return true;
	struct peer *peer = trust_open(&c->s->site, c->e);
	bool ok = peer;
	peer_free(peer);
	return ok;
}

static bool anchors(struct check *c)
{
	char *text = NULL;
	const char *file = c->s->dns_trust_anchor;
	if (!file || !readable(c, "dns.trust_anchor", file, value_of(c->s, "dns.trust_anchor")))
		return true;
	bool ok = resolver_anchor_read(file, &text, c->e);
	free(text);
	return ok;
}

/* Without the site's own folder it cannot be said which of its rules do not exist. */
static bool rules_check(struct check *c, const char *folder)
{
	const char *own = rule_site_path(&c->s->rules);
	if (own && !folder_is(own)) {
		warn(c, c->s->rules.dir, "rules: %s: no such folder", own);
		return true;
	}
	struct rules *r = rules_load(folder, &c->s->rules, c->e);
	bool ok = r;
	rules_free(r);
	return ok;
}

static bool filter(struct check *c)
{
	struct bpf_program program;
	const struct node *at = value_of(c->s, "capture.filter");
	if (!c->s->capture_filter)
		return true;
	pcap_t *p = pcap_open_dead(DLT_EN10MB, (int)c->s->capture_snaplen);
	bool ok = p && pcap_compile(p, &program, c->s->capture_filter, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (ok)
		pcap_freecode(&program);
	else
		node_error(c->e, at, "capture.filter: %s; see pcap-filter(7)", p ? pcap_geterr(p) : "no memory");
	if (p)
		pcap_close(p);
	return ok;
}

bool config_check(struct settings *s, const char *rules, FILE *out, unsigned *warnings, struct error *e)
{
	struct check c = { .s = s, .out = out, .e = e };
	for (size_t i = 0; i < SETTINGS; i++) {
		const struct setting_info *t = &setting_table[i];
		const char *text = has_text(t) ? *(const char *const *)((const char *)s + t->at) : "";
		if (text)
			check_one(&c, t, text, setting_is_default(s->value[i]) ? NULL : s->value[i]);
	}
	if (s->evidence_hook && !s->evidence_directory)
		warn(&c, value_of(s, "evidence.hook"), "evidence.hook: nothing to sign without evidence.directory");
	bool ok = certificates(&c) && anchors(&c) && filter(&c) && rules_check(&c, rules);
	*warnings = c.warnings;
	return ok;
}
