/* The configuration from any octets, of one file or of several (cut where a line is "%%%"): either it is taken, and then
 * what it says is within bounds and its dump says the same, or the error names the file. */
#include <assert.h>
#include <stdlib.h>

#include "config.h"
#include "config_dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within_bounds(const struct networks *nets)
{
	assert(nets->n <= SITE_NETWORKS);
	for (uint32_t i = 0; i < nets->n; i++)
		assert(nets->net[i].bits <= (nets->net[i].base.v == 4 ? 32 : 128));
}

static void site_within_bounds(const struct settings *s)
{
	assert(s->site.vantage < vantage_COUNT && memchr(s->site.ca_file, 0, sizeof(s->site.ca_file)));
	assert(s->site.ndns <= SITE_DNS_PORTS);
	within_bounds(&s->site.own);
	within_bounds(&s->site.seen_as);
	within_bounds(&s->site.mirror);
}

static void values_within_bounds(const struct settings *s)
{
	assert(s->capture_buffer >= 1 << 20 && s->capture_buffer <= UINT64_C(2) << 30);
	assert(s->capture_timeout >= 10 && s->capture_timeout <= 1000 && s->capture_workers >= 1 && s->capture_workers <= 32);
	assert(s->capture_shunt < shunt_COUNT && s->dns_mode < dns_mode_COUNT && s->log_to < log_to_COUNT);
	assert(s->other_ports <= 65536 && s->limits_flows >= 1024 && s->limits_flows <= 1 << 24);
	assert(s->ports && s->user && s->group && s->interfaces.n <= 16 && s->output.n <= 16);
	for (size_t i = 0; i < s->output.n; i++)
		assert(s->output.at[i].datasets && s->output.at[i].minimum_level < level_COUNT);
	for (size_t i = 0; i < s->interfaces.n; i++)
		assert(strlen(s->interfaces.text[i]) < 16);
}

static char *dump(const struct settings *s)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	assert(f);
	config_dump(s, f);
	fclose(f);
	return text;
}

/* Where a comment begins is where the value ends. */
static void without_comments(char *text)
{
	char *to = text;
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		size_t n = 0;
		for (size_t i = 0; line + i < end; i++)
			if (strncmp(line + i, " # /f/", 6) == 0 || strncmp(line + i, " # default", 10) == 0)
				n = i;
		n = n ? n : (size_t)(end - line);
		while (n && line[n - 1] == ' ')
			n--;
		memmove(to, line, n);
		to += n;
		*to++ = '\n';
	}
	*to = '\0';
}

static void dump_is_the_same(const struct settings *s)
{
	struct settings again = { .folder = NULL };
	struct error e = { "" };
	char *first = dump(s);
	bool ok = config_parse("/f/dump.yaml", bytes_of(first), &again, &e);
	if (!ok)
		fprintf(stderr, "%s\n%s", e.text, first);
	assert(ok);
	char *second = dump(&again);
	without_comments(first);
	without_comments(second);
	if (strcmp(first, second) != 0)
		fprintf(stderr, "%s\n---\n%s", first, second);
	assert(strcmp(first, second) == 0);
	free(first);
	free(second);
	settings_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings s = { .folder = NULL };
	struct error e = { "" };
	const uint8_t *cut = size ? memmem(data, size, "%%%\n", 4) : NULL;
	size_t first = cut ? (size_t)(cut - data) : size;
	bool ok = config_parse("/f/site.yaml", (struct bytes){ data, first }, &s, &e);
	if (ok && cut)
		ok = config_add("/f/conf.d/more.yaml", (struct bytes){ cut + 4, size - first - 4 }, &s, &e);
	if (ok) {
		site_within_bounds(&s);
		values_within_bounds(&s);
		dump_is_the_same(&s);
	} else {
		assert(strncmp(e.text, "/f/", 3) == 0 && strchr(e.text, ':'));
	}
	settings_free(&s);
	return 0;
}
