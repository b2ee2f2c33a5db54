/* config: see config.h. The tree of nodes comes from yaml_tree; here stands which keys there are. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yaml_tree.h"

static bool network(const struct node *n, struct networks *to, const char *key, struct error *e)
{
	if (n->kind != NODE_SCALAR)
		return node_error(e, n, "%s: a network belongs here, such as 192.0.2.0/24", key);
	if (networks_add(to, n->text))
		return true;
	return node_error(e, n, "%s: \"%.*s\" is not a network; write 192.0.2.0/24 or 2001:db8::/32, at most %d of them",
			  key, (int)(n->text.n < 60 ? n->text.n : 60), (const char *)n->text.p, SITE_NETWORKS);
}

/* One network, or a list of them. */
static bool networks(const struct node *value, struct networks *to, const char *key, struct error *e)
{
	if (value->kind != NODE_LIST)
		return network(value, to, key, e);
	for (const struct node *n = value->first; n; n = n->next)
		if (!network(n, to, key, e))
			return false;
	return true;
}

static bool decrypted_mirror(const struct node *value, struct site *site, struct error *e)
{
	bool yes = value->kind == NODE_SCALAR && node_is(value, "true");
	if (yes || (value->kind == NODE_SCALAR && node_is(value, "false"))) {
		site->mirror_all = yes;
		return true;
	}
	return networks(value, &site->mirror, "decrypted_mirror", e);
}

/* A relative path is one in the folder of the configuration, as that of rules is. */
static bool ca_file(const struct node *value, struct site *site, struct error *e)
{
	const char *slash = strrchr(value->path, '/');
	bool named = value->kind == NODE_SCALAR && value->text.n > 0;
	bool alone = !slash || !named || node_is(value, "none") || value->text.p[0] == '/';
	size_t folder = alone ? 0 : (size_t)(slash - value->path) + 1;
	if (!named || folder + value->text.n >= sizeof(site->ca_file))
		return node_error(e, value, "ca_file: the path of a PEM file belongs here, or none");
	memcpy(site->ca_file, value->path, folder);
	memcpy(site->ca_file + folder, value->text.p, value->text.n);
	site->ca_file[folder + value->text.n] = '\0';
	return true;
}

static bool dns_port(const struct node *n, struct site *site, struct error *e)
{
	unsigned v = 0;
	bool good = n->kind == NODE_SCALAR && n->text.n >= 1 && n->text.n <= 5;
	for (size_t i = 0; good && i < n->text.n; i++) {
		good = n->text.p[i] >= '0' && n->text.p[i] <= '9';
		v = v * 10 + (unsigned)(n->text.p[i] - '0');
	}
	if (!good || v == 0 || v > UINT16_MAX)
		return node_error(e, n, "dns_ports: a port belongs here, 1 to 65535");
	if (site->ndns == SITE_DNS_PORTS)
		return node_error(e, n, "dns_ports: at most %d of them", SITE_DNS_PORTS);
	site->dns_port[site->ndns++] = (uint16_t)v;
	return true;
}

/* One port, or a list of them. */
static bool dns_ports(const struct node *value, struct site *site, struct error *e)
{
	if (value->kind != NODE_LIST)
		return dns_port(value, site, e);
	for (const struct node *n = value->first; n; n = n->next)
		if (!dns_port(n, site, e))
			return false;
	return true;
}

static bool vantage(const struct node *value, struct site *site, struct error *e)
{
	int word = value->kind == NODE_SCALAR ? word_index(fact_table[F_vantage].words, value->text) : -1;
	if (word < 0)
		return node_error(e, value, "vantage: it is egress-outside, egress-inside, dmz, server-side or unknown");
	site->vantage = (enum vantage)word;
	return true;
}

static bool unknown_key(const struct node *key, struct error *e)
{
	static const char *const keys[] = { "own_networks", "public_addresses", "vantage", "decrypted_mirror", "dns_ports", "ca_file", "rules",
					    "rules_off", "rule_levels" };
	const char *near = nearest_word(keys, sizeof(keys) / sizeof(keys[0]), key->text);
	int n = (int)(key->text.n < 60 ? key->text.n : 60);
	if (near)
		return node_error(e, key, "no key \"%.*s\"; did you mean \"%s\"?", n, (const char *)key->text.p, near);
	return node_error(e, key, "no key \"%.*s\"; the keys are own_networks, public_addresses, vantage, decrypted_mirror, "
			  "dns_ports, ca_file, rules, rules_off and rule_levels", n, (const char *)key->text.p);
}

static bool pair(const struct node *value, struct site *site, struct rule_site *rules, struct error *e)
{
	bool taken;
	if (node_is(value->key, "own_networks"))
		return networks(value, &site->own, "own_networks", e);
	if (node_is(value->key, "public_addresses"))
		return networks(value, &site->seen_as, "public_addresses", e);
	if (node_is(value->key, "vantage"))
		return vantage(value, site, e);
	if (node_is(value->key, "decrypted_mirror"))
		return decrypted_mirror(value, site, e);
	if (node_is(value->key, "dns_ports"))
		return dns_ports(value, site, e);
	if (node_is(value->key, "ca_file"))
		return ca_file(value, site, e);
	if (!rule_site_key(rules, value, &taken, e))
		return false;
	return taken || unknown_key(value->key, e);
}

static bool document(const struct node *top, struct site *site, struct rule_site *rules, struct error *e)
{
	if (!top || (top->kind == NODE_SCALAR && top->text.n == 0))
		return true;
	if (top->kind != NODE_MAP || top->next)
		return node_error(e, top->next ? top->next : top, "one map of keys belongs here, as in: vantage: dmz");
	for (const struct node *value = top->first; value; value = value->next)
		if (!pair(value, site, rules, e))
			return false;
	return true;
}

bool config_parse(const char *path, struct bytes content, struct site *site, struct rule_site *rules, struct error *e)
{
	struct node *top;
	return yaml_tree_read(&rules->arena, path, content, &top, e) && document(top, site, rules, e);
}

bool config_read(const char *path, struct site *site, struct rule_site *rules, struct error *e)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return error_set(e, "%s: cannot read the configuration: %s", path, strerror(errno));
	uint8_t *buf = malloc(YAML_FILE_MAX + 1);
	size_t n = buf ? fread(buf, 1, YAML_FILE_MAX + 1, f) : 0;
	bool bad = !buf || ferror(f);
	fclose(f);
	bool ok = bad ? error_set(e, "%s: cannot read the configuration: %s", path, strerror(errno)) :
			config_parse(path, (struct bytes){ buf, n }, site, rules, e);
	free(buf);
	return ok;
}
