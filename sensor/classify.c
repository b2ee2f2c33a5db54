/* classify: see classify.h. nDPI takes a packet for a line, and wants addresses and ports: it is given packets made here,
 * in which every line of a text protocol is one, from one neutral port to another, so that it judges by octets only, and
 * by the same ones however they were segmented. Guesses by port or address are not asked for and not believed.
 *
 * The library keeps user names and passwords in its flow. All its memory comes from take() and give() below, which counts it
 * and wipes it when it is given back. It runs inside the capture process, behind the system call filter: it may call malloc
 * and nothing else, so it is kept from its list of Tor addresses and from initialising libgcrypt.
 *
 * Versions of its interface, all that differs between them being the macros below: 4.2; 4.6 with one more argument for a
 * packet; 4.10, which begins a module in a context, and has a setting in place of the flag for guessing; 5.0, where all
 * protocols are on and giveup says nothing about guesses. Only 4.2 has been run. */
#include "classify.h"

#ifdef HAVE_NDPI
#include <ndpi_api.h>
#include <stdlib.h>
#include <string.h>

#define AT_LEAST(major, minor) (NDPI_MAJOR > (major) || (NDPI_MAJOR == (major) && NDPI_MINOR >= (minor)))
#if AT_LEAST(4, 10)
#define BEGIN() ndpi_init_detection_module(NULL)
#define SETTINGS(m) (ndpi_set_config(m, NULL, "dpi.guess_on_giveup", "0"), ndpi_set_config(m, NULL, "libgcrypt.init", "0"))
#else
#define BEGIN() ndpi_init_detection_module(ndpi_dont_load_tor_hosts | ndpi_dont_init_libgcrypt)
#define SETTINGS(m) ((void)(m))
#endif
#if AT_LEAST(4, 5)
#define PACKET(m, flow, p, n, ms) ndpi_detection_process_packet(m, flow, p, n, ms, NULL)
#else
#define PACKET(m, flow, p, n, ms) ndpi_detection_process_packet(m, flow, p, n, ms)
#endif
#if AT_LEAST(5, 0)
#define ALL_PROTOCOLS(m) ((void)(m))
#define GIVE_UP(m, flow, guessed) ((void)(guessed), ndpi_detection_giveup(m, flow))
#else
#define ALL_PROTOCOLS(m) \
	do { \
		NDPI_PROTOCOL_BITMASK all; \
		NDPI_BITMASK_SET_ALL(all); \
		ndpi_set_protocol_detection_bitmask2(m, &all); \
	} while (0)
#if AT_LEAST(4, 10)
#define GIVE_UP(m, flow, guessed) ndpi_detection_giveup(m, flow, guessed)
#else
#define GIVE_UP(m, flow, guessed) ndpi_detection_giveup(m, flow, 0, guessed)
#endif
#endif

#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)

/* PACKETS: of one connection. HEADERS: IPv4 and TCP without options. MEMORY_MAX: measured are 10 MB. */
enum { PACKETS = 6, HEADERS = 40, MEMORY_MAX = 64 << 20 };
#define START_MS UINT64_C(1000000000000)

struct classify {
	struct ndpi_detection_module_struct *module;
	struct ndpi_flow_struct *flow;
	bool failed;
	uint32_t next[2];
	uint64_t ms;
	uint8_t packet[HEADERS + PIPELINE_LOOK_MAX];
};

/* ---- memory of the library ---- */

/* In front of each block, as large as malloc aligns. */
union head {
	size_t n;
	max_align_t align;
};

static size_t held; /* the library has no argument for it */

static void *take(size_t n)
{
	union head *h = n <= MEMORY_MAX - held ? malloc(sizeof(*h) + n) : NULL;
	if (!h)
		return NULL;
	h->n = n;
	held += n;
	return h + 1;
}

static void give(void *p)
{
	union head *h = p;
	if (!h)
		return;
	h--;
	held -= h->n;
	explicit_bzero(h + 1, h->n);
	free(h);
}

size_t classify_memory(void)
{
	return held;
}

/* ---- the module ---- */

const char *classify_library(void)
{
	return "nDPI " TEXT(NDPI_MAJOR) "." TEXT(NDPI_MINOR);
}

struct classify *classify_new(void)
{
	return calloc(1, sizeof(struct classify));
}

void classify_free(struct classify *c)
{
	if (c && c->module)
		ndpi_exit_detection_module(c->module);
	free(c);
}

static bool start(struct classify *c)
{
	if (c->module || c->failed)
		return c->module != NULL;
	set_ndpi_malloc(take);
	set_ndpi_free(give);
	set_ndpi_flow_malloc(take);
	set_ndpi_flow_free(give);
	c->module = BEGIN();
	c->failed = !c->module;
	if (c->failed)
		return false;
	ALL_PROTOCOLS(c->module);
	SETTINGS(c->module);
	ndpi_finalize_initialization(c->module);
	return true;
}

/* ---- one connection ---- */

static size_t put(uint8_t *p, unsigned octets, uint32_t v)
{
	for (unsigned i = 0; i < octets; i++)
		p[i] = (uint8_t)(v >> 8 * (octets - 1 - i));
	return octets;
}

/* A packet from dir, between 192.0.2.1 port 40001 and 198.51.100.1 port 50001 (RFC 5737). */
static size_t build(struct classify *c, enum dir dir, struct bytes payload)
{
	uint8_t *p = c->packet;
	size_t n = put(p, 2, 0x4500);
	n += put(p + n, 2, (uint32_t)(HEADERS + payload.n));
	n += put(p + n, 4, 0x00014000);
	n += put(p + n, 4, 0x40060000);
	n += put(p + n, 4, dir == C2S ? 0xc0000201 : 0xc6336401);
	n += put(p + n, 4, dir == C2S ? 0xc6336401 : 0xc0000201);
	n += put(p + n, 4, dir == C2S ? 40001u << 16 | 50001 : 50001u << 16 | 40001);
	n += put(p + n, 4, c->next[dir]);
	n += put(p + n, 4, c->next[!dir]);
	n += put(p + n, 4, (0x5000u | TCP_ACK | TCP_PSH) << 16 | 65535);
	n += put(p + n, 4, 0);
	memcpy(p + n, payload.p, payload.n);
	c->next[dir] += (uint32_t)payload.n;
	return n + payload.n;
}

/* The first line of in with its end, if it begins like text, else all of it. */
static struct bytes turn(struct bytes in)
{
	const uint8_t *end = in.p[0] >= ' ' && in.p[0] < 0x7f ? memchr(in.p, '\n', in.n) : NULL;
	return end ? bytes_head(in, (size_t)(end + 1 - in.p)) : in;
}

/* Only what was read in the octets counts. The outer protocol before the one inside: TLS and not who uses it. */
static uint16_t believed(const struct ndpi_flow_struct *flow)
{
	uint16_t app = flow->detected_protocol_stack[0], outer = flow->detected_protocol_stack[1];
	if (flow->confidence != NDPI_CONFIDENCE_DPI)
		return NDPI_PROTOCOL_UNKNOWN;
	return outer != NDPI_PROTOCOL_UNKNOWN ? outer : app;
}

/* Both sides take turns, a line each, beginning with who spoke first. */
static uint16_t ask(struct classify *c, const struct pipeline_look *look)
{
	struct bytes left[2] = { look->said[C2S], look->said[S2C] };
	enum dir dir = look->first;
	uint8_t guessed;
	for (int i = 0; i < PACKETS && (left[C2S].n || left[S2C].n); dir = !dir) {
		if (left[dir].n == 0)
			continue;
		struct bytes line = turn(left[dir]);
		size_t n = build(c, dir, line);
		PACKET(c->module, c->flow, c->packet, (unsigned short)n, START_MS + c->ms++);
		left[dir] = bytes_skip(left[dir], line.n);
		i++;
	}
	GIVE_UP(c->module, c->flow, &guessed);
	return believed(c->flow);
}

static size_t copy_name(const char *from, uint8_t name[PIPELINE_NAME_MAX])
{
	size_t n = 0;
	for (; from && from[n] && n < PIPELINE_NAME_MAX; n++)
		name[n] = (uint8_t)(from[n] >= 'A' && from[n] <= 'Z' ? from[n] - 'A' + 'a' : from[n]);
	return n;
}

size_t classify_name(struct classify *c, const struct pipeline_look *look, uint8_t name[PIPELINE_NAME_MAX])
{
	if (!start(c))
		return 0;
	size_t size = ndpi_detection_get_sizeof_ndpi_flow_struct();
	c->flow = take(size);
	if (!c->flow)
		return 0;
	memset(c->flow, 0, size);
	c->next[C2S] = c->next[S2C] = 1;
	uint16_t id = ask(c, look);
	ndpi_free_flow(c->flow);
	c->flow = NULL;
	explicit_bzero(c->packet, sizeof(c->packet));
	return id == NDPI_PROTOCOL_UNKNOWN ? 0 : copy_name(ndpi_get_proto_name(c->module, id), name);
}

#else

const char *classify_library(void)
{
	return NULL;
}

struct classify *classify_new(void)
{
	return NULL;
}

void classify_free(struct classify *c)
{
	(void)c;
}

size_t classify_name(struct classify *c, const struct pipeline_look *look, uint8_t name[PIPELINE_NAME_MAX])
{
	(void)c;
	(void)look;
	(void)name;
	return 0;
}

size_t classify_memory(void)
{
	return 0;
}
#endif
