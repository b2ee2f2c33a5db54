/* format: what an event becomes for an output: by its format (ecs, cef, leef, eve), and, for a syslog receiver, with the header
 * and structured data of RFC 5424 in front. The lines themselves are made by json.h, cef.h, leef.h, eve.h and syslog.h. */
#ifndef FORMAT_H
#define FORMAT_H
#include "record.h"
#include "settings.h"
#include "text.h"

/* enum dataset of an event. */
unsigned format_dataset(const struct record *event);
/* Does the output want it, by its datasets and its level? */
bool format_wanted(const struct output_settings *o, const struct record *event);
/* Appends the event in the output's format. line: with a newline at its end (file, unix). sensor: its name, for HOST of syslog.
 * false: it is no possible event, or there is no room; nothing is appended then. */
bool format_event(const struct output_settings *o, const char *sensor, const struct record *event, bool line, struct text *out);
/* What it is called: its name, or its type and where it leads, in letters that can stand in a file name ("syslog-siem.example-6514"). */
void format_name(const struct output_settings *o, char *name, size_t size);
#endif
