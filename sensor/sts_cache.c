/* sts_cache: see sts_cache.h. The folder is the operator's, its octets are those of other people's web servers: every file
 * is bounded, opened without following a link, and read whole before a word of it counts.
 *
 * It does not know whether a policy still holds, which is a matter of the session's time, and never fetches. */
#include "sts_cache.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NS INT64_C(1000000000)
#define SUFFIX ".sts"

enum { SUFFIX_LEN = 4, DOMAIN_LEN = 253, NAME_LEN = DOMAIN_LEN + SUFFIX_LEN };

enum key { KEY_FORMAT, KEY_DOMAIN, KEY_FETCHED, KEY_ID, KEY_REFETCH, KEY_REFETCHED, KEY_EARLIER_MODE,
	   KEY_EARLIER_UNTIL, KEY_MODE_SINCE, KEYS };

static const char *const key_words[] = {
	"mxwitness-sts", "domain", "fetched", "id", "refetch", "refetched", "earlier-mode", "earlier-until",
	"mode-since", NULL
};
static const char *const fault_texts[] = {
	[STS_OK] = "", [STS_LONG] = "the policy is too long", [STS_SYNTAX] = "a line of the policy is not RFC 8461 3.2",
	[STS_VERSION] = "the policy has no version STSv1", [STS_MODE] = "the policy has no known mode",
	[STS_AGE] = "the policy has no max_age", [STS_NO_MX] = "the policy has no mx", [STS_NO_ID] = "no id",
	[STS_NOT_ONE] = "not one record"
};

/* One entry of the sorted table; text owns the octets that file borrows from. */
struct entry {
	struct sts_file file;
	uint8_t *text;
};

struct sts_cache {
	struct entry *entry;
	size_t n, room, bad;
	char bad_name[NAME_LEN + 1];
	const char *bad_why;
};

/* The header, one span for each key; p NULL: not there. */
struct header {
	struct bytes value[KEYS];
};

/* The next line without its LF; false: no LF is left, so there is none. */
static bool next_line(struct bytes *in, struct bytes *line)
{
	for (size_t i = 0; i < in->n; i++) {
		if (in->p[i] == '\n') {
			*line = bytes_head(*in, i);
			*in = bytes_skip(*in, i + 1);
			return true;
		}
	}
	return false;
}

/* "key: value", with one blank, and a value of printable ASCII. */
static bool read_pair(struct bytes line, struct header *h)
{
	size_t colon = 0;
	while (colon < line.n && line.p[colon] != ':')
		colon++;
	struct bytes value = bytes_skip(line, colon + 2);
	if (value.n == 0 || line.p[colon + 1] != ' ')
		return false;
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] < 0x21 || value.p[i] > 0x7e)
			return false;
	int key = word_index(key_words, bytes_head(line, colon));
	if (key < 0 || h->value[key].p)
		return false;
	h->value[key] = value;
	return true;
}

static const char *read_header(struct bytes *in, struct header *h)
{
	struct bytes line;
	if (!next_line(in, &line) || !bytes_eq(line, bytes_of("mxwitness-sts: 1")))
		return "it does not begin with mxwitness-sts: 1";
	h->value[KEY_FORMAT] = line;
	for (;;) {
		if (!next_line(in, &line))
			return "no empty line ends its header";
		if (line.n == 0)
			return NULL;
		if (!read_pair(line, h))
			return "a line of its header is none";
	}
}

/* Seconds as digits into ns; a header without the key leaves *out as it is. */
static bool read_time(struct bytes b, int64_t *out)
{
	int64_t v = 0;
	if (!b.p)
		return true;
	if (b.n > 10)
		return false;
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] < '0' || b.p[i] > '9')
			return false;
		v = v * 10 + (b.p[i] - '0');
	}
	if (v > INT64_MAX / NS)
		return false;
	*out = v * NS;
	return true;
}

static bool read_id(struct bytes b, struct bytes *out)
{
	for (size_t i = 0; i < b.n; i++) {
		uint8_t c = ascii_lower(b.p[i]);
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
			return false;
	}
	*out = b;
	return b.n <= STS_ID;
}

static bool read_earlier(const struct header *h, struct sts_held *out)
{
	struct bytes mode = h->value[KEY_EARLIER_MODE], until = h->value[KEY_EARLIER_UNTIL];
	int word = mode.p ? word_index(fact_table[F_sts_mode].words, mode) : (int)stsmode_none;
	if (word < 0 || !mode.p != !until.p)
		return false;
	out->earlier = (uint8_t)word;
	return read_time(until, &out->earlier_until);
}

static bool domain_named(struct bytes domain, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < domain.n; i++)
		if (domain.p[i] != ascii_lower(domain.p[i]))
			return false;
	return domain.n > 0 && n == domain.n + SUFFIX_LEN && memcmp(name, domain.p, domain.n) == 0 &&
	       sts_name_covers(domain, domain) && domain.p[domain.n - 1] != '.';
}

static const char *read_values(const char *name, const struct header *h, struct sts_file *out)
{
	struct bytes refetch = h->value[KEY_REFETCH];
	int word = refetch.p ? word_index(fact_table[F_sts_refetch].words, refetch) : (int)REFETCH_NONE;
	out->held.domain = h->value[KEY_DOMAIN];
	if (!domain_named(out->held.domain, name))
		return "its domain is not that of its name";
	if (!h->value[KEY_FETCHED].p || !read_time(h->value[KEY_FETCHED], &out->held.fetched))
		return "it does not say when it was fetched";
	if (!read_id(h->value[KEY_ID], &out->held.id))
		return "its id is none";
	if (word < 0 || (refetch.p && word == REFETCH_NONE) || !read_time(h->value[KEY_REFETCHED], &out->refetched))
		return "its refetch is none";
	if (!read_time(h->value[KEY_MODE_SINCE], &out->held.mode_since))
		return "its mode-since is none";
	if (!read_earlier(h, &out->held))
		return "its earlier policy is none";
	out->refetch = (uint8_t)word;
	return NULL;
}

bool sts_file_read(const char *name, struct bytes text, struct sts_file *out, const char **why)
{
	struct header h = { 0 };
	memset(out, 0, sizeof(*out));
	out->text = text;
	*why = text.n > STS_CACHE_FILE ? "it is too long" : read_header(&text, &h);
	if (!*why)
		*why = read_values(name, &h, out);
	if (!*why) {
		enum sts_fault fault = sts_policy_read(text, &out->held.policy);
		*why = fault ? fault_texts[fault] : NULL;
	}
	return !*why;
}

static void pass_over(struct sts_cache *c, const char *name, const char *why)
{
	if (c->bad++)
		return;
	size_t n = strnlen(name, NAME_LEN);
	memcpy(c->bad_name, name, n);
	c->bad_name[n] = 0;
	c->bad_why = why;
}

/* All of a regular file of at most STS_CACHE_FILE octets, to be freed. NULL: why. */
static uint8_t *read_all(int dir, const char *name, size_t *n, const char **why)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	uint8_t *text = NULL;
	*n = 0;
	*why = "it cannot be read";
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= STS_CACHE_FILE)
		text = malloc((size_t)st.st_size);
	while (text && *n < (size_t)st.st_size) {
		ssize_t got = read(fd, text + *n, (size_t)st.st_size - *n);
		if (got <= 0) {
			free(text);
			text = NULL;
		} else {
			*n += (size_t)got;
		}
	}
	close(fd);
	return text;
}

/* false: no memory. */
static bool more_room(struct sts_cache *c)
{
	if (c->n < c->room)
		return true;
	size_t room = c->room ? 2 * c->room : 64;
	struct entry *entry = realloc(c->entry, room * sizeof(*entry));
	if (!entry)
		return false;
	c->entry = entry;
	c->room = room;
	return true;
}

static bool add(struct sts_cache *c, int dir, const char *name)
{
	const char *why;
	size_t n;
	if (!more_room(c))
		return false;
	struct entry *e = &c->entry[c->n];
	e->text = read_all(dir, name, &n, &why);
	if (e->text && sts_file_read(name, (struct bytes){ e->text, n }, &e->file, &why)) {
		c->n++;
	} else {
		free(e->text);
		pass_over(c, name, why);
	}
	return true;
}

static bool wanted(const char *name)
{
	size_t n = strlen(name);
	return name[0] != '.' && n > SUFFIX_LEN && strcmp(name + n - SUFFIX_LEN, SUFFIX) == 0;
}

static int by_domain(const void *a, const void *b)
{
	struct bytes x = ((const struct entry *)a)->file.held.domain, y = ((const struct entry *)b)->file.held.domain;
	int order = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);
	return order ? order : (x.n > y.n) - (x.n < y.n);
}

static bool load_all(struct sts_cache *c, DIR *d)
{
	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		if (!wanted(e->d_name))
			continue;
		if (c->n == STS_CACHE_FILES)
			pass_over(c, e->d_name, "there are more policies than are read");
		else if (!add(c, dirfd(d), e->d_name))
			return false;
	}
	if (c->n)
		qsort(c->entry, c->n, sizeof(*c->entry), by_domain);
	return true;
}

struct sts_cache *sts_cache_load(const char *dir, struct error *e)
{
	DIR *d = opendir(dir);
	if (!d) {
		error_set(e, "%s: the folder of MTA-STS policies cannot be read: %s", dir, strerror(errno));
		return NULL;
	}
	struct sts_cache *c = calloc(1, sizeof(*c));
	bool good = c && load_all(c, d);
	closedir(d);
	if (!good) {
		error_set(e, "%s: no memory for the MTA-STS policies", dir);
		sts_cache_free(c);
		return NULL;
	}
	return c;
}

static bool name_in(struct bytes text, char name[NAME_LEN + 1])
{
	static const char key[] = "domain: ";
	struct bytes line;
	while (next_line(&text, &line) && line.n) {
		struct bytes value = bytes_skip(line, sizeof(key) - 1);
		if (value.n == 0 || value.n > DOMAIN_LEN || !bytes_eq(bytes_head(line, sizeof(key) - 1), bytes_of(key)))
			continue;
		memcpy(name, value.p, value.n);
		memcpy(name + value.n, SUFFIX, SUFFIX_LEN + 1);
		return true;
	}
	return false;
}

struct sts_cache *sts_cache_one(struct bytes text)
{
	char name[NAME_LEN + 1];
	const char *why;
	struct sts_cache *c = text.n && text.n <= STS_CACHE_FILE && name_in(text, name) ? calloc(1, sizeof(*c)) : NULL;
	if (!c)
		return NULL;
	c->entry = calloc(1, sizeof(*c->entry));
	if (c->entry && (c->entry[0].text = malloc(text.n))) {
		memcpy(c->entry[0].text, text.p, text.n);
		c->n = 1;
		if (sts_file_read(name, (struct bytes){ c->entry[0].text, text.n }, &c->entry[0].file, &why))
			return c;
	}
	sts_cache_free(c);
	return NULL;
}

/* Order in the folder does not count, so the parts are added up (FNV-1a over each). */
static uint64_t stamp_of(const char *name, const struct stat *st)
{
	const int64_t part[] = { (int64_t)st->st_ino, (int64_t)st->st_size, (int64_t)st->st_mtim.tv_sec, (int64_t)st->st_mtim.tv_nsec };
	uint64_t h = UINT64_C(14695981039346656037);
	for (const char *s = name; *s; s++)
		h = (h ^ (uint8_t)*s) * UINT64_C(1099511628211);
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++)
		h = (h ^ (uint64_t)part[i]) * UINT64_C(1099511628211);
	return h;
}

bool sts_cache_stamp(const char *dir, uint64_t *stamp)
{
	DIR *d = opendir(dir);
	struct stat st;
	*stamp = 0;
	if (!d)
		return false;
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		if (wanted(e->d_name) && fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			*stamp += stamp_of(e->d_name, &st);
	closedir(d);
	return true;
}

void sts_cache_free(struct sts_cache *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		free(c->entry[i].text);
	free(c->entry);
	free(c);
}

const struct sts_file *sts_cache_find(const struct sts_cache *c, struct bytes domain)
{
	uint8_t lower[DOMAIN_LEN];
	struct entry key = { 0 };
	if (domain.n && domain.p[domain.n - 1] == '.')
		domain.n--;
	if (domain.n == 0 || domain.n > DOMAIN_LEN || c->n == 0)
		return NULL;
	for (size_t i = 0; i < domain.n; i++)
		lower[i] = ascii_lower(domain.p[i]);
	key.file.held.domain = (struct bytes){ lower, domain.n };
	const struct entry *found = bsearch(&key, c->entry, c->n, sizeof(*c->entry), by_domain);
	return found ? &found->file : NULL;
}

size_t sts_cache_count(const struct sts_cache *c)
{
	return c->n;
}

size_t sts_cache_bad(const struct sts_cache *c, const char **bad_name, const char **bad_why)
{
	*bad_name = c->bad_name;
	*bad_why = c->bad_why ? c->bad_why : "";
	return c->bad;
}
