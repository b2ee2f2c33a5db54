/* log: the sensor's own words, one line each, to standard error: with the journal's priority in front when standard error is
 * the journal's, else with the process in front. Never a secret, never an address's local part. */
#ifndef LOG_H
#define LOG_H

/* As syslog has them (RFC 5424 6.2.1). */
enum log_priority { SAY_ERROR = 3, SAY_WARNING = 4, SAY_NOTICE = 5, SAY_INFO = 6, SAY_DEBUG = 7 };

/* name: of this process, kept as it is. Lines less urgent than least are left out. */
void log_open(const char *name, enum log_priority least);
void log_line(enum log_priority level, const char *format, ...) __attribute__((format(printf, 2, 3)));
#endif
