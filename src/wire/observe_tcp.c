/* observe_tcp: see observe_tcp.h. Knows TCP and addresses, nothing of what was said. */
#include "wire/observe_tcp.h"

#include "text.h"
#include "wire/flow_end.h"
#include "wire/observe_path.h"

static void address_text(struct record *r, enum fact f, const struct addr *a)
{
	char buf[48];
	struct text t = { buf, 0, sizeof(buf), false };
	text_addr(&t, a);
	record_str(r, f, (struct bytes){ (uint8_t *)buf, t.n });
}

static void endpoints(struct record *r, const struct flow *fl)
{
	const struct flow_side *c = &fl->side[C2S], *s = &fl->side[S2C];
	record_addr(r, F_src_ip, &c->addr);
	address_text(r, F_src_address, &c->addr);
	record_num(r, F_src_port, c->port);
	record_addr(r, F_dst_ip, &s->addr);
	address_text(r, F_dst_address, &s->addr);
	record_num(r, F_dst_port, s->port);
	record_addr(r, F_cli_ip, &c->addr);
	record_num(r, F_cli_port, c->port);
	record_addr(r, F_srv_ip, &s->addr);
	record_num(r, F_srv_port, s->port);
	record_add(r, F_related_ip, record_get_str(r, F_src_ip));
	if (memcmp(&c->addr, &s->addr, sizeof(c->addr)) != 0)
		record_add(r, F_related_ip, record_get_str(r, F_dst_ip));
}

static void counts(struct record *r, const struct flow *fl)
{
	const struct flow_side *c = &fl->side[C2S], *s = &fl->side[S2C];
	record_num(r, F_src_bytes, (int64_t)c->octets);
	record_num(r, F_src_packets, (int64_t)c->packets);
	record_num(r, F_dst_bytes, (int64_t)s->octets);
	record_num(r, F_dst_packets, (int64_t)s->packets);
	record_num(r, F_net_bytes, (int64_t)(c->octets + s->octets));
	record_num(r, F_net_packets, (int64_t)(c->packets + s->packets));
	record_num(r, F_event_start, fl->first);
	record_num(r, F_event_end, fl->last);
	record_num(r, F_event_duration, fl->last - fl->first);
	record_num(r, F_cap_frame_first, (int64_t)fl->first_number);
}

static void names(struct record *r, struct ident *ident, const struct flow *fl)
{
	char community[IDENT_COMMUNITY], session[IDENT_SESSION + 1];
	const struct flow_side *c = &fl->side[C2S], *s = &fl->side[S2C];
	size_t n = ident_community(ident, &c->addr, c->port, &s->addr, s->port, community);
	struct bytes id = { (uint8_t *)community, n };
	record_str(r, F_net_community_id, id);
	ident_session(ident, id, c->syn ? c->isn : fl->streams.side[C2S].seq0, s->syn ? s->isn : fl->streams.side[S2C].seq0,
		      fl->first, session);
	record_cstr(r, F_event_id, session);
}

/* What names the connection to every sensor on its path, through translators of addresses, too. Who begins at 0 may always do so. */
static void numbers(struct record *r, const struct flow *fl)
{
	char buf[17];
	if (!fl->side[C2S].syn || !fl->side[S2C].syn || fl->syn_conflict || !fl->side[C2S].isn || !fl->side[S2C].isn)
		return;
	for (size_t i = 0; i < 8; i++) {
		buf[i] = "0123456789abcdef"[fl->side[C2S].isn >> (28 - 4 * i) & 15];
		buf[i + 9] = "0123456789abcdef"[fl->side[S2C].isn >> (28 - 4 * i) & 15];
	}
	buf[8] = '-';
	record_str(r, F_tcp_isn, (struct bytes){ (const uint8_t *)buf, sizeof(buf) });
}

static enum endhow ending(const struct flow *fl)
{
	const struct flow_side *c = &fl->side[C2S], *s = &fl->side[S2C];
	if (flow_end_reset(fl, C2S) || flow_end_reset(fl, S2C))
		return endhow_rst;
	if (c->fin || s->fin)
		return endhow_fin;
	if (fl->end == FLOW_END_TIMEOUT)
		return endhow_timeout;
	return fl->end == FLOW_END_EVICTED ? endhow_evicted : endhow_none;
}

static void encapsulation(struct record *r, const struct flow *fl)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} table[] = { { ENCAP_VLAN, "vlan" }, { ENCAP_QINQ, "qinq" }, { ENCAP_8021BR, "802.1br" }, { ENCAP_PPPOE, "pppoe" },
		      { ENCAP_MPLS, "mpls" }, { ENCAP_TUNNEL, "tunnel" }, { ENCAP_FRAGMENT, "fragments" } };
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (fl->encap & table[i].bit)
			record_add_cstr(r, F_cap_encap, table[i].name);
	if (fl->vlans) {
		char buf[8];
		struct text t = { buf, 0, sizeof(buf), false };
		text_num(&t, fl->vlan[0] & 0xfff);
		record_str(r, F_net_vlan, (struct bytes){ (uint8_t *)buf, t.n });
	}
}

static enum tri tri(bool yes)
{
	return yes ? TRI_YES : TRI_NO;
}

static void coverage(struct record *r, const struct flow *fl, const struct tcp_hints *hints)
{
	const struct stream *c = &fl->streams.side[C2S], *s = &fl->streams.side[S2C];
	bool midstream = (c->octets && c->midstream) || (s->octets && s->midstream);
	record_tri(r, F_cap_syn, tri(fl->side[C2S].syn && fl->side[S2C].syn));
	record_tri(r, F_cap_start, tri(!midstream && fl->side[C2S].packets && fl->side[S2C].packets &&
				       c->gap_first != 0 && s->gap_first != 0));
	record_num(r, F_cap_end, ending(fl));
	record_tri(r, F_cap_c2s, tri(c->octets > c->gap_octets));
	record_tri(r, F_cap_s2c, tri(s->octets > s->gap_octets));
	record_num(r, F_cap_gap_c2s, (int64_t)c->gap_octets);
	record_num(r, F_cap_gap_s2c, (int64_t)s->gap_octets);
	record_tri(r, F_cap_gap_dialogue, tri(hints->dialogue_gap));
	record_tri(r, F_cap_midstream, tri(midstream));
	record_tri(r, F_cap_one_direction, tri(!fl->side[C2S].packets || !fl->side[S2C].packets));
	record_tri(r, F_cap_snaplen, tri(hints->cut));
	record_num(r, F_cap_conflicts, c->conflicts + s->conflicts);
	record_tri(r, F_cap_limit, tri(c->limit || s->limit));
	encapsulation(r, fl);
}

void observe_tcp(struct record *r, struct ident *ident, const struct flow *fl, const struct tcp_hints *hints)
{
	record_cstr(r, F_net_transport, "tcp");
	record_cstr(r, F_net_type, fl->side[C2S].addr.v == 4 ? "ipv4" : "ipv6");
	record_cstr(r, F_net_iana, "6");
	record_cstr(r, F_net_protocol, "smtp");
	record_num(r, F_service, hints->service);
	endpoints(r, fl);
	counts(r, fl);
	names(r, ident, fl);
	numbers(r, fl);
	coverage(r, fl, hints);
	observe_path(r, fl, hints);
}
