/* source_live: packets of network interfaces, as they come. Beside source.h, for an interface has no end and no name
 * that matters, and a wire does not wait.
 *
 * All sockets and rings of all workers are one struct, opened in the supervisor before it forks; the rings are
 * memory that both share. A capture process says which worker it is (source_live_take) and reads its own; the
 * supervisor keeps all. So the share of a worker that died waits in its ring, in order, until the next process takes
 * it, and goes on behind the last packet that was handed out: one that kills its reader kills it once.
 *
 * The rings are TPACKET_V3, read here and not through libpcap: a pcap_t keeps its place in the ring in private
 * memory, and a second process that takes it over waits at block 0, where nothing comes until the kernel has gone
 * once around.
 *
 * After source_live_take source_live_next uses poll, clock_gettime and getsockopt alone. packet(7), packet_mmap.rst. */
#ifndef SOURCE_LIVE_H
#define SOURCE_LIVE_H
#include "live_filter.h"
#include "packet.h"

enum { LIVE_IFACES = 8, LIVE_WORKERS = 64, LIVE_NAME = 16 };

/* iface     interfaces by name: all of them are read by every worker, for the two directions of a link may come in on
 *           two of them
 * workers   at least 1; several share each interface by PACKET_FANOUT, see live_filter_fanout
 * by_ports  let connections between the same two hosts go to several workers
 * buffer    octets of ring for each worker, shared by its interfaces; at least 1 MiB for each of them
 * timeout   ms until the kernel hands out what has come, if a block of the ring is not full: packets are up to twice
 *           that late. 1..1000
 * seed      random: see live_filter_fanout
 * filter    what reaches the rings; its expression is compiled for each interface, its iface is set here */
struct live_config {
	const char *const *iface;
	size_t ifaces;
	unsigned workers, timeout;
	size_t buffer;
	uint32_t seed;
	bool promiscuous, by_ports;
	struct live_filter_config filter;
};

struct source_live;

/* Supervisor. Needs CAP_NET_RAW. NULL: e says which interface, what is wrong with it, and what to do. An interface that
 * is down is opened, and speaks when it comes up. */
struct source_live *source_live_open(const struct live_config *config, struct error *e);

/* In the capture process, before its rights go: this process is worker w. The sockets and rings of the others are
 * closed here (and stay in the supervisor). */
void source_live_take(struct source_live *s, unsigned w);

/* Everything this process has of it; also for the processes that have inherited it and are no worker. NULL is allowed. */
void source_live_close(struct source_live *s);

enum live_result {
	LIVE_PACKET,  /* a packet; its octets are on loan until the next call */
	LIVE_TIMEOUT, /* wait ms went by without one */
	LIVE_DOWN,    /* an interface went down or away, packet->iface says which; told once each time */
	LIVE_END      /* source_live_stop was called */
};

/* Capture. The next packet, the oldest of what the interfaces have: one of them waits for the other up to three
 * timeouts. number counts from 1 in this process; ts is the kernel's time of arrival; data begins with Ethernet (1,
 * a tag that the kernel took off is put back) or with IP (101). Never longer than wait ms. */
enum live_result source_live_next(struct source_live *s, int wait, struct packet *packet);

/* From a signal handler: source_live_next ends. */
void source_live_stop(struct source_live *s);

/* Of one interface and worker, since source_live_open, over all processes of that worker.
 * received  packets that passed the filter     dropped  of these, lost because the ring was full
 * freezes   times that it became full          taken    handed out       taken_octets  theirs, on the wire
 * cut       handed out shorter than they were  alien    passed over: not IP, on an interface without Ethernet */
struct live_count {
	uint64_t received, dropped, freezes, taken, taken_octets, cut, alien;
};

/* Asks the kernel and adds up. The kernel forgets what it told, so only one process at a time may ask: the worker, or the
 * supervisor while there is none. */
void source_live_count(struct source_live *s, unsigned w, size_t iface, struct live_count *out);

/* What source_live_count added up last; anyone may look at any time. */
void source_live_counted(const struct source_live *s, unsigned w, size_t iface, struct live_count *out);

/* How much of its ring the kernel has filled and the worker not read yet: 0 empty, 1000 full. */
unsigned source_live_fill(const struct source_live *s, unsigned w, size_t iface);

/* Supervisor. What the network card itself says that it lost (/sys/class/net); -1: it does not say. */
int64_t source_live_missed(const struct source_live *s, size_t iface);

enum live_state {
	LIVE_IS_UP,
	LIVE_IS_DOWN,  /* there, and not running: packets come by themselves when it is up again */
	LIVE_IS_GONE,  /* there is none of that name */
	LIVE_IS_OTHER  /* there is another of that name: source_live_reopen */
};

/* Supervisor, each second or so: one look-up. */
enum live_state source_live_state(const struct source_live *s, size_t iface);

/* What source_live_reopen did. */
enum live_reopen {
	LIVE_SAME,    /* the same rings on the new interface: nothing to tell the worker */
	LIVE_RESTART, /* new rings: every worker has to be started anew */
	LIVE_FAILED   /* e says why; try again later */
};

/* Supervisor, on LIVE_IS_OTHER: puts the sockets on the interface that has the name now. A socket in a fanout group cannot
 * be bound again, so that with several workers new ones take their places: end the workers first, and attach the
 * shunt again after it. */
enum live_reopen source_live_reopen(struct source_live *s, size_t iface, struct error *e);

/* The descriptor of a ring, for SO_ATTACH_BPF; the program that the interface was opened with; what packets begin with. */
int source_live_fd(const struct source_live *s, unsigned w, size_t iface);
const struct live_program *source_live_program(const struct source_live *s, size_t iface);
enum live_link source_live_link(const struct source_live *s, size_t iface);
const char *source_live_name(const struct source_live *s, size_t iface);
#endif
