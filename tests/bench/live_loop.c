/* live_loop: what live capture costs and sees, without the rest of the sensor.
 *
 *	live_loop bare IFACE                    libpcap alone: counts packets, looks at none
 *	live_loop watch IFACE[,IFACE] [WORKERS [BUFFER_MIB [SHUNT_OCTETS]]]   source_live, pipeline, one process a worker
 *	live_loop file FILE...                  the same packets and sessions from captures
 *
 * Each says "ready" when packets may come. watch ends a second after the last one, bare with SIGTERM. A line for each
 * session, and a line of counts at the end. */
#include <pcap/pcap.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shunt.h"
#include "source.h"
#include "source_live.h"
#include "wire/pipeline.h"

static const uint16_t mail[] = { 25, 465, 587, 2525 };
static const struct live_filter_config filter = { .mail = mail, .nmail = 4 };

struct totals {
	uint64_t packets, octets, sessions, left_out, quiet;
	int64_t first, last;
};

static struct source_live *source;
static struct shunt *shunt;
static struct totals *totals;
static pcap_t *bare;

static double cpu(int who)
{
	struct rusage u;
	getrusage(who, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6 + (double)u.ru_stime.tv_sec +
	       (double)u.ru_stime.tv_usec / 1e6;
}

static struct pipeline *new_pipeline(uint64_t quiet)
{
	struct pipeline_config c = { .ports = { { 25, false }, { 465, true }, { 587, false }, { 2525, false } }, .nports = 4,
				     .flows = 65536, .dialogues = 8192, .budget = 128 << 20, .quiet = quiet };
	return pipeline_new(&c);
}

static void tell(const struct record *r)
{
	struct bytes host = record_get_str(r, F_dst_address), from = record_get_str(r, F_src_address);
	printf("session %.*s:%lld %.*s:%lld bytes %lld/%lld packets %lld tls %d gaps %lld/%lld\n", (int)from.n,
	       (const char *)from.p, (long long)record_get_num(r, F_src_port, 0), (int)host.n, (const char *)host.p,
	       (long long)record_get_num(r, F_dst_port, 0), (long long)record_get_num(r, F_src_bytes, -1),
	       (long long)record_get_num(r, F_dst_bytes, -1), (long long)record_get_num(r, F_net_packets, -1),
	       (int)record_get_tri(r, F_tls_established), (long long)record_get_num(r, F_cap_gap_c2s, -1),
	       (long long)record_get_num(r, F_cap_gap_s2c, -1));
}

static void take_items(struct pipeline *p, struct totals *t)
{
	struct pipeline_out out;
	struct quiet_count count;
	enum pipeline_item item;
	while ((item = pipeline_next(p, &out)) != PIPELINE_NONE) {
		switch (item) {
		case PIPELINE_SESSION:
			t->sessions++;
			tell(out.session);
			break;
		case PIPELINE_QUIET:
			t->quiet++;
			shunt_add(shunt, &out.quiet);
			break;
		case PIPELINE_COUNT:
			shunt_read(shunt, &out.quiet, &count);
			pipeline_counted(p, &count);
			if (out.quiet_ends) {
				t->left_out += count.packets[C2S] + count.packets[S2C];
				shunt_end(shunt, &out.quiet);
			}
			break;
		case PIPELINE_DNS:
		case PIPELINE_LOOK:
		case PIPELINE_NONE:
			break;
		}
	}
}

static void take_packet(struct pipeline *p, const struct packet *k, struct totals *t)
{
	t->first = t->first ? t->first : k->ts;
	t->last = k->ts;
	t->packets++;
	t->octets += k->wire_len;
	pipeline_push(p, k);
	take_items(p, t);
}

static void on_signal(int signal)
{
	(void)signal;
	if (source)
		source_live_stop(source);
	if (bare)
		pcap_breakloop(bare);
}

/* ---- watch ---- */

static int worker(unsigned w, uint64_t quiet)
{
	struct pipeline *p = new_pipeline(quiet);
	struct packet k;
	enum live_result r;
	source_live_take(source, w);
	while (p && (r = source_live_next(source, 1000, &k)) != LIVE_END) {
		if (r == LIVE_PACKET)
			take_packet(p, &k, &totals[w]);
		else if (r == LIVE_TIMEOUT && totals[w].packets)
			break;
	}
	if (!p)
		return 2;
	pipeline_finish(p);
	take_items(p, &totals[w]);
	pipeline_free(p);
	fflush(stdout);
	return 0;
}

static int add_shunt(size_t ifaces, unsigned workers)
{
	struct error e;
	if (!(shunt = shunt_open(65536, &e))) {
		fprintf(stderr, "shunt: %s\n", e.text);
		return 2;
	}
	for (unsigned w = 0; w < workers; w++)
		for (size_t i = 0; i < ifaces; i++)
			if (!shunt_attach(shunt, source_live_fd(source, w, i), source_live_program(source, i),
					  source_live_link(source, i), &e)) {
				fprintf(stderr, "shunt: %s\n", e.text);
				return 2;
			}
	return 0;
}

static void report(size_t ifaces, unsigned workers)
{
	struct totals all = { 0 };
	struct live_count sum = { 0 };
	for (unsigned w = 0; w < workers; w++) {
		for (size_t i = 0; i < ifaces; i++) {
			struct live_count c;
			source_live_count(source, w, i, &c);
			sum.received += c.received;
			sum.dropped += c.dropped;
		}
		all.packets += totals[w].packets;
		all.octets += totals[w].octets;
		all.sessions += totals[w].sessions;
		all.left_out += totals[w].left_out;
		all.quiet += totals[w].quiet;
		if (totals[w].last - totals[w].first > all.last)
			all.last = totals[w].last - totals[w].first;
		printf("worker %u packets %llu\n", w, (unsigned long long)totals[w].packets);
	}
	printf("total packets %llu octets %llu sessions %llu received %llu dropped %llu quiet %llu left_out %llu ms %lld cpu_ms "
	       "%.0f\n", (unsigned long long)all.packets, (unsigned long long)all.octets, (unsigned long long)all.sessions,
	       (unsigned long long)sum.received, (unsigned long long)sum.dropped, (unsigned long long)all.quiet,
	       (unsigned long long)all.left_out, (long long)(all.last / 1000000), cpu(RUSAGE_CHILDREN) * 1000);
}

static int watch(char *list, unsigned workers, size_t buffer, uint64_t quiet)
{
	const char *names[LIVE_IFACES];
	size_t n = 0;
	struct error e;
	for (char *name = strtok(list, ","); name && n < LIVE_IFACES; name = strtok(NULL, ","))
		names[n++] = name;
	struct live_config c = { .iface = names, .ifaces = n, .workers = workers, .timeout = 50, .buffer = buffer << 20,
				 .seed = (uint32_t)getpid(), .promiscuous = true, .filter = filter };
	source = source_live_open(&c, &e);
	if (!source) {
		fprintf(stderr, "%s\n", e.text);
		return 2;
	}
	totals = mmap(NULL, workers * sizeof(*totals), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (quiet && add_shunt(n, workers) != 0)
		return 2;
	printf("ready\n");
	fflush(stdout);
	for (unsigned w = 0; w < workers; w++)
		if (fork() == 0)
			_exit(worker(w, quiet));
	while (wait(NULL) > 0)
		;
	report(n, workers);
	source_live_close(source);
	return 0;
}

/* ---- file ---- */

static int file(char **paths, int n)
{
	static struct live_program program;
	struct totals t = { 0 };
	struct packet k;
	struct error e;
	enum source_result r;
	struct source *s = source_open(paths, n, &e);
	struct pipeline *p = new_pipeline(0);
	if (!s || !p || !live_filter_build(&program, LIVE_ETHERNET, &filter, &e)) {
		fprintf(stderr, "%s\n", e.text);
		return 2;
	}
	while ((r = source_next(s, &k)) != SOURCE_END)
		if (r == SOURCE_PACKET && k.linktype == 1 &&
		    bpf_filter((const struct bpf_insn *)(const void *)program.insn, k.data.p, (unsigned)k.wire_len, (unsigned)k.data.n))
			take_packet(p, &k, &t);
	pipeline_finish(p);
	take_items(p, &t);
	printf("total packets %llu octets %llu sessions %llu\n", (unsigned long long)t.packets,
	       (unsigned long long)t.octets, (unsigned long long)t.sessions);
	source_close(s);
	pipeline_free(p);
	return 0;
}

/* ---- bare ---- */

static int count_bare(const char *iface)
{
	char why[PCAP_ERRBUF_SIZE];
	struct bpf_program f;
	struct pcap_pkthdr *h;
	struct pcap_stat st;
	const u_char *data;
	uint64_t n = 0, octets = 0;
	bare = pcap_create(iface, why);
	if (!bare || pcap_set_snaplen(bare, 262144) || pcap_set_buffer_size(bare, 64 << 20) || pcap_set_timeout(bare, 50) ||
	    pcap_activate(bare) < 0 || pcap_compile(bare, &f, "tcp port 25 or 465 or 587 or 2525", 1, 0) ||
	    pcap_setfilter(bare, &f)) {
		fprintf(stderr, "%s: %s\n", iface, bare ? pcap_geterr(bare) : why);
		return 2;
	}
	printf("ready\n");
	fflush(stdout);
	int rc;
	while ((rc = pcap_next_ex(bare, &h, &data)) >= 0) {
		n += rc == 1;
		octets += rc == 1 ? h->len : 0;
	}
	pcap_stats(bare, &st);
	printf("total packets %llu octets %llu received %u dropped %u cpu_ms %.0f\n", (unsigned long long)n,
	       (unsigned long long)octets, st.ps_recv, st.ps_drop, cpu(RUSAGE_SELF) * 1000);
	pcap_close(bare);
	return 0;
}

static unsigned long number(char **argv, int argc, int i, unsigned long otherwise)
{
	return i < argc ? strtoul(argv[i], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[1] : "";
	signal(SIGTERM, on_signal);
	setvbuf(stdout, NULL, _IOLBF, 0); /* workers share it */
	if (strcmp(mode, "bare") == 0)
		return count_bare(argv[2]);
	if (strcmp(mode, "file") == 0)
		return file(argv + 2, argc - 2);
	if (strcmp(mode, "watch") == 0)
		return watch(argv[2], (unsigned)number(argv, argc, 3, 1), number(argv, argc, 4, 64), number(argv, argc, 5, 0));
	fprintf(stderr, "usage: live_loop bare IFACE | watch IFACE[,IFACE] [WORKERS [MIB [OCTETS]]] | file FILE...\n");
	return 2;
}
