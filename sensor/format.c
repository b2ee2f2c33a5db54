/* format: see format.h. Each format is a file of its own in src/; here is which one an output has, and how much room. */
#include "format.h"

#include "cef.h"
#include "eve.h"
#include "json.h"
#include "leef.h"
#include "syslog.h"
#include "value.h"

_Static_assert((int)dataset_session == (int)OF_SESSION && (int)dataset_alert == (int)OF_ALERT && (int)dataset_stats == (int)OF_STATS &&
	       (int)dataset_posture == (int)OF_POSTURE && (int)dataset_COUNT == (int)VALUE_DATASETS, "the same order in both");

unsigned format_dataset(const struct record *event)
{
	return value_dataset(event);
}

bool format_wanted(const struct output_settings *o, const struct record *event)
{
	const unsigned dataset = format_dataset(event);
	const bool below = dataset == dataset_alert && record_get_num(event, F_alert_level, 0) < (int64_t)o->minimum_level;
	return o->datasets >> dataset & 1 && !below;
}

/* Every line ends in a newline, which is for files and streams. */
static bool body(const struct output_settings *o, const struct record *event, size_t max, struct text *out)
{
	switch ((enum output_format)o->format) {
	case output_format_ecs:
		return json_event(event, max, out);
	case output_format_cef:
		return cef_event(event, max, out);
	case output_format_leef:
		return leef_event(event, max, out);
	case output_format_eve:
		return eve_event(event, max, out);
	case output_format_COUNT:
		break;
	}
	return false;
}

bool format_event(const struct output_settings *o, const char *sensor, const struct record *event, bool line, struct text *out)
{
	const bool syslog = o->type == output_type_syslog;
	const size_t before = out->n;
	if (syslog && !syslog_header(event, o->facility, o->sd_id, sensor, out))
		return false;
	const size_t alone = format_dataset(event) == dataset_alert ? JSON_ALERT_LINE : JSON_LINE;
	const size_t most = syslog ? SYSLOG_MESSAGE - (out->n - before) : alone;
	/* what cannot be cut so far as every receiver takes it goes as it is: some take more, and none could tell that it was lost */
	if (!body(o, event, most, out) && !body(o, event, JSON_LINE, out)) {
		out->n = before;
		return false;
	}
	out->n -= !line;
	return true;
}

static bool plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_';
}

/* Letters that cannot stand in a file's name are dashes; none comes first that hides it. */
void format_name(const struct output_settings *o, char *name, size_t size)
{
	static const char *const type[output_type_COUNT] = { [output_type_file] = "file", [output_type_syslog] = "syslog",
		[output_type_unix] = "unix", [output_type_nats] = "nats", [output_type_kafka] = "kafka" };
	const char *parts[] = { o->name ? o->name : type[o->type], o->name ? "" : "-",
				o->name ? "" : o->address ? o->address : o->path ? o->path : "standard-output" };
	size_t n = 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (const char *p = parts[i]; *p && n + 1 < size; p++, n++)
			name[n] = plain(*p) && (n || *p != '.') ? *p : '-';
	name[n] = '\0';
}
