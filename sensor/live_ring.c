/* live_ring: see live_ring.h. The kernel fills blocks in turn and hands each over when it is full or its time is up; the
 * reader gives it back by a store. Knows one ring and no other, and nothing of what packets are but their link. */
#include "live_ring.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TAG = 4, MACS = 12, BLOCK_BIG = 1 << 20, BLOCK_SMALL = 1 << 18, LINK_ETHERNET = 1, LINK_RAW = 101 };

/* ---- setting up ---- */

static bool ask(int fd, unsigned long what, const char *name, struct ifreq *r)
{
	memset(r, 0, sizeof(*r));
	memcpy(r->ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	return ioctl(fd, what, r) == 0;
}

bool live_iface_find(const char *name, struct live_iface *out, struct error *e)
{
	struct ifreq r;
	*out = (struct live_iface){ 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set(e, "interface %s: cannot ask the kernel: %s", name, strerror(errno));
	bool there = ask(fd, SIOCGIFINDEX, name, &r);
	if (there)
		out->index = r.ifr_ifindex;
	if (there && ask(fd, SIOCGIFFLAGS, name, &r)) {
		out->up = r.ifr_flags & IFF_UP;
		out->loopback = r.ifr_flags & IFF_LOOPBACK;
	}
	if (there && ask(fd, SIOCGIFHWADDR, name, &r)) {
		unsigned type = r.ifr_hwaddr.sa_family;
		out->link = type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK ? LIVE_ETHERNET : LIVE_IP;
	}
	close(fd);
	return true;
}

static bool option(const struct live_ring *r, int name, const void *value, size_t n)
{
	return setsockopt(r->fd, SOL_PACKET, name, value, (socklen_t)n) == 0;
}

static bool attach(const struct live_ring *r, const struct live_program *program)
{
	_Static_assert(sizeof(struct live_insn) == sizeof(struct sock_filter), "one layout");
	struct sock_fprog f = { .len = (unsigned short)program->n };
	f.filter = (struct sock_filter *)(uintptr_t)program->insn;
	return setsockopt(r->fd, SOL_SOCKET, SO_ATTACH_FILTER, &f, sizeof(f)) == 0;
}

static bool make_ring(struct live_ring *r, size_t size, unsigned timeout)
{
	int version = TPACKET_V3;
	unsigned reserve = TAG;
	r->block_size = size >= 8 * BLOCK_BIG ? BLOCK_BIG : BLOCK_SMALL;
	r->blocks = (uint32_t)(size / r->block_size);
	r->size = r->blocks * r->block_size;
	struct tpacket_req3 req = { .tp_block_size = (unsigned)r->block_size, .tp_block_nr = r->blocks,
				    .tp_frame_size = (unsigned)r->block_size, .tp_frame_nr = r->blocks,
				    .tp_retire_blk_tov = timeout };
	if (!option(r, PACKET_VERSION, &version, sizeof(version)) ||
	    !option(r, PACKET_RESERVE, &reserve, sizeof(reserve)) || !option(r, PACKET_RX_RING, &req, sizeof(req)))
		return false;
	void *map = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	r->map = map == MAP_FAILED ? NULL : map;
	return r->map;
}

static bool listen_promiscuous(const struct live_ring *r, int index)
{
	struct packet_mreq m = { .mr_ifindex = index, .mr_type = PACKET_MR_PROMISC };
	return option(r, PACKET_ADD_MEMBERSHIP, &m, sizeof(m));
}

static bool put_on(struct live_ring *r, const char *name, const struct live_iface *iface, bool promiscuous,
		   struct error *e)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = __builtin_bswap16(ETH_P_ALL),
				  .sll_ifindex = iface->index };
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	to.sll_protocol = ETH_P_ALL;
#endif
	if (bind(r->fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
		return error_set(e, "interface %s: cannot listen on it: %s", name, strerror(errno));
	if (promiscuous && !iface->loopback && !listen_promiscuous(r, iface->index))
		return error_set(e, "interface %s: cannot make it promiscuous: %s; set promiscuous to false if packets come "
			   "without", name, strerror(errno));
	r->down = !iface->up;
	return true;
}

bool live_ring_open(struct live_ring *r, const char *name, const struct live_iface *iface, size_t size,
		    unsigned timeout, bool promiscuous, struct error *e)
{
	static const struct live_program nothing = { .n = 1, .insn = { { .code = BPF_RET | BPF_K } } };
	struct live_place *place = r->place;
	int on = 1;
	*r = (struct live_ring){ .link = iface->link, .place = place };
	/* Protocol 0: not a packet comes before filter and ring are there. */
	r->fd = socket(AF_PACKET, (iface->link == LIVE_ETHERNET ? SOCK_RAW : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	bool ok = false;
	if (r->fd < 0)
		error_set(e, "interface %s: no packet socket: %s%s", name, strerror(errno),
			  errno == EPERM ? "; it takes root or CAP_NET_RAW" : "");
	else if (!make_ring(r, size, timeout))
		error_set(e, "interface %s: no ring of %zu octets: %s; make the buffer smaller", name, size, strerror(errno));
	else if (!attach(r, &nothing))
		error_set(e, "interface %s: the kernel takes no filter: %s", name, strerror(errno));
	else
		ok = put_on(r, name, iface, promiscuous, e);
	/* On the loopback interface each packet comes twice, out and in. */
	if (ok && iface->loopback)
		(void)option(r, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	if (!ok)
		live_ring_close(r);
	else
		place->block = place->used = 0;
	return ok;
}

bool live_ring_join(struct live_ring *r, const char *name, uint16_t *group, const struct live_program *program,
		    struct error *e)
{
	struct sock_fprog f = { .len = (unsigned short)program->n };
	f.filter = (struct sock_filter *)(uintptr_t)program->insn;
	bool first = *group == 0;
	unsigned kind = PACKET_FANOUT_CBPF | (first ? PACKET_FANOUT_FLAG_UNIQUEID : 0u), join = kind << 16 | *group;
	socklen_t n = sizeof(join);
	if (!option(r, PACKET_FANOUT, &join, sizeof(join)))
		return error_set(e, "interface %s: cannot be shared by several workers: %s%s", name, strerror(errno),
				 r->down ? "; it is down: bring it up first, or use one worker" : "; use one worker");
	if (!first)
		return true;
	if (getsockopt(r->fd, SOL_PACKET, PACKET_FANOUT, &join, &n) != 0 ||
	    !option(r, PACKET_FANOUT_DATA, &f, sizeof(f)))
		return error_set(e, "interface %s: cannot say how workers share it: %s; use one worker", name, strerror(errno));
	*group = (uint16_t)join;
	return true;
}

bool live_ring_filter(struct live_ring *r, const char *name, const struct live_program *program, struct error *e)
{
	return attach(r, program) || error_set(e, "interface %s: the kernel takes no filter of %zu instructions: %s", name,
					       program->n, strerror(errno));
}

bool live_ring_rebind(struct live_ring *r, const char *name, const struct live_iface *iface, bool promiscuous,
		      struct error *e)
{
	return put_on(r, name, iface, promiscuous, e);
}

void live_ring_close(struct live_ring *r)
{
	if (r->map)
		munmap(r->map, r->size);
	if (r->fd >= 0)
		close(r->fd);
	r->map = NULL;
	r->at = NULL;
	r->fd = -1;
}

/* ---- reading ---- */

static struct tpacket_block_desc *block(const struct live_ring *r, uint32_t i)
{
	return (struct tpacket_block_desc *)(void *)(r->map + (size_t)i * r->block_size);
}

static bool ours(const struct tpacket_block_desc *b)
{
	return __atomic_load_n(&b->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER;
}

static struct tpacket3_hdr *step(struct tpacket3_hdr *at, uint32_t octets)
{
	return (struct tpacket3_hdr *)(void *)((uint8_t *)at + octets);
}

/* The place moves on before the block is given back: a reader that dies between the two leaves a block that the next one
 * reads a second time, and not one for which both sides wait. */
static void give_back(struct live_ring *r)
{
	struct tpacket_block_desc *b = block(r, r->place->block);
	r->place->used = 0;
	__atomic_store_n(&r->place->block, (r->place->block + 1) % r->blocks, __ATOMIC_RELEASE);
	r->at = NULL;
	__atomic_store_n(&b->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
}

/* The reader may have come here after another one: behind what that one took. */
static void find_place(struct live_ring *r, const struct tpacket_block_desc *b)
{
	r->at = step((struct tpacket3_hdr *)(uintptr_t)b, b->hdr.bh1.offset_to_first_pkt);
	for (uint32_t i = 0; i < r->place->used && i < b->hdr.bh1.num_pkts; i++)
		r->at = step(r->at, r->at->tp_next_offset);
}

bool live_ring_peek(struct live_ring *r, int64_t *ts)
{
	if (!r->map)
		return false;
	if (!r->at) {
		const struct tpacket_block_desc *b = block(r, r->place->block);
		while (ours(b) && r->place->used >= b->hdr.bh1.num_pkts) {
			give_back(r);
			b = block(r, r->place->block);
		}
		if (!ours(b))
			return false;
		find_place(r, b);
	}
	*ts = (int64_t)r->at->tp_sec * 1000000000 + r->at->tp_nsec;
	return true;
}

/* The tag goes back where it was. The octets in front of the packet are the reserve that make_ring asked for. */
static struct bytes put_tag_back(const struct tpacket3_hdr *h, uint8_t *mac, uint32_t n)
{
	unsigned tpid = h->tp_status & TP_STATUS_VLAN_TPID_VALID ? h->hv1.tp_vlan_tpid : 0x8100u;
	unsigned tci = h->hv1.tp_vlan_tci;
	uint8_t *p = mac - TAG;
	memmove(p, mac, MACS);
	p[MACS] = (uint8_t)(tpid >> 8);
	p[MACS + 1] = (uint8_t)tpid;
	p[MACS + 2] = (uint8_t)(tci >> 8);
	p[MACS + 3] = (uint8_t)tci;
	return (struct bytes){ p, n + TAG };
}

static bool is_ip(const struct tpacket3_hdr *h)
{
	enum { ADDRESS = (sizeof(*h) + TPACKET_ALIGNMENT - 1) / TPACKET_ALIGNMENT * TPACKET_ALIGNMENT };
	const struct sockaddr_ll *from = (const struct sockaddr_ll *)(const void *)((const uint8_t *)h + ADDRESS);
	unsigned type = from->sll_protocol;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	type = __builtin_bswap16((uint16_t)type);
#endif
	return type == ETH_P_IP || type == ETH_P_IPV6;
}

bool live_ring_take(struct live_ring *r, struct packet *packet)
{
	struct tpacket3_hdr *h = r->at;
	struct live_count *count = &r->place->count;
	const struct tpacket_block_desc *b = block(r, r->place->block);
	uint8_t *mac = (uint8_t *)h + h->tp_mac;
	uint32_t n = h->tp_snaplen;
	/* Counted before it is looked at: whoever dies of it does not meet it again. */
	r->place->used++;
	r->at = r->place->used < b->hdr.bh1.num_pkts ? step(h, h->tp_next_offset) : NULL;
	packet->wire_len = h->tp_len;
	packet->linktype = r->link == LIVE_ETHERNET ? LINK_ETHERNET : LINK_RAW;
	packet->data = (struct bytes){ mac, n };
	if (r->link == LIVE_IP && !is_ip(h)) {
		count->alien++;
		return false;
	}
	if (r->link == LIVE_ETHERNET && h->tp_status & TP_STATUS_VLAN_VALID && n >= MACS) {
		packet->data = put_tag_back(h, mac, n);
		packet->wire_len += TAG;
	}
	count->taken++;
	count->taken_octets += packet->wire_len;
	count->cut += packet->wire_len > packet->data.n;
	return true;
}

void live_ring_done(struct live_ring *r)
{
	const struct tpacket_block_desc *b = block(r, r->place->block);
	if (!r->at && ours(b) && r->place->used >= b->hdr.bh1.num_pkts)
		give_back(r);
}

void live_ring_count(struct live_ring *r)
{
	struct tpacket_stats_v3 s;
	socklen_t n = sizeof(s);
	if (r->fd < 0 || getsockopt(r->fd, SOL_PACKET, PACKET_STATISTICS, &s, &n) != 0)
		return;
	r->place->count.received += s.tp_packets;
	r->place->count.dropped += s.tp_drops;
	r->place->count.freezes += s.tp_freeze_q_cnt;
}

unsigned live_ring_fill(const struct live_ring *r)
{
	uint32_t at = __atomic_load_n(&r->place->block, __ATOMIC_ACQUIRE), n = 0;
	if (!r->map)
		return 0;
	while (n < r->blocks && ours(block(r, (at + n) % r->blocks)))
		n++;
	return (unsigned)((uint64_t)n * 1000 / r->blocks);
}
