/* stream_url: see stream_url.h. Knows no library: names are looked up by who connects. */
#include "stream_url.h"

#include <stdio.h>
#include <string.h>

#include "host_lookup.h"
#include "nats_subject.h"

#define PORT "4222"

static bool name_good(const char *p, size_t n)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	return n && n < STREAM_URL_NAME && strspn(p, letters) >= n;
}

/* One server, with a port where it has none. */
static bool add_host(struct stream_url *u, const char *p, size_t n)
{
	char one[HOST_NAME_SIZE + HOST_PORT_SIZE + 4], host[HOST_NAME_SIZE], port[HOST_PORT_SIZE];
	const char *bracket = memchr(p, ']', n), *from = bracket ? bracket : p;
	const bool has = memchr(from, ':', n - (size_t)(from - p));
	const int length = snprintf(one, sizeof(one), "%.*s%s", (int)n, p, has ? "" : ":" PORT);
	const size_t used = strlen(u->hosts), room = sizeof(u->hosts) - used;
	if (length < 0 || (size_t)length >= sizeof(one) || !host_split(one, host, port))
		return false;
	const int more = snprintf(u->hosts + used, room, "%s%s", used ? ", " : "", one);
	return more > 0 && (size_t)more < room;
}

static bool hosts_read(struct stream_url *u, const char *p, size_t n)
{
	while (n) {
		const char *comma = memchr(p, ',', n);
		const size_t one = comma ? (size_t)(comma - p) : n;
		if (!one || !add_host(u, p, one))
			return false;
		p += one + (comma != NULL);
		n -= one + (comma != NULL);
		if (comma && !n)
			return false;
	}
	return u->hosts[0];
}

bool stream_url_read(const char *text, struct stream_url *u, struct error *e)
{
	*u = (struct stream_url){ .tls = strncmp(text, "tls://", 6) == 0 };
	if (!u->tls && strncmp(text, "nats://", 7) != 0)
		return error_set(e, "--from %.200s: it begins with nats:// or tls://: nats://HOST/STREAM", text);
	const char *host = strchr(text, '/') + 2;
	const size_t hosts = strcspn(host, "/");
	const char *stream = host + hosts + (host[hosts] == '/');
	const size_t name = strcspn(stream, "/");
	const char *subject = stream[name] == '/' ? stream + name + 1 : "mxwitness";
	if (memchr(host, '@', hosts))
		return error_set(e, "--from: no user and no password there, for all to see: see credentials of from: in mxwitness.conf(5)");
	if (!hosts_read(u, host, hosts))
		return error_set(e, "--from %.200s: its servers are not HOST[:PORT],... with [ ] around an IPv6 address", text);
	if (!name_good(stream, name))
		return error_set(e, "--from %.200s: behind the servers comes /STREAM: letters, digits, dashes and underscores", text);
	if (!nats_subject_begins(subject))
		return error_set(e, "--from %.200s: behind the stream comes /SUBJECT, what subjects begin with: words with dots between them", text);
	memcpy(u->stream, stream, name);
	snprintf(u->subject, sizeof(u->subject), "%s", subject);
	return true;
}
