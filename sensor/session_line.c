/* session_line: see session_line.h. Lines come over networks: whoever can write one can claim a session, but not make one that the
 * rest of the judge cannot bear. */
#include "session_line.h"

#include "event_read.h"
#include "store.h"

static bool blank(struct bytes line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r' && line.p[i] != '\n')
			return false;
	return true;
}

/* "1.0", "1.12" */
static bool known_schema(struct bytes schema)
{
	return schema.n > 1 && schema.p[0] == '0' + SESSION_LINE_SCHEMA && schema.p[1] == '.';
}

/* What a session cannot be without; NULL: it has all. */
static const char *lacks(const struct record *r, int64_t latest)
{
	const int64_t start = record_get_num(r, F_event_start, INT64_MAX), end = record_get_num(r, F_event_end, INT64_MIN);
	const size_t id = record_get_str(r, F_event_id).n;
	if (!known_schema(record_get_str(r, F_schema)))
		return "mxwitness.schema is of another version";
	if (id == 0 || id > STORE_ID)
		return "event.id is missing or too long";
	if (start < 0 || end < start)
		return "event.start and event.end are missing, or the wrong way round";
	if (end > latest)
		return "event.end is ahead of this machine's clock, by more than --ahead";
	if (!record_has(r, F_src_ip) || !record_has(r, F_dst_ip))
		return "source.ip or destination.ip is missing";
	return NULL;
}

enum session_line session_line_read(struct bytes line, int64_t latest, struct record *r, const char **why)
{
	if (blank(line)) {
		*why = NULL;
		return SESSION_LINE_EMPTY;
	}
	*why = "not one whole JSON object";
	if (!event_read(line, r))
		return SESSION_LINE_BAD;
	*why = "not an event of mxwitness";
	if (!bytes_eq(record_get_str(r, F_event_module), bytes_of("mxwitness")) || !record_has(r, F_event_dataset))
		return SESSION_LINE_BAD;
	*why = NULL;
	if (!bytes_eq(record_get_str(r, F_event_dataset), bytes_of("mxwitness.session")))
		return SESSION_LINE_OTHER;
	*why = lacks(r, latest);
	return *why ? SESSION_LINE_BAD : SESSION_LINE_SESSION;
}
