/* shunt: flows that have nothing more to tell are dropped in the kernel, and counted there.
 *
 * A socket filter (eBPF) on each ring's socket, with a map of flows that all of them share. It takes the place of the
 * classic filter, which is why that is translated into it: first what live_filter let through, then the map. It knows
 * plain TCP over IPv4 without options or fragments and IPv6 without extension headers, tagged or not; everything else
 * goes pass. FIN, SYN and RST always pass, and from then on all of their flow, both directions: its end, and another
 * connection on the same ports, are seen whole. So does a packet whose sequence number is far from the last, and with it what
 * follows: SYN and all may have been there before the flow came into the map. One packet of a flow passes every half
 * minute, so that it does not look idle. The map is of the LRU kind and never full: what it forgets comes to the ring again.
 *
 * The program is put together here, by instruction; the sensor needs no compiler and no libbpf. Making map and program
 * takes CAP_BPF (or root); shunt_add, shunt_read and shunt_end work without, by bpf(2) with BPF_MAP_UPDATE_ELEM (2),
 * BPF_MAP_LOOKUP_ELEM (1) and BPF_MAP_DELETE_ELEM (3), which is what a seccomp filter has to allow. */
#ifndef SHUNT_H
#define SHUNT_H
#include "live_filter.h"
#include "wire/pipeline.h"

struct shunt;

/* Supervisor. flows  places in the map, two for each connection. NULL: e has a reason to tell the operator; go on
 * without, nothing was changed. */
struct shunt *shunt_open(size_t flows, struct error *e);

/* Supervisor. Puts it on the socket fd, whose classic filter is filter. false: e says why, and the classic filter is as it
 * was. Once done, nobody must set a classic filter on fd again. */
bool shunt_attach(struct shunt *s, int fd, const struct live_program *filter, enum live_link link, struct error *e);

/* Capture. From now on the packets of flow are only counted, in the directions that flow->seen names. false: it was
 * refused, and they come as before. */
bool shunt_add(struct shunt *s, const struct quiet_flow *flow);

/* What was counted since shunt_add; a direction that the map has forgotten is not known. */
void shunt_read(struct shunt *s, const struct quiet_flow *flow, struct quiet_count *out);

/* The flow is over: its places are free. */
void shunt_end(struct shunt *s, const struct quiet_flow *flow);

void shunt_close(struct shunt *s);
#endif
