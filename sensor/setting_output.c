/* setting_output: see setting_output.h. One table says which keys belong to which type; it knows no value's range (settings.def)
 * and asks no receiver whether it is there. */
#include "setting_output.h"

#include <stdio.h>
#include <stdlib.h>

#include "carrier.h"
#include "format.h"
#include "host_lookup.h"
#include "node_read.h"
#include "setting_read.h"

enum { OUTPUT_NAME = 65, SOCKET_PATH = 107, PROPERTY_NAME = 64 };

enum {
	FILES = 1 << output_type_file, SYSLOG = 1 << output_type_syslog, UNIX = 1 << output_type_unix,
	NATS = 1 << output_type_nats, KAFKA = 1 << output_type_kafka, ALL = FILES | SYSLOG | UNIX | NATS | KAFKA,
};

/* Of a key that its type has: when.
 * LOCAL, REMOTE  of syslog: a socket of this machine; anything else     STREAMED  of syslog: by tls or tcp
 * BY_TLS  of syslog: transport: tls; of nats and kafka: tls: true       NAMED  a file that is not standard output
 * ROTATED  a file that is renamed at some time */
enum when { ALWAYS, LOCAL, REMOTE, STREAMED, BY_TLS, NAMED, ROTATED };

/* must: there is no such output without it. */
static const struct belonging {
	const char *key;
	unsigned types;
	enum when when;
	bool must;
} belonging[] = {
	{ "type", ALL, ALWAYS, true },
	{ "name", ALL, ALWAYS, false },
	{ "format", ALL, ALWAYS, false },
	{ "minimum_level", ALL, ALWAYS, false },
	{ "datasets", ALL, ALWAYS, false },
	{ "path", FILES | UNIX | SYSLOG, LOCAL, true },
	{ "rotate_size", FILES, NAMED, false },
	{ "rotate_every", FILES, NAMED, false },
	{ "rotate_keep", FILES, ROTATED, false },
	{ "address", SYSLOG | NATS | KAFKA, REMOTE, true },
	{ "transport", SYSLOG, ALWAYS, false },
	{ "framing", SYSLOG, STREAMED, false },
	{ "facility", SYSLOG, ALWAYS, false },
	{ "sd_id", SYSLOG, ALWAYS, false },
	{ "ca", SYSLOG | NATS | KAFKA, BY_TLS, false },
	{ "cert", SYSLOG | NATS | KAFKA, BY_TLS, false },
	{ "key", SYSLOG | NATS | KAFKA, BY_TLS, false },
	{ "server_name", SYSLOG | NATS, BY_TLS, false },
	{ "tls", NATS | KAFKA, ALWAYS, false },
	{ "credentials", NATS, ALWAYS, false },
	{ "stream", NATS, ALWAYS, false },
	{ "subject", NATS, ALWAYS, false },
	{ "partitions", NATS, ALWAYS, false },
	{ "replicas", NATS, ALWAYS, false },
	{ "keep", NATS, ALWAYS, false },
	{ "topic", KAFKA, ALWAYS, false },
	{ "kafka", KAFKA, ALWAYS, false },
	{ "spool", ALL & ~FILES, ALWAYS, false },
};

static const char *const *words_of(const char *key)
{
	for (const struct setting_map *m = setting_maps; m < setting_maps + SETTING_MAPS; m++)
		for (size_t i = 0; m->type == KEPT_OUTPUTS && i < m->rows; i++)
			if (strcmp(m->row[i].name, key) == 0)
				return m->row[i].words;
	return NULL;
}

/* enum output_type, or output_type_COUNT. */
static int type_of(const struct node *map)
{
	const struct node *n = node_get(map, "type");
	int i = n && n->kind == NODE_SCALAR ? word_index(words_of("type"), n->text) : -1;
	return i < 0 ? output_type_COUNT : i;
}

static bool says(const struct node *map, const char *key, const char *word)
{
	const struct node *n = node_get(map, key);
	return n && node_is(n, word);
}

/* A key that is there and says something else than word. */
static bool differs(const struct node *map, const char *key, const char *word)
{
	const struct node *n = node_get(map, key);
	return n && !node_is(n, word);
}

static bool applies(enum when when, int type, const struct node *map)
{
	const bool syslog = type == output_type_syslog;
	switch (when) {
	case ALWAYS:
		break;
	case LOCAL:
		return !syslog || says(map, "transport", "unix");
	case REMOTE:
		return !syslog || !says(map, "transport", "unix");
	case STREAMED:
		return !says(map, "transport", "unix") && !says(map, "transport", "udp");
	case BY_TLS:
		return syslog ? !differs(map, "transport", "tls") : says(map, "tls", "true");
	case NAMED:
		return !says(map, "path", "-");
	case ROTATED:
		return !says(map, "path", "-") && (differs(map, "rotate_size", "off") || differs(map, "rotate_every", "off"));
	}
	return true;
}

static const char *reason(enum when when, int type)
{
	switch (when) {
	case ALWAYS:
		break;
	case LOCAL:
		return "a receiver has an address; the path is that of a socket, for transport: unix";
	case REMOTE:
		return "a socket of this machine, transport: unix, has a path in its place";
	case STREAMED:
		return "it belongs to transport: tls and tcp";
	case BY_TLS:
		return type == output_type_syslog ? "it belongs to transport: tls" : "it belongs to tls: true";
	case NAMED:
		return "standard output cannot be renamed";
	case ROTATED:
		return "nothing is renamed without rotate_size or rotate_every";
	}
	return "";
}

static const struct belonging *find(const char *key)
{
	for (size_t i = 0; i < COUNT(belonging); i++)
		if (strcmp(belonging[i].key, key) == 0)
			return &belonging[i];
	return NULL;
}

bool setting_output_has(const struct node *map, const char *key)
{
	const struct belonging *b = find(key);
	const int type = type_of(map);
	return b && (type == output_type_COUNT || (b->types >> type & 1 && applies(b->when, type, map)));
}

/* "nats and kafka" */
static const char *types_of(unsigned types, char *buf, size_t cap)
{
	const char *const *words = words_of("type");
	size_t at = 0;
	for (unsigned i = 0; words[i] && at < cap; i++)
		if (types >> i & 1)
			at += (size_t)snprintf(buf + at, cap - at, "%s%s", !at ? "" : types >> i >> 1 ? ", " : " and ", words[i]);
	return buf;
}

static const char *const example[output_type_COUNT] = {
	[output_type_file] = "{type: file, path: alerts.ndjson}",
	[output_type_syslog] = "{type: syslog, address: \"siem.example:6514\"}",
	[output_type_unix] = "{type: unix, path: /run/collector.sock}",
	[output_type_nats] = "{type: nats, address: \"192.0.2.1:4222, 192.0.2.2:4222\"}",
	[output_type_kafka] = "{type: kafka, address: \"192.0.2.1:9092, 192.0.2.2:9092\"}",
};

static bool key_belongs(const struct node *map, int type, const struct node *key, struct error *e)
{
	char types[64];
	const struct belonging *b = find((const char *)key->text.p);
	if (!b) /* known_keys has more to say of it */
		return true;
	if (!(b->types >> type & 1))
		return node_error(e, key, "outputs: type %s has no key \"%s\"; it belongs to %s", words_of("type")[type], b->key,
				  types_of(b->types, types, sizeof(types)));
	return applies(b->when, type, map) ||
	       node_error(e, key, "outputs: type %s has no key \"%s\" here: %s", words_of("type")[type], b->key, reason(b->when, type));
}

bool setting_output_keys(const struct node *map, struct error *e)
{
	const int type = type_of(map);
	if (map->kind != NODE_MAP || type == output_type_COUNT)
		return true;
	for (const struct node *value = map->first; value; value = value->next)
		if (!key_belongs(map, type, value->key, e))
			return false;
	for (size_t i = 0; i < COUNT(belonging); i++) {
		const struct belonging *b = &belonging[i];
		if (b->must && setting_output_has(map, b->key) && !node_get(map, b->key))
			return node_error(e, map, "outputs: type %s: the key \"%s\" is missing, as in: %s", words_of("type")[type], b->key,
					  type == output_type_syslog && b->when == LOCAL ?
					  "{type: syslog, transport: unix, path: /dev/log}" : example[type]);
	}
	return true;
}

/* ---- values ---- */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

static bool made_of(const char *text, const char *more)
{
	for (; *text; text++)
		if (!strchr(letters, *text) && !strchr(more, *text))
			return false;
	return true;
}

/* The keys are named for the messages; a default is always good. */
static bool bad(struct error *e, const struct node *map, const char *key, const char *what)
{
	const struct node *n = node_get(map, key);
	return n ? node_error(e, n, "%s: \"%.*s\" %s", key, TEXT(n->text), what) : node_error(e, map, "%s: %s", key, what);
}

static bool name_good(const struct output_settings *o, const struct node *map, struct error *e)
{
	return !o->name || (made_of(o->name, ".") && o->name[0] != '.') ||
	       bad(e, map, "name", "is not made of letters, digits, dots, dashes and underscores, or begins with a dot");
}

static bool is_socket(const struct output_settings *o)
{
	return o->type == output_type_unix || (o->type == output_type_syslog && o->transport == transport_unix);
}

static bool path_good(const struct output_settings *o, const struct node *map, struct error *e)
{
	if (!is_socket(o))
		return true;
	return (o->path && strlen(o->path) <= SOCKET_PATH) || bad(e, map, "path", "is not the path of a socket, of at most 107 octets");
}

/* One server of b, up to a comma; *b goes behind it. */
static bool server_good(struct bytes *b)
{
	char one[HOST_NAME_SIZE + HOST_PORT_SIZE + 4], host[HOST_NAME_SIZE], port[HOST_PORT_SIZE];
	const uint8_t *comma = memchr(b->p, ',', b->n);
	struct bytes t = bytes_head(*b, comma ? (size_t)(comma - b->p) : b->n);
	*b = bytes_skip(*b, t.n + (comma != NULL));
	while (t.n && t.p[0] == ' ')
		t = bytes_skip(t, 1);
	while (t.n && t.p[t.n - 1] == ' ')
		t.n--;
	if (t.n >= sizeof(one))
		return false;
	snprintf(one, sizeof(one), "%.*s", (int)t.n, (const char *)t.p);
	return host_split(one, host, port) && !strpbrk(host, " \t/@?#");
}

static bool address_good(const struct output_settings *o, const struct node *map, struct error *e)
{
	const bool many = o->type != output_type_syslog;
	struct bytes rest = o->address ? bytes_of(o->address) : (struct bytes){ 0 };
	if (o->type == output_type_file || is_socket(o))
		return true;
	bool good = server_good(&rest);
	for (size_t i = 1; good && many && rest.n; i++)
		good = server_good(&rest);
	if (good && !rest.n && o->address[strlen(o->address) - 1] != ',')
		return true;
	return bad(e, map, "address", many ? "is not host:port, host:port, as in 192.0.2.1:4222, [2001:db8::1]:4222" :
		   "is not host:port, as in siem.example:6514 or [2001:db8::1]:6514");
}

static bool sd_id_good(const struct output_settings *o, const struct node *map, struct error *e)
{
	const char *at = o->type == output_type_syslog ? strchr(o->sd_id, '@') : NULL;
	bool good = at && at > o->sd_id && at[1] && at[1 + strspn(at + 1, "0123456789.")] == '\0';
	for (const char *p = o->sd_id; good && *p && p < at; p++)
		good = *p > ' ' && *p < 0x7f && !strchr("=]\"", *p);
	return good || o->type != output_type_syslog || bad(e, map, "sd_id", "is not name@number, as in mxwitness@32473 (RFC 5424 6.3.2)");
}

/* Subjects of NATS are words with dots between; a star and > are for who listens. */
static bool subject_good(const char *s)
{
	return made_of(s, ".") && s[0] != '.' && s[strlen(s) - 1] != '.' && !strstr(s, "..");
}

static bool bus_good(const struct output_settings *o, const struct node *map, struct error *e)
{
	if (o->type == output_type_nats && !made_of(o->stream, ""))
		return bad(e, map, "stream", "is not made of letters, digits, dashes and underscores");
	if (o->type == output_type_nats && !subject_good(o->subject))
		return bad(e, map, "subject", "is not made of letters, digits, dashes and underscores, with single dots between them");
	if (o->type == output_type_kafka && (!made_of(o->topic, ".") || strcmp(o->topic, ".") == 0 || strcmp(o->topic, "..") == 0))
		return bad(e, map, "topic", "is not made of letters, digits, dots, dashes and underscores");
	return true;
}

static bool pair_good(const struct output_settings *o, const struct node *map, struct error *e)
{
	if (!o->cert == !o->key)
		return true;
	return node_error(e, node_get(map, o->cert ? "cert" : "key"), "outputs: cert and key belong together; \"%s\" is missing",
			  o->cert ? "key" : "cert");
}

static bool built(const struct output_settings *o, const struct node *map, struct error *e)
{
	const char *type = words_of("type")[o->type];
	return o->type == output_type_file || carrier_kind(o->type) ||
	       node_error(e, node_get(map, "type"), "type: this mxwitness was built without %s; type %s needs it",
			  o->type == output_type_nats ? "libnats" : "librdkafka", type);
}

bool setting_output_good(const struct output_settings *o, const struct node *map, struct error *e)
{
	return name_good(o, map, e) && path_good(o, map, e) && address_good(o, map, e) && sd_id_good(o, map, e) && bus_good(o, map, e) &&
	       pair_good(o, map, e) && built(o, map, e);
}

static bool same_file(const struct output_settings *a, const struct output_settings *b)
{
	if (a->type != output_type_file || b->type != output_type_file)
		return false;
	return a->path && b->path ? strcmp(a->path, b->path) == 0 : a->path == b->path;
}

bool setting_output_apart(const struct output_settings *all, const struct output_settings *entry, const struct node *first,
			  const struct node *map, struct error *e)
{
	char name[OUTPUT_NAME], other[OUTPUT_NAME];
	format_name(entry, name, sizeof(name));
	for (const struct output_settings *o = all; first != map; first = first->next, o++) {
		format_name(o, other, sizeof(other));
		if (same_file(o, entry))
			return node_error(e, map, "outputs: another one has this path already; two would write into each other's lines");
		if (strcmp(name, other) != 0)
			continue;
		if (o->name && entry->name)
			return node_error(e, map, "outputs: another one has the name %s already", name);
		return node_error(e, map, "outputs: another one is called %s already; give each a name, as in: name: alerts", name);
	}
	return true;
}

/* ---- what goes to librdkafka ---- */

/* What has a key of its own, and what keeps an event from being lost, or from coming in another order. */
static const struct {
	const char *name, *why;
} reserved[] = {
	{ "bootstrap.servers", "it is the key address" },
	{ "metadata.broker.list", "it is the key address" },
	{ "ssl.ca.location", "it is the key ca" },
	{ "ssl.certificate.location", "it is the key cert" },
	{ "ssl.key.location", "it is the key key" },
	{ "acks", "an event counts as delivered when all replicas have it" },
	{ "request.required.acks", "an event counts as delivered when all replicas have it" },
	{ "enable.idempotence", "without it events could come twice, or in another order" },
	{ "max.in.flight", "with more than it has, events could come in another order" },
	{ "max.in.flight.requests.per.connection", "with more than it has, events could come in another order" },
	{ "retries", "events are tried again until they arrive" },
	{ "message.send.max.retries", "events are tried again until they arrive" },
};

static struct bytes name_of(struct bytes property)
{
	const uint8_t *equals = memchr(property.p, '=', property.n);
	return bytes_head(property, equals ? (size_t)(equals - property.p) : property.n);
}

static bool property_good(const struct setting_info *t, const struct node *n, const struct node *first, struct error *e)
{
	if (n->kind != NODE_SCALAR)
		return node_error(e, n, "%s: a text such as linger.ms=50 belongs here", t->name);
	struct bytes name = name_of(n->text);
	bool good = name.n >= 1 && name.n <= PROPERTY_NAME && n->text.n > name.n + 1;
	for (size_t i = 0; good && i < name.n; i++)
		good = strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", name.p[i]);
	if (!good)
		return node_error(e, n, "%s: a text such as linger.ms=50 belongs here, the setting's name and its value", t->name);
	for (size_t i = 0; i < COUNT(reserved); i++)
		if (bytes_eq(name, bytes_of(reserved[i].name)))
			return node_error(e, n, "%s: %s cannot be set: %s", t->name, reserved[i].name, reserved[i].why);
	for (; first != n; first = first->next)
		if (bytes_eq(name_of(first->text), name))
			return node_error(e, n, "%s: \"%.*s\" stands in this list a second time", t->name, TEXT(name));
	return true;
}

bool setting_properties(struct settings *s, const struct setting_info *t, struct setting_texts *out, const struct node *value,
			struct error *e)
{
	const size_t most = strtoul(t->most, NULL, 10);
	size_t count = 0;
	*out = (struct setting_texts){ NULL, 0 };
	if (value->kind == NODE_MAP)
		return node_error(e, value, "%s: a list of texts belongs here, as in: [linger.ms=50, compression.type=zstd]", t->name);
	for (const struct node *n = setting_entries(value); n; n = setting_next(value, n)) {
		if (!property_good(t, n, setting_entries(value), e))
			return false;
		if (++count > most)
			return node_error(e, n, "%s: at most %zu of them", t->name, most);
	}
	const char **to = arena_take(&s->arena, (count + 1) * sizeof(*to));
	for (const struct node *n = setting_entries(value); n; n = setting_next(value, n))
		to[out->n++] = arena_string(&s->arena, n->text);
	out->text = to;
	return true;
}

size_t setting_property_shown(struct bytes property)
{
	static const char *const secret[] = { "password", "secret", "key.pem", "oauthbearer.config", "jaas" };
	struct bytes name = name_of(property);
	for (size_t i = 0; i < COUNT(secret); i++)
		if (memmem(name.p, name.n, secret[i], strlen(secret[i])))
			return name.n;
	return property.n;
}
